"""The rules of a promotion, which the launchpad may change."""

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.evaluation.promotion.evidence import OWN_CLUSTERS


class PromotionRules(BaseModel):
    """Losses and gains are differences of shares (0.02 = two points), the other limits of two models are ratios.

    `min_clusters` count over the epoch, `own_clusters` those that the adapter under decision answered itself tonight,
    or that the latest adapters answered where a night has fewer.
    `max_judge_loss` is how far below one half the win rate of a judge that does not decide may lie, and
    `max_controlled_loss` that of a judge that decides, at answers of equal length. `max_kl` is in nats per answer, and
    at `rated_p_value` two shares of rated conversations are held to differ. Each limit belongs to a row of
    `guardrails.GUARDRAILS`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_clusters: int = Field(default=50, ge=2)
    own_clusters: int = Field(default=OWN_CLUSTERS, ge=1)
    max_quality_loss: float = Field(default=0.02, ge=0)
    max_validity_loss: float = Field(default=0.01, ge=0)
    max_unfinished_gain: float = Field(default=0.01, ge=0)
    max_refusal_gain: float = Field(default=0.01, ge=0)
    max_repetition_gain: float = Field(default=0.02, ge=0)
    max_cost_ratio: float = Field(default=1.20, ge=1)
    max_latency_ratio: float = Field(default=1.10, ge=1)
    max_length_ratio: float = Field(default=1.50, ge=1)
    require_reliable_judge: bool = True
    max_judge_loss: float = Field(default=0.05, ge=0, le=0.5)
    max_controlled_loss: float = Field(default=0.02, ge=0, le=0.5)
    max_kl: float = Field(default=10.0, gt=0)
    max_kl_ratio: float = Field(default=2.0, ge=1)
    max_second_reward_loss: float = Field(default=0.0, ge=0)
    max_served_error_gain: float = Field(default=0.01, ge=0)
    rated_p_value: float = Field(default=0.01, gt=0, lt=1)
