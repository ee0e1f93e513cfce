// Plays frames that frame.py has written into this page, without a kernel. An address that ends
// in #play lets it play by itself once it is in view, one in #bare shows no charts and lists too.
// A page that holds it in a frame is told its height.

const SHORTEST = 33; // milliseconds between two frames: at most 30 a second
const CALM = 500; // the same where the reader has asked for less motion
const LOST = -32768; // the level of NaN
const MOVING = "The run plays. Pause it to hear where it stands.";

// The header of the recording, and of each frame its arrays of levels.
async function unroll(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const half = (bytes.length - 4 - length) / 2;
  const [lower, upper] = [4 + length, 4 + length + half];
  let next = 0;
  let before = [];
  const levels = head.frames.map(({ sizes }) => {
    before = sizes.map((size, k) => {
      const own = new Int16Array(size); // sums wrap around as the differences did
      for (let i = 0; i < size; i++, next++) {
        const folded = bytes[lower + next] + (bytes[upper + next] << 8); // 2d, or -2d - 1 below 0
        own[i] = (before[k]?.[i] ?? 0) + ((folded >> 1) ^ -(folded & 1));
      }
      return own;
    });
    return before;
  });
  return { ...head, levels };
}

// Frame ``index`` as canvas.js draws it, with those of its parts that are shown.
function frameAt(reel, index, shown) {
  const head = reel.frames[index];
  const numbers = [];

  function restore({ at, shape, low, unit }) {
    const start = numbers.length;
    reel.levels[index][at].forEach((level, i) => {
      const k = i % low.length;
      numbers.push(level === LOST ? NaN : low[k] + unit[k] * level);
    });
    return { at: start, shape };
  }

  // The newest points of all frames so far.
  function grown(title, k) {
    const start = numbers.length;
    for (const { charts } of reel.frames.slice(0, index + 1)) {
      const own = charts.find((chart) => chart.title === title)?.curves[k];
      if (own) numbers.push(...own.xy.map((v) => v ?? NaN));
    }
    return { at: start, shape: [(numbers.length - start) / 2, 2] };
  }

  const restored = (part) =>
    Object.fromEntries(
      Object.entries(part).map(([key, value]) => [key, value?.unit ? restore(value) : value]),
    );
  const layers = head.layers.filter(({ name }) => shown.has(name)).map(restored);
  const charts = head.charts
    .filter(({ title }) => shown.has(title))
    .map((chart) => ({
      ...chart,
      curves: chart.curves.map((curve, k) => ({ ...curve, xy: grown(chart.title, k) })),
    }));
  const graph = head.graph.map((node) => ({ ...node, layers: node.layers.map(restored) }));
  const disc = head.disc && shown.has(head.disc.title) ? restored(head.disc) : null;
  return { head: { ...head, layers, charts, disc, graph: shown.graph ? graph : [] }, numbers };
}

function checkbox(name, label, shown, redraw) {
  const row = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = shown.has(name);
  box.addEventListener("change", () => {
    shown[box.checked ? "add" : "delete"](name);
    redraw();
  });
  row.append(box, ` ${label}`);
  return row;
}

async function play() {
  const find = (selector) => document.querySelector(selector);
  const [plane, charts] = [find(".gan-teach-canvas"), find(".gan-teach-charts")];
  const [button, moment, told] = [find(".play"), find("input[type=range]"), find(".told")];
  const tells = find(".tells");
  const reel = await unroll(find("#frames").textContent);
  const last = reel.frames.length - 1;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let index = 0;
  let timer = 0; // of the next frame while it plays
  let painted = 0; // when

  const first = reel.frames[0];
  const named = [...first.charts, ...(first.disc ? [first.disc] : [])].map((part) => part.title);
  const names = [...first.layers.map((layer) => layer.name), ...named];
  const shown = new Set(names.filter((name) => !reel.hidden.includes(name)));
  const place = document.createElement("div");
  charts.replaceWith(place);
  const below = addTabs(charts, (graph) => {
    shown.graph = graph;
    redraw();
  });
  place.replaceWith(below.both);
  const boxes = (entries) => entries.map(([name, label]) => checkbox(name, label, shown, redraw));
  find("fieldset.layers").append(...boxes(first.layers.map(({ name, label }) => [name, label])));
  find("fieldset.charts").append(...boxes(named.map((name) => [name, name])));
  plane.setAttribute("role", "img");

  function redraw() {
    const frame = frameAt(reel, index, shown);
    drawFrame({ plane, charts }, frame, reel.looks);
    const { title, narration } = frame.head;
    told.textContent = narration;
    const sentences = frame.head.layers.map(({ name }) => reel.tells[name]).join(" ");
    if (tells.textContent !== sentences) tells.textContent = sentences;
    moment.value = index;
    moment.setAttribute("aria-valuetext", title);
    plane.setAttribute("aria-label", timer ? MOVING : narration);
    plane.dataset.frame = index;
  }

  function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    button.textContent = "▶ Play";
    told.setAttribute("role", "status"); // nobody can listen to 30 a second
    redraw();
  }

  function turn(now) {
    timer = requestAnimationFrame(turn);
    if (now - painted < (calm.matches ? CALM : SHORTEST) - 4) return;
    painted = now;
    index += 1;
    if (index >= last) stop();
    else redraw();
  }

  function start() {
    if (index >= last) index = 0;
    button.textContent = "❚❚ Pause";
    told.removeAttribute("role");
    timer = requestAnimationFrame(turn);
  }

  button.addEventListener("click", () => (timer ? stop() : start()));
  moment.max = last;
  moment.addEventListener("input", () => {
    index = Number(moment.value);
    if (timer) stop();
    else redraw();
  });
  onNewPaper([plane, charts], redraw);
  below.show(0);
  if (!location.hash || calm.matches) return;
  const view = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    view.disconnect();
    if (!timer && index === 0) start();
  });
  view.observe(plane);
}

document.body.classList.toggle("bare", location.hash === "#bare");
if (parent !== window) {
  const tell = () => parent.postMessage({ height: document.documentElement.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.documentElement);
}
play();
