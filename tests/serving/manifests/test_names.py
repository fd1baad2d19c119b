"""Names of Kubernetes objects: legal, recognisable, and one per model."""

import re

import pytest

from rankbeam.serving.manifests.names import dns_label

# A Service's name must start with a letter (RFC 1035); the other objects' rules are looser.
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize("name", ["shop", "shop-2", "a", "a" * 50])
def test_a_legal_name_stays_as_it_is(name: str) -> None:
    assert dns_label(name) == name


@pytest.mark.parametrize(
    "name",
    ["shop_eu", "Shop", "9lives", "a--", "_", "日本", "x" * 51, "a" * 41 + "-" * 9 + "b_", ""],
)
def test_any_other_name_becomes_a_legal_label(name: str) -> None:
    label = dns_label(name)
    assert len(label) <= 50
    assert LABEL.fullmatch(label)


def test_a_changed_name_is_still_recognisable() -> None:
    assert re.fullmatch(r"shop-eu-[0-9a-f]{8}", dns_label("shop_eu"))
    assert re.fullmatch(r"model-9lives-[0-9a-f]{8}", dns_label("9lives"))


def test_two_models_never_share_a_label() -> None:
    names = ["shop_eu", "shop-eu", "Shop-eu", "shop__eu", "shop-eu-", "s" * 60, "s" * 61]
    assert len({dns_label(name) for name in names}) == len(names)
