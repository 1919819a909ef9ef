"""Forward passes in plain numpy, written from the papers, to hold llama.cpp's results against.

Qwen3: RMS norm, rotary positions (half-split form), grouped-query attention with normalised queries and keys, SwiGLU.
BERT: Devlin et al. 2019, post-norm, GELU by the error function; sentence vector = mean of the last layer.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import gguf
import numpy as np

from tests.tiny_model import HEAD_DIM, HEADS, KV_HEADS, LAYERS


@cache
def _tensors(path: Path) -> dict[str, np.ndarray]:
    reader = gguf.GGUFReader(path)
    return {
        t.name: np.asarray(t.data).reshape([int(n) for n in t.shape[::-1]]).astype(np.float64) for t in reader.tensors
    }


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _rms(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6) * weight


def _rotate(x: np.ndarray) -> np.ndarray:
    """Rotate pairs (i, i + half) of each head by position; x has shape (tokens, heads, HEAD_DIM)."""
    half = HEAD_DIM // 2
    angles = np.arange(len(x))[:, None] * 1e6 ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def qwen3_vector(path: Path, tokens: np.ndarray, *, pooling: str = "last") -> np.ndarray:
    """Return the unit vector of a token sequence under a tiny F32 Qwen3 model."""
    w = _tensors(path)
    n = len(tokens)
    x = w["token_embd.weight"][tokens]
    mask = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(LAYERS):
        b = {name.split(".", 2)[2]: t for name, t in w.items() if name.startswith(f"blk.{layer}.")}
        h = _rms(x, b["attn_norm.weight"])
        q = _rotate(_rms((h @ b["attn_q.weight"].T).reshape(n, HEADS, HEAD_DIM), b["attn_q_norm.weight"]))
        k = _rotate(_rms((h @ b["attn_k.weight"].T).reshape(n, KV_HEADS, HEAD_DIM), b["attn_k_norm.weight"]))
        v = (h @ b["attn_v.weight"].T).reshape(n, KV_HEADS, HEAD_DIM)
        heads = []
        for head in range(HEADS):
            group = head * KV_HEADS // HEADS
            weights = _softmax(q[:, head] @ k[:, group].T / math.sqrt(HEAD_DIM) + mask)
            heads.append(weights @ v[:, group])
        x = x + np.concatenate(heads, axis=1) @ b["attn_output.weight"].T
        h = _rms(x, b["ffn_norm.weight"])
        gate = h @ b["ffn_gate.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ b["ffn_up.weight"].T)) @ b["ffn_down.weight"].T
    x = _rms(x, w["output_norm.weight"])
    vector = x[-1] if pooling == "last" else x.mean(axis=0)
    return vector / np.linalg.norm(vector)


def _layer_norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-12)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def bert_vector(path: Path, tokens: np.ndarray, *, heads: int = 12) -> np.ndarray:
    """Return the unit vector of a token sequence, [CLS] and [SEP] included, under a converted BERT encoder."""
    w = _tensors(path)
    n, size = len(tokens), w["token_embd.weight"].shape[1]
    x = w["token_embd.weight"][tokens] + w["position_embd.weight"][:n] + w["token_types.weight"][0]
    x = _layer_norm(x, w, "token_embd_norm")
    n_layers = 1 + max(int(name.split(".")[1]) for name in w if name.startswith("blk."))
    gelu = np.vectorize(lambda value: 0.5 * value * (1 + math.erf(value / math.sqrt(2))))
    for layer in range(n_layers):

        def linear(y: np.ndarray, name: str, layer: int = layer) -> np.ndarray:
            return y @ w[f"blk.{layer}.{name}.weight"].T + w[f"blk.{layer}.{name}.bias"]

        q, k, v = (linear(x, name).reshape(n, heads, -1).transpose(1, 0, 2) for name in ("attn_q", "attn_k", "attn_v"))
        mixed = _softmax(q @ k.transpose(0, 2, 1) / math.sqrt(size // heads)) @ v
        x = _layer_norm(
            x + linear(mixed.transpose(1, 0, 2).reshape(n, size), "attn_output"), w, f"blk.{layer}.attn_output_norm"
        )
        x = _layer_norm(x + linear(gelu(linear(x, "ffn_up")), "ffn_down"), w, f"blk.{layer}.layer_output_norm")
    vector = x.mean(axis=0)
    return vector / np.linalg.norm(vector)
