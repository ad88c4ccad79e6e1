"""All checks of one served adapter at one replica: it is asked, and its answers are compared with those made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.encoding import prompt_ids
from rl_assets.serving.names import BASE
from rl_assets.serving.offline import CheckPrompts, OfflineModels, Prompt, answer_token_ids
from rl_assets.serving.parity import (
    MAX_DISTANCE,
    MAX_DISTANCE_EMBEDDED,
    MAX_TOKENS,
    PREFIX_TOKENS,
    SCALES,
    Finding,
    distance,
    identity_finding,
    isolation_finding,
    stop_finding,
    template_finding,
    time_finding,
    weak_finding,
)
from rl_assets.serving.roles import ServedAdapter
from rl_assets.serving.served_answers import ModelServer, ServedAnswer

AT_ONCE = 8
INTERLEAVED = 8


@dataclass(frozen=True)
class ReplicaChecks:
    """The checks of `served` at one server. `previous` is a second adapter that is loaded there, if there is one."""

    offline: OfflineModels
    server: ModelServer
    embedded: bool
    served: ServedAdapter
    previous: ServedAdapter | None
    prompts: CheckPrompts

    @property
    def limit(self) -> float:
        """Largest distance in nats per token; our own server computes as evaluation does."""
        return MAX_DISTANCE_EMBEDDED if self.embedded else MAX_DISTANCE

    def findings(self) -> list[Finding]:
        """What every check found. ServerError if the server does not answer."""
        few = self.prompts.prompts[:INTERLEAVED]
        base = self._ask(BASE, few)
        answers = self._ask(self.served.name, self.prompts.prompts)
        after = self._ask(BASE, few)
        other = self.previous or ServedAdapter(BASE, self.served.adapter)
        alone = self._ask(other.name, few) if self.previous else after
        offline = [(answer.text, "stop" if answer.finished else "length") for answer in self.prompts.answers]
        return [
            self._template(answers),
            self._identity(answers),
            self._isolation(answers, other, alone, base, after),
            stop_finding([(answer.text.strip(), answer.finish_reason) for answer in answers], offline),
            time_finding(_seconds_per_token(answers), _seconds_per_token(alone) if self.previous else []),
            self._equal_answers(answers),
        ]

    def _ask(self, model: str, prompts: Sequence[Prompt]) -> list[ServedAnswer]:
        """Answers of one model while no other is asked."""
        return self.server.answers([(model, prompt) for prompt in prompts], MAX_TOKENS, AT_ONCE)

    def _template(self, answers: Sequence[ServedAnswer]) -> Finding:
        ids = [
            answer.prompt_ids or self.server.prompt_ids(self.served.name, prompt)
            for answer, prompt in zip(answers, self.prompts.prompts, strict=True)
        ]
        return template_finding(self.prompts.ids, [answer.prompt_tokens for answer in answers], ids)

    def _identity(self, answers: Sequence[ServedAnswer]) -> Finding:
        if all(answer.tokens is None for answer in answers):
            return self._weak(answers)
        rows, served = self._measurable(self.served.adapter, self.prompts.ids, answers)
        offline = {scale: self.offline.token_values(self.served.adapter, scale, rows) for scale in SCALES}
        return identity_finding(served, offline, self.limit, len(answers))

    def _measurable(
        self, adapter: Adapter, prompts: Sequence[list[int]], answers: Sequence[ServedAnswer]
    ) -> tuple[list[tuple[list[int], list[int]]], list[list[float]]]:
        """Rows of (prompt, completion) of the answers whose token ids are known, and their served log-probabilities."""
        tokenizer = self.offline.tokenizer(adapter)
        rows, served = list[tuple[list[int], list[int]]](), list[list[float]]()
        for prompt, answer in zip(prompts, answers, strict=True):
            ids = answer_token_ids(tokenizer, answer)
            if ids is not None and answer.tokens:
                rows.append((prompt, ids))
                served.append([token.log_probability for token in answer.tokens[: len(ids)]])
        return rows, served

    def _weak(self, answers: Sequence[ServedAnswer]) -> Finding:
        adapter, texts = self.served.adapter, [answer.text.strip() for answer in answers]
        ours, bases = (self.offline.text_values(adapter, s, self.prompts.prompts, texts) for s in (1.0, 0.0))
        tokenizer = self.offline.tokenizer(adapter)
        starts = [_start(tokenizer, text) for text in texts]
        own = [_start(tokenizer, answer.text) for answer in self.prompts.answers]
        preferred = [a.total > b.total for a, b in zip(ours, bases, strict=True)]
        return weak_finding(preferred, [a == b for a, b in zip(starts, own, strict=True)])

    def _isolation(
        self,
        answers: Sequence[ServedAnswer],
        other: ServedAdapter,
        alone: Sequence[ServedAnswer],
        base: Sequence[ServedAnswer],
        base_after: Sequence[ServedAnswer],
    ) -> Finding:
        """The base before and after the adapter, and the adapter beside another model, several at once."""
        few = self.prompts.prompts[:INTERLEAVED]
        pairs = [(name, prompt) for prompt in few for name in (self.served.name, other.name)]
        mixed = self.server.answers(pairs, MAX_TOKENS, AT_ONCE)
        changed = {self.served.name: self._changed(self.served.adapter, 1.0, answers[: len(few)], mixed[::2])}
        scale = 0.0 if other.name == BASE else 1.0
        changed[other.name] = self._changed(other.adapter, scale, alone, mixed[1::2])
        changed[BASE] = changed.get(BASE, 0) + self._changed(self.served.adapter, 0.0, base, base_after)
        return isolation_finding(changed, dict.fromkeys(changed, len(few)))

    def _changed(
        self, adapter: Adapter, scale: float, alone: Sequence[ServedAnswer], together: Sequence[ServedAnswer]
    ) -> int:
        """Answers with another text than alone that are, by their log-probabilities, not the model's own either.

        Sums in a batch round otherwise, so that one of two tokens that are equally likely may win.
        """
        rows = [row for row, pair in enumerate(zip(alone, together, strict=True)) if pair[0].text != pair[1].text]
        tokenizer, prompts = self.offline.tokenizer(adapter), [self.prompts.prompts[row] for row in rows]
        ids = [prompt_ids(tokenizer, prompt) for prompt in prompts]
        tokens, served = self._measurable(adapter, ids, [together[row] for row in rows])
        offline = self.offline.token_values(adapter, scale, tokens) if tokens else []
        own = sum(distance([a], [b]) <= self.limit for a, b in zip(served, offline, strict=True))
        return len(rows) - own

    def _equal_answers(self, answers: Sequence[ServedAnswer]) -> Finding:
        """How many answers are those made here, for the reader: it decides nothing."""
        own = [answer.text for answer in self.prompts.answers]
        return Finding("answers", {"equal": sum(a.text.strip() == b for a, b in zip(answers, own, strict=True))})


def as_figures(findings: Sequence[Finding]) -> Mapping[str, Any]:
    """The findings as JSON values, by check."""
    return {
        finding.name: finding.values
        | ({"problem": finding.problem} if finding.problem else {})
        | ({"warning": finding.warning} if finding.warning else {})
        for finding in findings
    }


def _start(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids[:PREFIX_TOKENS]


def _seconds_per_token(answers: Sequence[ServedAnswer]) -> list[float]:
    return [answer.seconds / len(answer.tokens) for answer in answers if answer.tokens]
