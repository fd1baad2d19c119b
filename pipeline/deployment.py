"""From a config to the plan of its deployment files."""

from pathlib import Path

from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.serving.manifests.plan import Plan
from rankbeam.serving.manifests.stores import BucketStore
from rankbeam.transform.errors import ConfigError


def deployment_plan(loaded: LoadedConfig, output: Path | None = None) -> Plan:
    """What the deployment files of a config say.

    Args:
        loaded: the config.
        output: folder of its runs' outputs; by default `rankbeam-out/<name>`.

    Raises:
        ConfigError: runs push to a bucket and servers would look elsewhere.
    """
    config = loaded.config
    destination = OutputLayout.of(config.name, output).destination(config.push.destination)
    store = config.serving.deployment.model_store
    if "://" in destination and not isinstance(store, BucketStore):
        raise ConfigError(
            "serving.deployment.model_store.kind must be bucket where push.destination is one; "
            f"got {store.kind} and {destination}"
        )
    return Plan(
        model_name=config.model_name,
        config_name=loaded.file.name,
        deployment=config.serving.deployment,
        batching=config.serving.batching,
        pushed=Path(destination),
        logs_requests=config.serving.request_log is not None,
    )
