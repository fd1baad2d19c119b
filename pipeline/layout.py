"""Where a pipeline's outputs stand: one folder, with nothing outside it."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = "rankbeam-out"


@dataclass(frozen=True)
class OutputLayout:
    """Paths below one output folder.

    Attributes:
        root: The folder, by default `rankbeam-out/<pipeline name>` below the working directory.
    """

    root: Path

    @classmethod
    def of(cls, name: str, output: Path | None = None) -> "OutputLayout":
        """Layout of pipeline `name`, below `output` where given."""
        root = output if output is not None else Path(DEFAULT_ROOT) / name
        return cls(root.resolve())

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root."""
        return self.root / "artifacts"

    @property
    def metadata(self) -> Path:
        """ML Metadata's SQLite file."""
        return self.root / "metadata.sqlite"

    @property
    def compiled(self) -> Path:
        """What runs of compiled pipelines make: `<run>/<task>/<output>`, and their cache."""
        return self.root / "compiled"

    @property
    def runs(self) -> Path:
        """One folder per run: its record and its full log."""
        return self.root / "runs"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write here."""
        return self.root / ".lock"

    def destination(self, configured: str) -> str:
        """Folder or URI that models are pushed to; relative ones start at the output folder."""
        return configured if "://" in configured else str((self.root / configured).resolve())
