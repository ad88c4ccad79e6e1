"""`rated_interactions`: every answer of the trailing window with its reward, as of a day."""

import pyarrow as pa

from rl_assets.lake.table import TIME, Table, column

RATED_INTERACTIONS = Table(
    "rated_interactions",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("number", pa.int32(), "place of the answer's id among those of the day, from 1"),
            column("interaction_id", pa.string(), "the answer"),
            column("landed_day", pa.date32(), "log day on which it landed first; its texts lie there"),
            column("answered_at", TIME, "event time, inside the window"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column("answer_key", pa.string(), "hash of the answer; equal answers share it"),
            column("cluster_key", pa.string(), "prompt key that names the cluster of prompts nearly the same"),
            column("split", pa.string(), "train, validation or test, by the hash of the cluster; null between splits"),
            column("reward", pa.float64(), "in [0, 1]; null if unrated"),
            column("reward_source", pa.string(), "human, verifier, judge or synthetic"),
            column(
                "reward_dimension",
                pa.string(),
                "name of the score that it is made of: overall, or the only one that people gave",
            ),
            column("raters", pa.int64(), "raters whose latest values were averaged"),
            column(
                "pooled_reward", pa.float64(), "reward of the answer text over all showings to one prompt, in [0, 1]"
            ),
            column("pooled_source", pa.string(), "human, verifier, judge or synthetic: whose verdicts were pooled"),
            column("pooled_raters", pa.int64(), "pooled verdicts: of people one per rater, otherwise one per showing"),
            column("pooled_lowest", pa.float64(), "the lowest of the pooled verdicts"),
            column("pooled_lower", pa.float64(), "lower bound of pooled_reward (Wilson, one-sided 95 %)"),
            column("representative", pa.bool_(), "the showing that stands for all with this prompt and text"),
            column("agent", pa.string(), "who answered"),
            column("category", pa.string(), "kind of question"),
            column("task", pa.string(), "kind of task"),
            column("segment", pa.string(), "slice of the product"),
            column("adapter", pa.string(), "adapter that answered"),
            column("propensity", pa.float64(), "probability with which the arm was chosen, as logged"),
            column("assigned_arm", pa.string(), "arm that was chosen"),
            column("drawn", pa.bool_(), "the arm was drawn; false if the caller named it"),
            column("arms", pa.string(), "probability of each arm that could have been drawn, as JSON"),
            column("policy_version", pa.string(), "version of the policy that the probabilities come from"),
            column("log_format", pa.string(), "log format that it landed in, such as tensorzero"),
            column("error", pa.bool_(), "the agent failed"),
            column("latency_ms", pa.float64(), "time to answer in ms"),
            column(
                "answer_chars",
                pa.int64(),
                "its length without outer whitespace, 0 for thoughts alone",
            ),
            column("trainable", pa.bool_(), "the prompt is a conversation that every chat template can render"),
            column("personal_data", pa.bool_(), "personal data was detected and replaced in its texts"),
            column("refusal", pa.bool_(), "the answer opens by refusing, or its log says that it refuses"),
            column("cut_off", pa.bool_(), "the answer ends at its length limit or a content filter"),
            column("boilerplate", pa.bool_(), "the answer is a stock phrase and nothing else"),
            column("contaminated", pa.bool_(), "it shares 13 words in a row with a benchmark"),
            column("language", pa.string(), "ISO 639 code of the answer's language; null if it cannot be detected"),
            column(
                "prompt_fault", pa.string(), "why no dataset takes it nor what was stated about it; null where they may"
            ),
            column("resent", pa.int64(), "times the same id landed again"),
            column("conflicts", pa.int64(), "of these, with other content"),
            column("content_sha256", pa.string(), "hash of the logged content"),
            column("stated_sha256", pa.string(), "hash of its corrections and preferences; null where there are none"),
        ]
    ),
    identity=(
        "interaction_id",
        "landed_day",
        "prompt_key",
        "split",
        "refusal",
        "cut_off",
        "boilerplate",
        "prompt_fault",
        "reward",
        "reward_source",
        "reward_dimension",
        "log_format",
        "pooled_reward",
        "pooled_source",
        "pooled_raters",
        "pooled_lowest",
        "pooled_lower",
        "representative",
        "content_sha256",
        "stated_sha256",
    ),
)
