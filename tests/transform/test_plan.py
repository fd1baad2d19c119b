"""The stacking order of columns."""

from rankbeam.transform.plan import Plan
from tests.transform.running import options_of

FEATURES: dict[str, dict[str, object]] = {
    "zone": {"kind": "categorical", "column": "z"},
    "age": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 4},
    "user": {"kind": "id", "hash_buckets": 7},
    "tags": {"kind": "multivalent", "max_values": 3},
    "price": {"kind": "numeric", "scaling": "log"},
    "score": {"kind": "numeric", "scaling": "none"},
    "bids": {"kind": "numeric"},
    "dwell": {"kind": "numeric", "scaling": "quantile_buckets"},
}


def test_plan_sorts_within_kinds() -> None:
    plan = Plan.of(options_of(FEATURES))
    assert [one.name for one in plan.indexed] == ["tags", "zone", "user"]
    assert [one.width for one in plan.indexed] == [3, 1, 1]
    assert [one.name for one in plan.numeric] == ["score", "bids", "price", "age", "dwell"]
    assert plan.numeric_counts == (1, 1, 1, 2)
    assert [one.name for one in plan.logged] == ["price"]
    assert [one.name for one in plan.bucketed] == ["age", "dwell"]
    assert plan.boundary_count == 9


def test_plan_does_not_depend_on_the_order_of_the_config() -> None:
    backwards = dict(reversed(FEATURES.items()))
    assert Plan.of(options_of(backwards)) == Plan.of(options_of(FEATURES))


def test_plan_identity_follows_the_transform_only() -> None:
    def identity(**changes: object) -> str:
        tags = FEATURES["tags"] | changes
        return Plan.of(options_of(FEATURES | {"tags": tags})).identity()

    assert identity(embedding_dim=9, combiner="sum") == identity()
    assert identity(max_values=4) != identity()
    assert identity(column="other") != identity()
