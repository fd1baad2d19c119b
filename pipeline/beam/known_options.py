"""Further options in the config, held to those that Beam and the runner know.

Beam drops what it does not know with a line in the log, so a misspelt option would do nothing.
"""

import argparse
import difflib
import re
from collections.abc import Iterable
from typing import NoReturn

from rankbeam.transform.errors import ConfigError

_IMAGE = "beam.dataflow.sdk_container_image or the environment of beam.flink or beam.spark"
_ENVIRONMENT = "beam.flink.environment or beam.spark.environment"

# By the name that Beam keeps a value under, whichever of its spellings the option has.
_OWNED = {
    "runner": "beam.runner",
    "direct_running_mode": "beam.direct.running_mode",
    "direct_num_workers": "beam.direct.num_workers",
    "job_endpoint": "beam.flink.job_endpoint or beam.spark.job_endpoint",
    "artifact_endpoint": "beam.flink.artifact_endpoint or beam.spark.artifact_endpoint",
    "job_server_timeout": "beam.flink.job_server_timeout_s or beam.spark.job_server_timeout_s",
    "environment_type": _ENVIRONMENT,
    "environment_config": _ENVIRONMENT,
    "environment_options": _ENVIRONMENT,
    "default_environment_type": _ENVIRONMENT,
    "default_environment_config": _ENVIRONMENT,
    "parallelism": "beam.flink.parallelism",
    "sdk_worker_parallelism": "sdk_worker_parallelism of beam.flink or beam.spark",
    "project": "beam.dataflow.project",
    "region": "beam.dataflow.region",
    "temp_location": "beam.dataflow.temp_location",
    "staging_location": "beam.dataflow.staging_location",
    "sdk_container_image": _IMAGE,
    # Each puts another SDK or image in the place of the plan's.
    "sdk_location": _IMAGE,
    "worker_harness_container_image": _IMAGE,
    "sdk_harness_container_image_overrides": _IMAGE,
    "prebuild_sdk_container_engine": _IMAGE,
    "prebuild_sdk_container_base_image": _IMAGE,
    "num_workers": "beam.dataflow.num_workers",
    "max_num_workers": "beam.dataflow.max_num_workers",
    "machine_type": "beam.dataflow.machine_type",
    "disk_size_gb": "beam.dataflow.disk_size_gb",
    "service_account_email": "beam.dataflow.service_account_email",
    "network": "beam.dataflow.network",
    "subnetwork": "beam.dataflow.subnetwork",
    "use_public_ips": "beam.dataflow.use_public_ips",
}
"""What has a place of its own in the config, or would undo what the plan decides."""
_HARMFUL = {
    "no_wait_until_finish": "a node would end before its job",
    "output_executable_path": "the job service would write a program and run nothing",
    "template_location": "Dataflow would keep a template and run nothing",
    "dry_run": "Dataflow would run nothing",
    "streaming": "the stages are jobs that end",
}
"""What would let a node pass whose stage did not run, by the same names."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"beam.options must be values that Beam takes; got {message}")


def check_options(options: Iterable[str], described: Iterable[str] = ()) -> None:
    """Hold further options to the known ones.

    Args:
        options: As in the config, `--name` or `--name=value`.
        described: Names that the runner's job service knows beside Beam's own.

    Raises:
        ConfigError: One is not known, has a place of its own, keeps a stage from running, or has a
            value that Beam refuses.
    """
    given = tuple(options)
    if not given:
        return
    parser = _beam_parser()
    own = {name.removeprefix("--") for name in parser._option_string_actions if name[:2] == "--"}
    known = own | set(described)
    for option in given:
        name = option.removeprefix("--").partition("=")[0]
        _check_kept_name(option, name, _kept_name(parser, name))
        if name not in known:
            near = difflib.get_close_matches(name, sorted(_usable(parser, known)), n=1, cutoff=0.6)
            hint = f" (did you mean --{near[0]}?)" if near else ""
            raise ConfigError(
                f"beam.options must be known to Beam or the runner; got {option}{hint}"
            )
    parser.parse_known_args([option for option in given if _is_own(option, own)])


def _kept_name(parser: argparse.ArgumentParser, name: str) -> str:
    action = parser._option_string_actions.get(f"--{name}")
    # A job service may spell its own in Java's way.
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if action is None else action.dest


def _check_kept_name(option: str, name: str, kept: str) -> None:
    if kept in _OWNED:
        raise ConfigError(f"beam.options must leave --{name} to {_OWNED[kept]}; got {option}")
    if kept in _HARMFUL:
        raise ConfigError(f"beam.options must not hold --{name}: {_HARMFUL[kept]}; got {option}")


def _usable(parser: argparse.ArgumentParser, known: Iterable[str]) -> list[str]:
    refused = {*_OWNED, *_HARMFUL}
    return [name for name in known if _kept_name(parser, name) not in refused]


def _is_own(option: str, own: set[str]) -> bool:
    return option.removeprefix("--").partition("=")[0] in own


def _beam_parser() -> argparse.ArgumentParser:
    # Late: Beam takes seconds to import.
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415

    parser = _Parser(add_help=False, allow_abbrev=False)
    for section in PipelineOptions.__subclasses__():
        section._add_argparse_args(_Adder(parser))
    return parser


class _Adder:
    """Takes what Beam's own parser takes: among others value providers, and options twice."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser

    def add_argument(self, *names: str, **how: object) -> None:
        try:
            self._parser.add_argument(*names, **how)  # type: ignore[arg-type]
        except argparse.ArgumentError:
            return  # the test options of Beam's own repeat some

    def add_value_provider_argument(self, *names: str, **how: object) -> None:
        how.pop("choices", None)
        how.pop("type", None)
        self.add_argument(*names, **how)
