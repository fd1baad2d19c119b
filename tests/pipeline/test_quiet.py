"""What libraries say of themselves stays off the terminal, unless it tells why something failed."""

import os

import pytest

from rankbeam.pipeline.quiet import held_back_stderr


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


def _fail() -> None:
    os.write(2, b"cannot open libmissing.so\n")
    raise ImportError("no such library")
