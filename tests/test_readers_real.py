"""Real files, where they lie beside the project: counts by folder, no failure unexplained, no word lost or glued."""

import html
import re
from collections import Counter

import pytest

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import characters, find_files, read_file
from patentclust.records import Document

CONTENT = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
PLACEHELD = re.compile(r"<(tables|maths|chemistry)[ >].*?</\1>", re.DOTALL)
BLOCK = re.compile(
    r"</?(?:p|heading|li|ul|ol|dl|dt|dd|br|claim-text|claim|description|abstract|claims)(?=[\s/>])[^>]*>"
)


def read(folder):
    found = [item for item in find_files([folder]) if not isinstance(item, SourceError)]
    assert found
    return [item for file in found for item in read_file(file, IngestParams(), sha256="0")]


@pytest.mark.parametrize(
    ("folder", "n_documents", "n_failures"),
    [
        ("formats/us-grant-v4", 7, 0),
        ("formats/us-application-v4", 9, 1),
        ("formats/us-bulk-zip", 12, 0),
        ("formats/us-bulk-concat", 5, 0),
        ("formats/us-patdoc-grant-v2", 2, 0),
        ("formats/us-sgml-grant-v24", 1, 0),
        ("formats/us-pap-application-v1", 3, 0),
        ("formats/us-aps-pftaps", 1, 0),
        ("formats/us-css-brs", 6, 0),
        ("formats/us-ppubs-json", 31, 0),
        ("formats/us-xml4ip-st96", 13, 0),
        ("formats/ep-patent-document", 8, 0),
        ("formats/cn-cnipa-st96-business", 1, 0),
        ("formats/cn-patent-document-cnipr", 1, 0),
        ("formats/tw-patent-grant", 2, 0),
        ("formats/google-patents-html", 2, 0),
        ("pdf/jp", 1, 0),
        ("pdf/us-text", 1, 0),
        ("pdf/us-ocr-layer", 8, 0),
        ("pdf/us-scanned", 0, 2),
        ("corpus", 16746, 0),
    ],
)
def test_each_folder_gives_its_documents(shared_data, folder, n_documents, n_failures):
    found = read(shared_data / folder)
    failures = [str(item) for item in found if isinstance(item, SourceError)]
    assert (len(found) - len(failures), len(failures)) == (n_documents, n_failures)


@pytest.mark.parametrize("folder", ["us-grant-v4", "us-application-v4", "ep-patent-document"])
def test_no_word_is_lost_glued_or_split(shared_data, folder):
    checked = 0
    for file in find_files([shared_data / "formats" / folder]):
        raw = file.path.read_text(encoding="utf-8")
        for document in read_file(file, IngestParams(), sha256="0"):
            if isinstance(document, Document):
                parts = {"abstract": document.abstract, "description": document.description}
                for tag, text in (parts | {"claims": "\n".join(document.claims)}).items():
                    checked += 1
                    lost = words(raw, tag, document.language) - Counter(text.split())
                    assert not lost, f"{document.doc_id} {tag}: {lost}"
    assert checked > 10


OFFICES = {
    "cn-cnipa-st96-business": "title abstract country kind application_number filing_date publication_date applicants "
    "inventors ipc",
    "cn-patent-document-cnipr": "title description country",
    "tw-patent-grant": "title claims description country kind application_number priorities priority_date filing_date "
    "publication_date applicants inventors ipc cited",
    "google-patents-html": "title abstract claims description country kind family_id application_number priorities "
    "priority_date filing_date publication_date assignees inventors cpc",
}


@pytest.mark.parametrize("folder", OFFICES)
def test_documents_of_other_offices_carry_what_their_files_have(shared_data, folder):
    for document in read(shared_data / "formats" / folder):
        empty = [name for name in OFFICES[folder].split() if not getattr(document, name)]
        assert empty == [], document.doc_id
        assert len(document.claims) == len(document.independent)


# Of whole publications; files without any text state so, and a design has neither IPC nor CPC.
WHOLE = [
    *("us-grant-v4", "us-application-v4", "us-bulk-concat", "us-bulk-zip", "us-patdoc-grant-v2", "us-sgml-grant-v24"),
    *("us-pap-application-v1", "us-aps-pftaps", "us-css-brs", "ep-patent-document", "cn-cnipa-st96-business"),
    *("tw-patent-grant", "google-patents-html"),
]


@pytest.mark.parametrize("folder", WHOLE)
def test_every_publication_gives_number_kind_date_title_class_applicant_and_text(shared_data, folder):
    found = [item for item in read(shared_data / "formats" / folder) if isinstance(item, Document)]
    assert found
    for document in found:
        assert re.fullmatch(r"[A-Z]{2}-[A-Z]{0,2}\d+-[A-Z]\d?", document.doc_id)
        assert document.doc_id.endswith(f"-{document.kind}")
        facts = (document.country, document.publication_date, document.filing_date, document.title, document.language)
        assert all(facts), document.doc_id
        assert document.applicants or document.assignees or document.inventors, document.doc_id
        assert document.cpc or document.ipc or document.kind.startswith("S"), document.doc_id
        is_bibliographic = "us-bulk-zip" in document.source_path and "ipgb" in document.source_path
        assert document.n_chars > 2 * len(document.title) or is_bibliographic, document.doc_id


