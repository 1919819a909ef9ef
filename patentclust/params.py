"""What the user chooses. Frozen dataclasses change the answer and are hashed; Resources changes only the speed.

Defaults stand here and nowhere else: the command line takes them from these classes.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from patentclust.errors import ConfigError

TEXT_FIELDS = {"t": "title", "a": "abstract", "c": "claims", "d": "description"}
TEXT_SELECTIONS = ("full", "tac", "ta", "title", "abstract", "claims", "description")
FAMILY_MODES = ("simple", "extended")
UNITS = ("family", "document")
# The task whose vectors stand for passages of a text, for `search`, and not for the whole of it.
PASSAGE_TASK = "retrieve"
LONG_MODES = ("window", "truncate")
BACKENDS = ("llama", "openai")
KV_TYPES = ("f16", "q8_0")
MOST_GPUS = 16
SELECTION_METHODS = ("eom", "leaf")
CLUSTER_METHODS = ("hdbscan", "leiden", "kmeans", "evoc")
RECIPES = ("stable", "article")
LABELS = ("auto", "terms", "model", "llm")
REDUCTIONS = ("umap", "pca", "none")
PAGE_LANGUAGES = ("en", "zh", "ja")


def _check(condition: bool, message: str, *, hint: str = "") -> None:
    if not condition:
        raise ConfigError(message, hint=hint)


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    _check(value in allowed, f"{name} is {value!r}", hint=f"allowed: {', '.join(allowed)}")


def _check_types(params: object) -> None:
    """Refuse values of another type than the field's: a params file may hold anything."""
    for name, hint in get_type_hints(type(params)).items():
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        allowed = tuple(get_origin(kind) or kind for kind in kinds)
        if float in allowed:
            allowed += (int,)
        value = getattr(params, name)
        fits = isinstance(value, allowed) and not (isinstance(value, bool) and bool not in allowed)
        wanted = " or ".join(kind.__name__ for kind in allowed if kind is not NoneType)
        _check(fits, f"{name} is {value!r}", hint=f"give a value of type {wanted}")


@dataclass(frozen=True)
class IngestParams:
    """How files become documents.

    Attributes:
        mapping: `(field, column)` pairs for table exports, e.g. `("title", "Title (English)")`; they win over presets.
            `("orbit.csv:title", …)` is for files of that name, or pattern of names, alone, and wins over the former.
        prefer_language: BCP 47 code of the text to take where a document carries several; None takes the procedure's.
        family: `simple` joins publications with equal priorities, `extended` those that share one.
        ocr: read pages of a PDF that are pictures of text by optical character recognition (extra `ocr`); slow.
    """

    mapping: tuple[tuple[str, str], ...] = ()
    prefer_language: str | None = None
    family: str = "simple"
    ocr: bool = False

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("family", self.family, FAMILY_MODES)


@dataclass(frozen=True)
class EmbedParams:
    """How documents become vectors.

    Attributes:
        model: name of an entry of models.toml, or the path of a GGUF file.
        task: prompt template of the model, and folder of the vectors.
        text: which fields go in, in the order title, abstract, claims, description; None takes the model's default.
        dim: Matryoshka cut: keep the first `dim` components and renormalise; None keeps all.
        long: what happens to a text longer than the model's window: `window` averages several, `truncate` cuts.
        max_tokens: window in tokens; None takes the model's own.
        unit: what gets a vector: each `family`, by the member that stands for it, or each `document`.
        instruction: one of models.toml's fields of use, such as `medical`, or a sentence of one's own; it takes the
            place of the task's prompt.
        backend: where the model runs: `llama` in this process, `openai` on a server that speaks /v1/embeddings.
        kv_type: number format of the attention cache: `f16`, or `q8_0` to halve it at some cost in exactness and speed.
    """

    model: str = "qwen3-embedding-4b"
    task: str = "cluster"
    text: str | None = None
    dim: int | None = None
    long: str = "window"
    max_tokens: int | None = None
    unit: str = "family"
    instruction: str | None = None
    backend: str = "llama"
    kv_type: str = "f16"

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("backend", self.backend, BACKENDS)
        _check_choice("kv-type", self.kv_type, KV_TYPES)
        if self.text is not None:
            _check_choice("text", self.text, TEXT_SELECTIONS)
        _check_choice("long", self.long, LONG_MODES)
        _check_choice("unit", self.unit, UNITS)
        _check(self.dim is None or self.dim > 0, f"dim is {self.dim}", hint="give a positive number")
        _check(
            self.max_tokens is None or self.max_tokens >= 16, f"max-tokens is {self.max_tokens}", hint="give 16 or more"
        )
        _check(self.task.isidentifier(), f"task is {self.task!r}", hint="a task is a name such as `cluster`")


