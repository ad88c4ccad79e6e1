"""The tables of a report beside models and differences, as plain text: slices, judge, benchmarks, lineage, costs."""

from collections.abc import Sequence

from rl_assets.evaluation.report.wording import NONE, Table, figure, p_value, rate, signed
from rl_assets.evaluation.schema.results import METRICS, EvalReport
from rl_assets.evaluation.schema.roles import ROLES
from rl_assets.evaluation.schema.sections import BenchmarkResult, TrainingCost
from rl_assets.judging.summary import JudgeVerdicts

SHOWN_HASH = 12


def slice_rows(report: EvalReport) -> Table:
    """Slice, n, the candidate's figure, the difference, the corrected p-value, and what follows."""
    header = ["Slice", "Items", "Clusters", "Candidate", "Difference", "p (Holm)", "Verdict"]
    rows = [
        [
            f"{found.dimension}: {found.value}",
            str(found.figure.n),
            str(found.figure.clusters),
            figure(found.figure),
            signed(found.difference),
            p_value(found.p_holm),
            found.verdict,
        ]
        for found in report.slices
    ]
    return header, rows


def judgements(report: EvalReport) -> list[JudgeVerdicts]:
    """What the judge said about the candidate, and about preferences that the logs hold."""
    return [found for found in (report.judge, report.judge_alignment) if found is not None]


def judge_rows(judged: Sequence[JudgeVerdicts]) -> Table:
    """What the judge said and how it behaved, a column a comparison."""
    rows = [
        ["Pairs", *(str(found.pairs) for found in judged)],
        ["Wins / ties / losses", *(f"{f.wins} / {f.ties} / {f.losses}" for f in judged)],
        ["Identical answers among the ties", *(str(found.identical) for found in judged)],
        ["Invalid / not asked", *(f"{found.invalid} / {found.not_asked}" for found in judged)],
        ["Win rate, a tie as half", *(figure(found.win_rate) for found in judged)],
        ["Win rate at equal lengths", *(figure(found.length_controlled) for found in judged)],
        ["Consistency in both orders", *(rate(found.consistency) for found in judged)],
        ["Chose the first position", *(rate(found.first_position) for found in judged)],
        ["Calls so far / from the cache / tokens", *(f"{f.calls:,} / {f.from_cache:,} / {f.tokens:,}" for f in judged)],
        ["Failures", *(", ".join(f"{n} x {what}" for what, n in f.failures.items()) or "none" for f in judged)],
    ]
    return ["", *(f"{found.ours} − {found.theirs}" for found in judged)], rows if judged else []


def benchmark_rows(found: BenchmarkResult) -> Table:
    """A row a metric: every model's figure, and the candidate's difference."""
    roles = [role for role in ROLES if role in found.metrics]
    names = [name for name in METRICS if any(name in found.metrics[role] for role in roles)]
    rows = [
        [
            METRICS[name].title,
            *(figure(found.metrics[role].get(name)) for role in roles),
            signed(found.differences[name]) if name in found.differences else NONE,
        ]
        for name in names
    ]
    return ["", *roles, f"candidate − {found.against}"], rows


def lineage_rows(report: EvalReport) -> Table:
    """Datasets, adapters and the base by their hashes, with what each was made from."""
    rows = [["base model", report.base_name, report.base_sha256[:SHOWN_HASH], ""]]
    for data in report.datasets:
        made_of = ", ".join(f"{table} ({len(days)} days)" for table, days in data.inputs.items())
        split = " / ".join(f"{rows} {name}" for name, rows in data.rows.items())
        rows.append(["dataset", f"{data.name} {data.day}: {split}", data.sha256[:SHOWN_HASH], made_of])
    for cost in report.training:
        rows.append(["adapter", f"{cost.kind} {cost.inputs_hash}", cost.sha256[:SHOWN_HASH], cost.dataset[:SHOWN_HASH]])
    if report.champion_sha256:
        rows.append(["champion", "", report.champion_sha256[:SHOWN_HASH], ""])
    return ["What", "Which", "Content hash", "Made of"], rows


def training_rows(report: EvalReport) -> Table:
    """Wall time, tokens, memory and device of each adapter's training."""
    header = ["Adapter", "Wall time, s", "Tokens", "Peak memory, MB", "Device"]
    return header, [_cost(cost) for cost in report.training]


def _cost(cost: TrainingCost) -> list[str]:
    return [
        cost.kind,
        NONE if cost.wall_s is None else f"{cost.wall_s:,.1f}",
        NONE if cost.tokens is None else f"{cost.tokens:,}",
        NONE if cost.peak_memory_bytes is None else f"{cost.peak_memory_bytes / 1e6:,.0f}",
        cost.device or NONE,
    ]
