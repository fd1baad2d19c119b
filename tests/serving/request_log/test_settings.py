"""Settings, from a config section and from TensorFlow Serving's proto."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_serving.config import logging_config_pb2

from rankbeam.serving.request_log.archive import copy_locally
from rankbeam.serving.request_log.spec import RequestLogSpec
from rankbeam.serving.settings.logging import ArchiveSettings, LoggingSettings, from_proto
from rankbeam.transform.errors import ConfigError


def _proto(text: str) -> logging_config_pb2.LoggingConfig:
    return text_format.Parse(text, logging_config_pb2.LoggingConfig())


def test_settings_of_a_proto() -> None:
    config = _proto(
        'log_collector_config { type: "tfrecord" filename_prefix: "/logs/day/ranker" } '
        "sampling_config { sampling_rate: 0.25 }"
    )
    expected = LoggingSettings(Path("/logs/day"), "ranker", sampling_rate=0.25)
    assert from_proto(config) == expected


def test_settings_of_a_proto_without_rate_log_nothing() -> None:
    config = _proto('log_collector_config { type: "tfrecord" filename_prefix: "logs/" }')
    assert from_proto(config) == LoggingSettings(Path("logs"), "", sampling_rate=0.0)


@pytest.mark.parametrize(
    ("collector", "sampling", "message"),
    [
        ('type: "kafka"', "", "type must be 'tfrecord'; got 'kafka'"),
        ("", "", "type must be 'tfrecord'; got ''"),
        ('type: "tfrecord"', "", "filename_prefix must be a path on a local disk; got ''"),
        ('type: "tfrecord" filename_prefix: "gs://b/c"', "", "local disk; got 'gs://b/c'"),
        ('type: "tfrecord" filename_prefix: "a"', "sampling_rate: 1.5", "in 0 to 1; got 1.5"),
        ('type: "tfrecord" filename_prefix: "a"', "sampling_rate: nan", "in 0 to 1; got nan"),
        ('type: "tfrecord" filename_prefix: "a"', "attributes: 1", "attributes must be 0.*got 1"),
    ],
)
def test_settings_of_a_proto_that_cannot_be(collector: str, sampling: str, message: str) -> None:
    config = _proto(f"log_collector_config {{ {collector} }} sampling_config {{ {sampling} }}")
    with pytest.raises(ConfigError, match=message):
        from_proto(config)


def test_settings_of_a_config_section() -> None:
    spec = RequestLogSpec(
        folder="log",
        sampling_rate=0.1,
        rotate_mb=0.5,
        rotate_s=3.0,
        max_queued=5,
        max_queued_mb=0.25,
    )
    assert spec.settings(Path("/base")) == LoggingSettings(
        Path("/base/log"),
        "",
        0.1,
        rotate_bytes=524_288,
        rotate_s=3.0,
        max_queued=5,
        max_queued_bytes=262_144,
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"folder": ""},
        {"folder": "gs://bucket/log"},
        {"folder": "log", "sampling_rate": 1.1},
        {"folder": "log", "sampling_rate": float("nan")},
        {"folder": "log", "rotate_mb": 0},
        {"folder": "log", "rotate_s": float("inf")},
        {"folder": "log", "max_queued": 0},
        {"folder": "log", "max_queued_mb": 0},
        {"folder": "log", "rate": 1},
    ],
)
def test_settings_of_a_config_section_that_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        RequestLogSpec.model_validate(bad)


def test_settings_have_the_defaults_of_the_section() -> None:
    assert RequestLogSpec(folder="x").settings(Path("/")) == LoggingSettings(Path("/x"))


@pytest.mark.parametrize(
    ("archive", "place"),
    [
        ("gs://logs/ranker", "gs://logs/ranker"),
        ("s3://logs", "s3://logs"),
        ("hdfs://logs", "hdfs://logs"),
        ("kept", "/base/kept"),
        ("/mnt/kept", "/mnt/kept"),
    ],
)
def test_settings_of_an_archive(archive: str, place: str) -> None:
    spec = RequestLogSpec(folder="log", archive=archive)
    assert spec.settings(Path("/base")).archive == ArchiveSettings(place, copy_locally)
    assert spec.archive_is_remote is ("://" in archive)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"archive": "ftp://host/log"},
            "archive must be a folder or begin with gs://, s3://, hdfs",
        ),
        ({"archive": "./log/"}, "archive must not be the log's own folder; got ./log/"),
        ({"archive": ""}, "at least 1 character"),
        ({"folder": "gs://b/c"}, r"archive moves finished files to a URI\); got gs://b/c"),
    ],
)
def test_settings_refuse_places_that_cannot_be(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RequestLogSpec(**{"folder": "log", **fields})
