"""The rehearsal: one model folder, a real server, the same examples asked of both."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tensorflow_serving.apis import predict_pb2

from rankbeam.components.infra_validator.logic import Answers, Latency, summarize_latency
from rankbeam.components.infra_validator.spec import InfraValidationSpec
from rankbeam.components.serving_checks.in_process import InProcessModel
from rankbeam.components.serving_checks.staging import MODEL_NAME
from rankbeam.serving import tensors
from rankbeam.serving.errors import ModelNotServable, RequestRejected
from rankbeam.serving.process import ProcessOptions, ServerProcess
from rankbeam.serving.warmup import write_warmup
from rankbeam.transform.errors import EnvironmentFault

_Ask = Callable[[Sequence[bytes]], Mapping[str, tensors.Array]]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What both sides answered, in the same order of rows, and how fast.

    Attributes:
        server: which server was asked.
        num_examples: each asked in one batch with all others, then alone: two rows of answers.
        in_process: the model's own answers.
        served: the server's answers.
        in_process_latency: of calls with one example, answers read back.
        served_latency: of requests with one example, over the loopback interface.
    """

    server: str
    num_examples: int
    in_process: Answers
    served: Answers
    in_process_latency: Latency
    served_latency: Latency


def rehearse(version: Path, examples: Sequence[bytes], spec: InfraValidationSpec) -> Rehearsal:
    """Writes warm-up requests into the version, serves it, and asks it and the model itself.

    The warm-up requests are all examples in one request, then the first example alone: the two
    shapes that are rehearsed.

    Raises:
        ModelNotServable: the model cannot be loaded or asked, in process or by the server.
        EnvironmentFault: the server cannot be started, ends, or is too slow.
    """
    model = InProcessModel.load(version, spec.signature)
    in_process, in_process_latency = _ask_all(model.ask, examples)

    def request(rows: Sequence[bytes]) -> predict_pb2.PredictRequest:
        asked = predict_pb2.PredictRequest(inputs={model.input_name: tensors.encode(list(rows))})
        asked.model_spec.name = MODEL_NAME
        asked.model_spec.signature_name = spec.signature
        return asked

    write_warmup(version, [request(examples), request(examples[:1])])
    options = ProcessOptions(
        MODEL_NAME, version.parent, server=spec.server, timeout_s=spec.timeout_s
    )
    with ServerProcess(options) as server, server.client(spec.request_timeout_s) as client:
        try:
            served, served_latency = _ask_all(lambda rows: client.predict(request(rows)), examples)
        except RequestRejected as error:
            raise ModelNotServable(f"{server.kind} {error}") from error
        except EnvironmentFault as error:
            raise EnvironmentFault(f"{error}; its log ends:\n{server.log_tail()}") from error
        return Rehearsal(
            server.kind,
            len(examples),
            in_process,
            served,
            in_process_latency,
            served_latency,
        )


def _ask_all(ask: _Ask, examples: Sequence[bytes]) -> tuple[Answers, Latency]:
    """All examples in one call, then each alone, timed; answers concatenated in that order."""
    answers = [ask(examples)]
    ask(examples[:1])  # the first call of a new shape is not what users will see
    seconds = []
    for example in examples:
        start = time.perf_counter()
        answers.append(ask([example]))
        seconds.append(time.perf_counter() - start)
    return {name: _rows(name, answers) for name in answers[0]}, summarize_latency(seconds)


def _rows(name: str, answers: Sequence[Mapping[str, tensors.Array]]) -> tensors.Array:
    try:
        return np.concatenate([answer[name] for answer in answers])
    except ValueError as error:
        shapes = sorted({answer[name].shape for answer in answers})
        raise ModelNotServable(
            f"{name} must have one row per example, whatever the batch; got shapes {shapes}"
        ) from error
