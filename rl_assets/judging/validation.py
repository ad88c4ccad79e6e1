"""Whether a judge agrees with people: on preferences that the log holds, apart for longer and for shorter answers.

A judge that follows length agrees with people wherever they chose the longer answer, so the two halves count alike.
"""

from rl_assets.judging.summary import JudgeVerdicts

MIN_CLUSTERS = 50
MIN_AGREEMENT = 0.6
MIN_HALF = 0.5


def may_still_be_validated(preferences: JudgeVerdicts | None) -> bool:
    """Whether further preferences of people could prove a judge that has not been validated.

    They are too few so far, or people always chose the longer (or the shorter) one, and nothing else speaks against it.
    """
    if preferences is None:
        return True
    halves = preferences.by_length
    return preferences.reliable and (preferences.clusters < MIN_CLUSTERS or not (halves.longer and halves.shorter))


def contradiction(preferences: JudgeVerdicts | None) -> str | None:
    """How people's preferences contradict a judge that is reliable in itself, as a sentence; None if they do not."""
    if preferences is None or not preferences.reliable or may_still_be_validated(preferences):
        return None
    problem = validation_problem(preferences)
    return f"It {problem}." if problem else None


def validation_problem(preferences: JudgeVerdicts | None) -> str | None:
    """Why the judge may not decide a promotion, as the rest of a sentence about it; None if it may.

    `preferences` are its verdicts on pairs whose first answer people chose, so its win rates are its agreement with
    them; None if there was no such pair.
    """
    clusters = preferences.clusters if preferences else 0
    if preferences is None or clusters < MIN_CLUSTERS:
        return f"is validated on {clusters} of {MIN_CLUSTERS} human preferences"
    if preferences.problems:
        return f"is not reliable: {' '.join(preferences.problems)}"
    halves = preferences.by_length
    if halves.longer is None or halves.shorter is None or halves.mean is None or halves.low is None:
        return "cannot be validated: people always chose the longer answer, or always the shorter one"
    if min(halves.longer.mean, halves.shorter.mean) < MIN_HALF:
        return (
            f"follows length: it agrees with people on {halves.longer.mean:.2f} where they chose the longer answer, "
            f"and on {halves.shorter.mean:.2f} where they chose the shorter one"
        )
    if halves.mean < MIN_AGREEMENT or halves.low <= 0.5:
        return f"agrees with people on {halves.mean:.2f} (at least {halves.low:.2f}); {MIN_AGREEMENT} is needed"
    return None
