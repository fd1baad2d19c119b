"""Sentences, headlines and the page, from values alone."""

import math
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tensorflow_model_analysis.proto import config_pb2

from rankbeam.components.evaluator import sentences
from rankbeam.components.evaluator.catalog import METRICS
from rankbeam.components.evaluator.evaluation import (
    CalibrationPoint,
    Evaluation,
    OutputEvaluation,
    SliceEvaluation,
    number,
    slice_name,
)
from rankbeam.components.evaluator.html import render
from rankbeam.components.evaluator.report import read_evaluation, write_html
from rankbeam.components.evaluator.svg import calibration_plot
from rankbeam.transform.errors import DataError

POINTS = (CalibrationPoint(0.1, 0.2, 30.0), CalibrationPoint(0.4, 0.3, 10.0))
HOSTILE = "<script>alert(1)</script>"


def evaluation(*, blessed: bool = True, baseline: bool = True) -> Evaluation:
    values = dict.fromkeys(METRICS, 0.5) | {"example_count": 40.0}
    older = values | {"auc": 0.4, "log_loss": 0.4, "calibration": 0.9}
    return Evaluation(
        blessed=blessed,
        failures=() if blessed else ("click auc must be >= 0.6; got 0.5",),
        outputs=(
            OutputEvaluation(
                "click",
                (
                    SliceEvaluation((), values, older if baseline else {}, POINTS),
                    SliceEvaluation((("device", HOSTILE),), values | {"auc": math.nan}, {}, ()),
                ),
            ),
        ),
    )


def bounds(lower: float | None = None, upper: float | None = None) -> object:
    threshold = config_pb2.GenericValueThreshold()
    if lower is not None:
        threshold.lower_bound.value = lower
    if upper is not None:
        threshold.upper_bound.value = upper
    return threshold


def test_sentence_of_a_bound_names_output_metric_slice_bound_and_value() -> None:
    key = (("country", "de"), ("device", "mobile"))
    made = list(sentences.broken_bounds("click", "auc", key, bounds(lower=0.7), 0.64))
    assert made == ["click auc in country=de, device=mobile must be >= 0.7; got 0.64"]


def test_sentence_of_a_bound_shows_the_digits_that_matter() -> None:
    (made,) = sentences.broken_bounds("click", "auc", (), bounds(lower=0.7), 0.6999999)
    assert made == "click auc must be >= 0.7; got 0.6999999"


def test_sentences_of_bounds_that_hold_are_none() -> None:
    assert not list(sentences.broken_bounds("click", "ece", (), bounds(0.1, 0.2), 0.1))
    assert len(list(sentences.broken_bounds("click", "ece", (), bounds(0.1, 0.2), 0.3))) == 1
    assert len(list(sentences.broken_bounds("click", "ece", (), bounds(0.1, 0.2), math.nan))) == 2


@pytest.mark.parametrize(
    ("direction", "allowed", "value", "blessed", "expected"),
    [
        (2, {"absolute": -0.01}, 0.68, 0.7, "at most 0.01 below the last blessed model's 0.7"),
        (2, {"relative": -0.02}, 0.68, 0.7, "at most 2 % below the last blessed model's 0.7"),
        (1, {"absolute": 0.0}, 0.5, 0.4, "at most 0 above the last blessed model's 0.4"),
        (1, {"relative": 0.1}, 0.5, 0.0, "at most 10 % above the last blessed model's 0; got 0.5"),
        (2, {"absolute": -0.3}, 0.5, 0.7, None),
        (1, {"relative": 0.5}, 0.5, 0.4, None),
        (2, {"absolute": -0.1}, math.nan, 0.7, "model's 0.7; got no value"),
        (2, {"absolute": -0.1}, 0.7, math.nan, "model's no value"),
    ],
)
def test_sentence_of_a_change_says_how_much_worse_was_allowed(
    direction: int, allowed: dict[str, float], value: float, blessed: float, expected: str | None
) -> None:
    threshold = config_pb2.GenericChangeThreshold(direction=direction)
    for name, amount in allowed.items():
        getattr(threshold, name).value = amount
    made = list(sentences.broken_changes("click", "auc", (), threshold, value, blessed))
    assert (len(made) == 1) == (expected is not None)
    assert expected is None or expected in made[0]


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "–"), (20000.0, "20000"), (0.123456, "0.1235"), (0.0, "0")]
)
def test_number_is_short(value: float, text: str) -> None:
    assert number(value) == text


def test_slice_name_of_all_rows() -> None:
    assert slice_name(()) == "all rows"
    assert slice_name((("age", 30), ("device", "tv"))) == "age=30, device=tv"


class _Page(HTMLParser):
    """Collects tags, and checks that they are balanced."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_well_formed_and_needs_nothing_else() -> None:
    page = _Page(render(evaluation(blessed=False)))
    assert not page.open
    assert not page.links
    assert "script" not in page.tags
    assert page.tags.count("svg") == 1
    assert page.tags.count("circle") == len(POINTS)


def test_html_tells_values_changes_and_failures() -> None:
    text = render(evaluation(blessed=False))
    assert "Not blessed" in text
    assert "<li>click auc must be &gt;= 0.6; got 0.5</li>" in text
    assert '0.5<small class="good">+0.1</small>' in text  # AUC rose
    assert '0.5<small class="bad">+0.1</small>' in text  # log loss rose
    assert '0.5<small class="">-0.4</small>' in text  # calibration moved
    assert "<td>–</td>" in text
    assert "no blessed model" in render(evaluation(baseline=False))


def test_html_of_an_evaluation_without_rows() -> None:
    text = render(Evaluation(False, (), (OutputEvaluation("click", ()),)))
    assert "No row was evaluated." in text


def test_svg_puts_a_calibrated_point_on_the_diagonal() -> None:
    text = calibration_plot((CalibrationPoint(0.2, 0.2, 1.0), CalibrationPoint(0.4, 0.1, 1.0)))
    # The largest value, 0.4, spans 240 px from the left edge 44, and from 250 upwards.
    assert 'points="164.0,130.0 284.0,190.0"' in text


def test_svg_of_predictions_that_are_all_zero() -> None:
    assert "nan" not in calibration_plot((CalibrationPoint(0.0, 0.0, 1.0),))


def test_write_html_replaces_the_page_whole(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.html"
    path.write_text("old")
    write_html(evaluation(), path)
    assert path.read_text(encoding="utf-8") == render(evaluation())
    assert os.listdir(tmp_path) == ["evaluation.html"]


def test_write_html_leaves_nothing_behind_when_it_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    (path / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_html(evaluation(), path)
    assert os.listdir(tmp_path) == ["taken"]


def test_read_evaluation_names_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"evaluation must hold the Evaluator's results; got .*no"):
        read_evaluation(str(tmp_path / "nowhere"), str(tmp_path))
