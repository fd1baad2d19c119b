"""Java and Maven in the newer stack's root, so that the tests of Flink and Spark run there too.

A root is whole without them: where they cannot be had, those tests skip.
Runs on any Python 3.8+, before anything is installed.
"""

from __future__ import annotations

from pathlib import Path

from scripts.debian_root import enter

# Debian 13 has Java 21 and 25, and Flink and Spark run on the former.
PACKAGES = "maven openjdk-21-jre-headless"
_STAMP = "java"
_LOG = "/var/log/rankbeam-java.log"
# What a run before this one left half done is done first. apt says too much for the screen.
_INSTALL = f"""
export DEBIAN_FRONTEND=noninteractive
{{
    dpkg --configure -a && apt-get update &&
    apt-get install --yes --no-install-recommends {PACKAGES} && apt-get distclean
}} > {_LOG} 2>&1 || {{ grep -E '^(E|W|Err|dpkg):' {_LOG} | tail -n 3; exit 1; }}
java -version && mvn -version
"""


def has_java(root: Path) -> bool:
    """Whether an earlier run brought today's packages into the root."""
    stamp = root / _STAMP
    return stamp.is_file() and stamp.read_text() == PACKAGES


def bring_java(root: Path) -> str | None:
    """Installs Java and Maven in a root that stands.

    Returns:
      Why that failed, in one line; None where both are there.
    """
    said: list[str] = []
    if enter(root, Path("/"), ["sh", "-ec", _INSTALL], said=said):
        return " | ".join(line.strip() for line in said[-3:]) or "apt-get failed"
    (root / _STAMP).write_text(PACKAGES)
    return None
