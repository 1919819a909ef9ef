// The names of clusters on the map: placed without overlap, those that are pinned and the largest first.
const COUNTED = 5000;
const NEAR = 1.8;
const MOST_HIDDEN = 4;

class Labels {
  constructor(map) {
    this.map = map;
    const ranked = (topics) => [...topics].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.size - a.size || a.id - b.id);
    [this.topics, this.groups] = [ranked(map.corpus.topics), ranked(map.corpus.raw.groups)];
  }

  /** Far out, the coarser groups have their names on the map, with what is pinned; near, all clusters. */
  shown() {
    const { map } = this;
    const near = map.view.scale >= NEAR * map.fitScale || (map.only ?? null) !== null || map.emphasis;
    return near || !this.groups.length ? this.topics : [...this.topics.filter((topic) => topic.pinned), ...this.groups];
  }

  draw(context) {
    const shown = this.shown();
    const taken = [];
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    this.put(context, shown, taken, { weight: 600, hides: Infinity });
    // Names of finer clusters where there is room that few points take; on a large map there are points everywhere.
    if (shown !== this.topics && this.map.order.length <= COUNTED) {
      const said = new Set(shown.map((topic) => topic.label));
      this.put(context, this.topics.filter((topic) => !said.has(topic.label)), taken, { weight: 400, hides: MOST_HIDDEN });
    }
    this.drawn = taken.length;
  }

  put(context, shown, taken, { weight, hides }) {
    const { map } = this;
    const most = shown.reduce((size, topic) => Math.max(size, topic.size), 1);
    for (const topic of shown) {
      if (topic.x === null || ((map.only ?? null) !== null && map.only !== topic.id)) continue;
      const share = weight === 600 ? Math.sqrt(topic.size / most) : 0;
      const size = Math.round(map.cssWidth < 600 ? 10 + 2 * share : 11 + 3 * share);
      context.font = `${weight} ${size}px ${map.font}`;
      const box = this.place(context, topic, size, taken);
      if (box === null || box.covered > hides) continue;
      taken.push(box);
      this.write(context, box, size);
    }
  }

  /** Find room for a label: above or below a cluster of few lines' height, in the middle of a larger one; null for none. */
  place(context, topic, size, taken) {
    const { view, cssWidth, cssHeight } = this.map;
    const x = topic.x * view.scale + view.x;
    const y = topic.y * view.scale + view.y;
    if (x < 0 || y < 0 || x > cssWidth || y > cssHeight) return null;
    const lines = wrapLabel(topic.label);
    const width = Math.max(...lines.map((line) => context.measureText(line).width)) + 8;
    const height = lines.length * size * 1.2 + 4;
    const left = Math.max(4, Math.min(cssWidth - width - 4, x - width / 2));
    const above = topic.top * view.scale + view.y - height - this.map.radius();
    const below = topic.bottom * view.scale + view.y + this.map.radius();
    const middle = y - height / 2;
    let best = null;
    for (const top of below - above > 6 * height ? [middle, above, below] : [above, below, middle]) {
      const box = { left, top, width, height, lines };
      if (top < 2 || top + height > cssHeight - 2 || taken.some((other) => overlaps(box, other))) continue;
      box.covered = this.covered(box);
      if (best === null || box.covered < best.covered) best = box;
    }
    return best;
  }

  /** How many points a box hides; 0 on a large map, where there are points everywhere. */
  covered({ left, top, width, height }) {
    const { map } = this;
    if (map.order.length > COUNTED) return 0;
    const margin = map.radius();
    const [x0, y0] = map.toWorld(left - margin, top - margin);
    const [x1, y1] = map.toWorld(left + width + margin, top + height + margin);
    return map.grid.count(x0, y0, x1, y1);
  }

  write(context, box, size) {
    box.lines.forEach((line, row) => {
      const x = box.left + box.width / 2;
      const y = box.top + 2 + size * 1.2 * (row + 0.5);
      context.lineWidth = 4;
      context.strokeStyle = `rgba(${this.map.paper}, 0.88)`;
      context.strokeText(line, x, y);
      context.fillStyle = `rgb(${this.map.ink})`;
      context.fillText(line, x, y);
    });
  }
}

function overlaps(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

/** Break a label into at most three short lines, between its terms rather than inside them. */
function wrapLabel(label) {
  const lines = [];
  const add = (piece, glue) => {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + piece.length < 22) lines[last] += glue + piece;
    else lines.push(piece.length > 30 ? `${piece.slice(0, 29)}…` : piece);
  };
  for (const term of label.split(/\s+·\s+/)) {
    if (term.length < 22) add(term, " · ");
    else term.split(/\s+/).forEach((word, place) => add(word, place ? " " : " · "));
  }
  return lines.length > 3 ? [...lines.slice(0, 2), `${lines[2]}…`] : lines;
}
