"""PDFs made to hang, crash or eat memory: each ends in a document or a failure, soon, and the next file is read."""

import random
import time
import zlib

import pytest

from patentclust.errors import SourceError
from patentclust.readers import limits
from tests.test_readers_pdf import TEXT, assemble, make_pdf
from tests.test_readers_suite import documents, failures, items

CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


@pytest.fixture
def read(tmp_path):
    def written_and_read(data):
        (tmp_path / "made.pdf").write_bytes(data)
        (tmp_path / "next.pdf").write_bytes(make_pdf(TEXT))
        found = items(tmp_path / "made.pdf")
        assert documents(tmp_path / "next.pdf")[0].claims
        return found

    return written_and_read


def stream(content, extra=b""):
    return b"<< /Length %d %s >>\nstream\n" % (len(content), extra) + content + b"\nendstream"


def one_page(contents, resources=b"/Font << /F1 5 0 R >>"):
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << %s >> /Contents 4 0 R >>" % resources
    return [CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, contents, FONT]


def deflated(n_bytes, times):
    """Return zeros squeezed again and again."""
    squeezer = zlib.compressobj(9)
    data = b"".join(squeezer.compress(bytes(2**20)) for _ in range(n_bytes >> 20)) + squeezer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def test_a_page_tree_that_nests_without_end_is_a_failure(read):
    depth = 30_000
    objects = [CATALOG]
    objects += [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1) for number in range(2, depth)]
    objects += [b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 9 9] >>" % (depth - 1)]
    (failure,) = read(assemble(objects))
    assert isinstance(failure, SourceError)
    assert str(failure)


def test_arrays_that_nest_without_end_are_a_failure(read):
    (failure,) = read(assemble([CATALOG, b"[" * 200_000, b"<< >>"]))
    assert isinstance(failure, SourceError)


@pytest.mark.parametrize(("times", "filters"), [(1, b"/FlateDecode"), (2, b"[/FlateDecode /FlateDecode]")])
def test_a_decompression_bomb_does_not_eat_the_machine(read, times, filters):
    started = time.monotonic()
    contents = stream(deflated(2**30, times), b"/Filter " + filters)
    assert len(contents) < 3 * 2**20
    (found,) = read(assemble(one_page(contents)))
    assert isinstance(found, SourceError)
    assert time.monotonic() - started < 60


def test_a_file_without_end_of_drawing_ends_at_the_limit_of_time(read, monkeypatch):
    # Each form draws the next one twenty times: 20 to the power of 12 pieces of text.
    forms = [
        stream(
            b"/X Do " * 20,
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % n,
        )
        for n in range(7, 19)
    ]
    last = stream(b"BT /F1 9 Tf (x) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    objects = [*one_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>"), *forms, last]
    monkeypatch.setattr(limits, "MAX_PDF_SECONDS", 2.0)
    started = time.monotonic()
    (found,) = read(assemble(objects))
    assert isinstance(found, SourceError)
    assert time.monotonic() - started < 20


def test_a_picture_of_absurd_size_is_never_drawn(read):
    picture = stream(
        b"0",
        b"/Type /XObject /Subtype /Image /Width 2000000 /Height 2000000 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
    )
    objects = [*one_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>"), picture]
    (failure,) = read(assemble(objects))
    assert "no text layer" in str(failure)


def test_a_page_size_of_nothing_or_without_end_is_read(read):
    for box in (b"[0 0 0 0]", b"[0 0 1e30 1e30]", b"[0 0]"):
        data = make_pdf([TEXT[0]]).replace(b"[0 0 595 842]", box)
        (document,) = read(data)
        assert "nobody is at home" in document.description


def test_a_page_count_that_lies_is_not_believed(read):
    found = read(make_pdf(TEXT).replace(b"/Count 3", b"/Count 999999999"))
    assert len(found) == 1


def test_damaged_files_end_in_documents_or_failures_and_nothing_else(tmp_path):
    chance, whole = random.Random(7), make_pdf([*TEXT, *TEXT])
    for number in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 40)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.randrange(len(data)) if number % 3 == 0 else len(data)
        path = tmp_path / f"{number:02}.pdf"
        path.write_bytes(b"%PDF-1.4\n" + bytes(data[9:cut]))
        assert len(items(path)) == 1


def test_a_failure_names_its_file_and_reader(tmp_path):
    (tmp_path / "cut.pdf").write_bytes(make_pdf(TEXT)[:200])
    (failure,) = failures(tmp_path / "cut.pdf")
    assert failure.reader == "pdf"
    assert failure.source_path.endswith("cut.pdf")
    assert failure.hint
