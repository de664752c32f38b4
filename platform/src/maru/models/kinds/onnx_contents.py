"""What an ONNX file says of itself, read without the onnx package and without running it.

An ONNX file is one protobuf message (onnx.proto, ONNX 1.x). onnxruntime would follow it to other
files (external data), to libraries (custom operators) and into loops that need not end, so those
are looked for here, in the bytes, before onnxruntime sees any of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from maru.errors import ModelError

# Numbers of the fields that are followed, by message (onnx.proto).
_MODEL = {"graph": 7, "opset_import": 8, "training_info": 20, "functions": 25}
_GRAPH = {"node": 1, "initializer": 5, "sparse_initializer": 15}
_NODE = {"op_type": 4, "attribute": 5, "domain": 7}
_ATTRIBUTE = {"t": 5, "g": 6, "tensors": 10, "graphs": 11, "sparse_tensor": 22}
_ATTRIBUTE_MORE = {"sparse_tensors": 23}
_TENSOR = {"external_data": 13, "data_location": 14}
_SPARSE = {"values": 1, "indices": 2}
_OPSET_DOMAIN = 1

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class Contents:
    """What the checks ask about."""

    operators: set[tuple[str, str]] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    external_data: bool = False
    subgraphs: bool = False
    functions: bool = False


def read_contents(data: bytes) -> Contents:
    """Walk the file.

    Raises
    ------
    ModelError
        If the bytes are not a protobuf message with a graph.
    """
    found = Contents()
    graphs = 0
    for number, value in _fields(data):
        if number == _MODEL["graph"]:
            graphs += 1
            _read_graph(_message(value), found)
        elif number == _MODEL["opset_import"]:
            domains = [v for n, v in _fields(_message(value)) if n == _OPSET_DOMAIN]
            found.domains.add(_text(domains[-1]) if domains else "")
        elif number in (_MODEL["functions"], _MODEL["training_info"]):
            found.functions = True
    if graphs != 1:
        raise ModelError(f"an ONNX model holds one graph, got {graphs}")
    return found


def _read_graph(data: bytes, found: Contents) -> None:
    for number, value in _fields(data):
        if number == _GRAPH["node"]:
            _read_node(_message(value), found)
        elif number == _GRAPH["initializer"]:
            _read_tensor(_message(value), found)
        elif number == _GRAPH["sparse_initializer"]:
            _read_sparse(_message(value), found)


def _read_node(data: bytes, found: Contents) -> None:
    operator = domain = ""
    for number, value in _fields(data):
        if number == _NODE["op_type"]:
            operator = _text(value)
        elif number == _NODE["domain"]:
            domain = _text(value)
        elif number == _NODE["attribute"]:
            _read_attribute(_message(value), found)
    found.operators.add((domain, operator))


def _read_attribute(data: bytes, found: Contents) -> None:
    for number, value in _fields(data):
        if number in (_ATTRIBUTE["g"], _ATTRIBUTE["graphs"]):
            found.subgraphs = True
        elif number in (_ATTRIBUTE["t"], _ATTRIBUTE["tensors"]):
            _read_tensor(_message(value), found)
        elif number in (_ATTRIBUTE["sparse_tensor"], _ATTRIBUTE_MORE["sparse_tensors"]):
            _read_sparse(_message(value), found)


def _read_sparse(data: bytes, found: Contents) -> None:
    for number, value in _fields(data):
        if number in _SPARSE.values():
            _read_tensor(_message(value), found)


def _read_tensor(data: bytes, found: Contents) -> None:
    for number, value in _fields(data):
        if number == _TENSOR["external_data"] or (number == _TENSOR["data_location"] and value):
            found.external_data = True


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a protobuf message: bytes, or a number as an int."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ModelError(f"the file is no ONNX model: byte {at} starts no protobuf field")
        if number == 0 or size > end - at:
            raise ModelError(f"the file is no ONNX model: the field at byte {at} is cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7
    raise ModelError(f"the file is no ONNX model: a number ends at byte {at} of {len(data)}")


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ModelError("the file is no ONNX model: a number stands where a message should")
    return value


def _text(value: int | bytes) -> str:
    return _message(value).decode("utf-8", "replace")
