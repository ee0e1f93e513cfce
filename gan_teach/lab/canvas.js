// The lab's picture on a canvas. Python packs a frame (canvas.py), this file draws it.

const FONT = "13px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";
const ROW = 18; // pixels from one row of names to the next

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

function strokeLine(c, points, s, look) {
  c.strokeStyle = look.color;
  c.lineWidth = look.width;
  c.setLineDash(look.dash);
  c.beginPath();
  let down = false;
  for (const point of points) {
    const drawn = finite(point);
    if (drawn) c[down ? "lineTo" : "moveTo"](s.x(point[0]), s.y(point[1]));
    down = drawn;
  }
  c.stroke();
  c.setLineDash([]);
}

function strokeMark(c, x, y, look, size) {
  const r = size / 2;
  c.strokeStyle = c.fillStyle = look.color;
  c.lineWidth = Math.max(1.2, size / 5);
  c.beginPath();
  if (look.marker === "x") {
    c.moveTo(x - r, y - r);
    c.lineTo(x + r, y + r);
    c.moveTo(x - r, y + r);
    c.lineTo(x + r, y - r);
    c.stroke();
  } else if (look.marker === "|") {
    c.moveTo(x, y - r);
    c.lineTo(x, y + r);
    c.stroke();
  } else if (look.marker === "s") {
    c.fillRect(x - r, y - r, size, size);
  } else if (look.marker === "O") {
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.stroke();
  } else {
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
    c.strokeStyle = "white";
    c.lineWidth = 0.7;
    c.stroke();
  }
}

// Marks at many places: one is drawn, the others are stamped, which takes a third of the time.
function stampMarks(c, places, look, size) {
  const dense = window.devicePixelRatio || 1;
  const edge = Math.ceil((size + 4) * dense);
  const stamp = new OffscreenCanvas(edge, edge);
  const own = stamp.getContext("2d");
  own.scale(dense, dense);
  const middle = edge / dense / 2;
  strokeMark(own, middle, middle, look, size);
  for (const [x, y] of places) {
    c.drawImage(stamp, x - middle, y - middle, edge / dense, edge / dense);
  }
}

function strokeArrow(c, [x, y], [toX, toY], look) {
  const length = Math.hypot(toX - x, toY - y);
  if (!(length > 1)) return;
  const head = Math.min(7, 0.6 * length);
  const [ux, uy] = [(toX - x) / length, (toY - y) / length];
  const [bx, by] = [toX - head * ux, toY - head * uy];
  c.strokeStyle = c.fillStyle = look.color;
  c.lineWidth = 1.2;
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(bx, by);
  c.stroke();
  c.beginPath();
  c.moveTo(toX, toY);
  c.lineTo(bx - 0.45 * head * uy, by + 0.45 * head * ux);
  c.lineTo(bx + 0.45 * head * uy, by - 0.45 * head * ux);
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
      image.data[at + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(image, 0, 0);
  const [left, right, bottom, top] = layer.extent;
  c.imageSmoothingEnabled = false;
  c.drawImage(small, s.x(left), s.y(top), s.x(right) - s.x(left), s.y(bottom) - s.y(top));
}

// -- the parts of a frame -----------------------------------------------------------------------

function drawLayer(c, layer, numbers, s, looks) {
  const look = looks.roles[layer.role];
  if (layer.kind === "field") return paintField(c, layer, numbers, s, looks.field);
  const xy = pairs(numbers, layer.xy);
  if (layer.kind === "lines") return strokeLine(c, xy, s, look);
  if (layer.kind === "arrows") {
    const uv = pairs(numbers, layer.uv);
    c.globalAlpha = 0.7;
    xy.forEach(([x, y], i) => {
      const to = [x + uv[i][0], y + uv[i][1]];
      if (finite([x, y]) && finite(to)) {
        strokeArrow(c, [s.x(x), s.y(y)], [s.x(to[0]), s.y(to[1])], look);
      }
    });
    c.globalAlpha = 1;
    return undefined;
  }
  const size = (xy.length > 100 ? 0.75 : 1.25) * look.size;
  stampMarks(c, xy.filter(finite).map(([x, y]) => [s.x(x), s.y(y)]), look, size);
  return undefined;
}

function drawMain(c, width, height, { head, numbers }, looks) {
  const named = head.layers.filter((layer) => layer.kind !== "field");
  const keys = rowsOfKeys(c, named, width - 16);
  const box = [52, 28, width - 66, height - 28 - 54 - ROW * keys.length];
  const [left, right, bottom, top] = head.view;
  const s = scale(box, [left, right], [bottom, top]);
  within(c, box, () => {
    for (const layer of head.layers) drawLayer(c, layer, numbers, s, looks);
  });
  const yticks = head.yticks ?? ticks([bottom, top], 6);
  drawAxes(c, box, s, ticks([left, right], 6), yticks, head.xlabel, head.ylabel, looks.ink);
  c.textBaseline = "alphabetic";
  c.fillStyle = looks.ink;
  c.font = "600 14px system-ui, sans-serif";
  c.textAlign = "left";
  c.fillText(head.title, box[0], box[1] - 10);
  if (head.note) {
    c.font = SMALL;
    c.textAlign = "right";
    const room = c.measureText(head.note).width + 12;
    c.fillStyle = "rgba(255, 255, 255, 0.9)";
    c.fillRect(box[0] + box[2] - room, box[1] + box[3] - 24, room, 20);
    c.fillStyle = looks.alarm;
    c.fillText(head.note, box[0] + box[2] - 6, box[1] + box[3] - 10);
  }
  drawKeys(c, keys, looks, 8, box[1] + box[3] + 52);
  return { box, s };
}

// Names that stand beside the marks they belong to, split into rows of the given width.
function rowsOfKeys(c, entries, width) {
  c.font = SMALL;
  const rows = [];
  let used = 0;
  for (const entry of entries) {
    const length = 30 + c.measureText(entry.label).width + 12;
    if (!rows.length || used + length > width) {
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
      else strokeLine(c, [[x, y], [x + 24, y]], same, look);
      c.font = SMALL;
      c.textAlign = "left";
      c.textBaseline = "middle";
      c.fillStyle = looks.ink;
      c.fillText(entry.label, x + 30, y);
    }
  });
}

