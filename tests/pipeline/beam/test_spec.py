"""The config's `beam` section, with messages that name the field."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.config.load import load_config
from rankbeam.transform.errors import ConfigError
from tests.e2e.tiny import write_config

_DATAFLOW = {
    "project": "p",
    "region": "r",
    "temp_location": "gs://bucket/tmp",
    "sdk_container_image": "i",
}


def test_section_is_read(tmp_path: Path) -> None:
    section = {
        "runner": "flink",
        "flink": {"environment": {"kind": "external"}},
        "dataflow": _DATAFLOW,
        "nodes": {"Evaluator": {"runner": "direct"}},
    }
    beam = load_config(write_config(tmp_path, {"beam": section})).config.beam
    assert beam.flink.environment is not None
    assert beam.flink.environment.model_dump() == {"kind": "external", "address": "localhost:50000"}
    assert beam.nodes["Evaluator"].runner == "direct"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"runner": "samza"}, r"beam\.runner must be one of 'direct', 'flink', 'spark' or 'dataf"),
        ({"flink": {"job_endpoint": "here"}}, r"beam\.flink\.job_endpoint must match .*got 'here'"),
        ({"flink": {"job_endpoint": "http://a:1"}}, r"beam\.flink\.job_endpoint must match "),
        ({"flink": {"parallelism": 0}}, r"beam\.flink\.parallelism must be >= 1; got 0"),
        ({"spark": {"parallelism": 2}}, r"beam\.spark\.parallelism is not a known key"),
        ({"flink": {"environment": {"kind": "vm"}}}, r"beam\.flink\.environment\.kind must be on"),
        (
            {"flink": {"environment": {"kind": "docker"}}},
            r"beam\.flink\.environment\.image must ",
        ),
        ({"options": ["parallelism=3"]}, r"beam\.options: options must each begin with --; got 'p"),
        ({"nodes": {"Trainer": {}}}, r"beam\.nodes\.Trainer must be one of 'Statisti"),
        (
            {"nodes": {"ExampleGen": {}}},
            r"beam\.nodes\.ExampleGen must be one of 'Statis.* or 'Eva",
        ),
        ({"nodes": {"Transform": {"runer": "x"}}}, r"did you mean runner\?"),
        (
            {"dataflow": {"project": "p", "region": "r", "temp_location": "gs://bucket/tmp"}},
            r"beam\.dataflow\.sdk_container_image must be given; got nothing",
        ),
        (
            {"dataflow": {**_DATAFLOW, "temp_location": "/here"}},
            r"beam\.dataflow\.temp_location must match .*got '/here'",
        ),
    ],
)
def test_section_that_is_wrong_is_one_message(
    tmp_path: Path, section: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write_config(tmp_path, {"beam": section}))
