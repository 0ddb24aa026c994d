"""A BERT sentence encoder as an ONNX graph, written by hand from its weights, without torch.

The graph takes rows of tokens (int32): `input_ids` and `positions` (rows x tokens), and `attention_mask` (rows x tokens
x tokens), which tokens each of them sees. `texts` (texts x tokens) says which tokens a text is made of: there is one in
each row, or several in a single one. It gives `embedding` (float32, texts x width): encoder, mean pooling and unit
length, in one run. `index.embedding.rows` makes what it takes. It uses onnxruntime's fused operators, which compute
what PyTorch's layers compute (the erf form of GELU, softmax in fp32) and differ by rounding alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = Mapping[str, npt.NDArray[np.float32]]
GRAPH_VERSION = 2  # part of the cache file's name: raise it when the graph changes
_FUSED = "com.microsoft"


@dataclass(frozen=True)
class BertShape:
    """The sizes that the weights do not tell by themselves."""

    layers: int
    heads: int
    epsilon: float


def build_graph(weights: Weights, shape: BertShape) -> bytes:
    """The serialized ONNX model of a Hugging Face BERT's `weights`; a `KeyError` names a weight that is not there."""
    return _Builder(weights, shape).model()


class _Builder:
    """Collects nodes and initializers; one instance builds one graph."""

    def __init__(self, weights: Weights, shape: BertShape) -> None:
        self._weights = weights
        self._shape = shape
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self) -> bytes:
        from onnx import TensorProto, helper

        hidden = self._embed()
        for layer in range(self._shape.layers):
            hidden = self._encode(hidden, f"encoder.layer.{layer}.")
        self._pool(hidden)
        width = self._weights["embeddings.LayerNorm.weight"].shape[0]
        graph = helper.make_graph(
            self._nodes,
            "sentence_encoder",
            [
                helper.make_tensor_value_info(name, TensorProto.INT32, shape)
                for name, shape in (
                    ("input_ids", ["rows", "tokens"]),
                    ("positions", ["rows", "tokens"]),
                    ("attention_mask", ["rows", "tokens", "tokens"]),
                    ("texts", ["texts", "tokens"]),
                )
            ],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", width])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="tower", ir_version=8)
        return bytes(model.SerializeToString())

    def _embed(self) -> str:
        """Word and position embeddings; every text is of token type 0, which is added to the positions here."""
        positions = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        words = self._constant("words", self._weights["embeddings.word_embeddings.weight"])
        norm = self._norm("embeddings.LayerNorm.")
        self._node(
            "EmbedLayerNormalization",
            ["input_ids", "", words, self._constant("position_table", positions), "", *norm, "", "positions"],
            ["hidden_0", "unused_mask_index"],
            domain=_FUSED,
            epsilon=self._shape.epsilon,
        )
        return "hidden_0"

    def _encode(self, hidden: str, prefix: str) -> str:
        """One transformer layer: attention and feed-forward, each added to its input and normalised."""
        parts = [prefix + f"attention.self.{name}." for name in ("query", "key", "value")]
        packed = np.concatenate([self._weights[part + "weight"].T for part in parts], axis=1)
        bias = np.concatenate([self._weights[part + "bias"] for part in parts])
        attended = self._node(
            "Attention",
            [
                hidden,
                self._constant(prefix + "qkv", packed),
                self._constant(prefix + "qkv_bias", bias),
                "attention_mask",
            ],
            [prefix + "attended"],
            domain=_FUSED,
            num_heads=self._shape.heads,
        )
        hidden = self._add_and_norm(attended, hidden, prefix + "attention.output.")
        inner = self._multiply(hidden, prefix + "intermediate.dense.")
        inner_bias = self._constant(prefix + "inner_bias", self._weights[prefix + "intermediate.dense.bias"])
        active = self._node("BiasGelu", [inner, inner_bias], [prefix + "active"], domain=_FUSED)
        return self._add_and_norm(active, hidden, prefix + "output.")

    def _add_and_norm(self, value: str, skip: str, prefix: str) -> str:
        product = self._multiply(value, prefix + "dense.")
        bias = self._constant(prefix + "bias", self._weights[prefix + "dense.bias"])
        return self._node(
            "SkipLayerNormalization",
            [product, skip, *self._norm(prefix + "LayerNorm."), bias],
            [prefix + "normed"],
            domain=_FUSED,
            epsilon=self._shape.epsilon,
        )

    def _pool(self, hidden: str) -> None:
        """The mean over the tokens of each text, at unit length. A single row serves every text."""
        from onnx import TensorProto

        last = self._constant("last_axis", np.array([2], dtype=np.int64))
        tokens = self._constant("token_axis", np.array([1], dtype=np.int64))
        mask = self._node("Cast", ["texts"], ["mask"], to=TensorProto.FLOAT)
        wide = self._node("Unsqueeze", [mask, last], ["mask_wide"])
        kept = self._node("Mul", [hidden, wide], ["kept"])
        total = self._node("ReduceSum", [kept, tokens], ["total"], keepdims=0)
        count = self._node("ReduceSum", [mask, tokens], ["count"], keepdims=1)
        mean = self._node("Div", [total, count], ["mean"])
        self._node("LpNormalization", [mean], ["embedding"], axis=1, p=2)

    def _multiply(self, value: str, prefix: str) -> str:
        weight = self._constant(prefix + "transposed", self._weights[prefix + "weight"].T)
        return self._node("MatMul", [value, weight], [prefix + "product"])

    def _norm(self, prefix: str) -> tuple[str, str]:
        return (
            self._constant(prefix + "gamma", self._weights[prefix + "weight"]),
            self._constant(prefix + "beta", self._weights[prefix + "bias"]),
        )

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]
