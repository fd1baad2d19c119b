"""One model through the whole check: from real examples to a certificate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_metadata.proto.v0 import schema_pb2

from rankbeam.components.parity.batches import Batches
from rankbeam.components.parity.certificate import Certificate, path_report
from rankbeam.components.parity.generate import Generated, count_kinds, generate
from rankbeam.components.parity.local_side import LocalModel, ask_locally
from rankbeam.components.parity.logic import PathResult, compare, reason_of
from rankbeam.components.parity.paths import paths_of
from rankbeam.components.parity.served_side import ask_server
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.components.parity.training_side import TrainingTransform
from rankbeam.components.schema_contract.logic import SERVING
from rankbeam.components.serving_checks.model_digest import model_digest
from rankbeam.serving import exported
from rankbeam.serving.errors import ModelNotServable
from rankbeam.transform.layout import transform_hash


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check came to.

    Attributes:
        requests: the examples that were asked; empty where the model could not be loaded.
        results: how far each path was from its reference; empty where one could not be asked.
        server: which server was asked; empty where the model did not come that far.
        reason: why there is no certificate; empty where there is.
    """

    requests: Sequence[Generated]
    results: Sequence[PathResult]
    server: str
    reason: str


def certify(
    version: Path,
    transform_graph: str,
    schema: schema_pb2.Schema,
    real: Sequence[bytes],
    spec: ParitySpec,
) -> Certificate:
    """Checks a model and writes down how it went, good or bad.

    Args:
        version: the model, as the one version of a base path.
        transform_graph: folder of the training transform.
        schema: says which raw columns serving lacks.
        real: serialized tf.Examples, at least one.
        spec: what to ask.

    Raises:
        EnvironmentFault: the machine prevents a verdict.
        DataError: the examples are not what training parses.
    """
    digest, trained_hash = model_digest(version), transform_hash(transform_graph)
    outcome = _check(version, transform_graph, schema, real, spec, trained_hash)
    return Certificate(
        passed=not outcome.reason,
        reason=outcome.reason,
        model_digest=digest,
        transform_hash=trained_hash,
        server=outcome.server,
        seed=spec.seed,
        max_abs_difference=spec.max_abs_difference,
        examples=len(outcome.requests),
        kinds=count_kinds(outcome.requests),
        paths=tuple(path_report(result, outcome.requests) for result in outcome.results),
    )


def _check(
    version: Path,
    transform_graph: str,
    schema: schema_pb2.Schema,
    real: Sequence[bytes],
    spec: ParitySpec,
    trained_hash: str,
) -> Outcome:
    exported_hash = exported.transform_hash(version)
    if exported_hash not in ("", trained_hash):
        reason = f"model must hold the transform {trained_hash}; it says {exported_hash}"
        return Outcome((), (), "", reason)
    try:
        model = LocalModel.load(version, spec.signature)
    except ModelNotServable as error:
        return Outcome((), (), "", str(error))
    requests = generate(real, model.columns, spec.num_examples, spec.seed)
    batches = Batches([request.serialized for request in requests], spec.batch_size)
    training = TrainingTransform(transform_graph, unserved_columns(schema))
    try:
        local = ask_locally(model, training, batches, real)
    except ModelNotServable as error:
        return Outcome(requests, (), "", str(error))
    try:
        served, refusal = ask_server(version, model, local, batches, spec), ""
    except ModelNotServable as error:
        served, refusal = None, str(error)
    paths = paths_of(local, served, spec.signature)
    results = [compare(path, spec.max_abs_difference) for path in paths]
    reason = "; ".join(part for part in (refusal, reason_of(results)) if part)
    return Outcome(requests, results, served.server if served else "", reason)


def unserved_columns(schema: schema_pb2.Schema) -> tuple[str, ...]:
    """Columns that a schema keeps out of the environment SERVING: the labels."""
    return tuple(
        feature.name
        for feature in schema.feature
        if SERVING in feature.not_in_environment
        or (feature.in_environment and SERVING not in feature.in_environment)
    )