def test_real_pages_and_grants_give_all_claims_and_their_own_numbers(shared_data):
    found = {
        document.doc_id: document
        for folder in ("tw-patent-grant", "google-patents-html")
        for document in read(shared_data / "formats" / folder)
    }
    assert {number: len(document.claims) for number, document in found.items()} == {
        "TW-I787146-B": 12,
        "TW-I787148-B": 20,
        "US-12390907-B2": 34,
        "CN-104154208-B": 20,
    }
    assert found["TW-I787146-B"].priorities == ("EP-14176726",)
    assert found["CN-104154208-B"].language == "zh"
    assert found["US-12390907-B2"].cpc == ("B25B21/004", "B25B23/141", "B25F5/001")


def words(raw, tag, language):
    parts = re.findall(rf"<{tag}[ >].*?(?:</{tag}>|\Z)", raw, re.DOTALL)
    chosen = [part for part in parts if f'lang="{language}"' in part[:80]] or parts
    plain = PLACEHELD.sub(" ", CONTENT.sub("", chosen[0])) if chosen else ""
    return Counter(html.unescape(re.sub(r"<[^>]+>", "", BLOCK.sub(" ", plain))).split())


def test_a_japanese_gazette_is_read_in_its_fields(shared_data):
    (document,) = read(shared_data / "pdf" / "jp")
    assert document.doc_id == "JP-2025027833-A"
    assert document.language == "ja"
    assert str(document.publication_date) == "2025-02-28"
    assert len(document.claims) == 5
    assert document.independent == (True, False, False, False, False)
    assert "インバータと、" in document.claims[0]
    assert "2025-27833" not in document.description
    assert document.abstract.startswith("【課題】")


def test_a_typeset_us_application_is_read_in_its_fields(shared_data):
    (document,) = read(shared_data / "pdf" / "us-text")
    assert document.doc_id == "US-20160148332-A1"
    assert len(document.claims) == 16
    assert document.inventors[0] == "Jeffrey M. Stibel"
    assert len(document.description) > 80_000


def test_a_scan_with_hidden_text_keeps_its_claims(shared_data):
    by_id = {item.doc_id: item for item in read(shared_data / "pdf" / "us-ocr-layer")}
    assert len(by_id["US-6285999-B1"].claims) == 29
    assert by_id["US-6285999-B1"].title == "METHOD FOR NODE RANKING IN A LINKED DATABASE"
    assert len(by_id["US-3541541"].claims) == 8
    assert len(by_id["US-4136359"].claims) == 8


@pytest.mark.parametrize("prefer", [None, "en", "de", "fr"])
def test_an_ep_document_gives_one_language_never_three(shared_data, prefer):
    marks = {"en": {"the", "of"}, "de": {"der", "die", "und"}, "fr": {"le", "la"}}
    for file in find_files([shared_data / "formats" / "ep-patent-document"]):
        (document,) = read_file(file, IngestParams(prefer_language=prefer), sha256="0")
        seen = Counter(re.findall(r"[a-z]+", "\n".join((document.abstract, *document.claims)).lower()))
        shares = {code: sum(seen[word] for word in words_) for code, words_ in marks.items()}
        assert max(shares, key=shares.get) == document.language, document.doc_id
        assert sum(shares.values()) < 1.1 * shares[document.language], document.doc_id
        has_all = document.doc_id[-2] == "B"
        assert document.language == (prefer if prefer and has_all else document.language)


def test_a_japanese_gazette_whose_front_page_is_a_picture_has_its_title(shared_data):
    (document,) = read(shared_data / "pdf" / "jp")
    assert document.title == "多目的車両"


def test_a_front_page_that_is_a_picture_is_read_by_ocr(shared_data):
    pytest.importorskip("rapidocr", reason="the extra `ocr` is not installed")
    (file,) = find_files([shared_data / "pdf" / "jp"])
    (document,) = read_file(file, IngestParams(ocr=True), sha256="0")
    assert document.title == "多目的車両"
    assert document.applicants == ("株式会社クボタ",)
    assert len(document.inventors) == 4
    assert str(document.filing_date) == "2023-08-17"
    assert document.ipc == ("B60K1/04",)
    assert "入力" in document.abstract


# Of PATDOC and PAP: parts by column, what is left out or stands for itself, and what ends a line.
OLD_PARTS = {
    "us-patdoc-grant-v2": {"abstract": "SDOAB", "description": "SDODE", "claims": "SDOCL"},
    "us-sgml-grant-v24": {"abstract": "SDOAB", "description": "SDODE", "claims": "SDOCL"},
    "us-pap-application-v1": {
        "abstract": "subdoc-abstract",
        "description": "subdoc-description",
        "claims": "subdoc-claims",
    },
}
OLD_LEFT_OUT = re.compile(r"<(CWU|table-cwu|math-cwu|number)[ >].*?</\1>", re.DOTALL)
OLD_HEADING = re.compile(r"<(H|heading)[ >].*?</\1>", re.DOTALL)
OLD_BLOCK = re.compile(r"</?(?:PARA|H|CLMSTEP|paragraph|heading|claim|CLM|LI)(?=[\s/>])[^>]*>|<claim-text>(?!claim )")
ENTITY = re.compile(r"&([\w.]+);")


