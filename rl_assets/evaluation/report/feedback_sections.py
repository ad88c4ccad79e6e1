"""Sections on feedback: what a judge says of answers, what people say of served ones, and how far the two agree."""

from collections.abc import Sequence

from rl_assets.evaluation.report.sections import (
    Cell,
    Paragraph,
    Section,
    Table,
    figure,
    number,
    section,
    signed,
)
from rl_assets.evaluation.schema.people import People
from rl_assets.evaluation.schema.report import JudgeResult, LoggedAgreement, Production
from rl_assets.evaluation.schema.served import ServedResult
from rl_assets.judging.ratings import JudgeRatings
from rl_assets.judging.summary import JudgeVerdicts

UNNAMED = "none named"
SERVED_CAPTION = "Right of the line users like the first one better; coloured where the interval excludes 0."
REJECTED = "Rejected are answers at two stars or below, or corrected."


def judge_section(judge: JudgeResult, svg: str | None, people: People | None = None) -> Section:
    """Verdicts and ratings in sentences, a figure and a table, and beside them the win rate by people."""
    labels = Paragraph(people.sentence(), "alert" if people.disagree else "plain") if people else None
    if not judge.verdicts:
        return section("Judge", Paragraph("No judge is configured, so there are automatic metrics only."), labels)
    sentences = [
        Paragraph(verdict_sentence(verdicts), "plain" if verdicts.reliable else "alert") for verdicts in judge.verdicts
    ]
    ratings = Paragraph(ratings_sentence(judge.ratings)) if judge.ratings else None
    return section("Judge", *sentences, labels, ratings, figure(svg), _verdict_table(judge.verdicts))


def verdict_sentence(verdicts: JudgeVerdicts) -> str:
    """The judge and its result; for an unreliable judge, why its verdicts are not used."""
    if verdicts.problems:
        reasons = " ".join(verdicts.problems)
        return f"The verdicts of {verdicts.model} on {verdicts.ours} and {verdicts.theirs} are not used. {reasons}"
    counts = f"{verdicts.wins} wins, {verdicts.ties} ties and {verdicts.losses} losses"
    parts = [f"{verdicts.model} gave {counts} of {verdicts.ours} against {verdicts.theirs}"]
    if verdicts.win_rate is not None:
        parts.append(f": win rate {verdicts.win_rate:.3f}")
    if verdicts.length_controlled is not None:
        parts.append(f", and {verdicts.length_controlled:.3f} at equal lengths")
    parts.append(".")
    if verdicts.consistency is not None:
        parts.append(f" It agreed with itself on {verdicts.consistency:.2f} of the pairs in swapped order.")
    if verdicts.first_position is not None:
        parts.append(f" It chose the first one in {verdicts.first_position:.2f} of its decisions.")
    return "".join(parts)


def ratings_sentence(ratings: JudgeRatings) -> str:
    """How a judge rated both models' answers, one at a time."""
    if ratings.improvement is None:
        return f"{ratings.model} gave no valid rating to both answers of any prompt."
    unrated = f" {ratings.unrated} prompts have no valid rating of both answers." if ratings.unrated else ""
    both = f"{ratings.ours} {ratings.ours_rating:.3f} and {ratings.theirs} {ratings.theirs_rating:.3f}"
    improvement = f"on {ratings.rated} prompts: an improvement of {ratings.improvement:+.3f}"
    return f"Answer by answer, {ratings.model} rated {both} {improvement}.{unrated}"


