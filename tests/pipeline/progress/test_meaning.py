"""What a node's line says of its outputs."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from rankbeam.components.parity.certificate import Certificate, PathReport, write_certificate
from rankbeam.pipeline.progress.meaning import meaning_of
from rankbeam.pipeline.runners.observer import NodeResult


def _path(**differences: float) -> PathReport:
    return PathReport(
        path="one",
        reference="another",
        must_be_equal_in_bits=False,
        examples=1280,
        unequal=0,
        max_abs_difference=differences,
    )


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("", "1,280 examples of 2 kinds, 2 paths equal within 2.5e-07; CERTIFIED"),
        ("click must be finite", "NOT CERTIFIED: click must be finite"),
    ],
)
def test_meaning_of_a_parity_certificate(tmp_path: Path, reason: str, line: str) -> None:
    certificate = Certificate(
        passed=not reason,
        reason=reason,
        model_digest="",
        transform_hash="",
        server="embedded",
        seed=1,
        max_abs_difference=1e-5,
        examples=1280,
        kinds={"real": 640, "unicode": 640, "long_text": 0},
        paths=(_path(click=0.0, ctcvr=2.5e-7), _path(click=1e-9)),
    )
    artifact = standard_artifacts.InfraBlessing()
    artifact.uri = str(tmp_path)
    write_certificate(artifact, certificate, "/model")
    outputs = {"certificate": [artifact]}
    assert meaning_of(NodeResult("ParityCheck", "ParityCheck", "done", 3.0, outputs)) == line
