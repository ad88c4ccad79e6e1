"""Texts in Dagster's event log: first rows of datasets, samples of rejects and bad rows, as the UI showed them."""

import json
from collections.abc import Iterable

import dagster as dg

SHORTEST, LONGEST = 12, 60
EVENTS = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION)


def runs_that_show(instance: dg.DagsterInstance, texts: Iterable[str]) -> list[str]:
    """Ids of finished runs whose events show the beginning of one of the texts.

    Every event is read: minutes where there are very many runs. Texts below SHORTEST characters tell nobody apart.
    """
    wanted = _beginnings(texts)
    finished = instance.get_run_ids(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]))
    return [run for run in finished if wanted and _shows(instance, run, wanted)]


def _beginnings(texts: Iterable[str]) -> frozenset[str]:
    """Both ways in which a table's cell begins a text: alone, and inside JSON."""
    forms = {form for text in texts for form in (text, json.dumps(text, ensure_ascii=False)[1:-1])}
    flat = (" ".join(form.split()).replace("`", "'").replace("|", "¦") for form in forms)
    return frozenset(text[:LONGEST] for text in flat if len(text) >= SHORTEST)


def _shows(instance: dg.DagsterInstance, run: str, wanted: frozenset[str]) -> bool:
    # A page is of one kind of event, so that logs and step events are not read.
    for kind in EVENTS:
        for entry in instance.all_logs(run, of_type=kind):
            shown = dg.serialize_value(entry)
            if any(_escaped(text) in shown for text in wanted):
                return True
    return False


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]
