"""Who gets in, how much they may send, what every answer carries, and the one line a request leaves in the log.

Plain ASGI, around all routes. Texts, queries, keys and paths with document numbers never reach the log.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from patentclust.serve import keys
from patentclust.serve.metrics import Metrics
from patentclust.serve.settings import Settings, is_loopback
from patentclust.serve.wire import KINDS, error

LOG = logging.getLogger("patentclust.serve")
Scope = MutableMapping[str, Any]
# Whoever sends one of these is a proxy: behind it may be anybody, though it connects from this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_OPEN = ("/health",)
_SCOPES = {"/metrics": "admin", "/embeddings": "embed", "/v1/embeddings": "embed", "/v1/models": "embed"}
_UPLOADS = ("/v1/similar/file",)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_CLIENT_GONE = 499
_POLICY = "default-src 'none'; frame-ancestors 'none'"
# The report states its own policy; this one is added to it.
_PAGE_POLICY = "frame-ancestors 'none'"


class TooLargeError(Exception):
    """The body is longer than it may be."""


@dataclass
class RefusedError(Exception):
    """Why a request is not let in."""

    status: int
    message: str
    hint: str = ""


class Gate:
    """The ASGI middleware."""

    def __init__(self, app: Any, settings: Settings, keys_folder: Path, metrics: Metrics) -> None:
        """Stand before `app`."""
        self._app, self._settings, self._keys, self._metrics = app, settings, keys_folder, metrics

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, seen = time.monotonic(), {"status": _CLIENT_GONE, "holder": "", "too_large": False}

        async def answer(message: MutableMapping[str, Any]) -> None:
            if seen["too_large"]:
                raise TooLargeError  # whatever the routes made of half a body
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                _dress(scope, MutableHeaders(scope=message))
            await send(message)

        scope.setdefault("state", {})
        try:
            seen["holder"] = self._admit(scope)
            await self._app(scope, self._limited(scope, receive, seen), answer)
        except RefusedError as refusal:
            await _refuse(refusal)(scope, receive, answer)
        except TooLargeError:
            seen["too_large"] = False
            await _refuse(self._too_large(scope))(scope, receive, answer)
        finally:
            self._note(scope, seen, time.monotonic() - start)

    def _admit(self, scope: Scope) -> str:
        """Return the name of the key, empty where none is needed.

        Raises:
            RefusedError: nobody we know, or not for this.
        """
        headers, path = Headers(scope=scope), scope["path"]
        if path.startswith(_OPEN) or scope["method"] == "OPTIONS":
            return ""
        if int(_number(headers.get("content-length"))) > self._limit(scope):
            raise self._too_large(scope)
        text = _key_text(headers.get("authorization", ""))
        holder = keys.holder(self._keys, text) if text else None
        if self._at_home(scope, headers):  # clients that insist on a key send any
            return holder.name if holder else ""
        if holder is None:
            raise RefusedError(401, "a key is needed, or this one is not known", "send: Authorization: Bearer KEY")
        wanted = next((need for place, need in _SCOPES.items() if path.startswith(place)), "search")
        if wanted not in holder.scopes:
            raise RefusedError(403, f"the key {holder.name!r} does not open {wanted}")
        return holder.name

    def _at_home(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether a request comes from this machine, for this machine, and from no other site's page.

        A page from elsewhere can make a browser on this machine call us: under our own address, which names its site in
        Origin, or under a name of its own that it resolves to us, which shows in Host.
        """
        client = (scope.get("client") or ("", 0))[0]
        if self._settings.require_keys or not is_loopback(client) or any(name in headers for name in _FORWARDED):
            return False
        host, origin = headers.get("host", ""), headers.get("origin")
        at_home = is_loopback(urlsplit(f"//{host}").hostname or "")
        return at_home and (origin in (None, f"http://{host}") or origin in self._settings.origins)

    def _limit(self, scope: Scope) -> int:
        upload = scope["path"] in _UPLOADS
        return self._settings.most_upload_bytes if upload else self._settings.most_body_bytes

    def _too_large(self, scope: Scope) -> RefusedError:
        return RefusedError(413, f"the body is larger than {self._limit(scope):,} bytes")

    def _limited(self, scope: Scope, receive: Callable[..., Any], seen: dict[str, Any]) -> Callable[..., Any]:
        left = self._limit(scope)

        async def counted() -> Any:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                seen["too_large"] = True
                raise TooLargeError
            return message

        return counted

    def _note(self, scope: Scope, seen: dict[str, Any], seconds: float) -> None:
        # The route's pattern, never the path: it holds what was asked for.
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(route, str(seen["status"])).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        line = {"method": scope["method"], "route": route, "status": seen["status"], "ms": round(seconds * 1000, 1)}
        line |= {"key": seen["holder"]} if seen["holder"] else {}
        LOG.info("request", extra={"facts": line | scope["state"].get("facts", {})})


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level and message, what the request left, and a bug's traceback."""
        line = {"time": round(record.created, 3), "level": record.levelname.lower(), "message": record.getMessage()}
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _key_text(authorization: str) -> str:
    """Return the key of `Bearer KEY`, or of a browser's `Basic` where it is the password."""
    kind, _, text = authorization.partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(text, validate=True).decode("utf-8", "replace").partition(":")[2]
        except binascii.Error:
            return ""
    return ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0


def _refuse(refusal: RefusedError) -> JSONResponse:
    message = f"{refusal.message} ({refusal.hint})" if refusal.hint else refusal.message
    # Browsers ask for name and password when told Basic: the key is the password.
    asks = {"www-authenticate": 'Bearer, Basic realm="patentclust"'} if refusal.status == 401 else {}
    return JSONResponse(error(message, kind=KINDS[refusal.status]), refusal.status, headers=asks)


def _dress(scope: Scope, headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers[name] = value
    headers["content-security-policy"] = _PAGE_POLICY if scope["path"] == "/" else _POLICY
