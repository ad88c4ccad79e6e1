"""The evaluation report as a list of sections, in the order of a reader's questions: verdict, sample, what
differs, users, models, slices, judge, benchmarks, production, training, worst answers, notes, lineage, definitions."""

from rl_assets.evaluation.report.feedback_sections import judge_section, production_section, served_section
from rl_assets.evaluation.report.inline_plots import small_forest
from rl_assets.evaluation.report.plots import EvalFigures, draw_figures
from rl_assets.evaluation.report.sections import (
    Bullets,
    Cell,
    Definitions,
    Example,
    Examples,
    Paragraph,
    Section,
    Table,
    VerdictBox,
    figure,
    number,
    p_value,
    section,
    signed,
)
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.report import (
    ROLES,
    BenchmarkResult,
    EvalReport,
    HeldOutResult,
    LatencyRatio,
    ModelResult,
    TrainingRun,
)
from rl_assets.llm.prices import PricesUsed

HASH_CHARACTERS = 12
UNFINISHED = "unfinished_answers"
FOREST_CAPTION = (
    "Both models answered the same items. Right of the line the first one is better; coloured where the interval "
    "excludes 0."
)
INTERVALS = (
    "Brackets hold 95 % intervals: bootstrap over prompt clusters, 10,000 resamples, fixed seed; where all prompts "
    "agree, exact ones (Clopper-Pearson). A difference of 0 on every prompt has no width: that none of these answers "
    "differs does not show that none will."
)


def eval_sections(report: EvalReport, decision: Decision | None = None) -> list[Section]:
    """The complete report, the decision on top once there is one."""
    figures = draw_figures(report)
    by_users = served_section(report.served, figures.served)
    return [
        _summary(report, decision, figures),
        section(
            "Paired differences",
            figure(figures.differences, FOREST_CAPTION, small_forest(report)),
            Paragraph(" ".join(filter(None, [sample_sentence(report), _latency_sentence(report.latency_ratio)]))),
            differences_table(report),
        ),
        *([by_users] if by_users else []),
        section("Models", models_table(report)),
        _slices(report.held_out, report.primary.level, figures),
        judge_section(report.judge, figures.verdicts, decision.people if decision else None),
        *(_benchmark(benchmark) for benchmark in report.benchmarks),
        production_section(report.production),
        _training(report, figures),
        _worst_answers(report.held_out),
        section("Notes", Bullets(report.notes) if report.notes else None),
        section("Lineage", _lineage_table(report)),
        _definitions(report),
    ]


def _summary(report: EvalReport, decision: Decision | None, figures: EvalFigures) -> Section:
    segment = f" · segment {report.segment}" if report.segment else ""
    sentence = report.primary.sentence()
    contaminated = len(report.contamination.prompts)
    alert = f"{contaminated} held-out prompts are also in a training split: the metrics say nothing about new prompts."
    return section(
        f"Evaluation as of {report.day}",
        Paragraph(f"Base {report.lineage.base_name}{segment}", "note"),
        _verdict_box(decision) if decision else None,
        Paragraph(headline(report), "lead"),
        None if decision and sentence in decision.reasons else Paragraph(sentence),
        Paragraph(alert, "alert") if contaminated else None,
        figure(figures.by_model),
    )


def _verdict_box(decision: Decision) -> VerdictBox:
    guardrails = [f"Guardrail. {guardrail.sentence()}" for guardrail in decision.guardrails]
    return VerdictBox(decision.verdict, decision.against, decision.reasons, guardrails)


def headline(report: EvalReport) -> str:
    """One sentence: the candidate's main metric and its difference from each other model."""
    metric = report.primary.level
    level = report.candidate.metrics.get(metric)
    if level is None:
        too_long = report.held_out.too_long
        why = f" {too_long} rows are too long for the base's context." if too_long else ""
        return f"There was no held-out item to evaluate on.{why}"
    differences = [
        f"{comparison.differences[metric].mean:+.3f} against the {comparison.theirs}"
        for comparison in report.comparisons.values()
        if comparison.ours == "candidate" and metric in comparison.differences
    ]
    return f"{METRICS[metric].title} of the candidate: {level:.3f} on {level.n} items; {', '.join(differences)}."


