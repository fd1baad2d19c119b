"""What differs between the two locked stacks of libraries, in one place.

Rankbeam runs from one source on TFX 1.16 (protobuf 3.20) and TFX 1.21 (protobuf 6); see BUILD.md.
Code takes what both have where there is such a thing; where there is none, it asks here. Loads in
milliseconds: neither TensorFlow nor TFX.
"""

import contextlib
import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message


def message_classes(pool: Any, names: Iterable[str]) -> dict[str, type[Message]]:
    """The Python classes of messages that are described at run time, by full name.

    protobuf 3 makes them by a factory of the pool, which should be one for all. 4.22 brought a
    function in its place, and 5 dropped the factory.

    Args:
        pool: a DescriptorPool that knows the messages.
        names: their names with their packages.
    """
    factory: Any = message_factory
    if hasattr(factory, "GetMessageClass"):
        make = factory.GetMessageClass
    else:
        make = factory.MessageFactory(pool).GetPrototype
    return {name: make(pool.FindMessageTypeByName(name)) for name in names}


def described_service(module: str, name: str) -> str:
    """Full name of a gRPC service whose description is now in protobuf's pool, for reflection.

    tensorflow-serving-api ships descriptions of its services that were generated years ago. Below
    the description they set attributes, which protobuf 4 and later refuse; the description is in
    the pool by then, and is all that is needed.

    Args:
        module: the stub, such as `tensorflow_serving.apis.model_service_pb2`.
        name: the service with its package.

    Raises:
        KeyError: the module describes no such service.
    """
    with contextlib.suppress(AttributeError):
        importlib.import_module(module)
    found: str = descriptor_pool.Default().FindServiceByName(name).full_name
    return found


def _option_for_defaults() -> str:
    known = inspect.signature(json_format.MessageToDict).parameters
    new, old = "always_print_fields_with_no_presence", "including_default_value_fields"
    return new if new in known else old


JSON_DEFAULTS = {_option_for_defaults(): True}
"""Keyword arguments with which json_format also writes fields that hold their default.

protobuf 5 renamed the option; what it does for the scalar fields and lists of proto3 is the same.
"""


def client_method(service: Any, name: str) -> Callable[..., Any]:
    """A call of a generated client of Kubeflow Pipelines, by its name in the protocol.

    kfp-server-api 2.0 names it so (`get_run`). Later ones put the service's name before it
    (`run_service_get_run`), but not everywhere; the arguments are the same.

    Args:
        service: a client, such as a `RunServiceApi`.
        name: the call.

    Raises:
        AttributeError: the service has no such call.
    """
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(service).__name__.removesuffix("Api")).lower()
    found: Callable[..., Any] = getattr(service, f"{prefix}_{name}", None) or getattr(service, name)
    return found
