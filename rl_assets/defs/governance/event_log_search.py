"""Text search in Dagster's event log: previews of datasets, samples of rejects and bad rows, as the UI showed them."""

import json
from collections.abc import Iterable

import dagster as dg

MIN_CHARACTERS, PREFIX_CHARACTERS = 12, 60
EVENTS = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION)


def runs_that_show(instance: dg.DagsterInstance, texts: Iterable[str]) -> list[str]:
    """Ids of finished runs whose events show the prefix of one of the texts.

    Every event is read: minutes if there are very many runs. Texts below MIN_CHARACTERS identify nobody.
    """
    prefixes = _prefixes(texts)
    finished = instance.get_run_ids(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]))
    return [run for run in finished if prefixes and _shows(instance, run, prefixes)]


def _prefixes(texts: Iterable[str]) -> frozenset[str]:
    """The prefixes that a table's cell shows of each text: as plain text, and inside JSON."""
    forms = {form for text in texts for form in (text, json.dumps(text, ensure_ascii=False)[1:-1])}
    flat = (" ".join(form.split()).replace("`", "'").replace("|", "¦") for form in forms)
    return frozenset(text[:PREFIX_CHARACTERS] for text in flat if len(text) >= MIN_CHARACTERS)


def _shows(instance: dg.DagsterInstance, run: str, prefixes: frozenset[str]) -> bool:
    # One type of event per query, so that logs and step events are not read.
    for kind in EVENTS:
        for entry in instance.all_logs(run, of_type=kind):
            shown = dg.serialize_value(entry)
            if any(_escaped(text) in shown for text in prefixes):
                return True
    return False


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]
