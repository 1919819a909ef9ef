"""Which reading of a page is better, columns in order, what OCR layers get wrong, and OCR where it is installed."""

import zlib
from collections import Counter

import numpy as np
import pytest

from patentclust.errors import MissingExtraError
from patentclust.params import IngestParams
from patentclust.readers import find_files, pdf_boxes, pdf_mend, pdf_ocr, read_file
from patentclust.readers.pdf_order import Box, is_across, reading_order
from patentclust.readers.pdf_pages import Page, Pages, better, n_bad
from tests.test_readers_pdf import FRONT, HEAD, TEXT, assemble, make_pdf
from tests.test_readers_suite import documents

PROSE = "The plants on the sill of a window are dry in the summer because nobody is at home to water them. "


@pytest.mark.parametrize(
    "text",
    [
        "\ue001\ue002\ue003" * 40,
        "���" * 40,
        "(cid:12)(cid:7)(cid:99)" * 40,
        "7KH SODQWV RQ WKH VLOO RI D ZLQGRZ DUH GUB LQ WKH VXPPHU " * 3,
        "T h e p l a n t s o n t h e s i l l o f a w i n d o w a r e",
        PROSE.replace(" ", "") * 2,
    ],
    ids=["private use", "replacement characters", "glyph names", "shifted letters", "torn words", "glued words"],
)
def test_text_that_is_no_text_is_seen(text):
    assert Page(text).is_garbled
    assert Page(text).is_scan


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "不整地でも走行し易い電動型の多目的車両を提供する。" * 3,
        "Die Donaudampfschifffahrtsgesellschaft fährt mit einer Dampfmaschine von vierhundert Pferdestärken. " * 2,
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24",
    ],
)
def test_text_is_not_taken_for_garbage(text):
    assert n_bad(text) == 0
    assert not Page(text).is_scan


def test_each_page_is_taken_from_the_better_reading():
    first = Pages((Page(PROSE), Page(""), Page("\ue001" * 90), Page(PROSE)))
    second = Pages((Page(PROSE + "x"), Page(PROSE), Page(PROSE), Page(PROSE * 3)))
    chosen = [page.text for page in better(first, second).pages]
    assert chosen == [PROSE, PROSE, PROSE, PROSE * 3]


def test_a_stamp_over_a_scan_is_no_text_layer_and_a_drawing_sheet_is_no_scan():
    assert Page("Downloaded from the library", covered=0.9).is_scan
    assert not Page("Sheet 3 of 5", covered=0.9).is_scan
    assert not Page("Downloaded from the library", covered=0.1).is_scan


LEFT = [f"Left line {number} of the text" for number in range(20)]
RIGHT = [f"Right line {number} of the text" for number in range(20)]


def columns(*, across):
    left = [Box(50, 100 + 12 * row, 280, 110 + 12 * row, text) for row, text in enumerate(LEFT)]
    right = [Box(300, 100 + 12 * row, 540, 110 + 12 * row, text) for row, text in enumerate(RIGHT)]
    boxes = [box for pair in zip(left, right, strict=True) for box in pair] if across else [*left, *right]
    return [Box(50, 60, 540, 75, "A title across the whole page"), *boxes]


def test_two_columns_are_read_one_after_the_other_below_their_title():
    assert reading_order(columns(across=True)) == ["A title across the whole page", *LEFT, *RIGHT]


def test_only_columns_that_are_drawn_across_need_an_order():
    assert is_across(columns(across=True))
    assert not is_across(columns(across=False))
    assert not is_across([Box(50, 12 * row, 540, 12 * row + 10, PROSE) for row in range(30)])
    assert not is_across([])


def test_line_numbers_in_the_gutter_and_in_the_margin_are_left_out():
    boxes = columns(across=True)
    boxes += [Box(284, 100 + 12 * row, 296, 110 + 12 * row, str(row + 1)) for row in (4, 9, 14)]
    boxes += [Box(560, 100 + 12 * row, 580, 110 + 12 * row, str(row + 60)) for row in (5, 10, 15)]
    assert reading_order(boxes) == ["A title across the whole page", *LEFT, *RIGHT]


def test_a_line_that_was_seen_across_both_columns_is_parted_at_its_number():
    boxes = [box for box in columns(across=True) if box.text not in (LEFT[9], RIGHT[9])]
    boxes.append(Box(50, 100 + 12 * 9, 540, 110 + 12 * 9, f"{LEFT[9]} 10 {RIGHT[9]}"))
    assert reading_order(boxes) == ["A title across the whole page", *LEFT, *RIGHT]


