"""The example corpus: complete, readable, and what its script makes from the sources."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pypdf
import pytest
from lxml import etree

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from making.pdf import CHARACTERS
from making.source import TECHNOLOGIES, Corpus, load, split_name

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load(EXAMPLES / "source")


@pytest.fixture(scope="module")
def documents() -> dict[str, etree._Element]:
    """Return the roots of all XML documents, in containers or not, by the id that they state."""
    parser = etree.XMLParser(load_dtd=False, no_network=True)
    roots = [etree.fromstring(data, parser) for data in (*single_and_weekly(), *zipped().values())]
    return {stated_id(root): root for root in roots}


def single_and_weekly() -> list[bytes]:
    files = sorted((EXAMPLES / "patents").rglob("*.xml"))
    return [document for path in files for document in split_xml(path)]


def split_xml(path: Path) -> list[bytes]:
    return re.split(rb"(?=<\?xml )", path.read_bytes())[1:]


def zipped() -> dict[str, bytes]:
    with zipfile.ZipFile(EXAMPLES / "patents" / "us" / "applications.zip") as container:
        return {name: container.read(name) for name in container.namelist()}


def stated_id(root: etree._Element) -> str:
    if root.tag == "ep-patent-document":
        return "-".join(root.get(key) for key in ("country", "doc-number", "kind"))
    return "-".join(root.xpath("//publication-reference/document-id/*/text()")[:3])


def stated_inventors(root: etree._Element) -> list[tuple[str, ...]]:
    if root.tag == "ep-patent-document":
        return [tuple(reversed(name.text.split(", "))) for name in root.iterfind(".//B721/snm")]
    return [(book.findtext("first-name"), book.findtext("last-name")) for book in root.iterfind(".//inventor/*")]


def plain(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def files_below(folder: Path) -> dict[str, bytes]:
    paths = [*(folder / "patents").rglob("*"), *(folder / "multilingual").rglob("*"), folder / "labels.csv"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def test_the_script_makes_the_files_byte_for_byte_and_removes_what_is_stale(tmp_path):
    for name in ("source", "making"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    shutil.copy(EXAMPLES / "make_examples.py", tmp_path)
    stale = tmp_path / "patents" / "ep" / "stale.xml"
    stale.parent.mkdir(parents=True)
    stale.touch()
    subprocess.run([sys.executable, tmp_path / "make_examples.py"], check=True)
    made, kept = files_below(tmp_path), files_below(EXAMPLES)
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_two_entries_with_one_id_are_refused(tmp_path):
    shutil.copytree(EXAMPLES / "source", tmp_path, dirs_exist_ok=True)
    twice = (tmp_path / "blockchain.toml").read_text(encoding="utf-8")
    (tmp_path / "blockchain.toml").write_text(twice.replace('id = "bc-02"', 'id = "bc-01"'), encoding="utf-8")
    with pytest.raises(ValueError, match="share the id bc-01"):
        load(tmp_path)


def test_there_are_120_english_documents_and_15_of_each_technology_at_least(corpus):
    counts = Counter(patent.technology for patent in corpus.values() if patent.language == "en")
    assert set(counts) == set(TECHNOLOGIES.values())
    assert counts.total() == 120
    assert min(counts.values()) >= 15


def test_there_are_five_chinese_and_japanese_documents_of_each_technology(corpus):
    foreign = Counter(patent.technology for patent in corpus.values() if patent.language in ("zh", "ja"))
    assert foreign == dict.fromkeys(TECHNOLOGIES.values(), 5)


def test_labels_name_every_document_once_with_its_technology(corpus):
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["doc_id"], row["technology"]) for row in csv.DictReader(stream)]
    assert rows == [(patent.doc_id, patent.technology) for patent in corpus.values()]
    assert len({doc_id for doc_id, _ in rows}) == 155


def test_every_xml_document_parses_and_states_its_number_and_title(corpus, documents):
    wanted = {p.doc_id: p.title for p in corpus.values() if p.format in ("us-grant", "us-application", "ep")}
    titles = {key: root.xpath("string(//invention-title | //B542)") for key, root in documents.items()}
    assert titles == wanted
    assert len(single_and_weekly()) + len(zipped()) == len(wanted)


def test_the_weekly_file_holds_six_grants_and_the_archive_four_applications():
    weekly = split_xml(EXAMPLES / "patents" / "us" / "weekly_grants.xml")
    assert [etree.fromstring(document).tag for document in weekly] == ["us-patent-grant"] * 6
    assert [etree.fromstring(data).tag for data in zipped().values()] == ["us-patent-application"] * 4
    assert all(re.fullmatch(r"US\d{11}A1-\d{8}\.XML", name) for name in zipped())


def test_the_text_of_all_claims_survives_nesting(corpus, documents):
    for patent in corpus.values():
        if patent.doc_id in documents:
            found = [plain(claim) for claim in documents[patent.doc_id].iterfind("claims/claim")]
            place = "{}. " if patent.country == "US" else ""
            wanted = [place.format(n) + claim for n, claim in enumerate(patent.claims, start=1)]
            assert found == wanted, patent.id


def test_the_steps_of_a_claim_stand_after_a_colon(corpus):
    steps = [claim for p in corpus.values() if p.language == "en" for claim in p.claims if ";" in claim]
    assert steps
    assert [claim for claim in steps if ": " not in claim.partition(";")[0]] == []


def test_inventors_of_english_documents_are_written_given_name_first(corpus):
    names = {name for patent in corpus.values() if patent.language == "en" for name in patent.inventors}
    given, surnames = zip(*map(split_name, names), strict=True)
    assert set(given) & set(surnames) == set()
    # Korean and Taiwanese given names: a hyphen, then a small letter.
    assert [surname for surname in surnames if re.search(r"-[a-z]", surname)] == []


def test_xml_documents_name_the_inventors_by_surname_and_given_name(corpus, documents):
    for patent in corpus.values():
        if patent.doc_id in documents:
            wanted = [split_name(name) for name in patent.inventors]
            assert stated_inventors(documents[patent.doc_id]) == wanted, patent.id


def test_pypdf_finds_title_abstract_and_claims_in_each_pdf(corpus):
    patents = [patent for patent in corpus.values() if patent.format == "pdf"]
    assert len(patents) == len(list((EXAMPLES / "patents" / "pdf").iterdir()))
    for patent in patents:
        reader = pypdf.PdfReader(EXAMPLES / "patents" / "pdf" / f"{patent.file_stem}.pdf", strict=True)
        assert len(reader.pages) >= 2
        text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
        wanted = [patent.title.upper(), patent.abstract, "What is claimed is: 1. ", *patent.claims]
        places = [text.find(part.translate(CHARACTERS)) for part in wanted]
        assert -1 not in places, patent.id
        assert places == sorted(places), patent.id


def test_tables_hold_the_chinese_and_japanese_documents(corpus):
    folder = EXAMPLES / "multilingual"
    chinese = [json.loads(line) for line in (folder / "chinese.jsonl").read_text(encoding="utf-8").splitlines()]
    with (folder / "japanese.csv").open(encoding="utf-8", newline="") as stream:
        japanese = list(csv.DictReader(stream))
    found = [(row["publication_number"], row["title"], row["claims"]) for row in chinese]
    found += [(row["Publication Number"], row["Title"], row["Claims"].split("\n")) for row in japanese]
    wanted = [p for p in corpus.values() if p.language != "en"]
    numbered = [[f"{n}. {claim}" for n, claim in enumerate(p.claims, start=1)] for p in wanted]
    assert sorted(found) == sorted((p.doc_id, p.title, claims) for p, claims in zip(wanted, numbered, strict=True))
    assert {"Abstract", "Description", "Family ID", "IPC", "CPC", "Publication Date"} <= set(japanese[0])


def test_members_of_a_family_claim_one_priority_that_no_other_family_claims(corpus):
    claimed = {(patent.family, patent.priority, patent.priority_claim) for patent in corpus.values()}
    assert len(claimed) == len({patent.family for patent in corpus.values()})
    assert len({patent.priority_claim for patent in corpus.values()}) == len(claimed)


def test_members_filed_at_one_office_are_one_application(corpus):
    filings = {(patent.country, patent.application, patent.family, patent.filed) for patent in corpus.values()}
    offices = {(patent.country, patent.family) for patent in corpus.values()}
    assert len(filings) == len(offices) < len(corpus)


def test_citations_point_to_older_documents_of_the_corpus(corpus):
    cited = [(corpus[key].published, patent.published) for patent in corpus.values() for key in patent.cites]
    assert cited
    assert all(older < newer for older, newer in cited)
