"""US grants of 1976 to 2001: text of the Automated Patent System, the USPTO's Green Book (`pftaps`).

Source of the format: the USPTO's Green Book documentation. A weekly file holds thousands of documents, each from a line
`PATN` on, in groups of fields. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import names, numbers, tagged, uspto
from patentclust.readers.characters import without_codes
from patentclust.readers.source import Source
from patentclust.readers.st36 import unique
from patentclust.records import Document

_HEAD = re.compile(rb"\A\s*(?:HHHHHT[^\r\n]*\s+)?PATN\s*\r?\n\s*WKU\s")
_START = re.compile(rb"PATN\s*\Z")
_GROUPS = frozenset(
    ("PATN", "INVT", "ASSG", "PRIR", "REIS", "RLAP", "CLAS", "UREF", "FREF", "OREF", "LREP", "PCTA", "ABST", "GOVT",
     "PARN", "BSUM", "DRWD", "DETD", "CLMS", "DCLM")
)  # fmt: skip
_DESCRIPTION = ("PARN", "GOVT", "BSUM", "DRWD", "DETD")
# Codes of relations: 71 and 81 continuations, 72 and 82 continuations in part, 74 and 84 divisions.
_IN_PART = "2"
_DRAWN = re.compile(r"##[A-Z]{2,4}\d+##")


@dataclass
class _Group:
    name: str
    fields: list[tagged.Field] = field(default_factory=list)

    def first(self, tag: str) -> str:
        return next((text for found, text in self.fields if found == tag), "")

    def all(self, tag: str) -> list[str]:
        return [text for found, text in self.fields if found == tag]


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the first document begins as ours do."""
    return _HEAD.match(head) is not None


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read all documents of a file."""
    for path, record in tagged.placed(tagged.records(source, _START), source.path):
        try:
            yield uspto.with_text(_document(_groups(record), path))
        except SourceError as error:
            error.source_path = path
            yield error


def _groups(record: list[tagged.Field]) -> list[_Group]:
    groups: list[_Group] = []
    for tag, text in record:
        if tag in _GROUPS and not text:
            groups.append(_Group(tag))
        elif groups:
            groups[-1].fields.append((tag, text))
    return groups


def _document(groups: list[_Group], path: str) -> Document:
    head = groups[0] if groups else _Group("PATN")
    stated = head.first("WKU")
    number, right = uspto.without_check_digit(stated) if len(stated) == 9 else (stated, True)
    document_id, kind = uspto.patent(number)
    if document_id is None:
        raise SourceError(f"no publication number: expected WKU with a patent number, got {stated[:40]!r}")
    claims = _claims([group for group in groups if group.name in ("CLMS", "DCLM")])
    return Document(
        doc_id=document_id,
        title=_clean(head.first("TTL")),
        abstract="\n".join(_paragraphs(groups, ("ABST",))),
        claims=claims,
        independent=claim_text.independent_flags(claims),
        description="\n".join(_paragraphs(groups, _DESCRIPTION)),
        language="en",
        country="US",
        kind=kind or None,
        publication_date=numbers.parse_date(head.first("ISD")),
        assignees=_people(groups, "ASSG"),
        inventors=_people(groups, "INVT"),
        inventor_countries=names.countries(_home(group) for group in groups if group.name == "INVT"),
        # Designs carry Locarno classes in the place of IPC.
        ipc=() if kind == "S" else numbers.symbols(_all(groups, "CLAS", "ICL")),
        cited=_cited(groups),
        source_path=path,
        warnings=() if right else (f"check digit of WKU {stated} is wrong; the number is taken as it is",),
        **_origins(groups),
    )


def _all(groups: list[_Group], name: str, tag: str) -> list[str]:
    return [text for group in groups if group.name == name for text in group.all(tag)]


def _clean(text: str) -> str:
    return " ".join(without_codes(_DRAWN.sub(" [formula] ", text)).split())


def _paragraphs(groups: list[_Group], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the paragraphs and headings of groups, in the order of the file."""
    for group in groups:
        for tag, text in group.fields if group.name in names else ():
            line = "[table]" if tag.startswith("TBL") else "[formula]" if tag == "EQU" else _clean(text)
            if line:
                yield line


def _claims(groups: list[_Group]) -> tuple[str, ...]:
    """Return the claims; `NUM` begins one, its paragraphs follow. A design's one claim has no number."""
    claims: list[tuple[str, list[str]]] = []
    for group in groups:
        for tag, text in group.fields:
            if tag == "NUM" or (not claims and tag.startswith("PA")):
                claims.append((text if tag == "NUM" else "1", []))
            if claims and tag not in ("NUM", "STM"):
                claims[-1][1].extend(_paragraphs([_Group(group.name, [(tag, text)])], (group.name,)))
    texts = (claim_text.numbered("\n".join(lines), number) for number, lines in claims)
    return tuple(text for text in texts if text and not claim_text.is_cancelled(text))


def _people(groups: list[_Group], name: str) -> tuple[str, ...]:
    return unique(uspto.person(_clean(text)) for text in _all(groups, name, "NAM"))


def _home(group: _Group) -> str | None:
    """Return where a person lives; of the United States the state alone is given."""
    return uspto.country(group.first("CNT") or "US") if group.first("CTY") else None


def _cited(groups: list[_Group]) -> tuple[str, ...]:
    found = [("US" if group.name == "UREF" else uspto.country(group.first("CNT")), group)
             for group in groups if group.name in ("UREF", "FREF")]  # fmt: skip
    return unique(numbers.dated_id(office, group.first("PNO"), "", group.first("ISD")) for office, group in found)


def _origins(groups: list[_Group]) -> dict[str, Any]:
    head = groups[0]
    filed, number = numbers.parse_date(head.first("APD")), head.first("APN")
    if len(number) == 7:
        number, _ = uspto.without_check_digit(number)
    own = uspto.application(number, series=head.first("SRC"), filed=filed)
    claimed: list[uspto.Filing] = []
    continued: list[uspto.Filing] = []
    for group in groups:
        day = numbers.parse_date(group.first("APD"))
        if group.name == "PRIR":
            claimed.append((uspto.application(group.first("APN"), office=uspto.country(group.first("CNT"))), day))
        elif group.name in ("RLAP", "REIS"):
            relation = claimed if group.first("COD").endswith(_IN_PART) else continued
            relation.append((uspto.application(group.first("APN"), filed=day), day))
    international = (numbers.international_application("".join(_all(groups, "PCTA", "PCN")[:1])), None)
    return {
        "application_number": own,
        "filing_date": filed,
        **uspto.priorities(claimed, own, continued=continued, international=international),
    }
