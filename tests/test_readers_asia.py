"""CNIPA, TIPO, JPO and KIPRIS: encodings, printed lines, years of eras, doubled facts, amendments, records of lists."""

from datetime import date

import pytest

from patentclust.params import IngestParams
from tests.test_readers_suite import DATA, documents, failures

CN = (DATA / "cn_st36.xml").read_text(encoding="utf-8")
CN96 = (DATA / "cn_st96.xml").read_text(encoding="utf-8")
TW = (DATA / "tw_grant.xml").read_text(encoding="utf-8")
JP = (DATA / "jp_st36.xml").read_bytes().decode("euc_jis_2004")
JP96 = (DATA / "jp_st96.xml").read_text(encoding="utf-8")
KIPRIS = (DATA / "kipris.xml").read_text(encoding="utf-8")
DETAIL = (DATA / "kipris.json").read_text(encoding="utf-8")


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "some.dat"
    path.write_bytes(text.encode(encoding))
    return path


def one(path, **params):
    (document,) = documents(path, IngestParams(**params))
    return document


@pytest.fixture(scope="module")
def cn():
    return one(DATA / "cn_st36.xml")


@pytest.fixture(scope="module")
def jp():
    return one(DATA / "jp_st36.xml")


@pytest.fixture(scope="module")
def jp96():
    return one(DATA / "jp_st96.xml")


def test_chinese_printed_lines_join_without_a_blank_and_latin_words_with_one(cn):
    assert cn.description.split("\n") == [
        "输送茶叶的装置",
        "技术领域",
        "本发明涉及茶叶输送机，特别是tea conveyor，宽12英寸。",
        "见表 [table] 。",
    ]
    assert cn.title == "输送茶叶的CO2装置"


def test_chinese_claims_keep_their_numbers_and_their_dependence(cn):
    assert cn.claims == ("1.一种输送机，其特征在于，包括：辊；和带。", "2.根据权利要求1所述的输送机，其中带为红色。")
    assert cn.independent == (True, False)


def test_chinese_numbers_dates_and_parties_are_read(cn):
    assert (cn.doc_id, cn.application_number) == ("CN-199999001-A", "CN-201811999777")
    assert (cn.publication_date, cn.filing_date, cn.priority_date) == (
        date(2019, 7, 4),
        date(2018, 12, 20),
        date(2017, 12, 28),
    )
    assert cn.priorities == ("JP-2017999111",)
    assert (cn.applicants, cn.inventors) == (("绿叶机械有限公司",), ("王小叶", "李茶"))
    assert (cn.ipc, cn.cited) == (("A23F3/06", "B65G15/30"), ("CN-101999001-A",))


@pytest.mark.parametrize("declared", ["GB18030", "gb2312", "GBK"])
def test_chinese_encodings_are_read_as_the_largest_of_them(tmp_path, cn, declared):
    # 鎔 is in GBK and not in GB2312, which files declare all the same.
    text = CN.replace('"UTF-8"', f'"{declared}"').replace("一种茶叶输送机。", "一种鎔茶叶输送机。")
    document = one(written(tmp_path, text, "gb18030"))
    assert (document.title, document.claims, document.warnings) == (cn.title, cn.claims, ())
    assert document.abstract == "一种鎔茶叶输送机。"


@pytest.mark.parametrize("declaration", ['<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>'])
def test_a_chinese_encoding_that_is_not_declared_is_found_and_said(tmp_path, cn, declaration):
    text = CN.replace('<?xml version="1.0" encoding="UTF-8"?>', declaration)
    document = one(written(tmp_path, text, "gb18030"))
    assert (document.title, document.claims) == (cn.title, cn.claims)
    (warning,) = document.warnings
    assert warning.lower() == "file is not utf-8 as it says; read as gb18030"


