"""Which model is the baseline, in an MLMD store and in whole runs of a small DAG."""

from collections.abc import Mapping
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Model, ModelBlessing

from rankbeam.components.evaluator.baseline import LatestBlessedOtherModel
from tests.components.evaluator.baseline_nodes import run_dag


class Store:
    """Models and blessings in a real MLMD store, in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = mlmd.MetadataStore(
            metadata_store_pb2.ConnectionConfig(
                fake_database=metadata_store_pb2.FakeDatabaseConfig()
            )
        )
        self._models = 0

    def add_model(self, *, with_files: bool = True) -> int:
        """Id of a new model."""
        model = Model()
        model.uri = str(self._folder / f"model-{self._models}")
        self._models += 1
        if with_files:
            (Path(model.uri) / "Format-Serving").mkdir(parents=True)
        return self._put(model)

    def bless(self, model_id: int, *, blessed: bool = True) -> int:
        """Id of a new blessing."""
        blessing = ModelBlessing()
        blessing.set_int_custom_property("blessed", int(blessed))
        blessing.set_int_custom_property("current_model_id", model_id)
        return self._put(blessing)

    def _put(self, artifact: types.Artifact) -> int:
        artifact.type_id = self._store.put_artifact_type(artifact.artifact_type)
        (found,) = self._store.put_artifacts([artifact.mlmd_artifact])
        return int(found)

    def _all(self, kind: type[types.Artifact]) -> list[types.Artifact]:
        artifact_type = self._store.get_artifact_type(kind.TYPE_NAME)
        found = self._store.get_artifacts_by_type(kind.TYPE_NAME)
        return list(artifact_utils.deserialize_artifacts(artifact_type, found))

    def resolve(self, candidate: int, *, without: tuple[int, ...] = ()) -> dict[str, list[int]]:
        """Ids that the strategy answers; `without` hides models from its channel."""
        models = self._all(Model)
        try:
            blessings = self._all(ModelBlessing)
        except mlmd.errors.NotFoundError:
            blessings = []
        answer: Mapping[str, list[types.Artifact]] = LatestBlessedOtherModel().resolve_artifacts(
            self._store,
            {
                "candidate": [model for model in models if model.id == candidate],
                "model": [model for model in models if model.id not in without],
                "model_blessing": blessings,
            },
        )
        return {key: [artifact.id for artifact in found] for key, found in answer.items()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_baseline_of_the_first_model_is_none(store: Store) -> None:
    candidate = store.add_model()
    expected = {"candidate": [candidate], "model": [], "model_blessing": []}
    assert store.resolve(candidate) == expected
    store.bless(candidate)
    assert store.resolve(candidate) == expected


def test_baseline_stays_when_the_candidate_is_blessed(store: Store) -> None:
    older, candidate = store.add_model(), store.add_model()
    blessing = store.bless(older)
    expected = {"candidate": [candidate], "model": [older], "model_blessing": [blessing]}
    assert store.resolve(candidate) == expected
    store.bless(candidate)
    assert store.resolve(candidate) == expected


def test_baseline_is_the_latest_blessing_and_not_the_latest_model(store: Store) -> None:
    older, newer, candidate = store.add_model(), store.add_model(), store.add_model()
    store.bless(newer)
    again = store.bless(older)
    answer = store.resolve(candidate)
    assert (answer["model"], answer["model_blessing"]) == ([older], [again])


def test_baseline_skips_models_that_failed_or_whose_files_are_gone(store: Store) -> None:
    good, failed, unjudged = store.add_model(), store.add_model(), store.add_model()
    gone, candidate = store.add_model(with_files=False), store.add_model()
    store.bless(good)
    store.bless(failed, blessed=False)
    store.bless(gone)
    assert unjudged not in store.resolve(candidate)["model"]
    assert store.resolve(candidate)["model"] == [good]


def test_baseline_ignores_blessings_of_models_that_the_channel_lacks(store: Store) -> None:
    elsewhere, candidate = store.add_model(), store.add_model()
    store.bless(elsewhere)
    assert store.resolve(candidate, without=(elsewhere,))["model"] == []


def blessings(folder: Path) -> list[tuple[int, int]]:
    """(candidate, baseline or 0) of every Evaluator that ran, in order."""
    store = mlmd.MetadataStore(
        metadata_store_pb2.ConnectionConfig(
            sqlite=metadata_store_pb2.SqliteMetadataSourceConfig(
                filename_uri=str(folder / "metadata.sqlite")
            )
        )
    )
    found = sorted(store.get_artifacts_by_type("ModelBlessing"), key=lambda each: each.id)
    return [
        (
            each.custom_properties["current_model_id"].int_value,
            each.custom_properties["baseline_model_id"].int_value,
        )
        for each in found
    ]


@pytest.mark.slow
def test_baseline_in_a_dag_leaves_the_evaluator_of_an_unchanged_run_cached(tmp_path: Path) -> None:
    run_dag(tmp_path, version=1)
    ((first, nothing),) = blessings(tmp_path)
    assert nothing == 0

    run_dag(tmp_path, version=1)
    assert blessings(tmp_path) == [(first, 0)]  # cached: no Evaluator ran

    run_dag(tmp_path, version=2)
    _, (second, baseline) = blessings(tmp_path)
    assert (second != first, baseline) == (True, first)

    run_dag(tmp_path, version=2)
    assert blessings(tmp_path) == [(first, 0), (second, first)]
