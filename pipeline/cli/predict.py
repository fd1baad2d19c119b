"""`rankbeam predict`: one JSON request to a model server over gRPC, to score or to rank."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rankbeam.pipeline.layout import DEFAULT_ROOT

if TYPE_CHECKING:
    from rankbeam.serving.client import ChannelOptions, RetryPolicy

_FILE = click.Path(path_type=Path)


@click.command("predict")
@click.argument("request", default="-")
@click.option("--target", default="127.0.0.1:8500", show_default=True, help="Server, host:port.")
@click.option("--model-name", help="By default the model that the last run pushed.")
@click.option("--version", type=click.IntRange(min=1), help="Ask for this very version.")
@click.option("--signature", default="serving_default", show_default=True)
@click.option("--timeout", "timeout_s", type=float, default=10.0, show_default=True, help="s")
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Further attempts while the server is unavailable, within the timeout.",
)
@click.option("--score", help="Rank by this output or expression, such as 'price * ctcvr'.")
@click.option("--limit", type=click.IntRange(min=1), help="Return this many of the best.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME=EXPR", help="Name an output anew.")
@click.option("--fallback", metavar="EXPR", help="Order by fields when the server is away.")
@click.option("--request-id", help="Sent as x-request-id; by default a random one.")
@click.option("--tls", is_flag=True, help="Encrypt; implied by any of the files below.")
@click.option("--root-certificates", type=_FILE, help="PEM: who may sign the server's.")
@click.option("--client-key", "private_key", type=_FILE, help="PEM: this client's key.")
@click.option("--client-certificate", "certificate_chain", type=_FILE, help="PEM: and certificate.")
@click.option("--server-name", help="The name in the server's certificate, if not the target's.")
def predict_command(
    request: str,
    target: str,
    model_name: str | None,
    version: int | None,
    signature: str,
    timeout_s: float,
    retries: int,
    score: str | None,
    limit: int | None,
    aliases: tuple[str, ...],
    fallback: str | None,
    request_id: str | None,
    **channel: Any,
) -> None:
    """Score or rank REQUEST: JSON, @FILE, or - for stdin.

    Without --score, REQUEST is an object of features, or a list of them, and each gets its scores.
    With --score, it is {"context": {...}, "candidates": [...]}, and the candidates come back in
    order, best first.
    """
    from rankbeam.serving.client import ChannelOptions, RetryPolicy
    from rankbeam.transform.errors import ConfigError

    if score is None and any((limit, aliases, fallback, request_id)):
        raise ConfigError(
            "--limit, --alias, --fallback and --request-id must be given with --score; got no score"
        )
    asked = _Asked(
        _read_request(request),
        model_name or _last_pushed(),
        target,
        version,
        signature,
        timeout_s,
        RetryPolicy(max_attempts=retries + 1),
        ChannelOptions(**channel),
    )
    if score is None:
        answer = _predict(asked)
    else:
        answer = _rank(asked, score, limit, aliases, fallback, request_id)
    click.echo(json.dumps(answer, indent=2))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What scoring and ranking have in common."""

    text: str
    model_name: str
    target: str
    version: int | None
    signature: str
    timeout_s: float
    retry: "RetryPolicy"
    channel: "ChannelOptions"


def _predict(asked: _Asked) -> object:
    from rankbeam.serving.predict import PredictOptions, predict

    return predict(
        PredictOptions(
            request=asked.text,
            model_name=asked.model_name,
            target=asked.target,
            version=asked.version,
            signature_name=asked.signature,
            timeout_s=asked.timeout_s,
            retry=asked.retry,
            channel=asked.channel,
        )
    )


def _rank(
    asked: _Asked,
    score: str,
    limit: int | None,
    aliases: tuple[str, ...],
    fallback: str | None,
    request_id: str | None,
) -> object:
    from rankbeam.serving.client import Fallback, RankOptions
    from rankbeam.serving.rank import RankRequest, rank

    options = RankOptions(
        version=asked.version,
        signature_name=asked.signature,
        timeout_s=asked.timeout_s,
        retry=asked.retry,
        aliases=_aliases(aliases),
        fallback=None if fallback is None else Fallback(fallback),
        channel=asked.channel,
    )
    return rank(
        RankRequest(
            asked.text, asked.model_name, score, asked.target, limit, request_id, options=options
        )
    )


def _aliases(pairs: tuple[str, ...]) -> dict[str, str]:
    from rankbeam.transform.errors import ConfigError

    found = {}
    for pair in pairs:
        name, equals, expression = pair.partition("=")
        if not equals:
            raise ConfigError(f"--alias must be NAME=EXPR; got {pair!r}")
        found[name.strip()] = expression
    return found


def _last_pushed() -> str:
    from rankbeam.pipeline.runs.latest import latest_pushed
    from rankbeam.transform.errors import ConfigError

    try:
        return latest_pushed(Path(DEFAULT_ROOT)).model_name
    except ConfigError:
        raise ConfigError(
            "--model-name must be given where no run has pushed; found no push below "
            f"{DEFAULT_ROOT}"
        ) from None


def _read_request(request: str) -> str:
    from rankbeam.transform.errors import DataError

    if request == "-":
        return sys.stdin.read()
    if not request.startswith("@"):
        return request
    try:
        return Path(request[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"request file must be readable text; got {request[1:]}: {error}") from None
