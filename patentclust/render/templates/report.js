// Wiring: what the reader does, and what the page does then.
// The stage on paper, in its proportions (184 by 105 mm) and in pixels that labels are measured in.
const PAPER = [1000, 570];

class Reader {
  constructor(raw) {
    this.corpus = new Corpus(raw);
    this.map = new TechnologyMap(byId("stage"), this.corpus);
    this.tip = byId("tip");
    this.card = byId("card");
    this.cluster = null;
    this.found = null;
    this.pointers = new Map();
    this.lassoed = null;
    this.filters = new Filters(byId("filters"), this.corpus, () => this.emphasise());
    this.timeline = new Timeline(byId("timeline"), this.corpus, this.filters);
    this.selection = new Selection(byId("selection"), this.corpus);
    this.curation = new Curation(byId("curation"), this);
    this.address = new Address(this);
    this.start();
  }

  start() {
    const root = document.documentElement;
    if (this.map.resize()) this.map.draw();
    root.dataset.drawn = this.map.drawn ?? 0;
    root.dataset.ready = Math.round(performance.now());
    setTimeout(() => this.corpus.prepareSearch(), 300);
    this.parsed = whenParsed(() => {
      this.walk = new Walk(byId("graph"), this);
      const box = document.querySelector("[data-rows]");
      if (box) this.table = new DocumentTable(box, this.corpus);
    });
    this.listenToPointers();
    this.listenToKeys();
    this.listenToPanel();
    this.listenToWindow();
    this.map.onDraw = () => this.address.write();
    this.parsed.then(() => this.address.read());
  }

