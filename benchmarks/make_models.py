"""Make random-weight models of Qwen3-Embedding's real geometry, to measure speed and memory without the real weights.

    pip download --no-deps --no-binary llama-cpp-python llama-cpp-python==0.3.36
    tar xzf llama_cpp_python-0.3.36.tar.gz --wildcards '*/ggml-vocab-qwen2.gguf'
    python benchmarks/make_models.py VOCABULARY.gguf FOLDER [0.6b 0.6b-slice 4b tiny]

The vocabulary is the one llama.cpp ships for its own tests. Linear layers are random Q4_K and Q6_K blocks in the
mixture that llama.cpp calls Q4_K_M; `tiny` is F32, to be compared with other implementations; `0.6b-slice` has 2 of the
28 layers, for texts whose attention would take an hour.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

CONTEXT_TOKENS = 32768
N_PLAIN_TOKENS = 151_643
NAMES = "im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end vision_start vision_end"
MORE_NAMES = "vision_pad image_pad video_pad fim_prefix fim_middle fim_suffix fim_pad repo_name file_sep"
CONTROL_TOKENS = [f"<|{name}|>" for name in ("endoftext", *NAMES.split(), *MORE_NAMES.split())]
BLOCK_WEIGHTS = 256
# Bytes of a block of 256 weights, and where its random bytes and its scale lie (ggml's block_q4_K and block_q6_K).
Q4_K, Q6_K = gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K
BLOCK_BYTES = {Q4_K: 144, Q6_K: 210}


@dataclass(frozen=True)
class Geometry:
    """The shape of a model."""

    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    quantised: bool = True


GEOMETRIES = {
    "0.6b": Geometry(28, 1024, 3072, 16, 8, 128),
    "0.6b-slice": Geometry(2, 1024, 3072, 16, 8, 128),
    "4b": Geometry(36, 2560, 9728, 32, 8, 128),
    "tiny": Geometry(4, 256, 512, 8, 4, 64, quantised=False),
}


def main(vocabulary: Path, folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or GEOMETRIES:
        path = folder / f"qwen3-{name}-{'q4_k_m' if GEOMETRIES[name].quantised else 'f32'}.gguf"
        write(path, vocabulary, GEOMETRIES[name])
        print(f"{path}  {path.stat().st_size:,} bytes")


def write(path: Path, vocabulary: Path, geometry: Geometry) -> None:
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(geometry.hidden)
    writer.add_block_count(geometry.layers)
    writer.add_feed_forward_length(geometry.feed_forward)
    writer.add_head_count(geometry.heads)
    writer.add_head_count_kv(geometry.kv_heads)
    writer.add_key_length(geometry.head_dim)
    writer.add_value_length(geometry.head_dim)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_pooling_type(gguf.PoolingType.LAST)
    n_vocab = write_vocabulary(writer, vocabulary)
    rng = np.random.default_rng(0)
    for name, shape, kind in tensors(geometry, n_vocab):
        write_tensor(writer, name, shape, kind if geometry.quantised else None, rng)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_vocabulary(writer: gguf.GGUFWriter, path: Path) -> int:
    fields = gguf.GGUFReader(path).fields

    def strings(key: str) -> list[bytes]:
        return [bytes(fields[key].parts[i]) for i in fields[key].data]

    tokens = strings("tokenizer.ggml.tokens")[:N_PLAIN_TOKENS]
    end = len(tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*tokens, *(token.encode() for token in CONTROL_TOKENS)])
    kinds = [gguf.TokenType.NORMAL] * end + [gguf.TokenType.CONTROL] * len(CONTROL_TOKENS)
    writer.add_token_types(kinds)
    writer.add_token_merges(strings("tokenizer.ggml.merges"))
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(end)
    writer.add_bos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)
    return end + len(CONTROL_TOKENS)


def tensors(g: Geometry, n_vocab: int) -> list[tuple[str, tuple[int, ...], gguf.GGMLQuantizationType]]:
    """Name, shape and, for matrices, the type that llama.cpp's Q4_K_M gives each tensor."""
    found: list[tuple[str, tuple[int, ...], gguf.GGMLQuantizationType]] = [
        ("token_embd.weight", (n_vocab, g.hidden), Q6_K),
        ("output_norm.weight", (g.hidden,), Q4_K),
    ]
    for layer in range(g.layers):
        first, last = layer < g.layers // 8, layer >= 7 * g.layers // 8
        finer = Q6_K if first or last or (layer - g.layers // 8) % 3 == 2 else Q4_K
        inner = g.heads * g.head_dim
        for name, shape, kind in (
            ("attn_norm", (g.hidden,), Q4_K),
            ("ffn_norm", (g.hidden,), Q4_K),
            ("attn_q_norm", (g.head_dim,), Q4_K),
            ("attn_k_norm", (g.head_dim,), Q4_K),
            ("attn_q", (inner, g.hidden), Q4_K),
            ("attn_k", (g.kv_heads * g.head_dim, g.hidden), Q4_K),
            ("attn_v", (g.kv_heads * g.head_dim, g.hidden), finer),
            ("attn_output", (g.hidden, inner), Q4_K),
            ("ffn_gate", (g.feed_forward, g.hidden), Q4_K),
            ("ffn_up", (g.feed_forward, g.hidden), Q4_K),
            ("ffn_down", (g.hidden, g.feed_forward), finer),
        ):
            found.append((f"blk.{layer}.{name}.weight", shape, kind))
    return found


def write_tensor(
    writer: gguf.GGUFWriter,
    name: str,
    shape: tuple[int, ...],
    kind: gguf.GGMLQuantizationType | None,
    rng: np.random.Generator,
) -> None:
    if len(shape) == 1:
        writer.add_tensor(name, (1 + 0.1 * rng.standard_normal(shape)).astype(np.float32))
        return
    spread = 0.05 if name == "token_embd.weight" else shape[1] ** -0.5
    if kind is None:
        writer.add_tensor(name, rng.standard_normal(shape, dtype=np.float32) * np.float32(spread))
        return
    blocks = random_blocks(kind, shape[0] * shape[1] // BLOCK_WEIGHTS, spread, rng)
    writer.add_tensor(name, blocks.reshape(shape[0], -1), raw_dtype=kind)


def random_blocks(kind: gguf.GGMLQuantizationType, n: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Blocks of random weights with mean near 0 and about the given spread, drawn from a pool of 16,384."""
    pool = np.zeros((min(n, 1 << 14), BLOCK_BYTES[kind]), np.uint8)
    if kind == Q4_K:  # float16 scale and minimum, 12 bytes of 6-bit scales, 128 bytes of 4-bit weights
        pool[:, 4:] = rng.integers(0, 256, (len(pool), 140), dtype=np.uint8)
        pool[:, :4] = np.frombuffer(np.array([spread / 200, spread / 200 * 7.5], np.float16).tobytes(), np.uint8)
    else:  # 192 bytes of 6-bit weights, 16 int8 scales, float16 scale
        pool[:, :192] = rng.integers(0, 256, (len(pool), 192), dtype=np.uint8)
        pool[:, 192:208] = rng.integers(40, 80, (len(pool), 16), dtype=np.uint8)
        pool[:, 208:] = np.frombuffer(np.array([spread / 1110], np.float16).tobytes(), np.uint8)
    return pool[rng.integers(0, len(pool), n)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
