"""Make the example corpus from `examples/source/*.toml`: US and EP XML, PDF, JSON lines, CSV and the labels.

Run it as `python examples/make_examples.py`. The same sources give the same bytes: no clock, no random
numbers, no compression. Every patent is invented; its number lies outside the ranges that offices use. Knows
nothing of how patentclust reads the files.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

# By the code in the ids. The place in this table is a digit of every English number: append, never reorder.
TECHNOLOGIES = {
    "ml": "machine_learning",
    "wc": "wireless_communication",
    "ge": "gene_editing",
    "bm": "battery_materials",
    "ip": "image_processing",
    "bc": "blockchain",
    "rc": "robot_control",
}
N_WEEKLY = 6
N_ZIPPED = 4
US_KINDS = ("us-grant", "pdf")
MONTHS = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "Jun.", "Jul.", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")
# Where an applicant is at home: the first pattern that its name matches, else the United States.
COUNTRIES = (
    (r"^(Daeryun|Hanbit|Haneul|Hwaseong|Seoran|Sungrae)\b", "KR"),
    (r"^(Huachen|Jinlan|Jinshui|Minjiang|Qianhe|Qinglan)\b", "CN"),
    (r"^(Hakuryo|Kitahama)\b|\bKK$|K\.K\.$", "JP"),
    (r"\b(GmbH|AG)$", "DE"),
    (r"\b(SAS?)$|^Institut ", "FR"),
    (r"\bPty Ltd$", "AU"),
    (r"\bPte\. Ltd\.$", "SG"),
    (r"\bPvt\. Ltd\.$", "IN"),
    (r"\bAB$", "SE"),
    (r"\bAS$", "NO"),
    (r"\bOy$", "FI"),
    (r"\bBV$", "NL"),
    (r"\bSL$", "ES"),
    (r"S\.p\.A\.$", "IT"),
    (r"\ba\.s\.$", "CZ"),
    (r"\bLtd$|^Penhallow ", "GB"),
)


@dataclass(frozen=True)
class Patent:
    """Hold one entry of the sources with the numbers derived from its place in them."""

    id: str
    format: str
    title: str
    applicants: list[str]
    inventors: list[str]
    priority: date
    filed: date
    published: date
    ipc: list[str]
    cpc: list[str]
    family: str
    cites: list[str]
    abstract: str
    claims: list[str]
    description: str
    technology: str
    country: str
    number: str
    kind: str
    application: str
    priority_claim: tuple[str, str]
    family_number: str
    language: str = "en"

    @property
    def doc_id(self) -> str:
        """Return `US-98010001-B2`."""
        return f"{self.country}-{self.number}-{self.kind}"

    @property
    def file_stem(self) -> str:
        """Return `US98010001B2`."""
        return self.doc_id.replace("-", "")

    @property
    def sections(self) -> list[tuple[str, list[str]]]:
        """Return the description as (heading, paragraphs)."""
        found: list[tuple[str, list[str]]] = []
        for part in re.split(r"^# *(?=\S)", self.description.strip(), flags=re.MULTILINE)[1:]:
            heading, _, body = part.partition("\n")
            found.append((heading.strip(), [one_line(p) for p in re.split(r"\n\s*\n", body) if p.strip()]))
        return found

    @property
    def n_figures(self) -> int:
        """Return the highest number of a figure that the description mentions."""
        found = re.findall(r"\b(?:FIG\.|Fig\.|Figure) (\d+)", self.description)
        return max(map(int, found), default=0)


Corpus = dict[str, Patent]


# ---------------------------------------------------------------- sources


def load(source: Path) -> Corpus:
    """Read all sources and number their entries, English ones first, in the order of the technologies.

    Raises:
        ValueError: two entries share an id, or an entry does not fit its family.
    """
    raw: list[dict[str, Any]] = []
    for series, name in enumerate(("multilingual", *TECHNOLOGIES.values())):
        entries = tomllib.loads((source / f"{name}.toml").read_text(encoding="utf-8"))["patent"]
        raw += [{**entry, "series": series, "position": n} for n, entry in enumerate(entries, start=1)]
    raw.sort(key=lambda entry: not entry["series"])
    families: dict[str, list[dict[str, Any]]] = {}
    for entry in raw:
        families.setdefault(entry["family"], []).append(entry)
    corpus = {entry["id"]: number(entry, families[entry["family"]]) for entry in raw}
    if len(corpus) != len(raw):
        raise ValueError("two entries share an id")
    return corpus


def number(entry: dict[str, Any], family: Sequence[dict[str, Any]]) -> Patent:
    """Give an entry its publication, application, priority and family numbers.

    Raises:
        ValueError: the id names no technology, or siblings at one office were filed on different days.
    """
    fields = {key: value for key, value in entry.items() if key not in ("series", "position")}
    for key in ("title", "abstract"):
        fields[key] = one_line(entry[key])
    fields["claims"] = [one_line(claim) for claim in entry["claims"]]
    country = country_of(entry)
    # Siblings filed at one office are one application: it bears the number of the first of them.
    first = next(e for e in family if country_of(e) == country)
    technology = re.search("|".join(TECHNOLOGIES), entry["id"])
    if technology is None or any(e["filed"] != first["filed"] for e in family if country_of(e) == country):
        raise ValueError(f"{entry['id']}: no technology in the id, or siblings filed on different days")
    return Patent(
        **fields,
        technology=TECHNOLOGIES[technology[0]],
        country=country,
        number=publication_number(entry),
        kind=kind_of(entry, family),
        application=application_number(first),
        priority_claim=priority_claim(family),
        family_number=f"98{family[0]['series']}{family[0]['position']:05d}",
    )


def country_of(entry: dict[str, Any]) -> str:
    """Return the office that publishes an entry."""
    if entry["format"] == "table":
        return {"zh": "CN", "ja": "JP"}[entry["language"]]
    return "EP" if entry["format"] == "ep" else "US"


def kind_of(entry: dict[str, Any], family: Iterable[dict[str, Any]]) -> str:
    """Return the ST.16 kind; a US grant is B1 unless its application was published before."""
    if entry["format"] in US_KINDS:
        return "B2" if any(e["format"] == "us-application" for e in family) else "B1"
    return "A" if entry["format"] == "table" else "A1"


def publication_number(entry: dict[str, Any]) -> str:
    """Return a number outside the ranges in use."""
    series, position = entry["series"], entry["position"]
    if entry["format"] == "table":
        return {"zh": f"9981{position:05d}", "ja": f"20299{position:05d}"}[entry["language"]]
    if entry["format"] == "ep":
        return f"98{series}{position:04d}"
    if entry["format"] == "us-application":
        return f"{entry['published'].year}98{series}{position:04d}"
    return f"980{series}{position:04d}"


def application_number(entry: dict[str, Any]) -> str:
    """Return an application number in the style of its office."""
    series, position, year = entry["series"], entry["position"], entry["filed"].year
    if entry["format"] == "table":
        return {"zh": f"{year}198{position:05d}", "ja": f"{year}-9{position:05d}"}[entry["language"]]
    if entry["format"] == "ep":
        digits = f"{year % 100:02d}98{series}{position:03d}"
        # EPO check digit: digits weighted 1, 2, 1, 2 .., digit sums added, what lacks to the next ten.
        total = sum(sum(map(int, str(int(d) * (1 + i % 2)))) for i, d in enumerate(digits))
        return f"{digits}.{-total % 10}"
    return f"989{series}{position:04d}"


def priority_claim(family: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return (country, number) of the application whose priority the whole family claims."""
    for entry in family:
        if entry["priority"] == entry["filed"]:
            return country_of(entry), application_number(entry)
    head = family[0]
    if head["format"] == "table":
        return country_of(head), application_number({**head, "filed": head["priority"]})
    country = applicant_country(head["applicants"][0])
    if country == "US":
        return country, f"979{head['series']}{head['position']:04d}"
    return country, f"{head['priority'].year}98{head['series']}{head['position']:04d}"


