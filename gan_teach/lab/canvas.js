// The lab's picture on a canvas. Python packs a frame (canvas.py), this file draws it.

const FONT = "13px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";
const CHARTS = "Charts of the run over time; the line below the picture has the newest numbers.";
const ROW = 18; // pixels from one row of names to the next
const [CHART, NARROWEST] = [112, 215]; // the height of a chart's axes; the width of a chart at least

// -- reading a frame ----------------------------------------------------------------------------

export function unpack(view) {
  const length = view.getUint32(0, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 4, length);
  const head = JSON.parse(new TextDecoder().decode(bytes));
  const start = view.byteOffset + 4 + length;
  const rest = view.buffer.slice(start, view.byteOffset + view.byteLength);
  return { head, numbers: new Float32Array(rest) };
}

function pairs(numbers, array) {
  const [n] = array.shape;
  const out = new Array(n);
  for (let i = 0; i < n; i++) out[i] = [numbers[array.at + 2 * i], numbers[array.at + 2 * i + 1]];
  return out;
}

const finite = ([x, y]) => Number.isFinite(x) && Number.isFinite(y);

// -- axes ---------------------------------------------------------------------------------------

// The place of data on the canvas: box is [left, top, width, height] in pixels.
export function scale(box, xlim, ylim, log = false) {
  const f = log ? (v) => Math.log10(v) : (v) => v;
  const [low, high] = ylim.map(f);
  const [left, top, width, height] = box;
  return {
    x: (v) => left + ((v - xlim[0]) / (xlim[1] - xlim[0])) * width,
    y: (v) => top + height - ((f(v) - low) / (high - low)) * height,
    // the data at a place of the canvas, on linear axes
    at: (x, y) => [
      xlim[0] + ((x - left) / width) * (xlim[1] - xlim[0]),
      low + ((top + height - y) / height) * (high - low),
    ],
  };
}

// At most about n round numbers between the ends.
export function ticks([low, high], n = 5, log = false) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first + 1) / n));
    const out = [];
    for (let e = first; e <= last; e += step) out.push([10 ** e, `10${raised(e)}`]);
    return out.length > 1 ? out : between(low, high);
  }
  const rough = (high - low) / n;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * decade).find((s) => s >= rough * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    out.push([k * step, named(k * step, digits)]);
  }
  return out;
}

// Marks of a logarithmic axis that holds no two powers of ten.
function between(low, high) {
  const out = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    for (const factor of [1, 2, 5]) {
      const value = factor * 10 ** e;
      if (value >= low && value <= high) out.push([value, named(value, Math.max(0, -e))]);
    }
  }
  return out;
}

// A number with so many digits after the point, or as 4·10⁸ where that would be long.
function named(value, digits) {
  if (value === 0 || (Math.abs(value) < 1e5 && digits < 5)) {
    return value.toFixed(digits < 5 ? digits : 0).replace("-", "−");
  }
  const [factor, exponent] = value.toExponential(1).split("e");
  return `${factor.replace(".0", "").replace("-", "−")}·10${raised(Number(exponent))}`;
}

function raised(number) {
  const signs = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  return [...String(number)].map((c) => signs[c]).join("");
}

function drawAxes(c, box, s, xticks, yticks, xlabel, ylabel, ink) {
  const [left, top, width, height] = box;
  c.save();
  c.strokeStyle = c.fillStyle = ink;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(left, top);
  c.lineTo(left, top + height);
  c.lineTo(left + width, top + height);
  c.stroke();
  c.font = SMALL;
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const [value, name] of xticks) c.fillText(name, s.x(value), top + height + 5);
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const [value, name] of yticks) c.fillText(name, left - 5, s.y(value));
  c.textAlign = "center";
  c.font = FONT;
  c.textBaseline = "alphabetic";
  c.fillText(xlabel, left + width / 2, top + height + 33, width + 28);
  c.translate(left - 36, top + height / 2);
  c.rotate(-Math.PI / 2);
  c.fillText(ylabel, 0, 0);
  c.restore();
}

function within(c, box, draw) {
  c.save();
  c.beginPath();
  c.rect(...box);
  c.clip();
  draw();
  c.restore();
}

// -- marks --------------------------------------------------------------------------------------

// Every mark has a halo of paper, so that it stands out from whatever lies below it.
const HALO = 2; // pixels to each side

