"""Reads the nodes of a .onnx file, and makes values inside its graph outputs.

ONNX files are protocol buffers. The package `onnx`, which knows all their messages, is not installed where networks
serve; protobuf comes with ONNX Runtime. It needs only the fields declared here, and keeps all others as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto

# By message: the fields' names, numbers and types, from onnx.proto. A name in capitals is another message.
MESSAGES: Final[dict[str, list[tuple[str, int, str]]]] = {
    "MODEL": [("graph", 7, "GRAPH")],
    "GRAPH": [("node", 1, "NODE"), ("initializer", 5, "TENSOR"), ("output", 12, "VALUE")],
    "NODE": [("input", 1, "string"), ("output", 2, "string"), ("op_type", 4, "string"), ("attribute", 5, "ATTRIBUTE")],
    "ATTRIBUTE": [("name", 1, "string"), ("ints", 8, "int64")],
    "TENSOR": [("name", 8, "string")],
    "VALUE": [("name", 1, "string")],
}
SINGLE: Final = {"graph", "op_type", "name"}  # all other fields are repeated


@dataclass(frozen=True)
class Node:
    """An operation of the graph."""

    kind: str  # ONNX's name of it: Conv, MaxPool, Relu, …
    output: str
    weights: tuple[str, ...]  # names of its inputs that are stored in the file
    attributes: dict[str, list[int]]  # the lists of numbers among them, such as `strides`


def list_nodes(content: bytes) -> list[Node]:
    """Return the operations of a .onnx file, in order. Raises protobuf's `DecodeError`."""
    graph = _parse(content).graph
    stored = {tensor.name for tensor in graph.initializer}
    return [
        Node(
            kind=node.op_type,
            output=node.output[0],
            weights=tuple(name for name in node.input if name in stored),
            attributes={attribute.name: list(attribute.ints) for attribute in node.attribute if attribute.ints},
        )
        for node in graph.node
    ]


def add_outputs(content: bytes, names: Sequence[str]) -> bytes:
    """Return a .onnx file whose graph also gives the values `names`, of nodes or weights, as outputs."""
    model = _parse(content)
    present = {value.name for value in model.graph.output}
    for name in names:
        if name not in present:
            model.graph.output.add(name=name)
    extended: bytes = model.SerializeToString()
    return extended


def _parse(content: bytes) -> Any:
    return _model_class().FromString(content)


@cache
def _model_class() -> Any:
    """Build the class of the message `MODEL`."""
    file = descriptor_pb2.FileDescriptorProto(name="graph.proto", package="graph", syntax="proto2")
    for message, fields in MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        for name, number, kind in fields:
            label = Field.LABEL_OPTIONAL if name in SINGLE else Field.LABEL_REPEATED
            field = descriptor.field.add(name=name, number=number, label=label)
            field.type = {"string": Field.TYPE_STRING, "int64": Field.TYPE_INT64}.get(kind, Field.TYPE_MESSAGE)
            if kind in MESSAGES:
                field.type_name = f".graph.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("graph.MODEL"))
