"""What benchmarks/scale.py concludes from its figures."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale import JUDGED, Size, combined, exponent, schedule, table, verdicts

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale.py"


def _size(rows: int, seconds: float, peak_mb: float = 1_000.0) -> Size:
    return Size(rows, dict.fromkeys(JUDGED, seconds), dict.fromkeys(JUDGED, peak_mb))


@pytest.mark.parametrize("power", [0.5, 1.0, 1.2])
def test_exponent_is_that_of_a_power_law(power: float) -> None:
    sizes = [(rows, 3e-3 * rows**power) for rows in (1_000, 7_000, 90_000)]
    assert exponent(sizes) == pytest.approx(power)


def test_exponent_of_one_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 2; got 1"):
        exponent([(10, 1.0)])


def test_verdicts_look_at_the_two_largest_sizes_too() -> None:
    # Over all three sizes the exponent is 1; from 10,000 to 100,000 rows it is 1.3.
    sizes = [_size(1_000, 1.0), _size(10_000, 10**0.7), _size(100_000, 100.0)]
    missed = verdicts(sizes)
    assert all("MISSED" in line and "to the 1.00," in line for line in missed[:-1])
    assert all("to the 1.30 " in line for line in missed[:-1])
    linear = [_size(rows, rows / 1_000) for rows in (1_000, 10_000, 100_000)]
    assert all("- met" in line for line in verdicts(linear))


def test_verdict_on_memory_is_of_the_largest_size() -> None:
    assert "met" in verdicts([_size(10, 1.0, 9_000), _size(20, 2.0, 7_999)])[-1]
    assert "MISSED" in verdicts([_size(10, 1.0, 1.0), _size(20, 2.0, 8_000)])[-1]


def test_verdicts_on_one_size_are_of_memory_alone() -> None:
    [line] = verdicts([_size(10, 1.0)])
    assert "peak memory at 10 rows: 1,000 MB" in line


def test_schedule_repeats_all_but_the_largest_around_it() -> None:
    assert schedule([30, 10, 20], 3) == [10, 20, 30, 10, 20, 10, 20]
    assert schedule([30, 10], 1) == [10, 30]
    assert schedule([30], 3) == [30]


def test_combined_takes_medians_of_time_and_the_highest_memory() -> None:
    runs = [_size(10, 3.0, 50.0), _size(20, 9.0), _size(10, 1.0, 70.0), _size(10, 1.5, 60.0)]
    assert combined(runs) == [_size(10, 1.5, 70.0), _size(20, 9.0)]


def test_table_leaves_out_nodes_that_take_no_time() -> None:
    size = Size(1_000_000, {"Quick": 0.1, "Slow": 40.0}, {"Quick": 1.0, "Slow": 1_500.0})
    lines = table([size])
    assert lines[2:] == ["| Slow | 40.0 / 1,500 |", "| all | 40, 40 µs/row |"]


@pytest.mark.parametrize(
    ("seconds", "peak_mb", "code"),
    [((1.0, 4.0), 7_999.0, 0), ((1.0, 40.0), 7_999.0, 1), ((1.0, 4.0), 8_000.0, 1)],
)
def test_exit_code_tells_whether_a_promise_was_missed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    seconds: tuple[float, float],
    peak_mb: float,
    code: int,
) -> None:
    """The script as it is run, on simulated logs; only the DAG, which takes minutes, is not."""
    takes = iter(seconds)

    def dag(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        each = _size(0, next(takes), peak_mb)
        Path(command[5]).write_text(
            json.dumps({"seconds": each.seconds, "peak_mb": each.peak_mb}), encoding="utf-8"
        )
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", dag)
    words = ["--rows", "1000", "4000", "--repeats", "1", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [str(_SCRIPT), *words])
    with pytest.raises(SystemExit, match=f"^{code}$"):
        runpy.run_path(str(_SCRIPT), run_name="__main__")
    assert ("MISSED" in capsys.readouterr().out) == bool(code)
    assert list(tmp_path.iterdir()) == []


def test_help_needs_no_tensorflow() -> None:
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), "--help"], capture_output=True, text=True, check=True
    )
    assert "--rows" in done.stdout
