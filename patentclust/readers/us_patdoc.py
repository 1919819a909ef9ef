"""US grants of 2001 to 2004: `PATDOC` v2.4 (SGML) and v2.5 (XML), the USPTO's ST.32.

Source of the format: the USPTO's DTD `ST32-US-Grant-025xml`; its tags B110, B540 … are the INID codes of WIPO ST.9. The
elements of the text are turned into those of ST.36 and read as such. What a reissue strikes out is left out. Knows
nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import names, numbers, uspto
from patentclust.readers.dialects import root_name
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.xml import find, paragraphs, parse
from patentclust.records import Document

_ST36 = {
    "PARA": "p", "H": "heading", "LI": "li", "DT": "dt", "DD": "dd", "CLM": "claim", "CLMSTEP": "claim-text",
    "CLREF": "claim-ref", "TABLE-US": "tables", "MATH-US": "maths", "CHEM-US": "chemistry",
    "SEQLST-US": "sequence-list",
}  # fmt: skip
# Provisionals, additions and continuations in part; then divisions, continuations, reissues and substitutes.
_ADDING = ("B680US/DOC", "B610/PARENT-US/PDOC/DOC", "B630/B632/PARENT-US/PDOC/DOC")
_CONTINUING = tuple(
    f"{tag}/PARENT-US/PDOC/DOC"
    for tag in ("B620", "B630/B631", "B630/B633", "B640", "B641US", "B645", "B646US", "B660")
)
_PARTS_OF_NUMBERS = ("DNUM", "DATE", "CTRY", "KIND")
# SGML leaves the end of empty elements out; XML would take all that follows for their content.
_EMPTY = (
    b"CITED-BY-EXAMINER|CITED-BY-OTHER|B221US|B473US|B597US|CHEMCDX|CHEMMOL|CLREF|CRF|CUSTOM-CHARACTER|DEL-E|DEL-S|DFREF|"
    b"EMI|EMR|FGREF|FOR|INS-E|INS-S|LSTREF|MATHEMATICA|PAREF|RTI|SEQREF|TBLREF"
)

_TAG = re.compile(rb"<[A-Za-z][^<>]{0,2000}>")
_ATTRIBUTE = re.compile(rb"(?<=\s)([\w\-]+)\s?=\s?(?:(\"[^\"]*\"|'[^']*')|([^\s\"'<>]+))")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) == "PATDOC"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one grant."""
    parsed = parse(_closed(uspto.without_struck(source.read())))
    root = _as_st36(parsed.root)
    biblio = root.find("SDOBI")
    if biblio is None:
        raise SourceError("<PATDOC> has no bibliographic data: expected <SDOBI>")
    document_id, kind = uspto.patent(find(biblio, "B100/B110"), find(biblio, "B100/B130"))
    if document_id is None:
        raise SourceError("no publication number: expected B110/DNUM")
    parts = [claims_of(element) for element in root.iterfind("SDOCL/CL")]
    yield Document(
        doc_id=document_id,
        title=find(biblio, "B500/B540"),
        abstract=paragraphs(root.find("SDOAB")),
        claims=tuple(text for texts, _ in parts for text in texts),
        independent=tuple(flag for _, flags in parts for flag in flags),
        description=paragraphs(root.find("SDODE")),
        language="en",
        country="US",
        kind=kind or None,
        publication_date=numbers.parse_date(find(biblio, "B100/B140")),
        warnings=parsed.warnings,
        assignees=unique(map(_party, biblio.iterfind("B700/B730/B731"))),
        inventors=unique(map(_party, biblio.iterfind("B700/B720/B721"))),
        inventor_countries=names.countries(map(_home, biblio.iterfind("B700/B720/B721"))),
        # Designs carry Locarno classes in the place of IPC.
        ipc=() if kind.startswith("S") else _ipc(biblio),
        cited=unique(_cited(biblio)),
        **_origins(biblio),
    )


