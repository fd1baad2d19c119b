"""Files of Beam's file systems, which hold bytes, as TFX wants them: in text or binary mode."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO

from rankbeam.transform.errors import RankbeamError

COPY_BYTES = 1 << 20


@contextmanager
def beam_errors(path: str) -> Iterator[None]:
    """Let whatever Beam's file systems and their clients raise be an error of files.

    Raises:
        OSError: The body raised anything but a deliberate error.
    """
    try:
        yield
    except (OSError, RankbeamError):
        raise
    except Exception as error:
        raise OSError(f"{path}: {type(error).__name__} {error}") from error


class ReadStream:
    """A file that is read.

    Args:
        path: Where it is, for messages.
        raw: The file as Beam opened it.
        is_text: Whether it holds UTF-8 text.
    """

    def __init__(self, path: str, raw: BinaryIO, is_text: bool) -> None:
        self._path = path
        self._raw = raw
        self._is_text = is_text

    def __enter__(self) -> "ReadStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.read().splitlines(keepends=True))

    def close(self) -> None:
        """Close."""
        self._raw.close()

    def read(self, size: int = -1) -> Any:
        """At most `size` bytes, or the rest; of text, always the rest."""
        with beam_errors(self._path):
            if size >= 0 and not self._is_text:
                return self._raw.read(size)
            rest = b"".join(iter(lambda: self._raw.read(COPY_BYTES), b""))
        return rest.decode("utf-8") if self._is_text else rest


class WriteStream:
    """A file that is written; it is there once it is closed.

    Args:
        path: Where it is, for messages.
        create: Opens it.
        put_empty: Writes it, empty.
        is_text: Whether it holds UTF-8 text.
    """

    def __init__(
        self,
        path: str,
        create: Callable[[], BinaryIO],
        put_empty: Callable[[], None],
        is_text: bool,
    ) -> None:
        self._path = path
        self._create = create
        self._put_empty = put_empty
        self._is_text = is_text
        self._raw: BinaryIO | None = None
        self._is_closed = False

    def __enter__(self) -> "WriteStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, content: Any) -> None:
        """Append text or bytes."""
        data = content.encode("utf-8") if self._is_text else content
        if data:
            with beam_errors(self._path):
                if self._raw is None:
                    self._raw = self._create()
                self._raw.write(data)

    def close(self) -> None:
        """Close, which is when most file systems write."""
        if self._is_closed:
            return
        self._is_closed = True
        with beam_errors(self._path):
            if self._raw is None:
                self._put_empty()
            else:
                self._raw.close()
