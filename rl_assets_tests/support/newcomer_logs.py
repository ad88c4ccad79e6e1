"""300 lines of a newcomer's own log in each format: a help desk's questions and answers, some of them long, judged as
people judge: mostly well, with a second answer to some questions.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

DAY = "2026-10-01"
LINES = 300
MILLISECONDS = 1_790_847_000_000
SUBJECTS = [
    "invoice",
    "router",
    "password",
    "contract",
    "parcel",
    "laptop",
    "voucher",
    "tablet",
    "account",
    "charger",
    "meter",
    "refund",
]
PLACES = ("Lisbon", "Oslo", "Graz", "Turin", "Ghent", "Porto", "Malmo", "Krakow", "Leeds", "Nantes", "Bergen", "Zadar")
VERBS = [
    "expired",
    "vanished",
    "doubled",
    "stopped",
    "blinked",
    "froze",
    "arrived",
    "failed",
    "returned",
    "overheated",
    "disappeared",
    "restarted",
]
CLAUSES = (
    "I have tried the steps of the manual twice",
    "the hotline told me to wait until Thursday",
    "my colleague saw the same message last week",
    "nothing changed after I switched it off and on",
    "the confirmation never reached my mailbox",
    "I paid by card and have the receipt at hand",
    "the app shows a grey bar where the date was",
    "it worked well until the update of last month",
)
MAX_CLAUSES = 8
ADVICE = (
    "Open the settings and choose the second tab",
    "hold the button until the light turns green",
    "send us the number on the back of the device",
    "we book the amount back within five days",
    "sign in again, and accept the new terms",
    "the courier leaves it with a neighbour",
    "our colleagues in the shop will exchange it",
    "please keep the box until the case is closed",
)


class Turn:
    """Question `number`, and an answer to it: good ones help, bad ones do not."""

    def __init__(self, number: int, *, good: bool, clauses: int) -> None:
        random = Random(f"{number}")
        subject, place, verb = (random.choice(words) for words in (SUBJECTS, PLACES, VERBS))
        told = ", and ".join(random.choice(CLAUSES) for _ in range(min(clauses, MAX_CLAUSES)))
        told += "".join(f"\nentry {random.randrange(10**8)} of the protocol" for _ in range(clauses - MAX_CLAUSES))
        self.question = f"My {subject} from {place} {verb}, case {random.randrange(10**6)}: {told}. What can I do?"
        advice = random.sample(ADVICE, 2 + clauses % 5)
        self.answer = (
            f"For the {subject} that {verb} in {place}: {'; '.join(advice)}."
            if good
            else f"I cannot help with a {subject} right now; ask somebody in {place}, or {random.choice(ADVICE)}."
        )
        self.id, self.good = f"n{number}-{'good' if good else 'bad'}", good


def turns(count: int, clauses: Callable[[int], int], every: int = 3) -> Iterator[Turn]:
    """Answers to questions of their own, of which each `every`th has a second, worse answer."""
    number = made = 0
    while made < count:
        yield Turn(number, good=True, clauses=clauses(number))
        made += 1
        if number % every == 0 and made < count:
            yield Turn(number, good=False, clauses=clauses(number))
            made += 1
        number += 1


def mostly_short(number: int) -> int:
    """Clauses of a question: two to eight, some 150 to 500 characters."""
    return 2 + number % 7


def very_long(number: int) -> int:
    """Clauses of a question that carries a protocol along: some 5,000 characters."""
    return 160 + number % 7


def write_newcomer_log(home: Path, log_format: str, clauses: Callable[[int], int] = mostly_short) -> None:
    """A landing file of 300 lines."""
    lines = FORMATS[log_format](clauses)
    folder = home / "landing" / log_format / DAY
    folder.mkdir(parents=True)
    assert len(lines) == LINES
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "export.jsonl").write_text(text, encoding="utf-8")


def _interaction_log(clauses: Callable[[int], int]) -> list[Any]:
    return [
        {
            "interaction_id": turn.id,
            "timestamp": f"{DAY}T09:30:00Z",
            "query": turn.question,
            "answer": turn.answer,
            "agent_type": "desk",
            "user_rating": 5 if turn.good else 1,
        }
        for turn in turns(LINES, clauses)
    ]


def _reward_log(clauses: Callable[[int], int]) -> list[Any]:
    return [
        line
        for turn in turns(LINES // 2, clauses, every=6)
        for line in (
            {"interaction_id": turn.id, "question": turn.question, "agent": "desk", "top_k": 3, "answer": turn.answer},
            {"type": "feedback", "interaction_id": turn.id, "reward": float(turn.good)},
        )
    ]


def _feedback_table(clauses: Callable[[int], int]) -> list[Any]:
    return [
        {
            "id": f"f-{turn.id}",
            "prompt": turn.question,
            "model_output": turn.answer,
            "feedback_type": "thumbs_up" if turn.good else "thumbs_down",
            "user_id": f"u{number % 40}",
            "created_at": f"{DAY}T11:00:00Z",
        }
        for number, turn in enumerate(turns(LINES, clauses))
    ]


def _tensorzero(clauses: Callable[[int], int]) -> list[Any]:
    lines = []
    for number, turn in enumerate(turns(LINES // 2, clauses, every=6)):
        # Version 7: 48 bits of milliseconds, then the version and the variant.
        inference, episode, feedback = (
            f"{UUID(int=(MILLISECONDS << 80) + (7 << 76) + (2 << 62) + 3 * number + kind)}" for kind in range(3)
        )
        message = {"role": "user", "content": [{"type": "text", "text": turn.question}]}
        lines += [
            {
                "id": inference,
                "function_name": "help",
                "variant_name": "v1",
                "episode_id": episode,
                "input": json.dumps({"messages": [message]}),
                "output": json.dumps([{"type": "text", "text": turn.answer}]),
            },
            {"id": feedback, "target_id": inference, "metric_name": "solved", "value": turn.good},
        ]
    return lines


def _langfuse(clauses: Callable[[int], int]) -> list[Any]:
    return [
        {
            "trace": {
                "id": turn.id,
                "timestamp": f"{DAY}T12:00:00Z",
                "scores": [{"id": f"s-{turn.id}", "name": "user-feedback", "value": float(turn.good), "source": "API"}],
            },
            "observations": [
                {
                    "type": "GENERATION",
                    "input": [{"role": "user", "content": turn.question}],
                    "output": turn.answer,
                }
            ],
        }
        for turn in turns(LINES, clauses)
    ]


def _openai_chat(clauses: Callable[[int], int]) -> list[Any]:
    return [
        {
            "id": turn.id,
            "created": MILLISECONDS // 1000,
            "messages": [
                {"role": "system", "content": "You are the help desk of a shop. Be brief."},
                {"role": "user", "content": turn.question},
                {"role": "assistant", "content": turn.answer},
            ],
            "feedback": {"thumbs": "up" if turn.good else "down"},
        }
        for turn in turns(LINES, clauses)
    ]


def _oasst_trees(clauses: Callable[[int], int]) -> list[Any]:
    return [
        {
            "message_tree_id": f"m-{number}",
            "prompt": {
                "message_id": f"m-{number}",
                "role": "prompter",
                "text": Turn(number, good=True, clauses=clauses(number)).question,
                "replies": [
                    {
                        "message_id": f"m-{number}-{rank}",
                        "role": "assistant",
                        "text": Turn(number, good=rank == 0, clauses=clauses(number)).answer,
                        "rank": rank,
                        "replies": [],
                    }
                    for rank in range(2)
                ],
            },
        }
        for number in range(LINES)
    ]


FORMATS: dict[str, Callable[[Callable[[int], int]], list[Any]]] = {
    "interaction_log": _interaction_log,
    "reward_log": _reward_log,
    "feedback_table": _feedback_table,
    "tensorzero": _tensorzero,
    "langfuse": _langfuse,
    "openai_chat": _openai_chat,
    "oasst_trees": _oasst_trees,
}
