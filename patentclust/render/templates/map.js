// The map: points stamped into pixels (one pass over typed arrays, any canvas, no GPU), labels and rings on a layer above.
const PADDING = 32;
const MAX_ZOOM = 400;
const HIT_RADIUS = 12;
const SHADED_FROM = 20000;

function parseColour(text) {
  const value = Number.parseInt(text.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Points in cells of equal size, so that the nearest one is found without looking at all. */
class Grid {
  constructor(xs, ys, extent) {
    this.side = Math.max(1, Math.min(512, Math.round(Math.sqrt(xs.length / 2))));
    this.step = (extent + 1) / this.side;
    this.xs = xs;
    this.ys = ys;
    const cell = (i) => this.cell(ys[i]) * this.side + this.cell(xs[i]);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < xs.length; i += 1) this.starts[cell(i) + 1] += 1;
    for (let c = 0; c < this.side * this.side; c += 1) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.items = new Uint32Array(xs.length);
    for (let i = 0; i < xs.length; i += 1) this.items[next[cell(i)]++] = i;
  }

  cell(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(value / this.step)));
  }

  nearest(x, y, radius) {
    let best = -1;
    let bound = radius * radius;
    for (let row = this.cell(y - radius); row <= this.cell(y + radius); row += 1) {
      const from = this.starts[row * this.side + this.cell(x - radius)];
      const to = this.starts[row * this.side + this.cell(x + radius) + 1];
      for (let k = from; k < to; k += 1) {
        const i = this.items[k];
        const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
        if (distance <= bound) [best, bound] = [i, distance];
      }
    }
    return best;
  }

  count(x0, y0, x1, y1) {
    let n = 0;
    for (let row = this.cell(y0); row <= this.cell(y1); row += 1) {
      for (let k = this.starts[row * this.side + this.cell(x0)]; k < this.starts[row * this.side + this.cell(x1) + 1]; k += 1) {
        const [x, y] = [this.xs[this.items[k]], this.ys[this.items[k]]];
        n += Number(x >= x0 && x <= x1 && y >= y0 && y <= y1);
      }
    }
    return n;
  }
}

class TechnologyMap {
  constructor(stage, corpus) {
    this.stage = stage;
    this.corpus = corpus;
    this.points = stage.querySelector("#points");
    this.marks = stage.querySelector("#marks");
    this.emphasis = null; // one byte a document: 1 = in full colour
    this.hovered = -1;
    this.selected = -1;
    this.pixelRatio = 0;
    this.labels = new Labels(this);
    this.sortPoints();
    this.readColours();
  }

  /** Put placed points in the order they are painted: noise below, then large clusters, small ones on top. */
  sortPoints() {
    const { corpus } = this;
    const placed = [];
    for (let i = 0; i < corpus.n; i += 1) if (corpus.x[i] !== NOWHERE) placed.push(i);
    placed.sort((a, b) => corpus.clusters[a] - corpus.clusters[b] || a - b);
    this.order = Uint32Array.from(placed);
    this.xs = Float32Array.from(placed, (i) => corpus.x[i]);
    this.ys = Float32Array.from(placed, (i) => corpus.y[i]);
    this.width = this.xs.reduce((most, value) => Math.max(most, value), 0);
    this.height = this.ys.reduce((most, value) => Math.max(most, value), 0);
    this.grid = new Grid(this.xs, this.ys, Math.max(this.width, this.height));
    this.colourOf = Uint8Array.from(placed, (i) => corpus.colour(corpus.clusters[i]) ?? 255);
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => parseColour(style.getPropertyValue(name));
    this.palette = Array.from({ length: 8 }, (_, i) => read(`--c${i}`));
    this.palette[255] = read("--noise");
    [this.paper, this.faded, this.ink] = [read("--paper"), read("--faded"), read("--ink")];
    this.font = getComputedStyle(document.body).fontFamily;
  }

