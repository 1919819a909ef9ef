// What is chosen: filters, the brush over years, the lasso, and the table and file that follow them.
const FILTERS = { owner: "a", klass: "k", office: "o", language: "l", group: "t", from: "from", to: "to" };
const MOST_OPTIONS = 400;

/** Names by number of documents, most first. */
function ranked(names, lists) {
  const counts = new Uint32Array(names.length);
  for (const list of lists) for (const number of Array.isArray(list) ? list : [list]) counts[number] += 1;
  return names.map((name, number) => ({ name, number, count: counts[number] })).filter((item) => item.name && item.count)
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

class Filters {
  constructor(box, corpus, changed) {
    Object.assign(this, { box, corpus, changed, values: {} });
    const { raw } = corpus;
    this.fill("owner", ranked(raw.names, raw.owners));
    this.fill("klass", ranked(raw.classes, raw.class_of));
    this.fill("office", ranked(raw.offices, raw.office_of));
    this.fill("language", ranked(raw.languages, raw.language_of));
    for (const group of raw.groups) this.field("group").append(new Option(`${group.label} (${spell(group.size)})`, group.id));
    for (const name of this.names) {
      this.field(name).addEventListener("change", (event) => this.set(name, event.target.value));
    }
    box.querySelector("#f-clear").addEventListener("click", () => this.clear());
  }

  /** The filters that this page has: one by group only where there are groups. */
  get names() {
    return Object.keys(FILTERS).filter((name) => this.field(name) !== null);
  }

  field(name) {
    return this.box.querySelector(`#f-${name}`);
  }

  fill(name, items) {
    const field = this.field(name);
    const list = field.list ?? field;
    for (const { name: text, count } of items.slice(0, MOST_OPTIONS)) {
      list.append(new Option(field.list ? "" : `${text} (${spell(count)})`, text));
    }
  }

  set(name, value, quiet = false) {
    const given = String(value ?? "").trim();
    const text = this.field(name).type === "number" && !/^\d{1,4}$/.test(given) ? "" : given;
    if (text) this.values[name] = text;
    else delete this.values[name];
    this.field(name).value = text;
    if (!quiet) this.changed();
  }

  clear(quiet = false) {
    for (const name of this.names) this.set(name, "", true);
    if (!quiet) this.changed();
  }

  /** Numbers of the names that are the text or, where none is and they need not be `whole`, that hold it, as a set. */
  numbers(names, text, whole) {
    const wanted = fold(text);
    const among = (fits) => new Set(names.flatMap((name, number) => (fits(fold(name)) ? [number] : [])));
    const exact = among((name) => name === wanted);
    return whole || exact.size ? exact : among((name) => name.includes(wanted));
  }

  /** Numbers of the companies that the text means, by their one form or by a form that they are printed in. */
  companies(text) {
    const { raw } = this.corpus;
    const named = this.numbers(raw.names, text, false);
    const printed = this.numbers(raw.printed, text, false);
    raw.forms.forEach((forms, number) => { if (forms.some((form) => printed.has(form))) named.add(number); });
    return named;
  }

  /** One test for each filter that is set. */
  tests() {
    const { raw } = this.corpus;
    const { owner, klass, office, language, group, from, to } = this.values;
    const tests = [];
    const among = (list, set) => (i) => list[i].some((number) => set.has(number));
    if (owner) tests.push(among(raw.owners, this.companies(owner)));
    if (klass) tests.push(among(raw.class_of, this.numbers(raw.classes, klass, false)));
    for (const [value, names, column] of [[office, raw.offices, raw.office_of], [language, raw.languages, raw.language_of]]) {
      if (!value) continue;
      const set = this.numbers(names, value, true);
      tests.push((i) => set.has(column[i]));
    }
    if (group) tests.push((i) => this.corpus.groupOf.get(this.corpus.clusters[i])?.id === Number(group));
    if (from) tests.push((i) => raw.origins[i] !== null && raw.origins[i] >= Number(from));
    if (to) tests.push((i) => raw.origins[i] !== null && raw.origins[i] <= Number(to));
    return tests;
  }
}

/** Bars of documents by year of origin; dragging over them sets the years. */
class Timeline {
  constructor(box, corpus, filters) {
    Object.assign(this, { box, filters });
    const years = corpus.raw.origins.filter((year) => year !== null).sort((a, b) => a - b);
    box.hidden = !years.length;
    if (!years.length) return;
    // A single wrong date must not squeeze all the others: the axis holds the inner 998 of 1,000.
    const cut = Math.floor(years.length / 1000);
    [this.first, this.last] = [years[cut], years[years.length - 1 - cut]];
    box.hidden = this.first === this.last;
    const counts = new Array(this.last - this.first + 1).fill(0);
    for (const year of years) if (year >= this.first && year <= this.last) counts[year - this.first] += 1;
    this.draw(counts);
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) box.addEventListener(name, (event) => this.brush(event));
  }

  draw(counts) {
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${counts.length} 40`);
    svg.setAttribute("preserveAspectRatio", "none");
    this.bars = counts.map((count, place) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = count ? Math.max(1, (38 * count) / most) : 0;
      const sizes = { x: place + 0.08, y: 40 - height, width: 0.84, height };
      for (const [name, value] of Object.entries(sizes)) bar.setAttribute(name, value);
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = say("year_count", { year: String(this.first + place), n: count });
      bar.append(title);
      svg.append(bar);
      return bar;
    });
    this.box.replaceChildren(svg, make("span", "", String(this.first)), make("span", "", String(this.last)));
  }

  year(event) {
    const box = this.box.getBoundingClientRect();
    const share = Math.max(0, Math.min(0.9999, (event.clientX - box.left) / box.width));
    return this.first + Math.floor(share * this.bars.length);
  }

  brush(event) {
    if (event.type === "pointerdown") {
      this.box.setPointerCapture(event.pointerId);
      this.anchor = this.year(event);
    } else if (this.anchor === undefined) return;
    const year = this.year(event);
    this.filters.set("from", Math.min(this.anchor, year), true);
    this.filters.set("to", Math.max(this.anchor, year));
    if (event.type === "pointerup" || event.type === "pointercancel") this.anchor = undefined;
  }

  show() {
    const { from, to } = this.filters.values;
    this.bars?.forEach((bar, place) => {
      const year = this.first + place;
      bar.classList.toggle("off", year < Number(from ?? -Infinity) || year > Number(to ?? Infinity));
    });
  }
}

/** Tell which documents lie inside a closed line of map positions (even-odd rule). */
function insideLine(corpus, line) {
  const mask = new Uint8Array(corpus.n);
  if (line.length < 3) return mask;
  for (let i = 0; i < corpus.n; i += 1) {
    const [x, y] = [corpus.x[i], corpus.y[i]];
    if (x === NOWHERE) continue;
    let inside = false;
    for (let a = 0, b = line.length - 1; a < line.length; b = a, a += 1) {
      const [[ax, ay], [bx, by]] = [line[a], line[b]];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
    mask[i] = Number(inside);
  }
  return mask;
}

/** A cell that no spreadsheet runs as a formula, quoted (RFC 4180). */
function csvCell(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "").replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "").slice(0, 32000);
  const safe = /^[\s\u200b\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫]/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const SELECTION_COLUMNS = ["doc_id", "title", "assignees", "assignee_names", "year", "classes", "country", "language", "cluster_id", "cluster_label", "probability"];

function selectionCsv(corpus, rows) {
  const { raw } = corpus;
  const lines = rows.map((i) => [
    corpus.ids[i], corpus.titles[i], corpus.owners(i), corpus.companies(i), corpus.years[i] ?? "", raw.class_of[i].map((c) => raw.classes[c]).join("; "),
    raw.offices[raw.office_of[i]], raw.languages[raw.language_of[i]], corpus.clusters[i] === LEFT_OUT ? "" : corpus.clusters[i],
    corpus.clusterName(i), raw.probability[i] === null ? "" : raw.probability[i] / 1000,
  ]);
  return `${[SELECTION_COLUMNS, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

function download(name, text, type) {
  const link = make("a", "");
  // A byte order mark, so that a spreadsheet takes the file for UTF-8.
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The table of what is chosen, with its buttons. */
class Selection {
  constructor(box, corpus) {
    Object.assign(this, { box, corpus, rows: [] });
    this.table = new DocumentTable(box.querySelector("#selected-rows"), corpus, { bare: true });
    box.querySelector("#export").addEventListener("click", () => download("selection.csv", selectionCsv(corpus, this.rows), "text/csv"));
  }

  show(mask) {
    this.box.hidden = mask === null;
    this.rows = [];
    if (mask === null) return;
    for (let i = 0; i < mask.length; i += 1) if (mask[i]) this.rows.push(i);
    this.table.list(this.rows);
    this.box.querySelector("#n-selected").textContent = spell(this.rows.length);
  }
}
