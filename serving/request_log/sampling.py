"""Which requests are logged: a pure function of the request id."""

import hashlib

from rankbeam.serving.request_log.parts import whole_id

# Another salt than any split by a hash of the same id has: with the same one, the requests that a
# log keeps would be exactly those that the split evaluates.
_SALT = b"rankbeam request log\0"
_SCALE = 1 << 64


class Sampler:
    """Keeps a request where the first 8 bytes of SHA-256(salt + id) are below `rate` × 2^64.

    A retry has the id of its first attempt, and parts of a request count by the whole's id (see
    `parts`): they are kept or left alike, by every server.

    Args:
        rate: the fraction to keep, 0 to 1.
    """

    def __init__(self, rate: float) -> None:
        self._below = round(rate * _SCALE)

    def keeps(self, request_id: str) -> bool:
        """Whether the request is logged; any text is an id."""
        if self._below in {0, _SCALE}:
            return self._below == _SCALE
        whole, _ = whole_id(request_id)
        digest = hashlib.sha256(_SALT + whole.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") < self._below
