"""Settings of the forecaster: every field has a default and says what it does. They are read elsewhere."""

import hashlib

from pydantic import BaseModel, ConfigDict, Field

# what a night may change without training anew: how much is published, how the work is done, when training is due
_SERVING = (
    "threads",
    "week_starts_on",
    "daily_days",
    "weeks",
    "months",
    "chunk_series",
    "lightgbm_timeout_seconds",
    "prophet_timeout_seconds",
    "retrain_days",
    "retrain_drift",
    "tune_days",
    "tuning_trials",
    "tuning_rows",
)


class ForecastSettings(BaseModel):
    """How demand is forecast. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=1, ge=0, description="Seed of every random draw; the same seed gives the same bytes.")
    threads: int = Field(default=2, ge=1, description="Threads of LightGBM and worker processes of Prophet.")
    week_starts_on: int = Field(default=1, ge=1, le=7, description="First day of the week: 1 Monday … 7 Sunday.")

    daily_days: int = Field(default=28, ge=1, le=28, description="Days published one by one.")
    weeks: int = Field(default=26, ge=1, le=26, description="Weeks published (one more when the first is under way).")
    months: int = Field(default=6, ge=1, le=6, description="Months published, counting the one under way.")
    holiday_country: str | None = Field(
        default=None, description="Country of the public holidays (ISO code, e.g. US); without it none are assumed."
    )

    trees: int = Field(default=200, ge=10, description="Trees of the LightGBM model.")
    leaves: int = Field(default=63, ge=4, description="Leaves a tree.")
    learning_rate: float = Field(default=0.08, gt=0, le=1, description="Step of each tree.")
    tweedie_power: float = Field(
        default=1.5, gt=1, lt=2, description="Variance power of the Tweedie loss: nearer 1 lets big series weigh more."
    )
    train_rows: int = Field(
        default=500_000, ge=1_000, description="Rows (series x origin x horizon) drawn for each forecasting model."
    )
    backtest_rows: int = Field(default=400_000, ge=1_000, description="Rows drawn for each model of the backtest.")
    train_weeks: int = Field(default=190, ge=8, description="How far back training targets reach.")
    min_train_rows: int = Field(
        default=2_000, ge=100, description="Below this many usable rows LightGBM is not fitted; baselines serve."
    )
    lightgbm_timeout_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Time for one fit of LightGBM (M5: 25 s); one that takes longer is killed and counted as fallback.",
    )

    backtest_weeks: tuple[int, ...] = Field(
        default=(52, 26, 13),
        description="Cut-offs of the backtest, in weeks before as_of; 52 is last year's same season.",
    )
    rare_sample: int = Field(
        default=5_000,
        ge=0,
        description="Rarely sold series (4 weeks of the last 52 or fewer) that a backtest predicts with LightGBM.",
    )
    tie_margin: float = Field(
        default=0.01, ge=0, lt=1, description="A method must beat a simpler one by this share to be preferred."
    )
    bias_penalty: float = Field(
        default=1.0, ge=0, description="How much a share of bias adds to a method's error when methods are compared."
    )

    prophet_min_days: int = Field(
        default=730,
        ge=60,
        description="Days of history below which aggregates are not fitted: no yearly season to learn.",
    )
    prophet_timeout_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Time for one aggregate; a fit that takes longer is killed and counted as fallback.",
    )
    reconciliation_margin: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Gain in the backtest that a weight or source of the aggregates other than the usual must show.",
    )
    chunk_series: int = Field(default=20_000, ge=100, description="Series worked on at once; bounds memory.")

    retrain_days: int = Field(
        default=7,
        ge=1,
        description="Models are trained anew when they are this many days old; a night in between only predicts.",
    )
    retrain_drift: float = Field(
        default=0.1,
        gt=0,
        description="Models are trained anew earlier when their error since training, against that of the moving "
        "average, is this share above what the backtest showed; a new fit that is this much worse is refused.",
    )
    tune_days: int = Field(
        default=91,
        ge=1,
        description="LightGBM's leaves, learning rate and variance power are searched anew when the last search, or "
        "the first training, is this many days back; the next training does it.",
    )
    tuning_trials: int = Field(default=12, ge=1, description="Candidates that a search tries.")
    tuning_rows: int = Field(default=100_000, ge=1_000, description="Rows drawn for each fit of a search.")

    @property
    def training_digest(self) -> str:
        """Hash of the settings that a trained model depends on: where it differs, models are trained anew."""
        return hashlib.sha256(self.model_dump_json(exclude=set(_SERVING)).encode()).hexdigest()[:16]
