"""What kind of question it is, by its words: for logs and callers that name no category.

Six rules, of which the first that applies decides. They read English; everything that no rule knows is `factual`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

FACTUAL = "factual"
# Beyond it, what a question contains is rarely what it asks.
MAX_CHARACTERS = 2_000

# In the syntax that Python and RE2 share, so that SQL reads them too.
RULES: Mapping[str, str] = MappingProxyType(
    {
        "visual": r"\b(image|picture|photo|figure|diagram|chart|plot|graph|screenshot|icon|logo|map|colou?r)s?\b"
        r"|\blook(s|ed)? like\b",
        "procedural": r"\bhow (do|does|did|can|could|should|would|to)\b|\bsteps?\b|\binstructions?\b|\bguide\b"
        r"|\b(install|configure|set up|setup|deploy|create|build|write|implement|fix)\b",
        "relational": r"\b(relat(e[sd]?|ion|ions|ionship|ionships)|between|connect(s|ed|ion|ions)?|depend(s|ed|ency"
        r"|encies)?|belong(s|ed)?|link(s|ed)?|(parent|child|part) of|who (owns|manages|leads|reports))\b",
        "analytical": r"\b(why|compare[sd]?|comparison|versus|vs|difference|analy[sz]e[sd]?|analysis|explain|evaluate"
        r"|trade-?offs?|pros and cons|cause[sd]?|effects?|impact|trend|average|total|sum|calculate|how (many|much))\b",
        "vague": r"^\W*(\w+\W*){0,2}$|\b(something|anything|stuff|things?|somehow|whatever|tell me (more )?about"
        r"|help me)\b",
    }
)
_COMPILED = {category: re.compile(rule, re.IGNORECASE | re.ASCII) for category, rule in RULES.items()}


def category_of(question: str) -> str:
    """The category of a question: visual, procedural, relational, analytical, vague or factual."""
    start = question[:MAX_CHARACTERS].strip()
    return next((category for category, rule in _COMPILED.items() if rule.search(start)), FACTUAL)
