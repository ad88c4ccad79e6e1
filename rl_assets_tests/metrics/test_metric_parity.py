"""Our figures against the reference packages on real answers, to 1e-6, and against what published data say of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from rl_assets.metrics.bleu import BleuColumn, corpus_bleu, counter, sentence_counts
from rl_assets.metrics.rouge import rouge
from rl_assets.metrics.verifiers import solves

Row = tuple[str, str, list[str]]


def finegrained(folder: Path) -> list[Row]:
    """(question, one of four sampled answers, references)."""
    rows = map(json.loads, (folder / "pref-finegrained-qa" / "feedback.jsonl").open(encoding="utf-8"))
    return [(row["question"], row[f"prediction {n}"], [row["gold"]]) for row in rows for n in range(1, 5)]


def mtrag(folder: Path) -> list[Row]:
    content = json.loads((folder / "rag-mtrag-human" / "human_evaluations.json").read_text(encoding="utf-8"))
    targets = {task["task_id"]: [target["text"] for target in task["targets"]] for task in content["tasks"]}
    return [(row["task_id"], row["model_response"], targets[row["task_id"]]) for row in content["evaluations"]]


@pytest.fixture(params=[finegrained, mtrag], ids=["finegrained-qa", "mtrag-human"])
def answers(request, published_data: Path) -> list[Row]:
    return request.param(published_data)


def test_corpus_bleu_is_sacrebleus(answers):
    import sacrebleu

    counts = [sentence_counts(counter(), text, references) for _, text, references in answers]
    ours = float(corpus_bleu(np.asarray(counts).sum(axis=0)))
    most = max(len(references) for _, _, references in answers)
    streams = [[refs[n] if n < len(refs) else None for _, _, refs in answers] for n in range(most)]
    assert ours == pytest.approx(sacrebleu.corpus_bleu([text for _, text, _ in answers], streams).score, abs=1e-6)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("a b", "a b c d"), ("", "a"), ("x y z w v", "a b c d e"), ("a b c d", "a b c d"), ("a x c y e", "a b c d e")],
)
def test_bleu_of_short_and_missed_answers_is_sacrebleus(answer, reference):
    import sacrebleu

    ours = float(corpus_bleu(np.asarray(sentence_counts(counter(), answer, [reference]))))
    assert ours == pytest.approx(sacrebleu.corpus_bleu([answer], [[reference]]).score, abs=1e-6)


def test_rouge_is_that_of_rouge_score(answers):
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rougeL"])
    for _, text, references in answers[::7]:
        for kind, found in rouge(text, references).items():
            assert found == pytest.approx(max(scorer.score(r, text)[kind].fmeasure for r in references), abs=1e-6)


@pytest.mark.slow  # Several seconds of CPU.
def test_rouge_l_is_the_published_figure_of_every_answer_of_mtrag(published_data):
    content = json.loads((published_data / "rag-mtrag-human" / "human_evaluations.json").read_text(encoding="utf-8"))
    published = [row["annotations"]["RougeL"]["system"]["value"] for row in content["evaluations"]]
    ours = [rouge(text, references)["rougeL"] for _, text, references in mtrag(published_data)]
    assert ours == pytest.approx(published, abs=1e-6)


def test_the_interval_of_bleu_is_that_of_whole_clusters_drawn_one_by_one(answers):
    rows = answers[:120]
    counts = np.asarray([sentence_counts(counter(), text, references) for _, text, references in rows])
    column = BleuColumn(counts, [question for question, _, _ in rows])
    found, names = column.interval(), sorted(set(column.clusters))
    rng = np.random.default_rng(1)
    members = {name: [row for row, cluster in enumerate(column.clusters) if cluster == name] for name in names}
    draws = [
        float(corpus_bleu(counts[[row for name in rng.choice(names, len(names)) for row in members[name]]].sum(axis=0)))
        for _ in range(1000)
    ]
    assert found.clusters == len(names)
    if np.std(draws) < 1e-9:  # All answers match: the interval is that of such a share.
        assert (found.low, found.high) == (pytest.approx(100 * 0.025 ** (1 / len(names))), 100)
        return
    assert found.se == pytest.approx(np.std(draws), rel=0.12)
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(draws, [0.025, 0.975])), abs=0.25 * np.std(draws) * 4
    )


def test_answers_do_not_differ_from_themselves_in_bleu(answers):
    rows = answers[:80]
    counts = np.asarray([sentence_counts(counter(), text, references) for _, text, references in rows])
    column = BleuColumn(counts, [question for question, _, _ in rows])
    difference = column.difference(column)
    assert (difference.mean, difference.low, difference.high, difference.p) == (0.0, 0.0, 0.0, 1.0)


def test_the_numeric_verifier_agrees_with_every_published_verdict_on_gsm8k(published_data):
    path = published_data / "rl-gsm8k" / "model_solutions.jsonl"
    models = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    for row in map(json.loads, path.open(encoding="utf-8")):
        for model in models:
            found = solves(row[model]["solution"], [row["ground_truth"]], "numeric", None)
            assert bool(found) == row[model]["is_correct"], row["question"]
