"""What libraries say of themselves stays off the terminal, unless it tells why something failed."""

import logging
import os
import warnings

import pytest

from rankbeam.pipeline.quiet import held_back_stderr, quiet_libraries
from rankbeam.transform.errors import ConfigError


def test_held_back_stderr_drops_what_a_block_that_ends_well_wrote(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with held_back_stderr():
        os.write(2, b"a notice from C\n")
    os.write(2, b"after\n")
    assert capfd.readouterr() == ("", "after\n")


def test_held_back_stderr_shows_what_a_block_that_fails_wrote(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImportError, match="no such library"), held_back_stderr():
        _fail()
    assert capfd.readouterr() == ("", "cannot open libmissing.so\n")


def test_held_back_stderr_drops_notices_beside_an_error_of_ours(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ConfigError, match="must be there"), held_back_stderr():
        _refuse()
    os.write(2, b"after\n")
    assert capfd.readouterr() == ("", "after\n")


def test_tries_that_fail_are_no_news(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for variable in ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.setenv(variable, os.environ.get(variable, "0"))
    for name in ("google.auth", "urllib3.connectionpool"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    with warnings.catch_warnings():
        quiet_libraries()
    for name in ("google.auth._default", "urllib3.connectionpool"):
        logging.getLogger(name).warning("%s tries again", name)
        logging.getLogger(name).error("%s is broken", name)
    assert caplog.messages == [
        "google.auth._default is broken",
        "urllib3.connectionpool is broken",
    ]


def _refuse() -> None:
    os.write(2, b"a notice from C\n")
    raise ConfigError("name must be there; got none")


def _fail() -> None:
    os.write(2, b"cannot open libmissing.so\n")
    raise ImportError("no such library")