def _closed(data: bytes) -> bytes:
    """Return SGML as XML: attributes in quotes, and an end to elements that never have one."""
    if data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
        return data
    data = _TAG.sub(lambda tag: _ATTRIBUTE.sub(_quoted, tag[0]), data)
    unclosed = [name for name in _EMPTY.split(b"|") if b"<" + name in data and b"</" + name not in data]
    if not unclosed:
        return data
    return re.sub(rb"<(" + b"|".join(unclosed) + rb")((?:\s[^<>]{0,500})?)(?<!/)>", rb"<\1\2/>", data)


def _quoted(attribute: re.Match[bytes]) -> bytes:
    return attribute[0] if attribute[2] else b'%s="%s"' % (attribute[1], attribute[3])


def _as_st36(root: Any) -> Any:
    """Rename elements as ST.36 has them, in place; line ends between elements are layout, all text stands in PDAT."""
    for element in root.iter():
        if element.tag in _ST36:
            element.tag = _ST36[element.tag]
        if element.tag == "claim":
            element.set("num", re.sub(r"\D", "", element.get("ID", "")))
        if element.tail and "\n" in element.tail and element.tail.isspace():
            element.tail = None
        if element.tag in _PARTS_OF_NUMBERS:
            element.tail = f" {element.tail or ''}"
    return root


def _ipc(biblio: Any) -> tuple[str, ...]:
    leaves = [*biblio.iterfind("B500/B510/B511"), *biblio.iterfind("B500/B510/B512")]
    return numbers.symbols(["".join(leaf.itertext()) for leaf in leaves])


def _party(party: Any) -> str:
    name = party.find("PARTY-US/NAM")
    if name is None:
        return find(party, "PARTY-US")
    return find(name, "ONM") or " ".join(filter(None, (find(name, tag) for tag in ("FNM", "SNM", "SFX"))))


def _home(party: Any) -> str | None:
    """Return where a party lives; of the United States the state alone is given."""
    return uspto.country(find(party, "PARTY-US/ADR/CTRY") or "US") if find(party, "PARTY-US/ADR/CITY") else None


def _cited(biblio: Any) -> Iterator[str | None]:
    for document in biblio.iterfind("B500/B560/B561/PCIT/DOC"):
        office = find(document, "CTRY") or "US"
        number, kind, day = (find(document, tag) for tag in ("DNUM", "KIND", "DATE"))
        yield numbers.dated_id(uspto.country(office), number, kind, day)


def _origins(biblio: Any) -> dict[str, Any]:
    filed = numbers.parse_date(find(biblio, "B200/B220"))
    own = uspto.application(find(biblio, "B200/B210"), filed=filed, series=find(biblio, "B200/B211US"))
    return {
        "application_number": own,
        "filing_date": filed,
        **uspto.priorities(
            [*_foreign(biblio), *_related(biblio, *_ADDING)],
            own,
            continued=_related(biblio, *_CONTINUING),
            international=_international(biblio),
        ),
    }


def _international(biblio: Any) -> tuple[str | None, date | None]:
    number, day = (find(biblio, f"B800/B860/B861/DOC/{tag}") for tag in ("DNUM", "DATE"))
    return numbers.international_application(number), numbers.parse_date(day)


def _foreign(biblio: Any) -> Iterator[tuple[str | None, date | None]]:
    for block in biblio.iterfind("B300"):
        # The tags of several priorities follow each other without a parent of their own.
        columns = ([find(element, ".") for element in block.iterfind(tag)] for tag in ("B310", "B320", "B330"))
        for number, day, office in zip(*columns, strict=False):
            yield uspto.application(number, office=uspto.country(office)), numbers.parse_date(day)


def _related(biblio: Any, *paths: str) -> Iterator[uspto.Filing]:
    for document in (found for path in paths for found in biblio.iterfind(f"B600/{path}")):
        day = numbers.parse_date(find(document, "DATE"))
        yield uspto.application(find(document, "DNUM"), filed=day), day
