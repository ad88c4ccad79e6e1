"""What kind of question it is, by its words: for logs and callers that name no category.

Six rules, of which the first that applies decides. They read English; everything that no rule knows is `factual`. SQL
has the same rules as the macro `category_of`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # The gateway needs the rules alone, and starts without a database.
    import duckdb

FACTUAL = "factual"
# Beyond it, what a question contains is rarely what it asks.
MAX_CHARACTERS = 2_000
# Only words of ASCII make a question short: what is written in another script is not vague for that.
_BETWEEN = r"[\x00-/:-@\[-^`{-\x7f]*"

# In the syntax that Python and RE2 share.
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
        "vague": rf"^{_BETWEEN}(\w+\b{_BETWEEN}){{0,2}}$|\b(something|anything|stuff|things?|somehow|whatever"
        r"|tell me (more )?about|help me)\b",
    }
)
_COMPILED = {category: re.compile(rule, re.IGNORECASE | re.ASCII) for category, rule in RULES.items()}
# RE2 takes them for an S and a K in another case; Python, of ASCII alone, does not.
_FOLDED = "\u017f\u212a"


def category_of(question: str) -> str:
    """The category of a question: visual, procedural, relational, analytical, vague or factual."""
    start = question[:MAX_CHARACTERS]
    return next((category for category, rule in _COMPILED.items() if rule.search(start)), FACTUAL)


def create_category_macro(connection: "duckdb.DuckDBPyConnection") -> None:
    """Create the macro `category_of(question)`, which gives what the function of this name gives; null is factual."""
    cases = " ".join(f"WHEN regexp_matches(words, {_quoted(rule)}, 'i') THEN '{name}'" for name, rule in RULES.items())
    words = f"translate(left(question, {MAX_CHARACTERS}), '{_FOLDED}', '\u00e9\u00e9')"
    connection.execute(
        f"CREATE OR REPLACE MACRO category_of(question) AS "
        f"list_transform([{words}], LAMBDA words: CASE {cases} ELSE '{FACTUAL}' END)[1]"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
