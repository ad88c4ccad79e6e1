"""Prompts of a dataset that lie in another split too, or nearly so, by their texts: no key is trusted."""

import duckdb
import numpy as np
import pyarrow as pa

from rl_assets.datasets.expectations import Expectation
from rl_assets.features.near_sets import NearSets
from rl_assets.features.words import signed, word_hashes

SETS = """
SELECT prompt_words AS words, list_sort(list_distinct(list(prompt_split))) AS splits
FROM noted GROUP BY prompt_words ORDER BY prompt_words
"""


def prompt_words(rows: pa.Table) -> pa.Array:
    """Hashes of the words of each row's prompt, without its system turn."""
    prompts = rows.column("prompt" if "prompt" in rows.column_names else "messages").to_pylist()
    if "prompt" not in rows.column_names:
        prompts = [messages[:-1] for messages in prompts]
    texts = ([turn["content"] or "" for turn in prompt if turn["role"] != "system"] for prompt in prompts)
    return signed(map(word_hashes, texts))


def find_leaks(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the view `leaking_prompts` (words) of held-out prompts that are equal or near to one of another split."""
    sets = connection.sql(SETS).to_arrow_table()
    words, splits = sets.column("words").combine_chunks(), sets.column("splits").to_pylist()
    held_out = np.array([names != ["train"] for names in splits], bool)
    near = NearSets.from_words(words, wanted=held_out).near_others([names[0] for names in splits], held_out)
    leaks = near | np.array([len(names) > 1 for names in splits], bool)
    connection.register("leaking_prompts", pa.table({"words": words.filter(pa.array(leaks, pa.bool_()))}))


NO_LEAKS = Expectation(
    "no_prompt_is_near_another_split",
    "No held-out prompt shares nine words in ten with a prompt of another split, by the texts themselves; prompts "
    "without letters and digits are compared by characters.",
    "(SELECT count(*) FROM leaking_prompts)",
    high=0,
    bad_row="prompt_words IN (SELECT words FROM leaking_prompts)",
    notes={"prompt_split": "split"},
    arrays={"prompt_words": prompt_words},
    prepare=find_leaks,
)
