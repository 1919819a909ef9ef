"""PDF: front pages, claims, running heads, broken words, scans, locks and loops. The PDFs are made here by hand."""

import io
import logging

import pytest
from pypdf import PdfWriter

from patentclust.errors import SourceError
from patentclust.readers import limits, pdf_boxes, pdf_stream
from tests.test_readers_suite import DATA, documents, failures, items


def make_pdf(pages, title=""):
    """Return a PDF whose pages hold the given lines."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, lines in enumerate(pages):
        content = b"BT /F1 10 Tf 12 TL 40 800 Td\n" + b"".join(
            b"("
            + line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
            + b") Tj T*\n"
            for line in lines
        )
        content += b"ET"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * index} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream")
    if title:
        objects.append(f"<< /Title ({title}) >>".encode())
    return assemble(objects, info=len(objects) if title else 0)


def assemble(objects, info=0):
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    extra = f" /Info {info} 0 R" if info else ""
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R{extra} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


FRONT = [
    "(19) United States",
    "(12) Patent Application Publication",
    "Roe et al.",
    "(10) Pub. No.: US 2016/0999332 A1",
    "(43) Pub. Date: May 26, 2016",
    "(54) APPARATUS FOR WATERING",
    "OF PLANTS",
    "(71) Applicants: GREEN WATER, INC., Malibu, CA (US); Midori Co., Ltd. (JP)",
    "(72) Inventors: Jane B. Roe, Malibu, CA (US); Juan Doe, Paris (FR)",
    "(21) Appl. No.: 14/999,996",
    "(22) Filed: Nov. 20, 2015",
    "(30) Foreign Application Priority Data",
    "Apr. 12, 2015 (JP) ....... 2015-081001",
    "(51) Int. Cl. A01G 27/00 (2006.01)",
    "(52) U.S. Cl. CPC: A01G 27/003",
    "(56) References Cited",
    "5,142,985 A * 9/1992 Stearns et al.",
    "US 2012/0012345 A1 10/2012 Halloway",
    "WO WO 2009/125267 A1 10/2009",
    "(57) ABSTRACT",
    "A pot (10) has a tank and a wick that brings the water to the roots of the plant when",
    "(12) the soil is dry.",
]
HEAD = ["US 2016/0999332 A1", "May 26, 2016"]
BACKGROUND = [
    "BACKGROUND",
    "[0001] The plants on the sill of a window are dry in the sum-",
    "mer, because nobody is at home to water them.",
    "5",
    "[0002] A well-known pot has a tank, and the tank is wa-",
    "tertight.",
    "10",
    "Another well-",
    "known pot has none of it.",
]
SUMMARY = ["SUMMARY OF THE INVENTION", "[0003] The pot of the invention is never dry, and it is for that.", "15", "20"]
CLAIMS = [
    "What is claimed is:",
    "1. A pot for plants, comprising a tank of 2.5 l and a",
    "wick.",
    "2. The pot of claim 1, wherein the wick is cot-",
    "ton.",
    "25",
]
TEXT = [[*HEAD, *BACKGROUND], [*HEAD, *SUMMARY], [*HEAD, *CLAIMS]]
SHEET = ["Patent Application Publication  May 26, 2016  Sheet 1 of 1  US 2016/0999332 A1", "FIG. 1", "10", "tank"]


@pytest.fixture
def written(tmp_path):
    def write(pages, **kwargs):
        path = tmp_path / "made.pdf"
        path.write_bytes(pages if isinstance(pages, bytes) else make_pdf(pages, **kwargs))
        return path

    return write


def test_the_sample_of_the_suite_is_what_this_file_makes():
    assert (DATA / "patent.pdf").read_bytes() == make_pdf([FRONT, SHEET, *TEXT])


@pytest.fixture
def patent(written):
    return documents(written([FRONT, SHEET, *TEXT]))[0]


def test_the_front_page_fills_the_fields(patent):
    assert patent.doc_id == "US-20160999332-A1"
    assert patent.title == "APPARATUS FOR WATERING OF PLANTS"
    assert str(patent.publication_date) == "2016-05-26"
    assert str(patent.filing_date) == "2015-11-20"
    assert patent.application_number == "US-14999996"
    assert patent.applicants == ("GREEN WATER, INC.", "Midori Co., Ltd.")
    assert patent.inventors == ("Jane B. Roe", "Juan Doe")
    assert patent.ipc == ("A01G27/00",)
    assert patent.cpc == ("A01G27/003",)
    assert patent.language == "en"
    assert patent.priorities == ("JP-2015081001",)
    assert str(patent.priority_date) == "2015-04-12"
    assert patent.cited == ("US-5142985-A", "US-20120012345-A1", "WO-2009125267-A1")


def test_a_reference_sign_in_brackets_does_not_end_the_abstract(patent):
    assert patent.abstract.startswith("A pot (10) has a tank")
    assert patent.abstract.endswith("(12) the soil is dry.")


def test_claims_are_split_at_their_numbers_and_not_at_decimals(patent):
    assert patent.claims == (
        "1. A pot for plants, comprising a tank of 2.5 l and a wick.",
        "2. The pot of claim 1, wherein the wick is cotton.",
    )
    assert patent.independent == (True, False)


def test_running_heads_line_numbers_and_drawing_sheets_are_taken_off(patent):
    for alien in ("0999332", "May 26", "FIG", "\n5", "\n10", "15", "20"):
        assert alien not in patent.description


def test_broken_words_are_mended_and_real_hyphens_kept(patent):
    assert "dry in the summer, because" in patent.description
    assert "watertight" in patent.description
    assert "Another well-known pot" in patent.description


def test_headings_and_paragraphs_stand_on_lines_of_their_own(patent):
    lines = patent.description.split("\n")
    assert lines[0] == "BACKGROUND"
    assert "SUMMARY OF THE INVENTION" in lines
    assert not any(line.startswith("[00") for line in lines)


def test_any_other_pdf_is_named_by_its_hash_and_its_own_title(written):
    page = ["Some notes about the plants and the water", "that is in them, as it was told to me by the gardener."]
    document = documents(written([page], title="Notes on watering"))[0]
    assert document.doc_id.startswith("sha256:")
    assert len(document.doc_id) == len("sha256:") + 16
    assert document.title == "Notes on watering"


def test_a_file_name_as_metadata_title_is_not_taken(written):
    page = ["Watering plants in dry summers", "is what these notes are about, and they are short."]
    assert documents(written([page], title="notes_v3.dvi"))[0].title == "Watering plants in dry summers"


def test_pages_without_text_are_counted_in_a_warning(written):
    document = documents(written([TEXT[0], [], []]))[0]
    assert "2 of 3 pages have no text layer (scanned or blank); --ocr reads them" in document.warnings


def test_a_scan_is_a_failure_that_points_to_ocr(written):
    failure = failures(written([[], []]))[0]
    assert "no text layer on any of 2 pages; it is a scan" in str(failure)
    assert "--ocr" in failure.hint
    assert failure.reader == "pdf"


def locked(password, owner="boss"):
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(TEXT)))
    writer.encrypt(user_password=password, owner_password=owner, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_locked_with_the_empty_password_is_read(written):
    assert len(documents(written(locked("")))[0].claims) == 2


def test_a_pdf_locked_with_a_password_is_a_failure(written):
    assert "password" in str(failures(written(locked("secret")))[0])


def test_a_page_tree_in_a_circle_ends(written):
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 1 /Parent 2 0 R >>",
    ]
    assert failures(written(assemble(objects)))


def test_a_form_that_draws_itself_ends(written):
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >> /Length 5 >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>",
        b"<< /Length 5 >>\nstream\n/X Do\nendstream",
        form + b"\nstream\n/X Do\nendstream",
    ]
    assert items(written(assemble(objects)))


def test_the_deadline_stops_a_slow_pdf(written, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PDF_SECONDS", 0.001)
    assert "took more than 0.001 seconds" in str(failures(written(TEXT))[0])


@pytest.mark.parametrize("reader", [pdf_stream, pdf_boxes])
def test_too_many_pages_are_an_error(reader, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PDF_PAGES", 2)
    with pytest.raises(SourceError, match="more than 2 pages"):
        reader.read_pages(make_pdf(TEXT))


@pytest.mark.parametrize("reader", [pdf_stream, pdf_boxes])
def test_too_much_text_is_an_error(reader, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PDF_CHARS", 100)
    with pytest.raises(SourceError, match="more than 100 characters"):
        reader.read_pages(make_pdf(TEXT))


def test_an_oversized_page_is_left_out_and_named(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PDF_PAGE_BYTES", 450)
    pages = pdf_stream.read_pages(make_pdf([TEXT[0] * 3, TEXT[1]])).pages
    assert "page 1 left out" in pages[0].problem
    assert not pages[1].problem


def test_a_truncated_pdf_says_that_it_is_damaged(written):
    failure = failures(written(make_pdf(TEXT)[:300]))[0]
    assert "damaged PDF" in str(failure) or "without pages" in str(failure)


def test_a_page_that_is_html_is_not_taken_for_a_pdf(written):
    failure = failures(written(b"<html><body>Not found</body></html>"))[0]
    assert "got an HTML page" in str(failure)


def test_pypdf_stays_silent_and_its_logger_as_it_was(written, capfd, caplog):
    before = logging.getLogger("pypdf").level
    items(written(make_pdf(TEXT).replace(b"startxref", b"startxxxx")))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert not caplog.records
    assert logging.getLogger("pypdf").level == before


def test_a_heading_on_the_line_of_the_first_claim_is_found(written):
    page = [
        "The method is well and it is the one that was used.",
        "I claim: 1. A method of making tea,",
        "by water. 2. The method",
    ]
    page += ["of claim 1, by leaves."]
    assert documents(written([TEXT[0], page]))[0].claims == (
        "1. A method of making tea, by water.",
        "2. The method of claim 1, by leaves.",
    )


def test_a_number_lost_by_a_scan_does_not_end_the_claims(written):
    page = ["What I claim is:", "1. A first thing.", "Z. A second thing.", "3. A third thing.", "4. A fourth thing."]
    claims = documents(written([TEXT[0], page]))[0].claims
    assert [claim[:2] for claim in claims] == ["1.", "3.", "4."]


def test_an_old_claim_heading_misread_by_a_scan_is_found_and_the_signature_left_out(written):
    page = [
        "1 claim as my invention-",
        "I. An electric lamp for giving light.",
        "2. The combination of the lamp with a receiver.",
        "In testimony whereof I have signed my name.",
    ]
    assert documents(written([TEXT[0], page]))[0].claims == (
        "1. An electric lamp for giving light.",
        "2. The combination of the lamp with a receiver.",
    )
