"""Make tiny real GGUF embedding models: Qwen3 architecture, random weights, a small byte-level BPE vocabulary.

They stand in for the gigabyte models: same kind of tokeniser, rotary positions, grouped attention, last-token pooling.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

CONTEXT_TOKENS = 32768
LAYERS, HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, HEAD_DIM = 2, 64, 128, 4, 2, 32
END = "<|endoftext|>"
SPECIALS = (END, "<|im_start|>", "<|im_end|>")
SAMPLE = (
    "A method for charging a battery cell comprises measuring a temperature of the cell and controlling a current. "
    "The electrolyte comprises a lithium salt and the anode comprises silicon particles coated with carbon. "
    "Cluster: a wireless terminal receives a reference signal from the base station and reports the channel state. "
    "The gene editing system comprises a guide sequence, and the image sensor reads the pixel values of a frame. "
)


@cache
def _byte_symbols() -> tuple[str, ...]:
    """Return GPT-2's printable stand-in of each byte (the table every byte-level BPE uses)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols |= {byte: chr(256 + position) for position, byte in enumerate(others)}
    return tuple(symbols[byte] for byte in range(256))


@cache
def _vocabulary(n_merges: int = 400) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Learn merges from the sample text; returns tokens and merges."""
    symbols = _byte_symbols()
    words = Counter(SAMPLE.replace(" ", "\n ").split("\n"))
    pieces = {word: [symbols[byte] for byte in word.encode()] for word in words}
    merges: list[tuple[str, str]] = []
    for _ in range(n_merges):
        pairs = Counter()
        for word, parts in pieces.items():
            for pair in pairwise(parts):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word, parts in pieces.items():
            pieces[word] = _merge(parts, best)
    tokens = [*symbols, *dict.fromkeys(a + b for a, b in merges)]
    return tuple(tokens), tuple(f"{a} {b}" for a, b in merges)


def _merge(parts: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def write_tiny_qwen3(
    path: Path, *, weights: str = "F32", pooling: str | None = "LAST", add_eos: bool = True, seed: int = 0
) -> Path:
    """Write the model; `weights` is F32, F16 or Q8_0; `pooling` a name of gguf.PoolingType or None for a chat model."""
    rng = np.random.default_rng(seed)
    tokens, merges = _vocabulary()
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("tiny-qwen3")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    if pooling is not None:
        writer.add_pooling_type(gguf.PoolingType[pooling])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([token.encode() for token in (*tokens, *SPECIALS)])
    kinds = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(SPECIALS)
    writer.add_token_types(kinds)
    writer.add_token_merges(list(merges))
    writer.add_eos_token_id(len(tokens))
    writer.add_bos_token_id(len(tokens))
    writer.add_pad_token_id(len(tokens))
    writer.add_add_bos_token(False)
    if add_eos:
        writer.add_add_eos_token(True)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for name, array in tiny_weights(rng, len(tokens) + len(SPECIALS)).items():
        _write(writer, name, array, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tiny_weights(rng: np.random.Generator, n_vocab: int) -> dict[str, np.ndarray]:
    """Return all tensors, float32; a float64 tensor would make llama.cpp abort."""

    def matrix(rows: int, columns: int, scale: float) -> np.ndarray:
        return rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale)

    def norm(n: int) -> np.ndarray:
        return (1 + 0.1 * rng.standard_normal(n)).astype(np.float32)

    tensors = {"token_embd.weight": matrix(n_vocab, HIDDEN, 0.5), "output_norm.weight": norm(HIDDEN)}
    inner, outer, feed = HIDDEN**-0.5, (HEADS * HEAD_DIM) ** -0.5, FEED_FORWARD**-0.5
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        tensors |= {
            f"{block}attn_norm.weight": norm(HIDDEN),
            f"{block}ffn_norm.weight": norm(HIDDEN),
            f"{block}attn_q_norm.weight": norm(HEAD_DIM),
            f"{block}attn_k_norm.weight": norm(HEAD_DIM),
            f"{block}attn_q.weight": matrix(HEADS * HEAD_DIM, HIDDEN, inner),
            f"{block}attn_k.weight": matrix(KV_HEADS * HEAD_DIM, HIDDEN, inner),
            f"{block}attn_v.weight": matrix(KV_HEADS * HEAD_DIM, HIDDEN, inner),
            f"{block}attn_output.weight": matrix(HIDDEN, HEADS * HEAD_DIM, outer),
            f"{block}ffn_gate.weight": matrix(FEED_FORWARD, HIDDEN, inner),
            f"{block}ffn_up.weight": matrix(FEED_FORWARD, HIDDEN, inner),
            f"{block}ffn_down.weight": matrix(HIDDEN, FEED_FORWARD, feed),
        }
    return tensors


def _write(writer: gguf.GGUFWriter, name: str, array: np.ndarray, weights: str) -> None:
    if array.ndim == 1 or weights == "F32":
        writer.add_tensor(name, array)
    elif weights == "F16":
        writer.add_tensor(name, array.astype(np.float16))
    else:
        kind = gguf.GGMLQuantizationType[weights]
        writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
