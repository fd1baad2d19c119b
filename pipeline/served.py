"""What `rankbeam serve` serves: flags, a config's pushes, a folder, or what the last run pushed."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from rankbeam.pipeline.config.load import LoadedConfig, load_config
from rankbeam.pipeline.layout import DEFAULT_ROOT, OutputLayout
from rankbeam.pipeline.quiet import held_back_stderr
from rankbeam.pipeline.runs.latest import latest_pushed
from rankbeam.serving.flag_options import server_options
from rankbeam.serving.flags import Flags
from rankbeam.serving.locate import locate
from rankbeam.serving.request_log.archive import copy_locally
from rankbeam.serving.serve import run_server
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.logging import Put
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.version_text import version_text
from rankbeam.transform.errors import ConfigError

_REST_PORT = 8501
_MODEL_FLAGS = ("model_base_path", "model_config_file")


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """A command line of `rankbeam serve`.

    Attributes:
        flags: TensorFlow Serving's flags; at most one positional word, the pushed folder.
        config: serve what this config's runs push.
        output: that config's output folder; None for its default.
    """

    flags: Flags
    config: Path | None = None
    output: Path | None = None


def serve(request: ServeRequest) -> None:
    """Serves until told to stop; `--version` shows versions instead.

    Raises:
        ConfigError: the request names several models' sources, or none can be served.
        EnvironmentFault: a port or interface cannot be had.
    """
    if request.flags.on("version"):
        click.echo(version_text())
        return
    run_server(options(request))


def options(request: ServeRequest) -> ServerOptions:
    """The server's options; flags about batching count before the config's section.

    Raises:
        ConfigError: the request names several models' sources, or none can be served.
    """
    flags = request.flags
    _check_sources(request)
    if any(flags.text(name) for name in _MODEL_FLAGS):
        return server_options(flags)
    if "rest_api_port" not in flags.values:
        flags = replace(flags, values={**flags.values, "rest_api_port": _REST_PORT})
    loaded, folder = _source(request)
    if loaded is None:
        return server_options(flags, lambda: (_pushed(flags, folder),))
    found = server_options(flags, lambda: (_configured(flags, loaded, folder),))
    batching = loaded.config.serving.batching
    if batching is None or "enable_batching" in flags.values:
        return found
    return replace(found, batching=batching.settings())


def _source(request: ServeRequest) -> tuple[LoadedConfig | None, Path]:
    """The config whose `serving` section counts, if any, and the pushed folder."""
    if request.config is not None:
        loaded = load_config(request.config)
        layout = OutputLayout.of(loaded.config.name, request.output)
        return loaded, _local(layout.destination(loaded.config.push.destination))
    if request.flags.positional:
        return None, _local(request.flags.positional[0])
    record = latest_pushed(Path(DEFAULT_ROOT))
    file = Path(record.config_file)
    # A config that was moved since takes nothing from what its run pushed.
    return load_config(file) if file.is_file() else None, _local(record.destination)


def _local(folder: str) -> Path:
    if "://" in folder:
        raise ConfigError(
            f"pushed folder must be on a local disk for this server; got {folder} (TensorFlow "
            "Serving reads gs:// itself; KServe copies gs:// and s3://)"
        )
    return Path(folder)


def _check_sources(request: ServeRequest) -> None:
    sources = [f"--{name}" for name in _MODEL_FLAGS if request.flags.text(name)]
    if len(request.flags.positional) > 1:
        raise ConfigError(f"FOLDER must be one folder; got {' '.join(request.flags.positional)}")
    named = list(request.flags.positional)
    if request.config is not None:
        named.append(f"--config {request.config}")
    elif request.output is not None:
        raise ConfigError(f"--output must come with --config; got {request.output} alone")
    if len(named) > 1 or (named and sources):
        raise ConfigError(
            "the model must be named once, by FOLDER, --config or flags; "
            f"got {', '.join([*named, *sources])}"
        )


def _configured(flags: Flags, loaded: LoadedConfig, folder: Path) -> ModelSettings:
    model = _pushed(flags, folder)
    log = loaded.config.serving.request_log
    if log is None:
        return model
    remote = log.archive if log.archive_is_remote else None
    put = copy_locally if remote is None else _remote_put(remote)
    return replace(model, logging=log.settings(loaded.base_dir, put))


def _remote_put(archive: str) -> Put:
    """What copies a file to a URI; only servers that do are to wait for its libraries.

    Raises:
        ConfigError: Beam's options for its file systems are unknown to it.
        EnvironmentFault: The client lacks a package or an option.
    """
    with held_back_stderr():
        from rankbeam.components.remote.put import check_options, put_file  # noqa: PLC0415

        check_options(archive)  # which imports the scheme's client
    return put_file


def _pushed(flags: Flags, folder: Path) -> ModelSettings:
    pushed = locate(folder)
    name = flags.text("model_name") if "model_name" in flags.values else pushed.model_name
    return ModelSettings(name, pushed.base_path)
