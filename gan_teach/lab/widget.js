// The widget around the canvas. While it plays it asks for some frames at a time, and for more when
// few are left, so that the kernel works while the browser paints. (A notebook lays out its page
// for every message that the kernel has dealt with: one for each frame would take longer than all
// else.) What is not painted when the reader stops was not seen: the kernel goes back to what was.

const SHORTEST = 1000 / 30; // milliseconds between two frames, in the mean: at most 30 a second
const CALM = 500; // the same where the reader has asked for less motion
const BELOW = 3; // pictures of a run that plays for one of its charts, in which little moves
const AHEAD = 4; // frames asked for at a time; Python makes no more (canvas.py)
const MOVING = "Live picture of the run. Pause it to hear where it stands.";

function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "jupyter-button";
  made.textContent = text;
  made.style.marginRight = "6px";
  made.addEventListener("click", press);
  return made;
}

// The frames between their arrival and ``paint(frame)``, and the wish for more of them.
function reel(model, paint) {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let queue = [];
  let answered = model.get("wanted"); // so many of the frames asked for have arrived
  let painted = 0; // when, or when it should have been
  let timer;
  let due = 0; // the request to paint
  let stopped = false; // for good: a picture that is still being painted asks for none after it

  function ask() {
    const some = calm.matches ? 1 : AHEAD;
    const left = model.get("wanted") - answered + queue.length;
    if (stopped || !model.get("playing") || left > some / 2) return;
    model.set("wanted", model.get("wanted") + some);
    model.save_changes();
  }

  function turn() {
    if (due || !queue.length) return;
    due = requestAnimationFrame((now) => {
      due = 0;
      const shortest = calm.matches ? CALM : SHORTEST;
      if (model.get("playing") && now - painted < shortest - 4) {
        timer = setTimeout(turn, shortest - 4 - (now - painted));
        return;
      }
      // A frame that came late lets the next one come sooner, by half the time at most.
      painted = Math.max(painted + shortest, now - shortest / 2);
      if (queue.length) paint(queue.shift());
      ask();
      clearTimeout(timer);
      turn();
    });
  }

  return {
    ask,
    arrive(frame) {
      answered = Math.max(answered, frame.head.answered ?? 0);
      const playing = model.get("playing");
      if (frame.head.passing && !playing) return; // on its way when the reader stopped
      if (!playing) queue = [];
      queue.push(frame);
      ask();
      turn();
    },
    drop() {
      queue = [];
    },
    // What a kernel that was interrupted owes is not waited for.
    forgive() {
      answered = model.get("wanted");
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      cancelAnimationFrame(due);
    },
  };
}

// The row of buttons and the keys and pointers of a drawing. ``redraw`` paints the picture, which
// ``place`` locates on the canvas; ``send`` gets the strokes; ``left`` is called when it ends.
function drawingBoard(canvas, redraw, place, send, left) {
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
    left(); // the focus goes back to where the drawing began
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
  const [canvas, charts] = ["canvas", "charts"].map((name) => {
    const made = document.createElement("canvas");
    made.className = `gan-teach-${name}`;
    made.style.cssText = "width: 100%; display: block";
    return made;
  });
  canvas.dataset.lmSuppressShortcuts = "true"; // a notebook's own keys must not act while drawing
  let frame = null; // the one that is shown
  let main = null; // where the main picture lies
  let drawn = 0; // pictures so far
  const frames = reel(model, (next) => {
    frame = next;
    drawn += 1;
    redraw(!next.head.passing || drawn % BELOW === 0);
  });

  const play = button("", () => (model.get("playing") ? pause() : start()));
  play.classList.add("gan-teach-play");
  const draw = button("✎ Draw the data", () => {
    pause();
    drawing.enter(frame.head.view);
  });
  const drawing = drawingBoard(canvas, redraw, () => main, (strokes) => {
    const serial = (model.get("drawing").serial ?? 0) + 1;
    model.set("drawing", { serial, strokes });
    model.save_changes();
  }, () => draw.focus());
  const bar = document.createElement("div");
  bar.className = "gan-teach-bar";
  bar.append(play);
  const tools = document.createElement("div");
  tools.className = "gan-teach-tools";
  tools.append(draw, drawing.row);
  const below = addTabs(charts, (graph) => {
    model.set("graph", graph);
    model.save_changes();
  });
  below.show(Number(model.get("graph")));
  el.append(bar, canvas, tools, below.both);

  function start() {
    frames.forgive();
    model.set("playing", true);
    model.save_changes();
  }

  function pause() {
    if (!model.get("playing")) return;
    model.set({ playing: false, shown: frame.head.step });
    model.save_changes();
  }

  function redraw(whole = true) {
    if (!frame) return;
    main = drawFrame({ plane: canvas, charts: whole && charts }, frame, looks);
    const pen = drawing.pen();
    if (pen) pen.paint(canvas, main);
    canvas.dataset.serial = frame.head.serial;
    describe();
  }

  function describe() {
    const pen = drawing.pen();
    const told = model.get("playing") ? MOVING : frame.head.narration;
    canvas.setAttribute("role", pen ? "application" : "img");
    canvas.setAttribute("aria-label", pen ? HELP : told);
  }

  function show() {
    const view = model.get("frame");
    if (!view || view.byteLength === 0) return;
    const next = unpack(view);
    // The style of a notebook's buttons is stronger than the attribute ``hidden``.
    draw.style.display = next.head.drawable ? "" : "none";
    if (!next.head.drawable && drawing.pen()) drawing.leave();
    frames.arrive(next);
  }

  function label() {
    const playing = model.get("playing");
    play.textContent = playing ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", String(playing));
    if (!playing) frames.drop();
    if (frame) describe();
    frames.ask();
  }

  const unwatch = onNewPaper([canvas, charts], () => redraw());
  model.on("change:frame", show);
  model.on("change:playing", label);
  label();
  show();
  return () => {
    frames.stop();
    unwatch();
    model.off("change:frame", show);
    model.off("change:playing", label);
  };
}

export default { render };
