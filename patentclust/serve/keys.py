"""Keys to the server: one small file each, holding a hash. Knows nothing of HTTP.

A key is 32 random bytes, so a single sha256 is as hard to turn back as a slow hash would be of a chosen password.
One file a key: adding and revoking never rewrite what another process writes, and a running server sees them at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from patentclust.errors import ArtifactError, ConfigError

SCOPES = ("embed", "search", "admin")
_PREFIX = "pc-"


@dataclass(frozen=True)
class Key:
    """What is kept of a key: its name, what it opens, the sha256 (hex) of its text, and the day it was made."""

    name: str
    scopes: tuple[str, ...]
    sha256: str
    created: str


def add(folder: Path, name: str, scopes: Sequence[str]) -> str:
    """Make a key and return its text, which is kept nowhere.

    Raises:
        ConfigError: a name that is no plain word, is taken, or a scope that does not exist.
        ArtifactError: the folder cannot be written.
    """
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"the key's name is {name!r}", hint="give letters, digits, - and _")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ConfigError(f"scopes are {', '.join(scopes) or 'none'}", hint=f"allowed: {', '.join(SCOPES)}")
    text = _PREFIX + secrets.token_urlsafe(32)
    key = Key(name, tuple(scopes), _sha256(text), datetime.now(UTC).date().isoformat())
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"there is a key {name!r} already", hint=f"run: patentclust keys revoke {name}") from error
    except OSError as error:
        raise ArtifactError(f"cannot write {path}: {error.strerror}", hint="choose another --workspace") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(asdict(key), handle)
    return text


def revoke(folder: Path, name: str) -> None:
    """Make a key worthless.

    Raises:
        ConfigError: there is no such key.
    """
    if name not in [key.name for key in listed(folder)]:
        raise ConfigError(f"there is no key {name!r}", hint="run: patentclust keys list")
    (folder / f"{name}.json").unlink(missing_ok=True)


def listed(folder: Path) -> list[Key]:
    """Return all keys by name. A file that is not whole opens nothing, and is left out."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            stated = json.loads(path.read_text(encoding="utf-8"))
            found.append(Key(path.stem, tuple(stated["scopes"]), str(stated["sha256"]), str(stated["created"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def holder(folder: Path, text: str) -> Key | None:
    """Return the key with this text, or None; takes as long for a near miss as for a far one."""
    given, match = _sha256(text), None
    for key in listed(folder):
        if hmac.compare_digest(key.sha256.encode(), given.encode()):
            match = key
    return match


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
