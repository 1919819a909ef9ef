"""models.toml -> ModelSpec, and ModelSpec -> a verified GGUF file on this machine. Does not load or run models."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from patentclust.errors import ConfigError, ModelError
from patentclust.params import TEXT_SELECTIONS
from patentclust.progress import Progress

POOLINGS = ("last", "mean", "cls")
SOURCE_KEYS = {
    "hub": {"repo", "revision", "file"},
    "wheel": {"distribution", "version", "folder", "sha256", "convert", "size_bytes"},
    "path": {"path"},
}
# A GGUF outside models.toml is taken for an instruction-following embedder; its own file says the rest.
UNLISTED_TEMPLATES = {task: f"{task.capitalize()}: {{text}}" for task in ("cluster", "retrieve", "classify")} | {
    "query": "{text}"
}
UNLISTED_INSTRUCTED = "Instruct: {instruction}\nQuery:{text}"
INSTRUCTIONS = "instructions"
_HASH_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class ModelSpec:
    """What models.toml says of one model; see the head of that file for the meaning of each key.

    `dim`, `context_tokens` and `pooling` are None for a GGUF given by path: the file itself says them.
    """

    name: str
    file: str
    source: Mapping[str, Any]
    description: str = ""
    licence: str = ""
    sha256: str | None = None
    size_bytes: int | None = None
    dim: int | None = None
    context_tokens: int | None = None
    pooling: str | None = None
    matryoshka: tuple[int, int] | None = None
    text: str = "full"
    templates: Mapping[str, str] = field(default_factory=lambda: dict(UNLISTED_TEMPLATES))
    instructed: str | None = None
    served_as: str | None = None
    parameters: int | None = None
    languages: tuple[str, ...] = ()

    def template(self, task: str) -> str:
        """Return the prompt template of a task.

        Raises:
            ConfigError: the model has no template of that name.
        """
        if task not in self.templates:
            raise ConfigError(
                f"model {self.name} has no template for the task {task!r}",
                hint=f"allowed: {', '.join(self.templates)}; add templates in {user_file()}",
            )
        return self.templates[task]

    def prompt(self, task: str, instruction: str | None) -> str:
        """Return the prompt template of a task, or of an instruction where there is one.

        Raises:
            ConfigError: no such task, or a model that was trained without instructions.
        """
        if instruction is None:
            return self.template(task)
        if self.instructed is None:
            raise ConfigError(
                f"model {self.name} was trained without instructions",
                hint="leave --instruction out, or take one of the qwen3 models (patentclust models list)",
            )
        return self.instructed.replace("{instruction}", instructions().get(instruction, instruction))

    def check_dim(self, dim: int | None) -> None:
        """Refuse a vector length that the model was not trained to be cut to.

        Raises:
            ConfigError: `dim` lies outside the model's Matryoshka range.
        """
        if dim is None or dim == self.dim:
            return
        if self.matryoshka is None and self.dim is not None:
            raise ConfigError(
                f"model {self.name} gives vectors of {self.dim} and cannot be cut to {dim}",
                hint="leave --dim out, or take a model with a Matryoshka range (patentclust models list)",
            )
        low, high = self.matryoshka or (1, dim)
        if not low <= dim <= high:
            raise ConfigError(f"dim is {dim}; model {self.name} takes {low} to {high}", hint=f"give --dim {low}…{high}")

    def check_window(self, max_tokens: int | None) -> None:
        """Refuse a window that is longer than what the model reads.

        Raises:
            ConfigError: it is.
        """
        reads = self.context_tokens
        if max_tokens is not None and reads is not None and max_tokens > reads:
            raise ConfigError(f"max-tokens is {max_tokens}; {self.name} reads {reads}", hint=f"give {reads} or less")


def cache_folder() -> Path:
    """Return the folder for model files, from PATENTCLUST_CACHE or the system's convention."""
    chosen = os.environ.get("PATENTCLUST_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("patentclust")


def models_folder() -> Path:
    """Return where fetched, converted and hand-placed model files lie."""
    return cache_folder() / "models"


def vectors_folder() -> Path:
    """Return the folder of the cache of vectors, from PATENTCLUST_VECTORS or below the cache folder."""
    chosen = os.environ.get("PATENTCLUST_VECTORS")
    return Path(chosen) if chosen else cache_folder() / "vectors"


def user_file() -> Path:
    """Return where the user's own models.toml is looked for, from PATENTCLUST_MODELS or the system's convention."""
    chosen = os.environ.get("PATENTCLUST_MODELS")
    return Path(chosen) if chosen else platformdirs.user_config_path("patentclust") / "models.toml"


def _shipped_file() -> Path:
    package = Path(__file__).resolve().parent.parent
    inside = package / "models.toml"  # in a wheel; an editable install has it beside the package
    return inside if inside.exists() else package.parent / "models.toml"


def registry() -> dict[str, ModelSpec]:
    """Return all known models by name, the user's entries over the shipped ones.

    Raises:
        ConfigError: a models.toml cannot be read or an entry is wrong.
    """
    specs: dict[str, ModelSpec] = {}
    for path in _files():
        tables = _read(path)
        tables.pop(INSTRUCTIONS, None)
        specs |= {name: _spec(path, name, table) for name, table in tables.items()}
    return specs


def instructions() -> dict[str, str]:
    """Return the named instructions, by field of use, the user's over the shipped ones."""
    found: dict[str, str] = {}
    for path in _files():
        table = _read(path).get(INSTRUCTIONS, {})
        if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
            raise ConfigError(f"{path}: [{INSTRUCTIONS}] must hold names and sentences", hint='medical = "Given …"')
        found |= table
    return found


def _files() -> list[Path]:
    own = user_file()
    if own.exists():
        return [_shipped_file(), own]
    if os.environ.get("PATENTCLUST_MODELS"):
        raise ConfigError(f"PATENTCLUST_MODELS names {own}, which does not exist", hint="correct or unset it")
    return [_shipped_file()]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def _spec(path: Path, name: str, table: Any) -> ModelSpec:
    def require(condition: bool, problem: str) -> None:
        if not condition:
            raise ConfigError(
                f"{path}: [{name}] {problem}", hint="compare with the entries shown by: patentclust models list"
            )

    require(isinstance(table, dict), "is not a table")
    known = set(ModelSpec.__dataclass_fields__) - {"name"}
    unknown = set(table) - known
    require(not unknown, f"has unknown keys: {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(known))}")
    source = table.get("source", {})
    kind = source.get("kind") if isinstance(source, dict) else None
    require(kind in SOURCE_KEYS, f"source.kind is {kind!r}; allowed: {', '.join(SOURCE_KEYS)}")
    lacking = SOURCE_KEYS[str(kind)] - set(source)
    require(not lacking, f"source lacks {', '.join(sorted(lacking))}")
    require(
        table.get("pooling") in (None, *POOLINGS),
        f"pooling is {table.get('pooling')!r}; allowed: {', '.join(POOLINGS)}",
    )
    require(
        table.get("text", "full") in TEXT_SELECTIONS,
        f"text is {table.get('text')!r}; allowed: {', '.join(TEXT_SELECTIONS)}",
    )
    prompts = dict(table.get("templates", {}))
    prompts |= {"instructed": table["instructed"]} if "instructed" in table else {}
    for task, template in prompts.items():
        require(str(template).endswith("{text}"), f"template {task} does not end with {{text}}")
    values = dict(table)
    values.setdefault("file", Path(str(source.get("path", f"{name}.gguf"))).name)
    for key in ("matryoshka", "languages"):
        if key in values:
            values[key] = tuple(values[key])
    return ModelSpec(name=name, **values)


def find(name: str) -> ModelSpec:
    """Return the spec of a registered model, or of a GGUF file given by its path.

    Raises:
        ConfigError: neither.
    """
    specs = registry()
    if name in specs:
        return specs[name]
    if name.endswith(".gguf") or os.sep in name:
        source = {"kind": "path", "path": name}
        return ModelSpec(Path(name).name, Path(name).name, source, instructed=UNLISTED_INSTRUCTED)
    raise ConfigError(
        f"no model is called {name!r}", hint=f"known: {', '.join(specs)}; or give the path of a .gguf file"
    )


def found_by(name: str, sha256: str) -> str:
    """Return what `find` takes for a model that vectors name: a file of one's own by where it lies now, else the name.

    Vectors know such a file by its name and hash alone; this machine remembers where it saw it last.
    """
    if not sha256 or name in registry():
        return name
    for path in (Path(name), *_seen(sha256)):
        if path.name == name and path.is_file() and file_sha256(path) == sha256:
            return str(path)
    return name


def _seen(sha256: str) -> Iterator[Path]:
    for memo in sorted(_memos().glob("*.json")):
        remembered = _remembered(memo)
        if remembered.get("sha256") == sha256 and "path" in remembered:
            yield Path(remembered["path"])


def find_served(name: str) -> ModelSpec:
    """Return the spec of a model on a server: a registered one by its name or `served_as`, else one we know nothing of.

    A name we know nothing of gives vectors without a prompt but for an instruction: nobody said what it was trained on.
    """
    specs = registry()
    known = next((spec for spec in specs.values() if name in (spec.name, spec.served_as)), None)
    if known is not None:
        return known
    templates = dict.fromkeys(UNLISTED_TEMPLATES, "{text}")
    return ModelSpec(name, "", {"kind": "server"}, templates=templates, instructed=UNLISTED_INSTRUCTED, served_as=name)


def describe(spec: ModelSpec, path: Path | None) -> dict[str, Any]:
    """Return a spec as plain data, with where its file lies (or None)."""
    return asdict(spec) | {"path": None if path is None else str(path)}


def locate(spec: ModelSpec) -> Path | None:
    """Return where the model file lies on this machine, or None; does not verify it or touch the network."""
    from patentclust.models import fetch

    if spec.source["kind"] == "path":
        path = Path(str(spec.source["path"])).expanduser()
        return path if path.is_file() else None
    placed = models_folder() / spec.file
    if placed.is_file():
        return placed
    return fetch.hub_cached(spec) if spec.source["kind"] == "hub" else None


def require(spec: ModelSpec) -> Path:
    """Return where the model file lies on this machine.

    Raises:
        ModelError: it is not here.
    """
    path = locate(spec)
    if path is None:
        raise ModelError(f"model {spec.name} is not on this machine", hint=f"run: patentclust models pull {spec.name}")
    return path


def ensure(spec: ModelSpec, *, offline: bool, progress: Progress) -> Path:
    """Return the verified model file, fetching (and converting) it first where it is missing and `offline` allows.

    Raises:
        ModelError: missing and offline, unreachable, or of another sha256.
    """
    from patentclust.models import fetch

    path = locate(spec)
    if path is None:
        if spec.source["kind"] == "path":
            raise ModelError(
                f"no model file at {spec.source['path']}", hint="give the path of a .gguf file: --model PATH"
            )
        path = fetch.fetch(spec, models_folder(), offline=offline, progress=progress)
    verify(spec, path)
    return path


def verify(spec: ModelSpec, path: Path) -> None:
    """Compare the file's sha256 with the one of models.toml, where it states one.

    Raises:
        ModelError: they differ.
    """
    if spec.sha256 is None:
        return
    found = file_sha256(path)
    if found != spec.sha256:
        raise ModelError(
            f"{path} is not the file of model {spec.name}: expected sha256 {spec.sha256}, got {found}",
            hint=f"delete it and run: patentclust models pull {spec.name}",
        )


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, remembered by size and modification time: hashing gigabytes takes seconds."""
    path = path.absolute()
    stat = path.stat()
    memo = _memos() / (hashlib.sha256(os.fsencode(path)).hexdigest()[:32] + ".json")
    seen = {"path": str(path), "size_bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    remembered = _remembered(memo)
    if "sha256" in remembered and {key: remembered.get(key) for key in seen} == seen:
        return str(remembered["sha256"])
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        attempt = memo.with_suffix(f".tmp-{os.getpid()}")
        attempt.write_text(json.dumps(seen | {"sha256": digest.hexdigest()}))
        attempt.replace(memo)
    except OSError:
        pass  # a cache folder that cannot be written costs time, not the answer
    return digest.hexdigest()


def _memos() -> Path:
    return cache_folder() / "sha256"


def _remembered(memo: Path) -> dict[str, Any]:
    """Return what a memo holds; nothing where it is missing or no memo."""
    try:
        known = json.loads(memo.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
