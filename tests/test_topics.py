import numpy as np
import pytest

from patentclust.analysis import segment, topics
from patentclust.analysis.topics import Term

ENGLISH = [
    "Solid electrolyte for a lithium battery. A solid electrolyte comprising sulfide, wherein said battery is solid.",
    "Lithium battery having a sulfide solid electrolyte. The method comprises pressing one or more electrolytes.",
    "Solid electrolytes and methods. According to claim 1, the solid electrolyte is configured to be a sulfide.",
    "Antenna array device. The antenna array comprises a plurality of antennas for beam steering.",
    "Base station with antennas. In an embodiment a first antenna and a second antenna perform beam steering.",
    "Beam steering apparatus. The present invention relates to an antenna array of a base station.",
]
CHINESE = [
    "一种固体电解质及其制备方法，其特征在于，所述固体电解质包括硫化物。",
    "本发明公开了一种锂离子电池，所述锂离子电池的固体电解质为硫化物。",
    "锂离子电池用固体电解质、装置及方法",
    "一种基站的波束管理方法，其特征在于，所述基站向用户设备发送参考信号。",
    "本发明提供一种无线通信装置，所述基站通过参考信号管理波束。",
    "无线通信系统中的基站和参考信号发送方法",
]
JAPANESE = [
    "固体電解質を備える全固体電池であって、前記固体電解質は硫化物を含むことを特徴とする全固体電池。",
    "本発明は、リチウムイオン電池に関する。請求項１に記載の硫化物固体電解質の製造方法。",
    "全固体電池の固体電解質層の製造方法を提供する。リチウムイオン電池に好適である。",
    "基地局と端末との間の無線通信方法であって、前記端末は基地局からスケジューリング情報を受信する装置。",
    "無線通信システムにおいて、基地局がハンドオーバを制御する装置。",
    "端末は基地局のハンドオーバ要求に応じてスケジューリングを行う無線通信装置。",
]
TWO = np.array([0, 0, 0, 1, 1, 1])


def named(texts, language, labels=TWO, **options):
    return [[t.term for t in terms] for terms in topics.extract(texts, labels, [language] * len(texts), **options)]


@pytest.fixture(params=["segmented", "pieces"])
def segmenters(request):
    """Return word segmenters for Chinese, Japanese and Korean, and none."""
    if request.param == "pieces":
        return {}
    missing = set(segment.LIBRARIES) - set(segment.installed())
    if missing:
        pytest.skip(f"no segmenter of {sorted(missing)} is installed (extra cjk)")
    return segment.segmenters()


def test_english_terms_are_words_and_phrases_of_the_field():
    batteries, antennas = named(ENGLISH, "en")
    assert batteries[0] == "solid electrolyte"
    assert "sulfide" in batteries
    assert {"antenna", "antennas"} & set(antennas)
    assert "beam steering" in antennas


def test_english_boilerplate_stays_out():
    found = " ".join(term for terms in named(ENGLISH, "en") for term in terms).split()
    assert not {"said", "wherein", "comprising", "comprises", "plurality", "first", "method", "claim"} & set(found)


def test_a_word_that_adds_nothing_to_a_phrase_is_left_out():
    batteries, _ = named(ENGLISH, "en")
    assert not {"electrolyte", "electrolytes", "solid"} & set(batteries)


def test_plural_and_singular_are_one_term_in_the_commoner_form():
    texts = ["antennas, rotor", "antennas, rotors", "antenna, rotor", "valve", "valve", "valve"]
    assert sorted(named(texts, "en")[0]) == ["antennas", "rotor"]


def test_words_that_only_look_like_plurals_stay_whole():
    texts = ["gas glass lens process bus", "gas glass lens process bus", "valve", "valve"]
    words = set(" ".join(named(texts, "en", labels=np.array([0, 0, 1, 1]))[0]).split())
    assert words <= {"gas", "glass", "lens", "bus", "process"}


def test_chinese_terms_are_whole_words(segmenters):
    batteries, radio = named(CHINESE, "zh", segmenters=segmenters)
    assert {"固体电解质", "锂离子电池", "硫化物"} <= set(batteries)
    assert {"基站", "参考信号"} <= set(radio)


def test_chinese_boilerplate_and_fragments_stay_out(segmenters):
    found = {term for terms in named(CHINESE, "zh", segmenters=segmenters) for term in terms}
    assert (
        not {"所述", "一种", "本发明", "其特征在于", "装置", "方法", "电解", "电解质", "体电解质", "离子电池"} & found
    )


