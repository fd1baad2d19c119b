"""`StatisticsGen`: the stock component with an executor that reads in batches."""

from tfx.components import StatisticsGen as StockStatisticsGen
from tfx.dsl.components.base import executor_spec
from tfx.types import BaseChannel

from rankbeam.components.statistics_gen.executor import Executor


class StatisticsGen(StockStatisticsGen):
    """TFX's StatisticsGen of all splits with TFDV's default options.

    Args:
        examples: Of any ExampleGen; those of Rankbeam's are read at a fraction of the cost.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: BaseChannel) -> None:
        super().__init__(examples=examples)
