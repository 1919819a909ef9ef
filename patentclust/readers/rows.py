"""One row of a table -> one Document. Pure; knows no file and no column names."""

from __future__ import annotations

import ast
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from patentclust.errors import SourceError
from patentclust.readers import claims as claim_text
from patentclust.readers import numbers
from patentclust.readers.columns import TEXT_FIELDS, Plan
from patentclust.readers.language import guess, normalise
from patentclust.readers.names import cleaned, countries, residence
from patentclust.records import Document

# Blanks are stripped afterwards: `\s*` around a separator would make a cell full of blanks a trap.
_LIST_SEPARATOR = re.compile(r";|\n|\s\|\s|\|\|")
_SYMBOL_SEPARATOR = re.compile(r"[;,|\n]+")
# Only tags by their names: `x<y and a>b` is none.
_BREAK = re.compile(r"<(?:br\s?/?|/?(?:p|div|li|ul|ol|claim|claim-text)(?:\s[^<>]{0,500})?)>", re.IGNORECASE)
_INLINE = "sub|sup|i|b|u|o|em|strong|span|font|a|img|tt|small|h\\d|claim-ref|figref"
_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]{{0,500}})?/?>", re.IGNORECASE)
# With its semicolon: `R&D` and `A&region` are none.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_PARAGRAPH_NUMBER = re.compile(r"\A\[0\d{3,4}\]\s*")
_MEMBERS = ("text", "name", "value", "symbol", "code", "number", "title")
_EMPTY = frozenset(("", "-", "nan", "none", "null", "n/a", "na"))
_DATES = ("priority_date", "filing_date", "publication_date")
_PARTIES = ("applicants", "assignees", "inventors")
_MAX_LIST_CHARS = 1_000_000


def documents(
    row: Mapping[str, Any], plan: Plan, *, path: str, warnings: tuple[str, ...], need_text: bool = True
) -> Iterator[Document | SourceError]:
    """Yield the document of a row, or an error when it has no text.

    A row of a family is the first publication that it names; the others are said in a warning. Without `need_text` they
    follow, with what holds for all of the family.
    """
    cell = _text(row.get(plan.columns.get("doc_id", "")))
    first, *others = _publications(cell) or (cell,)
    if others and need_text:
        warnings += (f"the row is a family of {len(others) + 1} publications, the others are {', '.join(others)}",)
    found = _document({**row, plan.columns["doc_id"]: first} if others else row, plan, path, warnings, need_text)
    yield found
    if isinstance(found, Document) and not need_text:
        for other in others:
            yield _relative(found, other)


def _publications(cell: str) -> tuple[str, ...]:
    """Return the publications of a cell that names several and nothing else, else nothing."""
    parts = [part.strip() for part in _LIST_SEPARATOR.split(cell)]
    found = [numbers.parse_publication(part) for part in parts if part]
    return tuple(dict.fromkeys(map(str, found))) if len(found) > 1 and all(found) else ()


def _relative(document: Document, doc_id: str) -> Document:
    country, _, *kinds = doc_id.split("-")
    kind = kinds[0] if kinds else None
    return replace(
        document,
        doc_id=doc_id,
        country=country,
        kind=kind,
        application_number=None,
        filing_date=None,
        publication_date=None,
    )


def _document(
    row: Mapping[str, Any], plan: Plan, path: str, warnings: tuple[str, ...], need_text: bool
) -> Document | SourceError:
    cells = {**plan.constants, **{field: row.get(column) for field, column in plan.columns.items()}}
    texts, claims, language = _texts(cells), _claims(cells.get("claims")), ""
    if not any(texts.values()) and not claims:
        cells |= {name: row.get(column) for name, column in plan.translated.items()}
        texts, claims, language = _texts(cells), _claims(cells.get("claims")), plan.translation
    if need_text and not any(texts.values()) and not claims:
        return SourceError("the row has no text in title, abstract, claims or description", source_path=path)
    number, country, kind = _identity(cells)
    cpc, ipc = _symbols(cells)
    return Document(
        doc_id=number or _hash(row),
        claims=claims,
        independent=claim_text.independent_flags(claims),
        language=language or _language(cells, plan, [*texts.values(), *claims]),
        country=country,
        kind=kind,
        application_number=_application(cells, country),
        cpc=cpc,
        ipc=ipc,
        source_path=path,
        warnings=warnings,
        **texts,
        **_facts(cells),
    )


def _texts(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _prose(_text(cells.get(name))) for name in ("title", "abstract", "description")}


