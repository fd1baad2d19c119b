"""Which failures are worth another try, and how long to wait before it."""

import math
import random
from dataclasses import dataclass

import grpc

from rankbeam.transform.errors import ConfigError

RETRYABLE = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""The server was not reached, is full, or went away under the call: another try may meet a better
one. Predict changes nothing, so that asking twice is harmless."""

AWAY = RETRYABLE | {
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}
"""No answer, and the request is not to blame. Every other code says that the request is wrong."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounded retries with exponential back-off and full jitter.

    Before attempt n + 1 the client waits a time drawn evenly from 0 to
    min(`max_backoff_s`, `initial_backoff_s` × `multiplier`ⁿ⁻¹), so that clients that failed
    together do not come back together. Source: AWS Architecture Blog, "Exponential Backoff And
    Jitter" (2015). No retry begins that could only start after the deadline.

    Attributes:
        max_attempts: how often a call is made at most; 1 is no retry.
        initial_backoff_s: longest wait before the second attempt, in seconds.
        max_backoff_s: longest wait before any attempt, in seconds.
        multiplier: what each failure multiplies the longest wait by.
        seed: makes the waits repeatable; by default they differ from process to process.
    """

    max_attempts: int = 3
    initial_backoff_s: float = 0.05
    max_backoff_s: float = 1.0
    multiplier: float = 2.0
    seed: int | None = None

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            ConfigError: fewer than one attempt, a negative wait, or a multiplier below 1.
        """
        if self.max_attempts < 1:
            raise ConfigError(f"max_attempts must be >= 1; got {self.max_attempts}")
        for name in ("initial_backoff_s", "max_backoff_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} must be finite and >= 0; got {value}")
        if not (math.isfinite(self.multiplier) and self.multiplier >= 1):
            raise ConfigError(f"multiplier must be finite and >= 1; got {self.multiplier}")


NO_RETRY = RetryPolicy(max_attempts=1)


class Backoff:
    """Draws the waits of one client; safe to share between threads.

    Attributes:
        max_attempts: how often a call is made at most.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self.max_attempts = policy.max_attempts
        self._policy = policy
        self._random = random.Random(policy.seed)

    def longest(self, failures: int) -> float:
        """The longest wait, in seconds, after `failures` >= 1 failed attempts."""
        policy = self._policy
        try:
            grown = policy.initial_backoff_s * policy.multiplier ** (failures - 1)
        except OverflowError:
            return policy.max_backoff_s
        return min(policy.max_backoff_s, grown)

    def draw(self, failures: int) -> float:
        """A wait, in seconds, drawn evenly from 0 to the longest."""
        return self._random.uniform(0.0, self.longest(failures))
