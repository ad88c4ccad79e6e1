"""CrewAI scores logged answers from an environment of its own: `python crew.py answers.jsonl <home> <YYYY-MM-DD>`.

`answers.jsonl` has lines {"interaction_id", "question", "answer"}. Each score becomes a line of
`<home>/landing/reward_log/<day>/crew.jsonl`, which lands as synthetic feedback. Written for crewai 1.15.30.
"""

import json
import os
import sys
from pathlib import Path

# Read by crewai when it is imported: the first ends its telemetry, the second the upload of traces.
os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false"}


def score(question: str, answer: str) -> float:
    """The critic's score of an answer, from 1 to 5, as a value in [0, 1]."""
    from crewai import Agent, Crew, Task  # noqa: PLC0415

    critic = Agent(role="critic", goal="Score how right an answer is.", backstory="You check facts.")
    task = Task(description="{question}\n\n{answer}", expected_output="A number from 1 to 5 alone.", agent=critic)
    result = Crew(agents=[critic], tasks=[task], tracing=False).kickoff({"question": question, "answer": answer})
    return (int(result.raw.strip()) - 1) / 4


def main(answers: Path, home: Path, day: str) -> None:
    """Score the answers and land the scores."""
    target = home / "landing" / "reward_log" / day / "crew.jsonl"
    same = {"type": "feedback", "dimension": "overall", "source": "synthetic", "user_id": "crew/critic"}
    rows = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    scored = [
        {"interaction_id": row["interaction_id"], "reward": score(row["question"], row["answer"])} for row in rows
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(same | line) + "\n" for line in scored), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
