"""Results of tasks that a later run may take, where the pipeline lets it.

The key holds what Kubeflow's holds (backend/src/v2/cacheutils): command, environment, inputs and
kinds of outputs. Where Kubeflow trusts the image's name, the code that runs here counts.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from rankbeam.pipeline.compiled.state import Made


class ResultCache:
    """Results on disk: `<key>.json`.

    Args:
        folder: Where they are.
        code: Digest of the code that runs.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self._folder = folder
        self._code = code

    def key(self, component: Any, container: Any, inputs: Any) -> str:
        """Digest of all that a task's result depends on.

        Args:
            component: Its `ComponentSpec`.
            container: Its `PipelineContainerSpec`, placeholders and all.
            inputs: The `Inputs` of its executor input.
        """
        parts = [json_format.MessageToDict(each) for each in (component, container, inputs)]
        for listed in parts[2].get("artifacts", {}).values():
            for artifact in listed["artifacts"]:
                # A number in a run; the URI is what tells artifacts apart.
                artifact.pop("name", None)
        text = json.dumps([self._code, *parts], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> Made | None:
        """The result under a key; None where there is none, or its folders are gone."""
        try:
            values = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            artifacts = {
                name: json_format.ParseDict(each, pipeline_spec_pb2.ArtifactList())
                for name, each in values["artifacts"].items()
            }
        except (OSError, ValueError, KeyError, json_format.ParseError):
            return None
        uris = [artifact.uri for each in artifacts.values() for artifact in each.artifacts]
        if not all("://" in uri or Path(uri).exists() for uri in uris):
            return None
        return Made(artifacts, values["parameters"])

    def put(self, key: str, made: Made) -> None:
        """Keep a result; raises OSError where it cannot be written."""
        values: Mapping[str, object] = {
            "artifacts": {
                name: json_format.MessageToDict(each) for name, each in made.artifacts.items()
            },
            "parameters": dict(made.parameters),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f".{key}.tmp"
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        partial.replace(self._folder / f"{key}.json")
