"""From a config to the plan of its deployment files."""

from pathlib import Path

from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.serving.manifests.plan import Plan


def deployment_plan(loaded: LoadedConfig, output: Path | None = None) -> Plan:
    """What the deployment files of a config say.

    Args:
        loaded: the config.
        output: folder of its runs' outputs; by default `rankbeam-out/<name>`.
    """
    config = loaded.config
    return Plan(
        model_name=config.model_name,
        config_name=loaded.file.name,
        deployment=config.serving.deployment,
        batching=config.serving.batching,
        pushed=OutputLayout.of(config.name, output).destination(config.push.destination),
        logs_requests=config.serving.request_log is not None,
    )