def _verdict_table(verdicts: Sequence[JudgeVerdicts]) -> Table:
    """Verdicts and the judge's behaviour, one column per comparison."""
    rows: list[list[Cell]] = [
        ["Pairs", *(str(v.pairs) for v in verdicts)],
        ["Wins / ties / losses", *(f"{v.wins} / {v.ties} / {v.losses}" for v in verdicts)],
        ["Identical answers among the ties", *(str(v.identical) for v in verdicts)],
        ["Invalid / skipped", *(f"{v.invalid} / {v.skipped}" for v in verdicts)],
        ["Win rate, a tie as half", *(v.win_rate for v in verdicts)],
        ["Win rate at equal lengths", *(v.length_controlled for v in verdicts)],
        ["Consistency in both orders", *(number(v.consistency, ".2f") for v in verdicts)],
        ["Chose the first position", *(number(v.first_position, ".2f") for v in verdicts)],
        [
            "Calls so far / from the cache / tokens",
            *(f"{v.calls:,} / {v.from_cache:,} / {v.tokens:,}" for v in verdicts),
        ],
        ["Failures", *(", ".join(f"{n} x {what}" for what, n in v.failures.items()) or "none" for v in verdicts)],
    ]
    return Table(["", *(f"{v.ours} − {v.theirs}" for v in verdicts)], rows)


def served_section(served: ServedResult | None, svg: str | None) -> Section | None:
    """What users made of two served models: the rewards of their conversations, and the gain that decides."""
    if served is None:
        return None
    arms = (served.ours, served.theirs)
    rows: list[list[Cell]] = [
        ["Conversations", *(f"{arm.conversations:,}" for arm in arms), None],
        ["With a reward", *(_share(arm.rated, arm.conversations) for arm in arms), signed(served.rated)],
        ["With a failed answer", *(_share(arm.failed, arm.conversations) for arm in arms), signed(served.errors)],
        ["Mean reward", *(number(arm.reward, ".3f") for arm in arms), signed(served.gain)],
    ]
    note = "The difference in reward is weighted by the logged chances of the draw, so it may not be that of the means."
    table = Table(["", served.ours.name, served.theirs.name, "Difference"], rows)
    return section(
        "What users say", Paragraph(served.sentence()), figure(svg, SERVED_CAPTION), table, Paragraph(note, "note")
    )


def _share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})"


def production_section(production: Production) -> Section:
    """Human ratings of served answers, and the agreement of judges with people."""
    header = ["Served adapter", "Segment", "Questions", "Human rating", "Improvement", "Rejection rate"]
    rows: list[list[Cell]] = [
        [
            rating.adapter or UNNAMED,
            rating.segment,
            f"{rating.questions:,}",
            rating.rating,
            signed(rating.improvement),
            rating.rejection_rate,
        ]
        for rating in production.ratings
    ]
    return section(
        "Production ratings",
        Paragraph(ratings_basis(production)),
        Table(header, rows),
        Paragraph(agreement_sentence(production.agreement)),
    )


def ratings_basis(production: Production) -> str:
    """What the rating improvement rests on, or why there is none."""
    if not production.ratings:
        return "No answer of the window was rated by people, so there is no rating improvement or rejection rate."
    if all(rating.adapter is None for rating in production.ratings):
        return f"No rated answer of the window names the adapter that gave it, so no improvement is stated. {REJECTED}"
    return (
        "Improvement is the rating above that of answers without a named adapter, at the same mix of categories. "
        f"{REJECTED}"
    )


def agreement_sentence(agreement: LoggedAgreement) -> str:
    """How far judges of the log agree with people, and the ceiling that people set."""
    return f"{_judges_with_people(agreement)} {_people(agreement)}"


def _judges_with_people(agreement: LoggedAgreement) -> str:
    if agreement.judges is None:
        return "The log holds no two answers to one prompt that both people and a judge compared."
    decided = f", and {agreement.judges.decided:.3f} where both decided" if agreement.judges.decided else ""
    return (
        f"On {agreement.compared:,} pairs of answers that people and a judge of the log both compared, the judge "
        f"agrees with people on {agreement.judges.all_pairs:.3f}, ties included{decided}."
    )


def _people(agreement: LoggedAgreement) -> str:
    if agreement.people is None:
        return "No pair has three raters, so the agreement of people among themselves is unknown."
    people = agreement.people
    return (
        f"Two people agree on {people.pairwise:.3f} of the {people.pairs:,} pairs with three raters "
        f"(Fleiss' kappa {people.kappa:.2f}); one more rater would agree with the others on {people.ceiling:.3f}, "
        "which is the ceiling for a judge."
    )