function strokeLine(c, points, s, look, halo = null) {
  c.beginPath();
  let down = false;
  for (const point of points) {
    const drawn = finite(point);
    if (drawn) c[down ? "lineTo" : "moveTo"](s.x(point[0]), s.y(point[1]));
    down = drawn;
  }
  if (halo) {
    c.strokeStyle = halo;
    c.lineWidth = look.width + 2 * HALO;
    c.stroke();
  }
  c.strokeStyle = look.color;
  c.lineWidth = look.width;
  c.setLineDash(look.dash);
  c.stroke();
  c.setLineDash([]);
}

function markPath(c, x, y, marker, r) {
  c.beginPath();
  if (marker === "x") {
    c.moveTo(x - r, y - r);
    c.lineTo(x + r, y + r);
    c.moveTo(x - r, y + r);
    c.lineTo(x + r, y - r);
  } else if (marker === "|") {
    c.moveTo(x, y - r);
    c.lineTo(x, y + r);
  } else if (marker === "s") {
    c.rect(x - r, y - r, 2 * r, 2 * r);
  } else {
    c.arc(x, y, r, 0, 2 * Math.PI);
  }
}

function strokeMark(c, x, y, look, size) {
  const open = "x|O".includes(look.marker); // strokes, while the others are filled
  c.strokeStyle = c.fillStyle = look.color;
  c.lineWidth = Math.max(1.4, size / 5);
  markPath(c, x, y, look.marker, size / 2);
  c[open ? "stroke" : "fill"]();
}

function strokeHalo(c, x, y, look, size, paper) {
  c.strokeStyle = paper;
  c.lineCap = "square";
  c.lineWidth = ("x|O".includes(look.marker) ? Math.max(1.4, size / 5) : 0) + 2 * HALO;
  markPath(c, x, y, look.marker, size / 2);
  c.stroke();
  c.lineCap = "butt";
}

// Marks at many places, above the halos of all of them. Each is drawn once for all pictures, and
// stamped, which takes a third of the time.
function stampMarks(c, places, look, size, paper) {
  for (const stroke of [strokeHalo, strokeMark]) {
    const { stamp, own, dense } = stampOf(stroke, look, size, paper);
    const whole = (v) => Math.round((v - own / 2) * dense) / dense; // between pixels it would blur
    for (const [x, y] of places) c.drawImage(stamp, whole(x), whole(y), own, own);
  }
}

const stamps = new Map();

function stampOf(stroke, look, size, paper) {
  const dense = window.devicePixelRatio || 1;
  const key = [stroke.name, look.marker, look.color, size, paper, dense].join();
  if (stamps.size > 100) stamps.clear(); // sizes go with the width of the page
  if (!stamps.has(key)) {
    const edge = Math.ceil((size + 4 + 2 * HALO) * dense);
    const own = edge / dense;
    const canvas = new OffscreenCanvas(edge, edge);
    const on = canvas.getContext("2d");
    on.scale(dense, dense);
    stroke(on, own / 2, own / 2, look, size, paper);
    stamps.set(key, { stamp: canvas.transferToImageBitmap(), own, dense });
  }
  return stamps.get(key);
}

function strokeArrow(c, [x, y], [toX, toY], look, paper = null) {
  const length = Math.hypot(toX - x, toY - y);
  if (!(length > 1)) return;
  const head = Math.min(8, 0.6 * length);
  const [ux, uy] = [(toX - x) / length, (toY - y) / length];
  const [bx, by] = [toX - head * ux, toY - head * uy];
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(bx, by);
  c.moveTo(toX, toY);
  c.lineTo(bx - 0.45 * head * uy, by + 0.45 * head * ux);
  c.lineTo(bx + 0.45 * head * uy, by - 0.45 * head * ux);
  c.closePath();
  if (paper) {
    c.strokeStyle = paper;
    c.lineWidth = look.width + 2 * HALO;
    c.stroke();
  }
  c.strokeStyle = c.fillStyle = look.color;
  c.lineWidth = look.width;
  c.stroke();
  c.fill();
}

function paintField(c, layer, numbers, s, shades) {
  const [rows, columns] = layer.values.shape;
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = numbers[layer.values.at + row * columns + column];
      const shade = 3 * Math.max(0, Math.min(255, Math.round(255 * value))) || 0;
      const at = 4 * ((rows - 1 - row) * columns + column); // row 0 lies at the bottom
      for (let k = 0; k < 3; k++) image.data[at + k] = shades[shade + k];
      image.data[at + 3] = Number.isNaN(value) ? 0 : 255; // a sheet lets its ground be seen
    }
  }
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  const [left, right, bottom, top] = layer.extent;
  c.imageSmoothingEnabled = false;
  c.drawImage(small, s.x(left), s.y(top), s.x(right) - s.x(left), s.y(bottom) - s.y(top));
}

