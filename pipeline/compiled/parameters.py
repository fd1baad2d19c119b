"""A run's own parameters: texts from a command line as the typed values that a pipeline takes."""

import json
import math
from collections.abc import Callable, Mapping, Sequence

from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ParameterType

from rankbeam.pipeline.compiled.spec import CompiledPipeline
from rankbeam.transform.errors import ConfigError


def assignments(words: Sequence[str]) -> dict[str, str]:
    """`name=value` words as a mapping.

    Raises:
        ConfigError: A word has no name, or a name comes twice.
    """
    given: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise ConfigError(f"--parameter must be NAME=VALUE; got {word}")
        if name in given:
            raise ConfigError(f"--parameter must be given once for each name; got {name} twice")
        given[name] = value
    return given


def typed(compiled: CompiledPipeline, given: Mapping[str, str]) -> dict[str, object]:
    """The values given, each in its parameter's type.

    Raises:
        ConfigError: A parameter is unknown, has a wrong value, or is missing without a default.
    """
    known = compiled.inputs
    for name in given:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise ConfigError(f"--parameter must be one of the pipeline's ({told}); got {name}")
    missing = sorted(
        name
        for name, spec in known.items()
        if name not in given and not spec.HasField("default_value") and not spec.is_optional
    )
    if missing:
        raise ConfigError(f"--parameter must be given for {', '.join(missing)}; got no value")
    return {
        name: _value(name, text, ParameterType.ParameterTypeEnum.Name(known[name].parameter_type))
        for name, text in given.items()
    }


def with_defaults(compiled: CompiledPipeline, given: Mapping[str, object]) -> dict[str, object]:
    """All values that a run has: those given, and the pipeline's defaults."""
    defaults = {
        name: json_format.MessageToDict(spec.default_value)
        for name, spec in compiled.inputs.items()
        if spec.HasField("default_value")
    }
    return {**defaults, **given}


def _value(name: str, text: str, kind: str) -> object:
    try:
        return _READERS.get(kind, str)(text)
    except ValueError:
        wanted = kind.lower().replace("_", " ")
        raise ConfigError(f"--parameter {name} must be a {wanted}; got {text}") from None


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _list(text: str) -> object:
    return _json_of(list, text)


def _struct(text: str) -> object:
    return _json_of(dict, text)


def _json_of(kind: type, text: str) -> object:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(text)
    return value


_READERS: dict[str, Callable[[str], object]] = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": _number,
    "BOOLEAN": _truth,
    "LIST": _list,
    "STRUCT": _struct,
}
