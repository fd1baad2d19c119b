"""Which of the versions on disk a model should serve: TensorFlow Serving's version policies.

Source: FileSystemStoragePathSourceConfig.ServableVersionPolicy.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from rankbeam.serving.settings.checks import require_at_least


@dataclass(frozen=True, slots=True)
class Latest:
    """The highest version numbers on disk.

    Attributes:
        num_versions: how many of them.
    """

    num_versions: int = 1

    def __post_init__(self) -> None:
        """Refuses a count below 1.

        Raises:
            InvalidSetting: it is.
        """
        require_at_least(1, num_versions=self.num_versions)

    def wanted(self, on_disk: Collection[int]) -> frozenset[int]:
        """The versions to serve."""
        return frozenset(sorted(on_disk, reverse=True)[: self.num_versions])

    def substitutes(self, on_disk: Collection[int]) -> frozenset[int]:
        """What may serve where none of the wanted versions loads: any older one."""
        return frozenset(on_disk) - self.wanted(on_disk)


@dataclass(frozen=True, slots=True)
class All:
    """Every version on disk."""

    def wanted(self, on_disk: Collection[int]) -> frozenset[int]:
        """The versions to serve."""
        return frozenset(on_disk)

    def substitutes(self, on_disk: Collection[int]) -> frozenset[int]:
        """Nothing: all are wanted already."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Specific:
    """Named versions, as far as they are on disk.

    Attributes:
        versions: their numbers.
    """

    versions: frozenset[int]

    def wanted(self, on_disk: Collection[int]) -> frozenset[int]:
        """The versions to serve."""
        return self.versions & frozenset(on_disk)

    def substitutes(self, on_disk: Collection[int]) -> frozenset[int]:
        """Nothing: whoever names a version wants no other."""
        return frozenset()


VersionPolicy: TypeAlias = Latest | All | Specific
LATEST = Latest()


def surplus(serving: Collection[int], wanted: Collection[int]) -> frozenset[int]:
    """The versions to unload, so that at least one serves at any time.

    What is not wanted goes as soon as a wanted version serves. Before that, only the highest of
    them stays.
    """
    unwanted = frozenset(serving) - frozenset(wanted)
    if unwanted == frozenset(serving):
        return unwanted - {max(unwanted, default=0)}
    return unwanted
