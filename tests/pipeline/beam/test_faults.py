"""An error raised on purpose keeps its kind and text through an engine."""

import grpc
import pytest

from rankbeam.pipeline.beam.faults import raised_on_worker
from rankbeam.transform.errors import DataError, EnvironmentFault, GateError, RankbeamError

# As Beam 2.62's Flink runner words it.
_WRAPPED = """Pipeline a_b failed in state FAILED: java.lang.RuntimeException: Error received from \
SDK harness for instruction 3: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1495, in process
  File "/site-packages/rankbeam/components/x.py", line 9, in process
    raise DataError("f must g; got h")
rankbeam.transform.errors.{name}: column 'a' must hold b; got c [while running 'X/Y']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.handle(FnApiControlClient)
"""


@pytest.mark.parametrize("kind", [DataError, GateError, EnvironmentFault])
def test_error_of_a_worker_keeps_kind_and_text(kind: type[RankbeamError]) -> None:
    told = raised_on_worker(RuntimeError(_WRAPPED.format(name=kind.__name__)))
    assert type(told) is kind
    assert str(told) == "column 'a' must hold b; got c"


def test_error_of_several_lines_ends_where_it_ends() -> None:
    text = "rankbeam.transform.errors.GateError: one\ntwo\n\tat org.apache.Beam"
    assert str(raised_on_worker(RuntimeError(text))) == "one\ntwo"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Pipeline a_b failed in state FAILED: java.lang.OutOfMemoryError"),
        RuntimeError("rankbeam.transform.errors.Unknown: x"),
        ValueError("Socket closed"),
    ],
)
def test_other_errors_are_left_alone(error: Exception) -> None:
    assert raised_on_worker(error) is None


def test_engine_that_went_away_is_a_fault() -> None:
    with (
        grpc.insecure_channel("localhost:1") as channel,
        pytest.raises(grpc.RpcError, match="failed to connect to all addresses") as raised,
    ):
        channel.unary_unary("/any/method")(b"", timeout=5)
    told = raised_on_worker(raised.value)
    assert isinstance(told, EnvironmentFault)
    assert str(told).startswith("the Beam engine must stay up while a run goes on")