def test_japanese_terms_are_whole_words(segmenters):
    batteries, radio = named(JAPANESE, "ja", segmenters=segmenters)
    assert {"固体電解質", "リチウムイオン電池"} <= set(batteries)
    assert {"基地局", "無線通信", "ハンドオーバ"} <= set(radio)


def test_japanese_boilerplate_and_fragments_stay_out(segmenters):
    found = {term for terms in named(JAPANESE, "ja", segmenters=segmenters) for term in terms}
    assert not {"前記", "請求項", "装置", "方法", "特徴", "電解質", "体電解質", "地局"} & found


def test_a_korean_particle_is_no_part_of_the_word(segmenters):
    texts = ["고체 전해질을 포함하는 전지", "고체 전해질 및 전지", "무선 통신 기지국", "기지국의 무선 통신"]
    first, second = named(texts, None, labels=np.array([0, 0, 1, 1]), segmenters=segmenters)
    assert first[0] == "고체 전해질"
    assert "기지국" in second


def test_languages_share_the_places_of_a_cluster_in_proportion():
    texts, languages = ENGLISH[:3] * 2 + CHINESE[:3], ["en"] * 6 + ["zh"] * 3
    other = ENGLISH[3:] + CHINESE[3:]
    labels = np.array([0] * 9 + [1] * 6)
    terms = topics.extract(texts + other, labels, languages + ["en"] * 3 + ["zh"] * 3, n_terms=6)[0]
    chinese = [t.term for t in terms if not t.term.isascii()]
    assert chinese
    assert len(chinese) <= 2
    assert any(t.term.isascii() for t in terms)


def test_a_missing_language_is_guessed_from_the_script():
    texts = [JAPANESE[1], JAPANESE[2], CHINESE[3], CHINESE[4]]
    guessed = topics.extract(texts, np.array([0, 0, 1, 1]), [None] * 4)
    assert guessed == topics.extract(texts, np.array([0, 0, 1, 1]), ["ja", "ja", "zh", "zh-CN"])


def test_weights_follow_the_class_based_tf_idf_formula():
    texts = ["rotor, rotor, blade", "rotor, blade", "valve, blade"]
    terms = topics.extract(texts, np.array([0, 0, 1]), ["en"] * 3)
    # Cluster 0 holds rotor 3 times and blade twice, cluster 1 valve and blade once; 3.5 words a class.
    expected = {"rotor": 3 / 5 * np.log(1 + 3.5 / 3), "blade": 2 / 5 * np.log(1 + 3.5 / 3)}
    assert {t.term: t.weight for t in terms[0]} == pytest.approx(expected)


def test_terms_come_heaviest_first_with_ties_in_alphabetical_order():
    terms = topics.extract(["zinc copper", "copper zinc", "valve"], np.array([0, 0, 1]), ["en"] * 3)[0]
    assert [t.term for t in terms][:2] == ["copper", "zinc"]
    assert [t.weight for t in terms] == sorted((t.weight for t in terms), reverse=True)


def test_full_width_letters_and_capitals_are_the_same_word():
    found = named(["ＬＥＤ lamp", "led LAMP", "valve", "valve"], "en", labels=np.array([0, 0, 1, 1]))
    assert {"led", "lamp", "led lamp"} & set(found[0])
    assert not any("ＬＥＤ" in term for term in found[0])


def test_numbers_and_reference_signs_are_no_terms():
    found = named(
        ["rotor (10) and blade (12a) 350", "rotor 10 blade 12a", "valve", "valve"], "en", np.array([0, 0, 1, 1])
    )
    assert found[0] == ["blade", "rotor"]


@pytest.mark.parametrize("texts", [[], [""], ["the said method"], ["123 (4)", ""]])
def test_texts_without_a_telling_word_have_no_terms(texts):
    labels = np.zeros(len(texts), int)
    assert topics.extract(texts, labels, ["en"] * len(texts)) == [[]] * (1 if texts else 0)


def test_noise_gets_no_terms():
    assert topics.extract(ENGLISH, np.full(6, -1), ["en"] * 6) == []
    assert len(topics.extract(ENGLISH, np.array([0, 0, 0, -1, -1, -1]), ["en"] * 6)) == 1


