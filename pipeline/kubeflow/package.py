"""The file that is submitted: one that was compiled before, or a config's, compiled now."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.pipeline.beam.spec import BeamRunner
from rankbeam.transform.errors import ConfigError, EnvironmentFault


@contextmanager
def packaged(
    config: Path | None,
    compiled: Path | None,
    beam_runner: BeamRunner | None,
    pipeline_root: str | None = None,
) -> Iterator[Path]:
    """The compiled pipeline's file, for a block.

    Args:
        config: A config; compiled into a file that goes with the block.
        compiled: A file that is there already, taken where it is given.
        beam_runner: Where the config's Beam stages run; where None, as it says.
        pipeline_root: Where a compiled config's artifacts go; where None, as it says.

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

    place = {} if pipeline_root is None else {"pipeline_root": pipeline_root}
    kubeflow = loaded.config.kubeflow.model_copy(update=place)
    rooted = loaded.config.model_copy(update={"kubeflow": kubeflow})
    text = compile_pipeline(rooted, beam_runner=beam_runner)
    with tempfile.TemporaryDirectory(prefix="rankbeam-") as folder:
        package = Path(folder) / f"{loaded.config.name}.yaml"
        try:
            package.write_text(text, encoding="utf-8")
        except OSError as error:
            raise EnvironmentFault(
                f"temporary folder must be writable; got {folder}: {error.strerror}"
            ) from None
        yield package
