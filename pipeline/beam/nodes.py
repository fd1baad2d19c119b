"""Hands each Beam node its words, through TFX's own seam."""

from collections.abc import Iterable

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from rankbeam.pipeline.beam.plan import BeamPlan


def apply_plan(nodes: Iterable[BaseNode], plan: BeamPlan) -> None:
    """Tell every node that runs Beam where it does."""
    for node in nodes:
        if uses_beam(node) and node.id in plan.nodes:
            node.with_beam_pipeline_args(list(plan.nodes[node.id].arguments))


def uses_beam(node: BaseNode) -> bool:
    """Whether the node's executor runs a Beam pipeline."""
    spec = getattr(node, "executor_spec", None)
    return isinstance(node, BaseBeamComponent) and isinstance(spec, BeamExecutorSpec)
