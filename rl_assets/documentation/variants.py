"""Answers of differing worth to one question, rewarded: what learning from groups of answers starts from."""

from collections.abc import Sequence
from typing import Any

from rl_assets.rewards.image_answers import answer_json
from rl_assets.rewards.images import score_answer

INVENTED = "images/does-not-exist.png"


def variants(row_id: str, text: str, right: Sequence[str], catalogue: Sequence[str], best: str) -> list[dict[str, Any]]:
    """Five answers with their rewards, the best first: the right one, one without its image (or with a needless one),
    one with a wrong image besides, one with an invented image, and plain prose.
    """
    wrong = next(path for path in catalogue if path not in right)
    others = {
        "without_image" if right else "needless_image": [] if right else [wrong],
        "wrong_image": [*right, wrong] if right else [*catalogue[:3]],
        "invented_image": [*right, INVENTED],
    }
    answers = {"right": best} | {
        kind: answer_json(text, images, " ".join(f"{path} helps." for path in images))
        for kind, images in others.items()
    }
    answers["prose"] = text
    scored = [
        {
            "text": answer,
            "reward": score_answer(answer, right, catalogue, text).reward,
            "interaction_id": f"{row_id}:{kind}",
        }
        for kind, answer in answers.items()
    ]
    return sorted(scored, key=lambda answer: (-answer["reward"], answer["interaction_id"]))
