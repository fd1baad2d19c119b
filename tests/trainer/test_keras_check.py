"""The check that TensorFlow runs Keras 2."""

import os
import subprocess
import sys

import pytest

from rankbeam.trainer.keras_check import check_legacy_keras


def test_keras_check_passes_here() -> None:
    check_legacy_keras()


@pytest.mark.slow
def test_keras_check_names_the_variable_where_keras_3_is_loaded() -> None:
    program = (
        "from rankbeam.trainer.keras_check import check_legacy_keras\n"
        "from rankbeam.transform.errors import EnvironmentFault\n"
        "try:\n"
        "    check_legacy_keras()\n"
        "except EnvironmentFault as fault:\n"
        "    print(fault)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TF_USE_LEGACY_KERAS": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("TF_USE_LEGACY_KERAS must be 1 before TensorFlow is imported; ")
    assert result.stdout.endswith("with TF_USE_LEGACY_KERAS 0\n")
