"""What text stands for: numbers and times."""

import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen.casts import cast

_HAS_ZONE = r"(?i)(z|:\d\d(\.\d+)?[+-]\d\d(:?\d\d)?)$"
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"


def decode(values: pa.Array) -> pa.Array:
    """Text from bytes, without surrounding blanks; nothing but blanks is null.

    Raises:
        BadValue: Bytes are not UTF-8.
    """
    trimmed = pc.utf8_trim_whitespace(cast(values, pa.string(), "must hold UTF-8 text"))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def floats_of_text(values: pa.Array) -> pa.Array:
    """Doubles from text; empty text and nan become null.

    Raises:
        BadValue: Text is no number.
    """
    numbers = cast(decode(values), pa.float64(), "must hold numbers")
    return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)


def integers_of_text(values: pa.Array) -> pa.Array:
    """Integers from text such as 1, 1.0 or true; empty text becomes null.

    Raises:
        BadValue: Text is no integer.
    """
    text = decode(values)
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        for word, digit in (("true", "1"), ("false", "0")):
            text = pc.if_else(pc.equal(pc.utf8_lower(text), word), digit, text)
        doubles = cast(text, pa.float64(), "must hold integers")
        return cast(doubles, pa.int64(), "must hold integers")


def times_of_text(values: pa.Array) -> pa.Array:
    """Microseconds since 1970-01-01 UTC from ISO 8601; what has no zone is taken as UTC.

    Digits beyond microseconds are cut off.

    Raises:
        BadValue: Text is no ISO 8601 date or time.
    """
    text = decode(values)
    day = pc.equal(pc.utf8_length(text), 10)
    text = pc.if_else(day, pc.binary_join_element_wise(text, "T00:00:00", ""), text)
    zoned = pc.match_substring_regex(text, _HAS_ZONE)
    text = pc.if_else(zoned, text, pc.binary_join_element_wise(text, "Z", ""))
    text = pc.replace_substring_regex(text, pattern=_BEYOND_MICROSECONDS, replacement=r"\1")
    stamps = cast(text, pa.timestamp("us", tz="UTC"), "must hold numbers or ISO 8601 times")
    return stamps.cast(pa.int64())


def are_numbers(values: pa.Array) -> bool:
    """Whether all text that is there reads as numbers.

    Raises:
        BadValue: Bytes are not UTF-8.
    """
    try:
        decode(values).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
