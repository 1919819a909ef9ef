"""What the front page of a printed patent says. Pure; knows neither pypdf nor XML.

Offices number the data of a front page by the INID codes of WIPO ST.9: (54) title, (57) abstract, (71) applicant … A
code counts only where its label or its kind of content follows, because `(10)` is a reference sign in most abstracts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from patentclust.readers import numbers, uspto
from patentclust.readers.pdf_layout import Layout, is_heading
from patentclust.readers.pdf_masthead import Masthead, read_masthead

_LABELS = {
    "10": r"Pat(?:ent)?\.?\s*N|Pub\.?\s*N",
    "11": r"Pat|Pub|[A-Z]{0,2}\s?\d[\d,. ]{5,}|特許|公開|公報",
    "12": r"United|Patent|EURO|公開|特許|INTERNATIONAL|ORGAN",
    "19": r"United|JP|日本|European|World|WORLD|Organi",
    "21": r"App|PCT|International|出願番号|\d",
    "22": r"File|Date|International|PCT|出願日|\d|[A-Z][a-z]{2}",
    "30": r"Foreign|Priority|優先",
    "43": r"Pub|Date|公開日|International",
    "45": r"Date|Pub|Patented|発行日|[A-Z][a-z]{2}\.? \d",
    "51": r"Int|IPC|int|[A-H]\d\d[A-Z]",
    "52": r"U\.?\s?S|US|CPC|C\.?P\.?C",
    "54": r"",
    "56": r"Ref|引用|参考",
    "57": r"",
    "58": r"Field|Class|調査",
    "60": r"Provisional|Related|Continu",
    "62": r"Div|Related|分割",
    "63": r"Contin|Related",
    "65": r"Prior|Pub",
    "71": r"App|出願人|Anm|Dem",
    "72": r"Inv|発明者|Erf",
    "73": r"Ass|Prop|Pat|特許権者|Grantee",
    "74": r"Att|Rep|Agent|代理人|Vert|Mand",
    "75": r"Inv",
    "76": r"Inv",
    "81": r"Des",
    "84": r"Des",
    "86": r"PCT|Inter",
    "87": r"PCT|Inter",
}
_CODE = re.compile(r"[(\[]?\s?(\d{2})\s?[)\]]\s*")
_BARE_CODE = re.compile(r"(\d{2})\s+(?=(?:Inv|Ass|Appl|Filed|Int|int|U\.\s?S|ABSTRACT|Field|References|[A-Z]{4,}))")
_INSIDE = re.compile(r"\s(?=\((?:10|21|22|43|45|65|57)\)\s*(?:Pat|Pub|App|Filed|Date|Prior|ABSTRACT))")
# What stands between the codes of a US front page: a note, a heading, or the citations of the column beside.
_OTHER_BLOCK = re.compile(
    r"\(?\s*\*\s*\)|Notice\s*:|Related U|Foreign Application|Prior Publication|Publication Class|Primary Exam|OTHER PUB"
    r"|U\.S\. PATENT DOC"
)
_CITATION = re.compile(r"(?:^|\s)(?:\d{1,2},\d{3},\d{3}|\d{7,8})\s+(?:[A-Z]\d?\s|\*).*$")
_LABEL_TEXT = re.compile(
    r"(?:\((?:s|ies)\)|[A-Za-z.\s]|出願人|発明者|特許権者|【[^】]*】){0,40}?:\s*|【[^】]*】\s*|(?:出願人|発明者|特許権者)\s*"
)
_NUMBER_LINE = re.compile(
    r"\b(US|EP|WO|JP|CN|KR|DE|GB|FR|CA|AU)[\s\-]?((?:RE|PP|[DHT])?\s?\d[\d,/. \-]{4,14}\d)\s*([A-CEPSUYH]\d?)?(?![\w,])"
)
_OLD_NUMBER = re.compile(r"(?<![\d,.])(\d{1,3}(?:[.,]\d{3}){1,2})(?![\d,])")
_DATE = re.compile(
    r"[A-Z][A-Za-z]{2,8}\.?\s\d{1,2},\s?\d{4}|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}\.\d{1,2}\.\d{4}|\d{4}[.\-]\d{1,2}[.\-]\d{1,2}"
    r"|\d{4}年\d{1,2}月\d{1,2}日"
)
_PRIORITY = re.compile(
    rf"(?P<day>{_DATE.pattern})\s*(?:\((?P<after>[A-Z]{{2}})\)|(?P<before>[A-Z]{{2}})\s)[\s.]*"
    r"(?P<number>\w[\w\-/,. ]{3,24})"
)
# The date of the last may stand on the next page.
_PROVISIONAL = re.compile(
    rf"[Pp]rovisional application No\. (\d\d/\d{{3}},\d{{3}})(?:, \S?\w*led on ({_DATE.pattern}))?"
)
_CITED = re.compile(
    r"(?<![\w,])(?:(US|EP|WO|JP|DE|GB|FR|CN|KR|CA|AU|CH|SE|NL|IT|SU|RU|TW)\s)?(?:[A-Z]{2}\s)?"
    r"((?:D|RE|PP|H)?\d[\d,/\-]{5,14})\s*(?:([A-Z]\d?)\s*)?(?:\*\s*)?(?<=[\s*])\d{1,2}/\d{4}\b"
)
# A scan may have the letter O for the zero.
_SYMBOL = re.compile(r"([A-HY])([O\d]{2})([A-Z]\s*\d{1,4}\s*/\s*\d{2,6})")
# `, Malibu, CA (US)`, but not the `, Ltd.` of `Green Co., Ltd. (JP)`.
_PLACE = re.compile(
    r"(?:,(?!\s*(?:inc|ltd|limited|llc|l\.|co|corp|gmbh|ag|s\.|b\.v|n\.v|lp|plc|k\.?k)\b)[^,;()]{2,40}){0,2}"
    r"\s*\(\s*[^\W\d_]{2}\s*\)\s*$",
    re.IGNORECASE,
)
_OLD_PLACE = re.compile(r",\s[^,]{2,30},\s(?:[A-Z][a-z]{1,6}\.|[A-Z]\.\s?[A-Z]\.|[A-Z][a-z]+)\s*$")
_ABSTRACT_END = re.compile(r"^\W{0,3}(?:\d+\s+Claims?\b|【選択図】|\(\d{2,}\s|\d+\s+Drawing)", re.IGNORECASE)
# `ABSTRACT` on a line of its own, or `Abstract—`, `Abstract:`, `Abstract. ` before its first words.
_ABSTRACT_HEADING = re.compile(
    r"\W*(?:ABSTRACT(?: OF THE DISCLOSURE)?|Abstract)\W*$|\W*(?:ABSTRACT|Abstract)\s?[—–:.-]+\s?(?=\w)"
)
_JAPANESE_NAME = re.compile(r"【(?:発明|考案)の名称】([^【】]{2,200})(?=【)")
_JAPANESE_FIELD = re.compile(
    r"【技術分野】(?:【[０-９0-9]+】)?[^【】。]{0,20}?(?:本(?:発明|開示|考案|技術))は[、,]([^【】。]{2,100}?)に関"
)
# What follows the abstract of a paper.
_PAPER_HEADING = re.compile(
    r"(?:key ?words|index terms|general terms|categories and subject|ccs concepts|acm reference|jel class"
    r"|(?:(?:\d|I)\.?\s+)?introduction\W*$|[∗*†]\s?(?:authors?|corresponding))",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"united states|patent|sheet|filed|application|certificate|published|abstract|, OF\b|copyright|lithograph",
    re.IGNORECASE,
)
# The JPO gives each applicant and inventor a code of its own.
_REPEATED = ("71", "72", "73")
_NEXT = "\f"
_JAPANESE = re.compile("[぀-ヿ一-鿿]")
_HEAD_LINES = 14
# Sheets of drawings stand before the first page of text in old patents.
_HEAD_PAGES = 30
_US_HEAD = re.compile(
    r"(?i:U(?:nited|\.)?\s*S(?:tates|\.)?\s+Patent)|\bPatented\s+[A-Z][a-z]{2,8}\.?\s?\d{1,2},\s?1[89]\d\d"
)
# Less is what a scan of two columns leaves of one.
_MIN_ABSTRACT_CHARS = 40


@dataclass(frozen=True)
class Front:
    """The data of a front page; absent facts are None or empty, as in `Document`."""

    is_patent: bool = False
    doc_id: str | None = None
    country: str | None = None
    kind: str | None = None
    title: str = ""
    first_line: str = ""
    abstract: str = ""
    application_number: str | None = None
    priorities: tuple[str, ...] = ()
    priority_date: date | None = None
    filing_date: date | None = None
    publication_date: date | None = None
    applicants: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    inventors: tuple[str, ...] = ()
    cpc: tuple[str, ...] = ()
    ipc: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()


def read_front(layout: Layout) -> Front:
    """Read the front page, as far as there is one."""
    first = list(layout.pages[0]) if layout.pages else []
    lines = layout.front_lines()
    codes = _codes(lines)
    head = "\n".join([*(layout.edges[0] if layout.edges else ()), *first[:_HEAD_LINES]])
    country, number, kind = _publication(head, codes, layout)
    application = re.search(r"\d[\d/,.\- ]{3,}", codes.get("21", ""))
    filed = _date(codes.get("22", ""))
    is_old = not codes and country == "US"
    old = read_masthead(line for page in layout.pages[:_HEAD_PAGES] for line in page) if is_old else Masthead()
    abstract = layout.begun("\n".join(layout.paragraphs(_abstract(codes.get("57"), layout))))
    priorities, priority_date = _priorities(codes)
    return Front(
        is_patent=len(codes) >= 3 or ("57" in codes and country is not None),
        doc_id=numbers.publication_id(country, number, kind),
        country=country,
        kind=kind,
        title=layout.joined(_title(codes.get("54", ""))) or _japanese_title(layout),
        first_line=_first_line(_title_candidates(first, layout)),
        abstract=abstract if len(abstract) >= _MIN_ABSTRACT_CHARS else "",
        application_number=_application(country, application[0], filed) if application else old.application_number,
        priorities=priorities,
        priority_date=priority_date,
        filing_date=filed or old.filing_date,
        publication_date=_date(codes.get("45", "") or codes.get("43", "")) or _printed_date(head, layout),
        applicants=_names(codes.get("71", "")),
        assignees=_names(codes.get("73", "")) or old.assignees,
        inventors=_names(codes.get("72") or codes.get("75") or codes.get("76") or "") or old.inventors,
        # Classes of the US have another form, so that the label, which OCR may lose, need not be there.
        cpc=_symbols(codes.get("52", "").rpartition("CPC")[2]),
        ipc=_symbols(codes.get("51", "")) or old.ipc,
        cited=_cited(lines) if codes else (),
    )


def _symbols(text: str) -> tuple[str, ...]:
    found = _SYMBOL.findall(text)
    return numbers.symbols([f"{section}{number.replace('O', '0')}{rest}" for section, number, rest in found])


def _application(country: str | None, number: str, filed: date | None) -> str | None:
    if country == "US":
        return uspto.application(number.strip(" .,"), filed=filed)
    return numbers.application_id(country, number)


def _priorities(codes: dict[str, str]) -> tuple[tuple[str, ...], date | None]:
    """Return the priorities under (30) and the provisionals under (60), and the earliest of their dates."""
    found = []
    for match in _PRIORITY.finditer(codes.get("30", "")):
        office = match["after"] or match["before"]
        found.append((numbers.application_id(office, match["number"]), numbers.parse_date(match["day"])))
    for match in _PROVISIONAL.finditer(" ".join(codes.get("60", "").split())):
        found.append((numbers.application_id("US", match[1]), numbers.parse_date(match[2] or "")))
    days = [day for _, day in found if day]
    return tuple(dict.fromkeys(number for number, _ in found if number)), min(days) if days else None


def _cited(lines: list[str]) -> tuple[str, ...]:
    """Return the patents that lines such as `5,142,985 A * 9/1992 Stearns` or `WO 2009/125267 A1 10/2009` cite."""
    found = (numbers.publication_id(m[1] or "US", m[2], m[3]) for line in lines for m in _CITED.finditer(line))
    return tuple(dict.fromkeys(number for number in found if number))


def metadata_title(stated: str) -> str:
    """Return the title that the file states of itself, "" when a program put a file name or nothing there."""
    title = " ".join(stated.split())
    is_name = re.search(r"\.\w{2,5}$|^[\W\d_]*$|untitled|anonymous|microsoft word|^\S*$", title, re.IGNORECASE)
    return "" if is_name or len(title) > 300 else title


def _codes(lines: list[str]) -> dict[str, str]:
    """Return the text after each INID code, up to the next; the first of a code counts."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in (_CITATION.sub("", part) for whole in lines for part in _INSIDE.split(whole)):
        marked = _marked(line, "57" in found)
        if marked and marked[0] not in found:
            current = found[marked[0]] = [marked[1]]
        elif marked and marked[0] in _REPEATED and _JAPANESE.search(marked[1]):
            current = found[marked[0]]
            current.append(f"{_NEXT}{marked[1]}")
        elif _OTHER_BLOCK.match(line):
            current = None
        elif current is not None:
            current.append(line)
    return {code: "\n".join(texts) for code, texts in found.items()}


