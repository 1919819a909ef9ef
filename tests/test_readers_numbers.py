"""Publication numbers, symbols, dates, languages and claims, in all the ways they are printed."""

from datetime import date

import pytest

from patentclust.readers import numbers
from patentclust.readers.claims import refers_to_claim, split_claims
from patentclust.readers.language import guess, normalise


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("US 2013/0101709 A1", "US-20130101709-A1"),
        ("US-2008197955-A1", "US-20080197955-A1"),
        ("US8574301", "US-8574301"),
        ("US 6,285,999 B1", "US-6285999-B1"),
        ("US D701,016 S1", "US-D701016-S1"),
        ("USPP29484", "US-PP29484"),
        ("US-E- R E36 154", "US-RE36154-E"),
        ("CN215667380U", "CN-215667380-U"),
        ("EP-A1- 3 109 871", "EP-3109871-A1"),
        ("EP 0 361 708 A2", "EP-361708-A2"),
        ("WO 02/12345 A1", "WO-2002012345-A1"),
        ("WO-A1-2004/045320", "WO-2004045320-A1"),
        ("JP 2025-27833 A", "JP-2025027833-A"),
        ("JP H05-123456 A", "JP-H05123456-A"),
        ("TW I787146 B", "TW-I787146-B"),
    ],
)
def test_a_printed_publication_number_is_written_one_way(printed, written):
    assert numbers.parse_publication(printed) == written
    assert numbers.parse_publication(written) == written


@pytest.mark.parametrize("text", ["", "patenteval-c2a-0", "chanemo-0", "12345", "QQ1234567", "row 17", "A" * 500])
def test_other_ids_are_no_publication_numbers(text):
    assert numbers.parse_publication(text) is None


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("H01M 10/0525", "H01M10/0525"),
        ("A61M  31/ 00 A I", "A61M31/00"),
        ("G06F015/00", "G06F15/00"),
        (" 7C 07C  29/44   A", "C07C29/44"),
        ("H05K    1/02    (2006.01)", "H05K1/02"),
        ("A24C   5/20        20060101AFI20150420BHEP", "A24C5/20"),
        ("H03M 1300", "H03M13/00"),
        ("A01H  500", "A01H5/00"),
        ("Y10S707/99939", "Y10S707/99939"),
        ("b60s", "B60S"),
        ("H01", "H01"),
        ("H", None),
        ("", None),
        ("not a class", None),
    ],
)
def test_a_symbol_is_written_one_way(printed, written):
    assert numbers.symbol(printed) == written


@pytest.mark.parametrize(
    "text",
    [
        "2018-07-10",
        "20180710",
        "July 10, 2018",
        "Jul. 10, 2018",
        "10 July 2018",
        "10.07.2018",
        "07/10/2018",
        "2018/7/10",
    ],
)
def test_a_date_is_read_in_all_its_forms(text):
    assert numbers.parse_date(text) == date(2018, 7, 10)


@pytest.mark.parametrize("text", [None, "", "2018", "20021000", "2020-02-30", "soon", "13/13/2013", "99999999"])
def test_what_is_no_whole_date_is_none(text):
    assert numbers.parse_date(text) is None


def test_a_first_number_above_twelve_is_a_day():
    assert numbers.parse_date("25/12/2018") == date(2018, 12, 25)


def test_the_check_digit_of_an_ep_application_is_dropped():
    assert numbers.application_id("EP", "18877305.5") == "EP-18877305"
    assert numbers.application_id("US", "62/111,333") == "US-62111333"
    assert numbers.application_id("", "1") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The method of making the thing, in which it is heated and then cooled to that of the room", "en"),
        ("Die Erfindung betrifft eine Vorrichtung zum Transport von Material mit den Merkmalen des Oberbegriffs", "de"),
        ("L'invention concerne un dispositif de freinage pour véhicules de manutention", "fr"),
        ("La presente invención se refiere a un panel aislante con láminas metálicas", "es"),
        ("Изобретение относится к устройству для перемещения материалов", "ru"),
        ("A invenção refere-se a uma composição autoemulsionante e ao seu uso", "pt"),
        ("De uitvinding heeft betrekking op een inrichting voor het vormen van stenen", "nl"),
        ("Self-emulsifying composition", "en"),
        ("1-(4-chlorophenyl)-3-methyl-1H-pyrazole", None),
        ("本发明提供一种记录装置", "zh"),
        ("電動モータの動力が入力される", "ja"),
        ("본 발명은 방법에 관한 것이다", "ko"),
        ("Widget", None),
        ("", None),
    ],
)
def test_a_language_is_guessed_only_where_it_is_plain(text, code):
    assert guess(text) == code


def test_language_codes_are_normalised():
    assert [normalise(code) for code in ("EN", "zh_CN", "vi+zh", "", None)] == ["en", "zh-cn", None, None, None]


@pytest.mark.parametrize(
    "claim",
    [
        "2. The lid of claim 1.",
        "3. A lid according to any one of the preceding claims.",
        "4. Vorrichtung nach Anspruch 1.",
        "5. Dispositif selon la revendication 2.",
        "6. 根据权利要求1所述的方法。",
        "7. 請求項１に記載の車両。",
        "8. 제1항에 있어서, 장치.",
    ],
)
def test_a_reference_to_another_claim_is_seen_in_many_languages(claim):
    assert refers_to_claim(claim)


def test_an_independent_claim_that_speaks_of_claiming_is_no_reference():
    assert not refers_to_claim("1. A method of processing an insurance claim of 300 dollars.")


def test_running_claims_are_split_in_sequence_only():
    text = "What is claimed is:\n1. A foo with a 2.5 mm gap, e.g. 7 of them. 2. The foo of claim 1.\n3. The foo."
    assert split_claims(text) == [
        "1. A foo with a 2.5 mm gap, e.g. 7 of them.",
        "2. The foo of claim 1.",
        "3. The foo.",
    ]


def test_unnumbered_text_is_one_claim():
    assert split_claims("A foo.") == ["A foo."]
    assert split_claims("  ") == []
