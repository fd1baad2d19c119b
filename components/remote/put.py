"""Sending a file to gs://, s3:// or hdfs:// without TFX, which a server has no need of.

The clients are those that `rankbeam.components.remote.files` stands on.
"""

from pathlib import Path
from typing import Any

from rankbeam.components.remote.beam_lookup import beam_file_system
from rankbeam.components.remote.streams import COPY_BYTES, Upload, WriteStream, beam_errors


def check_options(place: str) -> None:
    """Checks that the client of a URI's scheme can be made; the place itself is not asked.

    Raises:
        ConfigError: Beam's options are unknown to it.
        EnvironmentFault: The client lacks a package or an option.
    """
    beam_file_system(place)


def put_file(source: Path, place: str) -> None:
    """Copies a file to a URI in bounded memory: it is there whole, or what was there before is.

    Raises:
        OSError: It cannot be read, or the copy cannot be written.
        ConfigError: Beam's options are unknown to it.
        EnvironmentFault: The client lacks a package or an option.
    """
    files: Any = beam_file_system(place)
    with beam_errors(place):
        folder = place.rpartition("/")[0]
        if files.has_dirs() and not files.exists(folder):
            files.mkdirs(folder)

    def create() -> Upload:
        upload: Upload = files.create(place)
        return upload

    def discard(upload: Any) -> None:
        upload.abandon()

    with source.open("rb") as file, WriteStream(place, create, discard) as copy:
        while chunk := file.read(COPY_BYTES):
            copy.write(chunk)
