"""Writes a commented starter config after a look at the data."""

import os
import tempfile
from pathlib import Path

from rankbeam.pipeline.init.draft import draft
from rankbeam.pipeline.init.render import render
from rankbeam.transform.errors import ConfigError, EnvironmentFault


def infer_config(data: Path, base_dir: Path | None = None) -> str:
    """The text of a starter config for `data`.

    Args:
        data: A file, a folder of files, or a folder with the folders train and eval.
        base_dir: The config's folder, which paths below it are relative to; absolute where None.

    Raises:
        DataError: The data cannot be read, or hold no label or no feature.
    """
    return render(draft(data), base_dir)


def write_starter(data: Path, output: Path, force: bool = False) -> None:
    """Write a starter config for `data` to `output`, whole or not at all.

    Args:
        data: As for `infer_config`.
        output: The file to write.
        force: Replace it if it is there.

    Raises:
        ConfigError: `output` is there, and `force` is not set.
        DataError: The data cannot be read, or hold no label or no feature.
        EnvironmentFault: `output` cannot be written.
    """
    if output.exists() and not force:
        raise ConfigError(f"output must not exist yet; got {output} (--force replaces it)")
    text = infer_config(data, output.absolute().parent)
    try:
        _write(output, text)
    except OSError as error:
        raise EnvironmentFault(f"output must be writable; got {output}: {error}") from None


def _write(output: Path, text: str) -> None:
    handle, partial = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp's files are for their owner alone.
        Path(partial).chmod(0o644)
        Path(partial).replace(output)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
