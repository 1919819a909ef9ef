from __future__ import annotations

import pytest

from patentclust.analysis.assignees import apply, count_names, normalise, suggest


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("Samsung Electronics Co., Ltd.", "SAMSUNG ELECTRONICS"),
        ("SAMSUNG ELECTRONICS CO LTD", "SAMSUNG ELECTRONICS"),
        ("International Business Machines Corporation", "INTERNATIONAL BUSINESS MACHINES"),
        ("Hauni Maschinenbau GmbH", "HAUNI MASCHINENBAU"),
        ("Müller & Söhne GmbH & Co. KG", "MULLER AND SOHNE"),
        ("Societe X S.A.", "SOCIETE X"),
        ("Koninklijke Philips N.V.", "KONINKLIJKE PHILIPS"),
        ("BASF SE", "BASF"),
        ("Beispiel S.p.A.", "BEISPIEL"),
        ("Kabushiki Kaisha Toshiba", "TOSHIBA"),
        ("株式会社東芝", "東芝"),
        ("华为技术有限公司", "华为技术"),
        ("삼성전자주식회사", "삼성전자"),
        ("ＡＢＣ Ｉｎｃ．", "ABC"),
        ("AT&T Intellectual Property I, L.P.", "AT AND T INTELLECTUAL PROPERTY I"),
        ("The Boeing Company", "BOEING"),
        ("Thermo Fisher Inc.", "THERMO FISHER"),
        ("加拿大商匹若堅尼斯加拿大股份有限公司", "匹若堅尼斯加拿大"),
        ("英屬開曼群島商鳳凰股份有限公司", "鳳凰"),
        ("招商銀行股份有限公司", "招商銀行"),
        ("香港商汤科技有限公司", "香港商汤科技"),
        ("泰國商業銀行股份有限公司", "泰國商業銀行"),
        ("法商股份有限公司", "法商"),
        ("有限公司", "有限公司"),
        ("日商岩井株式会社", "日商岩井"),
        ("Ltd.", "LTD"),
        ("  ", ""),
        ("=cmd() GmbH", "CMD"),
    ],
)
def test_names_fold_to_one_form(raw: str, folded: str) -> None:
    assert normalise(raw) == folded
    assert normalise(folded) == folded


def test_the_thesaurus_maps_what_it_knows_and_repeats_go() -> None:
    names = ("IBM Corp.", "International Business Machines Corp.", "Other AG", "")
    assert apply(names, {"INTERNATIONAL BUSINESS MACHINES": "IBM"}) == ("IBM", "OTHER")


def test_like_names_are_proposed_under_the_commonest() -> None:
    counts = {"MICROSOFT": 90, "MICROSFOT": 2, "NOKIA": 30, "PLANT 1": 5, "PLANT 2": 5}
    (proposal,) = suggest(counts, least=85)
    assert (proposal.name, proposal.variants, proposal.n_documents) == ("MICROSOFT", ("MICROSFOT",), 92)


def test_no_names_give_no_proposal() -> None:
    assert suggest({}) == []


def test_a_name_counts_once_a_document() -> None:
    assert count_names([("A", "A", "B"), ("A",), ()]) == {"A": 2, "B": 1}
