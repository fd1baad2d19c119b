"""`Evaluator`: the stock component with an executor for baselines that may be absent."""

from tfx.components import Evaluator as StockEvaluator
from tfx.dsl.components.base import executor_spec

from rankbeam.components.evaluator.executor import Executor


class Evaluator(StockEvaluator):
    """TFX's Evaluator, whose `baseline_model` may be a `Baseline` that found nothing."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
