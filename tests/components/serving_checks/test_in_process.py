"""An interruption or a poor machine while the model loads is no verdict on the model."""

import errno
from pathlib import Path
from typing import NoReturn

import pytest
import tensorflow as tf

from rankbeam.components.serving_checks.in_process import InProcessModel
from rankbeam.transform.errors import EnvironmentFault, RankbeamError


class _Stop(RankbeamError):
    """What a signal handler raises in the middle of anything."""


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (_Stop("interrupted"), _Stop),
        (OSError(errno.ENOSPC, "No space left on device"), EnvironmentFault),
        (OSError(errno.EMFILE, "Too many open files"), EnvironmentFault),
    ],
)
def test_load_passes_on_what_is_not_the_models_fault(
    raised: Exception,
    expected: type[Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object, **_options: object) -> NoReturn:
        raise raised

    monkeypatch.setattr(tf.saved_model, "load", fail)
    with pytest.raises(expected, match=r"interrupted|No space|Too many"):
        InProcessModel.load(tmp_path, "serving_default")
