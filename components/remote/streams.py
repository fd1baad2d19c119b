"""Files of Beam's file systems, which hold bytes, as TFX wants them: in text or binary mode."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import (
    Any,
    BinaryIO,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeVar,
    runtime_checkable,
)

from rankbeam.transform.errors import RankbeamError

COPY_BYTES = 1 << 20

_Rest = ParamSpec("_Rest")
_Result = TypeVar("_Result")


@contextmanager
def beam_errors(path: str) -> Iterator[None]:
    """Let whatever Beam's file systems and their clients raise be an error of files.

    Raises:
        OSError: The body raised anything but a deliberate error.
    """
    try:
        yield
    except RankbeamError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is error and isinstance(error, OSError):
            raise
        told = f"{path}: {type(reason).__name__} {said(reason)}"
        raise (FileNotFoundError if _tells_of_absence(reason) else OSError)(told) from error


def said(error: Exception) -> str:
    """What an error of a client says, in one line."""
    with suppress(Exception):
        # Google's: all of an answer in JSON of many lines, where only this tells.
        response = error.response  # type: ignore[attr-defined]
        return f"{response.status_code} {response.json()['error']['message']}".splitlines()[0]
    cause = getattr(error, "cause", None)  # Google's, of what was tried again until time was up
    if isinstance(cause, Exception):
        return said(cause)
    # Beam's of S3 print as tuples, Google's of credentials too; HDFS's with the stack of its Java.
    first = error.args[0] if len(error.args) > 1 and isinstance(error.args[0], str) else error
    text = str(getattr(error, "message", None) or first).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _reason(error: Exception) -> Exception:
    """The first of the errors that Beam gathered in one of its own, or the error itself."""
    gathered: dict[Any, Exception] = getattr(error, "exception_details", None) or {}
    return next(iter(gathered.values()), error)


def _tells_of_absence(error: Exception) -> bool:
    """Whether a client found nothing: somebody removed what was there just now."""
    code, kind = getattr(error, "code", None), getattr(error, "exception", None)
    return code == 404 or kind == "FileNotFoundException"


def naming_errors(
    method: Callable[Concatenate[str, _Rest], _Result],
) -> Callable[Concatenate[str, _Rest], _Result]:
    """Let a function of a path raise what `beam_errors` makes of its errors."""

    @functools.wraps(method)
    def named(path: str, /, *rest: _Rest.args, **named_rest: _Rest.kwargs) -> _Result:
        with beam_errors(path):
            return method(path, *rest, **named_rest)

    return named


class Written(Protocol):
    """A file that is written, as Beam opens it or as ours are."""

    def write(self, content: bytes, /) -> object:
        """Append bytes."""

    def close(self) -> None:
        """Close."""


@runtime_checkable
class Upload(Written, Protocol):
    """A file that is written, and is there once it is closed."""

    def abandon(self) -> None:
        """Leave nothing but what was there before."""


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
    """A file that is written; it is there once it is closed, unless writing it went wrong.

    Args:
        path: Where it is, for messages.
        create: Opens it.
        discard: Removes what was written of it.
    """

    def __init__(
        self,
        path: str,
        create: Callable[[], Written],
        discard: Callable[[Written], None],
    ) -> None:
        self._path = path
        self._create = create
        self._discard = discard
        self._raw: Written | None = None
        self._is_closed = False

    def __enter__(self) -> "WriteStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._give_up()

    def write(self, content: Any) -> None:
        """Append text or bytes."""
        # TensorFlow takes text for binary files too, and TFX relies on that.
        data = content.encode("utf-8") if isinstance(content, str) else content
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
        try:
            with beam_errors(self._path):
                if self._raw is None:
                    self._raw = self._create()
                self._raw.close()
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        self._is_closed = True
        if self._raw is not None:
            with suppress(Exception):  # what went wrong before is what to report
                self._discard(self._raw)