@pytest.mark.parametrize("row", [9, 19])
def test_a_line_that_was_seen_across_both_columns_is_parted_at_the_blank_between_them(row):
    left, right = "and this line goes on, as they do, behind its con-", "inder, also with rings of blades in two rows."
    boxes = [box for box in columns(across=True) if box.text not in (LEFT[row], RIGHT[row])]
    boxes.append(Box(50, 100 + 12 * row, 540, 110 + 12 * row, f"{left} {right}"))
    expected = [*LEFT[:row], left, *LEFT[row + 1 :], *RIGHT[:row], right, *RIGHT[row + 1 :]]
    assert reading_order(boxes) == ["A title across the whole page", *expected]


def test_line_numbers_that_were_misread_at_the_end_of_a_line_are_left_out():
    boxes = [Box(50, 12 * row, 300, 12 * row + 10, f"{PROSE} {row}") for row in range(20)]
    boxes[7] = Box(50, 84, 325, 94, f"{PROSE} 7 go")
    boxes[9] = Box(50, 108, 330, 118, f"{PROSE} 9 1 o")
    boxes[11] = Box(50, 132, 301, 142, f"{PROSE} and go")
    assert reading_order(boxes) == [
        *(f"{PROSE} {row}" for row in range(11)),
        f"{PROSE} and go",
        *(f"{PROSE} {row}" for row in range(12, 20)),
    ]


def across_pdf():
    """Return a PDF whose two columns are drawn line by line, from left to right."""
    content = b"BT /F1 10 Tf\n"
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        for x, text in ((40, left), (320, right)):
            content += b"1 0 0 1 %d %d Tm (%s) Tj\n" % (x, 760 - 12 * row, text.encode())
    content += b"ET"
    fonts = b"/Resources << /Font << /F1 5 0 R >> >>"
    return assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s /Contents 4 0 R >>" % fonts,
            b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        ]
    )


def test_columns_that_a_file_draws_across_are_put_in_order(tmp_path):
    (tmp_path / "across.pdf").write_bytes(across_pdf())
    text = documents(tmp_path / "across.pdf")[0].description
    assert text.index("Left line 19") < text.index("Right line 0 ")


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("the broWser folloWs neW links", "the browser follows new links"),
        ("a de?ned ?eld of re?ection", "a defined field of reflection"),
        ("su?icient and di?erent ef?ciency", "sufficient and different efficiency"),
        ("10 kW at 5 keV in LaTeX", "10 kW at 5 keV in LaTeX"),
        ("video and tim ing means of the cir cuit", "video and timing means of the cir cuit"),
        ("What is it? it is new", "What is it? it is new"),
        ("http://a.org/?q=x", "http://a.org/?q=x"),
    ],
)
def test_what_ocr_engines_got_wrong_is_mended(read, printed):
    assert pdf_mend.mended(read, Counter(["sufficient"])) == printed


def test_halves_of_a_word_are_told_from_two_words():
    words = Counter({"into": 2, "in": 9, "to": 9, "government": 1, "the": 9, "circuit": 3, "cir": 1})
    assert pdf_mend.is_broken("docu", "ments", words)
    assert pdf_mend.is_broken("govern", "ment", words)
    assert pdf_mend.is_broken("cir", "cuit", words)
    assert not pdf_mend.is_broken("in", "to", words)
    assert not pdf_mend.is_broken("the", "pot", words)


def test_a_glued_article_is_set_off_only_before_a_word_of_the_text():
    words = Counter(["robot", "long", "along"])
    assert pdf_mend.with_article("1. Arobot of claim 1", words) == "1. A robot of claim 1"
    assert pdf_mend.with_article("Along the wall", words) == "Along the wall"
    assert pdf_mend.with_article("Apparatus for watering", words) == "Apparatus for watering"


PAPER = [
    "Watering of plants by wicks",
    "Jane Roe and Juan Doe",
    "Abstract. We water plants by wicks of cotton, and measure how much water they",
    "bring to the roots in a summer without rain.",
    "Keywords: plants, water, wicks",
    "1. Introduction",
    "The plants on the sill of a window are dry in the summer.",
]


