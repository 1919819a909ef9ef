"""Prove a model file on the user's machine: what it is, and that its vectors hold however they are computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

# 1e-3 is what the rounding of activations costs a quantised model when texts share a call.
_LEAST_AGREEMENT = 0.999
_TEXTS = (
    "A lithium-ion battery with a solid sulfide electrolyte between a silicon anode and a layered oxide cathode.",
    "A rechargeable cell whose solid electrolyte conducts lithium ions between a positive and a negative electrode.",
    "A wireless terminal that reports channel state information for beam selection to a base station.",
)
_LONG_TEXT = " ".join(_TEXTS) * 4


@dataclass(frozen=True)
class Check:
    """One statement about a model, whether it holds, and the figure behind it."""

    name: str
    passed: bool
    detail: str


def check_model(path: Path, spec: ModelSpec, resources: Resources) -> list[Check]:
    """Load the model and try it.

    Raises:
        ModelError: the file cannot be loaded at all.
    """
    embedder = InProcessEmbedder(path, spec, params=EmbedParams(model=spec.name, task="cluster"), resources=resources)
    try:
        return _checks(embedder, spec)
    finally:
        embedder.close()


def _checks(embedder: InProcessEmbedder, spec: ModelSpec) -> list[Check]:
    model = embedder.model
    texts = [*_TEXTS, _LONG_TEXT]
    together = embedder.encode_document(texts)
    alone = np.concatenate([embedder.encode_document([text]).vectors for text in texts])
    again = embedder.encode_document(texts)
    agreement = float((together.vectors * alone).sum(axis=1).min())
    norms = np.linalg.norm(together.vectors, axis=1)
    near, far = (float(together.vectors[0] @ together.vectors[i]) for i in (1, 2))
    closing = len(model.tail) > 0
    return [
        Check("dimension", spec.dim in (None, model.dim), f"{model.dim}"),
        Check(
            "pooling",
            spec.pooling in (None, model.pooling),
            f"{model.pooling}, {'causal' if model.causal else 'encoder'}",
        ),
        Check("closing token", closing or model.pooling != "last", f"{model.tail.tolist()}"),
        Check("window", embedder.window_tokens <= model.n_ctx_train, f"{embedder.window_tokens:,} tokens"),
        Check("unit length", bool(np.abs(norms - 1).max() < 1e-5), f"off by at most {np.abs(norms - 1).max():.1e}"),
        Check("same bytes twice", together.vectors.tobytes() == again.vectors.tobytes(), ""),
        Check("together as alone", agreement > _LEAST_AGREEMENT, f"least cosine {agreement:.6f}"),
        Check("like texts are near", near > far, f"battery and battery {near:.3f}, battery and wireless {far:.3f}"),
    ]
