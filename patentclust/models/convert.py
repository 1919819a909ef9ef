"""Turn published weights into GGUF, once, on the user's machine. Knows only file formats; never runs a model.

Tensor names follow llama.cpp's `bert` architecture and the GGUF specification (ggml-org/ggml, docs/gguf.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

_LAYER_TENSORS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_EMBEDDING_TENSORS = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# llama.cpp reads these as F32 whatever the file's type is.
_ALWAYS_F32 = ("position_embd.weight", "token_types.weight")
_WORD_START = "\u2581"


def bert_to_gguf(source: Path, target: Path, *, quantisation: str = "F16") -> None:
    """Convert a BERT sentence encoder with mean pooling: config.json, vocab.txt, model.safetensors -> one GGUF file.

    Args:
        source: folder with the three files.
        target: GGUF to write.
        quantisation: `F32`, `F16`, `BF16` or `Q8_0`; one-dimensional tensors stay F32.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    vocabulary = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    weights = load_file(source / "model.safetensors")
    writer = gguf.GGUFWriter(target, "bert")
    _write_architecture(writer, config, quantisation)
    _write_vocabulary(writer, vocabulary)
    for name, array in _tensors(config, weights):
        _write_tensor(writer, name, array, quantisation)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_architecture(writer: Any, config: dict[str, Any], quantisation: str) -> None:
    import gguf

    writer.add_name("all-MiniLM-L6-v2")
    writer.add_type("model")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType[{"F32": "ALL_F32"}.get(quantisation, f"MOSTLY_{quantisation}")])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _write_vocabulary(writer: Any, vocabulary: list[str]) -> None:
    import gguf

    def spelled(token: str) -> bytes:
        if token in _SPECIAL_TOKENS:
            return token.encode()
        return (token[2:] if token.startswith("##") else _WORD_START + token).encode()

    index = {token: position for position, token in enumerate(vocabulary)}
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list([spelled(token) for token in vocabulary])
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if token in _SPECIAL_TOKENS else normal for token in vocabulary])
    # The writer has no key for [CLS]: llama.cpp takes it from the beginning-of-sequence token.
    writer.add_bos_token_id(index["[CLS]"])
    writer.add_eos_token_id(index["[SEP]"])
    writer.add_sep_token_id(index["[SEP]"])
    writer.add_unk_token_id(index["[UNK]"])
    writer.add_pad_token_id(index["[PAD]"])
    writer.add_mask_token_id(index["[MASK]"])


def _tensors(config: dict[str, Any], weights: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    named = [(ours, weights[theirs]) for theirs, ours in _EMBEDDING_TENSORS.items()]
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in _LAYER_TENSORS.items():
            for part in ("weight", "bias"):
                named.append((f"blk.{layer}.{ours}.{part}", weights[f"encoder.layer.{layer}.{theirs}.{part}"]))
    return named


def _write_tensor(writer: Any, name: str, array: np.ndarray, quantisation: str) -> None:
    import gguf

    values = np.ascontiguousarray(array, dtype=np.float32)
    if values.ndim == 1 or name in _ALWAYS_F32 or quantisation == "F32":
        writer.add_tensor(name, values)
    elif quantisation == "F16":
        writer.add_tensor(name, values.astype(np.float16))
    else:
        kind = gguf.GGMLQuantizationType[quantisation]
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "bert-f16": partial(bert_to_gguf, quantisation="F16"),
    "bert-bf16": partial(bert_to_gguf, quantisation="BF16"),
}
