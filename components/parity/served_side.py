"""What a real server answers, over gRPC and REST."""

from dataclasses import dataclass
from pathlib import Path

from rankbeam.components.parity.batches import Batches, joined
from rankbeam.components.parity.local_side import (
    RAW_TENSORS,
    TRANSFORM_FEATURES,
    Local,
    LocalModel,
)
from rankbeam.components.parity.logic import Answers
from rankbeam.components.parity.rest import RestClient
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.components.serving_checks.staging import MODEL_NAME
from rankbeam.serving.client import PredictClient
from rankbeam.serving.errors import ModelNotServable, RequestRejected
from rankbeam.serving.process import ProcessOptions, ServerProcess
from rankbeam.transform.errors import EnvironmentFault


@dataclass(frozen=True, slots=True)
class Served:
    """What a real server answers.

    Attributes:
        server: which server was asked.
        features: transformed features over gRPC.
        scores: scores over gRPC.
        from_tensors: scores over gRPC from dense columns.
        rest: scores over REST.
    """

    server: str
    features: Answers
    scores: Answers
    from_tensors: Answers
    rest: Answers


def ask_server(
    version: Path, model: LocalModel, local: Local, batches: Batches, spec: ParitySpec
) -> Served:
    """Serves the version and asks it.

    Raises:
        ModelNotServable: the server refuses the model or a request.
        EnvironmentFault: the server cannot be started, ends, or is too slow.
    """
    options = ProcessOptions(
        MODEL_NAME, version.parent, server=spec.server, timeout_s=spec.timeout_s, rest=True
    )
    with (
        ServerProcess(options) as server,
        server.client(spec.request_timeout_s) as client,
        RestClient(server.rest_target, MODEL_NAME, spec.request_timeout_s) as rest,
    ):
        try:
            return _ask_all(server.kind, client, rest, model, local, batches, spec.signature)
        except RequestRejected as error:
            raise ModelNotServable(f"{server.kind} {error}") from error
        except EnvironmentFault as error:
            raise EnvironmentFault(f"{error}; its log ends:\n{server.log_tail()}") from error


def _ask_all(
    kind: str,
    client: PredictClient,
    rest: RestClient,
    model: LocalModel,
    local: Local,
    batches: Batches,
    signature: str,
) -> Served:
    features, scores = model.features.input_name, model.scores.input_name
    outputs = sorted(local.scores)
    return Served(
        server=kind,
        features=batches.ask(
            lambda rows: client.predict_examples(rows, TRANSFORM_FEATURES, input_name=features)
        ),
        scores=batches.ask(
            lambda rows: client.predict_examples(rows, signature, input_name=scores)
        ),
        from_tensors=joined(
            [client.predict_tensors(columns, RAW_TENSORS) for columns in local.tensors]
        ),
        rest=batches.ask(lambda rows: rest.predict_examples(rows, signature, scores, outputs)),
    )