// -- the parts of a frame -----------------------------------------------------------------------

// ``halo`` is the color around lines and arrows; that around points keeps apart what lies close.
function drawLayer(c, layer, numbers, s, looks, halo) {
  const look = looks.roles[layer.role];
  if (layer.kind === "field") return paintField(c, layer, numbers, s, looks[layer.role]);
  const xy = pairs(numbers, layer.xy);
  if (layer.kind === "lines") return strokeLine(c, xy, s, look, halo);
  if (layer.kind === "arrows") {
    const uv = pairs(numbers, layer.uv);
    xy.forEach(([x, y], i) => {
      const to = [x + uv[i][0], y + uv[i][1]];
      if (finite([x, y]) && finite(to)) {
        strokeArrow(c, [s.x(x), s.y(y)], [s.x(to[0]), s.y(to[1])], look, halo);
      }
    });
    return undefined;
  }
  const size = (xy.length > 100 ? 0.8 : 1.25) * look.size * s.grown;
  const places = xy.filter(finite).map(([x, y]) => [s.x(x), s.y(y)]);
  return stampMarks(c, places, look, size, looks.paper);
}

// The picture is as wide as its canvas, and as high as its units ask for: where both axes have the
// same range they have the same scale. Returns its box, its scale and its looks.
function drawPlane(canvas, { head, numbers }, looks) {
  const [left, right, bottom, top] = head.view;
  const width = canvas.clientWidth || 560;
  const side = width - 56;
  const equal = Math.abs((top - bottom) / (right - left) - 1) < 1e-9;
  const rows = rowsOfKeys(canvas.getContext("2d"), head.layers, width - 16);
  const box = [48, 28, side, equal ? side : Math.round(0.75 * side)];
  const c = paper(canvas, width, box[1] + box[3] + 50 + ROW * rows.length);
  canvas.dataset.side = box[3];
  const s = { ...scale(box, [left, right], [bottom, top]), grown: Math.max(1, side / 450) };
  const halo = head.layers.some((layer) => layer.kind === "field") ? looks.paper : null;
  within(c, box, () => {
    for (const layer of head.layers) drawLayer(c, layer, numbers, s, looks, halo);
  });
  const yticks = head.yticks ?? ticks([bottom, top], 6);
  const xticks = ticks([left, right], 6);
  // a sheet of pictures has no axes
  if (head.xlabel) drawAxes(c, box, s, xticks, yticks, head.xlabel, head.ylabel, looks.ink);
  c.textBaseline = "alphabetic";
  c.textAlign = "left";
  c.fillStyle = looks.ink;
  c.font = "600 14px system-ui, sans-serif";
  c.fillText(head.title, box[0], box[1] - 10);
  if (head.note) {
    c.font = SMALL;
    c.fillStyle = looks.alarm;
    c.textAlign = "right";
    c.fillText(head.note, box[0] + box[2], box[1] - 10, box[2] - 110);
  }
  drawKeys(c, rows, looks, 8, box[1] + box[3] + 50);
  return { box, s, looks };
}

