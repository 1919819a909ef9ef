"""EPO DOCDB and OPS: one fact in many formats, one language of many, many documents in one file."""

import io
from datetime import date

import pytest

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import find_files, fragments, limits, read_file
from patentclust.readers.source import Source
from patentclust.records import Document
from tests.test_readers_suite import DATA, documents, failures, items

DOCDB = (DATA / "epo_docdb.xml").read_text(encoding="utf-8")
OPS = (DATA / "epo_ops.xml").read_text(encoding="utf-8")


def written(tmp_path, text, name="some.xml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def docdb():
    return documents(DATA / "epo_docdb.xml")[0]


@pytest.fixture(scope="module")
def ops():
    return documents(DATA / "epo_ops.xml")[0]


def test_docdb_numbers_dates_and_family_are_read(docdb):
    assert docdb.doc_id == "WO-2019999001-A1"
    assert docdb.family_id == "docdb:99000123"
    assert docdb.publication_date == date(2019, 7, 4)
    assert docdb.filing_date == date(2018, 12, 20)
    assert docdb.priority_date == date(2017, 12, 28)


def test_docdb_applications_are_written_as_offices_print_them(docdb):
    assert docdb.application_number == "WO-PCTJP2018999777"
    assert docdb.priorities == ("US-62999111", "WO-PCTUS1999016128")


def test_docdb_takes_one_language_and_never_two(docdb):
    assert docdb.language == "en"
    assert docdb.title == "TEA CONVEYOR & METHOD"
    assert docdb.abstract == "Tea with CO2 is conveyed.\nIt is green."
    french = documents(DATA / "epo_docdb.xml", IngestParams(prefer_language="fr"))[0]
    assert (french.language, french.title, french.abstract) == ("fr", "CONVOYEUR DE THÉ", "Du thé.")


def test_docdb_classes_begin_with_the_first_inventive_one_of_the_epo(docdb):
    assert docdb.ipc == ("A23F3/06", "A23F3/08", "B65G15/30")
    assert docdb.cpc == ("A23F3/163", "A23F3/06", "A23V2002/00")


def test_docdb_names_are_as_printed_unless_the_printed_list_is_shorter(docdb):
    assert docdb.applicants == ("Tea Works Co., Ltd.",)
    assert docdb.inventors == ("YAMADA HANAKO", "LEAF JO")


def test_docdb_citations_leave_literature_and_family_members_out(docdb):
    assert docdb.cited == ("US-5556839-A",)


def test_old_docdb_classes_are_read_where_no_others_are():
    german = documents(DATA / "epo_docdb.xml")[1]
    assert german.doc_id == "DE-1999002-B"
    assert german.ipc == ("A24C5/20", "B65G15/30")
    assert german.language == "de"


def test_a_docdb_document_cut_out_with_its_prefix_undeclared_is_read_without_complaint(tmp_path, docdb):
    start, end = DOCDB.index("<exch:exchange-document "), DOCDB.index("</exch:exchange-document>") + 25
    (document,) = items(written(tmp_path, DOCDB[start:end]))
    assert (document.doc_id, document.title, document.warnings) == (docdb.doc_id, docdb.title, ())


def test_a_broken_docdb_document_costs_only_itself(tmp_path):
    whole = DOCDB.replace('country="WO" doc-number="2019999001"', 'country="WO"')
    found = items(written(tmp_path, whole.replace("<country>WO</country>", "", 1)))
    assert [type(item) for item in found] == [SourceError, Document]
    assert found[0].source_path.endswith("#1")


def test_a_docdb_document_without_its_end_does_not_take_the_next_with_it(tmp_path):
    found = items(written(tmp_path, DOCDB.replace("</exch:exchange-document>", "", 1)))
    assert [item.doc_id for item in found] == ["WO-2019999001-A1", "DE-1999002-B"]
    assert found[0].abstract.endswith("It is green.")
    assert found[0].warnings


def test_a_document_deleted_from_docdb_is_named_and_not_read(tmp_path):
    found = items(written(tmp_path, DOCDB.replace('status="A"', 'status="D"')))
    assert "DE-1999002-B was deleted from DOCDB" in str(found[1])


def test_a_docdb_file_may_be_longer_than_any_document(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DOCUMENT_BYTES", 200_000)
    start, end = DOCDB.index("<exch:exchange-document "), DOCDB.rindex("</exch:exchange-documents>")
    path = written(tmp_path, DOCDB[:start] + DOCDB[start:end] * 400 + DOCDB[end:])
    found = items(path)
    assert len(found) == 800
    assert all(isinstance(item, Document) for item in found)
    assert found[-1].source_path.endswith("#800")


def test_docdb_in_utf_16_is_read(tmp_path, docdb):
    path = tmp_path / "wide.xml"
    path.write_bytes(DOCDB.replace("UTF-8", "UTF-16").encode("utf-16"))
    assert documents(path)[0].title == docdb.title


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_elements_are_cut_whole_whatever_the_chunks(monkeypatch, chunk):
    monkeypatch.setattr(fragments, "_CHUNK_BYTES", chunk)
    data = b"<r><x:a n='1'>one</x:a> <ab/> <a/> <a>two</a ><a>three"
    source = Source("p", "0", data, lambda: io.BytesIO(data))
    assert list(fragments.elements(source, "a")) == [b"<x:a n='1'>one</x:a>", b"<a>two</a >", b"<a>three"]


def test_prefixes_are_dropped_whether_declared_or_not():
    tags = ("p:a", "q:b", "c")
    data = '<p:a xmlns:q="u" xlink:href="#1"><q:b/><c r:id="2">see s:t="3"</c></p:a>'
    parsed = fragments.tree(data.encode())
    assert [element.tag for element in parsed.root.iter()] == [tag[-1] for tag in tags]
    assert parsed.warnings == ()


def test_many_prefixes_cost_little():
    data = b"<a>" + b"".join(b"<p%d:x/>" % number for number in range(5000)) + b"</a>"
    assert len(fragments.tree(data).root) == 5000


def test_ops_joins_full_text_and_bibliography_of_one_publication(ops):
    assert ops.doc_id == "EP-1999003-A1"
    assert ops.title == "Apparatus for bricks"
    assert ops.abstract == "The apparatus (1) makes bricks."
    assert ops.description == "The invention makes bricks.\nBricks of 1986 are known."
    assert len(documents(DATA / "epo_ops.xml")) == 2


def test_ops_claims_in_one_element_are_split_by_their_numbers(ops):
    assert ops.claims == (
        "1. Apparatus for bricks, comprising:\na belt.",
        "2. Apparatus as claimed in claim 1, wherein the belt is green.",
        "3. Method of making bricks.",
    )
    assert ops.independent == (True, False, True)


def test_ops_claims_without_numbers_are_split_where_each_text_is_a_sentence(tmp_path):
    bare = OPS.replace("comprising:", "comprising a roll.")
    for number in "123":
        bare = bare.replace(f"<claim-text>{number}. ", "<claim-text>")
    document = documents(written(tmp_path, bare.replace("a belt.", "Bricks with a belt.")))[0]
    assert [claim[:8] for claim in document.claims] == ["1. Appar", "2. Brick", "3. Appar", "4. Metho"]


def test_ops_classes_are_read_in_parts_and_with_inner_blanks(ops):
    assert ops.ipc == ("B28B5/02", "B28B1/29", "H02P6/08")
    assert ops.cpc == ("B28B5/022", "B28B7/0064", "B28B2200/00")


def test_ops_numbers_are_read_in_every_format(ops):
    assert ops.application_number == "EP-99203729"
    assert ops.priorities == ("NL-1010536", "WO-PCTUS1999050328")
    assert ops.cited == ("EP-680812-A1", "NL-9400663")
    assert ops.filing_date == date(1999, 11, 8)


def test_ops_names_lose_their_residence_and_their_doubles(ops):
    assert ops.applicants == ("BRICK COMPANY, INC",)
    assert ops.inventors == ("WILHELMUS KOSMAN",)
    assert ops.inventor_countries == ("NL",)


def test_ops_texts_in_another_language_are_left_out_with_a_warning(tmp_path):
    document = documents(written(tmp_path, OPS.replace('claims lang="EN"', 'claims lang="DE"')))[0]
    assert document.claims == ()
    assert document.warnings == ("claims left out: only in de, not in en",)


def test_ops_search_gives_numbers_and_families(tmp_path):
    reference = (
        '<ops:publication-reference family-id="77"><document-id document-id-type="docdb"><country>US</country>'
        "<doc-number>2021381337</doc-number><kind>A1</kind></document-id></ops:publication-reference>"
    )
    answer = f"<ops:biblio-search><ops:search-result>{reference}</ops:search-result></ops:biblio-search>"
    (document,) = items(written(tmp_path, f'<ops:world-patent-data xmlns:ops="o">{answer}</ops:world-patent-data>'))
    assert (document.doc_id, document.family_id) == ("US-20210381337-A1", "docdb:77")
    assert document.warnings == ("no title and no text stated, only numbers and dates",)


def test_ops_family_gives_every_member(tmp_path):
    ident = "<document-id document-id-type='docdb'><country>{}</country><doc-number>{}</doc-number><kind>A</kind>{}"
    member = "<ops:family-member family-id='78'><publication-reference>{}</publication-reference>{}</ops:family-member>"
    filed = ident.format("US", "20685698", "<date>19981208</date></document-id>")
    first = ident.format("NL", "1010536", "<date>19981112</date></document-id>")
    facts = f"<application-reference>{filed}</application-reference><priority-claim>{first}</priority-claim>"
    members = [ident.format("US", number, "<date>20000725</date></document-id>") for number in (6093011, 6093012)]
    body = "".join(member.format(one, facts) for one in members)
    path = written(
        tmp_path,
        f"<ops:world-patent-data xmlns:ops='o'><ops:patent-family>{body}</ops:patent-family></ops:world-patent-data>",
    )
    found = documents(path)
    assert [document.doc_id for document in found] == ["US-6093011-A", "US-6093012-A"]
    assert [document.source_path[-2:] for document in found] == ["#1", "#2"]
    assert found[0].application_number == "US-09206856"
    assert found[0].priorities == ("NL-1010536",)
    assert found[0].priority_date == date(1998, 11, 12)


def test_an_ops_answer_about_images_is_refused_by_name(tmp_path):
    path = written(tmp_path, '<ops:world-patent-data xmlns:ops="o"><ops:document-inquiry/></ops:world-patent-data>')
    assert "without patent data: <document-inquiry>" in str(failures(path)[0])


@pytest.mark.parametrize(
    ("epodoc", "original", "expected"),
    [
        ("US201213547826", "13/547,826", "US-13547826"),
        ("US201213547826", "", "US-13547826"),
        ("US20040023667", "", "US-2366704"),
        ("EP19990203729", "", "EP-99203729"),
        ("WO2013US50328", "US2013/050328", "WO-PCTUS2013050328"),
        ("WO1998US16128", "", "WO-PCTUS1998016128"),
        ("JP20150123456", "2015-123456", "JP-2015123456"),
    ],
)
def test_an_epodoc_number_becomes_what_the_office_prints(tmp_path, epodoc, original, expected):
    text = OPS.replace("NL19981010536", epodoc)
    old = '<document-id document-id-type="original"><doc-number>1010536</doc-number></document-id>'
    new = f'<document-id document-id-type="original"><doc-number>{original}</doc-number></document-id>'
    assert documents(written(tmp_path, text.replace(old, new if original else "")))[0].priorities[0] == expected


@pytest.mark.parametrize(
    ("folder", "n_documents", "n_failures"), [("formats/epo-docdb", 12, 0), ("formats/epo-ops", 35, 2)]
)
def test_each_folder_of_real_files_gives_its_documents(shared_data, folder, n_documents, n_failures):
    files = find_files([shared_data / folder])
    found = [item for file in files for item in read_file(file, IngestParams(), sha256="0")]
    wrong = [str(item) for item in found if isinstance(item, SourceError)]
    assert (len(found) - len(wrong), len(wrong)) == (n_documents, n_failures)


def test_real_docdb_documents_have_every_field_their_sources_have(shared_data):
    by_id = {
        item.doc_id: item
        for file in find_files([shared_data / "formats" / "epo-docdb"])
        for item in read_file(file, IngestParams(), sha256="0")
    }
    wo = by_id["WO-2022259205-A1"]
    assert wo.title == "SELF-EMULSIFYING COMPOSITION, PRODUCTION METHODS AND USES THEREOF"
    assert wo.inventors[:2] == ("Adriana OLIVEIRA DOS SANTOS", "Mariana CARVALHO FERNANDES")
    assert wo.ipc[0] == "A61K9/00"
    assert wo.cpc[0] == "A61K9/1075"
    assert by_id["DE-1258188-B"].applicants == ("ROBERT BOSCH G.M.B.H.",)
    assert all(document.title and document.ipc and document.cpc and document.family_id for document in by_id.values())
