"""Write US grants as PDF: a front page with INID codes, then two columns a page; no compression, no dates.

Knows just enough typography to justify lines: the widths of Times-Roman.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from making.source import Corpus, Patent, applicant_country
from making.us_style import full_sections, printed_application, printed_date, short_name

PAGE_WIDTH, PAGE_HEIGHT = 612, 792
COLUMN_WIDTH, COLUMNS = 248, (48, 316)
LEADING, N_LINES = 11, 58
# Widths of Times-Roman in thousandths of its size, from Adobe's font metrics; what is not here is 500 wide.
WIDTHS = {
    **dict.fromkeys("fr()[]-I", 333),
    **dict.fromkeys("ijlt:;/", 278),
    **dict.fromkeys(" .,", 250),
    **dict.fromkeys("acez", 444),
    **dict.fromkeys("PSF", 556),
    **dict.fromkeys("ELTZ", 611),
    **dict.fromkeys("BCR", 667),
    **dict.fromkeys("ADGHKNOQUVXYwm", 722),
    **{"s": 389, "J": 389, "m": 778, "M": 889, "W": 944, "%": 833, "'": 180, "°": 400},
}
# The standard fonts know the characters of Windows-1252 only.
CHARACTERS = str.maketrans({"⁻": "-", "−": "-", "≤": "<=", "≥": ">=", "μ": "µ"})


@dataclass(frozen=True)
class Line:
    """Hold one line of a column: `F1` is Times-Roman, `F2` Times-Bold; `stretch` is added to every space."""

    text: str
    font: str = "F1"
    size: float = 9.5
    indent: float = 0.0
    stretch: float = 0.0

    @property
    def width(self) -> float:
        """Return the natural width in points; bold letters are a tenth wider at most."""
        units = sum(WIDTHS.get(character, 500) for character in self.text)
        return units * self.size / 1000 * (1.1 if self.font == "F2" else 1.0)

    @property
    def gap(self) -> float:
        """Return the room that the line leaves in its column."""
        return COLUMN_WIDTH - self.indent - self.width


def pdf_file(patent: Patent, corpus: Corpus) -> bytes:
    """Return a PDF 1.4 file with the two standard fonts."""
    pages = [front_page(patent, corpus), *body_pages(patent)]
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Times-Roman").encode(),
        font.format("Times-Bold").encode(),
    ]
    for n, content in enumerate(pages):
        resources = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        box = f"/MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] /Resources {resources} /Contents {6 + 2 * n} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} >>".encode())
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"endstream")
    return numbered(objects)


def numbered(objects: Sequence[bytes]) -> bytes:
    """Return the file of these objects, the first of which is the catalogue."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for n, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{n} 0 obj\n".encode() + body + b"\nendobj\n"
    size, start = len(objects) + 1, len(out)
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def front_page(patent: Patent, corpus: Corpus) -> bytes:
    """Return the content of the front page."""
    left, right = COLUMNS
    head = (
        draw(Line("(12) United States Patent", "F2", 18), left, 738),
        draw(Line(short_name(patent), size=11, indent=24), left, 722),
        draw(Line(f"(10) Patent No.: {printed_number(patent)}", "F2", 11), right, 738),
        draw(Line(f"(45) Date of Patent: {printed_date(patent.published)}", "F2", 11), right, 722),
        b"48 712 m 564 712 l S\n",
    )
    return b"".join(head) + draw_columns((front_left(patent), front_right(patent, corpus)), 694)


def front_left(patent: Patent) -> list[Line]:
    """Return the left column of the front page, with the INID codes of WIPO ST.9."""
    applicants = "; ".join(f"{name} ({applicant_country(name)})" for name in patent.applicants)
    (country, claimed), claimed_on = patent.priority_claim, printed_date(patent.priority)
    if country == "US":
        text = f"Provisional application No. {printed_application(claimed)}, filed on {claimed_on}."
        priority = [[centred("Related U.S. Application Data")], coded("60", text)]
    else:
        facts = Line(f"{claimed_on}  ({country})  {claimed}", indent=24)
        priority = [[*coded("30", "Foreign Application Priority Data"), facts]]
    return spaced(
        coded("54", patent.title.upper(), font="F2"),
        coded("71", f"Applicant: {applicants}"),
        coded("72", f"Inventors: {'; '.join(patent.inventors)}"),
        coded("21", f"Appl. No.: {printed_application(patent.application)}"),
        coded("22", f"Filed: {printed_date(patent.filed)}"),
        *priority,
    )


