"""What killed runs left behind: folders of executions that never ended well."""

import shutil
from pathlib import Path

from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import execution_lib


def remove_leftovers(store: metadata.Metadata, root: Path) -> None:
    """Remove the artifacts and temporary files of every execution that is not a success.

    TFX does so itself for a node that fails, but not for one that is killed, nor for one whose
    success could not be written down. Nothing ever reads these folders.

    Args:
        store: ML Metadata of the pipeline; no run of it may be under way.
        root: The pipeline's root: `<node>/<output>/<execution>` and, for temporary files,
            `<node>/.system/executor_execution/<execution>`.
    """
    folders = [*root.glob("*/*/*"), *root.glob("*/.system/executor_execution/*")]
    numbered = [folder for folder in folders if folder.name.isdigit()]
    if not numbered:
        return
    with store as handle:
        kept = {
            execution.id
            for execution in handle.store.get_executions()
            if execution_lib.is_execution_successful(execution)
        }
    for folder in numbered:
        if int(folder.name) not in kept:
            shutil.rmtree(folder)
