"""The executor of `ParityCheck`: stages the model, checks it, writes the certificate."""

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from rankbeam.components.parity.certificate import write_certificate
from rankbeam.components.parity.check import certify
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.components.serving_checks.examples import read_examples
from rankbeam.components.serving_checks.staging import staged_version


class Executor(base_executor.BaseExecutor):
    """Certifies a model that answers the same on every path."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the certificate, good or bad.

        Args:
            input_dict: one artifact each of `examples`, `model`, `transform_graph` and `schema`.
            output_dict: `certificate`: one InfraBlessing artifact.
            exec_properties: `options`: `ParitySpec` as JSON.

        Raises:
            EnvironmentFault: the machine prevents a verdict: the server cannot be started, ends,
                or is too slow, or there is no room for a copy of the model.
            ConfigError: the examples have no such split.
            DataError: the split holds no tf.Examples, or none that training parses.
        """
        spec = ParitySpec.model_validate_json(exec_properties["options"])
        examples, model, transform_graph, schema_artifact = (
            artifact_utils.get_single_instance(input_dict[key])
            for key in ("examples", "model", "transform_graph", "schema")
        )
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_artifact.uri))
        real = read_examples(examples, spec.split, spec.num_examples, field="serving.parity.split")
        with staged_version(path_utils.serving_model_path(model.uri)) as version:
            certificate = certify(version, transform_graph.uri, schema, real, spec)
        artifact = artifact_utils.get_single_instance(output_dict["certificate"])
        write_certificate(artifact, certificate, model.uri)
