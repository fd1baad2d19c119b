"""The starter for the simulated marketplace, whose columns are known."""

from pathlib import Path

from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import write
from tests.pipeline.init.starters import kinds, starter


def test_starter_of_the_marketplace_is_what_a_person_would_write(tmp_path: Path) -> None:
    write(MarketplaceSpec(impressions=20_000, users=500, days=5), tmp_path / "market")
    config = starter(tmp_path / "market" / "log", tmp_path)
    assert config.name == "market"
    assert {task: spec.given for task, spec in config.tasks.items()} == {
        "click": None,
        "conversion": "click",
    }
    assert config.data.split.model_dump()["column"] == "timestamp"
    found = kinds(config)
    assert {"impression_id", "timestamp", "day", "propensity"} & set(found) == set()
    assert (found["user_id"], found["offer_id"]) == ("id", "id")
    assert found["interests"] == "multivalent"
    assert {found[name] for name in ("device", "browser", "country", "position")} == {"categorical"}
    assert {found[name] for name in ("price", "payout", "user_age_days")} == {"numeric"}
