"""The Dockerfile agrees with the lock, the Makefile and the package: no daemon builds it here."""

import re
from fnmatch import fnmatch

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from rankbeam.pipeline.kubeflow.entry import COPIED
from tests.packaging.checkout import PACKAGES, ROOT, tracked

Instruction = tuple[str, str]


def _instructions() -> list[Instruction]:
    """(keyword, rest) of each instruction, comments gone and continued lines joined."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    return [
        (found[1], found[2]) for found in re.finditer(r"^([A-Z]+) +(.+)$", joined, re.MULTILINE)
    ]


def _arguments() -> dict[str, str]:
    rests = [rest for keyword, rest in _instructions() if keyword == "ARG"]
    return dict(rest.split("=", 1) for rest in rests)


def _stages() -> list[list[Instruction]]:
    """Instructions of each stage, its FROM first."""
    stages: list[list[Instruction]] = []
    for instruction in _instructions():
        if instruction[0] == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    return stages


def _stage(name: str) -> list[Instruction]:
    return next(stage for stage in _stages() if stage[0][1].endswith(f" AS {name}"))


def _rests(stage: list[Instruction], keyword: str) -> list[str]:
    return [rest for each, rest in stage if each == keyword]


def _python_of(image: str) -> str:
    found = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-[a-z]+", image)
    assert found, image
    return found[1]


def test_dockerfile_base_is_pinned_and_runs_the_locked_stack() -> None:
    python = _python_of(_arguments()["BASE_IMAGE"])
    for file in ("pyproject.toml", "uv.lock"):
        [allowed] = re.findall(r'^requires-python = "(.*)"$', (ROOT / file).read_text(), re.M)
        assert python in SpecifierSet(allowed.replace(" ", ""))
    # The stack that the tests of this checkout run on.
    assert python.startswith((ROOT / ".python-version").read_text().strip())
    assert _arguments()["BASE_DIGEST"] == ""
    assert [_rests(stage, "FROM")[0] for stage in _stages()] == [
        "${BASE_IMAGE}${BASE_DIGEST:+@${BASE_DIGEST}} AS base",
        "${BEAM_SDK_IMAGE} AS beam-sdk",
        "base AS build",
        "base AS installed",
        "installed AS beam-worker",
        "installed",
    ]


def test_dockerfile_has_the_makefiles_uv() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert _arguments()["UV_VERSION"] == version


def test_dockerfile_installs_what_is_locked_and_nothing_else() -> None:
    commands = " && ".join(_rests(_stage("build"), "RUN"))
    syncs = re.findall(r"uv sync[^&]*", commands)
    assert [{"--locked", "--no-dev"} <= set(sync.split()) for sync in syncs] == [True, True]
    assert "--no-editable" in syncs[-1]
    assert set(re.findall(r"pip install ([^&]*?) *(?:&|$)", commands)) == {
        '--no-cache-dir "uv==${UV_VERSION}"'
    }
    assert "install" not in " && ".join(_rests(_stage("installed"), "RUN"))
    assert _rests(_stage("installed"), "COPY") == ["--from=build /opt/rankbeam /opt/rankbeam"]
    assert {keyword for keyword, _ in _stages()[-1]} == {
        *("FROM", "USER", "WORKDIR", "ENTRYPOINT", "CMD")
    }


def test_dockerfile_workers_are_what_beam_starts() -> None:
    worker = _stage("beam-worker")
    assert _rests(worker, "COPY") == ["--from=beam-sdk /opt/apache/beam /opt/apache/beam"]
    assert _rests(worker, "ENTRYPOINT") == ['["/opt/apache/beam/boot"]']
    # Without these Beam's program finds neither Beam nor Rankbeam.
    assert _rests(worker, "ENV") == ["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1"]
    assert _rests(worker, "RUN") == ["python -m ensurepip"]


def _locked_beam(python: str) -> str:
    lock = (ROOT / "uv.lock").read_text()
    environment = {"python_full_version": f"{python}.0", "sys_platform": "linux"}
    [version] = (
        version
        for version, markers in re.findall(
            r'^name = "apache-beam"\nversion = "(.*)"\n[^\[]*resolution-markers = \[\n([^\]]*)\]',
            lock,
            re.M,
        )
        if any(Marker(text).evaluate(environment) for text in re.findall(r'"(.*)"', markers))
    )
    return str(version)


@pytest.mark.parametrize("file", ["Dockerfile", "BUILD.md"])
def test_beam_sdk_images_have_the_locked_beam(file: str) -> None:
    """Those of both stacks: the default, and the one to give with the newer base."""
    text = (ROOT / file).read_text()
    named = re.findall(r"apache/beam_python(\d\.\d+)_sdk:([\d.]+\d)", text)
    assert {python: _locked_beam(python) for python, _ in named} == dict(named)
    bases = [_python_of(image) for image in re.findall(r"\bpython:\S+-slim-[a-z]+", text)]
    assert {base.rpartition(".")[0] for base in bases} <= {python for python, _ in named}


def test_beam_sdk_image_is_that_of_the_base() -> None:
    python = _python_of(_arguments()["BASE_IMAGE"]).rpartition(".")[0]
    expected = f"apache/beam_python{python}_sdk:{_locked_beam(python)}"
    assert _arguments()["BEAM_SDK_IMAGE"] == expected


def test_dockerfile_ends_as_a_user_who_may_write_where_kubeflow_copies() -> None:
    assert _rests(_stages()[-1], "USER") == ["1000:0"]
    assert _rests(_stages()[-1], "ENTRYPOINT") == ['["rankbeam"]']
    commands = " ".join(_rests(_stage("installed"), "RUN"))
    assert "--uid 1000 --gid 0" in commands
    for folder in COPIED.values():
        assert f"{folder.rstrip('/')} " in commands


def test_dockerignore_lets_through_what_the_wheel_is_made_from() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert allowed == {"pyproject.toml", "uv.lock", "README.md", "LICENSE", "src", *PACKAGES}
    assert all((ROOT / name).exists() for name in allowed)
    dropped = [rule.removeprefix("**/") for rule in rules[1:] if not rule.startswith("!")]
    lost = [
        file
        for file in tracked("src", *PACKAGES)
        for part in file.relative_to(ROOT).parts
        if any(fnmatch(part, rule) for rule in dropped)
    ]
    assert lost == []


@pytest.mark.parametrize("file", ["Dockerfile", ".dockerignore"])
def test_dockerfile_names_no_host(file: str) -> None:
    assert re.findall(r"https?://|--index-url|--extra-index", (ROOT / file).read_text()) == []
