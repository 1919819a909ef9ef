"""What the operator of a server chooses. Changes who is served and how much, never a vector."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from patentclust.errors import ConfigError
from patentclust.params import PAGE_LANGUAGES


@dataclass(frozen=True)
class Settings:
    """How the server runs.

    Attributes:
        host: address to listen on.
        port: port to listen on.
        require_keys: demand a key on loopback too.
        origins: web pages that may call the API from a browser, such as `https://example.org`; none by default.
        lang: what the live page adds is said in it; None takes the report's.
        most_body_bytes: largest JSON body.
        most_upload_bytes: largest file.
        most_texts: most texts in one request.
        most_tokens: most tokens in one request, by estimate.
        most_queued_tokens: tokens that may wait for the model, by estimate; what comes beyond is told to come again.
        most_uploads: files read at a time.
        grace_seconds: how long requests in flight may go on once the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    require_keys: bool = False
    origins: tuple[str, ...] = ()
    lang: str | None = None
    most_body_bytes: int = 16 << 20
    most_upload_bytes: int = 64 << 20
    most_texts: int = 2048
    most_tokens: int = 1_000_000
    most_queued_tokens: int = 2_000_000
    most_uploads: int = 2
    grace_seconds: int = 60

    def __post_init__(self) -> None:
        for name in ("most_body_bytes", "most_upload_bytes", "most_texts", "most_tokens", "most_queued_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}", hint="give 1 or more")
        if self.lang not in (None, *PAGE_LANGUAGES):
            raise ConfigError(f"lang is {self.lang!r}", hint=f"allowed: {', '.join(PAGE_LANGUAGES)}")
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"port is {self.port}", hint="give a number from 0 to 65535")
        for origin in self.origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise ConfigError(f"origin is {origin!r}", hint="give it as browsers do, e.g. https://example.org")

    @property
    def on_loopback(self) -> bool:
        """Tell whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Tell whether a name or address is this machine's own; other names are not looked up."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
