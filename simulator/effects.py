"""The fixed part of the truth: vocabularies, their shares and their effects on the two logits.

Everything here is the same for every seed; `world.py` draws the rest. The names say in
which part of the logits (allure, match, value) each one enters; docs/simulator.md has the table.
"""

from __future__ import annotations

import numpy as np

from rankbeam.simulator.sampling import Floats

CATEGORIES = (
    "games",
    "finance",
    "travel",
    "fashion",
    "electronics",
    "food",
    "beauty",
    "education",
    "home",
    "sports",
)
CATEGORY_SHARE: Floats = np.array([0.13, 0.10, 0.10, 0.12, 0.11, 0.11, 0.09, 0.07, 0.09, 0.08])
DEVICES = ("mobile", "desktop", "tablet")
DEVICE_SHARE: Floats = np.array([0.58, 0.32, 0.10])
BROWSERS = ("chrome", "safari", "firefox", "edge", "samsung_internet")
COUNTRIES = ("US", "IN", "BR", "GB", "DE", "FR", "ES", "IT", "MX", "JP", "PL", "ID")
COUNTRY_SHARE: Floats = np.array(
    [0.24, 0.14, 0.11, 0.09, 0.08, 0.07, 0.06, 0.05, 0.05, 0.04, 0.04, 0.03]
)
PLACEMENTS = ("feed", "search", "banner", "email")
PLACEMENT_SHARE: Floats = np.array([0.45, 0.25, 0.20, 0.10])
CONNECTIONS = ("wifi", "cellular", "wired")

# Rows are devices.
BROWSER_SHARE: Floats = np.array(
    [
        [0.50, 0.28, 0.04, 0.02, 0.16],
        [0.56, 0.12, 0.12, 0.20, 0.00],
        [0.40, 0.46, 0.03, 0.02, 0.09],
    ]
)
CONNECTION_SHARE: Floats = np.array([[0.52, 0.48, 0.00], [0.45, 0.02, 0.53], [0.90, 0.10, 0.00]])

# Relative traffic of the 24 hours of a day.
_MORNING = (2.2, 1.5, 1.1, 0.9, 0.9, 1.2, 2.0, 3.2, 4.3, 4.9, 5.1, 5.2)
_AFTERNOON = (5.4, 5.2, 5.0, 4.9, 5.0, 5.3, 5.8, 6.4, 6.8, 6.6, 5.4, 3.6)
HOUR_SHARE: Floats = np.array([*_MORNING, *_AFTERNOON])
# P(position k) is proportional to POSITION_DECAY**(k - 1): few users scroll far.
POSITION_DECAY = 0.8
# A user is on the main device this often, otherwise on one drawn from DEVICE_SHARE.
MAIN_DEVICE_SHARE = 0.8

# --- allure: draws clicks, repels conversions -------------------------------------------------
ALLURE_DEVICE: Floats = np.array([0.15, -0.20, 0.00])
ALLURE_PLACEMENT: Floats = np.array([0.10, -0.05, -0.45, 0.35])
ALLURE_NOVELTY = 0.4
NOVELTY_DAYS = 3.0
ALLURE_OFFER_SD = 0.5
ALLURE_USER_SD = 0.4

# --- match: draws clicks and, less so, conversions --------------------------------------------
# Rows are categories, columns devices. "games" is clicked most on average and least on desktop.
MATCH_CATEGORY_DEVICE: Floats = np.array(
    [
        [1.10, -1.20, 0.80],
        [-0.45, 0.45, -0.20],
        [-0.25, 0.10, 0.00],
        [0.35, -0.10, 0.20],
        [-0.25, 0.35, 0.00],
        [0.25, -0.20, 0.10],
        [0.30, -0.25, 0.10],
        [-0.45, 0.20, 0.00],
        [-0.15, 0.10, 0.20],
        [0.05, 0.05, 0.00],
    ]
)
MATCH_INTEREST = 1.0
MATCH_EVENING = 0.2
EVENING_HOUR = 20.0
MATCH_PAYOUT = 0.15
LOG_PAYOUT_CENTRE = 1.0
MATCH_PARTNER_SD = 0.2
MATCH_OFFER_SD = 0.2
# How much of the match carries over to the conversion logit (delta in `truth.py`).
MATCH_CARRY = 0.3

# --- value: conversions only ------------------------------------------------------------------
VALUE_CATEGORY: Floats = np.array([-0.35, 0.30, -0.40, 0.10, -0.15, 0.50, 0.20, -0.20, 0.00, 0.05])
VALUE_COUNTRY: Floats = np.array(
    [0.25, -0.45, -0.25, 0.20, 0.30, 0.10, 0.00, -0.05, -0.20, 0.35, 0.00, -0.40]
)
VALUE_BROWSER: Floats = np.array([0.00, 0.10, -0.05, 0.05, -0.10])
VALUE_CONNECTION: Floats = np.array([0.05, -0.15, 0.10])
VALUE_PRICE = -0.30
LOG_PRICE_CENTRE = 3.5
VALUE_LOYALTY = 0.20
LOG_AGE_CENTRE = 5.0

# Mean of log(price) by category.
LOG_PRICE_MEAN: Floats = np.array([2.2, 4.4, 5.2, 3.4, 4.6, 2.6, 2.9, 4.0, 3.7, 3.3])

# --- logging policy ---------------------------------------------------------------------------
# The policy's score is log popularity plus these multiples of what its owners believe.
POLICY_INTEREST = 1.0
POLICY_CATEGORY_DEVICE = 0.3
