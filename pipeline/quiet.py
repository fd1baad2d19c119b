"""Keeps what libraries say of themselves off the terminal; set before TensorFlow is imported."""

import os
import warnings

_ENVIRONMENT = {
    # Errors only: start-up notices about CUDA and oneDNN tell a user nothing.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # The same sums in the same order on every CPU.
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


def quiet_libraries() -> None:
    """Choose quiet defaults; what the user's environment says stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Google's clients announce the end of Python versions; nothing here follows from it.
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