def _marked(line: str, in_abstract: bool) -> tuple[str, str] | None:
    match = _CODE.match(line) or _BARE_CODE.match(line)
    if not match or match[1] not in _LABELS:
        return None
    rest = line[match.end() :]
    label = _LABELS[match[1]]
    if not re.match(label, rest, re.IGNORECASE) or (in_abstract and not label):
        return None
    return match[1], rest


def _publication(head: str, codes: dict[str, str], layout: Layout) -> tuple[str | None, str | None, str | None]:
    """Return (office, number, kind), printed with its office at the head, or under (11), or on every sheet."""
    places = (codes.get("10", ""), codes.get("11", ""), head)
    printed = next((found for place in places if (found := _NUMBER_LINE.search(place))), None)
    if printed:
        kind = printed[3] or None
        return printed[1], numbers.publication_number(printed[1], printed[2]), kind
    everything = " ".join((head, *(line for page in layout.pages[:_HEAD_PAGES] for line in page[:_HEAD_LINES])))
    if not _US_HEAD.search(everything):
        return None, None, None
    labelled = _OLD_NUMBER.search(codes.get("11", "") or codes.get("10", ""))
    if labelled:
        return "US", compact_number(labelled[1]), None
    # Old sheets carry the number alone; a misread digit shows in that no second sheet agrees.
    seen: dict[str, int] = {}
    for page, edge in zip(layout.pages, layout.edges, strict=True):
        for number in {compact_number(n) for line in (*edge, *page[:_HEAD_LINES]) for n in _OLD_NUMBER.findall(line)}:
            seen[number] = seen.get(number, 0) + 1
    best = max(seen, key=lambda number: seen[number], default=None)
    return ("US", best, None) if best and seen[best] >= 2 else (None, None, None)


