"""The few calls of KFP's v2beta1 API that a submission needs, through its generated client."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kfp_server_api

from rankbeam.pipeline.kubeflow.connection import Connection, api_client
from rankbeam.pipeline.kubeflow.faults import no_api, told
from rankbeam.transform.stack import client_method

# backend/src/apiserver/filter: the code that clients of every version send for EQUALS.
_EQUALS = 1


class Backend:
    """An API server.

    Args:
        connection: Where it is, and who asks.

    All methods raise what `faults.told` says.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = api_client(connection)
        self._experiments = kfp_server_api.ExperimentServiceApi(self._client)
        self._health = kfp_server_api.HealthzServiceApi(self._client)
        self._pipelines = kfp_server_api.PipelineServiceApi(self._client)
        self._runs = kfp_server_api.RunServiceApi(self._client)
        self._uploads = kfp_server_api.PipelineUploadServiceApi(self._client)

    def redact(self, text: str) -> str:
        """`text` without this client's credentials, should the server repeat them."""
        return self._connection.redact(text)

    def is_multi_user(self) -> bool:
        """Whether users have namespaces there; also a first proof that this is KFP."""
        return bool(self._call("say how it is", self._health, "get_healthz").multi_user)

    def pipeline_id(self, name: str, namespace: str | None) -> str | None:
        """Id of the pipeline `name`; None where there is none."""
        found = self._call(
            "look for the pipeline",
            self._pipelines,
            "list_pipelines",
            filter=_named(name),
            **_in(namespace),
        )
        return str(found.pipelines[0].pipeline_id) if found.pipelines else None

    def create_pipeline(self, name: str, namespace: str | None) -> str:
        """Create an empty pipeline; returns its id."""
        body = kfp_server_api.V2beta1Pipeline(display_name=name, **_in(namespace))
        made = self._call("create the pipeline", self._pipelines, "create_pipeline", body)
        return self._id(made.pipeline_id, "pipeline_id")

    def version_id(self, pipeline_id: str, name: str) -> str | None:
        """Id of a pipeline's version `name`; None where there is none."""
        found = self._call(
            "look for the version",
            self._pipelines,
            "list_pipeline_versions",
            pipeline_id,
            filter=_named(name),
        )
        versions = found.pipeline_versions
        return str(versions[0].pipeline_version_id) if versions else None

    def upload_version(self, pipeline_id: str, name: str, package: Path) -> str:
        """Upload a PipelineSpec as a version; returns its id."""
        made = self._call(
            "upload the pipeline",
            self._uploads,
            "upload_pipeline_version",
            str(package),
            name=name,
            pipelineid=pipeline_id,
        )
        return self._id(made.pipeline_version_id, "pipeline_version_id")

    def experiment_id(self, name: str, namespace: str | None) -> str:
        """Id of the experiment `name`, which is created where there is none."""
        found = self._call(
            "look for the experiment",
            self._experiments,
            "list_experiments",
            filter=_named(name),
            **_in(namespace),
        )
        if found.experiments:
            return self._id(found.experiments[0].experiment_id, "experiment_id")
        body = kfp_server_api.V2beta1Experiment(display_name=name, **_in(namespace))
        made = self._call("create the experiment", self._experiments, "create_experiment", body)
        return self._id(made.experiment_id, "experiment_id")

    def create_run(
        self,
        name: str,
        *,
        experiment_id: str,
        pipeline_id: str,
        version_id: str,
        parameters: Mapping[str, object],
        pipeline_root: str | None,
        service_account: str | None,
    ) -> str:
        """Start a run of a version; returns its id."""
        body = kfp_server_api.V2beta1Run(
            display_name=name,
            experiment_id=experiment_id,
            pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
                pipeline_id=pipeline_id, pipeline_version_id=version_id
            ),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(
                parameters=dict(parameters), pipeline_root=pipeline_root
            ),
            service_account=service_account,
        )
        made = self._call("start the run", self._runs, "create_run", body)
        return self._id(made.run_id, "run_id")

    def run(self, run_id: str) -> Any:
        """The run as it stands: a V2beta1Run."""
        found = self._call("show the run", self._runs, "get_run", run_id)
        self._id(found.run_id, "run_id")
        return found

    def log(self, run_id: str, pod: str) -> str:
        """What a pod of a run printed, or an empty text where the server has kept none."""
        with told(self._connection, "show a log"):
            response = self._client.call_api(
                "/apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log",
                "GET",
                path_params={"run_id": run_id, "node_id": pod},
                header_params={"Accept": "text/plain"},
                auth_settings=["Bearer"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=self._timeout,
            )
            return bytes(response.data).decode("utf-8", errors="replace")

    @property
    def _timeout(self) -> tuple[float, float]:
        seconds = self._connection.request_timeout_s
        return seconds, seconds

    def _call(
        self, action: str, service: Any, method: str, /, *arguments: object, **more: Any
    ) -> Any:
        with told(self._connection, action):
            call = client_method(service, method)
            answer = call(*arguments, _request_timeout=self._timeout, **more)
            kind = self._client.last_response.getheader("content-type") or "nothing"
        if "json" not in kind:
            raise no_api(self._connection, kind.partition(";")[0])
        return answer

    def _id(self, value: str | None, name: str) -> str:
        if not value:
            raise no_api(self._connection, f"an answer without {name}")
        return str(value)


def _named(name: str) -> str:
    predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


def _in(namespace: str | None) -> dict[str, str]:
    return {"namespace": namespace} if namespace is not None else {}
