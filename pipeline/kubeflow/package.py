"""The file that is submitted: one that was compiled before, or a config's, compiled now."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.pipeline.beam.spec import BeamRunner, BeamSpec
from rankbeam.transform.errors import ConfigError, EnvironmentFault


@contextmanager
def packaged(
    config: Path | None,
    compiled: Path | None,
    beam_runner: BeamRunner | None,
    say: Callable[[str], None],
    pipeline_root: str | None = None,
) -> Iterator[Path]:
    """The compiled pipeline's file, for a block.

    Args:
        config: A config; compiled into a file that goes with the block.
        compiled: A file that is there already, taken where it is given.
        beam_runner: Where the config's Beam stages run; where None, as it says.
        say: Prints a line.
        pipeline_root: Where a compiled config's artifacts go; where None, as it says.

    Raises:
        ConfigError: Neither is given, or the config is wrong.
        EnvironmentFault: The temporary file cannot be written, or a bucket of Dataflow's is
            missing.
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
    _check_buckets(loaded.config.beam, beam_runner, say)
    with tempfile.TemporaryDirectory(prefix="rankbeam-") as folder:
        package = Path(folder) / f"{loaded.config.name}.yaml"
        try:
            package.write_text(text, encoding="utf-8")
        except OSError as error:
            raise EnvironmentFault(
                f"temporary folder must be writable; got {folder}: {error.strerror}"
            ) from None
        yield package


def _check_buckets(
    spec: BeamSpec, beam_runner: BeamRunner | None, say: Callable[[str], None]
) -> None:
    """Look for Dataflow's buckets, where any stage runs there.

    Raises:
        EnvironmentFault: One does not exist.
    """
    chosen = {beam_runner or node.runner or spec.runner for node in spec.nodes.values()}
    if "dataflow" not in chosen | {beam_runner or spec.runner} or spec.dataflow is None:
        return
    # Late: few need Google's clients.
    from rankbeam.pipeline.beam.bucket import check_buckets

    for reason in check_buckets(spec.dataflow):
        say(f"not seen   {reason}")
