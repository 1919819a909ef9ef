"""One HTML file that opens from disk, offline: template, style and script from files, under a strict content policy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from patentclust.analysis.curation import Rule
from patentclust.render import charts
from patentclust.render.content import Cluster, Failure, Group, Provenance, Row, Score, ScoreTable
from patentclust.render.evolution import Evolution
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


@dataclass(frozen=True)
class Report:
    """Hold everything the page shows.

    Attributes:
        n_documents: documents in the workspace.
        n_units: units that have a place on the map.
        n_noise: units among them that belong to no cluster.
        noise_rows: rows of the noise, when the page lists documents in HTML.
        left_out: the documents without a place, as many as the page lists.
        n_left_out: how many there are.
        n_units_left_out: units that these are of.
        failures: the sources that could not be read, as many as the page lists.
        n_failures: how many there are.
        listed: the document rows are in the HTML; otherwise the page's script makes them.
        abstract_limit: characters after which abstracts are cut in the page.
        claim_limit: characters after which claims are cut in the page.
        n_cut: documents with a text that the page cuts.
        data: the page's main data block, packed.
        details: further data blocks, packed, opened when a card is.
        near: the nearest documents of each, packed; empty where the vectors are not there.
        links: inventors and citations, packed.
        evolution: trends, names and places of the clusters.
        layers: the groups of the coarser layers, coarsest first.
        notes: what the analyst says of each cluster.
        missed: the analyst's corrections that found nothing to correct.
    """

    title: str
    fingerprint: str
    n_documents: int
    n_units: int
    n_noise: int
    clusters: list[Cluster]
    noise_rows: list[Row]
    left_out: list[Row]
    n_left_out: int
    n_units_left_out: int
    failures: list[Failure]
    n_failures: int
    scores: list[Score]
    score_tables: list[ScoreTable]
    provenance: Provenance
    listed: bool
    abstract_limit: int
    claim_limit: int
    n_with_warnings: int
    n_cut: int
    data: str
    details: list[str]
    near: str
    links: str
    evolution: Evolution
    layers: list[list[Group]]
    notes: Mapping[int, list[str]]
    missed: Sequence[Rule]

    @property
    def noise_share(self) -> float:
        """Return the share of placed units that belong to no cluster, 0 to 1."""
        return self.n_noise / self.n_units if self.n_units else 0.0


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
