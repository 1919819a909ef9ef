"""The page in a real browser, from disk, with the network cut. Talks DevTools over a pipe: no port, no library."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest

from patentclust.stages import report
from tests.test_report import document, small_workspace, topic, unit, write_workspace

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {NAMES} is on the path")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars", "--remote-debugging-pipe",
    "--proxy-server=127.0.0.1:9",
]  # fmt: skip


class Browser:
    """One page, and everything it said, asked for or was refused."""

    def __init__(self, folder):
        self.folder = folder
        self.events = []
        self.last_id = 0
        self.scripted = True
        self.buffer = b""

    def start(self, flags=FLAGS):
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        commands, self.write_to = os.pipe()
        self.read_from, answers = os.pipe()
        wrapper = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        arguments = ["bash", "-c", wrapper, "-", str(commands), str(answers)]
        arguments += [CHROMIUM, *flags, f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(
            arguments, pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(commands)
        os.close(answers)
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read(60)
            if answer.get("id") == self.last_id:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def read(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_from], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            chunk = os.read(self.read_from, 1 << 20)
            assert chunk, "the browser has died"
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, url):
        say = "event => console.error('CSP', event.violatedDirective, event.blockedURI)"
        watch = f"addEventListener('securitypolicyviolation', {say})"
        self.call("Page.addScriptToEvaluateOnNewDocument", source=watch)
        self.call("Page.navigate", url=url if isinstance(url, str) else url.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.read(120)
        if self.scripted:
            self.until("window.reader?.walk !== undefined")

    def evaluate(self, expression):
        """Return the value of an expression; goes round the page's content policy, as the console does."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression):
        """Wait until an expression is true."""
        for _ in range(400):
            if self.evaluate(expression):
                return
            time.sleep(0.05)
        raise AssertionError(f"never became true: {expression}")

    def screen(self, width, height, *, dark=False, mobile=False, scale=1):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, key, **more):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **more)

    def type_into(self, element_id, text):
        self.evaluate(f"document.getElementById('{element_id}').focus()")
        self.call("Input.insertText", text=text)

    def complaints(self):
        """Return console errors and warnings, uncaught exceptions, log entries and violations of the policy."""
        found = [e["params"] for e in self.events if e["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
        calls = (e["params"] for e in self.events if e["method"] == "Runtime.consoleAPICalled")
        return found + [call for call in calls if call["type"] in ("error", "warning", "assert")]

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write_to)
        os.close(self.read_from)


@contextmanager
def browser(folder):
    opened = Browser(folder)
    try:
        opened.start()
        yield opened
    finally:
        opened.stop()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    made = small_workspace(tmp_path_factory.mktemp("workspace"))
    report.run(made)
    return made


@pytest.fixture
def page(tmp_path, workspace):
    with browser(tmp_path / "profile") as opened:
        opened.screen(1440, 900)
        opened.open(workspace.report)
        yield opened


def point_of(page, index):
    """Where on the window a document's point is."""
    return page.evaluate(
        f"(() => {{ const box = reader.map.marks.getBoundingClientRect(); const [x, y] = reader.map.toScreen({index});"
        " return [box.left + x, box.top + y]; })()"
    )


def test_the_page_draws_the_map_in_silence(page, workspace):
    assert page.evaluate("document.documentElement.dataset.drawn") == "30"
    assert int(page.evaluate("document.documentElement.dataset.ready")) > 0
    painted = page.evaluate("new Set(new Uint32Array(reader.map.image.data.buffer)).size")
    assert painted > 4
    assert page.complaints() == []
    assert page.requests() == [workspace.report.as_uri()]


def test_the_detector_sees_what_it_looks_for(page):
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=https://example.com/x onerror=alert(1)>')")
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    said = json.dumps(page.complaints())
    assert "img-src" in said
    assert "script-src" in said or "script-src-attr" in said


def test_click_opens_a_card_and_escape_closes_it(page):
    page.click(*point_of(page, 4))
    page.until("document.querySelector('#card .text') !== null")
    text = page.evaluate("document.getElementById('card').innerText")
    for part in ("US-10000004-B2", "Display assembly 4", "Abstract", "First claim", "1. An assembly.", "in/4.xml"):
        assert part in text
    links = page.evaluate("[...document.querySelectorAll('.links a[rel]')].map(a => [a.href, a.rel])")
    assert links == [
        ["https://patents.google.com/patent/US10000004B2/en", "noreferrer noopener"],
        ["https://worldwide.espacenet.com/patent/search?q=pn%3DUS10000004B2", "noreferrer noopener"],
    ]
    page.key("Escape")
    assert page.evaluate("document.getElementById('card').hidden") is True


def test_hover_shows_title_number_applicant_year_and_cluster(page):
    page.mouse("mouseMoved", *point_of(page, 4))
    text = page.evaluate("document.getElementById('tip').innerText")
    for part in ("Display assembly 4", "US-10000004-B2", "Applicant 0, 2015", "antenna, cell"):
        assert part in text


@pytest.mark.parametrize(
    ("query", "documents", "clusters"),
    [("10000004", 1, 0), ("us10000004b2", 1, 0), ("ANTENNA 25", 1, 0), ("applicant 3 turbine", 3, 0), ("anode", 0, 3)],
)
def test_search_finds_numbers_titles_applicants_and_terms(page, query, documents, clusters):
    page.type_into("search", query)
    assert page.evaluate("[reader.found.documents.length, reader.found.topics.length]") == [documents, clusters]
    assert page.evaluate("document.querySelectorAll('#results button').length") == documents + clusters


def test_results_and_cards_are_reached_by_tab(page):
    page.type_into("search", "10000004")
    page.key("Tab", code="Tab", windowsVirtualKeyCode=9)
    assert "US-10000004-B2" in page.evaluate("document.activeElement.innerText")
    page.key("Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert page.evaluate("document.activeElement.id") == "card"
    page.key("Tab", code="Tab", windowsVirtualKeyCode=9)
    assert page.evaluate("document.activeElement.id") == "card-close"
    page.key("Escape")
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_cluster_of_the_legend_is_highlighted_and_let_go(page):
    page.evaluate("document.querySelector('#legend a[data-cluster=\"1\"]').click()")
    assert page.evaluate("reader.map.emphasis.reduce((a, b) => a + b)") == 9
    page.evaluate("document.querySelector('#legend a[data-cluster=\"1\"]').click()")
    assert page.evaluate("reader.map.emphasis") is None


def test_wheel_zooms_about_the_pointer_and_reset_returns(page):
    x, y = point_of(page, 4)
    before = page.evaluate("reader.map.view.scale")
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200)
    assert page.evaluate("reader.map.view.scale") > 1.3 * before
    assert point_of(page, 4) == pytest.approx([x, y], abs=1)
    page.evaluate("document.getElementById('reset').click()")
    assert page.evaluate("reader.map.view.scale") == pytest.approx(before)


def test_dragging_moves_the_map_and_opens_nothing(page):
    x, y = point_of(page, 4)
    page.mouse("mouseMoved", x, y)
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    for step in range(1, 6):
        page.mouse("mouseMoved", x + 10 * step, y + 6 * step, button="left", buttons=1)
    page.mouse("mouseReleased", x + 50, y + 30, button="left", clickCount=1)
    assert point_of(page, 4) == pytest.approx([x + 50, y + 30], abs=6)
    assert page.evaluate("document.getElementById('card').hidden") is True


def test_a_phone_sees_no_sideways_scroll(page):
    page.screen(390, 844, mobile=True, scale=2)
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("reader.map.cssWidth") < 390


def test_two_fingers_zoom_and_open_nothing(page):
    page.screen(390, 844, mobile=True, scale=2)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    before = page.evaluate("reader.map.view.scale")
    x, y = point_of(page, 4)
    for step, kind in enumerate(["touchStart", *["touchMove"] * 6]):
        spread = 20 + 10 * step
        fingers = [{"x": x - spread, "y": y, "id": 0}, {"x": x + spread, "y": y, "id": 1}]
        page.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert page.evaluate("reader.map.view.scale") > 2 * before
    assert point_of(page, 4) == pytest.approx([x, y], abs=25)
    assert page.evaluate("document.getElementById('card').hidden") is True


def test_dark_and_print_redraw_the_map(page):
    corner = "[...reader.map.image.data.slice(0, 3)]"
    assert page.evaluate(corner) == [255, 255, 255]
    page.screen(1440, 900, dark=True)
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert page.evaluate(corner) == [20, 24, 28]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(corner) == [255, 255, 255]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(corner) == [20, 24, 28]


def test_beyond_the_limit_the_table_pages_and_filters(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_LISTED", 60)
    documents = [document(i) for i in range(120)]
    units = [unit(d["doc_id"], i % 2, i % 9, i % 7) for i, d in enumerate(documents[:-1])]
    topics = [topic(c, 60 - c, [documents[c]["doc_id"]]) for c in range(2)]
    made = write_workspace(tmp_path / "workspace", documents, units, topics)
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.open(made.report)
        assert page.evaluate("document.querySelectorAll('#table tbody tr').length") == 50
        page.evaluate("reader.table.turn(1); reader.table.turn(1)")
        assert page.evaluate("document.querySelectorAll('#table tbody tr').length") == 20
        page.evaluate("reader.table.select.value = '-2'; reader.table.filter()")
        assert page.evaluate("reader.table.where.textContent") == "1 to 1 of 1"
        page.evaluate("document.querySelector('#table a').click()")
        page.until("document.querySelector('#card dl') !== null")
        assert "Not on the map" in page.evaluate("document.getElementById('card').innerText")
        assert page.complaints() == []


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_documents_make_a_page_that_works(tmp_path, n):
    documents = [document(i) for i in range(2)]
    units = [unit(d["doc_id"], -1, i, i) for i, d in enumerate(documents[:n])]
    made = write_workspace(tmp_path / "workspace", documents, units, [], scores={})
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.open(made.report)
        assert page.evaluate("document.documentElement.dataset.drawn") == str(n)
        page.evaluate("reader.map.zoom(3); reader.open(0, reader.map.marks); reader.reset()")
        assert page.complaints() == []


def test_the_search_and_the_legend_read_without_javascript(tmp_path, workspace):
    with browser(tmp_path / "profile") as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.scripted = False
        page.open(workspace.report)
        root = page.call("DOM.getDocument")["root"]["nodeId"]
        for selector in (".cluster .terms th", ".scores td", "#legend a", "#documents tbody tr", "noscript p"):
            assert page.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]


def test_paper_shows_the_points_and_their_labels(tmp_path, page):
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed: nothing to look at a PDF with")
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(page.call("Page.printToPDF")["data"]))
    document = pdfium.PdfDocument(str(tmp_path / "page.pdf"))
    sheet = document[0].render(scale=1).to_numpy().astype(int)
    map_part = sheet[60 : sheet.shape[0] // 2]
    coloured = map_part.max(axis=2) - map_part.min(axis=2) > 60
    assert coloured.sum() > 100
    assert "antenna, cell" in " ".join(sheet.get_textpage().get_text_range() for sheet in document)
