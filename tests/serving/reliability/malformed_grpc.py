"""gRPC messages that are wrong, by kind; seeded. Imports TensorFlow, for its protos."""

import functools
import random
import string
from collections.abc import Callable

import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from tests.serving.reliability.cases import GrpcCase
from tests.serving.reliability.valid_requests import (
    PREDICT,
    PREDICTION,
    VALID,
    predict,
    raw_tensors,
    regress,
)
from tests.serving.waiting import NAME

_MODELS = "/tensorflow.serving.ModelService/"
_BAD = frozenset({"INVALID_ARGUMENT"})
_NO_PROTO = frozenset({"INTERNAL"})
_UNKNOWN = frozenset({"NOT_FOUND"})
_MOST_BYTES = 1 << 20
_METHODS = ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")

Make = Callable[[random.Random], GrpcCase]


def _word(rng: random.Random) -> str:
    return "x" + "".join(rng.choices(string.ascii_lowercase + "é漢", k=rng.randint(1, 12)))


def _case(
    kind: str, request: predict_pb2.PredictRequest, allowed: frozenset[str] = _BAD
) -> GrpcCase:
    return GrpcCase(kind, PREDICT, request.SerializeToString(), allowed)


def _random_bytes(rng: random.Random) -> GrpcCase:
    method = rng.choice([PREDICTION + name for name in _METHODS])
    # 0xff begins no field: whatever follows, this is no message.
    data = b"\xff" * rng.randint(0, 1) + rng.randbytes(rng.randint(1, 400))
    allowed = _NO_PROTO if data[:1] == b"\xff" else _NO_PROTO | _BAD | _UNKNOWN
    return GrpcCase("random bytes", method, data, allowed)


def _truncated(rng: random.Random) -> GrpcCase:
    method, data = rng.choice(VALID)
    return GrpcCase("truncated", method, data[: rng.randrange(len(data))], _NO_PROTO | _BAD)


def _mutated(rng: random.Random) -> GrpcCase:
    method, valid = rng.choice(VALID)
    data = bytearray(valid)
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    allowed = _NO_PROTO | _BAD | _UNKNOWN | {"OK", "FAILED_PRECONDITION", "UNIMPLEMENTED"}
    return GrpcCase("mutated", method, bytes(data), allowed)


def _other_name(rng: random.Random) -> GrpcCase:
    request = predict()
    request.model_spec.name = _word(rng) * rng.choice([1, 1, 1, 500])
    return _case("unknown model", request, _UNKNOWN)


def _no_name(rng: random.Random) -> GrpcCase:
    request = rng.choice([predict, raw_tensors])()
    if rng.random() < 0.5:
        request.ClearField("model_spec")
    else:
        request.model_spec.ClearField("name")
    return _case("no name", request)


def _other_version(rng: random.Random) -> GrpcCase:
    request = predict()
    request.model_spec.version.value = rng.choice([-1, 0, 2, rng.randint(-(2**63), 2**63 - 1)])
    return _case("unknown version", request, _UNKNOWN)


def _other_label(rng: random.Random) -> GrpcCase:
    request = predict()
    request.model_spec.version_label = _word(rng)
    return _case("unknown label", request)


def _other_signature(rng: random.Random) -> GrpcCase:
    return _case("unknown signature", predict(_word(rng)), frozenset({"FAILED_PRECONDITION"}))


def _unfit_signature(rng: random.Random) -> GrpcCase:
    request = regress()
    request.model_spec.signature_name = rng.choice(
        [_word(rng), "", "matrix", "raw_tensors", "slow", "parsed_examples", "classify_click"]
    )
    data = request.SerializeToString()
    allowed = _BAD | {"FAILED_PRECONDITION"}
    return GrpcCase("unfit signature", f"{PREDICTION}Regress", data, allowed)


def _wrong_names(rng: random.Random) -> GrpcCase:
    request = raw_tensors()
    for name in rng.sample(sorted(request.inputs), rng.randint(1, 4)):
        tensor = request.inputs.pop(name)
        if rng.random() < 0.5:
            request.inputs[_word(rng)].CopyFrom(tensor)
    return _case("wrong input names", request)


def _wrong_dtype(rng: random.Random) -> GrpcCase:
    request = predict()
    string_type = tf.string.as_datatype_enum
    number = rng.choice([n for n in (*range(40), 101, 107, 9999) if n != string_type])
    request.inputs["examples"].dtype = number
    return _case("wrong dtype", request)


def _wrong_shape(rng: random.Random) -> GrpcCase:
    request = predict()
    shape = request.inputs["examples"].tensor_shape
    shape.ClearField("dim")
    sizes = rng.choice([[], [2, 2], [4, 1], [-1], [-4], [1, 1, 4], [4, 0], [-(2**63)]])
    for size in sizes:
        shape.dim.add().size = size
    if not sizes and rng.random() < 0.5:
        shape.unknown_rank = True
    return _case("wrong shape", request)


def _huge_shape(rng: random.Random) -> GrpcCase:
    request = rng.choice([predict, raw_tensors])()
    name = rng.choice(sorted(request.inputs))
    dims = request.inputs[name].tensor_shape.dim
    for dim in dims:
        dim.size = 1 << rng.randint(26, 62)
    return _case("huge shape announced", request)


