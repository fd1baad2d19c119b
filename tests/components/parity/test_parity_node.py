"""The node on hand-made models, a real transform and real server processes."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Artifact, Channel, standard_artifacts

from rankbeam.components.parity.certificate import Certificate, PathReport, read_certificate
from rankbeam.components.parity.component import ParityCheck
from rankbeam.components.parity.executor import Executor
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.serving.process import ServerProcess
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault
from rankbeam.transform.layout import transform_hash
from tests.components.parity import models
from tests.components.parity.conftest import World

PATHS = [
    "transform_features in process",
    "serving_default in process, one by one",
    "transform_features over gRPC",
    "serving_default over gRPC",
    "raw_tensors over gRPC",
    "serving_default over REST",
]


def _check(world: World, folder: Path, fault: str = "", **spec: object) -> Artifact:
    model = standard_artifacts.Model()
    model.uri = str(folder / "model")
    if not Path(model.uri).exists():
        models.save(folder / "model" / "Format-Serving", world.transform_graph.uri, fault)
    certificate = standard_artifacts.InfraBlessing()
    certificate.uri = str(folder / "certificate")
    options = ParitySpec.model_validate(
        {"num_examples": 140, "server": "embedded", "timeout_s": 60.0} | spec
    )
    Executor().Do(
        {
            "examples": [world.examples],
            "model": [model],
            "transform_graph": [world.transform_graph],
            "schema": [world.schema],
        },
        {"certificate": [certificate]},
        {"options": options.model_dump_json()},
    )
    return certificate


def _failed(artifact: Artifact) -> tuple[Certificate, dict[str, PathReport]]:
    assert sorted(os.listdir(artifact.uri)) == ["PARITY_FAILED", "parity_certificate.json"]
    assert artifact.get_int_custom_property("blessed") == 0
    certificate = read_certificate(artifact.uri)
    assert not certificate.passed
    assert artifact.get_string_custom_property("reason") == certificate.reason != ""
    return certificate, {path.path: path for path in certificate.paths}


def _names(certificate: Certificate) -> set[str]:
    """Paths that the reason blames."""
    return {path for path in PATHS if f"{path}: " in certificate.reason}


@pytest.mark.slow
def test_parity_certifies_a_model_that_answers_alike(world: World, tmp_path: Path) -> None:
    artifact = _check(world, tmp_path)
    assert sorted(os.listdir(artifact.uri)) == ["PARITY_PASSED", "parity_certificate.json"]
    assert artifact.get_int_custom_property("blessed") == 1
    assert artifact.get_string_custom_property("current_model") == str(tmp_path / "model")
    certificate = read_certificate(artifact.uri)
    assert (certificate.passed, certificate.reason) == (True, "")
    assert certificate.transform_hash == transform_hash(world.transform_graph.uri)
    assert certificate.model_digest == artifact.get_string_custom_property("model_digest")
    assert (certificate.server, certificate.examples) == ("embedded", 140)
    assert set(certificate.kinds.values()) == {10}
    assert [path.path for path in certificate.paths] == PATHS
    for path in certificate.paths:
        outputs = ["click", "half"]
        if path.must_be_equal_in_bits:
            outputs = ["age", "device", "interests", "partner"]
            assert (path.examples, path.unequal) == (140, 0)
        assert sorted(path.max_abs_difference) == outputs
        assert path.largest <= 1e-6


@pytest.mark.slow
def test_parity_catches_a_feature_that_is_off_by_its_last_bit(world: World, tmp_path: Path) -> None:
    certificate, paths = _failed(_check(world, tmp_path, "feature"))
    assert _names(certificate) == {
        "transform_features in process",
        "transform_features over gRPC",
    }
    assert "age must equal the training transform to the last bit" in certificate.reason
    found = paths["transform_features in process"]
    assert 0 < found.unequal < 140
    assert found.worst is not None
    assert found.worst.output == "age"
    assert float(found.worst.found) > float(found.worst.expected)
    assert set(found.worst.example) <= {"age", "click", "device", "interests", "partner"} or (
        found.worst.kind == "extra_feature"
    )


@pytest.mark.slow
def test_parity_catches_an_answer_that_depends_on_the_batch(world: World, tmp_path: Path) -> None:
    certificate, paths = _failed(_check(world, tmp_path, "batch"))
    # Rows that dense columns cannot say are sent empty: their batches differ too.
    assert _names(certificate) == {PATHS[1], "raw_tensors over gRPC"}
    assert paths["serving_default in process, one by one"].largest > 1e-3


@pytest.mark.slow
def test_parity_catches_nan_on_every_path_of_scores(world: World, tmp_path: Path) -> None:
    certificate, _ = _failed(_check(world, tmp_path, "nan"))
    assert _names(certificate) == {path for path in PATHS if "features" not in path}
    assert "click must be finite; got " in certificate.reason


@pytest.mark.slow
def test_parity_catches_dense_columns_that_are_read_otherwise(world: World, tmp_path: Path) -> None:
    certificate, paths = _failed(_check(world, tmp_path, "tensors"))
    assert _names(certificate) == {"raw_tensors over gRPC"}
    worst = paths["raw_tensors over gRPC"].worst
    assert worst is not None
    assert worst.example.get("age", ()) in ((), ("nan",), ("inf",), ("-inf",))


@pytest.mark.slow
def test_parity_catches_a_feature_that_is_not_answered(world: World, tmp_path: Path) -> None:
    certificate, _ = _failed(_check(world, tmp_path, "unserved"))
    assert "partner must be answered; the answer lacks it" in certificate.reason


@contextmanager
def _rest_in_between(target: str, change: Callable[[bytes], bytes]) -> Iterator[str]:
    """A proxy before a REST service that changes its answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            upstream = HTTPConnection(target)
            upstream.request("POST", self.path, body, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            changed = change(answer.read())
            upstream.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(changed)))
            self.end_headers()
            self.wfile.write(changed)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()