def sample_sentence(report: EvalReport) -> str:
    """How large the sample is, what it can show, and whether any of it is contaminated."""
    sample, contaminated = report.held_out, len(report.contamination.prompts)
    size = f"{sample.items} items in {sample.clusters} clusters and {sample.pairs} preference pairs."
    leakage = f"{contaminated} prompts are CONTAMINATED." if contaminated else "No train/test leakage."
    return f"{size} {_power(report)} {leakage}"


def _power(report: EvalReport) -> str:
    deciding = report.comparison("champion") or report.comparison("base")
    if deciding is None or deciding.minimum_detectable_effect is None:
        return "The paired differences show no spread, so no minimum detectable effect can be stated."
    return (
        f"Against the {deciding.theirs}, a true difference of {deciding.minimum_detectable_effect:.3f} in "
        f"{METRICS[report.primary.compared].title.lower()} would show in 80 % of such samples."
    )


def _latency_sentence(latency: LatencyRatio | None) -> str | None:
    if latency is None:
        return None
    work = "generating equally many tokens" if latency.equal_work else "each answer to its end"
    return (
        f"A request takes the {latency.ours} {latency.ratio:.3f} times as long as the {latency.against}, median over "
        f"prompts, side by side, {work}."
    )


def models_table(report: EvalReport) -> Table:
    """Every metric and cost, one column per model."""
    models = [report.models[role] for role in ROLES if role in report.models]
    # Unfinished answers have a row of their own, with the limit.
    names = [name for name in METRICS if name != UNFINISHED and any(name in model.metrics for model in models)]
    rows: list[list[Cell]] = [[METRICS[n].title, *(model.metrics.get(n) for model in models)] for n in names]
    rows.append(["Latency p50 / p95, ms", *(_latency_cell(model) for model in models)])
    rows.append(["Tokens per second, batched", *(number(model.tokens_per_second) for model in models)])
    rows.append(["Tokens per answer", *(number(model.tokens_per_answer) for model in models)])
    rows.append(["Cost of 1,000 answers, USD", *(_cost_cell(model) for model in models)])
    room, items = report.held_out.max_new_tokens, report.held_out.items
    unfinished = (_share_cell(model.unfinished_answers, items) for model in models)
    rows.append([f"{METRICS[UNFINISHED].title} (limit {room} tokens)", *unfinished])
    return Table(["", *(f"{model.role} ({model.label})" for model in models)], rows)


def _share_cell(count: int, items: int) -> str:
    return f"{count} of {items} ({count / items:.0%})" if items else "0"


def _latency_cell(model: ModelResult) -> str | None:
    return None if model.latency is None else f"{model.latency.p50_ms:.1f} / {model.latency.p95_ms:.1f}"


def _cost_cell(model: ModelResult) -> str | None:
    return None if model.cost_per_answer_usd is None else f"{1000 * model.cost_per_answer_usd:,.4f}"


def differences_table(report: EvalReport) -> Table:
    """Paired differences, one column per comparison."""
    compared = list(report.comparisons.values())
    names = [metric for metric in METRICS if any(metric in c.differences for c in compared)]
    rows = [[METRICS[n].title, *(signed(c.differences.get(n)) for c in compared)] for n in names]
    return Table(["", *(f"{c.ours} − {c.theirs}" for c in compared)], rows)


def _slices(held_out: HeldOutResult, metric: str, figures: EvalFigures) -> Section:
    count = len(held_out.slices)
    note = (
        f"{METRICS[metric].title} by agent of the reference, category and segment. p-values are Holm's, for looking "
        f"at {count} slices at once."
    )
    header = ["Slice", "Items", "Clusters", "Candidate", "Difference", "p (Holm)", "Verdict"]
    rows: list[list[Cell]] = [
        [
            f"{result.dimension}: {result.value}",
            str(result.candidate.n),
            str(result.candidate.clusters),
            result.candidate,
            signed(result.difference),
            p_value(result.p_holm),
            result.verdict,
        ]
        for result in held_out.slices
    ]
    return section("Slices", Paragraph(note, "note") if count else None, figure(figures.slices), Table(header, rows))


