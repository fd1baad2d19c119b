"""The question that load processes ask, with its right answers. Imports TensorFlow."""

import base64
import json
from collections.abc import Mapping

from tests.serving import tiny_models
from tests.serving.reliability.asking import Question, Tls
from tests.serving.reliability.pushing import BIASES
from tests.serving.reliability.servers import Server
from tests.serving.waiting import NAME

ROWS: tuple[Mapping[str, object], ...] = (*tiny_models.ROWS, {"user": "ada", "age": 11})


def question(server: Server, tls: Tls | None = None) -> Question:
    """Five examples for `serving_default`, over both protocols."""
    rows = tiny_models.examples(ROWS)
    request = tiny_models.predict_request(rows)
    request.model_spec.name = NAME
    instances = [{"b64": base64.b64encode(row).decode()} for row in rows]
    return Question(
        grpc_port=server.port,
        rest_port=server.rest_port,
        predict=request.SerializeToString(),
        document=json.dumps({"instances": instances}).encode(),
        path=f"/v1/models/{NAME}:predict",
        output="click",
        expected=tuple(tiny_models.oracle(ROWS, bias=b)["click"].tolist() for b in BIASES),
        tls=tls,
    )
