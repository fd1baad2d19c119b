"""The command lines of `tensorflow_model_server` inside the generated files."""

from rankbeam.serving.manifests.plan import (
    GRPC_PORT,
    REST_PORT,
    SETTINGS_FOLDER,
    TLS_FILE,
    TLS_FOLDER,
    Plan,
)

BINARY = "/usr/bin/tensorflow_model_server"


def server_flags(plan: Plan) -> list[str]:
    """All flags of a server that reads its model from a settings folder."""
    deployment = plan.deployment
    tls = [] if deployment.tls is None else [f"--ssl_config_file={TLS_FOLDER}/{TLS_FILE}"]
    return [
        f"--port={GRPC_PORT}",
        f"--rest_api_port={REST_PORT}",
        f"--model_config_file={SETTINGS_FOLDER}/models.config",
        f"--file_system_poll_wait_seconds={deployment.poll_s}",
        f"--rest_api_timeout_in_ms={deployment.rest_timeout_ms}",
        *tls,
        *common_flags(plan),
    ]


def common_flags(plan: Plan) -> list[str]:
    """The flags that KServe's server, whose ports and model KServe chooses, takes as well."""
    flags = [f"--monitoring_config_file={SETTINGS_FOLDER}/monitoring.config"]
    if plan.batching is not None:
        flags += [
            "--enable_batching=true",
            f"--batching_parameters_file={SETTINGS_FOLDER}/batching.config",
        ]
    return flags
