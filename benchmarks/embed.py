"""How near embedding comes to the limit of the hardware, and how others do beside it.

    python benchmarks/embed.py MODEL.gguf CORPUS.jsonl.gz --workload abstracts [--texts 500] [--rounds 3] [--others]

The limit is raw prompt processing, `llama_decode` with embeddings off and one output a text, of the same tokens at each
text's own length, by the same model on the same threads; an encoder has no such mode, so there it is its bare call.
Slices of the texts are run in turn by the limit and by us, and one long text in step, call by call, so that a busy
machine slows both alike; figures are tokens by CPU-second. Both have llama.cpp's scratch memory at a page, which is the
fastest place (`scratch.py`): the limit is in our process. `--others` adds Llama.embed, llama_cpp.server on loopback,
and with `--torch-python PYTHON --safetensors FOLDER` sentence-transformers, each in a process of its own. An encoder's
long texts are given to them window by window, which they would else cut in silence; a causal model's context is made as
long as the longest text.

Workloads, made of the corpus's titles and abstracts: `abstracts` as they are; `mixed` 200 to 8,000 tokens a text,
log-uniform; `long` one text of 30,000 tokens.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

MEAN_CHARS_PER_TOKEN = 4.7
SLICE_TOKENS = {"encoder": 6000, "causal": 500}  # a few seconds of work
PORT = 18917


def main() -> None:
    arguments = parse()
    if arguments.contender:
        contend(arguments)
        return
    texts = workload(arguments)
    print(
        "| who | texts | tokens | tokens/CPU-s | of the limit | peak MiB | Python | cosine to ours |\n"
        + "|---" * 8
        + "|"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.json"
        path.write_text(json.dumps(texts))
        ours = launch(arguments, "ours", path, sys.executable)
        show("limit", ours, ours["limit_seconds"])
        show("patentclust", ours, ours["seconds"])
        path.write_text(json.dumps(ours["pieces"]))
        for name in ("Llama.embed", "llama_cpp.server") if arguments.others else ():
            show(name, launch(arguments, name, path, sys.executable) | {"ours": ours}, None)
        if arguments.torch_python:
            found = launch(arguments, "sentence-transformers", path, arguments.torch_python)
            show("sentence-transformers", found | {"ours": ours}, None)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--workload", choices=("abstracts", "mixed", "long"), default="abstracts")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit-first", action="store_true", help="make its context before ours; peak is then of both")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--torch-python")
    parser.add_argument("--safetensors", type=Path)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    return parser.parse_args()


def workload(arguments: argparse.Namespace) -> list[str]:
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        abstracts = [f"{row['title']}\n\n{row['abstract']}" for row in map(json.loads, lines)]
    if arguments.workload == "abstracts":
        return abstracts[: arguments.texts]
    rng = np.random.default_rng(0)
    mixed = np.exp(rng.uniform(np.log(200), np.log(8000), arguments.texts))
    targets = [30_000] if arguments.workload == "long" else mixed
    stream = (abstract for _ in range(100) for abstract in abstracts)
    return [cut(stream, int(target * MEAN_CHARS_PER_TOKEN)) for target in targets]


def cut(stream: Iterator[str], n_chars: int) -> str:
    text = ""
    while len(text) < n_chars:
        text += next(stream) + "\n"
    return text[:n_chars]


def launch(arguments: argparse.Namespace, name: str, texts: Path, python: str) -> dict[str, Any]:
    """Run one contender in a process of its own: its peak memory is then its own."""
    command = [python, __file__, str(arguments.model), str(texts), "--contender", name]
    command += ["--rounds", str(arguments.rounds), "--threads", str(arguments.threads)]
    command += ["--limit-first"] * arguments.limit_first
    command += ["--safetensors", str(arguments.safetensors)] if arguments.safetensors else []
    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(result.stdout.splitlines()[-1])


def show(name: str, found: dict[str, Any], seconds: float | None) -> None:
    ours = found.get("ours", found)
    seconds = found["seconds"] if seconds is None else seconds
    # Others count tokens by our count, so the same texts give the same figure; what they leave out is in the cosine.
    rate, limit = ours["tokens"] / seconds, ours["tokens"] / ours["limit_seconds"]
    cosine = ""
    if ours is not found and len(found["vectors"]) == len(ours["vectors"]):
        mine, theirs = np.array(ours["vectors"]), np.array(found["vectors"])
        cosine = f"{(mine * theirs).sum(axis=1).min():.4f}"
    python = f"{found['python']:.1%}" if name == "patentclust" else ""
    peak = "" if name == "limit" else f"{found['peak_mib']:,.0f}"
    print(f"| {name} | {ours['texts']} | {ours['tokens']:,} | {rate:,.0f} | {rate / limit:.3f} | {peak} | {python} "
          f"| {cosine} |", flush=True)  # fmt: skip


def contend(arguments: argparse.Namespace) -> None:
    texts = json.loads(arguments.corpus.read_text())
    contenders = {
        "ours": run_ours,
        "Llama.embed": run_llama_embed,
        "llama_cpp.server": run_server,
        "sentence-transformers": run_torch,
    }
    found = contenders[arguments.contender](arguments, texts)
    found.setdefault("peak_mib", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    found["vectors"] = [[round(float(x), 6) for x in row] for row in found["vectors"]]
    print(json.dumps(found | {"texts": len(texts)}))


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def median_run(rounds: int, work: Callable[[], Any]) -> tuple[float, Any]:
    runs = [cpu_seconds(work) for _ in range(rounds)]
    return float(np.median([seconds for seconds, _ in runs])), runs[0][1]


def run_ours(arguments: argparse.Namespace, texts: list[str]) -> dict[str, Any]:
    import llama_cpp

    from patentclust import models
    from patentclust.embedders.inprocess import InProcessEmbedder
    from patentclust.params import EmbedParams, Resources

    # Texts as they are: others know nothing of our prompts.
    spec = replace(models.find(str(arguments.model)), templates={"cluster": "{text}"})
    embedder = InProcessEmbedder(
        arguments.model, spec, params=EmbedParams(model=spec.name), resources=Resources(threads=arguments.threads)
    )
    slices = sliced(embedder, texts)
    n_tokens = max(map(len, sequences(embedder, texts)))
    limit = Limit(embedder.model, n_tokens, arguments.threads) if arguments.limit_first else None
    embedder.encode_document(max(slices, key=lambda part: max(map(len, part))))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    limit = limit or Limit(embedder.model, n_tokens, arguments.threads)
    decode, inside = llama_cpp.llama_decode, [0.0]

    def timed(*args: Any) -> int:
        start = time.process_time()
        status = decode(*args)
        inside[0] += time.process_time() - start
        return status

    llama_cpp.llama_decode = timed
    try:
        encoded, ours, raw = interleaved(arguments, embedder, slices, limit)
    finally:
        llama_cpp.llama_decode = decode
    return {
        "pieces": pieces(embedder, texts),
        "tokens": int(sum(part.n_tokens_used.sum() for part in encoded)),
        "vectors": np.concatenate([part.vectors for part in encoded]),
        "seconds": float(np.median(ours, axis=0).sum()),
        "limit_seconds": float(np.median(raw, axis=0).sum()),
        "python": 1 - inside[0] / ours.sum(),
        "peak_mib": peak,
    }


def pieces(embedder: Any, texts: list[str]) -> list[str]:
    """What others are given: the texts, or their windows' own text where a text has several."""
    found = []
    for text in texts:
        windows = embedder._cut_up(text, embedder._template).windows
        found += [text] if len(windows) == 1 else [embedder.model.detokenize(window.tokens) for window in windows]
    return found