def _benchmark(result: BenchmarkResult) -> Section:
    roles = [role for role in ROLES if role in result.metrics]
    names = [name for name in METRICS if any(name in result.metrics[role] for role in roles)]
    rows: list[list[Cell]] = [
        [
            METRICS[name].title,
            *(result.metrics[role].get(name) for role in roles),
            signed(result.differences.get(name)),
        ]
        for name in names
    ]
    too_long = f", {result.too_long} more were too long" if result.too_long else ""
    note = f"{result.items} items{too_long} · file {result.sha256[:HASH_CHARACTERS]}"
    table = Table(["", *roles, f"candidate − {result.against}"], rows)
    return section(f"Benchmark {result.name}", Paragraph(note, "note"), table)


def _training(report: EvalReport, figures: EvalFigures) -> Section:
    header = ["Adapter", "Wall time, s", "Tokens", "Peak memory, MB", "Device"]
    return section(
        "Training and rewards",
        figure(figures.losses),
        figure(figures.rewards, "Rewards of the rated answers in the window, by their source."),
        Table(header, [_training_cells(run) for run in report.training]),
        Paragraph(prices_sentence(report.lineage.base_name, report.prices)),
    )


def _training_cells(run: TrainingRun) -> list[Cell]:
    memory = None if run.peak_memory_bytes is None else run.peak_memory_bytes / 1e6
    return [run.kind, number(run.wall_s), number(run.tokens, ","), number(memory, ",.0f"), run.device]


def prices_sentence(base_name: str, prices: PricesUsed) -> str:
    """Which price table was used, and that a model which is missing from it has no cost."""
    table = f"the price table of {prices.version} ({prices.source})"
    if prices.price is None:
        return f"{base_name} is not in {table}, so no cost is stated; a prices.yaml in the home folder may add it."
    price = prices.price
    return f"Costs by {table}: {price.input:g} and {price.output:g} US dollars per million tokens in and out."


def _worst_answers(held_out: HeldOutResult) -> Section:
    examples = [
        Example(
            f"{worst.why} (F1 {worst.token_f1:.2f})",
            [("Prompt", worst.prompt), ("Expected", worst.reference), ("Answered", worst.answer)],
        )
        for worst in held_out.worst_answers
    ]
    nothing = "Every answer matches a reference." if held_out.items else "There was nothing to answer."
    return section("Worst answers of the candidate", Examples(examples) if examples else Paragraph(nothing))


def _lineage_table(report: EvalReport) -> Table:
    """Base, datasets, adapters and champion by their hashes, with the inputs of each."""
    lineage = report.lineage
    quantized = f", quantized to {lineage.quantization}" if lineage.quantization else ""
    rows = [["base model", f"{lineage.base_name}{quantized}", _short(lineage.base_sha256), ""]]
    for data in lineage.datasets:
        inputs = ", ".join(f"{table} ({len(days)} days)" for table, days in data.inputs.items())
        splits = " / ".join(f"{rows} {name}" for name, rows in data.rows.items())
        rows.append(["dataset", f"{data.name} {data.day}: {splits}", _short(data.sha256), inputs])
    for run in report.training:
        rows.append(["adapter", f"{run.kind} {run.inputs_hash}", _short(run.sha256), _short(run.dataset_sha256)])
    if lineage.champion_sha256:
        rows.append(["champion", "", _short(lineage.champion_sha256), ""])
    return Table(["Kind", "Name", "Content hash", "Inputs"], rows, wide=True)


def _short(sha256: str) -> str:
    return sha256[:HASH_CHARACTERS]


def _definitions(report: EvalReport) -> Section:
    metrics = [METRICS[name] for name in METRICS if any(name in model.metrics for model in report.models.values())]
    entries = [
        (metric.title if metric.higher_is_better else f"{metric.title} (lower is better)", metric.meaning)
        for metric in metrics
    ]
    return section("Metrics", Paragraph(INTERVALS, "note"), Definitions(entries))
