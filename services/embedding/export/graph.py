"""The network of the bundled model as an ONNX graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from services.embedding.export.quantization import quantize
from services.embedding.export.weights import Weights

DIMENSIONS = 384
POSITIONS = 256
"""The model was trained on texts of up to 256 tokens; it has room for 512 but is worse on them."""

_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_CONTRIB = "com.microsoft"
# Seven bits where weights meet eight-bit activations: processors without VNNI add two products in 16 bits,
# which eight-bit weights overflow. Seven-bit ones give the same sums everywhere.
_MATRIX_LEVELS = 63
_TABLE_LEVELS = 127


class _Graph:
    """Collects nodes and constants. A node is called as its one result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(
        self, kind: str, inputs: Sequence[str], *outputs: str, domain: str = "", **attributes: Any
    ) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]


def build_graph(weights: Weights) -> onnx.ModelProto:
    """
    Return the graph: `input_ids` int64 `(1, tokens)` to `vector` float32 `(1, 384)` of length 1.

    There is no attention mask: a run holds one text without padding.
    """
    graph = _Graph()
    hidden = _embeddings(graph, weights)
    for layer in range(_LAYERS):
        hidden = _layer(graph, weights, f"encoder.layer.{layer}.", hidden)
    mean = graph.node(
        "ReduceMean", [hidden, graph.constant("tokens_axis", np.array([1]))], "mean", keepdims=0
    )
    graph.node("LpNormalization", [mean], "vector", axis=-1, p=2)
    return _model(graph)


def _embeddings(graph: _Graph, weights: Weights) -> str:
    prefix = "embeddings."
    rows, scales = quantize(weights[prefix + "word_embeddings.weight"], axis=1, levels=_TABLE_LEVELS)
    row = graph.node("Gather", [graph.constant("words", rows), "input_ids"], "word_rows")
    scale = graph.node("Gather", [graph.constant("word_scales", scales), "input_ids"], "word_row_scales")
    row = graph.node("Cast", [row], "word_floats", to=TensorProto.FLOAT)
    words = graph.node("Mul", [row, scale], "word_vectors")
    # Every token is of the first segment, so that its vector can be added to the positions beforehand.
    segment = weights[prefix + "token_type_embeddings.weight"][0]
    table = weights[prefix + "position_embeddings.weight"][:POSITIONS] + segment
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.constant("zero", np.array([0]))
    positions = graph.node(
        "Slice", [graph.constant("positions", table), zero, length, zero], "position_vectors"
    )
    total = graph.node("Add", [words, positions], "embedding_sum")
    norm = prefix + "LayerNorm."
    gain, shift = (graph.constant(norm + each, weights[norm + each]) for each in ("weight", "bias"))
    return graph.node("LayerNormalization", [total, gain, shift], "embedding", axis=-1, epsilon=_EPSILON)


def _layer(graph: _Graph, weights: Weights, prefix: str, hidden: str) -> str:
    attended = _attention(graph, weights, prefix + "attention.", hidden)
    hidden = _add_and_normalize(graph, weights, prefix + "attention.output.LayerNorm.", attended, hidden)
    inner = _dense(graph, weights, [prefix + "intermediate.dense."], hidden)
    inner = graph.node("Gelu", [inner], prefix + "gelu")
    inner = _dense(graph, weights, [prefix + "output.dense."], inner)
    return _add_and_normalize(graph, weights, prefix + "output.LayerNorm.", inner, hidden)


def _attention(graph: _Graph, weights: Weights, prefix: str, hidden: str) -> str:
    names = ("query", "key", "value")
    joined = _dense(graph, weights, [f"{prefix}self.{name}." for name in names], hidden)
    parts = [prefix + name for name in names]
    graph.node("Split", [joined], *parts, axis=-1, num_outputs=len(parts))
    mixed = graph.node("MultiHeadAttention", parts, prefix + "mixed", domain=_CONTRIB, num_heads=_HEADS)
    return _dense(graph, weights, [prefix + "output.dense."], mixed)


def _dense(graph: _Graph, weights: Weights, prefixes: Sequence[str], hidden: str) -> str:
    """Join the matrices of `prefixes` side by side, so that `hidden` is quantised once for all of them."""
    name = prefixes[0]
    matrix = np.concatenate([weights[prefix + "weight"] for prefix in prefixes]).T
    bias = np.concatenate([weights[prefix + "bias"] for prefix in prefixes])
    levels, scales = quantize(matrix, axis=0, levels=_MATRIX_LEVELS)
    inputs = [
        hidden,
        graph.constant(name + "matrix", levels),
        graph.constant(name + "scales", scales[0]),
        "",
        graph.constant(name + "bias", bias),
    ]
    return graph.node("DynamicQuantizeMatMul", inputs, name + "result", domain=_CONTRIB)


def _add_and_normalize(graph: _Graph, weights: Weights, prefix: str, hidden: str, skipped: str) -> str:
    gain, shift = (graph.constant(prefix + each, weights[prefix + each]) for each in ("weight", "bias"))
    inputs = [hidden, skipped, gain, shift]
    return graph.node("SkipLayerNormalization", inputs, prefix + "result", domain=_CONTRIB, epsilon=_EPSILON)


def _model(graph: _Graph) -> onnx.ModelProto:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, DIMENSIONS])
    body = helper.make_graph(graph.nodes, "all-minilm-l6-v2", [ids], [vector], graph.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10, producer_name="supportagent")