@dataclass(frozen=True)
class ClusterParams:
    """How vectors become clusters: UMAP, then HDBSCAN.

    Attributes:
        method: `hdbscan` on the reduced points, `leiden` on UMAP's graph, `kmeans` or `evoc` on the vectors.
        recipe: `stable` averages UMAP over several layouts and breaks clusters that hold nearly everything; `article`
            is one run of umap-learn and plain HDBSCAN.
        reduce: what HDBSCAN works on: `umap`, principal components (`pca`), or the vectors (`none`).
        exact_umap: umap-learn as it stands, in one thread, for the reduction.
        min_cluster_size: the smallest group that counts as a cluster; smaller groups become noise. Raise it for fewer,
            broader clusters.
        auto_size: choose that size from the vectors instead, see `analysis.sizes`; `min_cluster_size` is then not read.
        min_samples: how dense a neighbourhood must be; None takes `min_cluster_size`. Lower it for less noise.
        selection: `eom` takes the most persistent clusters of the tree, `leaf` its finest ones.
        n_neighbors: neighbourhood of UMAP's graph; raise it for a more global picture. None takes `neighborhood`.
        n_components: dimensions before clustering, in all layouts of UMAP together.
        min_dist: how tightly UMAP packs points; None takes the recipe's, 0 or 0.1.
        resolution: of Leiden; raise it for more, smaller clusters.
        n_clusters: of k-means; None takes a number that grows with the corpus.
        max_noise: let outliers that fit into clusters until this share is left; None leaves noise as it is.
        stability: how many seeds to run, to say how far they agree; None takes a few where that is cheap.
        seed: of every random choice; the same seed and input give the same bytes.
        task: which embeddings to read.
        labels: who names clusters: their `terms`; the `model` of the vectors, which looks at the terms too; `llm`, a
            chat server; `auto` takes the model where it is at hand and small.
        labels_model: what the chat server calls its model.
        labels_prompt: what the chat server is asked, with {terms} and {titles}; None takes ours.
    """

    method: str = "hdbscan"
    recipe: str = "stable"
    reduce: str = "umap"
    exact_umap: bool = False
    min_cluster_size: int = 10
    auto_size: bool = False
    min_samples: int | None = None
    selection: str = "eom"
    n_neighbors: int | None = None
    n_components: int = 50
    min_dist: float | None = None
    resolution: float = 2.0
    n_clusters: int | None = None
    max_noise: float | None = None
    stability: int | None = None
    seed: int = 42
    task: str = "cluster"
    labels: str = "auto"
    labels_model: str | None = None
    labels_prompt: str | None = None

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("selection", self.selection, SELECTION_METHODS)
        _check_choice("method", self.method, CLUSTER_METHODS)
        _check_choice("recipe", self.recipe, RECIPES)
        _check_choice("reduce", self.reduce, REDUCTIONS)
        _check_choice("labels", self.labels, LABELS)
        _check(self.min_cluster_size >= 2, f"min-size is {self.min_cluster_size}", hint="give 2 or more")
        _check(
            self.min_samples is None or self.min_samples >= 1,
            f"min-samples is {self.min_samples}",
            hint="give 1 or more",
        )
        _check(self.neighborhood >= 2, f"neighbors is {self.n_neighbors}", hint="give 2 or more")
        _check(self.n_components >= 2, f"components is {self.n_components}", hint="give 2 or more")
        _check(self.task != PASSAGE_TASK, f"task is {self.task}", hint="its vectors are of passages; take another task")
        for name in ("min_dist", "max_noise"):
            value = getattr(self, name)
            flag = name.replace("_", "-")
            _check(value is None or 0 <= value <= 1, f"{flag} is {value}", hint="give a number from 0 to 1")
        _check(self.resolution > 0, f"resolution is {self.resolution}", hint="give a number above 0, such as 1")
        for name in ("n_clusters", "stability"):
            value = getattr(self, name)
            flag = name.removeprefix("n_")
            _check(value is None or value >= 1, f"{flag} is {value}", hint="give 1 or more")
        _check(0 <= self.seed < 2**32, f"seed is {self.seed}", hint="give a whole number from 0 to 4294967295")

    @property
    def neighborhood(self) -> int:
        """How many neighbours tie a row into the graph, itself counted: UMAP's 15, or 20 for `leiden`."""
        return self.n_neighbors if self.n_neighbors is not None else 20 if self.method == "leiden" else 15


