// The widget around the canvas. While it plays it asks for the next frame once the last is on the
// screen: at most one is ever under way, so that Stop stops.

const SHORTEST = 33; // milliseconds between two frames: at most 30 a second
const CALM = 500; // the same where the reader has asked for less motion

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "jupyter-button";
  made.textContent = text;
  made.style.marginRight = "6px";
  made.addEventListener("click", press);
  return made;
}

// Calls back for each frame that is due while the model plays.
function clock(model) {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let asked = 0; // when the last frame was asked for
  let timer;
  let stopped = false; // for good: a picture that is still being painted asks for none after it
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    ask() {
      clearTimeout(timer);
      if (stopped || !model.get("playing")) return;
      const rest = (calm.matches ? CALM : SHORTEST) - (performance.now() - asked);
      timer = setTimeout(() => {
        if (!model.get("playing")) return;
        asked = performance.now();
        model.set("wanted", model.get("wanted") + 1);
        model.save_changes();
      }, Math.max(0, rest));
    },
  };
}

// The row of buttons and the keys and pointers of a drawing. ``redraw`` paints the picture, which
// ``place`` locates on the canvas; ``send`` gets the strokes.
function desk(canvas, redraw, place, send) {
  const row = document.createElement("span");
  const says = document.createElement("span");
  says.setAttribute("role", "status");
  says.style.display = "block";
  let pen = null;

  function update() {
    if (pen) says.textContent = pen.says();
    redraw();
  }

  function leave() {
    pen = null;
    says.textContent = "";
    row.replaceChildren();
    canvas.removeAttribute("tabindex");
    canvas.style.touchAction = "";
    redraw();
  }

  function use() {
    pen.lift();
    const strokes = pen.strokes.map((s) => s.map((p) => p.map((v) => Number(v.toPrecision(6)))));
    if (!strokes.length) {
      says.textContent = "Nothing is drawn so far.";
      return;
    }
    leave();
    send(strokes);
  }

  function enter(view) {
    pen = new Pen(view);
    row.replaceChildren(
      button("Use this drawing", use),
      button("Take back a stroke", () => (pen.undo(), update())),
      button("Leave", leave),
      says,
    );
    canvas.tabIndex = 0;
    canvas.style.touchAction = "none"; // a finger draws instead of scrolling
    update();
    canvas.focus();
  }

  function at(event) {
    const corner = canvas.getBoundingClientRect();
    return place().s.at(event.clientX - corner.left, event.clientY - corner.top);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!pen || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pen.set(at(event));
    update();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pen || !canvas.hasPointerCapture(event.pointerId)) return;
    pen.move(at(event));
    update();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!pen) return;
      pen.lift();
      update();
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (!pen) return;
    if (event.key === "Enter") use();
    else if (event.key === "Escape") leave();
    else if (!pen.key(event.key, event.shiftKey)) return;
    else update();
    event.preventDefault();
    event.stopPropagation();
  });
  return { row, enter, leave, pen: () => pen };
}

function render({ model, el }) {
  const looks = model.get("looks");
  const canvas = document.createElement("canvas");
  canvas.className = "gan-teach-canvas";
  canvas.style.cssText = "width: 100%; display: block";
  canvas.dataset.lmSuppressShortcuts = "true"; // a notebook's own keys must not act while drawing
  const { ask, stop } = clock(model);
  let frame = null;
  let main = null; // where the main picture lies

  const play = button("", () => {
    model.set("playing", !model.get("playing"));
    model.save_changes();
  });
  play.classList.add("gan-teach-play");
  const draw = button("✎ Draw the data", () => {
    model.set("playing", false);
    model.save_changes();
    drawing.enter(frame.head.view);
  });
  const drawing = desk(canvas, redraw, () => main, (strokes) => {
    const serial = (model.get("drawing").serial ?? 0) + 1;
    model.set("drawing", { serial, strokes });
    model.save_changes();
  });
  const bar = document.createElement("div");
  bar.append(play, draw, drawing.row);
  el.append(bar, canvas);

  function redraw() {
    if (!frame) return;
    main = drawFrame(canvas, frame, looks);
    const pen = drawing.pen();
    if (pen) pen.paint(canvas, main, looks);
    canvas.setAttribute("role", pen ? "application" : "img");
    canvas.setAttribute("aria-label", pen ? HELP : frame.head.narration);
    canvas.dataset.serial = frame.head.serial;
  }

  function show() {
    const view = model.get("frame");
    if (!view || view.byteLength === 0) return;
    frame = unpack(view);
    draw.hidden = !frame.head.drawable;
    if (draw.hidden && drawing.pen()) drawing.leave();
    redraw();
    requestAnimationFrame(ask); // once this one is on the screen
  }

  function label() {
    play.textContent = model.get("playing") ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", String(model.get("playing")));
    ask();
  }

  const resized = new ResizeObserver(redraw);
  model.on("change:frame", show);
  model.on("change:playing", label);
  label();
  show();
  resized.observe(el);
  return () => {
    stop();
    resized.disconnect();
    model.off("change:frame", show);
    model.off("change:playing", label);
  };
}

export default { render };
