"""The file that is submitted: one that was compiled before, or a config's, compiled now."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.transform.errors import ConfigError, EnvironmentFault


@contextmanager
def packaged(config: Path | None, compiled: Path | None) -> Iterator[Path]:
    """The compiled pipeline's file, for a block.

    Args:
        config: A config; compiled into a file that goes with the block.
        compiled: A file that is there already, taken where it is given.

    Raises:
        ConfigError: Neither is given, or the config is wrong.
        EnvironmentFault: The temporary file cannot be written.
    """
    if compiled is not None:
        yield compiled
        return
    if config is None:
        raise ConfigError("CONFIG must be given; got none")
    from rankbeam.pipeline.config.load import load_config

    loaded = load_config(config)
    # Late: a wrong config must not wait for TFX.
    from rankbeam.pipeline.kubeflow.compile import compile_pipeline

    text = compile_pipeline(loaded.config)
    with tempfile.TemporaryDirectory(prefix="rankbeam-") as folder:
        package = Path(folder) / f"{loaded.config.name}.yaml"
        try:
            package.write_text(text, encoding="utf-8")
        except OSError as error:
            raise EnvironmentFault(
                f"temporary folder must be writable; got {folder}: {error.strerror}"
            ) from None
        yield package
