"""The funnel graph: order, chains, names and outputs."""

import pytest

from rankbeam.transform.funnel import Funnel, Output
from rankbeam.transform.specs.tasks import TaskSpec

CLICK = TaskSpec(label="clicked")
CONVERSION = TaskSpec(label="converted", given="click")


def test_funnel_of_one_task() -> None:
    funnel = Funnel({"click": CLICK})
    assert funnel.chain("click") == ("click",)
    assert funnel.conditional == ()
    assert funnel.outputs == (Output("click", "click", "clicked", None),)


def test_funnel_of_click_and_conversion_adds_ctcvr() -> None:
    # Written bottom up: order of writing is kept, and need not be the funnel's.
    funnel = Funnel({"conversion": CONVERSION, "click": CLICK})
    assert funnel.chain("conversion") == ("click", "conversion")
    assert funnel.labels == ("converted", "clicked")
    assert funnel.outputs == (
        Output("conversion", "conversion", "converted", "clicked"),
        Output("click", "click", "clicked", None),
        Output("ctcvr", "conversion", "converted", None),
    )


def test_funnel_of_three_levels_names_each_joint() -> None:
    tasks = {
        "click": CLICK,
        "cart": TaskSpec(label="carted", given="click"),
        "buy": TaskSpec(label="bought", given="cart", joint="purchase"),
    }
    funnel = Funnel(tasks)
    assert funnel.chain("buy") == ("click", "cart", "buy")
    assert funnel.joint_name("cart") == "joint_cart"
    assert [output.name for output in funnel.outputs] == [
        "click",
        "cart",
        "buy",
        "joint_cart",
        "purchase",
    ]


def test_funnel_leaves_auxiliary_tasks_out_of_the_outputs() -> None:
    dwell = TaskSpec(label="dwelt", role="auxiliary")
    funnel = Funnel({"click": CLICK, "dwell": dwell})
    assert funnel.primary == ("click",)
    assert [output.name for output in funnel.outputs] == ["click"]
    assert funnel.labels == ("clicked", "dwelt")


def test_funnel_names_a_shared_label_once() -> None:
    funnel = Funnel({"click": CLICK, "again": TaskSpec(label="clicked")})
    assert funnel.labels == ("clicked",)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({}, "tasks must name at least one task; got none"),
        ({"conversion": CONVERSION}, r"tasks.conversion.given must be one of the tasks \(conv"),
        (
            {"a": TaskSpec(label="a", given="b"), "b": TaskSpec(label="b", given="a")},
            "tasks.a.given must not run in a circle; got a -> b -> a",
        ),
        ({"a": TaskSpec(label="a", given="a")}, "must not run in a circle; got a -> a"),
        ({"a": TaskSpec(label="a", joint="both")}, "tasks.a.joint needs given; got both"),
        ({"a": TaskSpec(label="a", role="auxiliary")}, "at least one with role primary; got none"),
        (
            {"click": CLICK.model_copy(update={"role": "auxiliary"}), "conversion": CONVERSION},
            "tasks.click.role must be primary too",
        ),
        (
            {"click": CLICK, "ctcvr": CONVERSION},
            "tasks must give each output its own name; got ctcvr twice",
        ),
        (
            {"click": CLICK, "buy": CONVERSION.model_copy(update={"joint": "click"})},
            "tasks must give each output its own name; got click twice",
        ),
    ],
)
def test_funnel_rejects(tasks: dict[str, TaskSpec], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Funnel(tasks)