def compact_number(text: str) -> str:
    """Return the digits of a printed number."""
    return re.sub(r"\D", "", text)


def _title(text: str) -> str:
    joined = "\n".join([line for line in text.split("\n") if line.strip()][:8])
    return re.sub(r"^\s*(?:Title(?: of the invention)?\s*:|【?発明の名称】?)\s*", "", joined, flags=re.IGNORECASE)


def _japanese_title(layout: Layout) -> str:
    """Return what stands under 【発明の名称】, else what the technical field says that the invention is about.

    The front page of a JPO gazette may be a picture with no text but the abstract.
    """
    text = "".join(line.strip() for page in layout.pages for line in page)
    match = _JAPANESE_NAME.search(text) or _JAPANESE_FIELD.search(text)
    return " ".join(match[1].split()) if match else ""


def _abstract(text: str | None, layout: Layout) -> list[str]:
    """Return the lines of the abstract: under (57), else under a heading of that name."""
    if text is None:
        pages = [line for page in layout.pages[:5] for line in page]
        start, match = next(((i, m) for i, line in enumerate(pages) if (m := _ABSTRACT_HEADING.match(line))), (0, None))
        if match is None:
            return []
        lines = [rest for rest in (pages[start][match.end() :],) if rest] + pages[start + 1 :]
        end = next((i for i, line in enumerate(lines) if i and (is_heading(line) or _PAPER_HEADING.match(line))), 0)
        # A heading must close it: otherwise nobody knows where it ends.
        lines = lines[:end] if 0 < end <= 60 else []
    else:
        lines = re.sub(r"^\s*(?:ABSTRACT|Abstract|【要約】)[\s.:]*", "", text).split("\n")
    end = next((i for i, line in enumerate(lines) if _ABSTRACT_END.match(line)), len(lines))
    return [line for line in lines[:end] if line.strip()]