@pytest.mark.parametrize("folder", OLD_PARTS)
def test_no_word_of_the_old_us_formats_is_lost_glued_or_split(shared_data, folder):
    checked = 0
    for file in find_files([shared_data / "formats" / folder]):
        raw = file.path.read_text(encoding="utf-8")
        (document,) = read_file(file, IngestParams(), sha256="0")
        parts = {"abstract": document.abstract, "description": document.description}
        for name, text in (parts | {"claims": "\n".join(document.claims)}).items():
            expected = old_words(raw, OLD_PARTS[folder][name], headings=name == "description")
            checked += sum(expected.values())
            assert not expected - Counter(text.split()), f"{document.doc_id} {name}"
    assert checked > 100


def old_words(raw, tag, *, headings):
    part = re.search(rf"<{tag}>.*?</{tag}>", raw, re.DOTALL)
    plain = OLD_LEFT_OUT.sub(" ", part[0]) if part else ""
    plain = OLD_BLOCK.sub(" ", plain if headings else OLD_HEADING.sub(" ", plain))
    # A claim's number is glued to it in one file; the reader parts them.
    plain = re.sub(r"(<bold>\d+\.</bold></highlight>)(?=\w)", r"\1 ", plain)
    plain = ENTITY.sub(lambda match: characters.named(match[1]) or "", re.sub(r"<[^>]+>", "", plain))
    return Counter(plain.split())


def test_no_word_of_the_green_book_is_lost(shared_data):
    (document,) = read(shared_data / "formats" / "us-aps-pftaps")
    (path,) = (shared_data / "formats" / "us-aps-pftaps").iterdir()
    # Codes, drawn formulas and tables aside, every word of the text groups is in the document.
    raw = path.read_text(encoding="ascii").split("\nABST\n")[1]
    raw = re.sub(r"^TBL.*\n(?:(?: .*)?\n)*", "", raw, flags=re.MULTILINE)
    plain = re.sub(r"^(?:STM .*|NUM .*|[A-Z0-9]{3,4}(?= |$))", "", raw, flags=re.MULTILINE)
    expected = Counter(re.findall(r"(?<![\w.#])[a-z]{4,}(?![\w.#-])", plain))
    found = Counter(re.findall(r"[a-z]{4,}", "\n".join((document.abstract, document.description, *document.claims))))
    assert sum(expected.values()) > 4_000
    assert not expected - found


FILLED = {
    "us-patdoc-grant-v2": "title abstract claims description publication_date filing_date application_number "
    "priorities assignees inventors ipc cited",
    "us-pap-application-v1": "title abstract claims description publication_date filing_date application_number "
    "inventors ipc",
    "us-aps-pftaps": "title abstract claims description publication_date filing_date application_number priorities "
    "assignees inventors ipc cited",
    "us-css-brs": "title abstract claims description publication_date filing_date application_number priorities "
    "applicants assignees inventors ipc cpc cited",
}


@pytest.mark.parametrize("folder", FILLED)
def test_what_the_old_us_formats_have_is_filled(shared_data, folder):
    for document in read(shared_data / "formats" / folder):
        assert [name for name in FILLED[folder].split() if not getattr(document, name)] == []


def test_what_the_public_search_has_is_filled(shared_data):
    found = [item for item in read(shared_data / "formats" / "us-ppubs-json") if "scanned" not in str(item.warnings)]
    names = "title abstract claims description publication_date filing_date application_number inventors ipc cpc"
    assert len(found) == 21
    for document in found:
        assert [name for name in names.split() if not getattr(document, name)] == []


def test_a_grant_of_2002_is_read_in_its_fields(shared_data):
    by_id = {document.doc_id: document for document in read(shared_data / "formats" / "us-patdoc-grant-v2")}
    document = by_id["US-6442728-B1"]
    assert document.inventors == ("Jian Cui", "Bin Li", "Weng Tong", "Rui R. Wang")
    assert (len(document.claims), sum(document.independent)) == (35, 6)
    assert "D1(j,k)=D(j,(αjk+βj)modP)" in document.claims[0]
    assert by_id["US-6336130-B1"].priorities == ("NO-971605",)


def test_a_grant_of_1997_is_read_in_its_fields(shared_data):
    (document,) = read(shared_data / "formats" / "us-aps-pftaps")
    assert (document.doc_id, document.application_number) == ("US-5700647-A", "US-08568680")
    assert document.priorities == ("JP-1991150428", "JP-1991281645", "JP-1992150665")
    assert (len(document.claims), sum(document.independent)) == (20, 2)
    assert "(λmax=833 nm)" in document.description
