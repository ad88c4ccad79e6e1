"""What the log says of served answers and of judges, in words and table cells; plain text, for a page to escape."""

from rl_assets.evaluation.log.logged_agreement import LoggedAgreement
from rl_assets.evaluation.report.wording import NONE, Table, figure, signed
from rl_assets.evaluation.schema.results import EvalReport

UNNAMED = "none named"
REJECTED = "Rejected are answers at two stars or below, or corrected."


def agreement_sentence(found: LoggedAgreement) -> str:
    """How far judges of the log agree with people, and the ceiling that people set."""
    return f"{_judges(found)} {_people(found)}"


def _judges(found: LoggedAgreement) -> str:
    if found.judges is None:
        return "The log holds no two answers to one prompt that both people and a judge compared."
    decided = f", and {figure(found.judges.decided)} where both decided" if found.judges.decided else ""
    return (
        f"On {found.compared:,} pairs of answers that people and a judge of the log both compared, the judge agrees "
        f"with people on {figure(found.judges.all_pairs)}, ties included{decided}."
    )


def _people(found: LoggedAgreement) -> str:
    if found.people is None:
        return "No pair has three raters, so there is no figure for how far people agree among themselves."
    people = found.people
    return (
        f"Two people agree on {figure(people.pairwise)} of the {people.pairs:,} pairs with three raters "
        f"(Fleiss' kappa {people.kappa:.2f}); one more rater would agree with the others on {figure(people.ceiling)}, "
        "which is the ceiling for a judge."
    )


def served_rows(report: EvalReport) -> Table:
    """Ratings of the answers that adapters served, by the log."""
    header = ["Served adapter", "Segment", "Questions", "Human rating", "Improvement", "Rejection rate"]
    rows = [
        [
            row.adapter or UNNAMED,
            row.segment,
            f"{row.questions:,}",
            figure(row.rating),
            NONE if row.improvement is None else signed(row.improvement),
            figure(row.rejection_rate),
        ]
        for row in report.served
    ]
    return header, rows


def served_sentence(report: EvalReport) -> str:
    """What the rating improvement rests on, or why there is none."""
    if not report.served:
        return "No answer of the window was rated by people, so there is no rating improvement or rejection rate."
    if all(row.adapter is None for row in report.served):
        return f"No rated answer of the window names the adapter that gave it, so no improvement is stated. {REJECTED}"
    return (
        f"Improvement is the rating above that of answers without a named adapter, at one mix of categories. {REJECTED}"
    )


def price_sentence(report: EvalReport) -> str:
    """Which price table was used, and that a model which it does not name has no cost."""
    table = f"the price table of {report.prices.version} ({report.prices.source})"
    if report.prices.price is None:
        return (
            f"{report.base_name} is not in {table}, so no cost is stated; "
            "a prices.yaml of your own in the home folder may name it."
        )
    price = report.prices.price
    return f"Costs by {table}: {price.input:g} and {price.output:g} US dollars a million tokens in and out."
