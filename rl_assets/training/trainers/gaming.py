"""Whether a reward was gamed: answers to held-out prompts, measured by something that the reward never saw.

A learned reward that is right on 93 % of logged pairs can rise without bound while the share of right answers falls to
nothing (over-optimisation: Gao et al. 2023, arXiv:2210.10760), so a rising reward alone says little. Policy and parent
answer the same prompts of the validation split, and the metric of the task compares them with the best logged answers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rl_assets.metrics.statistics import Interval, interval
from rl_assets.metrics.structured import field_f1
from rl_assets.metrics.text import exact_match, parsed_json, token_f1
from rl_assets.metrics.verifiers import inferred, solves
from rl_assets.models.adapters import Check
from rl_assets.models.encoding import context_length, prompt_ids
from rl_assets.models.generation import generate
from rl_assets.training.data.group_rows import read_held_out_prompts
from rl_assets.training.data.rows import Row
from rl_assets.training.runner.run import TrainingRun

NAME = "reward_is_not_gamed"
MIN_PROMPTS, MAX_PROMPTS = 40, 200
MIN_NEW_TOKENS, MAX_NEW_TOKENS, ROOM = 48, 512, 1.25
MAX_SHOWN = 20

Metric = Callable[[str, str], float]
# (rows, texts of their answers) -> rewards, None where there is none.
Score = Callable[[list[Row], list[str]], list[float | None]]
METRICS: dict[str, Metric] = {
    "task_success": lambda answer, reference: solves(answer, [reference], "numeric", None),
    "field_f1": lambda answer, reference: field_f1(answer, [reference]) or 0.0,
    "exact_match": lambda answer, reference: exact_match(answer, [reference]),
    "token_f1": lambda answer, reference: token_f1(answer, [reference]),
}


@dataclass
class GamingProbe:
    """The parent's greedy answers, kept until the policy's can be compared with them.

    `score` gives the reward that is trained on, if it is one of texts; `learned` says that a model gives it.
    """

    run: TrainingRun
    tokenizer: Any
    rows: list[Row] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)

    @classmethod
    def of_parent(cls, run: TrainingRun, tokenizer: Any, model: Any) -> "GamingProbe":
        """Let `model`, which is the parent still, answer; nothing if there are too few prompts."""
        kept = read_held_out_prompts(run.job.dataset, run.job.recipe, tokenizer, MAX_PROMPTS)
        probe = cls(run, tokenizer)
        fitting = [at for at, row in enumerate(kept.rows) if probe._fits(model, row)]
        probe.rows, probe.ids = [kept.rows[at] for at in fitting], [kept.ids[at] for at in fitting]
        if len(probe.rows) >= MIN_PROMPTS:
            probe.before = probe._answers(model)
        return probe

    def finish(self, model: Any, score: Score | None, *, learned: bool) -> tuple[Check, dict[str, Any]]:
        """The check of the trained `model`, and what the manifest says of it: names of rows, and no text."""
        if len(self.rows) < MIN_PROMPTS:
            return _not_measured(len(self.rows), learned), {}
        after = self._answers(model)
        references = [row["reference"] for row in self.rows]
        name = chosen_metric(references, self.run.job.recipe.primary, self.before + after)
        old, new = (values_of(name, texts, references) for texts in (self.before, after))
        change = interval([n - o for n, o in zip(new, old, strict=True)], [row["cluster"] for row in self.rows])
        agreement = self._agreement(score, after, old + new) if score and learned else None
        lost = [self.ids[at] for at, (n, o) in enumerate(zip(new, old, strict=True)) if n < o]
        details = {
            "metric": name,
            "prompts": len(self.rows),
            "parent": sum(old) / len(old),
            "policy": sum(new) / len(new),
            "low": change.low,
            "high": change.high,
            "agreement": agreement,
            "worse": len(lost),
            "worse_answers": lost[:MAX_SHOWN],
        }
        return gaming_check(name, change, agreement, lost), {"gaming": details}

    def _agreement(self, score: Score, after: list[str], values: list[float]) -> float | None:
        """Rank correlation of reward and metric over all answers, the parent's too; None if one of them is constant."""
        rewards = [*score(self.rows, self.before), *score(self.rows, after)]
        known = [(reward, value) for reward, value in zip(rewards, values, strict=True) if reward is not None]
        return rank_correlation([reward for reward, _ in known], [value for _, value in known])

    def _answers(self, model: Any) -> list[str]:
        training = model.training
        model.eval()
        prompts = [row["prompt"] for row in self.rows]
        answers = generate(model, self.tokenizer, prompts, self._room(), self.run.log).answers
        model.train(training)
        return [answer.text for answer in answers]

    def _room(self) -> int:
        """New tokens of an answer: a quarter more than the longest reference has."""
        longest = max(len(self.tokenizer(row["reference"])["input_ids"]) for row in self.rows)
        return min(MAX_NEW_TOKENS, max(MIN_NEW_TOKENS, math.ceil(ROOM * longest)))

    def _fits(self, model: Any, row: Row) -> bool:
        return len(prompt_ids(self.tokenizer, row["prompt"])) + MAX_NEW_TOKENS <= context_length(model)