def front_right(patent: Patent, corpus: Corpus) -> list[Line]:
    """Return the right column of the front page."""
    ipc = "; ".join(f"{symbol[:4]} {symbol[4:]} (2006.01)" for symbol in patent.ipc)
    cpc = "; ".join(f"{symbol[:4]} {symbol[4:]} (2013.01)" for symbol in patent.cpc)
    references = []
    for cited in (corpus[key] for key in patent.cites):
        when = f"{cited.published.month}/{cited.published.year}"
        references.append(Line(f"{printed_number(cited)}  {when}  {short_name(cited)}", indent=24))
    return spaced(
        coded("51", f"Int. Cl. {ipc}"),
        coded("52", f"U.S. Cl. CPC {cpc}"),
        *([[*coded("56", "References Cited"), *references]] if references else []),
        [centred("(57) ABSTRACT")],
        justified(patent.abstract),
    )


def printed_number(patent: Patent) -> str:
    """Return `US 98,010,001 B2`, `US 2019/9810003 A1` or `EP 9810005 A1`."""
    number = patent.number
    if patent.format == "us-application":
        number = f"{number[:4]}/{number[4:]}"
    elif patent.country == "US":
        number = f"{int(number):,}"
    return f"{patent.country} {number} {patent.kind}"


def body_pages(patent: Patent) -> list[bytes]:
    """Return the contents of the pages with title, description and claims; each column bears a number."""
    name = Line(printed_number(patent))
    lines = body(patent)
    columns = [lines[start : start + N_LINES] for start in range(0, len(lines), N_LINES)]
    pages = []
    for n in range(0, len(columns), 2):
        head = draw(name, 262, 752) + draw(Line(str(n + 1)), 170, 736) + draw(Line(str(n + 2)), 438, 736)
        pages.append(head + draw_columns(columns[n : n + 2], 716))
    return pages


def body(patent: Patent) -> list[Line]:
    """Return title, description and claims as lines of one endless column."""
    parts = [justified(patent.title.upper(), font="F2", indent=0)]
    for heading, paragraphs in full_sections(patent):
        parts.append([centred(line.text) for line in broken(heading, font="F2")])
        parts.append([line for text in paragraphs for line in justified(text)])
    claims = [line for n, claim in enumerate(patent.claims, start=1) for line in justified(f"{n}. {claim}")]
    return [*spaced(*parts), Line("What is claimed is:", indent=12), *claims]


def broken(text: str, *, font: str = "F1", first: float = 0, rest: float = 0) -> list[Line]:
    """Break a paragraph into lines; `first` and `rest` are indents in points."""
    lines = [Line("", font, indent=first)]
    for word in text.translate(CHARACTERS).split():
        longer = replace(lines[-1], text=f"{lines[-1].text} {word}".strip())
        if longer.gap >= 0 or not lines[-1].text:
            lines[-1] = longer
        else:
            lines.append(Line(word, font, indent=rest))
    return lines


def justified(text: str, *, font: str = "F1", indent: float = 12) -> list[Line]:
    """Break a paragraph into lines that fill the column, but for the last one."""
    *full, last = broken(text, font=font, first=indent)
    return [*(replace(line, stretch=round(line.gap / max(line.text.count(" "), 1), 3)) for line in full), last]


def centred(text: str) -> Line:
    """Return a bold line in the middle of its column."""
    line = Line(text, "F2")
    return replace(line, indent=max(0.0, round(line.gap / 2, 2)))


def coded(inid: str, text: str, *, font: str = "F1") -> list[Line]:
    """Return one INID-coded paragraph of the front page."""
    return broken(f"({inid}) {text}", font=font, rest=24)


def spaced(*paragraphs: Sequence[Line]) -> list[Line]:
    """Return the paragraphs with an empty line after each."""
    return [line for paragraph in paragraphs for line in (*paragraph, Line(""))]


def draw_columns(columns: Iterable[Sequence[Line]], top: float) -> bytes:
    """Return the operators of the columns of a page, the left one first: this is the reading order."""
    return b"".join(
        draw(line, x, top - LEADING * n)
        for x, lines in zip(COLUMNS, columns, strict=False)
        for n, line in enumerate(lines)
        if line.text
    )


def draw(line: Line, x: float, y: float) -> bytes:
    """Return the operators that show one line."""
    text = re.sub(r"([\\()])", r"\\\1", line.text).encode("cp1252")
    font = f"/{line.font} {line.size:g} Tf {line.stretch:g} Tw 1 0 0 1 {x + line.indent:g} {y:g} Tm"
    return b"BT " + font.encode() + b" (" + text + b") Tj ET\n"