def test_large_clusters_are_sampled_evenly(monkeypatch):
    monkeypatch.setattr(topics, "MAX_MEMBERS", 3)
    first, second = named(ENGLISH[:3] * 20 + ENGLISH[3:] * 20, "en", labels=np.repeat([0, 1], 60))
    assert first
    assert second


def test_a_label_repeats_no_word():
    terms = [
        Term(t, 1 - i / 10) for i, t in enumerate(["solid electrolyte", "electrolytes", "sulfide", "lithium metal"])
    ]
    assert topics.label(terms) == "solid electrolyte · sulfide · lithium metal"
    assert topics.label([]) == ""


def test_a_label_prefers_a_phrase_that_is_nearly_as_heavy_as_its_word():
    terms = [Term("surgical", 1.0), Term("tissue", 0.9), Term("surgical instrument", 0.5), Term("soft tissue", 0.1)]
    assert topics.label(terms) == "surgical instrument · tissue"


def test_labels_are_distinct_and_never_empty():
    same = [Term("battery", 1.0), Term("anode", 0.9), Term("cathode", 0.8), Term("separator", 0.7)]
    names = topics.distinct_labels([same, same, same, [], []])
    assert names[0] == "battery · anode · cathode"
    assert names[1] == "battery · anode · cathode · separator"
    assert len(set(names)) == 5
    assert names[3] == "cluster 3"


def test_centroids_are_unit_directions_also_when_members_cancel_out():
    rows = np.array([[1, 0], [0, 1], [1, 0], [-1, 0], [0, 1]], np.float32)
    centres = topics.centroids(rows, np.array([0, 0, 1, 1, -1]))
    assert np.allclose(centres, [[0.5**0.5, 0.5**0.5], [1, 0]])
    assert centres.dtype == np.float32
    assert topics.centroids(rows, np.full(5, -1)).shape == (0, 2)


def test_exemplars_begin_with_the_medoid_and_ties_keep_their_order():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 6)).astype(np.float32) + 1
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.array([0] * 25 + [1] * 15)
    found = topics.exemplars(rows, labels, n=5)
    medoid = (1 - rows[:25] @ rows[:25].T).mean(axis=1).argmin()
    assert found[0][0] == medoid
    assert [len(f) for f in found] == [5, 5]
    assert topics.exemplars(np.tile(rows[:1], (4, 1)), np.zeros(4, int), n=9)[0].tolist() == [0, 1, 2, 3]


def test_equal_input_gives_equal_terms():
    texts, labels = ENGLISH + CHINESE + JAPANESE, np.tile(TWO, 3)
    languages = ["en"] * 6 + ["zh"] * 6 + ["ja"] * 6
    assert topics.extract(texts, labels, languages) == topics.extract(texts, labels, languages)


def test_segmented_terms_are_no_fragments_of_words():
    if "zh" not in segment.installed():
        pytest.skip("no segmenter of Chinese is installed (extra cjk)")
    texts = ["太阳能充电桩", "风能充电桩", "一种储能充电桩", "灌溉", "农田灌溉"]
    labels = np.array([0, 0, 0, 1, 1])
    assert "能充电桩" in named(texts, "zh", labels=labels)[0]
    words = named(texts, "zh", labels=labels, segmenters=segment.segmenters())
    assert "充电桩" in words[0]
    assert not any(term.startswith("能") for term in words[0])


def test_german_without_umlauts_has_no_boilerplate_either(segmenters):
    texts = [
        "Zuendanlage fuer Brennkraftmaschinen gemaess Anspruch",
        "Kuehlung fuer Brennkraftmaschinen waehrend Betrieb",
    ]
    (terms,) = topics.extract(texts, np.zeros(2, int), ["de", "de"], segmenters=segmenters)
    found = " ".join(term.term for term in terms)
    assert "brennkraftmaschinen" in found
    assert not {"fuer", "gemaess", "waehrend"} & set(found.split())


def test_korean_verbs_and_particles_are_no_words():
    if "ko" not in segment.installed():
        pytest.skip("no segmenter of Korean is installed (extra cjk)")
    words = segment.segmenters()["ko"]
    assert words("전해질을") == ["전해질", ""]
    assert words("포함하는") == [""]


def test_segmenting_twice_gives_the_same_words():
    for language, words in segment.segmenters().items():
        run = {"zh": "锂离子电池固态电解质", "ja": "硫化物固体電解質", "ko": "리튬이온"}[language]
        assert "".join(words(run)) == run
        assert words(run) == words(run)
