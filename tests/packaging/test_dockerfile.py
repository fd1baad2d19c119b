"""The Dockerfile agrees with the lock, the Makefile and the package: no daemon builds it here."""

import re
from fnmatch import fnmatch

import pytest
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
    [base, *others] = (_rests(stage, "FROM")[0] for stage in _stages())
    assert base == "${BASE_IMAGE}${BASE_DIGEST:+@${BASE_DIGEST}} AS base"
    assert others == ["base AS build", "base"]


def test_dockerfile_has_the_makefiles_uv() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert _arguments()["UV_VERSION"] == version


def test_dockerfile_installs_what_is_locked_and_nothing_else() -> None:
    commands = " && ".join(_rests(_stages()[1], "RUN"))
    syncs = re.findall(r"uv sync[^&]*", commands)
    assert [{"--locked", "--no-dev"} <= set(sync.split()) for sync in syncs] == [True, True]
    assert "--no-editable" in syncs[-1]
    assert set(re.findall(r"pip install ([^&]*?) *(?:&|$)", commands)) == {
        '--no-cache-dir "uv==${UV_VERSION}"'
    }
    final = " && ".join(_rests(_stages()[2], "RUN"))
    assert "install" not in final
    assert _rests(_stages()[2], "COPY") == ["--from=build /opt/rankbeam /opt/rankbeam"]


def test_dockerfile_ends_as_a_user_who_may_write_where_kubeflow_copies() -> None:
    final = _stages()[2]
    assert _rests(final, "USER") == ["1000:0"]
    commands = " ".join(_rests(final, "RUN"))
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
