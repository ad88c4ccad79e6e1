"""The documentation that travels with the package: small, licensed, and enough to see every table filled."""

from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import kept_pairs, publish_source, text_sections
from rl_assets.documentation.questions import MultimodalPolicy, make_questions
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.install import DOCS, install_docs


def test_the_quickstart_docs_give_pairs_and_questions(tmp_path):
    done = install_docs(tmp_path)
    assert done.new >= 16 and install_docs(tmp_path).same == done.new
    lake = Lake(str(tmp_path / "lake"))
    found = publish_source(lake, tmp_path / "docs", "fastapi", Limits(), "1GB")
    assert found.counts["pairs"] == 13 and len(kept_pairs(lake)) >= 10
    rows = make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy()).rows
    assert {row["needs_image"] for row in rows} == {True, False}


def test_the_quickstart_docs_are_small_and_say_whose_they_are():
    assert sum(path.stat().st_size for path in DOCS.rglob("*") if path.is_file()) < 400_000
    assert "MIT License" in (DOCS.parent / "licences" / "fastapi-docs-MIT.txt").read_text(encoding="utf-8")
