"""One run of StatisticsGen's executor, ours or the stock one, on examples of `write_examples`."""

from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import Artifact, Channel, artifact_utils, standard_artifacts

from rankbeam.components.statistics_gen.component import StatisticsGen


def statistics_of(executor: Any, examples: Artifact, folder: Path) -> dict[str, Any]:
    """Run it in `folder`; split name to its statistics, with the features in order of name."""
    node = StatisticsGen(examples=Channel(type=standard_artifacts.Examples))
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    properties = {name: value for name, value in node.exec_properties.items() if value is not None}
    executor.Do({"examples": [examples]}, {"statistics": [statistics]}, properties)
    found = {}
    for split in artifact_utils.decode_split_names(statistics.split_names):
        data = (folder / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        message = statistics_pb2.DatasetFeatureStatisticsList.FromString(data)
        for dataset in message.datasets:
            dataset.features.sort(key=lambda feature: tuple(feature.path.step))
        found[split] = json_format.MessageToDict(message)
    return found
