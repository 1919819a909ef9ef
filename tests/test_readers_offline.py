"""Reading never asks the network: files that name an address of ours are read, and nobody knocks there."""

import socket

import pytest

from patentclust.params import IngestParams
from patentclust.readers import find_files, read_file
from tests.test_readers_pdf import FRONT, TEXT, make_pdf
from tests.test_readers_suite import DATA


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def hostile(address):
    """Yield a name and content for each way in which a format may name something to be fetched."""
    grant = (DATA / "us_grant.xml").read_text(encoding="utf-8")
    body = grant[grant.index("<us-patent-grant") :]
    declared = '<?xml version="1.0"?>'
    yield "dtd.xml", f'{declared}<!DOCTYPE us-patent-grant SYSTEM "{address}/a.dtd">{body}'
    entities = f'<!ENTITY x SYSTEM "{address}/x"><!ENTITY % p SYSTEM "{address}/p"> %p;'
    yield (
        "entity.xml",
        f"{declared}<!DOCTYPE us-patent-grant [{entities}]>{body.replace('<abstract', '&x;<abstract', 1)}",
    )
    yield "style.xml", f'{declared}<?xml-stylesheet type="text/xsl" href="{address}/s.xsl"?>{body}'
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}/i" parse="text"/>'
    yield "include.xml", f"{declared}{body.replace('<abstract', include + '<abstract', 1)}"
    page = (DATA / "google.html").read_text(encoding="utf-8")
    link = f'<link rel="stylesheet" href="{address}/c.css"><img src="{address}/i"><script src="{address}/s"></script>'
    yield "page.html", page.replace("</article>", f"{link}</article>", 1)
    yield "table.csv", f'Publication Number,Title\nUS8000001B2,"=WEBSERVICE(""{address}/w"")"\n'


def test_no_format_makes_a_reader_ask_the_network(tmp_path, listener):
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name, text in hostile(address):
        (tmp_path / name).write_text(text, encoding="utf-8")
    action = f"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /URI /URI ({address}/u) >> >>".encode()
    plain = make_pdf([FRONT, *TEXT])
    assert b"/Type /Catalog /Pages 2 0 R" in plain
    (tmp_path / "action.pdf").write_bytes(assemble_with(plain, action))
    found = [item for file in find_files([tmp_path]) for item in read_file(file, IngestParams(), sha256="0")]
    assert len(found) == len(list(tmp_path.iterdir()))
    with pytest.raises(BlockingIOError):
        listener.accept()


def assemble_with(plain, catalog):
    """Return a PDF with another catalog; the readers mend the places that are then wrong."""
    start = plain.index(b"<< /Type /Catalog")
    return plain[:start] + catalog + plain[plain.index(b">>", start) + 2 :]
