"""TensorProto in and out, against TensorFlow's own encoder and decoder."""

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.serving import tensors
from rankbeam.serving.status import Refusal

ARRAYS = [
    np.array([0.0, -1.5, np.nan, np.inf], np.float32),
    np.array([[1e300, -0.0]], np.float64),
    np.array([[-(2**63)], [2**63 - 1]], np.int64),
    np.array([2**64 - 1, 0], np.uint64),
    np.array([-128, 127], np.int8),
    np.array([65535], np.uint16),
    np.array(7, np.int32),
    np.array([True, False]),
    np.array([1.5, -2.0], np.float16),
    np.zeros([0, 3], np.float32),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_tensors_encode_reads_back_by_tensorflow(array: np.ndarray) -> None:  # type: ignore[type-arg]
    proto = tensors.encode(array)
    found = tf.make_ndarray(proto)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_tensors_decode_array_reads_what_tensorflow_wrote(array: np.ndarray) -> None:  # type: ignore[type-arg]
    np.testing.assert_array_equal(tensors.decode_array(tf.make_tensor_proto(array)), array)


def test_tensors_encode_keeps_zero_bytes_at_the_end() -> None:
    mixed = np.array([b"a\0\0", b"\0", "b\0"], object)
    assert list(tensors.encode(mixed).string_val) == [b"a\0\0", b"\0", b"b\0"]
    assert list(tensors.encode([b"a\0\0", b"\0"]).string_val) == [b"a\0\0", b"\0"]


def test_tensors_encode_strings_as_utf8() -> None:
    proto = tensors.encode(np.array([["ü", "b"], ["", "d"]]))
    assert list(proto.string_val) == ["ü".encode(), b"b", b"", b"d"]
    assert [dim.size for dim in proto.tensor_shape.dim] == [2, 2]


def test_tensors_encode_keeps_bytes_with_trailing_zeros() -> None:
    payload = b"\x00a\x00"
    assert list(tensors.encode(np.array([payload], object)).string_val) == [payload]


def test_tensors_encode_uses_typed_fields_as_tensorflow_serving() -> None:
    proto = tensors.encode(np.array([0.5, 0.25], np.float32))
    assert list(proto.float_val) == [0.5, 0.25]
    assert proto.tensor_content == b""


def test_tensors_decode_input_accepts_content_and_fields() -> None:
    spec = tf.TensorSpec([None, 1], tf.float32)
    array = np.array([[0.5], [0.25]], np.float32)
    by_content = tensors.decode_input("x", tf.make_tensor_proto(array), spec)
    by_field = tensors.decode_input("x", tensors.encode(array), spec)
    np.testing.assert_array_equal(by_content, array)
    np.testing.assert_array_equal(by_field, array)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (tf.make_tensor_proto(["a"]), r"Expects arg\[0\] to be float but string is provided"),
        (
            tf.make_tensor_proto([1.0], tf.float64),
            r"Expects arg\[0\] to be float but double is provided",
        ),
        (tf.make_tensor_proto([1.0]), r"shape \(None, 1\) but \(1,\) is provided"),
        (tf.make_tensor_proto([[1.0, 2.0]]), r"shape \(None, 1\) but \(1, 2\) is provided"),
    ],
)
def test_tensors_decode_input_refuses_other_type_or_shape(
    sent: tf.compat.v1.TensorInfo, message: str
) -> None:
    with pytest.raises(Refusal, match=f"INVALID_ARGUMENT: .*{message}"):
        tensors.decode_input("x", sent, tf.TensorSpec([None, 1], tf.float32))


def test_tensors_decode_input_refuses_content_of_another_size() -> None:
    proto = tf.make_tensor_proto(np.ones([4], np.float32))
    proto.tensor_content = proto.tensor_content[:-1]
    with pytest.raises(Refusal, match="INVALID_ARGUMENT: tensor parsing error: x"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.float32))


