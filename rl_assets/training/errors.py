"""Why a training did not give an adapter. All state the observed value and what to do."""

from collections.abc import Iterator
from typing import Any

from rl_assets.models.adapters import Check
from rl_assets.models.chat_template import PROMPT_MISMATCH, REFUSED, WITH_CONTROL_TOKENS
from rl_assets.models.memory import DeviceMemoryError

OF_OTHER_SEGMENTS, TOO_LONG = "of other segments", "too long"
OF_OTHER_HALF = "of the other half"
# What to do about rows that are dropped for a reason.
REMEDIES = {
    OF_OTHER_SEGMENTS: "Change or remove the recipe's segment, agents, categories, tasks or sources, which drop the "
    "others.",
    OF_OTHER_HALF: "Remove the recipe's reward.half, which leaves half of the pairs to another reward model.",
    TOO_LONG: "Raise the recipe's max_length, or set on_overlong: cut to shorten long conversations; `tiny` holds 2048 "
    "tokens, some 3,800 characters, other base models more.",
    REFUSED: "The base model's chat template refuses or leaves out the system turn, or refuses the order of turns: set "
    "the recipe's chat_template.on_system_refused: merge to put a system turn into the user's first one, or choose "
    "another base model.",
    WITH_CONTROL_TOKENS: "Texts hold control tokens of the base model, such as `<|im_end|>`, which it would read as "
    "turns: set the recipe's chat_template.on_control_tokens: escape to train on them as texts.",
    PROMPT_MISMATCH: "The chat template serves a prompt that it does not train, such as one that opens `<think>`: "
    "choose a base model or a template that does not, or set the recipe's chat_template.on_prompt_mismatch: keep.",
}
# The same for answers of which no row was made, by the reason that `dataset_ledger` gives.
ANSWER_REMEDIES = {
    "no_reward": "Most answers have no reward: land ratings, thumbs, scores or corrections of them, or say with "
    "RL_ASSETS_METRICS which of several scores is `overall`.",
    "low_reward": "Most answers are rated below the dataset's minimum: choose another preset or min_reward.",
    "synthetic_not_asked_for": "Most rewards are synthetic: add synthetic to the dataset's option sources, if you want "
    "them.",
    "no_partner": "Most prompts have one answer: pairs and groups need several answers to one prompt, or preferences.",
    "too_few_answers": "Most prompts have one answer: pairs and groups need several answers to one prompt.",
    "not_the_best": "Most answers repeat a prompt that has a row already.",
    "pooled": "Most answers repeat an answer to one prompt: they count as one.",
}
WAIT = "Wait for more feedback, widen the window, or lower the recipe's minimum of rows."
NO_ANSWERS = "Its window has no answers: look at ingested_files and rejected_records."
ALIKE = (
    "Prompts that are near duplicates of each other stay in one split as a whole, and most of yours are alike: land "
    "more kinds of prompts."
)
MAX_REASONS = 3
FIELDS = ("usable", "needed", "where", "dropped", "answers", "held_out")


class NotEnoughRows(ValueError):
    """Fewer usable rows than the recipe asks for; nothing was trained.

    `dropped` counts rows of the dataset that cannot be used, `answers` those of its window that no row was made of, if
    that is known, and `held_out` the rows of other splits.
    """

    def __init__(
        self,
        usable: int,
        needed: int,
        where: str,
        dropped: dict[str, int],
        answers: dict[str, int] | None = None,
        held_out: int = 0,
    ):
        self.usable, self.needed, self.where, self.dropped = usable, needed, where, dropped
        self.answers, self.held_out = answers, held_out
        lost = f" ({', '.join(f'{count} {reason}' for reason, count in dropped.items())})" if dropped else ""
        super().__init__(
            f"{where} has {usable} usable rows{lost}, training needs {needed}. {' '.join(self._remedies())}"
        )

    def as_dict(self) -> dict[str, Any]:
        """What another process needs to raise the same."""
        return {name: getattr(self, name) for name in FIELDS}

    def _remedies(self) -> Iterator[str]:
        """What would help: the rows may be there but be dropped or held out, or the answers but make no rows."""
        rows = self.usable + sum(self.dropped.values())
        reason = max(self.dropped, key=lambda name: self.dropped[name], default="")
        if reason and self.dropped[reason] > self.usable:
            yield REMEDIES.get(reason, f"Most are dropped as {reason}.")
        if rows >= self.needed:
            return
        if self.held_out > rows:
            yield f"{self.held_out} rows are held out for evaluation. {ALIKE}"
        elif self.answers:
            yield from self._remedies_of_answers(self.answers)
        else:
            yield WAIT if self.answers is None or rows else NO_ANSWERS

    def _remedies_of_answers(self, answers: dict[str, int]) -> Iterator[str]:
        most = sorted(answers, key=lambda name: (-answers[name], name))[:MAX_REASONS]
        yield ANSWER_REMEDIES.get(most[0], WAIT)
        counts = ", ".join(f"{answers[name]} {name}" for name in most)
        yield f"Answers without a row: {sum(answers.values())} ({counts}); see dataset_ledger."


class NoSignal(ValueError):
    """All rewards were equal from the start: there was nothing to learn, and nothing was published."""


class TrainingRefused(ValueError):
    """The data or the parent adapter are wrong, and stay wrong however often it is tried; nothing was trained.

    `check` is the check that failed, if it is one that the adapter would have answered.
    """

    def __init__(self, reason: str, check: Check | None = None):
        super().__init__(reason)
        self.check = check


class UntrainableRows(TrainingRefused):
    """Rows whose loss mask is empty or leaves out the end of the turn, or that are all of one kind."""


class WrongReferenceError(TrainingRefused):
    """Before any update the policy differs from its reference: the preference loss would start from a bias."""


class TrainingDiverged(RuntimeError):
    """The loss, its gradient or the weights are no finite numbers any more.

    `last_good_step` is the last step whose weights gave a finite loss: checkpoints of later ones are of no use.
    """

    def __init__(self, reason: str, last_good_step: int = 0):
        super().__init__(reason)
        self.last_good_step = last_good_step


class DiskFullError(OSError):
    """Weights or a checkpoint could not be written completely."""


class ProcessesFailed(RuntimeError):
    """A process of a training over several GPUs ended with an error."""


# What data, configuration or size of a machine cause: the next attempt would end alike. Dead processes, full disks and
# lost connections are none of these.
PERMANENT = (ValueError, TypeError, LookupError, FileNotFoundError, TrainingDiverged, DeviceMemoryError)