// Names that stand beside the marks they belong to, split into rows of the given width.
function rowsOfKeys(c, entries, width) {
  c.font = SMALL;
  const rows = [];
  let used = 0;
  for (const entry of entries) {
    const length = 30 + c.measureText(entry.label).width + 12;
    if (!rows.length || used + length - 12 > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push([entry, used]);
    used += length;
  }
  return rows;
}

function drawKeys(c, rows, looks, left, top) {
  const same = { x: (v) => v, y: (v) => v };
  rows.forEach((row, i) => {
    const y = top + ROW * i;
    for (const [entry, offset] of row) {
      const [look, x] = [looks.roles[entry.role], left + offset];
      if (entry.kind === "points") strokeMark(c, x + 12, y, look, Math.min(look.size + 2, 11));
      else if (entry.kind === "arrows") strokeArrow(c, [x, y], [x + 24, y], look);
      else if (entry.kind === "field") paintShades(c, x, y, looks[entry.role]);
      else strokeLine(c, [[x, y], [x + 24, y]], same, look);
      c.font = SMALL;
      c.textAlign = "left";
      c.textBaseline = "middle";
      c.fillStyle = looks.ink;
      c.fillText(entry.label, x + 30, y);
    }
  });
}

// All colors of a field, 0 on the left.
function paintShades(c, left, y, shades) {
  for (let k = 0; k < 24; k++) {
    const at = 3 * Math.round((255 * k) / 23);
    c.fillStyle = `rgb(${shades[at]}, ${shades[at + 1]}, ${shades[at + 2]})`;
    c.fillRect(left + k, y - 5, 1.5, 10);
  }
}

// All charts and the disc, side by side in as many columns as their canvas has room for.
function drawCharts(canvas, frame, looks) {
  const { charts, disc } = frame.head;
  const parts = disc ? [...charts, disc] : charts;
  const width = canvas.clientWidth || 560;
  const rows = Math.ceil(parts.length / Math.max(1, Math.floor(width / NARROWEST)));
  const columns = Math.ceil(parts.length / Math.max(rows, 1)) || 1;
  const room = width / columns;
  const own = canvas.getContext("2d");
  const heads = parts.map((part) => headOf(own, part, room - 12));
  const tops = [0]; // of the rows
  for (let row = 0; row < rows; row++) {
    const most = Math.max(...heads.slice(row * columns, (row + 1) * columns).map((h) => h.height));
    tops.push(tops[row] + most + CHART + 46);
  }
  const c = paper(canvas, width, tops[rows]);
  parts.forEach((part, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const box = [column * room + 38, tops[row + 1] - CHART - 46, room - 52, CHART];
    drawHead(c, part, heads[i], looks, column * room + 8, tops[row]);
    if (part === disc) drawDisc(c, box, frame, looks);
    else drawChart(c, box, part, frame, looks, i + columns >= parts.length);
  });
}

// The title of a chart and what stands below it: keys, or the words of the disc.
function headOf(c, part, width) {
  const several = part.curves?.length > 1;
  const keys = several ? rowsOfKeys(c, part.curves, width) : [];
  const lines = part.text ? wrapped(c, part.text, width) : [];
  return { keys, lines, height: 22 + ROW * (keys.length + lines.length) };
}

function drawHead(c, part, { keys, lines }, looks, left, top) {
  c.font = FONT;
  c.fillStyle = looks.ink;
  c.textAlign = "left";
  c.textBaseline = "alphabetic";
  c.fillText(part.title, left, top + 14);
  const after = left + c.measureText(part.title).width + 6;
  c.font = SMALL;
  if (part.unit) c.fillText(part.unit, after, top + 14);
  lines.forEach((line, i) => c.fillText(line, left, top + 32 + ROW * i));
  drawKeys(c, keys, looks, left, top + 28);
}

function wrapped(c, text, width) {
  c.font = SMALL;
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && c.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function drawChart(c, box, chart, { head, numbers }, looks, lowest) {
  const s = scale(box, chart.xlim, chart.ylim, chart.log);
  const yticks = ticks(chart.ylim, 4, chart.log);
  drawAxes(c, box, s, ticks(chart.xlim, box[2] / 55), yticks, lowest ? "round" : "", "", looks.ink);
  const names = chart.levels.map(([value, name]) => [s.y(value), name]);
  if (chart.band) {
    const [low, high, name] = chart.band;
    within(c, box, () => {
      c.fillStyle = looks.band;
      c.fillRect(box[0], s.y(high), box[2], s.y(low) - s.y(high));
    });
    names.push([s.y(high), name]);
  }
  for (const [value] of chart.levels) {
    strokeLine(c, [[chart.xlim[0], value], [chart.xlim[1], value]], s, looks.roles.theory);
  }
  within(c, box, () => {
    for (const curve of chart.curves) {
      const xy = pairs(numbers, curve.xy).map(([x, y]) => [x, chart.log && !(y > 0) ? NaN : y]);
      const look = looks.roles[curve.role];
      strokeLine(c, xy, s, { ...look, width: 1.6 });
      const end = xy.at(-1);
      if (end && finite(end)) strokeMark(c, s.x(end[0]), s.y(end[1]), look, 7);
    }
  });
  c.font = SMALL;
  c.textAlign = "right";
  c.textBaseline = "middle";
  c.lineWidth = 3;
  c.lineJoin = "round";
  const wanted = names.map(([y]) => beside(y, box[1]));
  const places = apart(wanted, 13, box[1] + 7, box[1] + box[3] - 7);
  names.forEach(([, name], i) => {
    c.strokeStyle = looks.paper;
    c.strokeText(name, box[0] + box[2], places[i]);
    c.fillStyle = looks.theory;
    c.fillText(name, box[0] + box[2], places[i]);
  });
}

// Where the name of a line at y goes: above it, or below it where the chart, from ``top`` on, ends.
export const beside = (y, top) => (y < top + 15 ? y + 8 : y - 8);

// The places nearest to the given ones, within the bounds, that are so far from one another.
export function apart(places, gap, low, high) {
  const order = places.map((_, i) => i).sort((i, j) => places[i] - places[j]);
  const out = [...places];
  let next = low;
  for (const i of order) {
    out[i] = Math.max(next, Math.min(high, places[i]));
    next = out[i] + gap;
  }
  let last = high;
  for (const i of order.reverse()) {
    out[i] = Math.min(out[i], last);
    last = out[i] - gap;
  }
  return out;
}

function drawDisc(c, [left, top, width, height], { head, numbers }, looks) {
  const r = 0.5 * Math.min(width, height + 40);
  const [x, y] = [left + width / 2 - 14, top + r + 2];
  c.strokeStyle = looks.theory;
  c.fillStyle = looks.band;
  c.lineWidth = 1.2;
  c.beginPath();
  c.arc(x, y, 0.8 * r, 0, 2 * Math.PI);
  c.fill();
  c.stroke();
  c.beginPath();
  c.moveTo(x - r, y);
  c.lineTo(x + r, y);
  c.moveTo(x, y - r);
  c.lineTo(x, y + r);
  c.lineWidth = 0.4;
  c.stroke();
  const clip = (v) => Math.max(-1.25, Math.min(1.25, v));
  for (const [re, im] of pairs(numbers, head.disc.xy)) {
    strokeMark(c, x + 0.8 * r * clip(re), y - 0.8 * r * clip(im), looks.roles.generator, 7);
  }
}

// -- the game as a graph -------------------------------------------------------------------------

const [THUMB, BETWEEN, ABOVE, LINE] = [132, 46, 22, 15]; // a thumbnail; arrows; titles; words
const BACK = { 1: ["generator"], 2: ["generator"], 3: ["generator", "discriminator"] };
const WAYS = [
  { kind: "arrows", role: "theory", label: "what is made of what" },
  { kind: "arrows", role: "generator", label: "L_G's gradient on its way to G" },
  { kind: "arrows", role: "discriminator", label: "L_D's gradient on its way to D" },
];

// z → G → samples → D → losses in a row or, where there is less room, in two, the second one from
// the right to the left. The gradients lead back, the wider the larger they are.
function drawGraph(canvas, { head, numbers }, looks) {
  const width = canvas.clientWidth || 560;
  const columns = width < 640 ? 3 : 5;
  const room = width / columns;
  const side = Math.min(THUMB, room - BETWEEN);
  const own = canvas.getContext("2d");
  const words = head.graph.map(({ text }) => text.flatMap((line) => wrapped(own, line, room - 8)));
  const most = Math.max(...words.map((lines) => lines.length));
  const high = ABOVE + side + LINE * most + (columns < words.length ? 40 : 16);
  const rows = rowsOfKeys(own, WAYS, width - 16);
  const bottom = high * Math.ceil(head.graph.length / columns);
  const c = paper(canvas, width, bottom + ROW * rows.length);
  const places = head.graph.map((_, i) => {
    const [row, k] = [Math.floor(i / columns), i % columns];
    const column = row % 2 ? columns - 1 - k : k;
    return [column * room + (room - side) / 2, row * high + ABOVE];
  });
  head.graph.forEach((node, i) => {
    drawNode(c, node, words[i], [...places[i], side, side], numbers, looks);
    if (i === 0) return;
    const way = wayBetween(places[i - 1], places[i], side, high);
    strokeArrow(c, ...way(0.25), looks.roles.theory);
    (BACK[i - 1] ?? []).forEach((role, k) => {
      const { norm } = head.graph[role === "generator" ? 1 : 3];
      const wide = Math.max(0.8, Math.min(6, 3 + 1.5 * Math.log10(norm || 1e-9)));
      strokeArrow(c, ...way(0.55 + 0.25 * k).reverse(), { ...looks.roles[role], width: wide });
    });
  });
  drawKeys(c, rows, looks, 8, bottom);
}

// From one thumbnail to the next, beside it or below it, at some share of their sides.
function wayBetween([x, y], [toX, toY], side, high) {
  const away = toX > x ? [side + 5, -5] : [-5, side + 5];
  return (share) =>
    y === toY
      ? [[x + away[0], y + share * side], [toX + away[1], y + share * side]]
      : [[x + share * side, y + high - ABOVE - 36], [x + share * side, toY - ABOVE - 2]];
}

function drawNode(c, { title, layers, view }, lines, box, numbers, looks) {
  const [left, top, side] = box;
  const [low, high, bottom, up] = view;
  const s = { ...scale(box, [low, high], [bottom, up]), grown: 0.5 };
  within(c, box, () => layers.forEach((layer) => drawLayer(c, layer, numbers, s, looks, null)));
  c.strokeStyle = looks.theory;
  c.lineWidth = 1;
  c.strokeRect(...box);
  c.fillStyle = looks.ink;
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  c.font = FONT;
  c.fillText(title, left + side / 2, top - 7);
  c.font = SMALL;
  lines.forEach((line, i) => c.fillText(line, left + side / 2, top + side + LINE * (i + 1)));
}

// Two tabs above the lower canvas: the charts, and the graph. ``choose`` hears whether it is this.
export function addTabs(charts, choose) {
  const list = document.createElement("div");
  const panel = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Below the picture");
  panel.setAttribute("role", "tabpanel");
  const tabs = ["Charts", "Model graph"].map((name, i) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = name;
    tab.setAttribute("role", "tab");
    tab.style.cssText = "font: inherit; color: inherit; background: none; border: solid transparent;"
      + "border-width: 0 0 3px; padding: 4px 10px; cursor: pointer";
    tab.addEventListener("click", () => show(i));
    return tab;
  });

  function show(chosen) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
      tab.style.borderBottomColor = i === chosen ? "currentColor" : "transparent";
    });
    panel.setAttribute("aria-label", tabs[chosen].textContent);
    choose(chosen === 1);
  }

  list.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const next = (tabs.indexOf(event.target) + 1) % 2;
    tabs[next].focus();
    show(next);
    event.preventDefault();
  });
  list.append(...tabs);
  panel.append(charts);
  const both = document.createElement("div");
  both.className = "gan-teach-below";
  both.append(list, panel);
  return { both, show };
}

