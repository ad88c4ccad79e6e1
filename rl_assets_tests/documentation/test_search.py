"""Search finds images by meaning and by words, and nothing for what the documentation does not treat."""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rl_assets.core.home import Home
from rl_assets.documentation.confidence import is_informative
from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import extract
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.index import build_index, read_index
from rl_assets.documentation.search import ImageSearch, main
from rl_assets.documentation.sources import open_source
from rl_assets.models import embedding
from rl_assets.models.embedding import embed

QUESTIONS = Path(__file__).parents[1] / "data" / "image-labels" / "questions.jsonl"
OTHER_TOPICS = (
    *("how to bake sourdough bread", "symptoms of influenza in children", "history of the Roman empire"),
    *("guitar chords for beginners", "football world cup final", "planting tomatoes", "weather tomorrow"),
    *("quantum entanglement", "Shakespeare sonnets", "dog training tips", "asdfgh qwerty", "mortgage interest rates"),
)


@pytest.fixture(scope="module")
def kept(published_data):
    """Kept pairs of two published sites."""
    pairs = []
    with Decoder() as decoder:
        for name in ("docs-prefect", "docs-streamlit"):
            found = extract(open_source(published_data / name, "tree", Limits()), {}, decoder)
            pairs += [pair | {"source": name} for pair in found.pairs if pair["kept"]]
    return pairs


@pytest.fixture(scope="module")
def search(kept, tmp_path_factory):
    return ImageSearch(build_index(kept, tmp_path_factory.mktemp("home")))


@pytest.mark.slow
def test_a_question_finds_its_image(search):
    hits = search.search_images("where do I reboot an app from its logs?")
    assert "reboot" in hits[0].document["path"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True) and len(hits) == 5


@pytest.mark.slow
def test_k_and_type_narrow_the_result(search):
    assert len(search.search_images("work pool settings", k=2)) == 2
    kinds = {hit.document["image_type"] for hit in search.search_images("how threads and caching work", type="diagram")}
    assert kinds == {"diagram"}
    with pytest.raises(ValueError, match="unknown image type 'gif'"):
        search.search_images("x", type="gif")


@pytest.mark.slow
@pytest.mark.parametrize("query", [*OTHER_TOPICS, "", "   ", "?!"])
def test_other_topics_find_nothing(search, query):
    assert search.search_images(query) == []


@pytest.mark.slow
def test_paraphrased_questions_find_their_images_and_other_topics_nothing(kept, search):
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    known = {(pair["source"], pair["path"]) for pair in kept}
    asked = [row for row in rows if (row["source"], row["path"]) in known]
    foreign = [row["question"] for row in rows if row["path"] is None]

    def is_found(row):
        hits = search.search_images(row["question"], k=5)
        return (row["source"], row["path"]) in {(hit.document["source"], hit.document["path"]) for hit in hits}

    assert len(asked) >= 20 and len(foreign) == 15
    assert np.mean([is_found(row) for row in asked]) >= 0.6
    assert not any(search.search_images(question) for question in foreign)


@pytest.mark.slow
def test_alts_find_their_images_though_no_document_holds_one(kept, tmp_path):
    named = Counter(pair["alt"] for pair in kept)
    asked = [pair for pair in kept if is_informative(pair["alt"]) and named[pair["alt"]] == 1]
    blind = ImageSearch(build_index([pair | {"alt": "", "caption": ""} for pair in kept], tmp_path))
    found = [pair["pair_id"] in {hit.document["pair_id"] for hit in blind.search_images(pair["alt"])} for pair in asked]
    assert len(asked) >= 50
    assert np.mean(found) > 0.85


@pytest.mark.slow  # Several seconds of CPU.
def test_an_index_is_kept_where_nothing_changed_and_only_new_texts_are_embedded(kept, tmp_path):
    embedded = []

    def counting(texts):
        embedded.extend(texts)
        return embed(texts)

    first = build_index(kept[:5], tmp_path, counting)
    assert build_index(kept[:5], tmp_path, counting).folder == first.folder and len(embedded) == 5
    second = build_index(kept[:7], tmp_path, counting)
    assert (len(embedded), second.embedded, second.folder != first.folder) == (7, 2, True)
    np.testing.assert_array_equal(read_index(tmp_path).vectors, second.vectors)


def test_an_empty_index_finds_nothing(tmp_path):
    assert ImageSearch(build_index([], tmp_path)).search_images("anything") == []


@pytest.mark.slow
def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(embedding, "WEIGHTS_SHA256", "0" * 64)
    embedding._model.cache_clear()
    with pytest.raises(embedding.WrongWeightsError, match="expected 0000"):
        embed(["x"])
    embedding._model.cache_clear()


def test_the_command_prints_hits_and_says_when_there_is_no_index(kept, home, monkeypatch, capsys):
    monkeypatch.setenv("RL_ASSETS_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["search", kept[0]["alt"] or kept[0]["text_before"]])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1 and "materialize image_index first" in capsys.readouterr().err
    build_index(kept[:10], Home(home).image_index)
    main()
    said = capsys.readouterr().out
    assert kept[0]["path"] in said and "of 10 images" in said