def is_abstract_heading(line: str) -> bool:
    """Tell whether a line says that the abstract follows, and no more."""
    return _ABSTRACT_HEADING.fullmatch(line) is not None


def _date(text: str) -> date | None:
    return next((day for match in _DATE.findall(text) if (day := numbers.parse_date(match))), None)


def _printed_date(head: str, layout: Layout) -> date | None:
    japanese = re.search(r"JP\s+\d{4}-\d+\s+[A-Z]\d?\s+(\d{4}\.\d{1,2}\.\d{1,2})", head)
    if japanese:
        return numbers.parse_date(japanese[1])
    text = "\n".join((head, *(line for page in layout.pages[:_HEAD_PAGES] for line in page[:_HEAD_LINES])))
    labelled = re.findall(
        r"(?:Pub(?:lication)?\.?\s*Date|[Pp]?atented|PATENTED|Date of Patent)\W{0,3}([^\n]{6,40})", text
    )
    return next((day for found in labelled if (day := _date(found))), None)


def _names(text: str) -> tuple[str, ...]:
    """Return the names of `Inventors: A. Smith, Malibu, CA (US); B. Jones, Paris (FR)`, places dropped."""
    if not text:
        return ()
    if _JAPANESE.search(text):
        return tuple(dict.fromkeys(filter(None, map(_japanese_name, text.split(_NEXT)))))
    plain = _LABEL_TEXT.sub("", text, count=1) if _LABEL_TEXT.match(text) else text
    names = []
    for part in " ".join(plain.split()).split(";"):
        name = _OLD_PLACE.sub("", _PLACE.sub("", part.strip(" .,")).strip())
        if 2 < len(name) < 200:
            names.append(name)
    return tuple(dict.fromkeys(names))


