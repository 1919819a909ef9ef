// The table of all documents, made on demand where there are too many to stand in the page's HTML.
const ROWS_A_PAGE = 50;

class DocumentTable {
  /** With `bare`, the rows are given by `list`; there is no filter of its own. */
  constructor(box, corpus, { bare = false } = {}) {
    this.box = box;
    this.corpus = corpus;
    this.page = 0;
    this.rows = [];
    this.build(bare);
    if (!bare) this.filter();
  }

  list(rows) {
    this.rows = rows;
    this.page = 0;
    this.draw();
  }

  build(bare) {
    this.query = make("input", "");
    this.query.type = "search";
    this.query.placeholder = say("filter_hint");
    this.query.setAttribute("aria-label", say("filter_label"));
    this.select = make("select", "");
    this.select.setAttribute("aria-label", say("cluster"));
    const options = [["all", say("all_clusters")], ...this.corpus.topics.map((topic) => [topic.id, topic.label]), [NOISE, say("noise")], [LEFT_OUT, say("not_on_map")]];
    for (const [value, name] of options) this.select.append(new Option(name, value));
    this.where = make("span", "muted push");
    this.where.setAttribute("aria-live", "polite");
    this.back = make("button", "", say("previous"));
    this.next = make("button", "", say("next"));
    this.back.type = this.next.type = "button";
    const header = make("tr", "", ...["number", "title", "assignee", "year", "cluster"].map((name) => make("th", "", say(name))));
    this.body = make("tbody", "");
    const table = make("table", "rows", make("thead", "", header), this.body);
    this.box.replaceChildren(make("div", "controls", ...(bare ? [] : [this.query, this.select]), this.where, this.back, this.next), make("div", "scroll", table));
    this.query.addEventListener("input", () => this.filter());
    this.select.addEventListener("change", () => this.filter());
    this.back.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
  }

  filter() {
    const found = this.corpus.search(this.query.value);
    const cluster = this.select.value === "all" ? null : Number(this.select.value);
    const rows = found ? found.documents : Array.from({ length: this.corpus.n }, (_, index) => index);
    this.list(cluster === null ? rows : rows.filter((index) => this.corpus.clusters[index] === cluster));
  }

  turn(step) {
    this.page += step;
    this.draw();
  }

  draw() {
    const first = this.page * ROWS_A_PAGE;
    const shown = this.rows.slice(first, first + ROWS_A_PAGE);
    this.body.replaceChildren(...shown.map((index) => this.row(index)));
    this.where.textContent = shown.length
      ? say("range", { first: first + 1, last: first + shown.length, n: this.rows.length })
      : say("no_document");
    this.back.disabled = this.page === 0;
    this.next.disabled = first + ROWS_A_PAGE >= this.rows.length;
  }

  row(index) {
    const { corpus } = this;
    const link = make("a", "", corpus.ids[index]);
    link.href = "#map";
    link.dataset.doc = index;
    const cells = [corpus.title(index), corpus.owners(index), corpus.years[index] ?? "", corpus.clusterName(index)];
    return make("tr", "", make("td", "", link), ...cells.map((text) => {
      const cell = make("td", "", String(text));
      cell.dir = "auto";
      return cell;
    }));
  }
}