def sliced(embedder: Any, texts: list[str]) -> list[list[str]]:
    most = SLICE_TOKENS["causal" if embedder.model.causal else "encoder"]
    slices: list[list[str]] = [[]]
    filled = 0
    for text in texts:
        if filled > most:
            slices.append([])
            filled = 0
        slices[-1].append(text)
        filled += len(embedder.model.tokenize(text))
    return slices


def interleaved(
    arguments: argparse.Namespace, embedder: Any, slices: list[list[str]], limit: Limit
) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """Run all slices by us and by the limit, slice by slice, in turn; CPU-seconds by round and slice."""
    tokens = [sequences(embedder, part) for part in slices]
    limit.run(tokens[0][:2] if len(tokens[0]) > 1 else [tokens[0][0][:64]])
    ours, raw = np.zeros((2, arguments.rounds, len(slices)))
    encoded: list[Any] = [None] * len(slices)
    for turn in range(arguments.rounds):
        for i, part in enumerate(slices):
            if len(part) == 1:
                ours[turn, i], raw[turn, i], encoded[i] = in_step(embedder, limit, part, tokens[i])
                continue
            if (turn + i) % 2:
                raw[turn, i], _ = cpu_seconds(lambda i=i: limit.run(tokens[i]))
            ours[turn, i], encoded[i] = cpu_seconds(lambda part=part: embedder.encode_document(part))
            if not (turn + i) % 2:
                raw[turn, i], _ = cpu_seconds(lambda i=i: limit.run(tokens[i]))
    return encoded, ours, raw