def _rounded(body: bytes) -> bytes:
    """The answer with four digits: what a careless JSON writer makes of a float."""
    rounded = json.loads(body, parse_float=lambda text: float(f"{float(text):.4f}"))
    return json.dumps(rounded).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        (_rounded, "serving_default over REST: click must differ by at most 1e-05 from "),
        (lambda body: body[:40], "embedded server .* rejected the request: HTTP 200: no list of"),
    ],
)
def test_parity_catches_a_rest_service_that_is_off(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[bytes], bytes],
    blamed: str,
) -> None:
    enter = ServerProcess.__enter__
    with ExitStack() as proxies:

        def start(process: ServerProcess) -> ServerProcess:
            started = enter(process)
            proxy = _rest_in_between(started.rest_target, change)
            started.rest_target = proxies.enter_context(proxy)
            return started

        monkeypatch.setattr(ServerProcess, "__enter__", start)
        certificate, _ = _failed(_check(world, tmp_path))
    assert re.match(blamed, certificate.reason)


def test_parity_refuses_a_model_of_another_transform(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "model" / "Format-Serving"
    models.save(folder, world.transform_graph.uri, digest="0" * 64)
    certificate, _ = _failed(_check(world, tmp_path))
    expected = transform_hash(world.transform_graph.uri)
    assert certificate.reason == f"model must hold the transform {expected}; it says {'0' * 64}"
    assert (certificate.examples, certificate.paths) == (0, ())


def test_parity_refuses_a_model_without_a_signature(world: World, tmp_path: Path) -> None:
    certificate, _ = _failed(_check(world, tmp_path, signature="absent"))
    assert certificate.reason == (
        "model must have the signature 'absent'; "
        "got raw_tensors, serving_default, transform_features"
    )


def test_parity_refuses_a_broken_model(world: World, tmp_path: Path) -> None:
    folder = models.save(tmp_path / "model" / "Format-Serving", world.transform_graph.uri)
    (folder / "saved_model.pb").write_bytes(b"broken")
    certificate, _ = _failed(_check(world, tmp_path))
    assert certificate.reason.startswith("model must load in process; got ")


def test_parity_server_that_cannot_start_is_a_fault_and_no_verdict(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "bin" / "tensorflow_model_server"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho 'no such device' >&2; exit 1\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binary.parent}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentFault, match=r"ended with code 1 .*\n.*no such device"):
        _check(world, tmp_path, server="auto")
    assert not (tmp_path / "certificate").exists()


def test_parity_split_that_is_not_there_is_a_config_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"serving\.parity\.split must be one of eval; got 'tr"):
        _check(world, tmp_path, split="train")


def test_parity_examples_that_training_cannot_parse_are_a_data_error(
    world: World, tmp_path: Path
) -> None:
    strange = tf.train.Example()
    strange.features.feature["age"].bytes_list.value.append(b"forty")
    folder = tmp_path / "examples" / "Split-eval"
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data")) as writer:
        writer.write(strange.SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri = str(folder.parent)
    examples.split_names = world.examples.split_names
    odd = World(examples, world.transform_graph, world.schema, [])
    with pytest.raises(DataError, match="examples must be what training parses; "):
        _check(odd, tmp_path)


def test_parity_node_passes_its_options_as_text() -> None:
    options = ParitySpec(seed=3, server="embedded")
    kinds = standard_artifacts
    node = ParityCheck(
        examples=Channel(type=kinds.Examples),
        model=Channel(type=kinds.Model),
        transform_graph=Channel(type=kinds.TransformGraph),
        schema=Channel(type=kinds.Schema),
        options=options,
    )
    text = node.exec_properties["options"]
    assert isinstance(text, str)
    assert ParitySpec.model_validate_json(text) == options
    assert node.outputs["certificate"].type is kinds.InfraBlessing