def test_the_abstract_of_a_paper_ends_at_its_keywords_and_is_told_once(tmp_path):
    (tmp_path / "paper.pdf").write_bytes(make_pdf([PAPER], title="Watering of plants by wicks"))
    (document,) = documents(tmp_path / "paper.pdf")
    assert document.abstract.startswith("We water plants by wicks")
    assert document.abstract.endswith("without rain.")
    assert "The plants on the sill" in document.description


def test_the_largest_letters_of_a_report_are_its_title(tmp_path):
    data = make_pdf(
        [["Report 7 of the garden", "Dry summers and wicks", "The plants on the sill of a window are dry."]]
    )
    (tmp_path / "report.pdf").write_bytes(
        data.replace(b"(Dry summers and wicks) Tj", b"/F1 24 Tf (Dry summers and wicks) Tj /F1 10 Tf")
    )
    assert pdf_boxes.read_pages((tmp_path / "report.pdf").read_bytes()).headline == "Dry summers and wicks"
    assert documents(tmp_path / "report.pdf")[0].title == "Dry summers and wicks"


def scan(pages, *, turn=0):
    """Return a PDF whose pages are pictures of pages, without any text, each turned by so many quarters."""
    kids, objects = [], [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    for number in range(1, len(pages) + 1):
        picture = np.rot90(pdf_boxes.render(make_pdf(pages), number), turn)
        height, width = picture.shape[:2]
        pixels = zlib.compress(picture[:, :, 0].tobytes())
        first = len(objects) + 1
        kids.append(b"%d 0 R" % first)
        box = b"/MediaBox [0 0 595 842] /Resources << /XObject << /P %d 0 R >> >>" % (first + 2)
        objects += [
            b"<< /Type /Page /Parent 2 0 R %s /Contents %d 0 R >>" % (box, first + 1),
            b"<< /Length 28 >>\nstream\nq 595 0 0 842 0 0 cm /P Do Q\nendstream",
            b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceGray "
            b"/Filter /FlateDecode /Length %d >>\nstream\n" % (width, height, len(pixels)) + pixels + b"\nendstream",
        ]
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return assemble(objects)


def test_a_scan_is_read_by_ocr_where_asked(tmp_path):
    pytest.importorskip("rapidocr", reason="the extra `ocr` is not installed")
    (tmp_path / "scan.pdf").write_bytes(scan([FRONT, [*HEAD, *TEXT[2]]]))
    (file,) = find_files([tmp_path / "scan.pdf"])
    (document,) = read_file(file, IngestParams(ocr=True), sha256="0")
    assert document.doc_id == "US-20160999332-A1"
    assert document.title == "APPARATUS FOR WATERING OF PLANTS"
    assert document.inventors == ("Jane B. Roe", "Juan Doe")
    assert document.abstract.startswith("A pot (10) has a tank and a wick")
    assert len(document.claims) == 2
    assert document.warnings[0] == "2 of 2 pages were read by OCR"


def test_front_pages_of_several_publications_are_a_document_each(tmp_path):
    other = [line.replace("0999332", "0999777").replace("WATERING", "DRYING") for line in FRONT]
    (tmp_path / "fronts.pdf").write_bytes(make_pdf([FRONT, [*HEAD, *TEXT[2]], other, other]))
    first, second = documents(tmp_path / "fronts.pdf")
    assert (first.doc_id, first.title) == ("US-20160999332-A1", "APPARATUS FOR WATERING OF PLANTS")
    assert len(first.claims) == 2
    assert (second.doc_id, second.title) == ("US-20160999777-A1", "APPARATUS FOR DRYING OF PLANTS")
    assert (first.source_path[-2:], second.source_path[-2:]) == ("#1", "#3")


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_page_that_lay_sideways_or_upside_down_is_turned(turn):
    pytest.importorskip("rapidocr", reason="the extra `ocr` is not installed")
    text = pdf_ocr.read_page(scan([PAPER], turn=turn), 1)
    assert text.startswith("Watering of plants by wicks")
    assert text.index("Jane Roe") < text.index("Keywords") < text.index("sill of a window")


def test_ocr_that_is_not_installed_is_said_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(pdf_ocr, "_LIBRARIES", ("rapidocr_of_nobody",))
    with pytest.raises(MissingExtraError, match="rapidocr_of_nobody") as caught:
        pdf_ocr.check_installed()
    assert "rapidocr" in caught.value.hint
