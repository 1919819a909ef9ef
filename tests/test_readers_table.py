"""Tables: encodings, separators, line ends, column names, cells and broken rows."""

import json
import time

import pytest

from patentclust.errors import ConfigError
from patentclust.params import IngestParams
from patentclust.readers import limits
from tests.test_readers_suite import DATA, documents, failures

TRAP = "The trap is made of wood and it closes on the mouse with a spring."


@pytest.fixture
def table(tmp_path):
    def write(content, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def jsonl(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def test_an_export_with_its_own_words_is_read():
    first, second = documents(DATA / "patents.csv")
    assert first.doc_id == "US-20130999709-A1"
    assert first.title == "Mouse trap, improved"
    assert first.applicants == ("Acme Inc.", "Trap AG")
    assert first.inventors == ("Jane Roe", "John Doe")
    assert first.cpc == ("A01M23/30", "A01M23/02")
    assert str(first.publication_date) == "2013-01-10"
    assert first.language == "en"
    assert (second.doc_id, second.kind, second.country) == ("EP-1999567-B1", "B1", "EP")


def test_rows_are_numbered_by_their_row_in_the_file():
    path = DATA / "patents.csv"
    assert [found.source_path for found in documents(path)] == [f"{path.as_posix()}#2", f"{path.as_posix()}#3"]


def test_json_lines_are_read_with_their_scheme_of_codes():
    spoon, chinese = documents(DATA / "patents.jsonl")
    assert spoon.doc_id == "US-8999301"
    assert spoon.cpc == ("A47G21/04",)
    assert spoon.ipc == ()
    assert chinese.doc_id == "corpus-7"
    assert chinese.ipc == ("A47G",)
    assert chinese.family_id == "253011"
    assert chinese.language == "zh"
    assert chinese.independent == (True, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_tables_are_read_with_and_without_mark(table, encoding):
    found = documents(table("Title,Abstract,Applicants\nKäse,Über Käse und Köln,Käserei Köln\n", encoding=encoding))
    assert [(document.title, document.applicants) for document in found] == [("Käse", ("Käserei Köln",))]
    assert found[0].warnings == ()


def test_a_western_table_is_read_with_a_warning(table):
    document = documents(table("Title;Abstract\nKäse;Über Käse\n", encoding="cp1252"))[0]
    assert document.title == "Käse"
    assert "cp1252" in document.warnings[0]


def test_a_western_table_with_accents_late_in_the_file_is_read(table):
    rows = "".join(f"Title {i},Plain text\n" for i in range(20_000))
    found = documents(table(f"Title,Abstract\n{rows}Käse,Köln\n", encoding="cp1252"))
    assert found[-1].title == "Käse"


def test_a_chinese_table_is_read(table):
    document = documents(table("标题,摘要,申请人\n一种勺子,一种带孔的勺子,某公司\n", encoding="gb18030"))[0]
    assert (document.title, document.abstract, document.applicants) == ("一种勺子", "一种带孔的勺子", ("某公司",))


EASTERN = {
    "cp932": ("公報番号,発明の名称,要約,出願人", "JP2020123456A,ねずみ取り,ばねでねずみを捕らえる装置。,株式会社例"),
    "cp949": (
        "공개번호,발명의명칭,요약,출원인",
        "KR1020200012345A,쥐덫,스프링을 사용하는 쥐덫에 관한 것이다.,주식회사 예",
    ),
    "big5hkscs": ("公告號,專利名稱,摘要,申請人", "TWI787146B,捕鼠器,本發明係關於一種捕鼠器裝置及其方法。,範例公司"),
    "gb18030": ("公告号,标题,摘要,申请人", "CN104154208B,捕鼠器,本发明涉及一种捕鼠器及其使用方法。,某某公司"),
}


@pytest.mark.parametrize("encoding", EASTERN)
@pytest.mark.parametrize("n_plain_rows", [0, 5_000])
def test_eastern_encodings_are_told_apart_however_late_they_show(table, encoding, n_plain_rows):
    header, line = EASTERN[encoding]
    header = header if not n_plain_rows else "Publication Number,Title,Abstract,Applicants"
    plain = "US8999301B2,Trap,Closes on the mouse,Acme\n" * n_plain_rows
    document = documents(table(f"{header}\n{plain}{line}\n", encoding=encoding))[-1]
    _, title, abstract, applicant = line.split(",")
    assert (document.title, document.abstract, document.applicants) == (title, abstract, (applicant,))
    assert encoding in document.warnings[0]


WESTERN = ["Größe und Länge für Öl", "dépôt à côté de l’été où", "señal «año» corazón", "Åse Ærø smörgås – “öl”"]


@pytest.mark.parametrize("text", WESTERN)
def test_western_letters_are_not_taken_for_eastern_ones(table, text):
    document = documents(table(f"Title,Abstract\n{text},{text} {text}\n", encoding="cp1252"))[0]
    assert document.title == text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(table, separator):
    rows = [["Title", "Abstract", "Country"], ["Trap", "One; two, three", "US"]]
    lines = [separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows]
    document = documents(table("\n".join(lines)))[0]
    assert (document.title, document.abstract, document.country) == ("Trap", "One; two, three", "US")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(table, end):
    text = f'Title,Abstract{end}Trap,"two{end}lines"{end}Spoon,x{end}'
    found = documents(table(text.encode()))
    assert [(document.title, document.abstract) for document in found] == [("Trap", "two\nlines"), ("Spoon", "x")]


def test_a_table_under_any_name_is_known_by_its_header(table):
    assert documents(table("Title,Abstract\nTrap,Closes\n", name="export.txt"))[0].title == "Trap"


def test_lines_before_the_header_are_passed_over(table):
    text = "Search results\nfrom 2024\nPublication Number,Title,Abstract\nUS8999301B2,Trap,Closes\n"
    assert [found.doc_id for found in documents(table(text))] == ["US-8999301-B2"]


def test_column_names_are_compared_without_case_blanks_and_punctuation(table):
    text = "PUBLICATION_NUMBER,invention title,Abstract Text,First Claim\nUS8999301B2,Trap,Closes,1. A trap.\n"
    document = documents(table(text))[0]
    assert (document.doc_id, document.title, document.claims) == ("US-8999301-B2", "Trap", ("1. A trap.",))


def test_a_publication_number_wins_over_a_row_id(table):
    assert documents(table("id,Publication Number,Title\n1,US8999301B2,Trap\n"))[0].doc_id == "US-8999301-B2"


def test_country_and_kind_complete_a_bare_number(table):
    assert documents(table("number,country,kind,title\n8999301,US,B2,Trap\n"))[0].doc_id == "US-8999301-B2"


def test_a_row_without_id_is_named_by_its_content(table):
    first, second = documents(table("title,abstract\nTrap,Closes\nSpoon,Has a hole\n"))
    assert first.doc_id.startswith("sha256:")
    assert first.doc_id != second.doc_id


@pytest.mark.parametrize("cell", ["A Ltd.;;B, Inc.", "A Ltd.; B, Inc.", "A Ltd. | B, Inc.", "A Ltd.\nB, Inc."])
def test_lists_in_a_cell_are_split_but_not_at_commas(table, cell):
    assert documents(table(f'title,applicants\nTrap,"{cell}"\n'))[0].applicants == ("A Ltd.", "B, Inc.")


@pytest.mark.parametrize("cell", ['["A Ltd.", "B, Inc."]', "['A Ltd.', 'B, Inc.']"])
def test_lists_written_by_programs_are_read(table, cell):
    quoted = cell.replace('"', '""')
    assert documents(table(f'title,applicants\nTrap,"{quoted}"\n'))[0].applicants == ("A Ltd.", "B, Inc.")


def test_claims_in_one_cell_are_split(table):
    text = 'title,claims\nTrap,"What is claimed is:\n1. A trap.\n2. The trap of claim 1."\n'
    assert documents(table(text))[0].claims == ("1. A trap.", "2. The trap of claim 1.")


def test_signs_of_emptiness_are_empty(table):
    document = documents(table("title,abstract,applicants,kind\nTrap,-,N/A,nan\n"))[0]
    assert (document.abstract, document.applicants, document.kind) == ("", (), None)


def test_the_user_may_name_the_columns(table):
    path = table("Bez,Zus,Nr\nFalle,Schließt,DE102011114434A1\n")
    params = IngestParams(mapping=(("title", "Bez"), ("abstract", "zus"), ("doc_id", "Nr")))
    document = documents(path, params)[0]
    assert (document.doc_id, document.title, document.abstract) == ("DE-102011114434-A1", "Falle", "Schließt")


def test_a_mapping_for_one_file_leaves_the_others_alone(tmp_path):
    mapping = (("abstract", "Abstract"), ("*.tsv:abstract", "Notes"), ("orbit.csv:title", "Titel"))
    for name in ("orbit.csv", "other.csv", "some.tsv"):
        (tmp_path / name).write_text("Title,Titel,Abstract,Notes\nTrap,Falle,short,long\n", encoding="utf-8")
    found = {
        name: (document.title, document.abstract)
        for name in ("orbit.csv", "other.csv", "some.tsv")
        for document in documents(tmp_path / name, IngestParams(mapping=mapping))
    }
    assert found == {"orbit.csv": ("Falle", "short"), "other.csv": ("Trap", "short"), "some.tsv": ("Trap", "long")}


def test_a_mapping_to_a_missing_column_is_a_mistake_of_the_user(table):
    with pytest.raises(ConfigError, match="no such column") as caught:
        documents(table("title\nTrap\n"), IngestParams(mapping=(("abstract", "Nowhere"),)))
    assert "title" in caught.value.hint


def test_a_mapping_of_an_unknown_field_is_a_mistake_of_the_user(table):
    with pytest.raises(ConfigError, match="no such field") as caught:
        documents(table("title,abstract\nTrap,x\n"), IngestParams(mapping=(("titel", "title"),)))
    assert "abstract" in caught.value.hint


def test_a_table_without_text_lists_its_columns_and_the_remedy(table):
    failure = failures(table("Number,Date\n1,2\n"))[0]
    assert "got Number, Date" in str(failure)
    assert "--map" in failure.hint


def test_columns_in_several_languages_give_one_language(table):
    row = {"id": "x", "title_zh": "勺子", "title_en": "Spoon", "abstract_zh": "一种勺子", "abstract_en": "A spoon"}
    path = table(jsonl(row), name="x.jsonl")
    english, chinese = documents(path)[0], documents(path, IngestParams(prefer_language="zh"))[0]
    assert (english.title, english.abstract, english.language) == ("Spoon", "A spoon", "en")
    assert (chinese.title, chinese.abstract, chinese.language) == ("勺子", "一种勺子", "zh")


def test_a_row_without_text_is_one_failure(table):
    path = table("id,title,abstract\na,Trap,x\nb,,\nc,Spoon,y\n")
    assert [found.doc_id for found in documents(path)] == ["a", "c"]
    assert [failure.source_path for failure in failures(path)] == [f"{path.as_posix()}#3"]


def test_a_row_with_too_many_cells_is_one_failure(table):
    path = table("id,title\na,Trap\nb,Spoon,with,commas\nc,Lid\n")
    assert [found.doc_id for found in documents(path)] == ["a", "c"]
    assert "4 cells" in str(failures(path)[0])


def test_a_broken_json_line_is_one_failure(table):
    rows = [{"id": f"r{i}", "title": "Trap"} for i in range(300)]
    path = table(jsonl(*rows[:200], '{"id": "broken', *rows[200:], "[1]"), name="x.jsonl")
    assert len(documents(path)) == 300
    assert [failure.source_path[-4:] for failure in failures(path)] == ["#201", "#302"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_read(table, indent):
    rows = [{"id": f"r{i}", "title": "Trap", "abstract": TRAP * 50} for i in range(500)]
    found = documents(table(json.dumps(rows, indent=indent), name="x.json"))
    assert [document.doc_id for document in found] == [f"r{i}" for i in range(500)]


def test_one_json_object_over_many_lines_is_read(table):
    assert documents(table(json.dumps({"id": "a", "title": "Trap"}, indent=2), name="x.json"))[0].doc_id == "a"


def test_a_cut_json_array_gives_what_is_there_and_a_failure(table):
    text = json.dumps([{"id": f"r{i}", "title": "Trap"} for i in range(10)])
    path = table(text[:-30], name="x.json")
    assert len(documents(path)) == 9
    assert "ends before its list" in str(failures(path)[0])
    path = table(text[:-15], name="x.json")
    assert len(documents(path)) == 9
    assert "no JSON" in str(failures(path)[0])


def test_deeply_nested_json_is_a_failure_not_a_crash(table):
    path = table('{"title": "Trap", "x": ' + "[" * 100_000 + "\n" + jsonl({"title": "Spoon"}), name="x.jsonl")
    assert failures(path)


def test_zero_bytes_in_a_table_are_dropped(table):
    document = documents(table(b"title,abstract\nTr\x00ap,Closes\n"))[0]
    assert document.title == "Trap"


def test_a_cell_longer_than_the_default_of_csv_is_read(table):
    document = documents(table(f'title,description\nTrap,"{"word " * 60_000}"\n'))[0]
    assert len(document.description) > 200_000


def test_an_endless_line_is_a_failure(table, monkeypatch):
    monkeypatch.setattr(limits, "MAX_RECORD_CHARS", 10_000)
    assert "more than 10,000" in str(failures(table("title,abstract\nTrap," + "x" * 20_000 + "\n"))[0])


def test_a_quote_that_never_closes_ends_with_a_failure(table):
    path = table('id,title\na,Trap\nb,"Spoon\n' + "c,Lid\n" * 50)
    assert documents(path)[0].doc_id == "a"


def test_prose_with_commas_is_no_table(table):
    text = "Title, abstract and claims are read.\nOne, two, three, four.\nNothing here, is a table\nat all.\n"
    assert "plain text" in str(failures(table(text, name="readme.txt"))[0])


def test_the_line_by_which_excel_names_the_separator_is_passed_over(table):
    text = "sep=;\r\nPublication Number;Title;Abstract\r\nUS8999301B2;Trap, big;Closes\r\n"
    assert documents(table(text, encoding="utf-16"))[0].title == "Trap, big"


def test_tags_and_entities_of_html_become_text_and_other_signs_stay(table):
    markup = "<p>H<sub>2</sub>O &lt; 5&#176;C &amp; x<y.</p><p class='a'>R&D in A&region</p>"
    rows = [{"title": "A &amp; B", "abstract": markup, "claims": ["1. A <b>trap</b>."], "applicants": "J &amp; J; B"}]
    document = documents(table(jsonl(*rows), name="x.jsonl"))[0]
    assert (document.title, document.claims, document.applicants) == ("A & B", ("1. A trap.",), ("J & J", "B"))
    assert document.abstract == "H2O < 5°C & x<y.\nR&D in A&region"


def test_residences_behind_names_are_left_out(table):
    document = documents(table('title,inventors\nTrap,"DOE JANE [US]\nROE RICK [DE]"\n'))[0]
    assert document.inventors == ("DOE JANE", "ROE RICK")


def test_a_row_of_a_family_is_its_first_publication_and_names_the_others(table):
    document = documents(table('Publication Numbers,number,title\n,"US9000001B2\nEP1234567 B1",Trap\n'))[0]
    assert document.doc_id == "US-9000001-B2"
    assert "EP-1234567-B1" in document.warnings[0]


def test_more_columns_than_any_table_has_are_a_failure(table):
    header = ["title", "abstract", *(f"c{i}" for i in range(100_000))]
    path = table(",".join(header) + "\n" + ",".join(["x"] * len(header)) + "\n")
    assert "100002 cells" in str(failures(path)[0])


@pytest.mark.parametrize("cell", ["=cmd|'/c calc'!A1", "@SUM(A1)", "+1", "-2+3"])
def test_what_a_spreadsheet_would_run_is_text(table, cell):
    assert documents(table(jsonl({"title": cell}), name="x.jsonl"))[0].title == cell


@pytest.mark.parametrize("unit", ["<", "&", " ", "<p ", "&#", "; ", "[", "\n", "<br", "US1"])
def test_a_cell_made_to_be_slow_is_not(table, unit):
    rows = [{"id": unit * 200_000, "title": unit * 200_000 + "x", "inventors": unit * 200_000}]
    start = time.process_time()
    documents(table(jsonl(*rows), name="x.jsonl"))
    assert time.process_time() - start < 5
