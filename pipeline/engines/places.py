"""Where engines keep their jars, and where one that is up writes its state and its logs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

EngineKind = Literal["flink", "spark"]
KINDS: tuple[EngineKind, ...] = get_args(EngineKind)

CACHE_VARIABLE = "RANKBEAM_CACHE_DIR"
STATE_VARIABLE = "RANKBEAM_STATE_DIR"


@dataclass(frozen=True)
class Places:
    """Two folders of the user's; both are made when needed.

    Attributes:
        cache: Holds what can be fetched again: the jars.
        state: Holds what must survive the command that started an engine: one folder per engine.
    """

    cache: Path
    state: Path

    @classmethod
    def of_user(cls, cache: Path | None = None, state: Path | None = None) -> "Places":
        """The user's folders, unless others are asked for.

        They are those of RANKBEAM_CACHE_DIR and RANKBEAM_STATE_DIR; where these are unset,
        `rankbeam` in the folders of the XDG Base Directory Specification.
        """
        return cls(
            cache=(cache or _folder(CACHE_VARIABLE, "XDG_CACHE_HOME", ".cache")).absolute(),
            state=(state or _folder(STATE_VARIABLE, "XDG_STATE_HOME", ".local/state")).absolute(),
        )

    def jars(self, kind: EngineKind, digest: str) -> Path:
        """Folder of an engine's jars, one for each content of its pom."""
        return self.cache / "engines" / f"{kind}-{digest}"

    def engine(self, kind: EngineKind) -> Path:
        """Folder of an engine's state, settings and logs."""
        return self.state / "engines" / kind


def _folder(variable: str, xdg: str, below_home: str) -> Path:
    own = os.environ.get(variable)
    if own:
        return Path(own)
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / below_home) / "rankbeam"
