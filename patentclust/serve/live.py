"""The page at `/`: the report as it lies in the workspace, with a script more that asks this server."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib.resources import files

from patentclust.errors import ArtifactError
from patentclust.params import PAGE_LANGUAGES
from patentclust.render.page import HEAD_BYTES
from patentclust.render.payload import Frame
from patentclust.render.words import words_of
from patentclust.serve.kept import Kept
from patentclust.stages.similar import Shelf
from patentclust.workspace import Workspace

# The report lets nothing in but what it carries; the live page adds this server, and nothing else.
_HEAD = (
    (b"<head>", b'<head><link rel="icon" href="data:,">'),
    (b"script-src ", b"script-src 'self' "),
    (b"style-src ", b"style-src 'self' "),
    (b"img-src data:", b"img-src 'self' data:; connect-src 'self'"),
)
_PARTS = {"live.js": "text/javascript; charset=utf-8", "live.css": "text/css; charset=utf-8"}
_END = b"</body>"
_LANGUAGE = re.compile(rb'<html lang="([^"]*)"')


def page(workspace: Workspace, kept: Kept[Shelf], language: str | None) -> bytes:
    """Return the live page; by the map's own positions the script finds a place on the drawn one.

    What the page adds is said in `language`, by default that of the report.

    Raises:
        ArtifactError: there is no report.
    """
    try:
        report = workspace.report.read_bytes()
    except FileNotFoundError as error:
        raise ArtifactError("there is no page in this workspace", hint="run: patentclust report") from error
    head, rest = report[:HEAD_BYTES], report[HEAD_BYTES:]
    for old, new in _HEAD:
        head = head.replace(old, new, 1)
    words = escape(json.dumps(dict(words_of(language or _spoken(head)).live), ensure_ascii=False))
    places = kept.get().atlas.places
    frame = Frame.around(places[:, 0], places[:, 1])
    facts = f'data-words="{words}" data-x-min="{frame.x_min}" data-y-max="{frame.y_max}" data-scale="{frame.scale}"'
    ours = f'<link rel="stylesheet" href="live/live.css"><script src="live/live.js" {facts}></script>\n'
    before, end, after = rest.rpartition(_END)
    return head + before + ours.encode() + end + after


def _spoken(head: bytes) -> str:
    """Return the language of a report."""
    found = _LANGUAGE.search(head)
    spoken = found[1].decode() if found else ""
    return next((name for name in PAGE_LANGUAGES if words_of(name).html_lang == spoken), "en")


@cache
def part(name: str) -> tuple[bytes, int, None, str]:
    """Return a part of the page as a response takes it: content, status, headers, type.

    Raises:
        ArtifactError: there is no such part.
    """
    if name not in _PARTS:
        raise ArtifactError(f"the page has no part {name!r}")
    return (files("patentclust.serve") / "page" / name).read_bytes(), 200, None, _PARTS[name]
