"""Names that Kubernetes and Compose accept, made from a model's name. Pure."""

import hashlib
import re
from typing import Annotated, Final

from pydantic import Field

# RFC 1123 allows 63 characters to a label; objects add a suffix such as `-models` to the name.
_LONGEST: Final = 50
_DIGEST: Final = 8

DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
DnsName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max_length=253
    ),
]


def dns_label(model_name: str) -> str:
    """A DNS label of at most 50 characters that starts with a letter, one per model name.

    Names that are such labels stay as they are. Any other loses what DNS forbids and gets a digest
    of the whole name, so that two models never share a label.

    Args:
        model_name: the name that clients ask for.
    """
    label = re.sub(r"[^a-z0-9]+", "-", model_name.lower()).strip("-")
    if not label or not label[0].isalpha():
        label = f"model-{label}".strip("-")
    if label == model_name and len(label) <= _LONGEST:
        return label
    digest = hashlib.sha256(model_name.encode()).hexdigest()[:_DIGEST]
    return f"{label[: _LONGEST - _DIGEST - 1].rstrip('-')}-{digest}"
