"""`Transform`: the stock component with an executor that works in batches."""

from tfx.components import Transform as StockTransform
from tfx.dsl.components.base import executor_spec
from tfx.types import BaseChannel

from rankbeam.components.transform.executor import Executor


class Transform(StockTransform):
    """TFX's Transform, analyzing the split train and transforming all splits.

    No statistics are computed of its inputs and outputs, and no analyzer cache is read.

    Args:
        examples: Serialized tf.Examples.
        schema: Their schema.
        preprocessing_fn: Dotted name of the function that transforms.
        options: What it is told, as its `custom_config`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        schema: BaseChannel,
        *,
        preprocessing_fn: str,
        options: dict[str, str],
    ) -> None:
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn=preprocessing_fn,
            custom_config=options,
            disable_statistics=True,
        )
