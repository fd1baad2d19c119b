"""Executors whose Beam stages run as the config's section says."""

from collections.abc import Sequence
from typing import TypeVar

from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

from rankbeam.pipeline.beam.arguments import direct_arguments
from rankbeam.pipeline.beam.spec import DirectSpec
from rankbeam.pipeline.dag import BEAM_ARGS

PARALLEL_MODES = ("multi_threading", "multi_processing")

_Executor = TypeVar("_Executor", bound=BaseBeamExecutor)


def as_in_a_run(kind: type[_Executor]) -> _Executor:
    """An executor of this kind as a run without a section has it."""
    return with_arguments(kind, BEAM_ARGS)


def with_workers(kind: type[_Executor], mode: str) -> _Executor:
    """An executor of this kind with two workers in this mode."""
    spec = DirectSpec.model_validate({"running_mode": mode, "num_workers": 2})
    return with_arguments(kind, direct_arguments(spec))


def with_arguments(kind: type[_Executor], words: Sequence[str]) -> _Executor:
    """An executor of this kind whose Beam is told this."""
    executor: _Executor = kind(BaseBeamExecutor.Context(beam_pipeline_args=list(words)))
    return executor