// The cleared canvas at its size on the screen.
function paper(canvas, width, height) {
  const dense = window.devicePixelRatio || 1;
  const [own, high] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== own || canvas.height !== high) {
    canvas.width = own;
    canvas.height = high;
    canvas.style.height = `${height}px`;
  }
  const c = canvas.getContext("2d");
  c.setTransform(dense, 0, 0, dense, 0, 0);
  c.fillStyle = getComputedStyle(canvas).backgroundColor;
  c.fillRect(0, 0, width, height);
  return c;
}

// The looks for the color of the page: its paper is light or dark.
function looksFor(canvas, looks) {
  const [r, g, b, a = 1] = getComputedStyle(canvas).backgroundColor.match(/[\d.]+/g).map(Number);
  return Number(a) && 0.3 * r + 0.6 * g + 0.1 * b < 128 ? looks.dark : looks.light;
}

// The main picture on one canvas, the charts, unless there are none, on another; both have their
// widths set and get the heights that fit. Returns where the main picture lies, and its looks.
export function drawFrame({ plane, charts }, frame, looks) {
  const look = looksFor(plane, looks);
  if (charts) drawBelow(charts, frame, look);
  return drawPlane(plane, frame, look);
}

function drawBelow(canvas, frame, look) {
  const { graph } = frame.head;
  if (graph.length) drawGraph(canvas, frame, look);
  else drawCharts(canvas, frame, look);
  const told = graph.map(({ title, text }) => [title, ...text].join(", ")).join("; ");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", told ? `Model graph. ${told}.` : CHARTS);
}

// ``redraw`` whenever the canvases change their widths, or the page its colors; returns what ends it.
export function onNewPaper(canvases, redraw) {
  const resized = new ResizeObserver(redraw);
  canvases.forEach((canvas) => resized.observe(canvas));
  const painted = new MutationObserver(redraw);
  const attributeFilter = ["class", "style", "data-jp-theme-light"];
  painted.observe(document.body, { attributes: true, attributeFilter });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);
  return () => {
    resized.disconnect();
    painted.disconnect();
    dark.removeEventListener("change", redraw);
  };
}
