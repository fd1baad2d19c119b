"""What a server does where nothing is said."""

import os

import pytest

from rankbeam.serving.server_options import ServerOptions


@pytest.mark.parametrize(("cores", "threads"), [(1, 2), (2, 2), (3, 3), (64, 64)])
def test_server_options_run_a_graph_for_each_core(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert ServerOptions(models=()).num_threads == threads