  /** Take the size of the stage, or another; returns false when it has none. */
  resize(ratio = Math.min(window.devicePixelRatio || 1, 2.5), [width, height] = [this.stage.clientWidth, this.stage.clientHeight]) {
    if (!width || !height) return false;
    const first = this.view === undefined;
    const centre = first ? null : this.toWorld(this.cssWidth / 2, this.cssHeight / 2);
    const zoom = first ? 1 : this.view.scale / this.fitScale;
    [this.cssWidth, this.cssHeight, this.pixelRatio] = [width, height, ratio];
    for (const canvas of [this.points, this.marks]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.image = this.points.getContext("2d", { alpha: false }).createImageData(this.points.width, this.points.height);
    this.fit();
    if (!first) {
      this.view.scale = this.fitScale * zoom;
      this.centre(...centre);
    }
    return true;
  }

  fit() {
    const pad = Math.min(PADDING, this.cssWidth / 8);
    const across = (this.cssWidth - 2 * pad) / Math.max(1, this.width);
    const down = (this.cssHeight - 2 * pad) / Math.max(1, this.height);
    this.fitScale = Math.min(across, down);
    this.view = { scale: this.fitScale, x: 0, y: 0 };
    this.centre(this.width / 2, this.height / 2);
  }

  centre(x, y) {
    this.view.x = this.cssWidth / 2 - x * this.view.scale;
    this.view.y = this.cssHeight / 2 - y * this.view.scale;
  }

  /** Tell whether the view is another than the whole map. */
  moved() {
    const [x, y] = this.toWorld(this.cssWidth / 2, this.cssHeight / 2);
    const slack = 2 / this.view.scale;
    return this.view.scale !== this.fitScale || Math.abs(x - this.width / 2) > slack || Math.abs(y - this.height / 2) > slack;
  }

  /** Show the map at a zoom (1 = all of it) about a position. */
  look(zoom, x, y) {
    this.view.scale = this.fitScale * Math.max(0.5, Math.min(MAX_ZOOM, zoom));
    this.centre(x, y);
    this.request();
  }

  toWorld(x, y) {
    return [(x - this.view.x) / this.view.scale, (y - this.view.y) / this.view.scale];
  }

  toScreen(index) {
    return [this.corpus.x[index] * this.view.scale + this.view.x, this.corpus.y[index] * this.view.scale + this.view.y];
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.request();
  }

  zoom(factor, x = this.cssWidth / 2, y = this.cssHeight / 2) {
    const scale = Math.max(this.fitScale * 0.5, Math.min(this.fitScale * MAX_ZOOM, this.view.scale * factor));
    const [worldX, worldY] = this.toWorld(x, y);
    this.view = { scale, x: x - worldX * scale, y: y - worldY * scale };
    this.request();
  }

  /** Bring a document into sight, if it is out of it. */
  show(index) {
    if (this.corpus.x[index] === NOWHERE) return;
    const [x, y] = this.toScreen(index);
    if (x < 20 || y < 20 || x > this.cssWidth - 20 || y > this.cssHeight - 20) this.centre(this.corpus.x[index], this.corpus.y[index]);
    this.request();
  }

  hit(x, y) {
    const [worldX, worldY] = this.toWorld(x, y);
    const found = this.grid.nearest(worldX, worldY, Math.max(HIT_RADIUS, this.radius()) / this.view.scale);
    return found < 0 ? -1 : this.order[found];
  }

  /** The radius of a point on the screen, smaller where there are many; `n` are those that are meant. */
  radius(n = this.order.length) {
    const zoom = Math.max(1, this.view.scale / this.fitScale);
    const room = Math.max(0.7, Math.min(1.15, Math.min(this.cssWidth, this.cssHeight) / 600));
    return Math.min(8, Math.max(1.1, room * (12 / Math.max(1, n) ** 0.2)) * zoom ** 0.3);
  }

  request() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.onDraw?.();
    });
  }

  requestMarks() {
    if (!this.frame) this.drawMarks();
  }

  draw() {
    const started = performance.now();
    this.drawPoints();
    this.drawMarks();
    this.lastFrameMs = performance.now() - started;
  }

  drawPoints() {
    const [red, green, blue] = this.paper;
    new Uint32Array(this.image.data.buffer).fill((255 << 24) | (blue << 16) | (green << 8) | red);
    const crowded = Math.min(1, this.order.length / 60000);
    const opacity = 0.88 - 0.38 * crowded;
    if (!this.emphasis) this.shade();
    if (this.emphasis) this.stamp(0, () => this.faded, 0.8);
    this.stamp(1, (colour) => this.palette[colour], opacity);
    this.points.getContext("2d", { alpha: false }).putImageData(this.image, 0, 0);
  }

  /** Far out, where points cover each other, tint the paper by how many lie there (log scale, cells of six pixels). */
  shade() {
    if (this.order.length < SHADED_FROM || this.view.scale > 2.5 * this.fitScale) return;
    const { data, width, height } = this.image;
    const side = Math.round(6 * this.pixelRatio);
    const across = Math.ceil(width / side);
    const counts = new Float32Array(across * Math.ceil(height / side));
    const scale = this.view.scale * this.pixelRatio;
    const [left, top] = [this.view.x * this.pixelRatio, this.view.y * this.pixelRatio];
    for (let k = 0; k < this.order.length; k += 1) {
      const [x, y] = [this.xs[k] * scale + left, this.ys[k] * scale + top];
      if (x >= 0 && y >= 0 && x < width && y < height) counts[Math.floor(y / side) * across + Math.floor(x / side)] += 1;
    }
    const most = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1));
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const count = counts[Math.floor(y / side) * across + Math.floor(x / side)];
        if (!count) continue;
        const alpha = Math.round((70 * Math.log1p(count)) / most);
        const at = 4 * (y * width + x);
        for (let c = 0; c < 3; c += 1) data[at + c] += ((this.ink[c] - data[at + c]) * alpha) >> 8;
      }
    }
  }

  /** A disc of the current radius as pixel offsets and coverage, 0 to 256. */
  disc(opacity, n) {
    const radius = this.radius(n) * this.pixelRatio;
    const reach = Math.ceil(radius);
    const offsets = [];
    const alphas = [];
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        const cover = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy)));
        if (cover > 0) {
          offsets.push(4 * (dy * this.image.width + dx));
          alphas.push(Math.round(cover * opacity * 256));
        }
      }
    }
    return { reach, offsets: Int32Array.from(offsets), alphas: Int32Array.from(alphas) };
  }

  /** Stamp the points whose emphasis is `wanted` (all are 1 when there is none). */
  stamp(wanted, colourFor, opacity) {
    // A few that are chosen among very many stand out by size too.
    const n = this.emphasis && wanted ? Math.max(this.emphasis.reduce((a, b) => a + b, 0), this.order.length / 30) : undefined;
    const { reach, offsets, alphas } = this.disc(opacity, n);
    const { data, width, height } = this.image;
    const scale = this.view.scale * this.pixelRatio;
    const [left, top] = [this.view.x * this.pixelRatio, this.view.y * this.pixelRatio];
    let drawn = 0;
    for (let k = 0; k < this.order.length; k += 1) {
      if (this.emphasis && this.emphasis[this.order[k]] !== wanted) continue;
      const px = Math.round(this.xs[k] * scale + left);
      const py = Math.round(this.ys[k] * scale + top);
      if (px < reach || py < reach || px >= width - reach || py >= height - reach) continue;
      const [red, green, blue] = colourFor(this.colourOf[k]);
      const at = 4 * (py * width + px);
      for (let s = 0; s < offsets.length; s += 1) {
        const q = at + offsets[s];
        const alpha = alphas[s];
        data[q] += ((red - data[q]) * alpha) >> 8;
        data[q + 1] += ((green - data[q + 1]) * alpha) >> 8;
        data[q + 2] += ((blue - data[q + 2]) * alpha) >> 8;
      }
      drawn += 1;
    }
    this.drawn = drawn;
  }

  drawMarks() {
    const context = this.marks.getContext("2d");
    context.setTransform(this.pixelRatio, 0, 0, this.pixelRatio, 0, 0);
    // On paper a cleared rectangle comes out as a white one, over the points; there the canvas is fresh anyway.
    if (!this.printing) context.clearRect(0, 0, this.cssWidth, this.cssHeight);
    this.labels.draw(context);
    this.drawLasso(context);
    for (const [index, width] of [[this.hovered, 1.5], [this.selected, 3]]) {
      if (index < 0 || this.corpus.x[index] === NOWHERE) continue;
      const [x, y] = this.toScreen(index);
      context.beginPath();
      context.arc(x, y, this.radius() + 3, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = `rgb(${this.ink})`;
      context.stroke();
    }
  }

  drawLasso(context) {
    if (!this.lasso || this.lasso.length < 2) return;
    context.beginPath();
    for (const [x, y] of this.lasso) context.lineTo(x * this.view.scale + this.view.x, y * this.view.scale + this.view.y);
    context.closePath();
    context.setLineDash([5, 4]);
    context.lineWidth = 1.5;
    context.strokeStyle = `rgb(${this.ink})`;
    context.stroke();
    context.setLineDash([]);
  }
}