def test_one_broken_character_does_not_make_another_encoding_of_a_file(tmp_path):
    data = CN.encode().replace("红色".encode(), "红".encode() + b"\xff" + "色".encode())
    path = tmp_path / "some.xml"
    path.write_bytes(data)
    document = one(path)
    assert "其中带为红�色" in document.claims[1]
    assert document.warnings == ("1 characters are no UTF-8 and were lost",)


def test_a_chinese_file_without_bibliography_keeps_its_text_and_says_so(tmp_path):
    start, end = CN.index("  <cn-bibliographic-data"), CN.index("  <application-body")
    document = one(written(tmp_path, CN[:start] + CN[end:]))
    assert document.doc_id.startswith("sha256:")
    assert document.title == "输送茶叶的装置"
    assert document.warnings == ("the file states no publication number",)


def test_of_two_references_the_printed_one_is_taken():
    document = one(DATA / "cn_st96.xml")
    assert document.doc_id == "CN-199999002-B"
    assert document.application_number == "CN-201810999777"
    assert document.priorities == ("KR-1020170999111",)
    assert (document.applicants, document.inventors) == (("绿叶机械有限公司",), ("王小叶",))
    assert document.ipc == ("A23F3/06", "B65G15/30")
    assert document.description == "本发明涉及茶叶输送机。\n茶叶在CO2中。"
    assert document.independent == (True, False)


def test_names_in_both_forms_are_not_doubled(tmp_path):
    start = CN96.index("<business:Applicant sequence")
    end = CN96.index("</business:Applicant>") + len("</business:Applicant>")
    standard = CN96[start:end].replace("original", "standard").replace("绿叶机械有限公司", "LVYE MACHINERY")
    assert one(written(tmp_path, CN96[:start] + standard + CN96[start:])).applicants == ("绿叶机械有限公司",)


def test_years_of_the_republic_become_common_ones():
    document = one(DATA / "tw_grant.xml")
    assert (document.publication_date, document.filing_date) == (date(2022, 12, 21), date(2018, 12, 20))
    assert document.priority_date == date(2017, 12, 28)
    assert document.priorities == ("JP-2017999111",)
    assert (document.doc_id, document.application_number) == ("TW-I799901-B", "TW-107199977")


@pytest.mark.parametrize("wrong", ["111/13/40", "/", "0/0/0", "9999/99/99"])
def test_a_date_that_is_none_is_none(tmp_path, wrong):
    assert one(written(tmp_path, TW.replace("111/12/21", wrong))).publication_date is None


def test_taiwanese_names_are_chinese_unless_english_is_preferred():
    document = one(DATA / "tw_grant.xml")
    assert (document.title, document.applicants) == ("輸送茶葉之裝置", ("綠葉機械股份有限公司",))
    assert document.inventors == ("王小葉", "JO LEAF")
    english = one(DATA / "tw_grant.xml", prefer_language="en")
    assert (english.applicants, english.inventors) == (
        ("GREEN LEAF MACHINERY CO., LTD.",),
        ("XIAO-YE WANG", "JO LEAF"),
    )
    assert english.language == "zh"


def test_taiwanese_claims_classes_and_citations_are_read():
    document = one(DATA / "tw_grant.xml")
    assert document.claims == ("1. 一種輸送機，包括輥及帶。", "2. 如申請專利範圍第1項所述之輸送機。")
    assert document.independent == (True, False)
    assert document.description == "圖1示出輸送機。"
    assert (document.ipc, document.cited) == (("A23F3/06", "B65G15/30"), ("WO-1993002787-A1", "TW-I551313-B"))


def test_a_japanese_gazette_is_read_in_its_fields(jp):
    assert (jp.doc_id, jp.application_number, jp.priorities) == ("JP-2019999001-A", "JP-2018999777", ("JP-2017999111",))
    assert (jp.publication_date, jp.filing_date) == (date(2019, 7, 4), date(2018, 12, 20))
    assert jp.title == "茶の搬送装置①"
    assert (jp.applicants, jp.inventors) == (("緑葉機械株式会社",), ("山田 花子",))
    assert (jp.ipc, jp.cited) == (("A23F3/06", "B65G15/30"), ("JP-2010999023-A",))
    assert jp.claims == ("1. ローラと、ベルトとを備える搬送装置。", "2. 前記ベルトが赤い、請求項１に記載の搬送装置。")
    assert jp.independent == (True, False)


