"""Write European applications as the EPO does: ep-patent-document v1.5 of kind A1."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from making.markup import block, claim_text, date_leaf, inline, leaf, optional
from making.source import Corpus, Patent, applicant_country, split_name

ROOT = "ep-patent-document"
FIGURE = "f{:04d}"  # the id of a drawing


def ep_xml(patent: Patent, corpus: Corpus) -> bytes:
    """Return an application as a whole document."""
    cited = [corpus[key] for key in patent.cites]
    abstract = leaf("p", inline(patent.abstract, FIGURE), id="pa01", num="0001")
    document = block(
        ROOT,
        biblio(patent),
        block("abstract", abstract, id="abst", lang="en"),
        description(patent, cited),
        claims(patent),
        drawings(patent),
        references(patent, cited),
        id=f"EP{patent.application.replace('.', '')[:8]}A1",
        file=f"EP{patent.application[:8]}NWA1.xml",
        lang="en",
        country="EP",
        doc_number=patent.number,
        kind=patent.kind,
        date_publ=f"{patent.published:%Y%m%d}",
        status="n",
        dtd_version=f"{ROOT}-v1-5",
    )
    doctype = f'<!DOCTYPE {ROOT} PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "{ROOT}-v1-5.dtd">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n{document}\n'.encode()


def nested(name: str, *children: str, **attributes: str) -> str:
    """Return an element whose children follow each other without white space, as in SDOBI."""
    return leaf(name, "".join(children), **attributes)


def biblio(patent: Patent) -> str:
    """Return SDOBI: one line, ST.36 B-tags in their order."""
    published, (country, claimed) = date_leaf(patent.published), patent.priority_claim
    year, week, _ = patent.published.isocalendar()
    bulletin = published + leaf("bnum", f"{year}{week:02d}")
    states = [leaf("ctry", state) for state in ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "NL", "SE")]
    kind = nested("B120", leaf("B121", "EUROPEAN PATENT APPLICATION")) + leaf("B130", patent.kind)
    languages = (leaf("B250", "en"), leaf("B251EP", "en"), leaf("B260", "en"))
    priority = (leaf("B310", claimed), nested("B320", date_leaf(patent.priority)), leaf("B330", leaf("ctry", country)))
    title = nested("B540", leaf("B541", "en"), leaf("B542", escape(patent.title)))
    return nested(
        "SDOBI",
        nested("B000", nested("eptags", leaf("B005EP", "J"))),
        nested("B100", leaf("B110", patent.number), kind, nested("B140", published), leaf("B190", "EP")),
        nested("B200", leaf("B210", patent.application), nested("B220", date_leaf(patent.filed)), *languages),
        nested("B300", *priority),
        nested("B400", leaf("B405", bulletin), leaf("B430", bulletin)),
        nested("B500", symbols(patent), title),
        parties(patent),
        nested("B800", nested("B840", *states)),
        lang="en",
    )


def symbols(patent: Patent) -> str:
    """Return IPC and CPC symbols, padded as the EPO pads them."""

    def rows(name: str, values: Sequence[str], version: str) -> list[str]:
        found = []
        for n, value in enumerate(values, start=1):
            main_group, _, subgroup = value[4:].partition("/")
            level = f"{version}{'L' if n > 1 else 'F'}I{patent.filed:%Y%m%d}BHEP        "
            text = leaf("text", f"{value[:4]}{main_group:>4}/{subgroup:<10}{level}")
            found.append(leaf(name, text, sequence=str(n)))
        return found

    ipc = rows("classification-ipcr", patent.ipc, "20060101A")
    cpc = rows("classification-cpc", patent.cpc, "20130101 ")
    return nested("B510EP", *ipc) + nested("B520EP", nested("classifications-cpc", *cpc))


def parties(patent: Patent) -> str:
    """Return applicants and inventors; the EPO writes the surname first."""

    def party(tag: str, name: str, country: str) -> str:
        address = nested("adr", leaf("city", "unknown"), leaf("ctry", country))
        return nested(tag, leaf("snm", escape(name)), address)

    home = applicant_country(patent.applicants[0])
    applicants = [party("B711", name, applicant_country(name)) for name in patent.applicants]
    inventors = [party("B721", ", ".join(reversed(split_name(name))), home) for name in patent.inventors]
    return nested("B700", nested("B710", *applicants), nested("B720", *inventors))


def description(patent: Patent, cited: Sequence[Patent]) -> str:
    """Return the description; the background ends with the documents that the reference list repeats."""
    lines = ['<!-- EPO <DP n="1"> -->']
    n_paragraphs = 0
    for n, (heading, paragraphs) in enumerate(patent.sections, start=1):
        lines.append(leaf("heading", leaf("b", escape(heading.capitalize())), id=f"h{n:04d}"))
        marked = [inline(text, FIGURE) for text in paragraphs]
        if heading == "BACKGROUND" and cited:
            marked.append(f"Related arrangements are described in {' and '.join(links(cited))}.")
        for text in marked:
            n_paragraphs += 1
            lines.append(leaf("p", text, id=f"p{n_paragraphs:04d}", num=f"{n_paragraphs:04d}"))
    return leaf("description", "\n".join([*lines, ""]), id="desc", lang="en")


def links(cited: Sequence[Patent]) -> list[str]:
    """Return the cited documents as the description names them."""
    return [
        leaf(
            "patcit",
            leaf("text", document.doc_id.replace("-", " ")),
            id=f"pcit{n:04d}",
            dnum=document.file_stem,
            dnum_type="L",
        )
        for n, document in enumerate(cited, start=1)
    ]


def claims(patent: Patent) -> str:
    """Return the claims in the language of the procedure; their numbers are attributes only."""
    elements = [
        leaf("claim", "\n" + claim_text(claim), id=f"c-en-{n:04d}", num=f"{n:04d}")
        for n, claim in enumerate(patent.claims, start=1)
    ]
    lines = ['<!-- EPO <DP n="2"> -->', *elements, ""]
    return leaf("claims", "\n".join(lines), id="claims01", lang="en")


def drawings(patent: Patent) -> str:
    """Return the drawings, if any."""
    fixed = {"wi": "150", "he": "200", "img_content": "drawing", "img_format": "tif"}
    figures = []
    for n in range(1, patent.n_figures + 1):
        image = leaf("img", id=f"if{n:04d}", file=f"imgf{n:04d}.tif", **fixed)
        figures.append(leaf("figure", image, id=FIGURE.format(n), num=str(n)))
    return optional("drawings", figures, id="draw", lang="en")


def references(patent: Patent, cited: Sequence[Patent]) -> str:
    """Return the list of the references cited in the description, if any."""
    if not cited:
        return ""
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
    return block("ep-reference-list", heading, items, id="ref-list")