def _huge_content(rng: random.Random) -> GrpcCase:
    request = raw_tensors()
    tensor = request.inputs["price"]
    tensor.tensor_content = rng.randbytes(rng.choice([1, 3, 5, 4000]))
    return _case("content of another size", request)


def _no_text(rng: random.Random) -> GrpcCase:
    broken = rng.choice([b"\x80\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
    field = rng.choice([b"\x0a", b"\x1a", b"\x22"])  # name, signature_name, version_label
    spec = field + bytes((len(broken),)) + broken
    method = rng.choice([name for name in _METHODS if name != "MultiInference"])
    data = b"\x0a" + bytes((len(spec),)) + spec
    return GrpcCase("invalid UTF-8", PREDICTION + method, data, _NO_PROTO)


def _no_examples(rng: random.Random) -> GrpcCase:
    request = predict_pb2.PredictRequest(model_spec=predict().model_spec)
    rows = [b"\xff" + rng.randbytes(rng.randint(0, 60)) for _ in range(rng.randint(1, 5))]
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(rows, tf.string))
    return _case("rows that are no tf.Examples", request)


def _wrong_filter(rng: random.Random) -> GrpcCase:
    request = predict()
    request.output_filter.extend(rng.choice([[_word(rng)], ["click", "click"], ["click", ""]]))
    return _case("wrong output filter", request)


def _nested(rng: random.Random) -> GrpcCase:
    data = _nested_message(rng.choice([100, 1000, 20_000]))
    return GrpcCase("nested too deeply", PREDICT, data, _NO_PROTO)


@functools.cache
def _nested_message(depth: int) -> bytes:
    """A tensor in a variant in a tensor, and so on."""
    heads, size = [], 0
    for _ in range(depth):
        for field in (b"\x1a", b"\x7a"):  # tensors of a variant, variant_val of a tensor
            heads.append(field + _varint(size))
            size += len(heads[-1])
    tensor = b"".join(reversed(heads))
    entry = b"\x0a\x01a\x12" + _varint(len(tensor)) + tensor
    return b"\x12" + _varint(len(entry)) + entry


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _metadata(rng: random.Random) -> GrpcCase:
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = NAME
    request.metadata_field.extend(rng.choice([[], [_word(rng)], ["signature_def", _word(rng)]]))
    data = request.SerializeToString()
    return GrpcCase("wrong metadata field", f"{PREDICTION}GetModelMetadata", data, _BAD)


def _status(rng: random.Random) -> GrpcCase:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = rng.choice([_word(rng), NAME])
    request.model_spec.version.value = rng.randint(2, 2**63 - 1)
    data = request.SerializeToString()
    return GrpcCase("status of nothing", f"{_MODELS}GetModelStatus", data, _UNKNOWN)


def _reload(rng: random.Random) -> GrpcCase:
    request = model_management_pb2.ReloadConfigRequest()
    models = request.config.model_config_list.config
    wrong = rng.randrange(5)
    if wrong == 0:
        request.ClearField("config")
    elif wrong == 1:
        request.config.custom_model_config.type_url = _word(rng)
    else:
        models.add(name=NAME, base_path="/x", model_platform="tensorflow")
        if wrong == 2:
            models.add(name=NAME, base_path="/x", model_platform="tensorflow")
        elif wrong == 3:
            models[0].base_path = _word(rng)
        else:
            models[0].model_platform = _word(rng)
    data = request.SerializeToString()
    return GrpcCase("wrong reload", f"{_MODELS}HandleReloadConfigRequest", data, _BAD)


def _no_method(rng: random.Random) -> GrpcCase:
    word = "".join(rng.choices(string.ascii_letters, k=8))
    service = rng.choice([PREDICTION, _MODELS, f"/{word}/", "/"])
    return GrpcCase("unknown method", service + word, b"", frozenset({"UNIMPLEMENTED"}))


def _oversized(rng: random.Random) -> GrpcCase:
    data = b"\x00" * (_MOST_BYTES + rng.randint(1, 1000))
    return GrpcCase("oversized", PREDICT, data, frozenset({"RESOURCE_EXHAUSTED"}))


KINDS: tuple[Make, ...] = (
    _random_bytes,
    _truncated,
    _mutated,
    _other_name,
    _no_name,
    _other_version,
    _other_label,
    _other_signature,
    _unfit_signature,
    _wrong_names,
    _wrong_dtype,
    _wrong_shape,
    _huge_shape,
    _huge_content,
    _no_text,
    _no_examples,
    _wrong_filter,
    _nested,
    _metadata,
    _status,
    _reload,
    _no_method,
)
"""Every kind but the oversized ones, of which there are fewer."""


def cases(seed: int, count: int, oversized: int) -> list[GrpcCase]:
    """That many cases, every kind as often as any other, and some oversized ones."""
    rng = random.Random(seed)
    found = [KINDS[index % len(KINDS)](rng) for index in range(count)]
    return found + [_oversized(rng) for _ in range(oversized)]
