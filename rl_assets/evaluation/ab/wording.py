"""The A/B report in words: a headline and table cells as plain text, for a page to escape and lay out."""

from collections.abc import Sequence

from rl_assets.evaluation.ab.results import AbReport, AgentCost, AgentScore, Contest
from rl_assets.evaluation.report.wording import NONE, Table, figure, judge_sentence, p_value, rate, signed
from rl_assets.judging.summary import JudgeVerdicts


def ab_title(report: AbReport) -> str:
    """What is compared, and when."""
    return f"Agents as of {report.day}" if report.answers == "the log" else f"Adapters as of {report.day}"


def group_title(group: tuple[str, str]) -> str:
    """A segment and who scored it, as a heading."""
    return f"{group[0]}, scored by {group[1]}"


def ab_headline(report: AbReport) -> str:
    """How many agents were compared, and how many differences hold."""
    if not report.contests:
        return "No two of a segment have rated answers: there is nothing to compare."
    held = sum(contest.winner is not None for contest in report.contests)
    who = "agents" if report.answers == "the log" else "models"
    return f"{len(report.agents)} {who}, {len(report.contests)} contests; {held} have a winner after Holm's correction."


def groups(report: AbReport) -> list[tuple[str, str]]:
    """Segments with the source of their rewards, in the order of the report."""
    return list(dict.fromkeys((agent.segment, agent.source) for agent in report.agents))


def level_rows(report: AbReport, group: tuple[str, str] | None = None) -> Table:
    """Agents with their levels, the best first in each segment; of all segments, or of one."""
    rows = [agent for agent in report.agents if group in (None, (agent.segment, agent.source))]
    rows.sort(key=lambda agent: (agent.segment, agent.source, -(agent.level.mean if agent.level else agent.raw)))
    return ["Agent", "Questions", "Raw score", "Score at one mix", "Left out"], [_level(row) for row in rows]


def _level(agent: AgentScore) -> list[str]:
    left_out = ", ".join(agent.left_out) or NONE
    return [agent.agent, f"{agent.questions:,}", f"{agent.raw:.3f}", figure(agent.level), left_out]


def contest_rows(report: AbReport, group: tuple[str, str] | None = None) -> Table:
    """Contests with wins, ties and losses; of all segments, or of one."""
    header = ["Contest", "Questions", "Wins / ties / losses", "Raw difference", "At one mix", "p (Holm)", "Winner"]
    return header, [_contest(found) for found in report.contests if group in (None, (found.segment, found.source))]


def _contest(found: Contest) -> list[str]:
    shared = found.basis == "same questions"
    return [
        f"{found.ours} − {found.theirs}",
        f"{found.questions:,}" if shared else "no common ones",
        f"{found.wins:,} / {found.ties:,} / {found.losses:,}" if shared else NONE,
        f"{found.raw:+.3f}",
        signed(found.difference),
        p_value(found.p_holm),
        found.winner or NONE,
    ]


def judged_rows(judged: Sequence[JudgeVerdicts]) -> Table:
    """What a judge said, a row a contest."""
    header = ["Contest", "Pairs", "Wins / ties / losses", "Invalid", "Win rate", "At equal lengths", "Consistency"]
    rows = [
        [
            f"{found.ours} − {found.theirs}",
            str(found.pairs),
            f"{found.wins} / {found.ties} / {found.losses}",
            str(found.invalid + found.not_asked),
            figure(found.win_rate),
            figure(found.length_controlled),
            rate(found.consistency),
        ]
        for found in judged
    ]
    return header, rows


def doubts(judged: Sequence[JudgeVerdicts]) -> list[str]:
    """Why verdicts are not to be believed, a sentence a contest."""
    return [judge_sentence(found) for found in judged if found.doubts]


def cost_rows(costs: Sequence[AgentCost]) -> Table:
    """Answers, failures, latency and cost of each agent; a dash where nothing was logged."""
    header = ["Agent", "Answers", "Failed", "Unrated", "Latency p50 / p95, ms", "Tokens", "Cost, USD"]
    return header, [_cost(found) for found in costs]


def _cost(found: AgentCost) -> list[str]:
    latency = NONE
    if found.latency_p50_ms is not None and found.latency_p95_ms is not None:
        latency = f"{found.latency_p50_ms:,.0f} / {found.latency_p95_ms:,.0f}"
    cost = NONE if found.cost_usd is None else f"{found.cost_usd:,.4f} ({found.priced:,} answers)"
    return [
        f"{found.agent} in {found.segment}",
        f"{found.answers:,}",
        f"{found.failed:,}",
        f"{found.unrated:,}",
        latency,
        NONE if found.tokens is None else f"{found.tokens:,}",
        cost,
    ]
