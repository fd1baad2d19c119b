"""What a user chooses once for all calls of a ranking client."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import get_args

from rankbeam.serving.client.channel import ChannelOptions
from rankbeam.serving.client.expression_parser import parse
from rankbeam.serving.client.retry import RetryPolicy
from rankbeam.serving.client.scoring import InvalidScore
from rankbeam.transform.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Fallback:
    """The order when the server is away.

    Attributes:
        score: an expression of candidate and context fields, highest first; candidates for which it
            has no finite value come last. By default all tie, hence keep the caller's order.
    """

    score: str = "0"

    def __post_init__(self) -> None:
        """Checks the expression.

        Raises:
            ConfigError: it is none.
        """
        parse(self.score, "fallback")


@dataclass(frozen=True, slots=True)
class RankOptions:
    """How a client ranks.

    Attributes:
        version: ask this very version; by default the server chooses.
        label: ask the version that the server has under this label.
        signature_name: the signature that takes serialized tf.Examples.
        timeout_s: time for a whole `rank` call, all requests, retries and waits included, in
            seconds.
        retry: which waits between attempts, and how many.
        max_candidates_per_request: larger sets are split into equal parts that are sent at once and
            answered by one version.
        aliases: further names for the model's outputs in expressions, such as
            `{"ctr": "click", "cvr": "conversion"}`; an expression of outputs may stand there too.
        fallback: the order when the server is away; None raises instead.
        invalid_score: what becomes of a candidate whose score is not finite or lacks a field:
            `error` fails the call and names it, `last` puts it after all others.
        local_fields: fields that the model does not read and callers may give; with it, any other
            such field is an error, so that a misspelt feature cannot pass unseen. By default all
            are allowed, and `Ranking.unsent` names them.
        channel: how to connect.
    """

    version: int | None = None
    label: str | None = None
    signature_name: str = "serving_default"
    timeout_s: float = 10.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    max_candidates_per_request: int = 500
    aliases: Mapping[str, str] = field(default_factory=dict)
    fallback: Fallback | None = field(default_factory=Fallback)
    invalid_score: InvalidScore = "error"
    local_fields: Collection[str] | None = None
    channel: ChannelOptions = field(default_factory=ChannelOptions)

    def __post_init__(self) -> None:
        """Checks each option.

        Raises:
            ConfigError: one breaks its rule; the message names it.
        """
        if self.version is not None and self.label is not None:
            raise ConfigError(
                f"version and label must not both be given; got {self.version} and {self.label!r}"
            )
        check_timeout(self.timeout_s)
        if self.max_candidates_per_request < 1:
            raise ConfigError(
                f"max_candidates_per_request must be >= 1; got {self.max_candidates_per_request}"
            )
        if self.invalid_score not in get_args(InvalidScore):
            raise ConfigError(
                f"invalid_score must be one of {', '.join(get_args(InvalidScore))}; "
                f"got {self.invalid_score!r}"
            )
        for name, text in self.aliases.items():
            if not name.isidentifier():
                raise ConfigError(f"aliases must be identifiers; got {name!r}")
            parse(text, f"aliases.{name}")


def check_timeout(timeout_s: float) -> None:
    """Refuses a time that is no time.

    Raises:
        ConfigError: it is not a finite number above 0.
    """
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise ConfigError(f"timeout_s must be finite and > 0; got {timeout_s}")
