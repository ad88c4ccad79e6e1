"""The report on feedback: its sections, and its files: feedback.json with its schema, feedback.md and feedback.html."""

from pathlib import Path

from rl_assets.evaluation.feedback.insights import FeedbackInsights, GroupFeedback
from rl_assets.evaluation.report.sections import NONE, Cell, Paragraph, Section, Table, section
from rl_assets.evaluation.report.written import write_pages, write_values

NOTES = (
    "A rating is the mean over questions of the reward that people gave, in [0, 1], with a normal 95 % interval; "
    "shares have Wilson's, and agreement has one of a bootstrap over questions. Agreement is the share of rater pairs "
    "who said the same of one answer (good, bad or between) or of one pair of answers (either is better, or a tie). A "
    "comparison counts for both of its answers."
)


def insight_sections(insights: FeedbackInsights) -> list[Section]:
    """Ratings and verdicts of each group, and how its raters work."""
    return [
        section(f"Feedback as of {insights.day}", Paragraph(feedback_headline(insights), "lead")),
        section("Ratings", ratings_table(insights)),
        section("Verdicts by kind", _verdicts_table(insights)),
        section("Raters", _raters_table(insights)),
        section("How to read this", Paragraph(NOTES, "note")),
    ]


def feedback_headline(insights: FeedbackInsights) -> str:
    """How many answers people rated, and how often the answer shown first won."""
    answers, rated = (sum(getattr(group, name) for group in insights.groups) for name in ("answers", "rated"))
    if not answers:
        return "There are no answers in the window."
    shown = insights.shown_first
    order = f" The answer shown first won {shown:.1%} of {shown.n:,} decided comparisons." if shown else ""
    return f"People rated {rated:,} of {answers:,} answers ({rated / answers:.1%}).{order}"


def ratings_table(insights: FeedbackInsights) -> Table:
    """Answers, share rated and mean rating of each group."""
    header = ["Segment", "Agent", "Adapter", "Answers", "Rated", "Share rated", "Rating"]
    return Table(
        header,
        [
            [*_name(group), f"{group.answers:,}", f"{group.rated:,}", group.rated_share, group.rating]
            for group in insights.groups
        ],
    )


def _verdicts_table(insights: FeedbackInsights) -> Table:
    kinds = sorted({kind for group in insights.groups for kind in group.verdicts})
    header = ["Segment", "Agent", "Adapter", *(kind.capitalize() for kind in kinds), "Ties", "Taken back"]
    rows: list[list[Cell]] = [
        [
            *_name(group),
            *(f"{group.verdicts.get(kind, 0):,}" for kind in kinds),
            f"{group.ties:,}",
            f"{group.taken_back:,}",
        ]
        for group in insights.groups
    ]
    return Table(header, rows)


def _raters_table(insights: FeedbackInsights) -> Table:
    header = ["Segment", "Agent", "Adapter", "Rated by two or more", "Agreement", "Decided comparisons", "First won"]
    return Table(
        header,
        [
            [*_name(group), f"{group.rated_twice:,}", group.agreement, _decided(group), group.shown_first]
            for group in insights.groups
            if group.agreement or group.shown_first
        ],
    )


def _decided(group: GroupFeedback) -> str:
    return f"{group.shown_first.n:,}" if group.shown_first else NONE


def _name(group: GroupFeedback) -> list[str]:
    return [group.segment, group.agent, group.adapter or NONE]


def write_insights(insights: FeedbackInsights, folder: Path) -> None:
    """Write the report into `folder`, each file atomically, feedback.json last."""
    write_pages(insight_sections(insights), folder, "feedback")
    write_values(insights, folder, "feedback")
