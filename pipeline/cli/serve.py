"""`rankbeam serve`: TensorFlow Serving's gRPC on a pushed folder."""

from pathlib import Path

import click

from rankbeam.pipeline.layout import DEFAULT_ROOT


@click.command("serve")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=8500, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Interface to listen on.")
@click.option("--model-name", help="Name that clients ask for; by default the pushed one.")
def serve_command(folder: Path | None, port: int, host: str, model_name: str | None) -> None:
    """Serve the model pushed to FOLDER (or a run's output); by default what the last run pushed."""
    from rankbeam.pipeline.runs.latest import latest_destination
    from rankbeam.serving.serve import ServeOptions, serve

    source = folder if folder is not None else latest_destination(Path(DEFAULT_ROOT))
    serve(ServeOptions(source=source, model_name=model_name, host=host, port=port))
