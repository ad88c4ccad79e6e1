"""A product whose answers people rated by dimension, a panel's file, and stub judges that give stars."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import yaml

from rl_assets.defs.annotation.panel import PanelConfig, synthetic_feedback
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets_tests.support.judge_server import GOOD, Asked, Behaviour, Say
from rl_assets_tests.support.logs import DAY, Product, Row, interaction, reward

ANCHORS = ["bad", "poor", "middling", "fair", "good"]
PERSONAS = [
    {"name": "critic", "dimension": "accuracy", "rubric": "Look at what is right.", "anchors": ANCHORS},
    {"name": "voice", "dimension": "brand", "rubric": "Look at the tone.", "anchors": ANCHORS},
]
WEIGHTS = {"accuracy": {"weight": 0.6}, "brand": {"weight": 0.4}}
RATED, UNJUDGED = 34, 12
KINDS = {"Good": 0.95, "Bad": 0.05}


def stars(asked: Asked) -> int:
    """5 for a good or right answer, 1 for any other."""
    return 5 if GOOD.search(asked.answers[-1]) else 1


def say_stars(number: int) -> Say:
    return Say(json.dumps({"rationale": f"Worth {number}, says jane.doe@example.com.", "score": number}))


def fair(asked: Asked) -> Say:
    return say_stars(stars(asked))


def contrary(asked: Asked) -> Say:
    return say_stars(6 - stars(asked))


def rated_product(home: Path) -> Product:
    """Two answers to each prompt, a good and a bad one: those to RATED prompts were rated by two people, by name."""
    product = Product.at(home)
    rated = [answer(f"r{n}", kind, n) for n in range(RATED) for kind in KINDS]
    unjudged = [answer(f"u{n}", kind, 1000 + n) for n in range(UNJUDGED) for kind in KINDS]
    product.log(*rated, *unjudged)
    ratings = [
        reward(
            row["interaction_id"],
            abs(KINDS[row["answer"].split()[0]] - 0.05 * rater),
            dimension=dimension,
            user_id=f"p{rater}",
        )
        for row in rated
        for dimension in ("accuracy", "brand", "overall")
        for rater in range(2)
    ]
    product.log(*ratings, log_format="reward_log")
    product.ingest()
    product.rated()
    return product


def answer(prefix: str, kind: str, n: int) -> Row:
    query = f"Question {n * 7919}: what does part {n} cost?"
    return interaction(f"{prefix}-{kind}", query=query, answer=f"{kind} words about part {n} and its price.")


def write_panel(product: Product, urls: Sequence[str], **given: object) -> None:
    """The panel's file of judges at these addresses, and weights of its two dimensions."""
    home = product.landing.parent
    judges = [{"name": f"j{n}", "base_url": url, "model": f"m{n}", "retries": 0} for n, url in enumerate(urls)]
    panel = {"judges": judges, "personas": PERSONAS} | given
    (home / "panel.yaml").write_text(yaml.safe_dump(panel), encoding="utf-8")
    (home / "rewards.yaml").write_text(yaml.safe_dump(WEIGHTS), encoding="utf-8")


def score(product: Product, **config: object) -> tuple[dict, dg.AssetCheckEvaluation]:
    """Materialize `synthetic_feedback`: its metadata, and its check."""
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize(
        [synthetic_feedback],
        partition_key=str(DAY),
        resources={"home": home},
        run_config={"ops": {"synthetic_feedback": {"config": PanelConfig(**config).model_dump()}}},
    )
    (event,) = result.get_asset_materialization_events()
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in event.materialization.metadata.items()}, check


def noisy(behaviour: Behaviour, wrong: Callable[[Asked], bool]) -> Behaviour:
    """The contrary of what a judge would say, where it is wrong."""
    return lambda asked: contrary(asked) if wrong(asked) else behaviour(asked)
