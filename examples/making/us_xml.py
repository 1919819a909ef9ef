"""Write US documents as the USPTO does: us-patent-grant v4.5 and us-patent-application v4.4."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import count
from xml.sax.saxutils import escape

from making.markup import block, claim_text, date_leaf, inline, leaf, optional
from making.source import Corpus, Patent, applicant_country, split_name
from making.us_style import full_sections, short_name

# By format: (name, description) of the processing instructions around the three parts of a description.
PARTS = {
    "us-grant": (
        ("RELAPP", "Other Patent Relations"),
        ("BRFSUM", "Brief Summary"),
        ("DETDESC", "Detailed Description"),
    ),
    "us-application": (
        ("cross-reference-to-related-applications", "Cross Reference To Related Applications"),
        ("summary-of-invention", "Summary of Invention"),
        ("detailed-description", "Detailed Description"),
    ),
}


def us_xml(patent: Patent, corpus: Corpus) -> bytes:
    """Return a grant or an application as a whole document."""
    word, version = ("grant", "v4.5") if patent.format == "us-grant" else ("application", "v4.4")
    root, made = f"us-patent-{word}", f"{patent.published:%Y%m%d}"
    abstract = leaf("p", inline(patent.abstract, "DRAWINGS"), id="p-0001", num="0000")
    document = block(
        root,
        biblio(patent, corpus),
        block("abstract", abstract, id="abstract"),
        drawings(patent),
        description(patent),
        leaf("us-claim-statement", "What is claimed is:"),
        block("claims", *(numbered_claim(patent, n) for n in range(1, len(patent.claims) + 1)), id="claims"),
        lang="EN",
        dtd_version=f"{version} 2014-04-03",
        file=f"{dated_stem(patent)}.XML",
        status="PRODUCTION",
        id=root,
        country="US",
        date_produced=made,
        date_publ=made,
    )
    dtd = f"{root}-{version.replace('.', '')}-2014-04-03.dtd"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {root} SYSTEM "{dtd}" [ ]>\n{document}\n'
    # The USPTO writes every character beyond ASCII as a hexadecimal reference.
    return re.sub(r"[^\x00-\x7f]", lambda m: f"&#x{ord(m[0]):x};", text).encode()


def dated_stem(patent: Patent) -> str:
    """Return `US20169830006A1-20160804`, as the USPTO names the files of a publication."""
    return f"{patent.file_stem}-{patent.published:%Y%m%d}"


def biblio(patent: Patent, corpus: Corpus) -> str:
    """Return the bibliographic part; the order of the elements is that of the DTD."""
    grant = patent.format == "us-grant"
    publication = document_id("US", patent.number, leaf("kind", patent.kind), date_leaf(patent.published))
    application = document_id("US", patent.application, date_leaf(patent.filed))
    main_cpc, *further_cpc = symbols("cpc", patent.cpc, patent.published)
    cited = [citation(corpus[key], place) for place, key in enumerate(patent.cites, start=1)]
    counts = (leaf("number-of-claims", len(patent.claims)), leaf("us-exemplary-claim", "1"), figure_counts(patent))
    owners = (block("assignees", *map(assignee, patent.applicants)), examiners())
    attributes = {} if grant else {"lang": "EN", "country": "US"}
    return block(
        f"us-bibliographic-data-{'grant' if grant else 'application'}",
        block("publication-reference", publication),
        block("application-reference", application, appl_type="utility"),
        leaf("us-application-series-code", patent.application[:2]),
        foreign_priority(patent),
        block("classifications-ipcr", *symbols("ipc", patent.ipc, patent.published)),
        block("classifications-cpc", block("main-cpc", main_cpc), optional("further-cpc", further_cpc)),
        leaf("invention-title", escape(patent.title), id="d2e43"),
        optional("us-references-cited", cited),
        *(counts if grant else ()),
        related_documents(patent),
        parties(patent),
        *(owners if grant else ()),
        **attributes,
    )


def document_id(country: str, doc_number: str, *rest: str) -> str:
    """Return a document-id element."""
    return block("document-id", leaf("country", country), leaf("doc-number", doc_number), *rest)


def foreign_priority(patent: Patent) -> str:
    """Return priority-claims, empty for a family that began with a US provisional."""
    country, claimed = patent.priority_claim
    if country == "US":
        return ""
    facts = (leaf("country", country), leaf("doc-number", claimed), date_leaf(patent.priority))
    return block("priority-claims", block("priority-claim", *facts, sequence="01", kind="national"))


def related_documents(patent: Patent) -> str:
    """Return the provisional application and the earlier publication of the same application."""
    related = []
    if patent.priority_claim[0] == "US":
        provisional = document_id("US", patent.priority_claim[1], date_leaf(patent.priority))
        related.append(block("us-provisional-application", provisional))
    for other in patent.members:
        if (patent.format, other.format) == ("us-grant", "us-application"):
            facts = (leaf("kind", other.kind), date_leaf(other.published))
            related.append(block("related-publication", document_id("US", other.number, *facts)))
    return optional("us-related-documents", related)


def symbols(scheme: str, values: Iterable[str], published: date) -> list[str]:
    """Return `H01M10/0525` and the like as elements; `scheme` is `ipc` or `cpc`."""
    ipc = scheme == "ipc"
    return [
        block(
            "classification-ipcr" if ipc else "classification-cpc",
            leaf(f"{scheme}-version-indicator", leaf("date", "20060101" if ipc else "20130101")),
            leaf("classification-level", "A") if ipc else "",
            leaf("section", value[0]),
            leaf("class", value[1:3]),
            leaf("subclass", value[3]),
            leaf("main-group", value[4:].partition("/")[0]),
            leaf("subgroup", value.partition("/")[2]),
            leaf("symbol-position", "L" if n else "F"),
            leaf("classification-value", "I"),
            leaf("action-date", date_leaf(published)),
            leaf("generating-office", leaf("country", "US")),
            leaf("classification-status", "B"),
            leaf("classification-data-source", "H"),
            "" if ipc else leaf("scheme-origination-code", "C"),
        )
        for n, value in enumerate(values)
    ]


def citation(cited: Patent, place: int) -> str:
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


def figure_counts(patent: Patent) -> str:
    """Return the number of drawing sheets, one a figure."""
    names = ("number-of-drawing-sheets", "number-of-figures")
    return block("figures", *(leaf(name, patent.n_figures) for name in names)) if patent.n_figures else ""


def address(country: str) -> str:
    """Return an address; the city stays unknown, as nobody in the corpus lives anywhere."""
    return block("address", leaf("city", "unknown"), leaf("country", country))


def parties(patent: Patent) -> str:
    """Return applicants and inventors; the inventors live where the first applicant is at home."""
    applicants, inventors = [], []
    fixed = {"app_type": "applicant", "designation": "us-only", "applicant_authority_category": "assignee"}
    for n, name in enumerate(patent.applicants, start=1):
        country = applicant_country(name)
        book = block("addressbook", leaf("orgname", escape(name)), address(country))
        residence = block("residence", leaf("country", country))
        applicants.append(block("us-applicant", book, residence, sequence=f"{n:03d}", **fixed))
    home = address(applicant_country(patent.applicants[0]))
    for n, name in enumerate(patent.inventors, start=1):
        given, surname = map(escape, split_name(name))
        book = block("addressbook", leaf("last-name", surname), leaf("first-name", given), home)
        inventors.append(block("inventor", book, sequence=f"{n:03d}", designation="us-only"))
    return block("us-parties", block("us-applicants", *applicants), block("inventors", *inventors))


def assignee(name: str) -> str:
    """Return one assignee; role 02 is a company of any country."""
    facts = (leaf("orgname", escape(name)), leaf("role", "02"), address(applicant_country(name)))
    return block("assignee", block("addressbook", *facts))


def examiners() -> str:
    """Return the examiner that all grants share."""
    facts = (leaf("last-name", "Example"), leaf("first-name", "Edith"), leaf("department", "9800"))
    return block("examiners", block("primary-examiner", *facts))


def drawings(patent: Patent) -> str:
    """Return the drawings; like a full-text file of the USPTO it names images that are not in it."""
    fixed = {"alt": "embedded image", "img_content": "drawing", "img_format": "tif"}
    figures = []
    for n in range(1, patent.n_figures + 1):
        name = f"D{n:05d}"
        file = f"{dated_stem(patent)}-{name}.TIF"
        image = leaf("img", id=f"EMI-{name}", he="200.00mm", wi="150.00mm", file=file, **fixed)
        figures.append(block("figure", image, id=f"Fig-EMI-{name}", num=f"{n:05d}"))
    return optional("drawings", figures, id="DRAWINGS")


def description(patent: Patent) -> str:
    """Return the description; processing instructions mark its parts, as the USPTO does."""
    sections = full_sections(patent)
    lines: list[str] = []
    headings, paragraphs = count(1), count(1)  # both run on through the parts
    for (name, label), part in zip(PARTS[patent.format], (sections[:1], sections[1:-1], sections[-1:]), strict=True):
        lines.append(f'<?{name} description="{label}" end="lead"?>')
        for heading, texts in part:
            lines.append(leaf("heading", escape(heading), id=f"h-{next(headings):04d}", level="1"))
            for text in texts:
                n = next(paragraphs)
                lines.append(leaf("p", inline(text, "DRAWINGS"), id=f"p-{n + 1:04d}", num=f"{n:04d}"))
        lines.append(f'<?{name} description="{label}" end="tail"?>')
    return block("description", *lines, id="description")


def numbered_claim(patent: Patent, place: int) -> str:
    """Return one claim; applications print its number in bold."""
    prefix = f"{place}. " if patent.format == "us-grant" else f"<b>{place}</b>. "
    text = claim_text(patent.claims[place - 1], prefix=prefix, mark=linked)
    return block("claim", text, id=f"CLM-{place:05d}", num=f"{place:05d}")


def linked(text: str) -> str:
    """Escape a part of a claim and link the claims that it refers to."""
    link = '<claim-ref idref="CLM-{0:05d}">{1}</claim-ref>'
    return re.sub(r"\bclaims? (\d+)", lambda m: link.format(int(m[1]), m[0]), escape(text))
