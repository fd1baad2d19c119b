"""The errors that a user is meant to read.

Tree::

    RankbeamError
    ├── ConfigError       the YAML config is wrong (field, rule, value)
    ├── DataError         the data are wrong (file or column, rule, value)
    ├── GateError         a check stopped the run (expected, seen, where to look)
    └── EnvironmentFault  the machine is at fault (disk, permission, server that cannot start)

The command line prints the message alone and exits with `exit_code`; any other exception is a
defect of Rankbeam and is shown with its traceback in the log.
"""


class RankbeamError(Exception):
    """Base of every deliberate error; `exit_code` is the process's exit status."""

    exit_code = 1


class ConfigError(RankbeamError):
    """A config value breaks a rule: `field must ...; got value (file:line)`."""

    exit_code = 2


class DataError(RankbeamError):
    """A data file or column cannot be used as the config says."""

    exit_code = 3


class GateError(RankbeamError):
    """A gate, validation or blessing stopped the run."""

    exit_code = 4


class EnvironmentFault(RankbeamError):
    """The machine, not the data or the model, prevents the work."""

    exit_code = 5
