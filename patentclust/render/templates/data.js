"use strict";
// What the page knows, column by column. Text from patents is only ever put on the page as text.
const NOISE = -1;
const LEFT_OUT = -2;
const NOWHERE = -1;
const byId = (id) => document.getElementById(id);
const fold = (text) => text.normalize("NFKC").toLowerCase();

/** Make an element; strings among the children become text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** Undo what the page's maker did to a block: deflated, in base64. */
function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}

const unpack = async (text) => JSON.parse(await inflate(text).text());

const WORDS = JSON.parse(byId("words").textContent);
const spell = (value) => value.toLocaleString("en");

/** A sentence in the reader's language; `n` chooses between "one|many", whole numbers get separators. */
function say(key, values = {}) {
  const forms = WORDS[key].split("|");
  const form = values.n === 1 ? forms[0] : forms[forms.length - 1];
  return form.replace(/\{(\w+)\}/g, (_, name) => (Number.isInteger(values[name]) ? spell(values[name]) : values[name]));
}

class Corpus {
  constructor(raw) {
    Object.assign(this, { ids: raw.ids, titles: raw.titles, years: raw.years, topics: raw.topics, registers: raw.registers });
    this.raw = raw;
    this.n = raw.ids.length;
    this.x = Float32Array.from(raw.x, (value) => value ?? NOWHERE);
    this.y = Float32Array.from(raw.y, (value) => value ?? NOWHERE);
    this.clusters = Int32Array.from(raw.clusters, (value) => value ?? LEFT_OUT);
    this.topicOf = new Map(raw.topics.map((topic) => [topic.id, topic]));
    this.groupOf = new Map(raw.groups.flatMap((group) => group.clusters.map((cluster) => [cluster, group])));
    this.colourBy = "cluster";
    this.haystack = null;
  }

  /** The colour number of a cluster, undefined for none. */
  colour(cluster) {
    return (this.colourBy === "group" ? this.groupOf : this.topicOf).get(cluster)?.colour;
  }

  /** The assignees, else applicants, as printed. */
  owners(index) {
    return this.raw.printed_of[index].map((form) => this.raw.printed[form]).join("; ");
  }

  /** The same in one form a company, as filters, graph and cards count them. */
  companies(index) {
    return this.raw.owners[index].map((name) => this.raw.names[name]).join("; ");
  }

  title(index) {
    return this.titles[index] || say("no_title");
  }

  clusterName(index) {
    const cluster = this.clusters[index];
    if (cluster === LEFT_OUT) return say("not_on_map");
    return cluster === NOISE ? say("noise") : (this.topicOf.get(cluster)?.label ?? say("cluster_n", { id: String(cluster) }));
  }

  swatch(cluster) {
    const colour = this.colour(cluster);
    return make("span", `swatch ${colour === undefined ? "noise" : `c${colour}`}`);
  }

  figure(name, index) {
    const value = this.raw[name][index];
    return value === null ? say("na") : (value / 1000).toFixed(2).replace("-", "−");
  }

  /** The texts and facts of one card, or null while the page still loads; blocks are unpacked when first asked for. */
  async detail(index) {
    const size = this.raw.details_a_block;
    const number = Math.floor(index / size);
    this.blocks ??= new Map();
    if (!this.blocks.has(number)) {
      const block = byId(`details-${number}`);
      if (block === null) return null;
      this.blocks.set(number, unpack(block.textContent));
    }
    const values = (await this.blocks.get(number))[index % size];
    return Object.fromEntries(this.raw.detail_fields.map((field, position) => [field, values[position]]));
  }

  /** The documents most like this one, as pairs of index and cosine; null while the page still loads. */
  async near(index) {
    const block = byId("near");
    if (block === null) return null;
    this.nearBytes ??= block.textContent ? inflate(block.textContent).arrayBuffer() : new ArrayBuffer(0);
    const bytes = await this.nearBytes;
    const k = bytes.byteLength / 5 / Math.max(1, this.n);
    const numbers = new Uint32Array(bytes, 0, k * this.n).subarray(k * index, k * index + k);
    const shares = new Uint8Array(bytes, 4 * k * this.n).subarray(k * index, k * index + k);
    return Array.from(numbers, (other, place) => [other, shares[place] / 255]).filter(([other]) => other < this.n && other !== index);
  }

  /** Inventors and citations; null while the page still loads. */
  async links() {
    const block = byId("links");
    if (block === null) return null;
    this.linked ??= unpack(block.textContent);
    return this.linked;
  }

  /** The publications of a document's family, without itself. */
  family(index) {
    if (this.families === undefined) {
      this.families = new Map();
      this.raw.family_of.forEach((family, i) => this.families.set(family, [...(this.families.get(family) ?? []), i]));
    }
    return this.families.get(this.raw.family_of[index]).filter((other) => other !== index);
  }

  /** The cluster that a document's family is counted in: that of its first document with a place. */
  home(index) {
    if (this.homes === undefined) {
      this.homes = new Int32Array(this.raw.family_of.reduce((most, family) => Math.max(most, family + 1), 0)).fill(LEFT_OUT);
      this.raw.family_of.forEach((family, i) => {
        if (this.homes[family] === LEFT_OUT) this.homes[family] = this.clusters[i];
      });
    }
    return this.homes[this.raw.family_of[index]];
  }

  prepareSearch() {
    const text = (id, i) => fold(`${id} ${id.replaceAll("-", "")} ${this.titles[i]} ${this.owners(i)} ${this.companies(i)}`);
    this.haystack ??= this.ids.map(text);
  }

  /** The documents and clusters that hold every word of the query, or null for an empty one. */
  search(query) {
    const words = fold(query).split(/\s+/).filter(Boolean);
    if (!words.length) return null;
    this.prepareSearch();
    const holds = (text) => words.every((word) => text.includes(word));
    const documents = [];
    for (let i = 0; i < this.n; i += 1) if (holds(this.haystack[i])) documents.push(i);
    const topics = this.topics.filter((topic) => holds(fold(`${topic.label} ${topic.terms.join(" ")}`)));
    return { documents, topics };
  }
}
