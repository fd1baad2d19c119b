"""`rankbeam predict`: one JSON request to a model server over gRPC."""

import json
import sys
from pathlib import Path

import click

from rankbeam.pipeline.layout import DEFAULT_ROOT


@click.command("predict")
@click.argument("request", default="-")
@click.option("--target", default="127.0.0.1:8500", show_default=True, help="Server, host:port.")
@click.option("--model-name", help="By default the model that the last run pushed.")
@click.option("--version", type=click.IntRange(min=1), help="Ask for this very version.")
@click.option("--signature", default="serving_default", show_default=True)
@click.option("--timeout", "timeout_s", type=float, default=10.0, show_default=True, help="s")
def predict_command(
    request: str,
    target: str,
    model_name: str | None,
    version: int | None,
    signature: str,
    timeout_s: float,
) -> None:
    """Score REQUEST: JSON (an object of features, or a list of them), @FILE, or - for stdin."""
    text = _read_request(request)

    from rankbeam.pipeline.runs.latest import latest_pushed
    from rankbeam.serving.predict import PredictOptions, predict
    from rankbeam.transform.errors import ConfigError

    if model_name is None:
        try:
            model_name = latest_pushed(Path(DEFAULT_ROOT)).model_name
        except ConfigError:
            raise ConfigError(
                "--model-name must be given where no run has pushed; found no push below "
                f"{DEFAULT_ROOT}"
            ) from None
    options = PredictOptions(
        request=text,
        model_name=model_name,
        target=target,
        version=version,
        signature_name=signature,
        timeout_s=timeout_s,
    )
    click.echo(json.dumps(predict(options), indent=2))


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