def test_an_indented_line_of_a_gazette_is_a_paragraph_and_another_is_not(jp):
    assert jp.description.split("\n") == ["本発明は、茶の搬送装置に関する。", "茶はCO2を含む。", "緑茶である。"]


@pytest.mark.parametrize(
    ("declared", "encoding"), [("Shift_JIS", "cp932"), ("EUC-JP", "euc_jis_2004"), ("UTF-8", "utf-8"), (None, "cp932")]
)
def test_japanese_encodings_are_read(tmp_path, jp, declared, encoding):
    text = JP.replace(' encoding="EUC-JP"', f' encoding="{declared}"' if declared else "")
    document = one(written(tmp_path, text, encoding))
    assert (document.title, document.claims) == (jp.title, jp.claims)
    assert bool(document.warnings) == (declared is None)


def test_the_kind_of_a_gazette_is_found_in_its_printed_name(tmp_path):
    text = JP.replace('kind-of-jp="A" kind-of-st16="A" ', "").replace("公開特許公報(A)", "特許公報（Ｂ２）(B2)")
    assert one(written(tmp_path, text, "euc_jis_2004")).kind == "B2"


def test_an_undeclared_prefix_of_the_jpo_is_no_obstacle(tmp_path, jp):
    document = one(written(tmp_path, JP.replace(' xmlns:jp="http://www.jpo.go.jp"', ""), "euc_jis_2004"))
    assert (document.applicants, document.inventors) == (jp.applicants, jp.inventors)


def test_japanese_st96_is_read_in_its_fields(jp96):
    assert (jp96.doc_id, jp96.application_number) == ("JP-2023999001-A", "JP-2021999777")
    assert (jp96.priorities, jp96.priority_date) == (("US-62999111",), date(2020, 12, 28))
    assert (jp96.publication_date, jp96.filing_date) == (date(2023, 7, 4), date(2021, 12, 20))
    assert jp96.ipc == ("A23F3/06", "B65G15/30")
    assert jp96.description == "本発明は、茶の搬送装置に関する。\n茶は図１に示す。"
    assert (jp96.abstract, jp96.language) == ("茶を運ぶ。", "ja")


def test_an_applicant_in_two_scripts_is_one_and_an_agent_is_none(jp96):
    assert (jp96.applicants, jp96.inventors) == (("緑葉機械株式会社",), ("山田 花子",))


def test_an_amendment_supersedes_the_claims_as_filed(jp96, tmp_path):
    assert jp96.claims == (
        "1. ローラとベルトとを備える搬送装置。",
        "2. ベルトが赤い、請求項１に記載の搬送装置。",
    )
    start, end = JP96.index("  <jppat:WrittenAmendmentBag>"), JP96.index("</jppat:WrittenAmendmentBag>") + 30
    assert one(written(tmp_path, JP96[:start] + JP96[end:])).claims == ("1. ローラを備える搬送装置。",)


def test_an_amendment_of_a_paragraph_does_not_replace_the_description(tmp_path, jp96):
    changed = "<jppat:Description><com:P>変更。</com:P></jppat:Description></jppat:AmendmentContentsBag>"
    document = one(written(tmp_path, JP96.replace("</jppat:AmendmentContentsBag>", changed)))
    assert document.description == jp96.description


