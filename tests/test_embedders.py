"""Every way of running a model gives the same vectors, and never a wrong one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patentclust import models
from patentclust.embedders import checks
from patentclust.embedders.context import CallSize, LlamaContext, run_in_turn
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.embedders.llama import LlamaModel
from patentclust.errors import ConfigError, ModelError
from patentclust.params import EmbedParams, Resources
from tests.reference import bert_vector, qwen3_vector
from tests.tiny_model import SAMPLE, write_tiny_qwen3

TEXTS = ["short", SAMPLE, SAMPLE * 9, "电池的固体电解质", "an anode " * 200, "x"]


def embedder(path: Path, *, threads: int = 1, **params: object) -> InProcessEmbedder:
    spec = models.find(str(path))
    return InProcessEmbedder(
        path, spec, params=EmbedParams(model=str(path), **params), resources=Resources(threads=threads)
    )


def sequences(model: LlamaModel, lengths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [np.append(rng.integers(0, 400, n - 1), model.tail).astype(np.int32) for n in lengths]


def run_all(model: LlamaModel, docs: list[np.ndarray], *, threads: int = 1, tokens: int = 512) -> np.ndarray:
    longest, resources = max(len(doc) for doc in docs), Resources(threads=threads)
    context = LlamaContext(model, longest=longest, calls=CallSize(tokens=tokens), resources=resources)
    vectors = np.concatenate([context.run([doc]) for doc in docs])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def least_cosine(a: np.ndarray, b: np.ndarray) -> float:
    unit = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in (a, b)]
    return float((unit[0] * unit[1]).sum(axis=1).min())


def test_alone_equals_packed_and_split_up_to_20000_tokens(tiny_f32: Path) -> None:
    model = LlamaModel(tiny_f32)
    lengths = (1, 2, 5, 63, 64, 65, 300, 511, 512, 513, 20_000)
    docs = sequences(model, lengths)
    alone = run_all(model, docs)
    split = run_all(model, docs, tokens=128)
    packed = LlamaContext(model, longest=2048).run(docs[:-1])
    assert least_cosine(alone, split) > 0.99999
    assert least_cosine(alone[:-1], packed) > 0.99999


@pytest.mark.parametrize("weights", ["F32", "Q8_0"])
def test_the_number_of_threads_changes_no_bit(weights: str, tmp_path: Path) -> None:
    model = LlamaModel(write_tiny_qwen3(tmp_path / "m.gguf", weights=weights))
    docs = sequences(model, (1, 40, 600, 3000))
    one, two, three = (run_all(model, docs, threads=n) for n in (1, 2, 3))
    assert one.tobytes() == two.tobytes() == three.tobytes()


def test_texts_side_by_side_have_the_bits_of_one_by_one(minilm: Path) -> None:
    texts = [f"{i} {SAMPLE * (i % 5) * 2}" for i in range(20)]
    one, three = (embedder(minilm, threads=n).encode_document(texts) for n in (1, 3))
    assert one.vectors.tobytes() == three.vectors.tobytes()
    assert one.n_windows.max() > 1


def test_calls_side_by_side_keep_their_order_and_errors_their_place(minilm: Path) -> None:
    model = LlamaModel(minilm)
    contexts = [LlamaContext(model, longest=64) for _ in range(3)]
    calls = [[np.full(n, 2000, np.int32)] for n in (60, 5, 40, 1, 33, 2, 64, 7, 9)]
    alone = [contexts[0].run(call).tobytes() for call in calls]
    assert [vectors.tobytes() for vectors in run_in_turn(contexts, calls)] == alone
    calls[4] = [np.array([-1], np.int32)]
    seen: list[bytes] = []
    with pytest.raises(ModelError, match="token ids"):
        seen.extend(vectors.tobytes() for vectors in run_in_turn(contexts, calls))
    assert seen == alone[:4]
    stopped = run_in_turn(contexts, calls)
    next(stopped)
    stopped.close()
    for context in contexts:
        context.close()


def test_room_for_longer_texts_changes_no_bit(tiny_q8: Path) -> None:
    model = LlamaModel(tiny_q8)
    docs = sequences(model, (3, 700))
    tight, roomy = (LlamaContext(model, longest=n).run(docs) for n in (703, 9000))
    assert tight.tobytes() == roomy.tobytes()


@pytest.mark.parametrize("n_tokens", [1, 3, 70, 700])
def test_causal_vectors_equal_an_independent_forward_pass(n_tokens: int, tiny_f32: Path) -> None:
    model = LlamaModel(tiny_f32)
    (doc,) = sequences(model, (n_tokens,))
    ours = LlamaContext(model, longest=n_tokens).run([doc])
    assert least_cosine(ours, qwen3_vector(tiny_f32, doc)[None]) > 0.9999


def test_causal_mean_pooling_equals_an_independent_forward_pass(tmp_path: Path) -> None:
    path = write_tiny_qwen3(tmp_path / "mean.gguf", pooling="MEAN")
    model = LlamaModel(path)
    (doc,) = sequences(model, (700,))
    ours = LlamaContext(model, longest=700, calls=CallSize(tokens=256)).run([doc])
    assert least_cosine(ours, qwen3_vector(path, doc, pooling="mean")[None]) > 0.9999


def test_the_converted_starter_equals_an_independent_forward_pass(minilm: Path) -> None:
    mine = embedder(minilm)
    texts = ["A battery with a solid electrolyte.", "Verfahren zur Übertragung von Daten", "wireless " * 120, SAMPLE]
    ours = mine.encode_document(texts)
    for text, vector in zip(texts, ours.vectors, strict=True):
        tokens = np.concatenate([mine.model.head, mine.model.tokenize(_plain(mine, text)), mine.model.tail])
        assert float(vector @ bert_vector(minilm, tokens)) > 0.9999


def test_the_starter_in_bf16_gives_nearly_its_vectors(minilm: Path, minilm_bf16: Path) -> None:
    texts = ["A battery with a solid electrolyte.", "wireless " * 120, SAMPLE * 3]
    both = [embedder(path).encode_document(texts).vectors for path in (minilm, minilm_bf16)]
    assert least_cosine(*both) > 0.9999
    assert not np.array_equal(*both)


def _plain(mine: InProcessEmbedder, text: str) -> str:
    return mine._template.replace("{text}", text)


def test_the_starter_splits_words_as_the_published_tokenizer_does(minilm: Path, starter_tokenizer: object) -> None:
    model = LlamaModel(minilm)
    for text in (
        "Electrolyte-free Na-ion cells, 3.5 V vs. Li/Li+",
        "Gerät zum Messen",
        "naïve Bayes",
        "电池",
        "ab\x00c",
        SAMPLE,
    ):
        ours = [*model.head, *model.tokenize(text), *model.tail]
        assert [int(t) for t in ours] == starter_tokenizer.encode(text).ids, text


def test_rows_have_unit_length_and_keep_their_order(tiny_f32: Path) -> None:
    mine = embedder(tiny_f32)
    encoded = mine.encode_document(TEXTS)
    assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-6)
    for i, text in enumerate(TEXTS):
        assert least_cosine(encoded.vectors[i : i + 1], mine.encode_document([text]).vectors) > 0.99999


def test_no_texts_give_no_rows(tiny_f32: Path) -> None:
    assert embedder(tiny_f32).encode_document([]).vectors.shape == (0, 64)


def test_an_empty_text_is_refused(tiny_f32: Path) -> None:
    with pytest.raises(ModelError, match="empty"):
        embedder(tiny_f32).encode_document(["fine", " \n"])


def test_every_text_ends_with_the_closing_token_even_if_the_file_forgets_it(tmp_path: Path, tiny_f32: Path) -> None:
    forgetful = embedder(write_tiny_qwen3(tmp_path / "noeos.gguf", add_eos=False))
    assert forgetful.model.tail.tolist() == LlamaModel(tiny_f32).tail.tolist()
    assert (
        least_cosine(forgetful.encode_document(TEXTS).vectors, embedder(tiny_f32).encode_document(TEXTS).vectors)
        > 0.99999
    )


def test_control_words_in_a_text_stay_text(tiny_f32: Path) -> None:
    model = LlamaModel(tiny_f32)
    end = int(model.tail[-1])
    for text in ("<|endoftext|>", "a <|im_start|> b", "[CLS] <think>"):
        tokens = model.tokenize(text)
        assert len(tokens) > 2
        assert not set(tokens.tolist()) & {end, end + 1, end + 2}


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\u202eabc", "😀" * 50, "\ufeff text"])
def test_odd_characters_give_a_finite_vector(text: str, tiny_f32: Path) -> None:
    assert np.isfinite(embedder(tiny_f32).encode_document([text]).vectors).all()


def test_a_long_text_is_averaged_over_windows_by_tokens(tiny_f32: Path) -> None:
    mine = embedder(tiny_f32, max_tokens=64)
    encoded = mine.encode_document([SAMPLE * 3])
    n_body = len(mine.model.tokenize("Cluster: " + SAMPLE * 3))
    assert encoded.n_windows[0] > 3
    assert not encoded.truncated[0]
    assert encoded.n_tokens[0] == n_body + len(mine.model.tail)
    assert encoded.n_tokens_used[0] > encoded.n_tokens[0]  # each window repeats the prompt and the closing token


def test_windows_lose_no_token_and_repeat_none(tiny_f32: Path) -> None:
    mine = embedder(tiny_f32, max_tokens=50)
    prompt = mine.model.tokenize("Cluster:")
    windows = mine._cut_up(SAMPLE * 2, "Cluster: {text}").windows
    bodies = [window.tokens[len(prompt) : -len(mine.model.tail)] for window in windows]
    assert all(window.tokens[: len(prompt)].tolist() == prompt.tolist() for window in windows)
    assert max(len(window.tokens) for window in windows) <= 50
    whole = mine.model.tokenize("Cluster: " + SAMPLE * 2)
    assert np.concatenate([prompt, *bodies]).tolist() == whole.tolist()


def test_truncation_keeps_the_closing_token_and_says_so(tiny_f32: Path) -> None:
    mine = embedder(tiny_f32, max_tokens=64, long="truncate")
    encoded = mine.encode_document([SAMPLE * 3, "short"])
    assert encoded.truncated.tolist() == [True, False]
    assert encoded.n_tokens_used[0] == 64
    assert encoded.n_tokens[0] > 64


def test_a_matryoshka_cut_is_the_head_of_the_vector_at_unit_length(tiny_f32: Path) -> None:
    whole = embedder(tiny_f32).encode_document(TEXTS).vectors
    cut = embedder(tiny_f32, dim=16).encode_document(TEXTS).vectors
    assert cut.shape == (len(TEXTS), 16)
    assert np.allclose(cut, whole[:, :16] / np.linalg.norm(whole[:, :16], axis=1, keepdims=True), atol=1e-6)


def test_the_task_prompt_changes_the_vector(tiny_f32: Path) -> None:
    cluster = embedder(tiny_f32, task="cluster").encode_document([SAMPLE]).vectors
    retrieve = embedder(tiny_f32, task="retrieve").encode_document([SAMPLE]).vectors
    assert least_cosine(cluster, retrieve) < 0.9999


def test_a_chat_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not an embedding model"):
        LlamaModel(write_tiny_qwen3(tmp_path / "chat.gguf", pooling=None))


@pytest.mark.parametrize("content", [b"", b"GGUF", b"<html>", b"GGUF" + bytes(100)])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        LlamaModel(path)


def test_a_model_cut_short_is_refused(tiny_f32: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny_f32.read_bytes()[:-100_000])
    with pytest.raises(ModelError, match="cannot load"):
        LlamaModel(path)


def test_gpu_layers_on_a_build_without_gpu_are_an_error_not_a_silence(tiny_f32: Path) -> None:
    import llama_cpp

    if llama_cpp.llama_supports_gpu_offload():
        pytest.skip("this machine has a GPU backend")
    with pytest.raises(ModelError, match="no GPU backend"):
        LlamaModel(tiny_f32, Resources(gpu_layers="35"))
    LlamaModel(tiny_f32, Resources(gpu_layers="0"))


def test_calls_that_would_abort_the_process_are_refused_first(tiny_f32: Path) -> None:
    model = LlamaModel(tiny_f32)
    context = LlamaContext(model, longest=100)
    bad_calls = [[], [np.zeros(0, np.int32)], [np.array([10**6], np.int32)], [np.array([-1], np.int32)]]
    bad_calls += [[np.zeros(3000, np.int32)], [np.zeros(1, np.int32)] * 65]
    for call in bad_calls:
        with pytest.raises(ModelError):
            context.run(call)
    with pytest.raises(ModelError):
        LlamaContext(model, longest=model.n_ctx_train + 1)


def test_a_window_larger_than_the_model_is_refused(tiny_f32: Path) -> None:
    with pytest.raises(ConfigError, match="max-tokens"):
        embedder(tiny_f32, max_tokens=10**6)


def test_a_file_that_belies_its_entry_is_refused(tiny_f32: Path) -> None:
    spec = models.ModelSpec(name="x", file="x.gguf", source={"kind": "path", "path": str(tiny_f32)}, dim=2560)
    with pytest.raises(ModelError, match="dim 2560"):
        InProcessEmbedder(tiny_f32, spec, params=EmbedParams(), resources=Resources(threads=1))


def test_the_starter_passes_its_own_checks(minilm: Path) -> None:
    results = checks.check_model(minilm, models.find("minilm"), Resources(threads=1))
    assert [result.name for result in results if result.passed is False] == []
