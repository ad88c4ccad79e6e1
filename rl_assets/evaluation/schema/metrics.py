"""The metrics of an evaluation: how each is named on a page, which direction is better, and what it means."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """How a metric is named on a page, which direction is better, and what it means."""

    title: str
    higher_is_better: bool
    meaning: str


METRICS = {
    "served_reward": Metric(
        "Served reward",
        True,
        "Gain in the reward of rated conversations by the arm that was drawn for them, times the smaller of the two "
        "arms' shares of traffic.",
    ),
    "exact_match": Metric(
        "Exact match", True, "Answers equal to a reference (SQuAD normalisation; JSON field by field)."
    ),
    "token_f1": Metric("Token F1", True, "Overlap of the answer's tokens with the best reference's (SQuAD)."),
    "json_validity": Metric("JSON validity", True, "Answers that are a JSON object or array, if references are."),
    "field_f1": Metric(
        "Field F1", True, "F1 of (path, value) over the fields of JSON answers, if references are JSON."
    ),
    "task_success": Metric(
        "Task success", True, "Answers that a verifier accepts (final number, schema, exact), if there is one."
    ),
    "judged_win_rate": Metric(
        "Net win rate by the judge",
        True,
        "Wins minus losses by the judge in both orders, over the pairs with a valid verdict: 0 is even, 1 all won.",
    ),
    "reward_score": Metric(
        "Net win rate by the reward model",
        True,
        "Prompts whose answer has the higher reward, minus those whose answer has the lower one, by our reward model: "
        "0 is even, 1 all won.",
    ),
    "rejection_rate": Metric(
        "Rejection rate",
        False,
        "Answers equal to one that held-out pairs reject, if the prompt has such a pair.",
    ),
    "unfinished_answers": Metric(
        "Unfinished answers", False, "Answers that reached the limit of new tokens before they ended."
    ),
    "refusals": Metric(
        "Refusals", False, "Answers that open by refusing, by phrases in English, German, Spanish and French."
    ),
    "repeated_answers": Metric(
        "Repeated answers", False, "Answers that share nine words in ten with an answer to another prompt."
    ),
    "quality_per_token": Metric(
        "Exact matches per 100 tokens", True, "Exact matches over the tokens of all answers, end tokens included."
    ),
    "rouge1": Metric("ROUGE-1", True, "F-measure of shared words (rouge-score, no stemming), for prose."),
    "rougeL": Metric("ROUGE-L", True, "F-measure of the longest common subsequence (rouge-score), for prose."),
    "bleu": Metric("BLEU", True, "Corpus BLEU, 0 to 100 (sacrebleu, 13a tokens), for prose."),
    "preference_accuracy": Metric(
        "Preference accuracy",
        True,
        "Held-out pairs whose chosen answer gained more log-probability over the base than the rejected one; "
        "the base is the reference here and has no value of its own.",
    ),
    "preference_over_parent": Metric(
        "Preference over parent",
        True,
        "The same with the parent adapter as reference: what this training step itself moved.",
    ),
    "likelihood_accuracy": Metric(
        "Likelihood accuracy",
        True,
        "Held-out pairs whose chosen answer has the higher log-probability per token; needs no reference, "
        "so the base has it too.",
    ),
    "perplexity": Metric("Perplexity", False, "exp of the mean negative log-likelihood per reference token."),
    "log_perplexity": Metric("Log perplexity", False, "Mean negative log-likelihood per reference token, in nats."),
}
