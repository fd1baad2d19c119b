"""Runs the DAG in this process, one node after another, on Beam's DirectRunner.

TFX's own `LocalDagRunner` goes on after a node whose inputs could not be resolved, and tells
nobody how a node ended. This runner asks ML Metadata after each node, tells its observer, and
stops at the first node that did not end well. It begins by clearing away what killed runs left.
"""

import datetime
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.pipeline import RunOptions
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2

from rankbeam.pipeline.runners.cache_key import code_digest
from rankbeam.pipeline.runners.leftovers import remove_leftovers
from rankbeam.pipeline.runners.observer import Artifacts, NodeResult, NodeState, Observer
from rankbeam.transform.errors import EnvironmentFault

RUN_ID_PARAMETER = "pipeline-run-id"
# An execution property that no executor reads; TFX hashes all of them into the cache key.
SALT_PARAMETER = "rankbeam_cache_salt"

# A push is idempotent and looks at the destination, which others may have changed since.
ALWAYS_RUN = frozenset({"Pusher"})

_Execution = metadata_store_pb2.Execution

Made = Mapping[str, Artifacts]
"""Node id to the outputs of a node that has ended."""
Salt = str | Callable[[Made], str]
"""A text on which a node's cached results depend, or what finds it when the node's turn comes."""


class LocalRunner(local_dag_runner.LocalDagRunner):
    """A local runner with an observer.

    Args:
        observer: Is told of every node.
        salts: Node id to a text on which its cached results depend beside TFX's own key.
    """

    def __init__(self, observer: Observer, salts: Mapping[str, Salt] | None = None) -> None:
        super().__init__()
        self._observer = observer
        self._salts = dict(salts or {})

    def run_with_ir(
        self, pipeline: pipeline_pb2.Pipeline, run_options: RunOptions | None = None
    ) -> None:
        """Run a compiled pipeline.

        Raises:
            EnvironmentFault: A node's inputs could not be resolved.
            Exception: Whatever the first failing node raised.
            ValueError: `run_options` is given; partial runs are what caching is for here.
        """
        if run_options is not None:
            raise ValueError(f"run_options must be None; got {run_options}")
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {RUN_ID_PARAMETER: datetime.datetime.now().isoformat()}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        store = deployment.metadata_connection_config
        connection = getattr(store, store.WhichOneof("connection_config"))
        root = pipeline.runtime_spec.pipeline_root.field_value.string_value
        remove_leftovers(metadata.Metadata(connection), Path(root))
        code = code_digest()
        made: dict[str, Artifacts] = {}
        for wrapped in pipeline.nodes:
            node = wrapped.pipeline_node
            node_id = node.node_info.id
            salt = self._salts.get(node_id, "")
            own = salt if isinstance(salt, str) else salt(made)
            node.parameters.parameters[
                SALT_PARAMETER
            ].field_value.string_value = f"{code} {own}".rstrip()
            if node_id in ALWAYS_RUN:
                node.execution_options.caching_options.enable_cache = False
            made[node_id] = self._run_node(pipeline, node, deployment, connection)

    def _run_node(
        self, pipeline: pipeline_pb2.Pipeline, node: Any, deployment: Any, connection: Any
    ) -> Artifacts:
        node_id = node.node_info.id
        store = metadata.Metadata(connection)
        node_launcher = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=store,
            pipeline_info=pipeline.pipeline_info,
            pipeline_runtime_spec=pipeline.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        )
        self._observer.started(node_id)
        begin = time.monotonic()
        state: NodeState = "failed"
        outputs: dict[str, list[Any]] = {}
        try:
            execution = node_launcher.launch()
            state, outputs = _ending(store, execution.execution_id if execution else None)
        finally:
            seconds = time.monotonic() - begin
            kind = node.node_info.type.name.rsplit(".", 1)[-1]
            self._observer.ended(NodeResult(node_id, kind, state, seconds, outputs))
        if state == "failed":
            raise EnvironmentFault(
                f"node {node_id} must find its inputs; got none that ML Metadata could resolve"
            )
        return outputs


def _ending(
    store: metadata.Metadata, execution_id: int | None
) -> tuple[NodeState, dict[str, list[Any]]]:
    if execution_id is None:
        return "failed", {}
    with store as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
        if not execution_lib.is_execution_successful(execution):
            return "failed", {}
        outputs = dict(execution_lib.get_output_artifacts(handle, execution_id))
    cached = execution.last_known_state == _Execution.CACHED
    return "cached" if cached else "done", outputs