def test_a_granted_japanese_patent_has_the_kind_that_is_printed(tmp_path):
    text = JP96.replace("UnexaminedPatentPublication", "RegisteredPatentPublication").replace("2023999001", "07999001")
    assert one(written(tmp_path, text)).doc_id == "JP-7999001-B2"
    printed = "<pat:PlainLanguageDesignationText>特許公報(B1)</pat:PlainLanguageDesignationText><pat:InventionTitle>"
    assert one(written(tmp_path, text.replace("<pat:InventionTitle>", printed))).kind == "B1"


def test_an_amendment_on_its_own_is_no_document(tmp_path):
    text = JP96.replace("UnexaminedPatentPublication", "UnexaminedPatentPublicationAmendment")
    (failure,) = failures(written(tmp_path, text))
    assert "amendment of a publication" in str(failure)


def test_a_sequence_listing_beside_a_publication_is_no_publication(tmp_path):
    path = written(tmp_path, '<?xml version="1.0"?><ST26SequenceListing><SequenceData/></ST26SequenceListing>')
    (failure,) = failures(path)
    assert "sequence listing" in str(failure)


def test_a_list_of_kipris_gives_a_document_a_record():
    first, second = documents(DATA / "kipris.xml")
    assert (first.doc_id, first.application_number) == ("KR-20190099901-A", "KR-1020180199777")
    assert first.applicants == ("초록잎기계 주식회사", "주식회사 차")
    assert (first.ipc, first.language) == (("A23F3/06", "B65G15/30"), "ko")
    assert first.abstract == "본 발명은 차 이송 장치에 관한 것이다."
    assert first.source_path.endswith("kipris.xml#1")
    assert (second.doc_id, second.kind) == ("KR-200449901-Y1", "Y1")
    assert second.publication_date == date(2010, 2, 2)


def test_a_record_of_an_unpublished_application_is_kept_and_says_so(tmp_path):
    document = documents(written(tmp_path, KIPRIS.replace("1020190099901", "")))[0]
    assert document.doc_id.startswith("sha256:")
    assert document.warnings == ("the record states no publication number, only an application",)


def test_details_of_kipris_are_read_whether_one_or_many():
    document = one(DATA / "kipris.json")
    assert (document.doc_id, document.publication_date) == ("KR-20190099902-A", date(2019, 7, 4))
    assert (document.applicants, document.inventors) == (("초록잎기계 주식회사",), ("김차", "이잎"))
    assert (document.priorities, document.priority_date) == (("US-62999111",), date(2017, 12, 28))
    assert document.claims == ("1. 롤러와 벨트를 포함하는 이송 장치.", "3. 제1항에 있어서, 벨트가 붉은 이송 장치.")
    assert document.independent == (True, False)
    assert (document.ipc, document.cited) == (("A23F3/06", "B65G15/30"), ("KR-20050099901-A",))


def test_details_in_xml_read_as_in_json(tmp_path):
    xml = (
        "<response><body><item><biblioSummaryInfoArray><biblioSummaryInfo><inventionTitle>차 이송 장치</inventionTitle>"
        "<openNumber>10-2019-0099902</openNumber></biblioSummaryInfo></biblioSummaryInfoArray>"
        "<claimInfoArray><claimInfo><claim>1. 롤러를 포함하는 장치.</claim></claimInfo></claimInfoArray>"
        "<ipcInfoArray><ipcInfo><ipcNumber>A23F 3/06</ipcNumber></ipcInfo></ipcInfoArray>"
        "<rndInfoArray/></item></body></response>"
    )
    document = one(written(tmp_path, xml))
    assert (document.doc_id, document.ipc) == ("KR-20190099902-A", ("A23F3/06",))
    assert document.claims == ("1. 롤러를 포함하는 장치.",)


@pytest.mark.parametrize(
    "text", [DETAIL.replace('"inventionTitle": "차 이송 장치", ', ""), '{"biblioSummaryInfoArray": ""}']
)
def test_details_without_their_parts_give_a_document_or_a_reason(tmp_path, text):
    path = written(tmp_path, text)
    assert len(documents(path)) + len(failures(path)) == 1