@dataclass(frozen=True)
class ReportParams:
    """How clusters become a page and tables.

    Attributes:
        title: heading of the page; "" takes one in its language.
        task: which embeddings the clusters came from.
        bom: begin CSV files with a byte order mark, which some spreadsheets need to see that they are UTF-8.
        workbook: write the tables as a workbook too.
        lang: language of the page: English, Chinese or Japanese; texts and names stay as they are.
    """

    title: str = ""
    task: str = "cluster"
    bom: bool = False
    workbook: bool = True
    lang: str = "en"

    def __post_init__(self) -> None:
        _check_types(self)
        _check_choice("lang", self.lang, PAGE_LANGUAGES)


@dataclass(frozen=True)
class Resources:
    """What changes only the speed, never the answer.

    Attributes:
        workers: processes that read files: `auto` (one a usable core) or a number; 1 reads in this process.
        threads: CPU threads of the model; None takes the machine's usable cores.
        gpu_layers: `auto` (all when there is a GPU, else none), `all`, or a number of layers.
        offline: never touch the network, not even for a missing model.
        main_gpu: the one GPU to use, by number; None spreads the model over all.
        tensor_split: share of the model that each GPU takes.
        isolate: run the model in a child process, so that a crash of its library costs one text and not the run.
        verbose: let the model's library talk on stderr.
        cache: where vectors are kept across workspaces: `local`, `off`, or a redis:// address.
        cache_days: how long a redis:// cache keeps a vector.
        base_urls: servers to send texts to, for the backend `openai`; several share the work.
        n_requests: requests in flight at a time, to each server.
        chat_url: server that names clusters, for `labels` = `llm`.
        model: path of a model file of one's own, of which vectors that are there know the name only.
    """

    workers: str = "auto"
    threads: int | None = None
    gpu_layers: str = "auto"
    offline: bool = False
    main_gpu: int | None = None
    tensor_split: tuple[float, ...] = ()
    isolate: bool = False
    verbose: bool = False
    cache: str = "local"
    cache_days: int = 90
    base_urls: tuple[str, ...] = ()
    n_requests: int = 4
    chat_url: str = ""
    model: str | None = None

    def __post_init__(self) -> None:
        _check_types(self)
        _check(self.threads is None or self.threads > 0, f"threads is {self.threads}", hint="give 1 or more")
        valid = self.workers == "auto" or (self.workers.isdecimal() and int(self.workers) > 0)
        _check(valid, f"workers is {self.workers!r}", hint="allowed: auto, or a number such as 1 or 8")
        valid = self.gpu_layers in ("auto", "all") or self.gpu_layers.isdecimal()
        _check(valid, f"gpu-layers is {self.gpu_layers!r}", hint="allowed: auto, all, or a number such as 0 or 35")
        shared = self.cache.startswith(("redis://", "rediss://", "unix://"))
        _check(
            self.cache in ("local", "off") or shared,
            f"cache is {self.cache!r}",
            hint="allowed: local, off, or redis://HOST:PORT/DB",
        )
        shares = self.tensor_split
        _check(
            not shares or (len(shares) <= MOST_GPUS and min(shares) >= 0 and max(shares) > 0),
            f"tensor-split is {','.join(map(str, shares))}",
            hint=f"give up to {MOST_GPUS} shares, such as 3,1",
        )
        _check(self.main_gpu is None or self.main_gpu >= 0, f"main-gpu is {self.main_gpu}", hint="give 0 or more")
        _check(self.cache_days > 0, f"cache-days is {self.cache_days}", hint="give 1 or more")
        _check(self.n_requests > 0, f"requests is {self.n_requests}", hint="give 1 or more")
        for url in self.base_urls:
            _check(url.startswith(("http://", "https://")), f"base-url is {url!r}", hint="give http://HOST:PORT/v1")

    @property
    def n_workers(self) -> int:
        """Return the number of processes that read files."""
        return _n_cores() if self.workers == "auto" else int(self.workers)

    @property
    def n_threads(self) -> int:
        """Return the number of threads to use."""
        return _n_cores() if self.threads is None else self.threads


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Params = TypeVar("Params", IngestParams, EmbedParams, ClusterParams, ReportParams)

