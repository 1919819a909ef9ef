"""What the user says of GPUs, threads and memory reaches llama.cpp; memory stays within what is said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import llama_cpp
import pytest

from patentclust import models
from patentclust.embedders import memory
from patentclust.embedders.context import CallSize
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.embedders.llama import LlamaModel
from patentclust.params import EmbedParams, Resources

ONE = Resources(threads=1)
MODEL_FIELDS = ("n_gpu_layers", "main_gpu", "split_mode")
CONTEXT_FIELDS = ("n_ctx", "n_batch", "n_ubatch", "n_threads", "n_threads_batch", "type_k", "type_v", "embeddings")
Given = SimpleNamespace


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Note the parameters that llama.cpp is given; a model is then loaded without the wishes for a GPU."""
    noted = SimpleNamespace(model={}, context={}, shares=[])
    load, make = llama_cpp.llama_model_load_from_file, llama_cpp.llama_init_from_model
    plain = llama_cpp.llama_model_default_params()

    def loaded(path: bytes, params: Any) -> Any:
        noted.model = {name: getattr(params, name) for name in MODEL_FIELDS}
        noted.shares = list(params.tensor_split[:4]) if params.tensor_split else []
        params.n_gpu_layers, params.main_gpu, params.split_mode = 0, plain.main_gpu, plain.split_mode
        params.tensor_split = plain.tensor_split
        return load(path, params)

    def made(model: Any, params: Any) -> Any:
        noted.context = {name: getattr(params, name) for name in CONTEXT_FIELDS}
        return make(model, params)

    monkeypatch.setattr(llama_cpp, "llama_model_load_from_file", loaded)
    monkeypatch.setattr(llama_cpp, "llama_init_from_model", made)
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    monkeypatch.setattr(llama_cpp, "llama_max_devices", lambda: 4)
    return noted


def opened(path: Path, resources: Resources, **params: object) -> InProcessEmbedder:
    chosen = EmbedParams(model=str(path), **params)
    return InProcessEmbedder(path, models.find(str(path)), params=chosen, resources=resources)


@pytest.mark.parametrize(("wish", "layers"), [("35", 35), ("0", 0), ("all", -1)])
def test_layers_reach_llama_cpp(wish: str, layers: int, given: Given, tiny_q8: Path) -> None:
    opened(tiny_q8, replace(ONE, gpu_layers=wish))
    assert given.model["n_gpu_layers"] == layers


def test_one_gpu_of_several_is_used_alone(given: Given, tiny_q8: Path) -> None:
    opened(tiny_q8, replace(ONE, gpu_layers="all", main_gpu=1))
    assert (given.model["main_gpu"], given.model["split_mode"]) == (1, llama_cpp.LLAMA_SPLIT_MODE_NONE)


def test_shares_reach_llama_cpp(given: Given, tiny_q8: Path) -> None:
    opened(tiny_q8, replace(ONE, gpu_layers="all", tensor_split=(3.0, 1.0)))
    assert given.shares == [3.0, 1.0, 0.0, 0.0]
    assert given.model["split_mode"] == llama_cpp.llama_model_default_params().split_mode


def test_auto_means_no_layer_where_there_is_no_card(given: Given, tiny_q8: Path) -> None:
    opened(tiny_q8, ONE)
    assert given.model["n_gpu_layers"] == 0


@pytest.mark.parametrize(("kind", "number"), [("f16", llama_cpp.GGML_TYPE_F16), ("q8_0", llama_cpp.GGML_TYPE_Q8_0)])
def test_the_cache_format_reaches_llama_cpp(kind: str, number: int, given: Given, tiny_q8: Path) -> None:
    opened(tiny_q8, ONE, kv_type=kind).encode_document(["x"])
    assert (given.context["type_k"], given.context["type_v"]) == (number, number)


def test_calls_are_sized_for_the_device_and_the_context_for_the_longest_text(given: Given, tiny_q8: Path) -> None:
    mine = opened(tiny_q8, Resources(threads=3, gpu_layers="0"))
    mine.encode_document(["x"])
    assert given.context["n_threads"] == given.context["n_threads_batch"] == 3
    assert (given.context["n_batch"], given.context["n_ubatch"]) == (512, 512)
    assert given.context["n_ctx"] == 512
    assert not given.context["embeddings"]  # no output head over every token
    mine.encode_document(["battery " * 2000])
    longest = mine.n_tokens("battery " * 2000)
    assert longest <= given.context["n_ctx"] < longest + 256
    opened(tiny_q8, replace(ONE, gpu_layers="all")).encode_document(["x"])
    assert (given.context["n_batch"], given.context["n_ubatch"]) == (2048, 2048)
    assert CallSize.for_device(on_gpu=True).record()["call_tokens"] == 2048


MEASURE = """
import resource, sys
from pathlib import Path
import numpy as np
from patentclust.embedders.context import LlamaContext
from patentclust.embedders.llama import LlamaModel, _library
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
_library()
before = peak()
model = LlamaModel(Path(sys.argv[1]))
context = LlamaContext(model, longest=32768, kv_type=sys.argv[2])
context.run([np.append(np.zeros(1499, np.int32), model.tail).astype(np.int32)])
print(peak() - before)
"""


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_memory_at_32768_tokens_is_within_what_is_said(kv_type: str, tiny_f32: Path) -> None:
    run = subprocess.run([sys.executable, "-c", MEASURE, tiny_f32, kv_type], capture_output=True, text=True, check=True)
    need = memory.needed(LlamaModel(tiny_f32, vocabulary_only=True).geometry, 32_768, kv_type=kv_type)
    assert int(run.stdout) <= need.total
    assert need.buffers < 400 << 20
