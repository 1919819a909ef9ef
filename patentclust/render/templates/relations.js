// The knowledge graph: what is linked to a patent, cluster, assignee, inventor, class or term, from the page's columns.
const NODE_KINDS = ["patent", "cluster", "assignee", "inventor", "class", "term"];

/** For each number, the documents whose list holds it. */
class Inverse {
  constructor(lists, n) {
    this.starts = new Uint32Array(n + 1);
    for (const list of lists) for (const number of list) this.starts[number + 1] += 1;
    for (let k = 0; k < n; k += 1) this.starts[k + 1] += this.starts[k];
    const next = this.starts.slice();
    this.items = new Uint32Array(this.starts[n]);
    lists.forEach((list, index) => { for (const number of list) this.items[next[number]++] = index; });
  }

  of(number) {
    return Array.from(this.items.subarray(this.starts[number], this.starts[number + 1]));
  }
}

class Relations {
  constructor(corpus, links) {
    Object.assign(this, { corpus, links, inverses: {} });
    const { raw } = corpus;
    this.names = { assignee: raw.names, inventor: links.inventors, class: raw.classes };
    this.lists = { assignee: raw.owners, inventor: links.invented, class: raw.class_of, cited: links.cited };
    this.terms = [...new Set(corpus.topics.flatMap((topic) => topic.terms))];
  }

  documentsOf(kind, number) {
    const n = kind === "cited" ? this.corpus.n : this.names[kind].length;
    this.inverses[kind] ??= new Inverse(this.lists[kind], n);
    return this.inverses[kind].of(number);
  }

  /** What an id such as `class:H01M` means, or null. */
  node(id) {
    const at = id.indexOf(":");
    const [kind, name] = [id.slice(0, at), id.slice(at + 1)];
    const known = (key) => (key >= 0 ? { kind, key } : null);
    if (kind === "patent") return known(this.corpus.ids.indexOf(name));
    if (kind === "cluster") return this.corpus.topicOf.has(Number(name)) ? { kind, key: Number(name) } : null;
    if (kind === "term") return this.terms.includes(name) ? { kind, key: name } : null;
    return this.names[kind] ? known(this.names[kind].indexOf(name)) : null;
  }

  id({ kind, key }) {
    if (kind === "patent") return `patent:${this.corpus.ids[key]}`;
    return `${kind}:${this.names[kind] ? this.names[kind][key] : key}`;
  }

  name({ kind, key }) {
    if (kind === "patent") return this.corpus.title(key);
    if (kind === "cluster") return this.corpus.topicOf.get(key).label;
    if (kind === "class") return [this.names.class[key], this.corpus.raw.class_titles[key]].filter(Boolean).join(" ");
    return this.names[kind] ? this.names[kind][key] : key;
  }

  /** A line below the name. */
  line({ kind, key }) {
    const { corpus } = this;
    if (kind === "patent") return [corpus.ids[key], corpus.years[key]].filter(Boolean).join(" · ");
    if (kind === "cluster") return this.counts(this.inside(key));
    if (!this.names[kind]) return "";
    return this.counts(this.documentsOf(kind, key));
  }

  /** How many families and publications: what the cards of clusters count, too. */
  counts(documents) {
    const families = new Set(documents.map((i) => this.corpus.raw.family_of[i]));
    return `${say("n_families", { n: families.size })}, ${say("n_publications", { n: documents.length })}`;
  }

  /** The forms in which an assignee is printed, where these are not its name. */
  forms({ kind, key }) {
    if (kind !== "assignee") return [];
    const { forms, printed, names } = this.corpus.raw;
    return forms[key].map((form) => printed[form]).filter((form) => form !== names[key]);
  }

  /** The documents of the families that count in a cluster. */
  inside(id) {
    const { corpus } = this;
    return corpus.ids.flatMap((_, i) => (corpus.clusters[i] !== LEFT_OUT && corpus.home(i) === id ? [i] : []));
  }

  clusterOf({ kind, key }) {
    if (kind === "cluster") return key;
    return kind === "patent" ? this.corpus.clusters[key] : null;
  }

  /** All neighbours by what links them: [{ link, items: [{ node, weight }] }], without empty groups. */
  async neighbours(node) {
    const groups = await this[`of_${node.kind}`](node.key);
    return Object.entries(groups).map(([link, items]) => ({ link, items })).filter((group) => group.items.length);
  }