def _facts(cells: Mapping[str, Any]) -> dict[str, Any]:
    family = _strings(cells.get("family_id"))
    cited = (numbers.parse_publication(text) or text for text in _strings(cells.get("cited")))
    facts: dict[str, Any] = {
        "family_id": family[0] if family else None,
        "priorities": tuple(dict.fromkeys(map(_priority, _strings(cells.get("priorities"))))),
        "cited": tuple(dict.fromkeys(cited)),
    }
    facts |= {name: numbers.parse_date(_text(cells.get(name))) for name in _DATES}
    facts |= {name: _names(cells.get(name)) for name in _PARTIES}
    # In a column of their own, or behind the names as the EPO has them.
    stated = re.findall(r"[A-Z]+", " ".join(_strings(cells.get("inventor_countries"))).upper())
    facts["inventor_countries"] = countries(stated) or countries(map(residence, _strings(cells.get("inventors"))))
    return facts


def _names(cell: Any) -> tuple[str, ...]:
    # Before it is split: the semicolon of `Johnson &amp; Johnson` parts no names.
    return tuple(cleaned(name) or name for name in _strings(_unescaped(cell) if isinstance(cell, str) else cell))


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


def _prose(text: str) -> str:
    """Return text, a paragraph a line, without tags and entities of HTML; `<` and `&` of their own stay."""
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    lines = (_PARAGRAPH_NUMBER.sub("", line.strip()) for line in text.split("\n"))
    return _unescaped("\n".join(filter(None, lines))).strip()


def _priority(stated: str) -> str:
    """Return a priority in the one form of applications; a date behind the number (`EP20170182 20170101`) goes."""
    return numbers.parse_application(re.sub(r"\s+(?:\d{8}|\d{4}-\d\d-\d\d)\Z", "", stated)) or stated


def _text(value: Any) -> str:
    """Return a cell as text; a list becomes lines, the usual signs of emptiness become nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        # A publication in parts, as services answer.
        parts = [str(value.get(name) or "") for name in ("country", "doc_number", "kind")]
        if parts[1]:
            return " ".join(filter(None, parts))
        return next((_text(value[name]) for name in _MEMBERS if value.get(name)), "")
    plain = str(value).replace("\r\n", "\n").replace("\r", "\n").strip()
    return "" if plain.lower() in _EMPTY else plain


def _listed(value: Any) -> list[Any] | None:
    """Return a cell that is a list, or the text of one as JSON or Python writes it."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or not value.strip().startswith("[") or len(value) > _MAX_LIST_CHARS:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list):
            return found
    return None


def _strings(value: Any, separator: re.Pattern[str] = _LIST_SEPARATOR) -> tuple[str, ...]:
    listed = _listed(value)
    parts: Iterable[str] = map(_text, listed) if listed is not None else separator.split(_text(value))
    return tuple(dict.fromkeys(part for part in map(str.strip, parts) if part.lower() not in _EMPTY))


def _claims(value: Any) -> tuple[str, ...]:
    listed = _listed(value)
    if listed is None or len(listed) == 1:
        return tuple(claim_text.split_claims(_prose(_text(value if listed is None else listed))))
    texts = [claim_text.strip_heading(_prose(_text(item))).strip() for item in listed]
    return tuple(text for text in texts if text)


def _identity(cells: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return (doc_id, country, kind); an id that is no publication number stays as it is."""
    stated = _text(cells.get("doc_id"))
    country = _text(cells.get("country")).upper()
    country = country if re.fullmatch(r"[A-Z]{2}", country) else ""
    kind = _text(cells.get("kind")).upper()
    kind = kind if re.fullmatch(r"[A-Z]\d{0,2}", kind) else ""
    parts = numbers.split_publication(stated)
    if parts is None and country and re.fullmatch(r"[A-Z]{0,2}[\d/,\- ]{4,}", stated):
        parts = (country, numbers.publication_number(country, stated), None)
    if parts is None:
        return stated or None, country or None, kind or None
    kind = parts[2] or kind
    return numbers.publication_id(parts[0], parts[1], kind), parts[0], kind or None


def _application(cells: Mapping[str, Any], country: str | None) -> str | None:
    stated = _text(cells.get("application_number"))
    return numbers.parse_application(stated) or numbers.application_id(country, stated) or stated or None


def _symbols(cells: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (cpc, ipc); symbols of an unnamed scheme count as CPC, which holds nearly all of IPC."""
    found = {
        name: numbers.symbols(list(_strings(cells.get(name), _SYMBOL_SEPARATOR))) for name in ("cpc", "ipc", "codes")
    }
    scheme = "ipc" if "ipc" in _text(cells.get("scheme")).lower() else "cpc"
    found[scheme] = found[scheme] or found["codes"]
    return found["cpc"], found["ipc"]


def _language(cells: Mapping[str, Any], plan: Plan, texts: list[str]) -> str | None:
    named = next((plan.languages[field] for field in TEXT_FIELDS if field in plan.languages), None)
    return named or normalise(_text(cells.get("language"))) or guess("\n".join(texts))


def _hash(row: Mapping[str, Any]) -> str:
    content = json.dumps(row, sort_keys=True, ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
