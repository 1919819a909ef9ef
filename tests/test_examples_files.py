"""The example corpus: complete, readable, and what its script makes from the sources."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import pypdf
import pytest
from lxml import etree

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_examples", EXAMPLES / "make_examples.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def corpus(script):
    return script.load(EXAMPLES / "source")


def files_below(folder: Path) -> dict[str, bytes]:
    paths = [*(folder / "patents").rglob("*"), *(folder / "multilingual").rglob("*"), folder / "labels.csv"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def labels() -> list[dict[str, str]]:
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def xml_documents() -> dict[str, bytes]:
    found = {}
    for path in sorted((EXAMPLES / "patents").rglob("*.xml")):
        for n, document in enumerate(re.split(rb"(?=<\?xml )", path.read_bytes())[1:]):
            found[f"{path.name}#{n}"] = document
    with zipfile.ZipFile(EXAMPLES / "patents" / "us" / "applications.zip") as container:
        found.update({name: container.read(name) for name in container.namelist()})
    return found


def test_the_files_are_byte_for_byte_what_the_script_makes_now(script, tmp_path):
    script.make(EXAMPLES / "source", tmp_path)
    made, kept = files_below(tmp_path), files_below(EXAMPLES)
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_the_script_makes_the_same_bytes_twice(script, tmp_path):
    for name in ("one", "two"):
        script.make(EXAMPLES / "source", tmp_path / name)
    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")


def test_every_technology_has_15_english_documents_at_least(script, corpus):
    counts = Counter(patent.technology for patent in corpus.values() if patent.language == "en")
    assert set(counts) == set(script.TECHNOLOGIES.values())
    assert min(counts.values()) >= 15
    assert 115 <= sum(counts.values()) <= 125


def test_every_technology_is_in_the_multilingual_corpus(script, corpus):
    foreign = Counter(patent.technology for patent in corpus.values() if patent.language != "en")
    assert set(foreign) == set(script.TECHNOLOGIES.values())


def test_labels_name_every_document_once(corpus):
    ids = [row["doc_id"] for row in labels()]
    assert len(ids) == len(set(ids))
    assert ids == [patent.doc_id for patent in corpus.values()]


def test_every_xml_document_parses_and_states_its_number(corpus):
    documents = xml_documents()
    stated = []
    for document in documents.values():
        root = etree.fromstring(document, etree.XMLParser(load_dtd=False, no_network=True))
        if root.tag == "ep-patent-document":
            stated.append("-".join(root.get(key) for key in ("country", "doc-number", "kind")))
        else:
            stated.append("-".join(root.xpath("//publication-reference/document-id/*/text()")[:3]))
    wanted = [p.doc_id for p in corpus.values() if p.format in ("us-grant", "us-application", "ep")]
    assert sorted(stated) == sorted(wanted)


def test_the_containers_hold_six_grants_and_four_applications():
    names = list(xml_documents())
    assert sum(name.startswith("weekly_grants.xml#") for name in names) == 6
    assert sum(name.endswith(".XML") for name in names) == 4


def test_the_text_of_a_claim_survives_nesting(corpus):
    patent = next(p for p in corpus.values() if p.format == "ep" and ";" in p.claims[0])
    root = etree.fromstring((EXAMPLES / "patents" / "ep" / f"{patent.file_stem}.xml").read_bytes())
    first = " ".join("".join(root.find("claims/claim").itertext()).split())
    assert first == patent.claims[0]
    assert len(root.findall("claims/claim")) == len(patent.claims)


def test_pypdf_finds_title_abstract_and_claims_in_each_pdf(script, corpus):
    patents = [patent for patent in corpus.values() if patent.format == "pdf"]
    assert len(patents) == len(list((EXAMPLES / "patents" / "pdf").iterdir()))
    for patent in patents:
        reader = pypdf.PdfReader(EXAMPLES / "patents" / "pdf" / f"{patent.file_stem}.pdf", strict=True)
        assert len(reader.pages) >= 2
        text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
        wanted = [patent.title.upper(), patent.abstract, *patent.claims, "What is claimed is: 1. "]
        places = [text.find(part.translate(script.PDF_CHARACTERS)) for part in wanted]
        assert -1 not in places, patent.id
        assert places[:-1] == sorted(places[:-1]), patent.id


def test_tables_hold_the_chinese_and_japanese_documents(corpus):
    folder = EXAMPLES / "multilingual"
    chinese = [json.loads(line) for line in (folder / "chinese.jsonl").read_text(encoding="utf-8").splitlines()]
    with (folder / "japanese.csv").open(encoding="utf-8", newline="") as stream:
        japanese = list(csv.DictReader(stream))
    ids = [row["publication_number"] for row in chinese] + [row["Publication Number"] for row in japanese]
    assert sorted(ids) == sorted(p.doc_id for p in corpus.values() if p.language != "en")
    assert {"Title", "Abstract", "Claims", "Description", "Family ID", "IPC", "CPC"} <= set(japanese[0])


def test_members_of_a_family_claim_one_priority(corpus):
    claimed = {(patent.family, patent.priority, patent.priority_claim) for patent in corpus.values()}
    assert len(claimed) == len({patent.family for patent in corpus.values()})
    assert len({patent.priority_claim for patent in corpus.values()}) == len(claimed)


def test_citations_point_to_older_documents_of_the_corpus(corpus):
    cited = [(corpus[key].published, patent.published) for patent in corpus.values() for key in patent.cites]
    assert cited
    assert all(older < newer for older, newer in cited)
