"""Joining and splitting batches: pure array work, held against what each request gives alone."""

import numpy as np
import pytest

from rankbeam.serving.engine import batch
from rankbeam.serving.status import Refusal
from rankbeam.serving.tensors import Array


def _rows(*values: float) -> dict[str, Array]:
    return {"x": np.array(values, np.float32)}


def test_batch_join_then_split_gives_each_request_its_rows() -> None:
    requests = [_rows(1, 2), _rows(3), _rows(4, 5, 6)]
    joined = batch.join(requests, 6, pad_inner=False)
    assert joined["x"].tolist() == [1, 2, 3, 4, 5, 6]
    parts = batch.split({"y": joined["x"] * 10}, [2, 1, 3], 6)
    assert [part["y"].tolist() for part in parts] == [[10, 20], [30], [40, 50, 60]]


def test_batch_join_fills_up_with_the_first_row_and_split_drops_it() -> None:
    joined = batch.join([_rows(7, 8), _rows(9)], 5, pad_inner=False)
    assert joined["x"].tolist() == [7, 8, 9, 7, 7]
    parts = batch.split(joined, [2, 1], 5)
    assert [part["x"].tolist() for part in parts] == [[7, 8], [9]]


def test_batch_join_pads_inner_dimensions_with_nothing() -> None:
    requests = [
        {"tags": np.array([[b"a", b"b"]], object), "n": np.array([[1]], np.int64)},
        {"tags": np.array([[b"c"]], object), "n": np.array([[2, 3, 4]], np.int64)},
    ]
    joined = batch.join(requests, 2, pad_inner=True)
    assert joined["tags"].tolist() == [[b"a", b"b"], [b"c", b""]]
    assert joined["n"].tolist() == [[1, 0, 0], [2, 3, 4]]
    assert joined["n"].dtype == np.int64


def test_batch_of_one_request_is_that_request() -> None:
    request = _rows(1, 2)
    assert batch.join([request], 2, pad_inner=False)["x"] is request["x"]


def test_batch_split_refuses_an_output_without_a_row_for_each() -> None:
    with pytest.raises(
        Refusal, match=r"FAILED_PRECONDITION: .*y has shape \[1\], the batch 3 rows"
    ):
        batch.split({"y": np.zeros(1)}, [1, 2], 3)
    with pytest.raises(Refusal, match=r"y has shape \[\], the batch 3 rows"):
        batch.split({"y": np.zeros(())}, [1, 2], 3)


@pytest.mark.parametrize(
    ("arrays", "size"),
    [
        ({}, None),
        ({"x": np.zeros(())}, None),
        ({"x": np.zeros(3), "y": np.zeros(())}, None),
        ({"x": np.zeros((0, 2))}, 0),
        ({"x": np.zeros((4, 2)), "y": np.zeros(4)}, 4),
    ],
)
def test_batch_size_is_the_common_first_dimension(
    arrays: dict[str, Array], size: int | None
) -> None:
    assert batch.batch_size(arrays) == size


def test_batch_size_refuses_unequal_first_dimensions() -> None:
    with pytest.raises(Refusal, match=r"INVALID_ARGUMENT: .*equal 0th-dimension size"):
        batch.batch_size({"x": np.zeros(3), "y": np.zeros(2)})


@pytest.mark.parametrize(
    ("size", "allowed", "padded"),
    [(3, (), 3), (1, (2, 4), 2), (2, (2, 4), 2), (3, (2, 4), 4), (4, (2, 4), 4)],
)
def test_batch_padded_size_is_the_next_allowed_one(
    size: int, allowed: tuple[int, ...], padded: int
) -> None:
    assert batch.padded_size(size, allowed) == padded


@pytest.mark.parametrize(("first", "rest"), [(1, 1), (2, 3), (4, 3), (7, 2), (9, 9)])
def test_batch_cut_pieces_make_up_the_request(first: int, rest: int) -> None:
    request = {"x": np.arange(7), "y": np.arange(14).reshape(7, 2)}
    pieces = batch.cut(request, first, rest)
    sizes = [len(piece["x"]) for piece in pieces]
    assert sizes[0] == min(first, 7)
    assert all(0 < size <= rest for size in sizes[1:])
    for name, whole in request.items():
        np.testing.assert_array_equal(np.concatenate([p[name] for p in pieces]), whole)
