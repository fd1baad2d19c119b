"""Flink's jobs, as its REST service tells of them."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TIMEOUT_S = 10.0

NO_CACHE = ("--setting", "web.refresh-interval=100")
"""For `engine up`: Flink tells by default what was so three seconds ago."""


@dataclass(frozen=True)
class Subtask:
    """One of a job's tasks, in its latest attempt.

    Attributes:
        name: Of its vertex: Beam's steps in it.
        state: CREATED, SCHEDULED, DEPLOYING, INITIALIZING, RUNNING, FINISHED, ...
        attempt: How many came before it.
        task_manager: Where it runs or ran.
    """

    name: str
    state: str
    attempt: int
    task_manager: str


def jobs(web_port: int) -> dict[str, str]:
    """Id and state of every job that Flink knows."""
    return {job["jid"]: job["state"] for job in _get(web_port, "/jobs/overview")["jobs"]}


def subtasks(web_port: int, job: str, state: str) -> Iterator[Subtask]:
    """A job's tasks, of those vertices that are in `state`; asked for one vertex at a time."""
    for vertex in _get(web_port, f"/jobs/{job}")["vertices"]:
        if vertex["status"] == state:
            for each in _get(web_port, f"/jobs/{job}/vertices/{vertex['id']}")["subtasks"]:
                yield Subtask(
                    vertex["name"], each["status"], each["attempt"], each["taskmanager-id"]
                )


def failures(web_port: int, job: str) -> list[str]:
    """The task managers that a job's failures happened on; restarts forget none."""
    entries = _get(web_port, f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
    return [str(entry.get("taskManagerId")) for entry in entries]


def _get(web_port: int, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://localhost:{web_port}{path}", timeout=_TIMEOUT_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
