"""What users of the feedback service exported is erased with the answers that it was made of."""

import json
from pathlib import Path

from rl_assets.governance.exports import drop_from_exports, rows_in_exports


def test_rows_with_an_erased_text_go_and_the_others_stay_byte_for_byte(tmp_path: Path):
    kept = json.dumps({"messages": [{"role": "user", "content": "Where is it, zebra?"}]}) + "\n"
    held = json.dumps({"prompt": [{"content": "Hi"}], "responses": [{"text": " zebra\n", "reward": 1}]}) + "\n"
    mixed, gone, other = (tmp_path / name for name in ("weekly/a.jsonl", "b.jsonl", "c.jsonl"))
    mixed.parent.mkdir()
    mixed.write_text(held + kept + "half a line of zebra", encoding="utf-8")
    gone.write_text(held, encoding="utf-8")
    other.write_text(kept, encoding="utf-8")

    found = rows_in_exports(tmp_path, frozenset({"zebra", " "}))
    assert found == {"b.jsonl": 1, "weekly/a.jsonl": 2}
    drop_from_exports(tmp_path, found, frozenset({"zebra"}))

    assert mixed.read_text(encoding="utf-8") == kept == other.read_text(encoding="utf-8") and not gone.exists()
    assert rows_in_exports(tmp_path, frozenset({"zebra"})) == {}


def test_without_exports_there_is_nothing_to_erase(tmp_path: Path):
    assert rows_in_exports(tmp_path / "exports", frozenset({"zebra"})) == {}
