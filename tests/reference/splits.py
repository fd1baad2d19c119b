"""Which rows are evaluated, one row at a time, from the definitions alone."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction


def crc32(data: bytes) -> int:
    """CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), bit by bit."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0xEDB88320 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


def row_hash_is_eval(row: int, modulus: int, eval_remainder: int) -> bool:
    """Whether crc32 of the row number in decimal leaves `eval_remainder`."""
    return crc32(str(row).encode()) % modulus == eval_remainder


def entity_is_eval(entity: str, salt: str, eval_fraction: float) -> bool:
    """Whether the first 16 hex digits of SHA-256(salt + entity) are a fraction below the limit."""
    digits = hashlib.sha256((salt + entity).encode()).hexdigest()[:16]
    return Fraction(int(digits, 16), 16**16) < Fraction(eval_fraction)


def nearest_boundary(moments: Sequence[float], eval_fraction: float) -> float:
    """Of all moments but the first, the one that comes nearest; the later of two equally near."""

    def distance(boundary: float) -> float:
        later = sum(moment >= boundary for moment in moments)
        return abs(later - eval_fraction * len(moments))

    candidates = sorted(set(moments))[1:]
    return min(reversed(candidates), key=distance)
