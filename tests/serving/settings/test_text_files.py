"""SSL, monitoring and batching files as TensorFlow Serving reads them, and what is refused."""

import re
from pathlib import Path

import pytest
from google.protobuf import text_format

from rankbeam.serving.settings import protos
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.settings.batching_file import read_batching
from rankbeam.serving.settings.monitoring import MonitoringSettings, read_monitoring
from rankbeam.serving.settings.tls import TlsSettings, read_tls
from rankbeam.transform.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its text proto."""
    return tmp_path / "settings.pbtxt"


def test_batching_file_of_tensorflow_servings_own_guide(file: Path) -> None:
    file.write_text(
        "max_batch_size { value: 128 }\n"
        "batch_timeout_micros { value: 0 }\n"
        "max_enqueued_batches { value: 1000000 }\n"
        "num_batch_threads { value: 8 }\n"
    )
    assert read_batching(file) == BatchingSettings(
        max_batch_size=128,
        batch_timeout_micros=0,
        max_enqueued_batches=1_000_000,
        num_batch_threads=8,
    )


def test_batching_file_with_every_field(file: Path) -> None:
    file.write_text(
        "max_batch_size { value: 64 } batch_timeout_micros: < value: 5000 >\n"
        "allowed_batch_sizes: [8, 16] allowed_batch_sizes: 64  # padded to these\n"
        "max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }\n"
        'thread_pool_name { value: "max_batch_size: 7" } pad_variable_length_inputs: true\n'
        "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 32 }\n"
    )
    settings = read_batching(file)
    assert settings == BatchingSettings(
        max_batch_size=64,
        batch_timeout_micros=5000,
        max_enqueued_batches=3,
        num_batch_threads=2,
        thread_pool_name="max_batch_size: 7",
        allowed_batch_sizes=(8, 16, 64),
        pad_variable_length_inputs=True,
        enable_large_batch_splitting=True,
        max_execution_batch_size=32,
    )
    assert settings.execution_batch_size == 32


def test_batching_file_left_empty_has_tensorflows_defaults(file: Path) -> None:
    file.write_text("")
    settings = read_batching(file)
    assert settings == BatchingSettings()
    assert (settings.max_batch_size, settings.batch_timeout_micros) == (1000, 0)
    assert (settings.max_enqueued_batches, settings.execution_batch_size) == (10, 1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nmax_batch_size { value: 0 }", "max_batch_size must be >= 1; got 0 (FILE:2)"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be >= 1; got -1 (FILE:1)"),
        ("max_enqueued_batches { }", "max_enqueued_batches must be >= 1; got 0 (FILE:1)"),
        (
            "batch_timeout_micros { value: -5 }",
            "batch_timeout_micros must be >= 0; got -5 (FILE:1)",
        ),
        (
            "# allowed_batch_sizes: 1\nmax_batch_size { value: 8 }\nallowed_batch_sizes: [2, 4]",
            "allowed_batch_sizes must end with max_batch_size, 8; got [2, 4] (FILE:3)",
        ),
        (
            "max_batch_size { value: 8 }\nallowed_batch_sizes: 4\nallowed_batch_sizes: [4, 8]",
            "allowed_batch_sizes must increase; got [4, 4, 8] (FILE:2)",
        ),
        (
            "allowed_batch_sizes: [0, 1000]",
            "allowed_batch_sizes must be >= 1; got [0, 1000] (FILE:1)",
        ),
        (
            "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 2000 }",
            "max_execution_batch_size must be 1 to max_batch_size, 1000; got 2000 (FILE:1)",
        ),
    ],
)
def test_batching_file_that_is_wrong_names_its_line(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"^{re.escape(message.replace('FILE', str(file)))}$"):
        read_batching(file)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("max_batch_size: 128", 1, 'Expected "{"'),
        ("\n\nmax_batch_sise { value: 1 }", 3, "no field"),
    ],
)
def test_batching_file_that_is_no_text_proto_names_its_line(
    file: Path, text: str, line: int, reason: str
) -> None:
    file.write_text(text)
    start = "batching_parameters_file must be a text proto of tensorflow.serving.BatchingParameters"
    place = re.escape(f"({file}:{line})")
    with pytest.raises(ConfigError, match=f"^{start}; got .*{re.escape(reason)}.* {place}$"):
        read_batching(file)


def test_batching_without_splitting_runs_whole_batches() -> None:
    settings = BatchingSettings(max_batch_size=8, max_execution_batch_size=4)
    assert settings.execution_batch_size == 8


def test_tls_file_holds_pem_text(file: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----\\n"
    file.write_text(
        f'server_key: "{pem}"\nserver_cert: "{pem}"\ncustom_ca: "{pem}"\nclient_verify: true\n'
    )
    found = read_tls(file)
    text = pem.replace("\\n", "\n")
    assert found == TlsSettings(text, text, text, client_verify=True)
    assert "BEGIN" not in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "server_key must be PEM text, not a file's name; got '' (FILE)"),
        (
            'server_key: "-----BEGIN RSA PRIVATE KEY-----"\nserver_cert: "cert.pem"',
            "server_cert must be PEM text, not a file's name; got 'cert.pem' (FILE:2)",
        ),
        (
            'custom_ca: "ca"\nserver_key: "-----BEGIN "\nserver_cert: "-----BEGIN "',
            "custom_ca must be PEM text, not a file's name; got 'ca' (FILE:1)",
        ),
        (
            "client_verify: maybe",
            "ssl_config_file must be a text proto of tensorflow.serving.SSLConfig; got "
            "Enum type or boolean expected.",
        ),
    ],
)
def test_tls_file_that_is_wrong_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    start = re.escape(
        message.replace("FILE", str(file)).removesuffix("Enum type or boolean expected.")
    )
    with pytest.raises(ConfigError, match=f"^{start}"):
        read_tls(file)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", MonitoringSettings(enabled=False)),
        ("prometheus_config { enable: true }", MonitoringSettings()),
        (
            'prometheus_config { enable: true, path: "/metrics" }',
            MonitoringSettings(path="/metrics"),
        ),
        ("prometheus_config: { enable: false }", MonitoringSettings(enabled=False)),
    ],
)
def test_monitoring_file_is_followed_to_the_letter(
    file: Path, text: str, settings: MonitoringSettings
) -> None:
    file.write_text(text)
    assert read_monitoring(file) == settings


@pytest.mark.parametrize("path", ["metrics", "/v1/models"])
def test_monitoring_path_must_not_be_the_models(file: Path, path: str) -> None:
    file.write_text(f'prometheus_config {{ enable: true\n  path: "{path}" }}')
    message = f"path must begin with / and not with /v1/; got '{path}' ({file}:2)"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        read_monitoring(file)


def test_settings_files_that_cannot_be_read_are_named(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^ssl_config_file must be a readable text file; got "):
        read_tls(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"must be a readable text file; got .*decode byte 0xff"):
        read_monitoring(file)


def test_protos_have_tensorflow_servings_numbers_on_the_wire() -> None:
    # Worked by hand: field 1 of the message holds a wrapper whose field 1 is the varint 128.
    parameters = text_format.Parse("max_batch_size { value: 128 }", protos.BatchingParameters())
    assert parameters.SerializeToString() == b"\x0a\x03\x08\x80\x01"
    splitting = text_format.Parse(
        "enable_large_batch_splitting { value: true }", protos.BatchingParameters()
    )
    assert splitting.SerializeToString() == b"\x42\x02\x08\x01"
    tls = text_format.Parse('custom_ca: "a" client_verify: true', protos.SSLConfig())
    assert tls.SerializeToString() == b"\x1a\x01a\x20\x01"
    monitoring = text_format.Parse('prometheus_config { path: "/" }', protos.MonitoringConfig())
    assert monitoring.SerializeToString() == b"\x0a\x03\x12\x01/"
    assert protos.SSLConfig.DESCRIPTOR.full_name == "tensorflow.serving.SSLConfig"