  listenToPointers() {
    const { marks } = this.map;
    marks.addEventListener("wheel", (event) => {
      event.preventDefault();
      const step = event.deltaY * (event.deltaMode === 1 ? 18 : 1);
      this.map.zoom(Math.exp(-Math.max(-240, Math.min(240, step)) * 0.0022), event.offsetX, event.offsetY);
      this.hover(-1);
    }, { passive: false });
    marks.addEventListener("pointerdown", (event) => this.press(event));
    marks.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) marks.addEventListener(name, (event) => this.release(event));
    marks.addEventListener("pointerleave", () => this.hover(-1));
  }

  press(event) {
    this.map.marks.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (this.lassoing || event.shiftKey) {
      this.line = [this.map.toWorld(event.offsetX, event.offsetY)];
      this.map.lasso = this.line;
    }
    this.travelled = this.pointers.size > 1 ? Infinity : 0;
    this.hover(-1);
  }

  move(event) {
    const at = [event.offsetX, event.offsetY];
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") this.hover(this.map.hit(...at), ...at);
      return;
    }
    const [dx, dy] = [at[0] - before[0], at[1] - before[1]];
    this.travelled += Math.hypot(dx, dy);
    if (this.line) {
      this.line.push(this.map.toWorld(...at));
      this.pointers.set(event.pointerId, at);
      this.map.requestMarks();
      return;
    }
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    this.pointers.set(event.pointerId, at);
    this.map.marks.classList.add("dragging");
    if (this.pointers.size === 1 && this.travelled > 4) this.map.pan(dx, dy);
  }

  pinch(moving, before, at) {
    const [, other] = [...this.pointers].find(([id]) => id !== moving);
    const apart = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    this.map.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.map.zoom(apart(at) / apart(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  }

  release(event) {
    const clicked = this.pointers.size === 1 && this.travelled <= 4 && event.type === "pointerup";
    this.pointers.delete(event.pointerId);
    this.map.marks.classList.remove("dragging");
    if (this.line) {
      this.select(this.line);
      this.line = null;
      if (!clicked) return;
    }
    if (!clicked) return;
    const index = this.map.hit(event.offsetX, event.offsetY);
    if (index >= 0) this.open(index, this.map.marks);
    else this.highlight(null);
  }

  hover(index, x = 0, y = 0) {
    this.map.marks.classList.toggle("pointing", index >= 0);
    if (index !== this.map.hovered) {
      this.map.hovered = index;
      this.map.requestMarks();
      if (index >= 0) fillTip(this.tip, this.corpus, index);
    }
    this.tip.hidden = index < 0;
    if (index >= 0) moveTip(this.tip, x, y, this.map.cssWidth, this.map.cssHeight);
  }

  listenToKeys() {
    const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    this.map.marks.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (moves[event.key]) this.map.pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.map.zoom(1.4);
      else if (event.key === "-") this.map.zoom(1 / 1.4);
      else if (event.key === "0") this.reset();
      else return;
      event.preventDefault();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (!this.card.hidden) this.close();
      else if (byId("search").value) this.search("");
      else this.highlight(null);
    });
  }

  listenToPanel() {
    byId("zoom-in").addEventListener("click", () => this.map.zoom(1.6));
    byId("zoom-out").addEventListener("click", () => this.map.zoom(1 / 1.6));
    byId("reset").addEventListener("click", () => this.reset());
    byId("lasso").addEventListener("click", () => {
      this.lassoing = !this.lassoing;
      byId("lasso").setAttribute("aria-pressed", String(this.lassoing));
    });
    byId("colour-by")?.addEventListener("change", (event) => this.colourBy(event.target.value));
    byId("search").addEventListener("input", (event) => this.search(event.target.value));
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[data-doc], a[data-cluster], a[data-node]");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (link.dataset.node !== undefined) this.walk?.go(link.dataset.node);
      else if (link.dataset.doc !== undefined) this.open(Number(link.dataset.doc), link);
      else this.highlight(this.cluster === Number(link.dataset.cluster) ? null : Number(link.dataset.cluster));
    });
  }

  listenToWindow() {
    const redraw = () => {
      this.map.readColours();
      if (this.map.resize()) this.map.draw();
    };
    new ResizeObserver(() => {
      const { stage, cssWidth, cssHeight } = this.map;
      if (!this.map.printing && (stage.clientWidth !== cssWidth || stage.clientHeight !== cssHeight)) redraw();
    }).observe(this.map.stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    // Paper is light and finer than a screen; the canvas is a picture, so it has to be drawn again for it.
    window.addEventListener("beforeprint", () => {
      this.map.printing = true;
      document.documentElement.dataset.theme = "light";
      this.map.readColours();
      if (this.map.resize(3, PAPER)) this.map.draw();
    });
    window.addEventListener("afterprint", () => {
      this.map.printing = false;
      delete document.documentElement.dataset.theme;
      redraw();
    });
  }

  /** Choose what lies inside a line of map positions; a line that holds nothing lets go. */
  select(line) {
    const mask = insideLine(this.corpus, line);
    this.lassoed = mask.includes(1) ? mask : null;
    this.map.lasso = this.lassoed ? line : null;
    this.emphasise();
  }

  /** Colour points, legend and cards by cluster, or by the coarser group. */
  colourBy(what) {
    this.corpus.colourBy = what;
    for (const link of document.querySelectorAll("#legend a")) link.querySelector(".swatch").replaceWith(this.corpus.swatch(Number(link.dataset.cluster)));
    this.map.sortPoints();
    this.map.request();
  }

  /** Choose documents by number. */
  chooseDocuments(indexes) {
    const mask = new Uint8Array(this.corpus.n);
    for (const index of indexes) mask[index] = 1;
    this.lassoed = mask;
    this.map.lasso = null;
    this.emphasise();
  }

  reset() {
    this.filters.clear(true);
    this.select([]);
    this.search("");
    this.highlight(null);
    this.close();
    this.map.fit();
    this.map.request();
  }

  /** Show in full colour what passes the filters, the lasso, and the chosen cluster or else the search. */
  emphasise() {
    const { corpus, map } = this;
    map.only = this.cluster;
    const tests = this.filters.tests();
    if (this.cluster !== null) tests.push((i) => corpus.clusters[i] === this.cluster);
    else if (this.found) {
      const found = new Uint8Array(corpus.n);
      for (const index of this.found.documents) found[index] = 1;
      tests.push((i) => found[i]);
    }
    if (this.lassoed) tests.push((i) => this.lassoed[i]);
    map.emphasis = tests.length ? Uint8Array.from(corpus.clusters, (_, i) => Number(tests.every((test) => test(i)))) : null;
    map.request();
    this.timeline.show();
    this.selection.show(map.emphasis);
    this.curation.follow(this.cluster);
    this.address.write();
  }

  highlight(cluster) {
    this.cluster = cluster;
    for (const link of document.querySelectorAll("#legend a")) {
      link.setAttribute("aria-current", String(cluster !== null && Number(link.dataset.cluster) === cluster));
    }
    this.emphasise();
  }

  search(query) {
    if (byId("search").value !== query) byId("search").value = query;
    this.found = this.corpus.search(query);
    byId("results").hidden = this.found === null;
    byId("legend").hidden = this.found !== null;
    byId("found").textContent = this.found ? foundText(this.found) : "";
    if (this.found) {
      fillResults(byId("results"), this.corpus, this.found, {
        open: (index) => this.open(index, byId("search")),
        cluster: (id) => this.highlight(id),
      });
    }
    this.cluster = null;
    this.emphasise();
  }

  open(index, cameFrom) {
    this.cameFrom = cameFrom;
    this.map.selected = index;
    const filled = fillCard(this.card, this.corpus, index, {
      isCurrent: () => this.map.selected === index,
      close: () => this.close(),
      cluster: (id) => {
        this.close();
        if (id >= NOISE) this.highlight(id);
      },
    });
    this.card.hidden = false;
    this.card.scrollTop = 0;
    this.card.focus({ preventScroll: cameFrom === this.map.marks });
    this.map.show(index);
    this.map.requestMarks();
    this.address.write();
    return filled;
  }

  close() {
    if (this.card.hidden) return;
    this.card.hidden = true;
    this.map.selected = -1;
    this.map.requestMarks();
    this.address.write();
    this.cameFrom?.focus({ preventScroll: this.cameFrom === this.map.marks });
  }
}

/** Do something when the whole page is there. */
function whenParsed(act) {
  if (document.readyState !== "loading") return Promise.resolve(act());
  return new Promise((done) => document.addEventListener("DOMContentLoaded", () => done(act()), { once: true }));
}

async function begin() {
  if (typeof DecompressionStream === "undefined") {
    byId("trouble").textContent = say("too_old");
    byId("trouble").hidden = false;
    return;
  }
  const raw = await unpack(byId("data").textContent);
  byId("data").remove();
  window.reader = new Reader(raw);
}

begin();
