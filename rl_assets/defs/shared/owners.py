"""Who owns assets, as the UI shows it."""

DATA_TEAM = ["team:data"]
MODEL_TEAM = ["team:models"]