# None, a reference, and what there is not: TensorFlow can read none of them.
@pytest.mark.parametrize("number", [0, 101, 77, -1])
def test_tensors_decode_input_refuses_a_dtype_that_cannot_be_sent(number: int) -> None:
    proto = tf.make_tensor_proto([1.0])
    proto.dtype = number
    with pytest.raises(Refusal, match=r"^INVALID_ARGUMENT: tensor parsing error: x$"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.float32))


@pytest.mark.parametrize("sent", [tf.float32, tf.string])
def test_tensors_decode_input_says_first_what_cannot_be_read(sent: tf.DType) -> None:
    proto = tf.make_tensor_proto(np.ones([4], np.float64))
    proto.dtype = sent.as_datatype_enum  # the content is of another size, or of none
    with pytest.raises(Refusal, match=r"^INVALID_ARGUMENT: tensor parsing error: x$"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.int64))


def test_tensors_decode_input_names_the_argument_that_is_wrong() -> None:
    proto = tf.make_tensor_proto([1])
    with pytest.raises(Refusal, match=r"Expects arg\[2\] to be string but int32 is provided"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.string), {"x": 2}.__getitem__)


@pytest.mark.parametrize(
    "dtype",
    ["float32", "float64", "float16", "int8", "uint8", "int16", "int32", "int64", "uint64", "bool"],
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3)])
def test_tensors_decode_input_reads_what_tensorflow_reads(
    dtype: str, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(5)
    array = rng.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    spec = tf.TensorSpec(None, tf.as_dtype(dtype))
    for proto in (tf.make_tensor_proto(array), tensors.encode(array)):
        read = tensors.decode_input("x", proto, spec)
        oracle = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(dtype)).numpy()
        np.testing.assert_array_equal(read, oracle)
        assert read.dtype == oracle.dtype


def test_tensors_decode_input_wraps_narrow_integers_as_tensorflow_does() -> None:
    proto = tensors.encode(np.zeros([2], np.int8))
    proto.int_val[:] = [300, -129]
    read = tensors.decode_input("x", proto, tf.TensorSpec([None], tf.int8))
    assert read.tolist() == [44, 127]
    oracle = tf.io.parse_tensor(proto.SerializeToString(), tf.int8).numpy()
    assert read.tolist() == oracle.tolist()


def test_tensors_decode_input_repeats_a_single_value() -> None:
    proto = tensors.encode(np.array([7.0], np.float32))
    proto.tensor_shape.dim[0].size = 3
    read = tensors.decode_input("x", proto, tf.TensorSpec([None], tf.float32))
    assert read.tolist() == [7.0, 7.0, 7.0]


def test_tensors_decode_input_refuses_few_bytes_that_announce_a_huge_tensor() -> None:
    proto = tensors.encode(np.array([7.0], np.float32))
    proto.tensor_shape.dim[0].size = 1 << 40
    with pytest.raises(Refusal, match=r"announces the shape \[1099511627776\] and holds fewer"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.float32))


def test_tensors_decode_input_repeats_a_string_less_often() -> None:
    proto = tensors.encode(np.array([b"x"], object))
    proto.tensor_shape.dim[0].size = (1 << 20) + 1
    with pytest.raises(Refusal, match=r"announces the shape \[1048577\] and holds fewer"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.string))
    proto.tensor_shape.dim[0].size = 3
    read = tensors.decode_input("x", proto, tf.TensorSpec([None], tf.string))
    assert read.tolist() == [b"x"] * 3


@pytest.mark.parametrize("size", [-1, -(2**40)])
def test_tensors_decode_input_refuses_negative_sizes(size: int) -> None:
    proto = tensors.encode(np.array([7.0], np.float32))
    proto.tensor_shape.dim[0].size = size
    with pytest.raises(Refusal, match="INVALID_ARGUMENT: tensor parsing error: x"):
        tensors.decode_input("x", proto, tf.TensorSpec([None], tf.float32))
