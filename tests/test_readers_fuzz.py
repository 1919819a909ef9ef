"""The readers under random damage: they end in documents or reasons, within the contract, whatever they are given."""

import gzip
import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed (it is in the extra `test`)")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import InputFile, read_file
from patentclust.stages.reading import sanitised, table_of
from tests.test_readers_suite import DATA, SAMPLES

EXAMPLES = int(os.environ.get("PATENTCLUST_FUZZ_EXAMPLES", "60"))
BYTES = {name: (DATA / name).read_bytes() for name in SAMPLES}
# What has broken readers of files before.
TOKENS = [
    *(
        b"",
        b"<",
        b">",
        b"&",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?xml ",
        b"<!DOCTYPE ",
        b"&#0;",
        b"&#xD800;",
        b"&x;",
    ),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\x7f", b"\r", b'"', b"{", b"[", b"[[[["),
    *(
        b"1e999",
        b"null",
        b"-1",
        b"9" * 30,
        b"NaN",
        b"</a>",
        b"<a:b:c>",
        b"<p xmlns=''>",
        b"%PDF-",
        b"endobj",
        b"stream",
    ),
    *(b"PK\x03\x04", b"\x1f\x8b", b"PATN\nWKU  ", b"*** BRS DOCUMENT BOUNDARY ***"),
]


def archives():
    grant, packed, taped = BYTES["us_grant.xml"], io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.xml"), grant)
        archive.writestr(zipfile.ZipInfo("b.xml"), grant, compress_type=zipfile.ZIP_DEFLATED)
    with tarfile.open(fileobj=taped, mode="w") as archive:
        entry = tarfile.TarInfo("a.xml")
        entry.size = len(grant)
        archive.addfile(entry, io.BytesIO(grant))
    return {"a.zip": packed.getvalue(), "a.gz": gzip.compress(grant, mtime=0), "a.tar": taped.getvalue()}


BYTES |= archives()


@st.composite
def damaged(draw, sample):
    data = bytearray(sample)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 8, 64, 1000, 100_000])))
        action = draw(st.sampled_from(["token", "bytes", "cut", "double", "move"]))
        if action == "token":
            data[start:stop] = draw(st.sampled_from(TOKENS))
        elif action == "bytes":
            data[start:stop] = draw(st.binary(max_size=8))
        elif action == "cut":
            del data[start:stop]
        elif action == "double":
            data[start:start] = data[start:stop]
        else:
            piece = data[start:stop]
            del data[start:stop]
            place = draw(st.integers(0, len(data)))
            data[place:place] = piece
    return bytes(data)


def read(data, name="file.dat"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        return list(read_file(InputFile(path, name, len(data), True), IngestParams(), sha256="0"))


def check(found):
    assert found
    assert all(str(item) for item in found if isinstance(item, SourceError))
    documents = [sanitised(item) for item in found if not isinstance(item, SourceError)]
    for document in documents:
        assert document.doc_id
        assert len(document.claims) == len(document.independent)
    # Every value has the type of the contract.
    assert table_of(documents).num_rows == len(documents)


fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="PATENTCLUST_FUZZ_EXAMPLES" not in os.environ,
    database=None,
)


@pytest.mark.parametrize("name", BYTES)
def test_a_damaged_sample_ends_in_documents_or_reasons(name):
    @fuzzed
    @given(damaged(BYTES[name]))
    def run(data):
        # A file cut down to nothing is not even opened.
        if data:
            check(read(data, name))

    run()


STARTS = [data[:200] for data in BYTES.values()]


@fuzzed
@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.sampled_from(STARTS), st.binary(max_size=40)), min_size=1))
def test_a_file_of_nothing_known_ends_in_documents_or_reasons(pieces):
    data = b"".join(pieces)
    if data:
        check(read(data))
