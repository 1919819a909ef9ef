"""Real files, where they lie beside the project: counts by folder, no failure unexplained, no word lost or glued."""

import html
import re
from collections import Counter

import pytest

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import find_files, read_file
from patentclust.records import Document

CONTENT = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
NOT_YET = (
    "us-patdoc-grant-v2 us-pap-application-v1 us-aps-pftaps us-css-brs us-sgml-grant-v24 us-ppubs-json us-xml4ip-st96 "
    "epo-docdb tw-patent-grant cn-cnipa-st96-business cn-patent-document-cnipr"
)
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
        ("formats/ep-patent-document", 8, 0),
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


@pytest.mark.parametrize("folder", NOT_YET.split())
def test_dialects_not_yet_read_are_named(shared_data, folder):
    found = read(shared_data / "formats" / folder)
    assert found
    for item in found:
        assert isinstance(item, SourceError)
        assert "this version does not read it" in str(item)


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
