"""The simulator's truth equations once more: row by row, plain `math`, constants typed again."""

import math
from collections.abc import Mapping
from typing import Any

_ALLURE_DEVICE = {"mobile": 0.15, "desktop": -0.20, "tablet": 0.0}
_ALLURE_PLACEMENT = {"feed": 0.10, "search": -0.05, "banner": -0.45, "email": 0.35}
_MATCH = {  # mobile, desktop, tablet
    "games": (1.10, -1.20, 0.80),
    "finance": (-0.45, 0.45, -0.20),
    "travel": (-0.25, 0.10, 0.00),
    "fashion": (0.35, -0.10, 0.20),
    "electronics": (-0.25, 0.35, 0.00),
    "food": (0.25, -0.20, 0.10),
    "beauty": (0.30, -0.25, 0.10),
    "education": (-0.45, 0.20, 0.00),
    "home": (-0.15, 0.10, 0.20),
    "sports": (0.05, 0.05, 0.00),
}
_DEVICE_COLUMN = {"mobile": 0, "desktop": 1, "tablet": 2}
_VALUE_CATEGORY = {
    "games": -0.35,
    "finance": 0.30,
    "travel": -0.40,
    "fashion": 0.10,
    "electronics": -0.15,
    "food": 0.50,
    "beauty": 0.20,
    "education": -0.20,
    "home": 0.0,
    "sports": 0.05,
}
_VALUE_COUNTRY = {
    "US": 0.25,
    "IN": -0.45,
    "BR": -0.25,
    "GB": 0.20,
    "DE": 0.30,
    "FR": 0.10,
    "ES": 0.0,
    "IT": -0.05,
    "MX": -0.20,
    "JP": 0.35,
    "PL": 0.0,
    "ID": -0.40,
}
_VALUE_BROWSER = {
    "chrome": 0.0,
    "safari": 0.10,
    "firefox": -0.05,
    "edge": 0.05,
    "samsung_internet": -0.10,
}
_VALUE_CONNECTION = {"wifi": 0.05, "cellular": -0.15, "wired": 0.10}


def allure(row: Mapping[str, Any], user: float, offer: float, position_bias: float) -> float:
    """What draws clicks and repels conversions, from a row of the log without nulls."""
    return (
        user
        + offer
        + _ALLURE_DEVICE[row["device"]]
        + _ALLURE_PLACEMENT[row["placement"]]
        + 0.4 * math.exp(-row["offer_age_days"] / 3.0)
        - position_bias * math.log2(row["position"])
    )


def match(row: Mapping[str, Any], offer_and_partner: float) -> float:
    """What draws clicks and, at 0.3 of the strength, conversions."""
    interest = 1.0 if row["category"] in (row["interests"] or ()) else 0.0
    return (
        offer_and_partner
        + _MATCH[row["category"]][_DEVICE_COLUMN[row["device"]]]
        + 1.0 * interest
        + 0.2 * math.cos(2.0 * math.pi * (row["hour"] - 20.0) / 24.0)
        + 0.15 * (math.log(row["payout"]) - 1.0)
    )


def value(row: Mapping[str, Any]) -> float:
    """What draws conversions only."""
    return (
        _VALUE_CATEGORY[row["category"]]
        + _VALUE_COUNTRY[row["country"]]
        + _VALUE_BROWSER[row["browser"]]
        + _VALUE_CONNECTION[row["connection"]]
        - 0.30 * (math.log(row["price"]) - 3.5)
        + 0.20 * (math.log(1.0 + row["user_age_days"]) - 5.0)
    )


def probabilities(
    allure_: float, match_: float, value_: float, b_click: float, b_conversion: float, gamma: float
) -> tuple[float, float]:
    """p_click and p_conversion_given_click of one row."""
    click = b_click + allure_ + match_
    conversion = b_conversion - gamma * allure_ + 0.3 * match_ + value_
    return 1.0 / (1.0 + math.exp(-click)), 1.0 / (1.0 + math.exp(-conversion))