function drawChart(c, box, chart, { head, numbers }, looks, lowest) {
  const s = scale(box, chart.xlim, chart.ylim, chart.log);
  const yticks = ticks(chart.ylim, 4, chart.log);
  const xlabel = chart.xlabel || (lowest ? head.unit : "");
  drawAxes(c, box, s, ticks(chart.xlim, box[2] / 50), yticks, xlabel, "", looks.ink);
  c.font = FONT;
  c.fillStyle = looks.ink;
  c.textAlign = "left";
  c.textBaseline = "alphabetic";
  c.fillText(chart.title, box[0] - 30, box[1] - 24, box[2] + 30);
  if (chart.curves.length > 1) {
    drawKeys(c, rowsOfKeys(c, chart.curves, Infinity), looks, box[0] - 30, box[1] - 10);
  }
  if (chart.band) drawBand(c, box, chart.band, s, looks);
  within(c, box, () => {
    for (const curve of chart.curves) {
      const xy = pairs(numbers, curve.xy).map(([x, y]) => [x, chart.log && !(y > 0) ? NaN : y]);
      const look = looks.roles[curve.role];
      strokeLine(c, xy, s, { ...look, width: 1.6 });
      const end = xy.at(-1);
      if (end && finite(end) && chart.steps) strokeMark(c, s.x(end[0]), s.y(end[1]), look, 7);
    }
  });
  for (const [value, name] of chart.levels) {
    strokeLine(c, [[chart.xlim[0], value], [chart.xlim[1], value]], s, looks.roles.theory);
    c.font = SMALL;
    c.fillStyle = looks.theory;
    c.textAlign = "right";
    c.textBaseline = s.y(value) < box[1] + 20 ? "top" : "bottom";
    c.fillText(name, box[0] + box[2], s.y(value) + (c.textBaseline === "top" ? 3 : -2));
  }
}

// Where real data score against real data.
function drawBand(c, box, [low, high, name], s, looks) {
  within(c, box, () => {
    c.fillStyle = "rgba(74, 77, 87, 0.14)";
    c.fillRect(box[0], s.y(high), box[2], s.y(low) - s.y(high));
  });
  c.font = SMALL;
  c.fillStyle = looks.theory;
  c.textAlign = "right";
  c.textBaseline = "bottom";
  c.fillText(name, box[0] + box[2], Math.max(box[1] + 12, s.y(high) - 1));
}

function drawDisc(c, [left, top, width, height], { head, numbers }, looks) {
  const r = 0.5 * Math.min(width, height + 20);
  const [x, y] = [left + width / 2, top + r + 4];
  c.strokeStyle = looks.theory;
  c.fillStyle = "rgba(74, 77, 87, 0.08)";
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
    strokeMark(c, x + 0.8 * r * clip(re), y - 0.8 * r * clip(im), { ...looks.roles.generator }, 7);
  }
  c.fillStyle = looks.ink;
  c.textAlign = "left";
  c.textBaseline = "alphabetic";
  c.font = FONT;
  c.fillText(head.disc.title, left - 30, top - 24, width + 30);
  c.font = SMALL;
  c.fillText(head.disc.text, left - 30, top - 8, width + 30);
}

// The whole picture; the canvas has its width set and gets the height that fits. Returns where the
// main picture lies: its box and its scale.
export function drawFrame(canvas, frame, looks) {
  const width = canvas.clientWidth || 900;
  const height = Math.round(Math.max(400, 0.5 * width));
  const dense = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    canvas.style.height = `${height}px`;
  }
  const c = canvas.getContext("2d");
  c.setTransform(dense, 0, 0, dense, 0, 0);
  c.fillStyle = "white";
  c.fillRect(0, 0, width, height);
  const { head } = frame;
  const parts = [...head.charts.map((chart) => ["chart", chart]), ...(head.disc ? [["disc"]] : [])];
  const left = Math.round(0.46 * width);
  const main = drawMain(c, left, height, frame, looks);
  const columns = parts.length > 4 ? 3 : 2;
  const rows = Math.max(1, Math.ceil(parts.length / columns));
  const [w, h] = [(width - left) / columns, height / rows];
  parts.forEach(([kind, chart], i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const box = [left + column * w + 40, row * h + 40, w - 58, h - 82];
    if (kind === "chart") drawChart(c, box, chart, frame, looks, row === rows - 1);
    else drawDisc(c, box, frame, looks);
  });
  return main;
}
