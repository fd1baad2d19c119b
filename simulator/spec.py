"""`MarketplaceSpec`: every knob of the simulated marketplace, validated when constructed.

Standard library only, so that a command line can build one without importing NumPy or Arrow.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from typing import Any

SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600

# field: (lowest, highest), both allowed.
_INTEGER_RANGES: dict[str, tuple[int, int]] = {
    "impressions": (1, 10**12),
    "users": (1, 10**6),
    "offers": (1, 10**5),
    "new_offers_per_day": (0, 10**4),
    "partners": (1, 10**6),
    "days": (1, 3_660),
    "positions": (1, 100),
    "seed": (0, 2**63 - 1),
    "replicate": (0, 2**31 - 1),
    "start_timestamp": (0, 2**40),
}
_FLOAT_RANGES: dict[str, tuple[float, float]] = {
    "click_rate": (0.001, 0.5),
    "conversion_rate": (0.001, 0.5),
    "conversion_delay_hours": (0.0, 24.0 * 365),
    "null_fraction": (0.0, 0.9),
    "exploration": (0.0, 1.0),
    "selection": (0.0, 2.0),
    "position_bias": (0.0, 2.0),
    "user_exponent": (0.0, 3.0),
    "offer_exponent": (0.0, 3.0),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarketplaceSpec:
    """What to simulate. Equal specs give equal bytes (same NumPy and Arrow versions).

    The marketplace itself (users, offers, their effects) depends on every field but
    `impressions` and `replicate`: a longer log, or another replicate, is drawn from the same one.

    Attributes:
        impressions: rows of the log.
        users: distinct users; each has its own activity.
        offers: offers alive on the first day.
        new_offers_per_day: offers that appear at midnight of every later day (cold start).
        partners: advertisers that own the offers.
        days: length of the log, from `start_timestamp`.
        positions: slots of a page, 1 is the top one.
        seed: chooses the marketplace and, with `replicate`, the log.
        replicate: chooses one of many independent logs of the same marketplace.
        start_timestamp: first second of the log (Unix epoch, UTC), a midnight.
        click_rate: expected clicks per impression.
        conversion_rate: expected conversions per click, before any is lost to delay.
        conversion_delay_hours: mean of the exponential delay from click to conversion; 0 is none.
        null_fraction: share of nulls in each nullable feature.
        exploration: share of impressions whose offer is drawn uniformly; 1 is a uniform policy.
        selection: how much of what draws clicks repels conversions (gamma in `truth.py`).
        position_bias: loss of click logit per doubling of the position.
        user_exponent: activity of the r-th most active user is proportional to r**-exponent.
        offer_exponent: the same for the popularity of offers.

    Raises:
        ValueError: a field has the wrong type or is out of its range.
    """

    impressions: int = 100_000
    users: int = 2_000
    offers: int = 400
    new_offers_per_day: int = 10
    partners: int = 25
    days: int = 14
    positions: int = 8
    seed: int = 7
    replicate: int = 0
    start_timestamp: int = 1_736_121_600
    click_rate: float = 0.07
    conversion_rate: float = 0.10
    conversion_delay_hours: float = 6.0
    null_fraction: float = 0.05
    exploration: float = 0.2
    selection: float = 1.0
    position_bias: float = 0.5
    user_exponent: float = 0.7
    offer_exponent: float = 0.8

    def __post_init__(self) -> None:
        for name, (low, high) in _INTEGER_RANGES.items():
            _check_integer(name, getattr(self, name), low, high)
        for name, bounds in _FLOAT_RANGES.items():
            _check_float(name, getattr(self, name), *bounds)
            # 1 and 1.0 are the same spec, so they must also be the same JSON.
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.start_timestamp % SECONDS_PER_DAY:
            raise ValueError(
                "MarketplaceSpec.start_timestamp must be a midnight in UTC "
                f"(a multiple of {SECONDS_PER_DAY}); got {self.start_timestamp}"
            )

    @property
    def end_timestamp(self) -> int:
        """First second after the log: conversions that arrive later are not observed."""
        return self.start_timestamp + self.days * SECONDS_PER_DAY

    @property
    def all_offers(self) -> int:
        """Offers that exist on the last day."""
        return self.offers_on(self.days - 1)

    def offers_on(self, day: int) -> int:
        """Number of offers the logging policy chooses from on `day` (0 is the first)."""
        return self.offers + self.new_offers_per_day * day

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; `from_dict` reads them back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MarketplaceSpec:
        """Builds a spec from a mapping such as parsed JSON or YAML.

        Raises:
            ValueError: a key is unknown (the message suggests the nearest), or a value is bad.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                nearest = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
                raise ValueError(f"MarketplaceSpec has no field {key!r}{hint}")
        return cls(**values)


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            f"MarketplaceSpec.{name} must be an integer from {low} to {high}; got {value!r}"
        )


def _check_float(name: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[operator, arg-type]
        raise ValueError(
            f"MarketplaceSpec.{name} must be a number from {low:g} to {high:g}; got {value!r}"
        )
