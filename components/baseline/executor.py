"""The executor of `Baseline`: copies the version to compare with, or notes that there is none."""

from typing import Any

import tensorflow as tf
from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from rankbeam.components.baseline.logic import last_blessed_other
from rankbeam.components.baseline.note import write_note
from rankbeam.transform.errors import EnvironmentFault


class Executor(base_executor.BaseExecutor):
    """Finds the last blessed model."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the baseline.

        The model is copied: the Evaluator must find it although the version may be removed from
        the destination meanwhile.

        Args:
            input_dict: `model`: the candidate.
            output_dict: `baseline`: one Model artifact.
            exec_properties: `destination`: the folder of versions.

        Raises:
            GateError: The version to compare with is damaged.
            DataError: Its push record cannot be read.
            EnvironmentFault: A folder cannot be read or written.
        """
        candidate = artifact_utils.get_single_instance(input_dict["model"])
        baseline = artifact_utils.get_single_instance(output_dict["baseline"])
        path = path_utils.serving_model_path(candidate.uri)
        with last_blessed_other(exec_properties["destination"], path) as found:
            if found is not None:
                target = path_utils.serving_model_dir(baseline.uri)
                try:
                    io_utils.copy_dir(str(found.folder), target)
                except (OSError, tf.errors.OpError) as error:
                    raise EnvironmentFault(
                        f"cannot copy {found.uri} to {target}: {error}"
                    ) from error
            write_note(baseline.uri, None if found is None else found.record)
