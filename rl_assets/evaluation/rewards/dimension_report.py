"""The report on heads of dimensions: whether each beats the length of answers, by slices, and its calibration."""

from pathlib import Path

from rl_assets.evaluation.report.sections import Bullets, Cell, Paragraph, Section, Table, number, section, signed
from rl_assets.evaluation.report.written import write_pages, write_values
from rl_assets.rewards.dimension_model import StoredDimensions, StoredHead

NAME = "dimensions"
NOTES = (
    "Accuracy is the share of pairs of answers to one prompt of which the head scores the better one higher; a tie "
    'counts half. The length rule is the better of "the longer answer wins" and "the shorter one wins", chosen on the '
    "training pairs that the head learned from. The gain is the paired difference with a 95 % interval by bootstrap "
    "over sessions, or groups of near-duplicate prompts (2,000 draws). Below 300 held-out pairs the estimate out of "
    "fold decides: five folds of the training pairs by session, each scored by a head of the others. One rater is how "
    "often one person orders two answers as the mean of the others does: no head can be asked for more. A calibration "
    "error is the mean distance of values from ratings in ten bins."
)


def dimension_sections(stored: StoredDimensions, day: str) -> list[Section]:
    """The heads, what they are worth, and the dimensions without one."""
    skipped = [f"{name}: {reason}." for name, reason in sorted(stored.skipped.items())]
    return [
        section(f"Rewards by dimension as of {day}", Paragraph(dimensions_headline(stored), "lead")),
        section("Against the length of answers", gains_table(stored)),
        section("Where they are right", _slices_table(stored), _margins_table(stored)),
        section("Calibration", _calibration_table(stored)),
        section("What they weigh", _weights_table(stored)),
        section("Not learned", Bullets(skipped) if skipped else None),
        section("How to read this", Paragraph(NOTES, "note")),
    ]


def dimensions_headline(stored: StoredDimensions) -> str:
    """Which heads recipes may use, and which not."""
    offered = [name for name, head in sorted(stored.heads.items()) if head.offered]
    forced = [name for name, head in sorted(stored.heads.items()) if head.forced]
    others = [name for name, head in sorted(stored.heads.items()) if not head.may_be_used]
    sentences = [
        f"Recipes may use {', '.join(offered)}: better than the length of answers." if offered else "",
        f"{', '.join(forced)} may be used because it was forced, though not shown to beat length." if forced else "",
        f"Not offered, because not shown to beat the length of answers: {', '.join(others)}." if others else "",
        "Nothing was learned." if not stored.heads else "",
    ]
    return " ".join(filter(None, sentences))


def gains_table(stored: StoredDimensions) -> Table:
    """Each head against the better length rule."""
    rows = [[name, *_gain_cells(head)] for name, head in sorted(stored.heads.items())]
    header = ["Dimension", "By", "Train pairs", "Estimate", "Pairs", "Accuracy", "Length rule", "Gain", "Offered"]
    return Table(header, rows)


def _gain_cells(head: StoredHead) -> list[Cell]:
    report = head.report
    found = report.decisive
    return [
        head.source,
        f"{report.train_pairs:,}",
        report.decided_by.replace("_", " "),
        f"{found.pairs:,}",
        found.accuracy,
        found.baseline,
        signed(found.gain),
        "yes" if head.offered else "forced" if head.forced else "no",
    ]


def _slices_table(stored: StoredDimensions) -> Table:
    rows: list[list[Cell]] = []
    for name, head in sorted(stored.heads.items()):
        for label, found in (("held out", head.report.held_out), ("out of fold", head.report.out_of_fold)):
            if found is None:
                rows.append([name, f"{label}: not measured, {head.report.held_out_pairs} pairs"])
                continue
            slices = [found.shorter_is_right, found.lengths_alike, head.report.one_rater]
            rows.append([name, label, found.accuracy, signed(found.gain), *slices])
    header = ["Dimension", "Pairs", "Accuracy", "Gain", "Shorter is right", "Lengths within 1.25", "One rater"]
    return Table(header, [[*row, *[None] * (len(header) - len(row))] for row in rows])


def _margins_table(stored: StoredDimensions) -> Table:
    bins = sorted({label for head in stored.heads.values() for label in head.report.decisive.by_margin})
    rows = [
        [name, *(head.report.decisive.by_margin.get(label) for label in bins)]
        for name, head in sorted(stored.heads.items())
    ]
    return Table(["Accuracy by difference of ratings", *bins], rows if bins else [])


def _calibration_table(stored: StoredDimensions) -> Table:
    rows: list[list[Cell]] = []
    for name, head in sorted(stored.heads.items()):
        found = head.report.calibration
        errors = [number(value, ".3f") for value in (found.error_before, found.error)]
        steps, flat = number(found.monotone_steps, ".0%"), number(found.flat_share, ".0%")
        rows.append([name, found.method, found.fitted_on, f"{found.ratings:,}", *errors, steps, flat])
    header = ["Dimension", "Method", "Fitted on", "Ratings", "Error before", "Error", "Rising steps", "Flat"]
    return Table(header, rows)


def _weights_table(stored: StoredDimensions) -> Table:
    heads = sorted(stored.heads.items())
    names = [*heads[0][1].coefficients] if heads else []
    rows = [[name, *(f"{head.coefficients[name]:+.3f}" for _, head in heads)] for name in names]
    return Table(["Feature", *(name for name, _ in heads)], rows)


def write_dimension_report(stored: StoredDimensions, day: str, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, dimensions.json last."""
    write_pages(dimension_sections(stored, day), folder, NAME)
    write_values(stored, folder, NAME)