def _japanese_name(text: str) -> str:
    """Return the first line that is more than the number of the party; the address follows it."""
    lines = _LABEL_TEXT.sub("", text.strip(), count=1).split("\n")
    return next((name for line in lines if (name := " ".join(re.sub(r"^[\d\s]+", "", line).split()))), "")


def _title_candidates(first: list[str], layout: Layout) -> list[str]:
    # The title of an old patent stands at the head of every drawing sheet, and was taken for a running head.
    if any(re.search("[぀-ヿ]", line) for line in first[:10]):
        return layout.paragraphs(first)
    return [*(layout.edges[0] if layout.edges else ()), *first]


def _first_line(lines: list[str]) -> str:
    """Return the first line that could be a title."""
    for line in lines[:40]:
        plain = re.sub(r"^(?:\(\d+\)\s*)?(?:【[^】]*】)*|^[\W\d_]+", "", line).strip(" .,;:-'‘’")
        words = re.findall(r"[^\W\d_]{3,}", plain)
        n_letters = sum(character.isalpha() for character in plain)
        sensible = (len(words) >= 2 or (words and len(words[0]) >= 8 and not words[0].isascii())) and not plain[
            :1
        ].islower()
        if sensible and n_letters >= 0.7 * len(plain.replace(" ", "")) and not _BOILERPLATE.search(line):
            return plain[:200]
    return ""
