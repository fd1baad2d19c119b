"""The spec: ranges, JSON, and how little it imports."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from rankbeam.simulator.spec import MarketplaceSpec

_BAD = [
    ("impressions", 0, r"impressions must be an integer from 1 to 1000000000000; got 0"),
    ("impressions", 1.5, r"impressions must be an integer .*; got 1\.5"),
    ("impressions", True, r"impressions must be an integer .*; got True"),
    ("users", -1, r"users must be an integer from 1 .*; got -1"),
    ("users", "many", r"users must be an integer .*; got 'many'"),
    ("offers", 0, r"offers must be an integer from 1 .*; got 0"),
    ("new_offers_per_day", -1, r"new_offers_per_day must be an integer from 0 .*; got -1"),
    ("partners", 0, r"partners must be an integer from 1 .*; got 0"),
    ("days", 0, r"days must be an integer from 1 to 3660; got 0"),
    ("positions", 101, r"positions must be an integer from 1 to 100; got 101"),
    ("seed", -1, r"seed must be an integer from 0 .*; got -1"),
    ("replicate", None, r"replicate must be an integer from 0 .*; got None"),
    ("start_timestamp", 1_736_121_601, r"start_timestamp must be a midnight .*; got 1736121601"),
    ("click_rate", 0.0, r"click_rate must be a number from 0\.001 to 0\.5; got 0\.0"),
    ("click_rate", float("nan"), r"click_rate must be a number .*; got nan"),
    ("conversion_rate", 0.6, r"conversion_rate must be a number from 0\.001 to 0\.5; got 0\.6"),
    ("conversion_rate", "0.1", r"conversion_rate must be a number .*; got '0\.1'"),
    ("conversion_delay_hours", -1.0, r"conversion_delay_hours must be a number from 0 .*; got -1"),
    ("null_fraction", 1.0, r"null_fraction must be a number from 0 to 0\.9; got 1\.0"),
    ("exploration", 1.01, r"exploration must be a number from 0 to 1; got 1\.01"),
    ("selection", float("inf"), r"selection must be a number from 0 to 2; got inf"),
    ("position_bias", -0.1, r"position_bias must be a number from 0 to 2; got -0\.1"),
    ("user_exponent", 4, r"user_exponent must be a number from 0 to 3; got 4"),
    ("offer_exponent", False, r"offer_exponent must be a number from 0 to 3; got False"),
]


@pytest.mark.parametrize(("field", "value", "message"), _BAD)
def test_spec_refuses_bad_values(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MarketplaceSpec.from_dict({field: value})


def test_spec_every_field_has_a_bad_value() -> None:
    fields = {field.name for field in dataclasses.fields(MarketplaceSpec)}
    assert {field for field, _, _ in _BAD} == fields


def test_spec_unknown_key_suggests_nearest() -> None:
    with pytest.raises(ValueError, match=r"no field 'impresions'; did you mean 'impressions'\?"):
        MarketplaceSpec.from_dict({"impresions": 10})


def test_spec_unknown_key_without_neighbour() -> None:
    with pytest.raises(ValueError, match=r"no field 'zzz'$"):
        MarketplaceSpec.from_dict({"zzz": 10})


def test_spec_survives_json() -> None:
    spec = MarketplaceSpec(impressions=10, exploration=1, seed=2**40)
    assert MarketplaceSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_spec_integer_and_float_give_the_same_json() -> None:
    assert json.dumps(MarketplaceSpec(exploration=1).to_dict()) == json.dumps(
        MarketplaceSpec(exploration=1.0).to_dict()
    )


def test_spec_is_frozen() -> None:
    spec = MarketplaceSpec()
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        spec.seed = 8  # type: ignore[misc]


def test_spec_counts_offers_and_seconds() -> None:
    spec = MarketplaceSpec(offers=100, new_offers_per_day=5, days=3)
    assert [spec.offers_on(day) for day in range(3)] == [100, 105, 110]
    assert spec.all_offers == 110
    assert spec.end_timestamp - spec.start_timestamp == 3 * 24 * 60 * 60


def test_spec_imports_without_numpy() -> None:
    code = (
        "import sys, rankbeam.simulator.spec; "
        "sys.exit(bool({'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
