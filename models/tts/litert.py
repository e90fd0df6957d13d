"""Make a TensorFlow Lite model runnable where one operator is missing.

The acoustic model of the Baker voice draws its dropout noise with `FlexRandomUniform`,
which exists only inside TensorFlow. The noise decides which units to keep; a constant
just under 1 keeps them all, which is what inference wants anyway.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models.base import ModelError

RANDOM_UNIFORM = b"FlexRandomUniform"
KEEP_ALL = 0.99
FILE_IDENTIFIER = b"TFL3"


def replace_random_uniform(model: bytes) -> bytes:
    """The model with each FlexRandomUniform(shape) as the builtin FILL(shape, 0.99).

    Raises:
        ModelError: the model has no such operator, so it is not the model meant here.
    """
    graph_model = schema.ModelT.InitFromPackedBuf(model, 0)
    codes = graph_model.operatorCodes
    wanted = [i for i, code in enumerate(codes) if code.customCode == RANDOM_UNIFORM]
    if not wanted:
        raise ModelError("the acoustic model has no FlexRandomUniform operator to replace")
    for index in wanted:
        codes[index].customCode = None
        codes[index].builtinCode = schema.BuiltinOperator.FILL
        codes[index].deprecatedBuiltinCode = schema.BuiltinOperator.FILL
        codes[index].version = 1
    for graph in graph_model.subgraphs:
        affected = [op for op in graph.operators if op.opcodeIndex in wanted]
        if not affected:
            continue
        value = _add_constant(graph_model, graph)
        for operator in affected:
            operator.inputs = np.array([operator.inputs[0], value], dtype=np.int32)
            operator.customOptions = None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(graph_model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _add_constant(model: Any, graph: Any) -> int:
    """Add the scalar KEEP_ALL to a graph; returns its tensor index."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.float32(KEEP_ALL).tobytes(), dtype=np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name = b"keep_all"
    tensor.shape = np.zeros(0, dtype=np.int32)
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
