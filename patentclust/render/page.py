"""One HTML file that opens from disk, offline: template, style and script from files, under a strict content policy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from patentclust.render import charts
from patentclust.render.content import Report
from patentclust.render.payload import embed_json
from patentclust.render.text import clean
from patentclust.render.tree import tree
from patentclust.render.words import Words, words_of

_SCRIPTS = (
    "data.js", "map.js", "labels.js", "panel.js", "table.js", "select.js", "curate.js", "relations.js", "walk.js",
    "address.js", "report.js",
)  # fmt: skip
_FOLDERS = ("templates", "wordlists")
_FINGERPRINT = re.compile(r'<meta name="patentclust-fingerprint" content="([0-9a-f]{64})">')
# The fingerprint stands within this many bytes of the start of the page.
HEAD_BYTES = 4_096


@cache
def _template(name: str) -> str:
    return (files("patentclust.render") / "templates" / name).read_text(encoding="utf-8")


def templates_sha256() -> str:
    """Return one hash over everything that shapes the page: a new release makes old pages stale."""
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted((files("patentclust.render") / folder).iterdir(), key=lambda path: path.name):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def render_page(report: Report, language: str = "en") -> str:
    """Return the page; the same report gives the same text."""
    style = _template("report.css") + _template("walk.css")
    script = "".join(_template(name) for name in _SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    # The hash covers the exact text between the tags, so both go in as they are.
    parts: dict[str, Any] = {"policy": policy, "style": Markup(style), "script": Markup(script)}
    say = words_of(language)
    labels = {cluster.topic.cluster_id: cluster.topic.label for cluster in report.clusters}
    parts |= {"tree": tree(report.layers, report.clusters) if report.layers else []}
    parts |= {"html_lang": say.html_lang, "words": embed_json(dict(say.script)), "labels": labels}
    parts |= {"charts": charts, "units": _counter(report.provenance.unit, say)}
    return _environment(language).get_template("report.html").render(report=report, **parts)


def read_fingerprint(head: str) -> str | None:
    """Return the fingerprint that stands in the first HEAD_BYTES of a page, if there is one."""
    match = _FINGERPRINT.search(head)
    return match.group(1) if match else None


@cache
def _environment(language: str) -> Environment:
    say = words_of(language)
    environment = Environment(
        loader=PackageLoader("patentclust.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["say"] = say
    environment.filters |= {
        "clean": clean, "number": _number, "percent": _percent, "json": Markup,
        "figure": lambda value: _missing(value, say) or f"{value:.2f}".replace("-", "−"),
        "signed": lambda value: _missing(value, say) or f"{value:+.0%}".replace("-", "−"),
        "facts": lambda values: _facts(values, say),
    }  # fmt: skip
    return environment


def _counter(unit: str, say: Words) -> Callable[[int], Markup]:
    """Return what says a number of units with what one is."""
    return lambda n: say("families" if unit == "family" else "n_documents", n=n)


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _number(value: int) -> str:
    return f"{value:,}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _missing(value: float | None, say: Words) -> str:
    return say("na") if value is None or value != value else ""


def _facts(values: Mapping[str, Any], say: Words) -> list[tuple[str, str]]:
    """Return a mapping as pairs of text, nested ones by dotted names."""
    facts: list[tuple[str, str]] = []
    for key, value in sorted(values.items()):
        if isinstance(value, Mapping):
            facts += [(f"{key}.{inner}", text) for inner, text in _facts(value, say)]
        else:
            facts.append((str(key), say("default") if value is None else clean(str(value))))
    return facts
