"""Names of clusters of Chinese, Japanese and Korean patents, with segmenters and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patentclust.analysis import phrases, segment, topics
from patentclust.analysis.topics import Term

DATA = Path(__file__).parent / "data"
TWO = np.array([0, 0, 0, 1, 1, 1])

# What stands in a name, and what must stand in no term: claim language, particles, verbs, fragments of words.
TELLING = {
    "ja": {
        "battery": "固体電解質",
        "radio": "基地局",
        "washing machine": "洗濯機",
        "antibody": "抗体",
        "driving": "車両",
    },
    "ko": {
        "battery": "배터리",
        "display": "표시 장치",
        "cosmetics": "화장료 조성물",
        "memory": "메모리",
        "refrigerator": "냉장고",
    },
}
EMPTY = {
    "ja": "前記 該 請求項 特徴 課題 解決手段 提供 本発明 装置 方法 受信 送信 受信部 制御部 制御装置 次電池",
    "ko": "상기 청구항 특징으로 본 발명 포함하는 포함하여 제공한다 장치 방법 차전지 추출물을 전압을 유효성분 조성물",
}


def read(language: str) -> tuple[list[str], list[str]]:
    """Return texts and their technologies."""
    texts, kinds, kind = [], [], ""
    for line in (DATA / f"names_{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            kind = line[2:]
        elif not line.startswith("#"):
            texts.append("\n\n".join(part.strip() for part in line.split("|")))
            kinds.append(kind)
    return texts, kinds


def known(language: str) -> dict[str, segment.Words]:
    if language not in segment.installed():
        pytest.skip(f"no segmenter of {language} is installed (extra cjk)")
    return {language: segment.segmenters()[language]}


@pytest.fixture(params=["segmented", "pieces"])
def named(request: pytest.FixtureRequest):
    """Return what names and terms the technologies of a language get."""

    def name(language: str) -> dict[str, tuple[str, list[str]]]:
        texts, kinds = read(language)
        order = list(dict.fromkeys(kinds))
        labels = np.array([order.index(kind) for kind in kinds])
        segmenters = known(language) if request.param == "segmented" else {}
        terms = topics.extract(texts, labels, [language] * len(texts), segmenters=segmenters)
        names = topics.distinct_labels(terms)
        return {kind: (names[i], [t.term for t in terms[i]]) for i, kind in enumerate(order)}

    return name


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_technologies_are_named_by_their_words(named, language):
    found = named(language)
    assert {kind for kind, word in TELLING[language].items() if word in found[kind][0].split(" · ")} == set(found)


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_no_term_is_boilerplate_a_particle_or_a_fragment(named, language):
    terms = {term for _, own in named(language).values() for term in own}
    assert not terms & set(EMPTY[language].split())
    assert min(map(len, terms)) >= 2


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_name_repeats_none_of_its_words(named, language):
    for name, _ in named(language).values():
        parts = [phrases.parts(part) for part in name.split(" · ")]
        assert len(parts) == 3
        assert len(set().union(*parts)) == sum(map(len, parts))


def terms_of(texts: list[str], language: str, segmenters: dict[str, segment.Words]) -> list[list[str]]:
    found = topics.extract(texts, TWO[: len(texts)], [language] * len(texts), segmenters=segmenters)
    return [[t.term for t in terms] for terms in found]


def test_korean_phrases_end_at_objects_and_verbs():
    ko = known("ko")
    assert phrases.split("감초 추출물을 유효성분으로 함유하는 피부 미백용 조성물", "ko", ko["ko"]) == [
        ["감초", "추출물"],
        ["유효성분"],
        ["피부", "미백", "조성물"],
    ]
    assert phrases.split("냉장고의 저장실", "ko", ko["ko"]) == [["냉장고", "저장실"]]


def test_numerals_and_determiners_stay_in_korean_words():
    words = known("ko")["ko"]
    assert words("이차전지용") == ["이차전지"]
    assert words("전고체") == ["전고체"]
    assert words("이를") == [""]


def test_compounds_of_generic_words_alone_say_nothing():
    texts = ["一种灌溉控制装置", "灌溉数据处理系统", "灌溉管理平台", "焊接", "焊接", "焊接"]
    for segmenters in ({}, known("zh")):
        assert terms_of(texts, "zh", segmenters)[0] == ["灌溉"]


def test_one_character_before_a_generic_word_is_a_word_where_words_are_known():
    texts = ["水处理系统", "一种水处理装置", "水处理剂", "焊接", "焊接", "焊接"]
    assert terms_of(texts, "zh", known("zh"))[0][0] in ("水处理", "水处理系统", "水处理装置")


def test_single_characters_in_a_row_are_not_cut_apart():
    found = set(phrases.compounds(["リチウム", "二", "次", "電池"]))
    assert {"二次電池", "リチウム二次電池", "電池"} <= found
    assert not {"次電池", "リチウム二"} & found
    assert "型电池" not in set(phrases.compounds(["太阳能", "型", "电池"]))


def test_5g_and_3d_are_words_in_every_script_and_units_in_none():
    for language, text in (("zh", "用于5G网络的3D打印"), ("ja", "5G基地局と3Dプリンタ"), ("ko", "5G 통신과 3D 프린터")):
        found = {word for phrase in phrases.split(text, language) for word in phrase}
        assert {"5g", "3d"} <= found
    words = {word for phrase in phrases.split("厚度350nm的薄膜，15g，压力5MPa，20μm", "zh") for word in phrase}
    assert words == {"厚度", "薄膜", "压力"}


def test_a_term_of_several_languages_takes_one_place():
    texts, languages = ["qos, beam"] * 3 + ["qos 波束"] * 3, ["en"] * 3 + ["zh"] * 3
    (terms,) = topics.extract(texts, np.zeros(6, int), languages)
    assert sorted(t.term for t in terms) == ["beam", "qos", "波束"]


def test_a_name_keeps_to_one_language_and_the_terms_to_all():
    english = [Term("skin", 0.5, "en"), Term("wrinkle", 0.3, "en")]
    chinese = [Term("皮肤", 0.4, "zh"), Term("皱纹", 0.2, "zh"), Term("精华", 0.1, "zh")]
    alone = [Term("电池", 0.4, "zh"), Term("电极", 0.2, "zh"), Term("cell", 0.1, "en"), Term("隔膜", 0.1, "zh")]
    more = [Term("pump", 0.2, "en"), Term("valve", 0.2, "en"), Term("hose", 0.2, "en"), Term("tap", 0.1, "en")]
    names = topics.distinct_labels([[*chinese, *english], alone, more])
    assert names == ["skin · wrinkle", "电池 · 电极 · 隔膜", "pump · valve · hose"]
