"""Scripted raters at the pages of the feedback service: they open their invitation, and compare answers by its forms.

They see what a person sees, two texts without a name, and know the manual.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
from selectolax.lexbor import LexborHTMLParser, LexborNode

from rl_assets.models.tiny.parts_manual import Question, questions, verified_reward
from rl_assets.quickstart.sources.parts import SEED

COMPARE = "/compare"
FORM = f"form[action='{COMPARE}']"


@dataclass
class Compared:
    """How many pairs one rater decided, and called equal."""

    decided: int = 0
    equal: int = 0

    @property
    def total(self) -> int:
        return self.decided + self.equal


@dataclass(frozen=True)
class Page:
    """The question, the texts of the two answers, and the hidden fields of the form."""

    question: str
    answers: tuple[str, ...]
    fields: Mapping[str, str]


def let_rater_compare(invitation: str, pairs: int) -> Compared:
    """What a rater says of at most so many pairs; fewer if there are no more."""
    known = {question.text: question for question in questions(SEED)}
    done, address = Compared(), httpx2.URL(invitation)
    # A browser says where a form comes from; without it the service refuses forms.
    headers = {"Sec-Fetch-Site": "same-origin"}
    with httpx2.Client(base_url=address.copy_with(path="/"), timeout=30, headers=headers, follow_redirects=True) as web:
        web.post(address.path).raise_for_status()
        page = read_page(web.get(COMPARE).raise_for_status().text)
        while page is not None and done.total < pairs:
            choice = _choice(known[page.question], *page.answers)
            done.equal += choice == "tie"
            done.decided += choice != "tie"
            reply = web.post(COMPARE, data={**page.fields, "choice": choice}).raise_for_status()
            page = read_page(reply.text)
    return done


def _choice(question: Question, first: str, second: str) -> str:
    rewards = verified_reward(question, first), verified_reward(question, second)
    return "tie" if rewards[0] == rewards[1] else "a" if rewards[0] > rewards[1] else "b"


def read_page(html: str) -> Page | None:
    """What a page of a comparison shows; None for a page that shows none."""
    tree = LexborHTMLParser(html)
    hidden = tree.css(f"{FORM} input[type=hidden]")
    answers = tuple(_text(section, ".text") for section in tree.css("section.answer"))
    if not hidden or len(answers) != 2:
        return None
    fields = {node.attributes["name"] or "": node.attributes.get("value") or "" for node in hidden}
    return Page(_text(tree, ".turn.user .text"), answers, fields)


def _text(tree: LexborHTMLParser | LexborNode, selector: str) -> str:
    return "".join(node.text() for node in tree.css(selector))
