"""The same weights through transformers on torch: rotary positions, norms of queries and keys, pooling, closing token.

Runs where torch and transformers are installed; they are too large to be asked of everybody.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from patentclust import models
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.params import EmbedParams, Resources
from tests.tiny_model import FEED_FORWARD, HEAD_DIM, HEADS, HIDDEN, KV_HEADS, LAYERS, SAMPLE

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

# transformers' names of a layer's weights, after `layers.N.`, by ours, after `blk.N.`.
NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def theirs(path: Path) -> object:
    """The model in `path`, in transformers."""
    tensors = {
        t.name: torch.from_numpy(np.array(t.data).reshape([int(n) for n in t.shape[::-1]]))
        for t in gguf.GGUFReader(path).tensors
    }
    config = transformers.Qwen3Config(
        vocab_size=len(tensors["token_embd.weight"]),
        hidden_size=HIDDEN,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        head_dim=HEAD_DIM,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        rms_norm_eps=1e-6,
    )
    weights = {"embed_tokens.weight": tensors["token_embd.weight"], "norm.weight": tensors["output_norm.weight"]}
    for layer in range(LAYERS):
        for ours, name in NAMES.items():
            weights[f"layers.{layer}.{name}.weight"] = tensors[f"blk.{layer}.{ours}.weight"]
    model = transformers.Qwen3Model(config).eval()
    model.load_state_dict(weights, strict=True)
    return model


def test_vectors_are_those_of_transformers(tiny_f32: Path) -> None:
    params = EmbedParams(model=str(tiny_f32))
    ours = InProcessEmbedder(tiny_f32, models.find(str(tiny_f32)), params=params, resources=Resources(threads=1))
    texts = ["a", "A battery.", SAMPLE, SAMPLE * 9, SAMPLE * 60, "电池的固体电解质"]
    encoded = ours.encode_document(texts)
    model, least, longest = theirs(tiny_f32), 1.0, 0
    for text, vector in zip(texts, encoded.vectors, strict=True):
        # The closing token that last-token pooling reads is put here by hand, not by our code.
        tokens = [*ours.model.tokenize(f"Cluster: {text}"), ours.model.tail[-1]]
        longest = max(longest, len(tokens))
        with torch.no_grad():
            state = model(torch.tensor([tokens])).last_hidden_state[0, -1].numpy().astype(np.float64)
        least = min(least, float(vector @ state / np.linalg.norm(state)))
    print(f"least cosine to transformers {transformers.__version__}: {least:.7f}, texts of up to {longest:,} tokens")
    assert least > 0.9999
