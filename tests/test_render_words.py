"""The page's words: every language has every sentence, and the page speaks it."""

import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest

from patentclust.errors import ConfigError
from patentclust.params import PAGE_LANGUAGES, ReportParams
from patentclust.render import words
from patentclust.render.payload import DETAIL_FIELDS
from patentclust.render.readings import read_scores
from patentclust.scores import SCORES
from patentclust.stages import report
from tests.test_report import details, document, small_workspace, unit, write_workspace

RENDER = Path(words.__file__).parent
TEMPLATES = RENDER / "templates"
OTHERS = [language for language in PAGE_LANGUAGES if language != "en"]


def blanks(text):
    """The names that each form of a sentence fills in; forms are many only where the language has a plural."""
    return [{name for _, name, _, _ in Formatter().parse(form) if name} for form in text.split("|")]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("part", ["page", "script", "live"])
def test_no_sentence_is_missing_or_fills_in_other_values(language, part):
    ours, english = getattr(words.words_of(language), part), getattr(words.words_of("en"), part)
    assert set(ours) == set(english)
    assert [
        key for key in english if {*map(frozenset, blanks(ours[key]))} - {*map(frozenset, blanks(english[key]))}
    ] == []
    assert [key for key, text in ours.items() if not text.strip()] == []


def test_what_scores_are_held_against_is_said_in_the_language_broad_levels_first():
    scores = {f"ipc:{level}": {"ami": 0.5} for level in ("group", "section", "section, layer 1", "subclass")}
    assert [name for name, _ in read_scores(scores, "zh")[1][0].rows] == [
        "IPC 部", "IPC 部, 第 1 层", "IPC 小类", "IPC 大组",
    ]  # fmt: skip


@pytest.mark.parametrize("language", OTHERS)
def test_every_score_has_its_name_and_sentence(language):
    assert list(words.words_of(language).scores) == list(SCORES)


KNOWN = {"html_lang", "page", "script", "live", "scores", "warnings"}


def test_a_word_list_has_no_table_that_nothing_reads():
    for path in sorted((RENDER / "wordlists").iterdir()):
        assert set(tomllib.loads(path.read_text(encoding="utf-8"))) <= KNOWN


def test_every_sentence_is_said_somewhere_and_every_key_is_known():
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*.html")))
    scripts = "".join(path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*.js")))
    code = "".join(path.read_text(encoding="utf-8") for path in [*RENDER.glob("*.py"), Path(report.__file__)])
    quoted = set(re.findall(r'"([a-z_A-Z0-9]+)"', pages + code))
    # Names of links are keys of objects in the script.
    named = (
        set(re.findall(r'"([a-z_0-9]+)"', scripts))
        | set(re.findall(r"\b([a-z_]+):", scripts))
        | {"clusters", "patents"}
    )
    english = words.words_of("en")
    built = {key for key in english.page if key.startswith(("curation_", "kind_", "level_"))}
    assert set(english.page) - quoted - built == set()
    assert set(english.script) - named == set()
    assert set(re.findall(r'say\("([a-z_]+)"', pages)) - {"kind_", "curation_"} <= set(english.page)
    assert set(re.findall(r'say\("([a-z_]+)"', scripts)) <= set(english.script)


def test_the_live_page_says_every_sentence_of_its_own_and_no_other():
    script = (RENDER.parent / "serve" / "page" / "live.js").read_text(encoding="utf-8")
    assert set(re.findall(r'"(live_[a-z_]+)"', script)) == set(words.words_of("en").live)
    assert re.findall(r'make\("\w+", "\w*", "[A-Z]', script) == []


@pytest.mark.parametrize(
    ("language", "html_lang", "said"),
    [
        ("zh", "zh-Hans", ("专利族", "申请人", "噪声", "轮廓系数")),
        ("ja", "ja", ("特許ファミリー", "出願人", "ノイズ", "シルエット係数")),
    ],
)
def test_the_page_speaks_the_language_that_was_asked_for(tmp_path, language, html_lang, said):
    workspace = small_workspace(tmp_path)
    report.run(workspace, ReportParams(lang=language, workbook=False))
    text = workspace.report.read_text(encoding="utf-8")
    assert f'<html lang="{html_lang}">' in text
    assert [word for word in said if word not in text] == []
    visible = re.sub(r"<(script|style|code)[^>]*>.*?</\1>|<[^>]+>", " ", text, flags=re.S)
    assert [word for word in ("Documents", "Clusters", "Noise", "members", "Families") if word in visible] == []
    assert not report.run(workspace, ReportParams(lang="en", workbook=False)).current


def test_scores_are_read_in_the_language_of_the_page():
    ((score,), _) = read_scores({"noise_share": 0.25}, "ja")
    assert (score.name, score.value) == ("ノイズ、割合", "25.0%")


@pytest.mark.parametrize("language", OTHERS)
def test_warnings_of_readers_are_said_in_the_language_of_the_page(language):
    say, others = words.words_of(language), [words.words_of(other).warnings for other in OTHERS]
    assert others[0].keys() == others[1].keys()
    code = "".join(path.read_text(encoding="utf-8") for path in (RENDER.parent / "readers").glob("*.py"))
    code += (RENDER.parent / "stages" / "repeats.py").read_text(encoding="utf-8")
    for english, ours in say.warnings.items():
        assert blanks(ours)[0] == blanks(english)[0], english
        longest = max(re.split(r"\{\w+\}|; --ocr", english), key=len)
        assert longest in code, f"no reader says {longest!r} any more"
        assert say.warning(english.format(**dict.fromkeys(blanks(english)[0], "7"))) != english
    assert say.warning("something new") == "something new"
    assert words.words_of("en").warning("also read from a.xml") == "also read from a.xml"


def test_warnings_stand_on_the_card_in_the_language_of_the_page(tmp_path):
    documents = [document(0, warnings=["also read from a{b}.xml"])]
    workspace = write_workspace(tmp_path, documents, [unit("US-10000000-B2", -1)], [])
    report.run(workspace, ReportParams(lang="zh", workbook=False))
    assert dict(zip(DETAIL_FIELDS, details(workspace)[0], strict=True))["warnings"] == ["另从 a{b}.xml 读取"]


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="lang is 'fr'"):
        ReportParams(lang="fr")


def test_values_are_escaped_and_counted():
    say = words.words_of("en")
    assert say("n_left_out_documents", n=1) == "Not on the map: 1 document"
    left_out = say("n_left_out", units=say("families", n=1000), n=1200)
    assert left_out == "Not on the map: 1,000 families (1,200 documents)"
    assert "&lt;b&gt;" in say("reader", name="<b>")