  async of_patent(index) {
    const { corpus } = this;
    const nodes = (kind, keys) => keys.map((key) => ({ node: { kind, key } }));
    const near = (await corpus.near(index)) ?? [];
    return {
      filed_by: nodes("assignee", this.lists.assignee[index]),
      invented_by: nodes("inventor", this.lists.inventor[index]),
      same_family: nodes("patent", corpus.family(index)),
      cites: nodes("patent", this.lists.cited[index]),
      cited_by: nodes("patent", this.documentsOf("cited", index)),
      member_of: corpus.topicOf.has(corpus.clusters[index]) ? nodes("cluster", [corpus.clusters[index]]) : [],
      classified_in: nodes("class", this.lists.class[index]),
      similar: near.map(([key, weight]) => ({ node: { kind: "patent", key }, weight })),
    };
  }

  of_cluster(id) {
    const { corpus } = this;
    const members = [];
    for (let i = 0; i < corpus.n; i += 1) if (corpus.clusters[i] === id) members.push(i);
    const topic = corpus.topicOf.get(id);
    const firm = (i) => corpus.raw.probability[i] ?? 0;
    const first = new Set(topic.exemplars);
    const rest = members.filter((i) => !first.has(i)).sort((a, b) => firm(b) - firm(a) || a - b);
    const families = this.inside(id);
    return {
      ...this.counted(families, ["assignee", "inventor"]),
      near_clusters: topic.near.map(([key, weight]) => ({ node: { kind: "cluster", key }, weight })),
      described_by: topic.terms.map((key) => ({ node: { kind: "term", key } })),
      ...this.counted(families, ["class"]),
      patents: [...topic.exemplars, ...rest].map((key) => ({ node: { kind: "patent", key } })),
    };
  }

  of_assignee(number) {
    return this.around("assignee", number, ["inventor", "cluster", "class"]);
  }

  of_inventor(number) {
    return this.around("inventor", number, ["assignee", "inventor", "cluster", "class"]);
  }

  of_class(number) {
    return this.around("class", number, ["assignee", "inventor", "cluster"]);
  }

  of_term(term) {
    const { corpus } = this;
    const wanted = fold(term);
    const clusters = corpus.topics.filter((topic) => topic.terms.includes(term)).map((topic) => ({ node: { kind: "cluster", key: topic.id } }));
    const patents = [];
    for (let i = 0; i < corpus.n; i += 1) if (fold(corpus.titles[i]).includes(wanted)) patents.push(i);
    return { clusters, patents: this.latest(patents) };
  }

  /** What the documents of a name have to do with: other names by how often they meet there, then the documents. */
  around(kind, number, kinds) {
    const documents = this.documentsOf(kind, number);
    const groups = this.counted(documents, kinds);
    for (const name of Object.keys(groups)) {
      groups[name] = groups[name].filter(({ node }) => node.kind !== kind || node.key !== number);
    }
    return { ...groups, patents: this.latest(documents) };
  }

  latest(documents) {
    const year = (i) => this.corpus.years[i] ?? 0;
    return documents.sort((a, b) => year(b) - year(a) || a - b).map((key) => ({ node: { kind: "patent", key } }));
  }

  /** Names of the kinds by the families that have them among the documents. */
  counted(documents, kinds) {
    const { corpus } = this;
    const titles = { assignee: "assignees", inventor: "inventors", cluster: "clusters", class: "classes" };
    return Object.fromEntries(kinds.map((kind) => {
      const families = new Map();
      for (const index of documents) {
        for (const key of kind === "cluster" ? this.homeOf(index) : this.lists[kind][index]) {
          if (!families.has(key)) families.set(key, new Set());
          families.get(key).add(corpus.raw.family_of[index]);
        }
      }
      const ranked = [...families].sort((a, b) => b[1].size - a[1].size || a[0] - b[0]);
      return [titles[kind], ranked.map(([key, its]) => ({ node: { kind, key }, n: its.size }))];
    }));
  }

  homeOf(index) {
    const { corpus } = this;
    return corpus.clusters[index] !== LEFT_OUT && corpus.topicOf.has(corpus.home(index)) ? [corpus.home(index)] : [];
  }

  /** Nodes whose name, or a form that it is printed in, holds the text; exact ones first. */
  find(text, most) {
    const wanted = fold(text.trim());
    if (!wanted) return [];
    const [exact, found] = [[], []];
    const look = (node, ...names) => {
      const folded = names.map(fold);
      if (folded.includes(wanted)) exact.push(node);
      else if (found.length < most && folded.some((name) => name.includes(wanted))) found.push(node);
    };
    for (const topic of this.corpus.topics) look({ kind: "cluster", key: topic.id }, topic.label);
    for (const term of this.terms) look({ kind: "term", key: term }, term);
    for (const kind of ["class", "assignee", "inventor"]) {
      this.names[kind].forEach((name, key) => look({ kind, key }, name, ...this.forms({ kind, key })));
    }
    this.corpus.ids.forEach((id, key) => look({ kind: "patent", key }, id));
    return [...exact, ...found].slice(0, most);
  }
}
