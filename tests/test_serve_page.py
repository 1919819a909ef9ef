"""The live page in a real browser: ask the full texts, drop a file, look at an original. Nothing else is reached."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patentclust import pipeline
from patentclust.params import EmbedParams, ReportParams
from patentclust.render.words import words_of
from patentclust.workspace import Workspace

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from patentclust.serve import live  # noqa: E402
from patentclust.serve.kept import kept_map  # noqa: E402
from tests.serving import serving  # noqa: E402
from tests.test_render_browser import CHROMIUM, FLAGS, NAMES, Browser  # noqa: E402
from tests.test_render_hostile import HOSTILE  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples" / "patents"
PDF = "US-98010011-B1"
in_browser = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {NAMES} is on the path")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for path in [*sorted((EXAMPLES / "us").glob("*.xml"))[:30], *sorted((EXAMPLES / "pdf").glob("*.pdf"))[:4]]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, sources: Path, minilm: Path) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("live") / "out")
    pipeline.ingest(workspace, [sources])
    pipeline.embed(workspace, EmbedParams(model="minilm"))
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    pipeline.cluster(workspace)
    pipeline.report(workspace)
    return workspace


@pytest.fixture(scope="module")
def url(mapped: Workspace) -> Iterator[str]:
    with serving(mapped.root, None) as (address, _):
        yield address


@pytest.fixture
def page(url: str, tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "profile")
    flags = [flag for flag in FLAGS if not flag.startswith("--proxy-server")]
    try:
        # Every name but this machine's own leads nowhere.
        opened.start([*flags, "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1"])
        opened.screen(1440, 1000)
        opened.open(url + "/")
        opened.until("window.live !== undefined")
        yield opened
    finally:
        opened.stop()


def in_silence(page: Browser, url: str) -> bool:
    assert page.complaints() == []
    return all(asked.startswith((url, "data:,")) for asked in page.requests())


@in_browser
def test_a_question_lists_passages_and_marks_them_on_the_map(page: Browser, url: str) -> None:
    page.type_into("ask-words", "reinforcement learning policy")
    page.key("Enter", text="\r", windowsVirtualKeyCode=13)
    page.until("document.querySelectorAll('#ask .hits li').length > 0")
    expected = httpx.post(url + "/v1/search", json={"query": "reinforcement learning policy"}).json()
    assert page.evaluate("[...document.querySelectorAll('#ask .hits a')].map(a => a.textContent)") == [
        hit["doc_id"] for hit in expected
    ]
    assert page.evaluate("reader.map.emphasis.reduce((a, b) => a + b)") == len(expected)
    assert page.evaluate("document.querySelector('#ask .snippet').textContent.length") > 50
    assert in_silence(page, url)


@in_browser
def test_an_answer_out_of_part_of_the_passages_says_so(
    page: Browser, url: str, mapped: Workspace, sources: Path
) -> None:
    asked: dict[str, Any] = {"json": {"query": "battery", "exact": True}, "timeout": 60}
    added = sorted((EXAMPLES / "us").glob("*.xml"))[30:32]
    pipeline.ingest(mapped, [sources, *added])
    try:
        answer = httpx.post(url + "/v1/search", **asked)
        counted = json.loads(answer.headers["X-Patentclust-Coverage"])
        assert counted["of_units"] == counted["units"] + len(added)
        page.type_into("ask-words", "battery")
        page.key("Enter", text="\r", windowsVirtualKeyCode=13)
        page.until("document.querySelectorAll('#ask .hits li').length > 0")
        told = page.evaluate("document.querySelector('#ask').textContent").replace(",", "")
        assert f"Only {counted['passages']} of {counted['of_passages']} passages" in told
    finally:
        pipeline.ingest(mapped, [sources])
    counted = json.loads(httpx.post(url + "/v1/search", **asked).headers["X-Patentclust-Coverage"])
    assert counted["passages"] == counted["of_passages"]
    assert in_silence(page, url)


@in_browser
def test_a_dropped_file_gets_a_star_where_its_like_are(page: Browser, url: str, sources: Path) -> None:
    data = base64.b64encode((sources / "US98010011B1.pdf").read_bytes()).decode()
    page.evaluate(
        f"const bytes = Uint8Array.from(atob('{data}'), c => c.charCodeAt(0)); const carried = new DataTransfer();"
        " carried.items.add(new File([bytes], 'mine.pdf', { type: 'application/pdf' }));"
        " document.dispatchEvent(new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true }))"
    )
    page.until("document.querySelectorAll('#ask .hits li').length > 0 && live.star")
    assert page.evaluate("document.querySelector('#ask .hits a').textContent") == PDF
    index = page.evaluate(f"reader.corpus.ids.indexOf('{PDF}')")
    star, points = page.evaluate("live.star"), page.evaluate("[[...reader.corpus.x], [...reader.corpus.y]]")
    cluster = page.evaluate(f"[...reader.corpus.clusters].map(c => c === reader.corpus.clusters[{index}])")
    for axis in (0, 1):
        near = [value for value, own in zip(points[axis], cluster, strict=True) if own]
        assert min(near) - 1 <= star[axis] <= max(near) + 1
    assert in_silence(page, url)


@in_browser
def test_a_file_that_is_no_patent_is_told(page: Browser) -> None:
    page.evaluate("live.drop(new File(['no patent'], 'x.xml'))")
    page.until("document.querySelector('#ask [role=status]').textContent.length > 20")
    assert "/tmp" not in page.evaluate("document.querySelector('#ask [role=status]').textContent")


@in_browser
def test_a_card_shows_the_original_and_its_pages(page: Browser, url: str) -> None:
    page.evaluate(f"reader.open(reader.corpus.ids.indexOf('{PDF}'), reader.map.marks)")
    page.until("document.getElementById('card-original') !== null")
    page.evaluate("document.getElementById('card-original').click()")
    page.until("document.querySelector('.original img')?.naturalWidth > 500")
    page.evaluate("document.querySelectorAll('.original button')[1].click()")
    page.until("document.querySelector('.original .muted').textContent === 'Page 2 of 2'")
    page.until("document.querySelector('.original img').complete")
    assert "reinforcement" in page.evaluate("document.querySelector('.original details').textContent")
    assert in_silence(page, url)


@in_browser
def test_hostile_answers_stay_text(page: Browser, url: str) -> None:
    text = json.dumps(" ".join(HOSTILE))
    hit = f"{{doc_id: {text}, title: {text}, cluster: {text}, assignees: [{text}], similarity: 1, snippet: {text}}}"
    original = f"{{abstract: {text}, claims: [{text}], description: {text}, n_pages: 0}}"
    page.evaluate(f"live.show([{hit}], {text}); live.status.textContent = {text}")
    page.evaluate(f"fillOriginal(live.answer, {original}, 'v1/'); live.status.textContent")
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('#ask img, #ask script, [onerror], [onmouseover]').length") == 0
    assert page.evaluate("document.querySelector('#ask bdi').textContent") == " ".join(HOSTILE)
    assert in_silence(page, url)


@pytest.mark.parametrize(
    ("report", "chosen", "said"), [("zh", None, "检索全文"), ("en", "ja", "全文を"), ("en", None, "Ask")]
)
def test_what_the_page_adds_is_said_in_the_language_of_the_report_or_the_one_chosen(
    mapped: Workspace, report: str, chosen: str | None, said: str
) -> None:
    pipeline.report(mapped, ReportParams(lang=report))
    answer = live.page(mapped, kept_map(mapped), chosen).decode()
    (given,) = re.findall(r'data-words="([^"]*)"', answer)
    words = json.loads(html.unescape(given))
    assert said in words["live_ask"] and words == words_of(chosen or report).live


def test_pages_are_there_while_the_source_is_what_was_read(url: str, sources: Path) -> None:
    def ask(what: str = "") -> Any:
        return httpx.get(f"{url}/v1/documents/{PDF}{what}", timeout=60)

    assert ask().json()["n_pages"] == 2 and ask("/pages/2").content.startswith(b"\x89PNG")
    assert ask("/pages/3").status_code == 404 and ask("/pages/0").status_code == 400
    file = sources / "US98010011B1.pdf"
    kept = file.read_bytes()
    try:
        file.write_bytes(kept + b"%")
        assert ask().json()["n_pages"] == 0 and ask("/pages/1").status_code == 404
    finally:
        file.write_bytes(kept)
    for other in ("..%2F..%2Fetc%2Fpasswd", str(file).replace("/", "%2F"), "US-1-B1"):
        assert httpx.get(f"{url}/v1/documents/{other}").status_code == 404


def test_a_question_takes_filters_and_the_map_is_read_again_when_it_changes(url: str, mapped: Workspace) -> None:
    found = httpx.post(url + "/v1/search", json={"query": "learning", "ipc": "G06N", "top": 3}, timeout=60).json()
    assert 0 < len(found) <= 3
    asked = httpx.post(url + "/v1/search", json={"query": "learning"}, timeout=60).json()
    assert [hit["doc_id"] for hit in asked] == [hit.doc_id for hit in pipeline.search(mapped, "learning").hits]
    for body in ({"query": " "}, {"query": "a", "years": "last"}, {"query": "a", "other": 1}):
        assert httpx.post(url + "/v1/search", json=body).status_code == 400
    before = httpx.get(url + "/v1/clusters").json()
    topics = mapped.topics.read_bytes()
    mapped.topics.rename(mapped.topics.with_suffix(".away"))
    assert httpx.get(url + "/v1/clusters").status_code == 404
    mapped.topics.write_bytes(topics)
    assert httpx.get(url + "/v1/clusters").json() == before
