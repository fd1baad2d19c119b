"""The model called directly, with TensorFlow alone: what the server's answers are held against."""

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from rankbeam.serving import status
from rankbeam.serving.errors import ModelNotServable
from rankbeam.serving.tensors import Array
from rankbeam.transform.errors import EnvironmentFault, RankbeamError


@dataclass(frozen=True, slots=True)
class InProcessModel:
    """One signature of a loaded SavedModel that takes serialized tf.Examples.

    Attributes:
        input_name: the name of its one input.
        function: the signature.
        root: the loaded object, which owns the variables and tables.
    """

    input_name: str
    function: Callable[..., Mapping[str, tf.Tensor]]
    root: Any = field(repr=False)

    @classmethod
    def load(cls, version: Path, signature: str) -> "InProcessModel":
        """Loads a version folder.

        Raises:
            ModelNotServable: it cannot be loaded, lacks the signature, or the signature takes
                something else.
            EnvironmentFault: the machine is too poor to load it.
        """
        return cls.of(load_model(version), signature)

    @classmethod
    def of(cls, root: Any, signature: str) -> "InProcessModel":
        """A signature of a model that `load_model` has loaded.

        Raises:
            ModelNotServable: it lacks the signature, or the signature takes something else.
        """
        if signature not in root.signatures:
            found = ", ".join(sorted(root.signatures))
            raise ModelNotServable(f"model must have the signature {signature!r}; got {found}")
        function = root.signatures[signature]
        inputs = function.structured_input_signature[1]
        if [spec.dtype for spec in inputs.values()] != [tf.string]:
            found = ", ".join(f"{name}: {spec.dtype.name}" for name, spec in inputs.items())
            raise ModelNotServable(
                f"signature {signature!r} must take serialized tf.Examples alone; got ({found})"
            )
        return cls(next(iter(inputs)), function, root)

    def ask(self, rows: Sequence[bytes]) -> Mapping[str, Array]:
        """Output name -> array for some serialized tf.Examples.

        Raises:
            ModelNotServable: the graph fails on them.
            EnvironmentFault: the machine is too poor to run it.
        """
        try:
            answers = self.function(**{self.input_name: tf.constant(rows, tf.string)})
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise _blame(error, "must answer") from error
        return {name: answer.numpy() for name, answer in answers.items()}


def load_model(version: Path) -> Any:
    """Loads a version folder; returns the object that `tf.saved_model.load` makes.

    Raises:
        ModelNotServable: it cannot be loaded.
        EnvironmentFault: the machine is too poor to load it.
    """
    try:
        return tf.saved_model.load(str(version), tags=[tf.saved_model.SERVING])
    except RankbeamError:  # the run was interrupted: no verdict on the model
        raise
    except Exception as error:  # a broken SavedModel raises whatever it likes
        raise _blame(error, "must load") from error


def _blame(error: Exception, rule: str) -> ModelNotServable | EnvironmentFault:
    if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT):
        return EnvironmentFault(f"model {rule} in process; the machine refused: {error}")
    refusal = status.as_refusal(error)
    kind = EnvironmentFault if refusal.code in status.MACHINE_CODES else ModelNotServable
    return kind(f"model {rule} in process; got {refusal}")