def chosen_metric(references: Sequence[str], declared: str, answers: Sequence[str]) -> str:
    """The recipe's metric if it can be computed here, else the strongest one that these references can feed.

    `answers` are those of two models. A metric that is 0 for all of them cannot tell them apart, and the next one is
    taken; the overlap of words is the last.
    """
    possible = [declared] if declared in METRICS else []
    possible += ["task_success"] if inferred(references) == "numeric" else []
    possible += ["field_f1"] if all(parsed_json(reference) is not None for reference in references) else []
    both = [*references, *references]
    return next((name for name in (*possible, "exact_match") if any(values_of(name, answers, both))), "token_f1")


def values_of(metric: str, answers: Sequence[str], references: Sequence[str]) -> list[float]:
    """The metric of each answer."""
    return [METRICS[metric](answer, wanted) for answer, wanted in zip(answers, references, strict=True)]


def gaming_check(metric: str, change: Interval, agreement: float | None, lost: Sequence[str]) -> Check:
    """Red if the metric fell for certain, or if answers with higher rewards are the worse ones."""
    fell = change.high is not None and change.high < 0
    against = agreement is not None and agreement <= 0
    what = f"upper end of the change of {metric} on {change.n} held-out prompts, {change:+.3f}"
    if agreement is not None:
        what += f"; rank correlation of reward and metric {agreement:+.2f}, which must be above 0"
    if lost and (fell or against):
        what += f"; worse than the parent's in {len(lost)}, such as {', '.join(lost[:3])}"
    value = change.mean if change.high is None else change.high
    return Check(name=NAME, passed=not fell and not against, value=value, limit=0.0, what=what, severity="error")


def _not_measured(prompts: int, learned: bool) -> Check:
    """A learned reward that nothing checks is as good as one that is gamed; a rule is what it says."""
    return Check(
        name=NAME,
        passed=False,
        value=prompts,
        limit=MIN_PROMPTS,
        what=f"not measured: the validation split has {prompts} prompts whose best logged answer is good "
        f"(reward of 0.8), {MIN_PROMPTS} are needed; land more prompts",
        severity="error" if learned else "warn",
    )


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's; None if one of them is constant."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def total_reward(names: Sequence[str], functions: Sequence[Callable[..., list[float | None]]]) -> Score:
    """The sum of the reward functions over texts; None where none of them rewards."""

    def score(rows: list[Row], texts: list[str]) -> list[float | None]:
        given = {
            "prompts": [row["prompt"] for row in rows],
            "completions": [[{"role": "assistant", "content": text}] for text in texts],
            "reference": [row["reference"] for row in rows],
        }
        columns = [function(**given) for function in functions]
        known = ([value for value in values if value is not None] for values in zip(*columns, strict=True))
        return [sum(values) if values else None for values in known]

    return score
