"""Owners of assets, as the UI shows them. Each asset names one of them."""

DATA_TEAM = ["team:data"]
MODEL_TEAM = ["team:models"]
