import pytest
from pydantic import ValidationError

from ml.planning.settings import PlanningSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_target": 1.0},
        {"service_target": 95},
        {"service_target_by_department": {"Food": 0.0}},
        {"service_type": "fill"},
        {"default_review_days": 0},
        {"default_lead_time_days": -1},
        {"max_snapshot_age_days": -1},
        {"service_level": 0.9},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        PlanningSettings(**wrong)


def test_every_setting_is_described_and_has_a_default():
    PlanningSettings()
    assert all(field.description for field in PlanningSettings.model_fields.values())
