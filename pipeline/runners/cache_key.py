"""What TFX's cache key leaves out: the code that runs, and files that it knows by path alone.

TFX hashes a node's inputs, parameters and executor's class path. A release of Rankbeam that
computes something else under the same names, or an edited schema file under the same path, would be
answered from the cache.
"""

import hashlib
import os
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import rankbeam

# Where the code that nodes execute lives; the rest of the package only decides what to run.
_EXECUTED = ("components", "serving", "trainer", "transform")
_LIBRARIES = ("tensorflow", "tfx", "tensorflow-transform", "tensorflow-model-analysis")


def code_digest() -> str:
    """Hexadecimal digest of Rankbeam's executed code and of the libraries' versions."""
    package = Path(rankbeam.__file__).parent
    digest = hashlib.sha256()
    for folder in _EXECUTED:
        root = (package / folder).resolve()
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{folder}/{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library}=={version(library)}\0".encode())
    return digest.hexdigest()


def listing_digest(files: Iterable[str]) -> str:
    """Hexadecimal digest of files' paths, sizes and times of modification, in their order.

    Raises:
        OSError: A file is gone.
    """
    digest = hashlib.sha256()
    for file in files:
        facts = os.stat(file)
        digest.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def content_digest(file: Path) -> str:
    """Hexadecimal digest of a file's bytes.

    Raises:
        OSError: It cannot be read.
    """
    return hashlib.sha256(file.read_bytes()).hexdigest()
