"""What may be chosen for the datasets made from documentation."""

from pydantic import Field

from rl_assets.datasets.policies import Policy


class MultimodalPolicy(Policy):
    """Questions about documentation, each with a catalogue of images to choose from."""

    distractors: int = Field(5, ge=4, le=20, description="Images of other pages beside the right one.")
    negatives: float = Field(0.3, ge=0.2, le=0.8, description="Share of questions that need no image.")
    max_rows: int = Field(100_000, ge=1, description="Most questions that need an image, the most confident first.")
