"""The campaign at a size for every day; `python -m tests.campaign --full` runs all of it."""

import pytest

from tests.campaign.groups import GROUPS, Group


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_trial_is_survived(group: Group):
    outcomes = group.run(group.small, seed=1)
    assert len(outcomes) >= group.small or group.small >= 1000
    assert [outcome for outcome in outcomes if outcome] == []
