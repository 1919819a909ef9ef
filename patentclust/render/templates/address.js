// The address keeps what is shown: a copied link opens the same view. Only the part after # changes.
const SETTLE_MS = 250;

class Address {
  constructor(reader) {
    this.reader = reader;
    this.reading = false;
    window.addEventListener("hashchange", () => this.read());
  }

  text() {
    const { reader } = this;
    const { map, corpus } = reader;
    const state = new URLSearchParams();
    if (reader.cluster !== null) state.set("c", reader.cluster);
    const query = byId("search").value.trim();
    if (query) state.set("q", query);
    for (const [name, key] of Object.entries(FILTERS)) if (reader.filters.values[name]) state.set(key, reader.filters.values[name]);
    if (map.selected >= 0) state.set("d", corpus.ids[map.selected]);
    if (reader.lassoed && map.lasso) state.set("s", map.lasso.map(([x, y]) => `${Math.round(x)},${Math.round(y)}`).join(" "));
    if (reader.walk?.walked) state.set("g", reader.walk.here);
    if (map.moved?.()) state.set("v", [map.view.scale / map.fitScale, ...map.toWorld(map.cssWidth / 2, map.cssHeight / 2)].map((v) => v.toPrecision(6)).join(","));
    return state.toString();
  }

  write() {
    if (this.reading) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.writeNow(), SETTLE_MS);
  }

  writeNow() {
    const text = this.text();
    const ours = location.hash.startsWith("#view?");
    if (!text && !ours) return;
    history.replaceState(null, "", text ? `#view?${text}` : location.pathname + location.search);
  }

  read() {
    if (!location.hash.startsWith("#view?")) return;
    const state = new URLSearchParams(location.hash.slice(6));
    const { reader } = this;
    this.reading = true;
    for (const name of reader.filters.names) reader.filters.set(name, state.get(FILTERS[name]), true);
    const line = (state.get("s") ?? "").split(" ").map((pair) => pair.split(",").map(Number));
    reader.search(state.get("q") ?? "");
    reader.select(line.every((pair) => pair.length === 2 && pair.every(Number.isFinite)) ? line : []);
    if (state.has("c") && Number.isInteger(Number(state.get("c")))) reader.highlight(Number(state.get("c")));
    const view = (state.get("v") ?? "").split(",").map(Number);
    if (view.length === 3 && view.every(Number.isFinite)) reader.map.look(...view);
    const index = state.has("d") ? reader.corpus.ids.indexOf(state.get("d")) : -1;
    if (index >= 0) reader.open(index, reader.map.marks);
    const node = state.get("g");
    if (node && node !== reader.walk?.here) reader.walk?.go(node);
    this.reading = false;
  }
}
