"use strict";
// What the report can do once a server stands behind it: ask the full texts, place a file, show originals.
// Builds on the report's own script (make, byId, fillCard, Reader). Text from elsewhere is only ever put in as text.
Object.assign(WORDS, JSON.parse(document.currentScript.dataset.words));
const FRAME = Object.fromEntries(["xMin", "yMax", "scale"].map((name) => [name, Number(document.currentScript.dataset[name])]));
const MOST_SNIPPET = 320;
const MOST_TEXT = 40000;

async function answered(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? say("live_failed", { status: String(answer.status) }));
  return { body, headers: answer.headers };
}

const ask = async (path, options) => (await answered(path, options)).body;
const asJson = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

class Live {
  constructor(reader) {
    this.reader = reader;
    this.numberOf = new Map(reader.corpus.ids.map((id, index) => [id, index]));
    this.asked = 0;
    this.chosen = [];
    this.build();
    this.markPlace();
    this.extendCards();
  }

  build() {
    this.words = make("input", "");
    Object.assign(this.words, { type: "search", id: "ask-words", placeholder: say("live_ask"), autocomplete: "off" });
    this.words.setAttribute("aria-label", this.words.placeholder);
    const button = make("button", "", say("live_search"));
    const form = make("form", "", this.words, button);
    form.role = "search";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.words.value.trim()) this.run(say("live_searching"), () => this.search(this.words.value));
      else this.clear();
    });
    this.file = make("input", "");
    Object.assign(this.file, { type: "file", id: "ask-file" });
    this.file.addEventListener("change", () => this.file.files[0] && this.drop(this.file.files[0]));
    this.zone = make("label", "drop", say("live_drop"), this.file);
    this.status = make("p", "muted answer");
    this.status.role = "status";
    this.answer = make("div", "answer");
    this.answer.id = "ask-answer";
    const section = make("section", "ask", form, this.zone, this.status, this.answer);
    section.id = "ask";
    section.setAttribute("aria-label", say("live_server"));
    byId("map").before(section);
    byId("reset").addEventListener("click", () => this.clear());
    this.listenToDrops();
  }

  listenToDrops() {
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => {
        event.preventDefault();
        this.zone.classList.add("over");
      });
    }
    document.addEventListener("dragleave", () => this.zone.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      const [file] = event.dataTransfer.files;
      const text = event.dataTransfer.getData("text/plain");
      if (file) this.drop(file);
      else if (text.trim()) this.run(say("live_reading_text"), () => this.place(ask("v1/similar", asJson({ text }))));
    });
  }

  drop(file) {
    const plain = file.type === "text/plain" || file.name.toLowerCase().endsWith(".txt");
    this.run(say("live_reading", { name: file.name }), async () => {
      const sent = plain ? ask("v1/similar", asJson({ text: await file.text() })) : ask("v1/similar/file", { method: "POST", body: file });
      await this.place(sent);
    });
    this.file.value = "";
  }

  /** Do one thing at a time for the reader: an answer to an earlier question is not shown over a later one. */
  async run(what, act) {
    this.clear();
    const mine = this.asked;
    this.status.textContent = what;
    try {
      await act(mine);
      if (mine === this.asked) this.status.textContent = "";
    } catch (problem) {
      if (mine === this.asked) this.status.textContent = problem.message;
    }
  }

  clear() {
    this.asked += 1;
    this.star = null;
    this.status.textContent = "";
    this.answer.replaceChildren();
    this.choose([]);
  }

  /** The filters above the map, as the server knows them. */
  filters() {
    const { owner, klass, office, language, from, to } = this.reader.filters.values;
    const wanted = { assignee: owner, ipc: klass, office, language, years: from || to ? `${from ?? ""}-${to ?? ""}` : "" };
    return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  }

  async search(query) {
    const mine = this.asked;
    const { body: hits, headers } = await answered("v1/search", asJson({ query, ...this.filters() }));
    if (mine !== this.asked) return;
    const searched = JSON.parse(headers.get("X-Patentclust-Coverage"));
    const whole = searched.passages + searched.failed === searched.of_passages;
    const gap = whole ? [] : [make("p", "muted", say("live_partly", searched))];
    this.show(hits, say(hits.length ? "live_answers" : "live_nothing"), ...gap);
  }

  async place(sent) {
    const mine = this.asked;
    const found = await sent;
    if (mine !== this.asked) return;
    for (const { doc_id: id, title, place, hits } of found) {
      const share = Math.round(place.probability * 100);
      const facts = [place.cluster_id < 0 ? say("live_nowhere") : say("live_share", { share })];
      if (place.runner_up) facts.push(say("live_next", { cluster: place.runner_up }));
      const name = [id, title].filter(Boolean).join(" ") || say("live_this_text");
      this.show(hits, say("live_falls", { name, cluster: place.cluster }), make("p", "muted", facts.join("; ")));
      this.star = [(place.x - FRAME.xMin) * FRAME.scale, (FRAME.yMax - place.y) * FRAME.scale];
    }
    this.reader.map.request();
  }

  show(hits, heading, ...more) {
    const title = make("h3", "", heading);
    title.dir = "auto";
    this.answer.append(title, ...more, make("ol", "hits", ...hits.map((hit) => this.item(hit))));
    this.choose([...this.chosen, ...hits.map((hit) => this.numberOf.get(hit.doc_id)).filter((index) => index !== undefined)]);
  }

  item(hit) {
    const link = make("a", "", hit.doc_id);
    const index = this.numberOf.get(hit.doc_id);
    if (index !== undefined) {
      link.href = "#map";
      link.dataset.doc = index;
    }
    const facts = [hit.cluster, hit.assignees.join(", "), hit.year].filter(Boolean).join(" · ");
    const snippet = hit.snippet ? make("span", "snippet", hit.snippet.slice(0, MOST_SNIPPET)) : null;
    if (snippet) snippet.dir = "auto";
    return make("li", "", link, " ", make("bdi", "", hit.title), make("span", "muted", ` ${hit.similarity.toFixed(2)} · ${facts}`), snippet);
  }

  /** Mark documents on the map; none of them means all are shown. */
  choose(indexes) {
    this.chosen = indexes;
    const { reader } = this;
    const mask = new Uint8Array(reader.corpus.n);
    for (const index of indexes) mask[index] = 1;
    reader.lassoed = indexes.length ? mask : null;
    reader.map.lasso = null;
    reader.emphasise();
  }

  /** Draw a star where a dropped document falls, above the map's own marks. */
  markPlace() {
    const { map } = this.reader;
    const drawMarks = map.drawMarks.bind(map);
    map.drawMarks = () => {
      drawMarks();
      if (!this.star) return;
      const context = map.marks.getContext("2d");
      const [x, y] = [this.star[0] * map.view.scale + map.view.x, this.star[1] * map.view.scale + map.view.y];
      context.beginPath();
      for (let corner = 0; corner < 10; corner += 1) {
        const radius = corner % 2 ? 5 : 12;
        const angle = (Math.PI * corner) / 5 - Math.PI / 2;
        context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
      }
      context.closePath();
      context.fillStyle = `rgb(${map.ink})`;
      context.strokeStyle = `rgb(${map.paper})`;
      context.lineWidth = 2;
      context.stroke();
      context.fill();
    };
  }

  /** Every card of the report gets its original below. */
  extendCards() {
    const fill = fillCard;
    fillCard = async (card, corpus, index, actions) => {
      await fill(card, corpus, index, actions);
      if (actions.isCurrent()) card.append(this.original(corpus.ids[index]));
    };
  }

  original(id) {
    const box = make("div", "original");
    const button = make("button", "", say("live_original"));
    button.type = "button";
    button.id = "card-original";
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const found = await ask(`v1/documents/${encodeURIComponent(id)}`);
        button.remove();
        fillOriginal(box, found, `v1/documents/${encodeURIComponent(id)}/pages/`);
      } catch (problem) {
        button.disabled = false;
        box.append(make("p", "warn", problem.message));
      }
    });
    box.append(button);
    return box;
  }
}

