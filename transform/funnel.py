"""The funnel graph of the tasks: order, chains of conditions, and output names."""

from collections.abc import Mapping
from dataclasses import dataclass

from rankbeam.transform.specs.tasks import TaskSpec

JOINT_OF_ONE_CONDITIONAL = "ctcvr"


@dataclass(frozen=True)
class Funnel:
    """Tasks with their `given` edges, checked to be a forest.

    Attributes:
        tasks: Task name to spec, in the order written.

    Raises:
        ValueError: A task is given an unknown task or itself through a cycle, no task is primary,
            two outputs share a name, or a primary task is given an auxiliary one.
    """

    tasks: Mapping[str, TaskSpec]

    def __post_init__(self) -> None:
        """Check the graph once, so that every other method can rely on it."""
        if not self.tasks:
            raise ValueError("tasks must name at least one task; got none")
        for name, task in self.tasks.items():
            if task.given is not None and task.given not in self.tasks:
                known = ", ".join(self.tasks)
                raise ValueError(
                    f"tasks.{name}.given must be one of the tasks ({known}); got {task.given}"
                )
            if task.joint is not None and task.given is None:
                raise ValueError(f"tasks.{name}.joint needs given; got {task.joint}")
        for name in self.tasks:
            self.chain(name)
        self._check_roles()
        self._check_names()

    def _check_roles(self) -> None:
        if not self.primary:
            raise ValueError("tasks must hold at least one with role primary; got none")
        for name in self.primary:
            for condition in self.chain(name)[:-1]:
                if self.tasks[condition].role == "auxiliary":
                    raise ValueError(
                        f"tasks.{name} is primary, so tasks.{condition}.role must be primary too; "
                        "got auxiliary"
                    )

    def _check_names(self) -> None:
        names = [*self.tasks, *(self.joint_name(task) for task in self.conditional)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"tasks must give each output its own name; got {name} twice")

    @property
    def primary(self) -> tuple[str, ...]:
        """Names of the tasks that are served and gated."""
        return tuple(name for name, task in self.tasks.items() if task.role == "primary")

    @property
    def conditional(self) -> tuple[str, ...]:
        """Names of the tasks that have a `given`."""
        return tuple(name for name, task in self.tasks.items() if task.given is not None)

    def chain(self, name: str) -> tuple[str, ...]:
        """The tasks from the funnel's top down to `name`, for example (click, conversion).

        Raises:
            ValueError: The conditions run in a circle.
        """
        path = [name]
        given = self.tasks[name].given
        while given is not None:
            if given in path:
                circle = " -> ".join([*path, given])
                raise ValueError(f"tasks.{name}.given must not run in a circle; got {circle}")
            path.append(given)
            given = self.tasks[given].given
        return tuple(reversed(path))

    def joint_name(self, name: str) -> str:
        """Output name of P(every task of the chain of `name`), for a conditional task."""
        joint = self.tasks[name].joint
        if joint is not None:
            return joint
        return JOINT_OF_ONE_CONDITIONAL if len(self.conditional) == 1 else f"joint_{name}"

    def label(self, name: str) -> str:
        """Label column of a task."""
        return self.tasks[name].label

    @property
    def labels(self) -> tuple[str, ...]:
        """Label columns of all tasks, each once, in the order written."""
        return tuple(dict.fromkeys(task.label for task in self.tasks.values()))

    @property
    def outputs(self) -> tuple["Output", ...]:
        """What the exported model answers, in order: primary tasks, then their joints."""
        own = [
            Output(name, name, self.label(name), self._given_label(name)) for name in self.primary
        ]
        joint = [
            Output(self.joint_name(name), name, self.label(name), None)
            for name in self.primary
            if name in self.conditional
        ]
        return tuple(own + joint)

    def _given_label(self, name: str) -> str | None:
        given = self.tasks[name].given
        return self.label(given) if given is not None else None


@dataclass(frozen=True)
class Output:
    """One probability that the exported model answers.

    Attributes:
        name: Output name in the signature.
        task: The task it belongs to.
        label: Label column to compare it with (the gate ensures that a deeper label implies
            every one above it, so the joint's label is the task's own).
        given_label: Label column that must be 1 for the comparison to be fair; None for all
            impressions.
    """

    name: str
    task: str
    label: str
    given_label: str | None
