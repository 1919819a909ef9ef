"""Google's patent data in JSON: rows of `patents-public-data` (BigQuery) and what common scrapers of its pages write.

Source of the format: the published schema of the BigQuery table, and the field names of those programs; the reader has
not met a real file. Texts stand in several languages side by side: one is taken. Knows nothing of archives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import names, numbers, tongues
from patentclust.readers.dialects import json_dialect
from patentclust.readers.language import guess, of_office
from patentclust.readers.source import Source
from patentclust.readers.st36 import unique
from patentclust.readers.table import json_records
from patentclust.records import Document

Row = Mapping[str, Any]
_MAX_DEPTH = 3
_TEXTS = ("title", "abstract", "description", "claims")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is JSON with the fields of Google's patent data."""
    return json_dialect(head) == "google"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read each publication, one a file, many in a list or one a line."""
    for number, row in json_records(source):
        path = f"{source.path}#{number}"
        found = row if isinstance(row, SourceError) else _document(row, params, path)
        if isinstance(found, SourceError):
            found.source_path = path
        yield found


def _document(row: Row, params: IngestParams, path: str) -> Document | SourceError:
    number = numbers.split_publication(_text(row.get("publication_number")))
    if number is None:
        return SourceError(f"no publication number: expected one, got {_text(row.get('publication_number'))[:40]!r}")
    country, plain, kind = number
    texts = {field: _texts(row, field) for field in _TEXTS}
    wishes = (params.prefer_language, of_office(country))
    bodies = [text for field in _TEXTS[1:] for text in texts[field]]
    language = tongues.choose(bodies or texts["title"], wishes)
    chosen = {field: tongues.in_language(found, language) or {} for field, found in texts.items() if field != "title"}
    title = tongues.title(texts["title"], (language, *wishes)) or {}
    claims = tuple(_claims(chosen["claims"].get("text", "")))
    body = (title.get("text", ""), chosen["abstract"].get("text", ""), *claims)
    if not any(body) and not chosen["description"]:
        return SourceError("the row has no text in title, abstract, claims or description")
    return Document(
        doc_id=f"{country}-{plain}-{kind}" if kind else f"{country}-{plain}",
        title=" ".join(body[0].split()),
        abstract=_lines(body[1]),
        claims=claims,
        independent=claim_text.independent_flags(claims),
        description=_lines(chosen["description"].get("text", "")),
        language=language or guess("\n".join(body)) or of_office(country),
        country=country,
        kind=kind or _text(row.get("kind_code")) or None,
        source_path=path,
        warnings=(*tongues.left_out({field: texts[field] for field in _TEXTS[1:]}, language), *_cut(chosen)),
        **_facts(row),
        **_subjects(row),
    )


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _rows(value: Any, depth: int = 0) -> Iterator[Row]:
    """Yield the records in a value: a list of them, a record of lists, or names in place of records."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            lists = [part for part in item.values() if isinstance(part, list)] if depth < _MAX_DEPTH else []
            yield from (row for part in lists for row in _rows(part, depth + 1)) if lists else (item,)
        elif _text(item):
            yield {"name": item, "text": item, "code": item, "publication_number": item, "application_number": item}


def _texts(row: Row, field: str) -> list[dict[str, Any]]:
    """Return the texts of a field as `{lang, text, truncated}`, one a language."""
    found = [
        {"lang": _text(item.get("language")), "text": _text(item.get("text")), "truncated": item.get("truncated")}
        for item in _rows(row.get(f"{field}_localized"))
    ]
    plain = row.get(field)
    if not any(item["text"] for item in found):
        listed = plain if isinstance(plain, list) else [plain]
        text = "\n".join(filter(None, (_text(item.get("text") if isinstance(item, dict) else item) for item in listed)))
        found = [{"lang": _text(row.get("language")), "text": text}]
    return [item for item in found if item["text"]]


def _lines(text: str) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def _claims(text: str) -> Iterator[str]:
    for claim in claim_text.split_claims(_lines(text)):
        if not claim_text.is_cancelled(claim):
            yield claim


def _cut(chosen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [f"{field}: cut by the source" for field, text in chosen.items() if text.get("truncated") is True]


def _facts(row: Row) -> dict[str, Any]:
    claimed = [item for name in ("priority_claim", "applications_claiming_priority") for item in _rows(row.get(name))]
    family = _text(row.get("family_id"))
    applied = _text(row.get("application_number_formatted")) or _text(row.get("application_number"))
    return {
        "family_id": f"docdb:{int(family)}" if family.isdecimal() and int(family) else None,
        "application_number": numbers.parse_application(applied),
        "priorities": unique(numbers.parse_application(_text(item.get("application_number"))) for item in claimed),
        "assignees": _people(row, ("assignee", "assignees", "assignee_original"), "assignee_harmonized"),
        "inventors": _people(row, ("inventor", "inventors"), "inventor_harmonized"),
        "inventor_countries": names.countries(
            _text(item.get("country_code")) for item in _rows(row.get("inventor_harmonized"))
        ),
        **{
            f"{day}_date": numbers.parse_date(_text(row.get(f"{day}_date")))
            for day in ("priority", "filing", "publication")
        },
    }


def _people(row: Row, printed: Iterable[str], harmonised: str) -> tuple[str, ...]:
    for field in (*printed, harmonised):
        if found := names.distinct(_text(item.get("name")) for item in _rows(row.get(field))):
            return found
    return ()


def _subjects(row: Row) -> dict[str, Any]:
    leaves = [item for item in _rows(row.get("classifications")) if item.get("leaf", True)]
    cited = [item for name in ("citation", "patent_citations") for item in _rows(row.get(name))]
    return {
        "cpc": _symbols(row.get("cpc")) or _symbols([item for item in leaves if item.get("is_cpc", True)]),
        "ipc": _symbols(row.get("ipc")) or _symbols([item for item in leaves if item.get("is_cpc") is False]),
        "additional_classes": _symbols(
            [
                item
                for name in ("cpc", "ipc", "classifications")
                for item in _rows(row.get(name))
                if item.get("inventive") is False and item.get("leaf", True)
            ]
        ),
        "cited": unique(numbers.parse_publication(_text(item.get("publication_number"))) for item in cited),
    }


def _symbols(value: Any) -> tuple[str, ...]:
    found = sorted(_rows(value), key=lambda item: (not item.get("first"), item.get("inventive") is False))
    return numbers.symbols([_text(item.get("code")) for item in found])