def applicant_country(name: str) -> str:
    """Return the country of an applicant by the legal form in its name."""
    return next((country for pattern, country in COUNTRIES if re.search(pattern, name)), "US")


def one_line(text: str) -> str:
    """Join the lines of a paragraph."""
    return " ".join(text.split())


def split_name(name: str) -> tuple[str, str]:
    """Split `Ana van der Berg` into given names and surname; particles belong to the surname."""
    words = name.split()
    cut = next((i for i, w in enumerate(words[1:], start=1) if w[0].islower()), len(words) - 1)
    return " ".join(words[:cut]), " ".join(words[cut:])


def us_date(day: date) -> str:
    """Return `Feb. 5, 2019`, as US patents print it, whatever the locale."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


# ---------------------------------------------------------------- XML


def leaf(name: str, markup: object = "", **attributes: str) -> str:
    """Return an element on one line; `markup` is escaped already, `_` in attribute names stands for `-`."""
    head = name + "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{head}>{markup}</{name}>" if markup != "" else f"<{head}/>"


def block(name: str, *children: str, **attributes: str) -> str:
    """Return an element whose children stand on lines of their own; empty children are left out."""
    return leaf(name, "\n" + "\n".join(child for child in children if child) + "\n", **attributes)


def day(when: date) -> str:
    """Return a date element."""
    return leaf("date", f"{when:%Y%m%d}")


def document_id(country: str, doc_number: str, *rest: str) -> str:
    """Return a document-id element."""
    return block("document-id", leaf("country", country), leaf("doc-number", doc_number), *rest)


def split_symbol(symbol: str) -> tuple[str, str, str, str, str]:
    """Split `H01M10/0525` into section, class, subclass, main group and subgroup."""
    main_group, _, subgroup = symbol[4:].partition("/")
    return symbol[0], symbol[1:3], symbol[3], main_group, subgroup


def inline(text: str, figure: str) -> str:
    """Escape a paragraph and mark up chemical formulas, powers and references to figures."""
    marked = re.sub(r"(?<=Li|PO|PS|\)O)(\d)", r"<sub>\1</sub>", escape(text))
    marked = re.sub("[⁻¹²³]+", lambda m: leaf("sup", m[0].translate(str.maketrans("⁻¹²³", "-123"))), marked)
    return re.sub(r"\b(?:FIGS?\.|Figs?\.|Figures?) (\d+)[A-Z]?\b", lambda m: figref(m, figure), marked)


def figref(found: re.Match[str], figure: str) -> str:
    """Wrap one reference to a figure; `figure` is its idref, with a place for the number."""
    return leaf("figref", found[0], idref=figure.format(int(found[1])))


def claim_text(claim: str, prefix: str, refs: bool) -> str:
    """Nest the steps of a claim in claim-text elements, as the offices do; `refs` links other claims."""

    def marked(text: str) -> str:
        if not refs:
            return escape(text)
        link = r'<claim-ref idref="CLM-{0:05d}">{1}</claim-ref>'
        return re.sub(r"\bclaims? (\d+)", lambda m: link.format(int(m[1]), m[0]), escape(text))

    preamble, colon, body = claim.partition(": ")
    if not colon or ";" not in body:
        return leaf("claim-text", prefix + marked(claim))
    steps = re.split(r"(?<=;) (?!and |or )|(?<=; and) |(?<=; or) ", body)
    lines = [f"{prefix}{marked(preamble)}:", *(leaf("claim-text", marked(step)) for step in steps), ""]
    return leaf("claim-text", "\n".join(lines))


def us_xml(patent: Patent, corpus: Corpus) -> str:
    """Return a us-patent-grant v4.5 or us-patent-application v4.4 document."""
    word, version = ("grant", "v4.5") if patent.format == "us-grant" else ("application", "v4.4")
    root, made = f"us-patent-{word}", f"{patent.published:%Y%m%d}"
    abstract = leaf("p", inline(patent.abstract, "DRAWINGS"), id="p-0001", num="0000")
    document = block(
        root,
        us_biblio(patent, corpus, word),
        block("abstract", abstract, id="abstract"),
        us_drawings(patent),
        us_description(patent),
        leaf("us-claim-statement", "What is claimed is:"),
        block("claims", *(us_claim(patent, n) for n in range(1, len(patent.claims) + 1)), id="claims"),
        lang="EN",
        dtd_version=f"{version} 2014-04-03",
        file=f"{patent.file_stem}-{made}.XML",
        status="PRODUCTION",
        id=root,
        country="US",
        date_produced=made,
        date_publ=made,
    )
    dtd = f"{root}-{version.replace('.', '')}-2014-04-03.dtd"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {root} SYSTEM "{dtd}" [ ]>\n{document}\n'
    # The USPTO writes every character beyond ASCII as a hexadecimal reference.
    return re.sub(r"[^\x00-\x7f]", lambda m: f"&#x{ord(m[0]):x};", text)


def us_biblio(patent: Patent, corpus: Corpus, word: str) -> str:
    """Return the bibliographic part; the order of the elements is that of the DTD."""
    publication = document_id("US", patent.number, leaf("kind", patent.kind), day(patent.published))
    application = document_id("US", patent.application, day(patent.filed))
    grant = word == "grant"
    cited = [us_citation(corpus[key], n) for n, key in enumerate(patent.cites, start=1)]
    attributes = {} if grant else {"lang": "EN", "country": "US"}
    return block(
        f"us-bibliographic-data-{word}",
        block("publication-reference", publication),
        block("application-reference", application, appl_type="utility"),
        leaf("us-application-series-code", patent.application[:2]),
        us_foreign_priority(patent),
        block("classifications-ipcr", *(us_symbol(patent, "ipcr", n) for n in range(len(patent.ipc)))),
        us_cpc(patent),
        leaf("invention-title", escape(patent.title), id="d2e43"),
        block("us-references-cited", *cited) if cited else "",
        leaf("number-of-claims", len(patent.claims)) if grant else "",
        leaf("us-exemplary-claim", "1") if grant else "",
        us_figures(patent) if grant else "",
        us_related(patent, corpus),
        us_parties(patent),
        block("assignees", *(us_assignee(name) for name in patent.applicants)) if grant else "",
        us_examiner() if grant else "",
        **attributes,
    )


def us_foreign_priority(patent: Patent) -> str:
    """Return priority-claims, empty for a family that began with a US provisional."""
    country, claimed = patent.priority_claim
    if country == "US":
        return ""
    facts = (leaf("country", country), leaf("doc-number", claimed), day(patent.priority))
    return block("priority-claims", block("priority-claim", *facts, sequence="01", kind="national"))


def us_related(patent: Patent, corpus: Corpus) -> str:
    """Return the provisional application and the earlier publication of the same application."""
    related = []
    if patent.priority_claim[0] == "US":
        provisional = document_id("US", patent.priority_claim[1], day(patent.priority))
        related.append(block("us-provisional-application", provisional))
    for other in corpus.values():
        earlier = other.format == "us-application" and other.application == patent.application
        if earlier and patent.format == "us-grant":
            facts = (leaf("kind", other.kind), day(other.published))
            related.append(block("related-publication", document_id("US", other.number, *facts)))
    return block("us-related-documents", *related) if related else ""


def us_symbol(patent: Patent, scheme: str, index: int) -> str:
    """Return one IPC (`ipcr`) or CPC (`cpc`) symbol."""
    symbol = (patent.ipc if scheme == "ipcr" else patent.cpc)[index]
    names = ("section", "class", "subclass", "main-group", "subgroup")
    version = date(2006, 1, 1) if scheme == "ipcr" else date(2013, 1, 1)
    return block(
        f"classification-{scheme}",
        leaf(f"{'ipc' if scheme == 'ipcr' else 'cpc'}-version-indicator", day(version)),
        leaf("classification-level", "A") if scheme == "ipcr" else "",
        *(leaf(name, part) for name, part in zip(names, split_symbol(symbol), strict=True)),
        leaf("symbol-position", "L" if index else "F"),
        leaf("classification-value", "I"),
        leaf("action-date", day(patent.published)),
        leaf("generating-office", leaf("country", "US")),
        leaf("classification-status", "B"),
        leaf("classification-data-source", "H"),
        leaf("scheme-origination-code", "C") if scheme == "cpc" else "",
    )


def us_cpc(patent: Patent) -> str:
    """Return the CPC symbols, the main one apart."""
    further = [us_symbol(patent, "cpc", n) for n in range(1, len(patent.cpc))]
    main = block("main-cpc", us_symbol(patent, "cpc", 0))
    return block("classifications-cpc", main, block("further-cpc", *further) if further else "")


def us_citation(cited: Patent, place: int) -> str:
    """Return one citation; citing US publications writes 2019/9810001, and the day of the date as 00."""
    number = f"{cited.number[:4]}/{cited.number[4:]}" if cited.format == "us-application" else cited.number
    facts = (
        leaf("kind", cited.kind),
        leaf("name", escape(short_name(cited))),
        leaf("date", f"{cited.published:%Y%m}00"),
    )
    category = leaf("category", "cited by examiner" if place % 2 else "cited by applicant")
    patcit = block("patcit", document_id(cited.country, number, *facts), num=f"{place:05d}")
    return block("us-citation", patcit, category)


def short_name(patent: Patent) -> str:
    """Return `Colbourne et al.`."""
    return split_name(patent.inventors[0])[1] + (" et al." if len(patent.inventors) > 1 else "")


def us_book(country: str, *names: str) -> str:
    """Return an addressbook; the city stays unknown, as nobody in the corpus lives anywhere."""
    return block("addressbook", *names, block("address", leaf("city", "unknown"), leaf("country", country)))


def us_parties(patent: Patent) -> str:
    """Return applicants and inventors."""
    applicants, inventors = [], []
    fixed = {"app_type": "applicant", "designation": "us-only", "applicant_authority_category": "assignee"}
    home = applicant_country(patent.applicants[0])
    for n, name in enumerate(patent.applicants, start=1):
        book = us_book(applicant_country(name), leaf("orgname", escape(name)))
        residence = block("residence", leaf("country", applicant_country(name)))
        applicants.append(block("us-applicant", book, residence, sequence=f"{n:03d}", **fixed))
    for n, name in enumerate(patent.inventors, start=1):
        given, surname = (escape(part) for part in split_name(name))
        book = us_book(home, leaf("last-name", surname), leaf("first-name", given))
        inventors.append(block("inventor", book, sequence=f"{n:03d}", designation="us-only"))
    return block("us-parties", block("us-applicants", *applicants), block("inventors", *inventors))


def us_assignee(name: str) -> str:
    """Return one assignee; role 02 is a company of any country."""
    address = block("address", leaf("city", "unknown"), leaf("country", applicant_country(name)))
    return block("assignee", block("addressbook", leaf("orgname", escape(name)), leaf("role", "02"), address))


def us_description(patent: Patent) -> str:
    """Return the description; processing instructions mark its parts, as the USPTO does."""
    grant = patent.format == "us-grant"
    names = (
        ("RELAPP", "BRFSUM", "DETDESC")
        if grant
        else ("cross-reference-to-related-applications", "summary-of-invention", "detailed-description")
    )
    titles = (
        "Other Patent Relations" if grant else "Cross Reference To Related Applications",
        "Brief Summary" if grant else "Summary of Invention",
        "Detailed Description",
    )
    sections = [("CROSS-REFERENCE TO RELATED APPLICATIONS", [priority_sentence(patent)]), *patent.sections]
    lines: list[str] = []
    n_paragraphs = 0
    for part in range(3):
        lines.append(f'<?{names[part]} description="{titles[part]}" end="lead"?>')
        for n, (heading, paragraphs) in enumerate(sections):
            if part != (0 if n == 0 else 2 if heading.startswith("DETAILED") else 1):
                continue
            lines.append(leaf("heading", escape(heading), id=f"h-{n + 1:04d}", level="1"))
            for text in paragraphs:
                n_paragraphs += 1
                place = {"id": f"p-{n_paragraphs + 1:04d}", "num": f"{n_paragraphs:04d}"}
                lines.append(leaf("p", inline(text, "DRAWINGS"), **place))
        lines.append(f'<?{names[part]} description="{titles[part]}" end="tail"?>')
    return block("description", *lines, id="description")


def us_examiner() -> str:
    """Return the examiner that all grants share."""
    facts = (leaf("last-name", "Example"), leaf("first-name", "Edith"), leaf("department", "9800"))
    return block("examiners", block("primary-examiner", *facts))


def us_figures(patent: Patent) -> str:
    """Return the number of drawing sheets, one a figure."""
    if not patent.n_figures:
        return ""
    names = ("number-of-drawing-sheets", "number-of-figures")
    return block("figures", *(leaf(name, patent.n_figures) for name in names))


def us_drawings(patent: Patent) -> str:
    """Return the drawings; like a full-text file of the USPTO it names images that are not in it."""
    figures = []
    for n in range(1, patent.n_figures + 1):
        name = f"D{n:05d}"
        image = leaf(
            "img",
            id=f"EMI-{name}",
            he="200.00mm",
            wi="150.00mm",
            file=f"{patent.file_stem}-{patent.published:%Y%m%d}-{name}.TIF",
            alt="embedded image",
            img_content="drawing",
            img_format="tif",
        )
        figures.append(block("figure", image, id=f"Fig-EMI-{name}", num=f"{n:05d}"))
    return block("drawings", *figures, id="DRAWINGS") if figures else ""


def us_claim(patent: Patent, place: int) -> str:
    """Return one claim; applications print its number in bold."""
    prefix = f"{place}. " if patent.format == "us-grant" else f"<b>{place}</b>. "
    text = claim_text(patent.claims[place - 1], prefix, refs=True)
    return block("claim", text, id=f"CLM-{place:05d}", num=f"{place:05d}")


def priority_sentence(patent: Patent) -> str:
    """Return the sentence that claims priority."""
    country, claimed = patent.priority_claim
    what = f"{country} Patent Application No. {claimed}"
    if country == "US":
        what = f"U.S. Provisional Application No. {slashed(claimed)}"
    return f"This application claims priority to {what}, filed on {us_date(patent.priority)}."


def slashed(application: str) -> str:
    """Return `98/910,001`."""
    return f"{application[:2]}/{application[2:5]},{application[5:]}"


def ep_xml(patent: Patent, corpus: Corpus) -> str:
    """Return an ep-patent-document v1.5 of kind A1."""
    cited = [corpus[key] for key in patent.cites]
    root = "ep-patent-document"
    abstract = leaf("p", inline(patent.abstract, "f{:04d}"), id="pa01", num="0001")
    body = leaf(
        root,
        "\n".join([
            "",
            ep_biblio(patent),
            block("abstract", abstract, id="abst", lang="en"),
            ep_description(patent, cited),
            ep_claims(patent),
            *ep_drawings(patent),
            *ep_references(patent, cited),
            "",
        ]),
        id=f"EP{patent.application.replace('.', '')[:8]}A1",
        file=f"EP{patent.application[:8]}NWA1.xml",
        lang="en",
        country="EP",
        doc_number=patent.number,
        kind=patent.kind,
        date_publ=f"{patent.published:%Y%m%d}",
        status="n",
        dtd_version="ep-patent-document-v1-5",
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<!DOCTYPE {root} PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "{root}-v1-5.dtd">\n{body}\n'
    )


def nested(name: str, *children: str) -> str:
    """Return an element whose children follow each other without white space, as in SDOBI."""
    return leaf(name, "".join(children))


def ep_biblio(patent: Patent) -> str:
    """Return SDOBI: one line, ST.36 B-tags in their order."""
    published, (country, claimed) = day(patent.published), patent.priority_claim
    year, week, _ = patent.published.isocalendar()
    bulletin = published + leaf("bnum", f"{year}{week:02d}")
    states = [leaf("ctry", state) for state in ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "SE")]
    kind = nested("B120", leaf("B121", "EUROPEAN PATENT APPLICATION")) + leaf("B130", patent.kind)
    languages = (leaf("B250", "en"), leaf("B251EP", "en"), leaf("B260", "en"))
    claim = leaf("B310", claimed) + nested("B320", day(patent.priority)) + leaf("B330", leaf("ctry", country))
    title = nested("B540", leaf("B541", "en"), leaf("B542", escape(patent.title)))
    parts = (
        nested("B000", nested("eptags", leaf("B005EP", "J"))),
        nested("B100", leaf("B110", patent.number), kind, nested("B140", published), leaf("B190", "EP")),
        nested("B200", leaf("B210", patent.application), nested("B220", day(patent.filed)), *languages),
        nested("B300", claim),
        nested("B400", leaf("B405", bulletin), leaf("B430", bulletin)),
        nested("B500", ep_symbols(patent), title),
        ep_parties(patent),
        nested("B800", nested("B840", *states)),
    )
    return leaf("SDOBI", "".join(parts), lang="en")


def ep_symbols(patent: Patent) -> str:
    """Return IPC and CPC symbols, padded as the EPO pads them."""
    rows: dict[str, list[str]] = {"ipcr": [], "cpc": []}
    for scheme, symbols in (("ipcr", patent.ipc), ("cpc", patent.cpc)):
        for n, symbol in enumerate(symbols, start=1):
            main_group, _, subgroup = symbol[4:].partition("/")
            version = "20060101A" if scheme == "ipcr" else "20130101 "
            level = f"{version}{'L' if n > 1 else 'F'}I{patent.filed:%Y%m%d}BHEP        "
            text = leaf("text", f"{symbol[:4]}{main_group:>4}/{subgroup:<10}{level}")
            rows[scheme].append(leaf(f"classification-{scheme}", text, sequence=str(n)))
    return nested("B510EP", *rows["ipcr"]) + nested("B520EP", nested("classifications-cpc", *rows["cpc"]))


def ep_parties(patent: Patent) -> str:
    """Return applicants and inventors; the EPO writes the surname first."""
    applicants, inventors = [], []
    for name in patent.applicants:
        address = nested("adr", leaf("city", "unknown"), leaf("ctry", applicant_country(name)))
        applicants.append(nested("B711", leaf("snm", escape(name)), address))
    address = nested("adr", leaf("city", "unknown"), leaf("ctry", applicant_country(patent.applicants[0])))
    for name in patent.inventors:
        given, surname = split_name(name)
        inventors.append(nested("B721", leaf("snm", escape(f"{surname}, {given}")), address))
    return nested("B700", nested("B710", *applicants), nested("B720", *inventors))


def ep_description(patent: Patent, cited: Sequence[Patent]) -> str:
    """Return the description; the background ends with the documents that the reference list repeats."""
    lines: list[str] = []
    n_paragraphs = 0
    for n, (heading, paragraphs) in enumerate(patent.sections, start=1):
        lines.append(leaf("heading", leaf("b", escape(heading.capitalize())), id=f"h{n:04d}"))
        marked = [inline(text, "f{:04d}") for text in paragraphs]
        if heading == "BACKGROUND" and cited:
            links = []
            for k, document in enumerate(cited, start=1):
                text = leaf("text", document.doc_id.replace("-", " "))
                links.append(leaf("patcit", text, id=f"pcit{k:04d}", dnum=document.file_stem, dnum_type="L"))
            marked.append(f"Related arrangements are described in {' and '.join(links)}.")
        for text in marked:
            n_paragraphs += 1
            lines.append(leaf("p", text, id=f"p{n_paragraphs:04d}", num=f"{n_paragraphs:04d}"))
    return leaf("description", '<!-- EPO <DP n="1"> -->\n' + "\n".join(lines) + "\n", id="desc", lang="en")


def ep_claims(patent: Patent) -> str:
    """Return the claims in the language of the procedure; their numbers are attributes only."""
    claims = [
        leaf("claim", "\n" + claim_text(claim, "", refs=False), id=f"c-en-{n:04d}", num=f"{n:04d}")
        for n, claim in enumerate(patent.claims, start=1)
    ]
    return leaf("claims", '<!-- EPO <DP n="2"> -->\n' + "\n".join(claims) + "\n", id="claims01", lang="en")


def ep_drawings(patent: Patent) -> list[str]:
    """Return the drawings, if any."""
    fixed = {"wi": "150", "he": "200", "img_content": "drawing", "img_format": "tif"}
    figures = []
    for n in range(1, patent.n_figures + 1):
        image = leaf("img", id=f"if{n:04d}", file=f"imgf{n:04d}.tif", **fixed)
        figures.append(leaf("figure", image, id=f"f{n:04d}", num=str(n)))
    return [block("drawings", *figures, id="draw", lang="en")] if figures else []


def ep_references(patent: Patent, cited: Sequence[Patent]) -> list[str]:
    """Return the list of the references cited in the description, if any."""
    if not cited:
        return []
    before = [heading for heading, _ in patent.sections].index("BACKGROUND") + 1
    place = sum(len(paragraphs) for _, paragraphs in patent.sections[:before]) + 1
    rows = []
    for n, document in enumerate(cited, start=1):
        parts = zip(("country", "doc-number", "kind"), document.doc_id.split("-"), strict=True)
        facts = (leaf(name, value) for name, value in parts)
        link = leaf("patcit", nested("document-id", *facts), id=f"ref-pcit{n:04d}", dnum=document.file_stem)
        rows.append(leaf("li", link + leaf("crossref", f"[{place:04d}]", idref=f"pcit{n:04d}")))
    heading = leaf("heading", leaf("b", "REFERENCES CITED IN THE DESCRIPTION"), id="ref-h0001")
    items = leaf("p", "\n" + block("ul", *rows, id="ref-ul0001", list_style="bullet"), id="ref-p0001", num="")
    return [block("ep-reference-list", heading, items, id="ref-list")]


# ---------------------------------------------------------------- PDF

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
PDF_CHARACTERS = str.maketrans({"⁻": "-", "−": "-", "≤": "<=", "≥": ">=", "μ": "µ"})


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


def wrap(text: str, *, font: str = "F1", first: float = 0.0, rest: float = 0.0) -> list[Line]:
    """Break a paragraph into justified lines; `first` and `rest` are indents in points."""
    lines = [Line("", font, indent=first)]
    for word in text.translate(PDF_CHARACTERS).split():
        line = lines[-1]
        longer = Line(f"{line.text} {word}".strip(), font, indent=line.indent)
        if longer.width <= COLUMN_WIDTH - line.indent or not line.text:
            lines[-1] = longer
        else:
            lines.append(Line(word, font, indent=rest))
    return [justified(line) for line in lines[:-1]] + lines[-1:]


def justified(line: Line) -> Line:
    """Spread a line over the column."""
    gap = COLUMN_WIDTH - line.indent - line.width
    return Line(line.text, line.font, line.size, line.indent, round(gap / max(line.text.count(" "), 1), 3))


def centred(text: str) -> Line:
    """Return a bold line in the middle of its column."""
    line = Line(text.translate(PDF_CHARACTERS), "F2")
    return Line(line.text, "F2", indent=max(0.0, round((COLUMN_WIDTH - line.width) / 2, 2)))


def code(inid: str, text: str, *, font: str = "F1") -> list[Line]:
    """Return one INID-coded paragraph of the front page and the gap after it."""
    first, *rest = wrap(f"({inid}) {text}", font=font, rest=24)
    return [Line(first.text, font, indent=0), *(Line(r.text, font, indent=24) for r in rest), Line("")]


def printed_number(patent: Patent) -> str:
    """Return `US 98,010,001 B2`, `US 2019/9810003 A1` or `EP 9810005 A1`."""
    number = patent.number
    if patent.format in US_KINDS:
        number = f"{int(number):,}"
    elif patent.format == "us-application":
        number = f"{number[:4]}/{number[4:]}"
    return f"{patent.country} {number} {patent.kind}"


def front_page(patent: Patent, corpus: Corpus) -> tuple[list[Line], list[Line]]:
    """Return the two columns of the front page, with the INID codes of WIPO ST.9."""
    country, claimed = patent.priority_claim
    applicants = "; ".join(f"{name} ({applicant_country(name)})" for name in patent.applicants)
    left = [
        *code("54", patent.title.upper(), font="F2"),
        *code("71", f"Applicant: {applicants}"),
        *code("72", f"Inventors: {'; '.join(patent.inventors)}"),
        *code("21", f"Appl. No.: {slashed(patent.application)}"),
        *code("22", f"Filed: {us_date(patent.filed)}"),
    ]
    if country == "US":
        left += [centred("Related U.S. Application Data"), Line("")]
        filed = us_date(patent.priority)
        left += code("60", f"Provisional application No. {slashed(claimed)}, filed on {filed}.")
    else:
        left += code("30", "Foreign Application Priority Data")[:-1]
        left += [Line(f"{us_date(patent.priority)}  ({country})  {claimed}", indent=24)]
    ipc = "; ".join(f"{symbol[:4]} {symbol[4:]} (2006.01)" for symbol in patent.ipc)
    cpc = "; ".join(f"{symbol[:4]} {symbol[4:]} (2013.01)" for symbol in patent.cpc)
    right = [*code("51", f"Int. Cl. {ipc}"), *code("52", f"U.S. Cl. CPC {cpc}")]
    if patent.cites:
        right += code("56", "References Cited")[:-1]
        for cited in (corpus[key] for key in patent.cites):
            when = f"{cited.published.month}/{cited.published.year}"
            right.append(Line(f"{printed_number(cited)}  {when}  {short_name(cited)}", indent=24))
        right.append(Line(""))
    right += [centred("(57) ABSTRACT"), Line(""), *wrap(patent.abstract, first=12)]
    return left, right


def body_lines(patent: Patent) -> list[Line]:
    """Return title, description and claims as lines of one endless column."""
    lines = [*wrap(patent.title.upper(), font="F2"), Line("")]
    related = ("CROSS-REFERENCE TO RELATED APPLICATIONS", [priority_sentence(patent)])
    for heading, paragraphs in [related, *patent.sections]:
        lines += [*(centred(line.text) for line in wrap(heading, font="F2")), Line("")]
        for text in paragraphs:
            lines += wrap(text, first=12)
        lines.append(Line(""))
    lines += [Line("What is claimed is:", indent=12)]
    for n, claim in enumerate(patent.claims, start=1):
        lines += wrap(f"{n}. {claim}", first=12)
    return lines


def draw(line: Line, x: float, y: float) -> bytes:
    """Return the operators that show one line."""
    text = re.sub(r"([\\()])", r"\\\1", line.text).encode("cp1252")
    font = f"/{line.font} {line.size:g} Tf {line.stretch:g} Tw 1 0 0 1 {x + line.indent:g} {y:g} Tm"
    return b"BT " + font.encode() + b" (" + text + b") Tj ET\n"


def draw_columns(columns: Iterable[Sequence[Line]], top: float) -> bytes:
    """Return the operators of the columns of a page, the left one first: this is the reading order."""
    return b"".join(
        draw(line, x, top - LEADING * n)
        for x, lines in zip(COLUMNS, columns, strict=False)
        for n, line in enumerate(lines)
        if line.text
    )


def pdf_pages(patent: Patent, corpus: Corpus) -> list[bytes]:
    """Return the content stream of each page."""
    name = printed_number(patent)
    head = (
        (Line("(12) United States Patent", "F2", 18), COLUMNS[0], 738),
        (Line(short_name(patent), size=11, indent=24), COLUMNS[0], 722),
        (Line(f"(10) Patent No.: {name}", "F2", 11), COLUMNS[1], 738),
        (Line(f"(45) Date of Patent: {us_date(patent.published)}", "F2", 11), COLUMNS[1], 722),
    )
    rule = b"48 712 m 564 712 l S\n"
    front = front_page(patent, corpus)
    pages = [b"".join(draw(*placed) for placed in head) + rule + draw_columns(front, 694)]
    lines = body_lines(patent)
    for start in range(0, len(lines), 2 * N_LINES):
        number = 2 * len(pages) - 1
        columns = lines[start : start + N_LINES], lines[start + N_LINES : start + 2 * N_LINES]
        numbers = draw(Line(str(number)), 170, 736) + draw(Line(str(number + 1)), 438, 736)
        pages.append(draw(Line(name), 262, 752) + numbers + draw_columns(columns, 716))
    return pages


def pdf_file(pages: Sequence[bytes]) -> bytes:
    """Return a PDF 1.4 file with the two standard fonts and no dates; streams stay uncompressed."""
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


# ---------------------------------------------------------------- tables and folders


def json_row(patent: Patent, corpus: Corpus) -> str:
    """Return a patent as one line of JSON, lists as lists."""
    row = {
        "publication_number": patent.doc_id,
        "title": patent.title,
        "abstract": patent.abstract,
        "claims": [f"{n}. {claim}" for n, claim in enumerate(patent.claims, start=1)],
        "description": patent.description.strip(),
        "applicants": patent.applicants,
        "inventors": patent.inventors,
        "ipc": patent.ipc,
        "cpc": patent.cpc,
        "publication_date": patent.published.isoformat(),
        "filing_date": patent.filed.isoformat(),
        "priority_date": patent.priority.isoformat(),
        "application_number": f"{patent.country}-{patent.application}",
        "priority_numbers": ["-".join(patent.priority_claim)],
        "cited_patents": [corpus[key].doc_id for key in patent.cites],
        "language": patent.language,
        "family_id": patent.family_number,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def csv_text(patents: Iterable[Patent], corpus: Corpus) -> str:
    """Return a table with the column names that spreadsheets of patent searches carry."""
    rows = []
    for patent in patents:
        row = json.loads(json_row(patent, corpus))
        row["claims"] = "\n".join(row["claims"])
        cells = ("; ".join(value) if isinstance(value, list) else value for value in row.values())
        rows.append(dict(zip(map(column_name, row), cells, strict=True)))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def column_name(key: str) -> str:
    """Return `Family ID` for `family_id`."""
    short = {"id": "ID", "ipc": "IPC", "cpc": "CPC"}
    return " ".join(short.get(word, word.capitalize()) for word in key.split("_"))


def archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a ZIP file that is the same on every machine: no compression, no clock, one system."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as container:
        for name, data in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            container.writestr(info, data)
    return out.getvalue()


def us_files(corpus: Corpus) -> dict[str, bytes]:
    """Return the US files: single ones, a weekly file of grants and a ZIP of applications."""
    wanted = [patent for patent in corpus.values() if patent.format in ("us-grant", "us-application")]
    rendered = {patent.id: us_xml(patent, corpus).encode() for patent in wanted}
    weekly = firsts(corpus, "us-grant")[:N_WEEKLY]
    zipped = firsts(corpus, "us-application")[:N_ZIPPED]
    files = {
        f"us/{corpus[key].file_stem}.xml": data
        for key, data in rendered.items()
        if corpus[key] not in (*weekly, *zipped)
    }
    files["us/weekly_grants.xml"] = b"".join(rendered[p.id] for p in weekly)
    names = [(f"{p.file_stem}-{p.published:%Y%m%d}.XML", rendered[p.id]) for p in zipped]
    files["us/applications.zip"] = archive(names)
    return files


def firsts(corpus: Corpus, format_: str) -> list[Patent]:
    """Return the first patent of a format in each technology."""
    found: dict[str, Patent] = {}
    for patent in corpus.values():
        if patent.format == format_:
            found.setdefault(patent.technology, patent)
    return list(found.values())


def make(source: Path, target: Path) -> None:
    """Write the whole corpus below `target`; files of the same names are replaced."""
    corpus = load(source)
    files = {f"patents/{name}": data for name, data in us_files(corpus).items()}
    for patent in corpus.values():
        if patent.format == "ep":
            files[f"patents/ep/{patent.file_stem}.xml"] = ep_xml(patent, corpus).encode()
        elif patent.format == "pdf":
            files[f"patents/pdf/{patent.file_stem}.pdf"] = pdf_file(pdf_pages(patent, corpus))
    chinese, japanese = ([p for p in corpus.values() if p.language == language] for language in ("zh", "ja"))
    files["multilingual/chinese.jsonl"] = "".join(json_row(p, corpus) for p in chinese).encode()
    files["multilingual/japanese.csv"] = csv_text(japanese, corpus).encode()
    labels = "".join(f"{patent.doc_id},{patent.technology}\n" for patent in corpus.values())
    files["labels.csv"] = f"doc_id,technology\n{labels}".encode()
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    here = Path(__file__).parent
    for folder in ("patents", "multilingual"):
        shutil.rmtree(here / folder, ignore_errors=True)
    make(here / "source", here)
