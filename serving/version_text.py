"""What `--version` says, in the form of TensorFlow Serving's answer."""

import tensorflow as tf

from rankbeam import __version__


def version_text() -> str:
    """The versions of this server and of the library that runs the graphs."""
    return f"Rankbeam ModelServer: {__version__}\nTensorFlow Library: {tf.__version__}"