STAGE_PARAMS: dict[str, type] = {
    "ingest": IngestParams,
    "embed": EmbedParams,
    "cluster": ClusterParams,
    "report": ReportParams,
}


def load_params_file(path: Path) -> dict[str, dict[str, Any]]:
    """Read a params file: one TOML table per stage, keys as the fields of its class.

    Raises:
        ConfigError: the file cannot be read, or names a stage or field that does not exist.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "a workspace holds those of its last run: params.toml"
        raise ConfigError(f"cannot read the params file {path}: {error.strerror}", hint=hint) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"cannot read the params file {path}: {error}", hint="mend it, or leave it out") from error
    for stage, table in raw.items():
        _check(stage in STAGE_PARAMS, f"{path}: unknown table [{stage}]", hint=f"allowed: {', '.join(STAGE_PARAMS)}")
        _check(isinstance(table, dict), f"{path}: {stage} is not a table", hint=f"write [{stage}] and its keys below")
        allowed = [f.name for f in fields(STAGE_PARAMS[stage])]
        for key in table:
            _check(key in allowed, f"{path}: unknown key {key!r} in [{stage}]", hint=f"allowed: {', '.join(allowed)}")
    return raw


def resolve(base: Params, from_file: dict[str, Any], flags: dict[str, Any]) -> Params:
    """Return `base` overlaid with a params file's table, then with the flags that were given (not None)."""
    given = {key: value for key, value in flags.items() if value is not None}
    values = {**from_file, **given}
    if "mapping" in values and isinstance(values["mapping"], dict):
        values["mapping"] = tuple(sorted(values["mapping"].items()))
    try:
        return replace(base, **values)
    except TypeError as error:
        raise ConfigError(f"a parameter has the wrong type: {error}") from error


def dump_params(stage_params: dict[str, Any]) -> str:
    """Write parameters as TOML that `load_params_file` reads back; unset (None) fields are left out."""
    lines: list[str] = []
    for stage, params in stage_params.items():
        lines.append(f"[{stage}]")
        for key, value in asdict(params).items():
            if value is not None and value != ():
                lines.append(f"{key} = {_toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return "{ " + ", ".join(f"{toml_string(k)} = {toml_string(v)}" for k, v in value) + " }"
    return toml_string(str(value))


def toml_string(text: str) -> str:
    """Return text as a quoted TOML string or key."""
    # JSON escapes are TOML escapes, except that TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
