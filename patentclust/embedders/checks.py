"""Prove a model file on the user's machine: what it is, and that its vectors hold however they are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.errors import ConfigError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

# 1e-3 to 3e-3 is what the rounding of activations costs a 4-bit model when texts share a call.
_LEAST_AGREEMENT = 0.995
_TEXTS = (
    "A lithium-ion battery with a solid sulfide electrolyte between a silicon anode and a layered oxide cathode.",
    "A rechargeable cell whose solid electrolyte conducts lithium ions between a positive and a negative electrode.",
    "A wireless terminal that reports channel state information for beam selection to a base station.",
)
_LONG_TEXT = " ".join(_TEXTS) * 4
_SHORT_TEXTS = ("solid electrolyte", "beam selection", "silicon anode")
# Each line: terms that belong together, then one that does not; the second line and on want a multilingual model.
_TERMS = (
    (("cardiac arrest", "myocardial infarction", "arrhythmia"), "common cold"),
    (("myocardial infarction", "心肌梗死"), "普通感冒"),
    (("lithium-ion battery", "锂离子电池", "リチウムイオン電池"), "myocardial infarction"),
)


@dataclass(frozen=True)
class Check:
    """One statement about a model, whether it holds (None: not tried), and the figure behind it."""

    name: str
    passed: bool | None
    detail: str


def check_model(path: Path, spec: ModelSpec, resources: Resources) -> list[Check]:
    """Load the model and try it.

    Raises:
        ModelError: the file cannot be loaded at all.
    """
    embedder = InProcessEmbedder(path, spec, params=EmbedParams(model=spec.name, task="cluster"), resources=resources)
    try:
        return [*_file_checks(embedder, spec), *_vector_checks(embedder), _prefix_check(embedder, spec),
                *_term_checks(embedder, spec)]  # fmt: skip
    finally:
        embedder.close()


def similarities(
    path: Path, spec: ModelSpec, terms: Sequence[str], params: EmbedParams, resources: Resources
) -> np.ndarray:
    """Return the cosine similarity of each term to each, shape (n, n), float64.

    Raises:
        ConfigError: an empty term, or none.
    """
    if not terms or not all(term.strip() for term in terms):
        raise ConfigError("terms must not be empty", hint="patentclust terms 'cardiac arrest' arrhythmia")
    embedder = InProcessEmbedder(path, spec, params=params, resources=resources)
    try:
        return _cosines(_vectors(embedder, terms))
    finally:
        embedder.close()


def read_terms(path: Path) -> list[str]:
    """Return the terms of a file, one a line; blank lines are no terms.

    Raises:
        ConfigError: the file is not UTF-8 text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read terms from {path}: {error}", hint="give UTF-8 text, one term a line") from error
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def _vectors(embedder: InProcessEmbedder, texts: Sequence[str]) -> np.ndarray:
    """Embed each text by itself, so that a term has one vector whatever stands beside it."""
    return np.concatenate([embedder.encode_document([text]).vectors for text in texts])


def _cosines(vectors: np.ndarray) -> np.ndarray:
    wide = vectors.astype(np.float64)
    return wide @ wide.T


def _file_checks(embedder: InProcessEmbedder, spec: ModelSpec) -> Iterator[Check]:
    model = embedder.model
    yield Check("dimension", spec.dim in (None, model.dim), f"{model.dim}")
    kind = "causal" if model.causal else "encoder"
    yield Check("pooling", spec.pooling in (None, model.pooling), f"{model.pooling}, {kind}")
    closing = "[" + ", ".join(str(token) for token in model.tail) + "]"
    ends = len(model.tail) > 0 or model.pooling != "last"
    yield Check("closing token", ends, f"{closing}, {'by the file' if model.states_closing else 'added here'}")
    yield Check("window", embedder.window_tokens <= model.n_ctx_train, f"{embedder.window_tokens:,} tokens")


def _vector_checks(embedder: InProcessEmbedder) -> Iterator[Check]:
    texts = [*_TEXTS, _LONG_TEXT, *_SHORT_TEXTS]
    together, again = embedder.encode_document(texts), embedder.encode_document(texts)
    failed = "; ".join(together.failures.values())
    yield Check("finite vectors", not together.failures, failed or f"{len(texts)} texts")
    off = float(np.abs(np.linalg.norm(together.vectors, axis=1) - 1).max())
    yield Check("unit length", off < 1e-5, f"off by at most {off:.1e}")
    yield Check("same bytes twice", together.vectors.tobytes() == again.vectors.tobytes(), "")
    agreement = float((together.vectors * _vectors(embedder, texts)).sum(axis=1).min())
    yield Check("packed as one by one", agreement > _LEAST_AGREEMENT, f"least cosine {agreement:.6f}")
    near, far = (float(together.vectors[0] @ together.vectors[i]) for i in (1, 2))
    yield Check("like texts are near", near > far, f"battery and battery {near:.3f}, battery and wireless {far:.3f}")


def _prefix_check(embedder: InProcessEmbedder, spec: ModelSpec) -> Check:
    """The prompt must reach the model: a text under it is near the bare text, but not the same."""
    prompt = spec.template("cluster").removesuffix("{text}")
    if not prompt:
        return Check("prefix effect", None, "the model takes no prompt")
    text = _TEXTS[0]
    cosine = float(embedder.encode_document([text]).vectors[0] @ embedder.encode_bare([text]).vectors[0])
    return Check("prefix effect", cosine < 0.99999, f"cosine {cosine:.4f} with and without {prompt.strip()!r}")


def _term_checks(embedder: InProcessEmbedder, spec: ModelSpec) -> Iterator[Check]:
    """Terms of one meaning must be nearer to each other than to a foreign one; an unlisted file is not tried."""
    if not spec.licence:
        yield Check("terms", None, "the model has no entry in models.toml")
        return
    for alike, foreign in _TERMS:
        name = f"terms: {alike[-1]}"
        if not all(term.isascii() for term in (*alike, foreign)) and spec.languages == ("en",):
            yield Check(name, None, "the model reads English only")
            continue
        cosines = _cosines(_vectors(embedder, [*alike, foreign]))
        n = len(alike)
        least = cosines[:n, :n].min()
        most = cosines[:n, n].max()
        yield Check(name, bool(least > most), f"among {', '.join(alike)} at least {least:.3f}; to {foreign} {most:.3f}")
