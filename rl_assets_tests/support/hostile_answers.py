"""Answers that carry markup, and a parser that sees what a browser would."""

from html.parser import HTMLParser

from rl_assets.evaluation.schema.report import EvalReport, WorstAnswer
from rl_assets_tests.support.evaluation_samples import held_out, lineage, report

ATTACK = '</pre><script>alert("x")</script><img src=x onerror=alert(1)>'
FENCES = "```\n# Promoted!\n````\n![x](http://evil.example/p.png)"


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def attacked() -> EvalReport:
    worst = WorstAnswer(prompt=ATTACK, reference=FENCES, answer=f"\u202e{ATTACK}\x00", why=ATTACK, token_f1=0.0)
    return report(
        held_out=held_out(worst_answers=[worst]), notes=[ATTACK], segment=ATTACK, lineage=lineage(base_name=ATTACK)
    )