def in_step(embedder: Any, limit: Limit, part: list[str], tokens: list[np.ndarray]) -> tuple[float, float, Any]:
    """CPU-seconds of one long text by us and by the limit, which makes its call as soon as we are as far."""
    import llama_cpp

    decode, behind = llama_cpp.llama_decode, limit.steps(tokens)
    raw, done, reached = 0.0, 0, 0

    def step(until: int) -> None:
        nonlocal raw, reached
        start = time.process_time()
        while reached < until:
            reached = next(behind, until)
        raw += time.process_time() - start

    def ours_then_limit(handle: Any, batch: Any) -> int:
        nonlocal done
        status: int = decode(handle, batch)
        done += batch.n_tokens
        step(done - limit.n_batch + 1)
        return status

    llama_cpp.llama_decode = ours_then_limit
    try:
        both, encoded = cpu_seconds(lambda: embedder.encode_document(part))
    finally:
        llama_cpp.llama_decode = decode
    ours = both - raw
    step(sum(len(sequence) for sequence in tokens))
    return ours, raw, encoded


def sequences(embedder: Any, texts: list[str]) -> list[np.ndarray]:
    return [window.tokens for text in texts for window in embedder._cut_up(text, embedder._template).windows]


class Limit:
    """Raw prompt processing, as llama-bench does it: micro-batches of 512 tokens, flash attention."""

    def __init__(self, model: Any, longest: int, threads: int) -> None:
        import llama_cpp

        self.lib, self.causal, self.decode = llama_cpp, model.causal, llama_cpp.llama_decode
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = -(-longest // 256) * 256
        # llama-bench gives four micro-batches a call; one is the same work, and a busy moment meets both sides.
        params.n_batch, params.n_ubatch = (512, 512) if model.causal else (params.n_ctx, params.n_ctx)
        params.n_outputs_max = 1 if model.causal else params.n_batch
        params.n_threads = params.n_threads_batch = threads
        params.embeddings = not model.causal
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.no_perf = True
        self.context = llama_cpp.llama_init_from_model(model._handle, params)
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.batch = llama_cpp.llama_batch_init(params.n_batch, 0, 1)
        self.n_batch = params.n_batch

    def run(self, texts: list[np.ndarray]) -> None:
        """Process each text by itself."""
        for _ in self.steps(texts):
            pass

    def steps(self, texts: list[np.ndarray]) -> Iterator[int]:
        """Process each text by itself, call by call; yield how many tokens are done."""
        done = 0
        for tokens in texts:
            if self.memory:
                self.lib.llama_memory_clear(self.memory, False)
            for start in range(0, len(tokens), self.n_batch):
                part = tokens[start : start + self.n_batch]
                self._fill(part, start, last=start + len(part) == len(tokens))
                if self.decode(self.context, self.batch):
                    raise RuntimeError("llama_decode refused the limit's batch")
                done += len(part)
                yield done

    def _fill(self, tokens: np.ndarray, start: int, *, last: bool) -> None:
        n = len(tokens)
        self.batch.n_tokens = n
        ctypes.memmove(self.batch.token, tokens.ctypes.data, 4 * n)
        positions = np.arange(start, start + n, dtype=np.int32)
        ctypes.memmove(self.batch.pos, positions.ctypes.data, 4 * n)
        for i in range(n):
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = 0
            self.batch.logits[i] = not self.causal or (last and i == n - 1)


def run_llama_embed(arguments: argparse.Namespace, texts: list[str]) -> dict[str, Any]:
    from llama_cpp import Llama

    n_ctx = context_tokens(texts)
    model = Llama(
        str(arguments.model), embedding=True, n_ctx=n_ctx, n_batch=n_ctx, n_ubatch=512, verbose=False,
        n_threads=arguments.threads, n_threads_batch=arguments.threads,
    )  # fmt: skip
    seconds, vectors = median_run(arguments.rounds, lambda: [model.embed(text, normalize=True) for text in texts])
    return {"seconds": seconds, "vectors": vectors}


def context_tokens(texts: list[str]) -> int:
    """A context, and so a batch, that cuts nothing: these two cut at their batch without a word."""
    # Windows of an encoder, and abstracts, have 512 tokens at most; no long English text has 3.5 characters a token.
    longest = max(len(text) for text in texts)
    return 512 if longest < 3500 else -(-int(longest / 3.5) // 256) * 256


def run_server(arguments: argparse.Namespace, texts: list[str]) -> dict[str, Any]:
    import httpx
    import psutil

    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(arguments.model), "--embedding", "true"]
    n_ctx = str(context_tokens(texts))
    command += ["--n_ctx", n_ctx, "--n_batch", n_ctx, "--n_ubatch", "512", "--n_threads", str(arguments.threads)]
    command += ["--n_threads_batch", str(arguments.threads), "--port", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{PORT}/v1/embeddings"

    def ask() -> list[list[float]]:
        answers = [client.post(url, json={"input": texts[i : i + 16]}).json() for i in range(0, len(texts), 16)]
        return [row["embedding"] for answer in answers for row in answer["data"]]

    try:
        with httpx.Client(timeout=600) as client:
            wait_for(client)
            process = psutil.Process(server.pid)
            spent = []
            for _ in range(arguments.rounds):
                start = sum(process.cpu_times()[:2])
                vectors = np.array(ask())
                spent.append(sum(process.cpu_times()[:2]) - start)
            peak = process.memory_info().rss / 2**20
    finally:
        server.kill()
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {"seconds": float(np.median(spent)), "vectors": vectors, "peak_mib": peak}


def wait_for(client: Any) -> None:
    import httpx

    for _ in range(240):
        try:
            client.get(f"http://127.0.0.1:{PORT}/v1/models")
            return
        except httpx.ConnectError:
            time.sleep(0.5)
    raise RuntimeError("llama_cpp.server did not start")


def run_torch(arguments: argparse.Namespace, texts: list[str]) -> dict[str, Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(arguments.threads)
    model = SentenceTransformer(str(arguments.safetensors), device="cpu")
    model.max_seq_length = 512
    model.encode(texts[:4])
    seconds, vectors = median_run(arguments.rounds, lambda: model.encode(texts, normalize_embeddings=True))
    return {"seconds": seconds, "vectors": vectors}


if __name__ == "__main__":
    main()
