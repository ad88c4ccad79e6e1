"""`bandit_state`: what rewards say of every arm in every category, and its share of the next day's traffic."""

import pyarrow as pa

from rl_assets.lake.table import Table, column

BANDIT_STATE = Table(
    "bandit_state",
    pa.schema(
        [
            column("day", pa.date32(), "the day as of which this was known; the partition"),
            column("segment", pa.string(), "slice of the product; null for answers of none"),
            column("category", pa.string(), "kind of question: the log's, else by the question's words"),
            column("arm", pa.string(), "agent, with its adapter if it has one, as `assistant@base`"),
            column("answers", pa.int64(), "answers of the window; those whose arm the caller named do not count"),
            column("rewarded", pa.int64(), "of these, answers with a reward"),
            column("reward_sum", pa.float64(), "sum of these rewards in [0, 1]"),
            column("prior_pulls", pa.float64(), "answers that the prior stands for"),
            column("prior_reward", pa.float64(), "sum of their rewards"),
            column("alpha", pa.float64(), "first parameter of the Beta posterior, older rewards weighing less"),
            column("beta", pa.float64(), "second parameter"),
            column("mean", pa.float64(), "posterior mean reward"),
            column("low", pa.float64(), "lower 95 % bound of the mean reward (Wilson); 0 without rewards"),
            column("high", pa.float64(), "upper 95 % bound; 1 without rewards"),
            column("probability_best", pa.float64(), "share of 2,000 draws from the posteriors in which it is largest"),
            column("share", pa.float64(), "probability with which it is drawn from the next day on"),
            column("limited_by", pa.string(), "why it is lower than learned: disabled, undeclared, failing or new"),
        ]
    ),
    identity=("segment", "category", "arm", "answers", "rewarded", "reward_sum", "alpha", "beta", "share"),
)