function fillOriginal(box, found, pages) {
  if (found.n_pages) box.append(...pageViewer(found.n_pages, pages));
  const add = (name, text) => {
    if (!text) return;
    const whole = make("p", "text", text.slice(0, MOST_TEXT));
    whole.dir = "auto";
    const section = make("details", "", make("summary", "", name), whole);
    if (text.length > MOST_TEXT) section.append(make("p", "muted", say("live_longer", { n: text.length - MOST_TEXT })));
    box.append(section);
  };
  add(say("live_abstract"), found.abstract);
  add(say("live_claims", { n: found.claims.length }), found.claims.join("\n\n"));
  add(say("live_description"), found.description);
}

function pageViewer(n, pages) {
  let number = 1;
  const image = make("img", "");
  const large = make("a", "", image);
  large.target = "_blank";
  large.rel = "noopener";
  const said = make("span", "muted");
  const turn = (step) => {
    number = Math.max(1, Math.min(n, number + step));
    image.src = large.href = pages + number;
    image.alt = said.textContent = say("live_page", { number, total: n });
  };
  const buttons = [["←", -1, say("live_page_before")], ["→", 1, say("live_page_next")]].map(([text, step, label]) => {
    const button = make("button", "", text);
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => turn(step));
    return button;
  });
  turn(0);
  return [make("div", "controls", buttons[0], " ", said, " ", buttons[1]), large];
}

/** The report unpacks itself first. */
function whenRead() {
  if (window.reader) window.live = new Live(window.reader);
  else setTimeout(whenRead, 50);
}

whenRead();
