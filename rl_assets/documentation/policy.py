"""What may be chosen for the datasets made from documentation."""

from pydantic import Field

from rl_assets.datasets.policies import Policy


class MultimodalPolicy(Policy):
    """Questions about documentation, each with a catalogue of images to choose from."""

    distractors: int = Field(5, ge=4, le=20, description="Images of other pages beside the right one.")
    negatives: float = Field(0.3, ge=0.2, le=0.8, description="Share of questions that need no image.")
    max_rows: int = Field(100_000, ge=1, description="Most questions that need an image, the most confident first.")


class VisionPolicy(Policy):
    """Pictures of documentation with what their pages say, for vision-language models."""

    longest_edge: int = Field(1024, ge=32, le=4096, description="Pictures are made this small, in pixels.")
    quality: int = Field(90, ge=1, le=100, description="WebP quality of the pictures.")
    max_rows: int = Field(100_000, ge=1, description="Most rows, the most confident first.")
