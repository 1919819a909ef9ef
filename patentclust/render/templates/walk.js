// The view that one walks: a node in the middle, its neighbours by kind at both sides, lines between, a click to go on.
const FIRST_ROWS = 5;
const FIRST_CHIPS = 10;
const SHOWN_MORE = 25;
const LEFT_SIDE = ["filed_by", "invented_by", "assignees", "inventors", "same_family", "cites", "cited_by"];

class Walk {
  constructor(section, reader) {
    Object.assign(this, { reader, corpus: reader.corpus, past: [], at: -1, turn: 0 });
    this.box = section.querySelector("#walk");
    [this.back, this.forward, this.input] = ["back", "forward", "find"].map((name) => section.querySelector(`#walk-${name}`));
    this.said = section.querySelector("#walk-said");
    section.querySelector("#walk-controls").hidden = false;
    this.box.hidden = false;
    this.back.addEventListener("click", () => this.step(-1));
    this.forward.addEventListener("click", () => this.step(1));
    this.input.addEventListener("input", () => this.suggest());
    this.input.addEventListener("change", () => this.find());
    this.box.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-node]");
      if (button) this.go(button.dataset.node);
    });
    new ResizeObserver(() => this.drawLines()).observe(this.box);
    // Inventors and citations are unpacked only when somebody comes here.
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      if (this.turn === 0) this.start();
    }, { rootMargin: "200px" });
    watch.observe(section);
  }

  get here() {
    return this.past[this.at];
  }

  start() {
    const first = this.corpus.topics.length ? `cluster:${this.corpus.topics[0].id}` : this.corpus.n ? `patent:${this.corpus.ids[0]}` : null;
    if (first) return this.go(first, true);
    this.said.textContent = say("no_links");
    return undefined;
  }

  async open() {
    if (!this.relations) {
      const links = await this.corpus.links();
      if (links !== null) this.relations ??= new Relations(this.corpus, links);
    }
    return this.relations;
  }

  /** Walk to a node; `quiet` leaves the reader where he is. */
  async go(id, quiet = false) {
    const turn = ++this.turn;
    const relations = await this.open();
    const node = relations?.node(id);
    if (!node || turn !== this.turn) return;
    this.past = [...this.past.slice(0, this.at + 1), id];
    this.at += 1;
    await this.show(node, quiet);
  }

  async step(by) {
    const id = this.past[this.at + by];
    if (id === undefined) return;
    this.turn += 1;
    this.at += by;
    await this.show(this.relations.node(id), false);
  }

  /** Draw a node with its neighbours, unless the reader has walked on meanwhile. */
  async show(node, quiet) {
    const { turn } = this;
    const groups = await this.relations.neighbours(node);
    if (turn !== this.turn) return;
    this.back.disabled = this.at <= 0;
    this.forward.disabled = this.at >= this.past.length - 1;
    const sides = [[], []];
    for (const group of groups) sides[LEFT_SIDE.includes(group.link) ? 0 : 1].push(this.group(group));
    this.centre = this.middle(node, groups.length);
    this.lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.lines.setAttribute("aria-hidden", "true");
    this.box.replaceChildren(this.lines, this.centre, make("div", "side left", ...sides[0]), make("div", "side right", ...sides[1]));
    this.drawLines();
    if (quiet) return;
    this.walked = true;
    this.box.closest("section").scrollIntoView({ block: "nearest" });
    this.centre.focus({ preventScroll: true });
    this.reader.address.write();
  }

  middle(node, nGroups) {
    const name = make("h3", "", this.relations.name(node));
    name.dir = "auto";
    const cluster = this.relations.clusterOf(node);
    const kind = make("p", "kind", cluster === null ? null : this.corpus.swatch(cluster), say(node.kind));
    const box = make("div", "centre", kind, name, make("p", "muted", this.relations.line(node)), this.printed(node));
    if (!nGroups) box.append(make("p", "muted", say("no_links")));
    box.append(this.mapLink(node));
    box.tabIndex = -1;
    return box;
  }

  printed(node) {
    const forms = this.relations.forms(node);
    const [shown, left] = [forms.slice(0, FIRST_ROWS), forms.length - FIRST_ROWS];
    const more = left > 0 ? `; ${say("more", { n: left })}` : "";
    return forms.length ? make("p", "muted", say("printed_as", { forms: shown.join("; ") + more })) : null;
  }

  /** Back to the map: a patent's card, a cluster's members, else a search or filter of that name. */
  mapLink(node) {
    const { reader } = this;
    const button = make("button", "", say("show_on_map"));
    button.type = "button";
    const acts = {
      patent: () => reader.open(node.key, button),
      cluster: () => reader.highlight(node.key),
      assignee: () => reader.filters.set("owner", this.relations.name(node)),
      class: () => reader.filters.set("klass", this.relations.names.class[node.key]),
      term: () => reader.search(node.key),
      inventor: () => reader.chooseDocuments(this.relations.documentsOf("inventor", node.key)),
    };
    button.addEventListener("click", () => {
      if (node.kind !== "patent") reader.reset();
      acts[node.kind]();
      byId("map").scrollIntoView({ block: "start" });
    });
    return button;
  }

  group({ link, items }) {
    const chips = !["patent", "cluster"].includes(items[0].node.kind);
    const list = make("ul", chips ? "chips" : "");
    const box = make("section", "group", make("h4", "", say(link), make("span", "muted", ` ${spell(items.length)}`)), list);
    const more = make("button", "more", "");
    more.type = "button";
    const add = (n) => {
      const from = list.children.length;
      list.append(...items.slice(from, from + n).map((item) => this.item(item)));
      const left = items.length - list.children.length;
      more.hidden = left === 0;
      more.textContent = say("more", { n: left });
    };
    add(chips ? FIRST_CHIPS : FIRST_ROWS);
    more.addEventListener("click", () => {
      const next = list.children.length;
      add(SHOWN_MORE);
      list.children[next].firstChild.focus();
      this.drawLines();
    });
    box.append(more);
    box.dataset.n = items.length;
    return box;
  }

  item({ node, weight, n }) {
    const name = make("bdi", "", this.relations.name(node));
    const figure = weight === undefined ? (n === undefined ? "" : spell(n)) : weight.toFixed(2);
    const below = node.kind === "patent" ? make("small", "", this.relations.line(node)) : null;
    const cluster = this.relations.clusterOf(node);
    const button = make("button", "", cluster === null ? null : this.corpus.swatch(cluster), make("span", "what", name, below), figure ? make("span", "muted", figure) : null);
    button.type = "button";
    button.dataset.node = this.relations.id(node);
    return make("li", "", button);
  }

  /** Curves from the middle to every group that stands beside it. */
  drawLines() {
    if (!this.lines) return;
    const box = this.box.getBoundingClientRect();
    const middle = this.centre.getBoundingClientRect();
    this.lines.setAttribute("viewBox", `0 0 ${Math.max(1, box.width)} ${Math.max(1, box.height)}`);
    this.lines.replaceChildren(...[...this.box.querySelectorAll(".group")].map((group) => {
      const at = group.getBoundingClientRect();
      const isLeft = at.right <= middle.left;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      if (!isLeft && at.left < middle.right) return path;
      const [x1, x2] = isLeft ? [middle.left - box.left, at.right - box.left] : [middle.right - box.left, at.left - box.left];
      const [y1, y2] = [middle.top + middle.height / 2 - box.top, at.top + at.height / 2 - box.top];
      const bend = (x1 + x2) / 2;
      path.setAttribute("d", `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`);
      path.setAttribute("stroke-width", 1.5 + Math.min(4, Math.log2(1 + Number(group.dataset.n)) / 2));
      return path;
    }));
  }

  suggest() {
    if (!this.relations) return;
    const found = this.relations.find(this.input.value, 12);
    byId("walk-names").replaceChildren(...found.map((node) => {
      const text = node.kind === "patent" ? this.corpus.ids[node.key] : this.relations.name(node);
      return new Option(`${say(node.kind)}: ${text}`, text);
    }));
  }

  async find() {
    const relations = await this.open();
    const [node] = relations ? relations.find(this.input.value, 1) : [];
    this.said.textContent = node || !this.input.value.trim() ? "" : say("not_found");
    if (!node) return;
    this.input.value = "";
    await this.go(relations.id(node));
  }
}
