"""The embedded server's process: `python -m rankbeam.serving.server_main`.

The flags that TensorFlow Serving's `tensorflow_model_server` has too carry its names; they may be
written with dashes as well. The announcement on standard output is the only line there; the log
goes to standard error. Exit codes: 0 after a drain, 5 where the machine is at fault.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Read by TensorFlow at import: its start-up chatter would bury the log's one useful line.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rankbeam.serving.serve import run_server
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.transform.errors import RankbeamError


def parse(arguments: Sequence[str]) -> ServerOptions:
    """The command line as options; exits with code 2 and a usage message where it is wrong."""
    parser = argparse.ArgumentParser(prog="rankbeam.serving.server_main", allow_abbrev=False)
    add = parser.add_argument
    add("--model_name", "--model-name", required=True, help="the name clients use")
    add(
        "--model_base_path",
        "--model-base-path",
        required=True,
        type=Path,
        help="folder with one integer-named folder per version",
    )
    add("--port", type=int, default=8500, help="gRPC port; 0 takes a free one")
    add("--rest_api_port", "--rest-api-port", type=int, help="REST port; 0 takes a free one")
    add("--host", default="127.0.0.1", help="interface to listen on; 0.0.0.0 is all of them")
    add(
        "--file_system_poll_wait_seconds",
        "--file-system-poll-wait-seconds",
        type=float,
        default=1.0,
        help="seconds between two looks at the base path",
    )
    add(
        "--drain_timeout_seconds",
        "--drain-timeout-seconds",
        type=float,
        default=30.0,
        help="seconds that requests under way get to end on SIGTERM",
    )
    add("--num_threads", "--num-threads", type=int, default=16, help="requests at the same time")
    values = parser.parse_args(arguments)
    return ServerOptions(
        models=(ModelSettings(values.model_name, values.model_base_path),),
        host=values.host,
        port=values.port,
        rest_port=values.rest_api_port,
        poll_wait_s=values.file_system_poll_wait_seconds,
        drain_timeout_s=values.drain_timeout_seconds,
        num_threads=values.num_threads,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        run_server(options)
    except RankbeamError as error:
        logging.error("%s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
