"""Version policies on plain numbers: what is wanted, what stands in, what may go."""

from collections.abc import Collection

import pytest

from rankbeam.serving.policy import LATEST, All, Latest, Specific, VersionPolicy, surplus
from rankbeam.transform.errors import ConfigError


@pytest.mark.parametrize(
    ("policy", "on_disk", "wanted", "substitutes"),
    [
        (LATEST, {3, 20, 100}, {100}, {3, 20}),
        (Latest(2), {3, 20, 100}, {20, 100}, {3}),
        (Latest(5), {3, 20, 100}, {3, 20, 100}, set()),
        (LATEST, set(), set(), set()),
        (All(), {3, 20, 100}, {3, 20, 100}, set()),
        (Specific(frozenset({3, 100})), {3, 20, 100}, {3, 100}, set()),
        (Specific(frozenset({3, 4})), {3, 20}, {3}, set()),
        (Specific(frozenset()), {3, 20}, set(), set()),
    ],
)
def test_policy_wants_versions_as_tensorflow_serving_does(
    policy: VersionPolicy, on_disk: set[int], wanted: set[int], substitutes: set[int]
) -> None:
    assert policy.wanted(on_disk) == wanted
    assert policy.substitutes(on_disk) == substitutes


def test_policy_latest_counts_from_one() -> None:
    with pytest.raises(ConfigError, match="num_versions must be >= 1; got 0"):
        Latest(0)


@pytest.mark.parametrize(
    ("serving", "wanted", "goes"),
    [
        ({1, 2}, {2}, {1}),
        ({1}, {1}, set()),
        ({1, 2, 3}, {2}, {1, 3}),
        # None of the wanted serves: the highest of the others stays until one does.
        ({1}, {2}, set()),
        ({1, 2}, {3}, {1}),
        ({1, 2}, set(), {1}),
        (set(), {1}, set()),
        (set(), set(), set()),
    ],
)
def test_surplus_leaves_a_version_at_any_time(
    serving: Collection[int], wanted: Collection[int], goes: Collection[int]
) -> None:
    assert surplus(serving, wanted) == goes
    assert not serving or set(serving) - surplus(serving, wanted)
