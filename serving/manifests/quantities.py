"""Kubernetes' notation of CPU and memory, read into numbers. Pure."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

CPU_PATTERN: Final = r"^([1-9][0-9]*m|[0-9]*[1-9][0-9]*(\.[0-9]{1,3})?|0\.[0-9]{1,3})$"
MEMORY_PATTERN: Final = r"^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$"
_UNITS: Final = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}

Cpu = Annotated[str, Field(pattern=CPU_PATTERN)]
Memory = Annotated[str, Field(pattern=MEMORY_PATTERN)]


def cpu_cores(quantity: str) -> Decimal:
    """Cores in a CPU quantity: `500m` is 0.5, `2` is 2."""
    if quantity.endswith("m"):
        return Decimal(quantity[:-1]) / 1000
    return Decimal(quantity)


def memory_bytes(quantity: str) -> int:
    """Bytes in a memory quantity: `2Gi` is 2,147,483,648."""
    digits, unit = re.fullmatch(r"([0-9]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return int(digits) * _UNITS[unit]
