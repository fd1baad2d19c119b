"""Every path of the config may be a URI, or is an exception that the docs name with its reason."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from rankbeam.pipeline.config.schema import RankbeamConfig
from tests.packaging.checkout import ROOT

URIS = ("gs://bucket/a/b", "s3://bucket/a/b", "hdfs://place/a/b")
# Fields that a word below makes look like paths, and what they are.
NO_PATHS = {
    "data.source.column_names": "names",
    "data.source.location": "a region of BigQuery",
    "data.source.model": "a name",
    "data.source.outcomes.column_names": "names",
    "kubeflow.image": "an image",
    "serving.deployment.monitoring.path": "of a URL",
    "serving.deployment.tls.secret": "a name",
}
# Where not every scheme will do: others read these.
SCHEMES = {
    "serving.deployment.model_store.uri": ("gs://", "s3://"),
    "beam.dataflow.temp_location": ("gs://",),
    "beam.dataflow.staging_location": ("gs://",),
}
_NAMES = re.compile(
    r"(^|_)(path|paths|file|files|folder|dir|uri|root|location|destination|archive|command)$"
)
_WORDS = re.compile(r"\b(file|folder|path|URI|Folder|File|Program|Dockerfile)\b")
_ROWS = re.compile(r"^\| ((?:`[\w.]+`(?:, )?)+) \| (.+) \|$", re.MULTILINE)
_TITLE = "### Paths that are local"

Place = tuple[type[BaseModel], str]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _holds_text(annotation: Any) -> bool:
    return annotation is str or any(map(_holds_text, get_args(annotation)))


def _looks_like_a_path(name: str, field: FieldInfo) -> bool:
    if not _holds_text(field.annotation):
        return False
    return bool(_NAMES.search(name) or _WORDS.search(field.description or ""))


def _paths(model: type[BaseModel], prefix: str = "") -> dict[str, list[Place]]:
    """Every field below a section that looks like a path, with the models that have it."""
    found: dict[str, list[Place]] = {}
    for name, field in model.model_fields.items():
        place = f"{prefix}{name}"
        inner = list(_models(field.annotation))
        for section in inner:
            for below, places in _paths(section, f"{place}.").items():
                found.setdefault(below, []).extend(places)
        if not inner and _looks_like_a_path(name, field):
            found.setdefault(place, []).append((model, name))
    return found


_ALL = _paths(RankbeamConfig)
PATHS = {place: models for place, models in _ALL.items() if place not in NO_PATHS}


def _refusal(model: type[BaseModel], field: str, value: str) -> str | None:
    """What a section says of one field's value, whatever it says of others."""
    try:
        model.model_validate({field: value})
    except ValidationError as error:
        return next((each["msg"] for each in error.errors() if field in each["loc"]), None)
    return None


def _exceptions() -> dict[str, str]:
    """The docs' table: field to reason."""
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    section = text.split(_TITLE)[1].split("\n#")[0]
    return {
        name: reason
        for names, reason in _ROWS.findall(section)
        for name in re.findall(r"`([\w.]+)`", names)
    }


def test_paths_are_found() -> None:
    assert {
        *("data.source.path", "data.source.outcomes.path", "data.schema_path", "push.destination"),
        *("serving.request_log.folder", "serving.request_log.archive", "kubeflow.data_root"),
        *("serving.deployment.tls.file", "kubeflow.pipeline_root", "kubeflow.volumes.mount_path"),
    } <= set(PATHS)
    assert len(PATHS["data.source.path"]) == 5  # kinds of sources
    assert set(NO_PATHS) <= set(_ALL)


def test_exceptions_of_the_docs_are_fields_with_reasons() -> None:
    exceptions = _exceptions()
    assert set(exceptions) <= set(PATHS)
    assert all(len(reason.split()) >= 4 for reason in exceptions.values())


@pytest.mark.parametrize("path", sorted(PATHS))
def test_path_may_be_a_uri_or_is_an_exception_of_the_docs(path: str) -> None:
    for model, field in PATHS[path]:
        if path in _exceptions():
            for uri in URIS:
                told = _refusal(model, field, uri)
                assert told is not None, f"{path} takes {uri}, which the docs deny"
                assert re.search(rf"must be .* and no URI, because .*; got {uri}", told)
        else:
            for uri in (each for each in URIS if each.startswith(SCHEMES.get(path, ("",)))):
                assert _refusal(model, field, uri) is None


def test_walk_finds_a_path_that_is_neither() -> None:
    class Section(BaseModel):
        """A section with a path that no docs name."""

        key_file: str
        weights: dict[str, str] = {}
        label: str = ""

    class Config(BaseModel):
        """A config with it in a list."""

        sections: list[Section] = []

    assert _paths(Config) == {"sections.key_file": [(Section, "key_file")]}
    assert "sections.key_file" not in _exceptions()
