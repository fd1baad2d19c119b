"""How the server says no: gRPC status codes, with TensorFlow Serving's limit on messages."""

import grpc
import tensorflow as tf

# TensorFlow Serving cuts error messages here: they travel in HTTP/2 headers, which are bounded.
_MESSAGE_LIMIT = 1024

_CODE_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


# A model that fails with one of these met a poor machine, not a fault of its own.
MACHINE_CODES = frozenset(
    {
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.PERMISSION_DENIED,
    }
)


class Refusal(Exception):
    """A request or a model version is refused with a gRPC status; never leaves the server.

    Attributes:
        code: the status code.
        message: the status message, at most 1,024 characters and a mark that it was cut.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        if len(message) > _MESSAGE_LIMIT:
            message = message[:_MESSAGE_LIMIT] + "...TRUNCATED"
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


def invalid_argument(message: str) -> Refusal:
    """The request itself is wrong, whatever the server's state."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> Refusal:
    """The named model, version or file is not there."""
    return Refusal(grpc.StatusCode.NOT_FOUND, message)


def failed_precondition(message: str) -> Refusal:
    """The model as it is cannot do what the request asks."""
    return Refusal(grpc.StatusCode.FAILED_PRECONDITION, message)


def unavailable(message: str) -> Refusal:
    """The server cannot take the request now; asking again later is right."""
    return Refusal(grpc.StatusCode.UNAVAILABLE, message)


def deadline_exceeded() -> Refusal:
    """The caller's time ran out before the model was run."""
    return Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded before the model was run")


def not_servable(name: str, version: int | None) -> Refusal:
    """No such model, or that version of it does not serve."""
    wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return not_found(f"Servable not found for request: {wanted}")


def not_yet_servable(name: str) -> Refusal:
    """The server has just started, and has not been through its models."""
    return unavailable(f"Model {name} is not loaded yet: the server has just started")


def not_managed(name: str, version: int | None) -> Refusal:
    """Nothing is known of that model or version."""
    what = "any versions" if version is None else f"version {version}"
    return not_found(f"Could not find {what} of model {name}")


def as_refusal(error: Exception) -> Refusal:
    """The status that describes any exception raised while loading or running a model.

    TensorFlow's errors carry the same code numbers as gRPC. Files that are missing or closed to
    us keep their meaning; everything else is INTERNAL, since nothing is known about it.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, tf.errors.OpError):
        code = _CODE_BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN)
        return Refusal(code, error.message)
    if isinstance(error, UnicodeDecodeError):
        # TensorFlow quotes bytes of a request in its message and then fails to read the message
        # as text; its status code is lost, but only a request brings such bytes.
        return invalid_argument(bytes(error.object).decode(errors="replace"))
    if isinstance(error, FileNotFoundError):
        return not_found(str(error))
    if isinstance(error, PermissionError):
        return Refusal(grpc.StatusCode.PERMISSION_DENIED, str(error))
    if isinstance(error, MemoryError):
        return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, f"out of memory: {error}")
    return Refusal(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
