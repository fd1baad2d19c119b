"""The embedded server's process: `python -m rankbeam.serving.server_main`.

Its flags are those of `tensorflow_model_server`. The announcement on standard output is the only
line there; the log goes to standard error. Exit codes: 0 after a drain, 1 where the drain time was
over before all had ended, 2 where the flags or their files are wrong, 5 where the machine is at
fault.
"""

import logging
import os
import sys
from collections.abc import Sequence

# Read by TensorFlow at import: its start-up chatter would bury the log's one useful line.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rankbeam.serving.flag_options import server_options
from rankbeam.serving.flags import parse, usage
from rankbeam.serving.serve import run_server
from rankbeam.serving.version_text import version_text
from rankbeam.transform.errors import ConfigError, RankbeamError

_PROGRAM = "python -m rankbeam.serving.server_main"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit code."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        _run(sys.argv[1:] if arguments is None else arguments)
    except RankbeamError as error:
        logging.error("%s", error)
        return error.exit_code
    return 0


def _run(arguments: Sequence[str]) -> None:
    flags = parse(arguments)
    if flags.positional:
        raise ConfigError(f"{_PROGRAM} must be given flags alone; got {flags.positional[0]}")
    if flags.on("help"):
        print(f"usage: {_PROGRAM} --model_base_path=FOLDER [flags]\n\n{usage()}")
        return
    if flags.on("version"):
        print(version_text())
        return
    run_server(server_options(flags))


if __name__ == "__main__":
    sys.exit(main())
