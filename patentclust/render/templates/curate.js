// Corrections to the map, as text for curation.toml: a cluster is meant by its exemplars, so that it is found again.
const CURATION_FIELDS = {
  rename: ["cluster", "label"], pin: ["cluster", "label"], note: ["cluster", "text"], merge: ["cluster", "other", "label"],
  split: ["label"], move: ["other"], exclude: [],
};
const OF_DOCUMENTS = ["split", "move", "exclude"];

/** A string as TOML writes it; JSON's escapes are TOML's. */
const tomlText = (text) => JSON.stringify(text).replace(/\u007f/g, "\\u007f");
const tomlList = (texts) => (texts.length < 4 ? `[${texts.map(tomlText).join(", ")}]` : `[\n  ${texts.map(tomlText).join(",\n  ")},\n]`);

class Curation {
  constructor(box, reader) {
    Object.assign(this, { box, reader, area: box.querySelector("#snippet"), said: box.querySelector("#k-said") });
    for (const list of [this.field("cluster"), this.field("other")]) {
      list.append(...reader.corpus.topics.map((topic) => new Option(topic.label, topic.id)));
    }
    this.field("kind").addEventListener("change", () => this.show());
    this.field("cluster").addEventListener("change", () => this.suggest());
    box.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.add();
    });
    box.querySelector("#k-copy").addEventListener("click", () => this.copy());
    box.querySelector("#k-clear").addEventListener("click", () => { this.area.value = ""; });
    box.addEventListener("toggle", () => this.show());
    this.show();
  }

  field(name) {
    return this.box.querySelector(`#k-${name}`);
  }

  /** Take up the cluster that is highlighted on the map. */
  follow(cluster) {
    if (cluster !== null && cluster > NOISE) this.field("cluster").value = cluster;
    this.show();
  }

  /** Show the fields that the chosen kind takes, and what is chosen on the map. */
  show() {
    const kind = this.field("kind").value;
    for (const name of ["cluster", "other", "label", "text"]) this.field(`${name}-box`).hidden = !CURATION_FIELDS[kind].includes(name);
    this.suggest();
    this.said.textContent = OF_DOCUMENTS.includes(kind) ? say("chosen_documents", { n: this.documents().length }) : "";
  }

  /** A kept label is the one that stands there now, unless another is written. */
  suggest() {
    const topic = this.reader.corpus.topicOf.get(Number(this.field("cluster").value));
    this.field("label").placeholder = this.field("kind").value === "pin" ? (topic?.label ?? "") : "";
  }

  /** The documents that are chosen on the map, else the one whose card is open. */
  documents() {
    const { corpus, selection, map } = this.reader;
    const chosen = selection.rows.length || map.selected < 0 ? selection.rows : [map.selected];
    return chosen.filter((index) => corpus.x[index] !== NOWHERE).map((index) => corpus.ids[index]);
  }

  members(name) {
    const { corpus } = this.reader;
    const topic = corpus.topicOf.get(Number(this.field(name).value));
    return topic ? topic.exemplars.map((index) => corpus.ids[index]) : [];
  }

  /** What is missing for this correction, as a key of WORDS, or null. */
  missing(kind) {
    const written = (name) => this.field(name).value.trim() || this.field(name).placeholder;
    if (OF_DOCUMENTS.includes(kind) && !this.documents().length) return "need_documents";
    if (kind === "merge" && this.field("cluster").value === this.field("other").value) return "need_two";
    if (["rename", "pin", "split"].includes(kind) && !written("label")) return "need_label";
    return kind === "note" && !written("text") ? "need_text" : null;
  }

  /** One table of curation.toml. */
  snippet(kind) {
    const label = this.field("label").value.trim() || this.field("label").placeholder;
    const lines = { label: label && `label = ${tomlText(label)}`, text: `text = ${tomlText(this.field("text").value.trim())}`, other: "" };
    if (kind === "move") lines.other = `near = ${tomlList(this.members("other"))}`;
    const members = kind === "merge" ? [...this.members("cluster"), ...this.members("other")]
      : OF_DOCUMENTS.includes(kind) ? this.documents() : this.members("cluster");
    const more = CURATION_FIELDS[kind].map((name) => lines[name]).filter(Boolean);
    return [`[[${kind}]]`, `members = ${tomlList(members)}`, ...more, ""].join("\n");
  }

  add() {
    const kind = this.field("kind").value;
    const missing = this.missing(kind);
    this.said.textContent = missing ? say(missing) : "";
    if (missing) return;
    this.area.value = [this.area.value.trim(), this.snippet(kind)].filter(Boolean).join("\n\n");
    this.field("label").value = "";
    this.field("text").value = "";
  }

  async copy() {
    this.area.select();
    try {
      await navigator.clipboard.writeText(this.area.value);
      this.said.textContent = say("copied");
    } catch {
      // Pages from disk may be refused the clipboard; the older way still works there.
      this.said.textContent = say(document.execCommand("copy") ? "copied" : "not_copied");
    }
  }
}
