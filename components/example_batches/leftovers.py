"""Folders that a node needs while it works, and nobody after it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from rankbeam.components.example_batches.records import writing

_LOGGER = logging.getLogger(__name__)


def remove(*folders: str) -> None:
    """Remove folders, those of them that are there.

    Raises:
        tf.errors.OpError: The file system refuses.
    """
    for folder in folders:
        if tf.io.gfile.exists(folder):
            tf.io.gfile.rmtree(folder)


def discard(*folders: str) -> None:
    """Remove what a failed attempt left, as far as that can be; what cannot be is logged.

    An error of its own would take the place of the one that says why the attempt failed.
    """
    for folder in folders:
        try:
            remove(folder)
        except (tf.errors.OpError, OSError) as error:
            _LOGGER.warning("%s could not be removed: %s", folder, error)


@contextmanager
def temporary(*folders: str) -> Iterator[None]:
    """Remove folders at the end of a block that makes them.

    Raises:
        EnvironmentFault: They cannot be removed. After an error in the block that one is raised.
    """
    try:
        yield
    except BaseException:
        discard(*folders)
        raise
    for folder in folders:
        with writing(folder):
            remove(folder)
