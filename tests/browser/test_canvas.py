"""The canvas's own code in Chromium, fed with frames that Python packed."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from matplotlib.colors import to_rgb

pytest.importorskip("anywidget")

from gan_teach.lab import Session
from gan_teach.lab.canvas import SOURCE
from gan_teach.lab.frame import FIELDS, GRAPH, PAPERS, Field, Points, contrast, looks, pack

NARROW = {"five-gaussians": {"width": 8}, "digits": {"width": 4}}
LOAD = "const js = await import('data:text/javascript;base64,' + source);"
VIEW = "const view = new DataView(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)).buffer);"


def run(page, body: str, **values):
    """The value of ``body``, JavaScript in which ``js`` is the canvas's module."""
    values["source"] = base64.b64encode(SOURCE.encode()).decode()
    names = ", ".join(values)
    return page.evaluate(f"async ({{ {names} }}) => {{ {LOAD} {body} }}", values)


def packed(session: Session) -> str:
    return base64.b64encode(pack(session.picture({GRAPH}))).decode()


@pytest.mark.parametrize("name", ["normal", "five-gaussians", "dirac", "digits"])
def test_the_browser_reads_what_python_packed(page, name):
    session = Session(name, **NARROW.get(name, {}))
    session.tick(12)
    frame = session.picture()
    found = run(
        page, f"{VIEW} const f = js.unpack(view); return [f.head, [...f.numbers]];",
        bytes=packed(session),
    )  # fmt: skip
    head, numbers = found
    assert head["narration"] == frame.narration
    for layer, own in zip(head["layers"], frame.layers.values(), strict=True):
        key = "values" if layer["kind"] == "field" else "xy"
        array, size = getattr(own, key), np.prod(layer[key]["shape"])
        there = numbers[layer[key]["at"] : layer[key]["at"] + size]
        np.testing.assert_allclose(there, array.ravel(), rtol=1e-6, atol=1e-30)


def test_ticks_are_round_and_inside(page):
    assert run(page, "return js.ticks([-1, 9], 6)") == [
        [0, "0"], [2, "2"], [4, "4"], [6, "6"], [8, "8"],
    ]  # fmt: skip
    assert [t[1] for t in run(page, "return js.ticks([-1.7, 1.7], 4)")] == ["−1", "0", "1"]
    assert [t[1] for t in run(page, "return js.ticks([0.002, 30], 5, true)")] == [
        "10⁻²", "10⁻¹", "10⁰", "10¹",
    ]  # fmt: skip
    narrow = [t[1] for t in run(page, "return js.ticks([0.08, 0.7], 4, true)")]
    assert narrow == ["0.1", "0.2", "0.5"]
    for low, high in [(0, 0.013), (-3e-5, 2e-5), (990, 1010)]:
        found = [t[0] for t in run(page, "return js.ticks([low, high], 5)", low=low, high=high)]
        assert 2 <= len(found) <= 7
        edge = 1e-6 * (high - low)
        assert all(low - edge <= value <= high + edge for value in found)


def test_a_scale_puts_the_ends_on_the_edges(page):
    body = """const s = js.scale([10, 20, 100, 50], [0, 4], [1, 100], true);
              return [s.x(0), s.x(4), s.y(1), s.y(100), s.y(10)];"""
    assert run(page, body) == [10, 110, 70, 20, 45]


# Two canvases of a column of some width.
PAPER = """
const [plane, charts] = [0, 1].map(() => {
  const canvas = document.createElement('canvas');
  canvas.style.cssText = `width: ${width}px; display: block; background: ${paper}`;
  return canvas;
});
document.body.replaceChildren(plane, charts);
"""
DRAW = (
    PAPER
    + """
js.drawFrame({ plane, charts }, js.unpack(view), looks);
const c = plane.getContext('2d');
const data = c.getImageData(0, 0, plane.width, plane.height).data;
const seen = new Set();
for (let i = 0; i < data.length; i += 4) {
  seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
}
return [...seen];
"""
)


@pytest.mark.parametrize("name", ["normal", "five-gaussians", "dirac", "digits"])
def test_every_layer_leaves_its_color_on_the_canvas(page, name):
    faster = {"lr": 0.01} if name == "five-gaussians" else {}
    session = Session(name, **NARROW.get(name, {}), **faster)
    session.tick(40)
    mixed = (*FIELDS, "sheet", "manifold", "flow", "gradient", "latent")
    layers = [one for one in session.picture().layers.values() if one.role not in mixed]
    told = {"bytes": packed(session), "looks": looks(), "width": 560}
    for theme, paper in PAPERS.items():
        seen = set(run(page, VIEW + DRAW, **told, paper=paper))
        for layer in layers:
            color = looks()[theme]["roles"][layer.role]["color"]
            assert int(color[1:], 16) in seen, (theme, layer.label)
        assert int(paper[1:], 16) in seen
    assert page.errors == []


WRITTEN = (
    PAPER
    + """
const said = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, most = Infinity) {
  const m = this.measureText(text);
  const t = this.getTransform();
  if (t.b !== 0) return;  // the name of a vertical axis
  said.push({ text, canvas: this.canvas === plane ? 0 : 1, left: x - m.actualBoundingBoxLeft,
    right: x + Math.min(m.actualBoundingBoxRight, most), top: y - m.actualBoundingBoxAscent,
    bottom: y + m.actualBoundingBoxDescent });
};
js.drawFrame({ plane, charts }, js.unpack(view), looks);
CanvasRenderingContext2D.prototype.fillText = write;
return [said, [plane, charts].map((canvas) => parseFloat(canvas.style.height))];
"""
)


@pytest.mark.parametrize("hidden", [{GRAPH}, set()], ids=["charts", "graph"])
@pytest.mark.parametrize("name", ["normal", "five-gaussians", "dirac", "digits"])
def test_every_name_stands_within_the_picture_and_over_no_other(page, name, hidden):
    session = Session(name, **NARROW.get(name, {}))
    session.tick(10)
    frame = session.picture(hidden)
    names = [layer.label for layer in frame.layers.values()]
    names += [text for node in frame.graph for text in (node.title, *node.text)]
    charts = () if frame.graph else frame.charts
    names += [c.label for chart in charts for c in chart.curves if len(chart.curves) > 1]
    names += [part.title for part in charts]
    names += [level for chart in charts for _, level in chart.levels]
    names += [frame.disc.title] if frame.disc and not frame.graph else []
    told = {"bytes": base64.b64encode(pack(frame)).decode(), "looks": looks(), "paper": "white"}
    for width in (340, 488, 640, 930):
        said, heights = run(page, VIEW + WRITTEN, **told, width=width)
        assert set(names) <= {entry["text"] for entry in said}
        stand_apart(said, width, heights)


def stand_apart(said, width, heights):
    for k, one in enumerate(said):
        assert one["left"] >= 0, one
        assert one["right"] <= width, one
        assert one["top"] >= 0, one
        assert one["bottom"] <= heights[one["canvas"]], one
        for other in said[:k]:
            apart = (
                one["canvas"] != other["canvas"]
                or one["left"] >= other["right"] or other["left"] >= one["right"]
                or one["top"] >= other["bottom"] or other["top"] >= one["bottom"]
            )  # fmt: skip
            assert apart, (one, other)


def test_levels_that_lie_close_are_told_apart(page):
    found = run(page, "return js.apart([50, 52, 51, 90, 200], 13, 0, 100)")
    assert found == [48, 74, 61, 87, 100]
    assert run(page, "return js.apart([99, 99, 99], 13, 0, 100)") == [74, 87, 100]
    assert run(page, "return js.apart([], 13, 0, 100)") == []


def test_a_level_does_not_cross_its_name(page):
    """11 px high letters around the place where they stand: the line is at least 7 px away."""
    for y in (86, 92, 100, 101, 150):
        place = run(page, "return js.apart([js.beside(y, 86)], 13, 93, 190)[0]", y=y)
        assert abs(place - y) >= 7


@pytest.mark.parametrize("width", [340, 560])
def test_a_circle_is_a_circle(page, width):
    """Where both axes have one range, they have one scale."""
    body = (
        PAPER
        + """const { box, s } = js.drawFrame({ plane, charts }, js.unpack(view), looks);
              return [box, s.x(1) - s.x(0), s.y(0) - s.y(1)];"""
    )
    told = {"looks": looks(), "width": width, "paper": "white"}
    for name in ("five-gaussians", "dirac"):
        session = Session(name, **NARROW.get(name, {}))
        box, x, y = run(page, VIEW + body, bytes=packed(session), **told)
        assert box[2] == box[3] == width - 56
        assert x == pytest.approx(y)


@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
def test_marks_have_a_halo_of_paper_where_d_is_sure(page, paper):
    """Around the color of a mark lies the paper, on fields of 0 and of 1."""
    look = looks()["light" if paper == "#ffffff" else "dark"]
    field = np.repeat([[0.0], [1.0]], 2, 1)
    layers = {
        "field": Field(field, (-1, 1, -1, 1), "field", "D"),
        "real": Points(np.array([[-0.5, -0.5], [-0.5, 0.5]]), "real", "real"),
        "fake": Points(np.array([[0.5, -0.5], [0.5, 0.5]]), "fake", "fake"),
    }
    frame = Session("dirac").frame._replace(layers=layers, view=(-1, 1, -1, 1))
    body = (
        PAPER
        + """
        const { s } = js.drawFrame({ plane, charts }, js.unpack(view), looks);
        return places.map(([x, y]) => Array.from({ length: 24 }, (_, k) => [...plane.getContext(
          '2d').getImageData(Math.round(s.x(x)) + k - 12, Math.round(s.y(y)), 1, 1).data]));"""
    )
    places = [(x, y) for y in (-0.5, 0.5) for x in (-0.5, 0.5)]
    told = {"bytes": base64.b64encode(pack(frame)).decode(), "looks": looks(), "width": 560}
    rows = run(page, VIEW + body, **told, paper=paper, places=places)
    for (x, y), row in zip(places, rows, strict=True):
        colors = np.array(row)[:, :3] / 255
        mark = to_rgb(look["roles"]["real" if x < 0 else "fake"]["color"])
        own = np.flatnonzero(np.abs(colors - mark).max(1) < 0.01)
        around = contrast(colors, mark)
        assert around[own.min() - 3 : own.min()].max() > 0.98 * contrast(mark, to_rgb(paper))
        assert around[own.max() + 1 : own.max() + 4].max() > 0.98 * contrast(mark, to_rgb(paper))
        end = np.reshape(look["field"], (256, 3))[0 if y < 0 else 255] / 255
        np.testing.assert_allclose(colors[0], end, atol=0.01)


def test_a_diverged_run_is_drawn(page):
    session = Session("normal", lr=100.0, loss="least_squares")
    session.tick(80)
    told = {"bytes": packed(session), "looks": looks(), "width": 560, "paper": "white"}
    assert len(run(page, VIEW + DRAW, **told)) > 5
    assert page.errors == []


def test_a_pen_draws_by_keys_and_by_places(page):
    body = """const pen = new js.Pen([-2, 2, -2, 2]);
              const said = [];
              for (const [key, shift] of keys) { pen.key(key, shift); said.push(pen.says()); }
              return [pen.strokes, said, pen.key('q', false)];"""
    keys = [["ArrowRight", True], [" ", False], ["ArrowUp", True], ["ArrowUp", False],
            [" ", False], ["ArrowLeft", True], [" ", False], [" ", False]]  # fmt: skip
    strokes, said, known = run(page, body, keys=keys)
    first = [[0.4, 0], [0.4, 0.4], [0.4, 0.48]]
    np.testing.assert_allclose(strokes[0], first, atol=1e-12)
    np.testing.assert_allclose(strokes[1], [[0, 0.48]], atol=1e-12)
    assert said[0] == "Pen up at (0.40, 0.00); 0 strokes, 0 points."
    assert said[3] == "Pen down at (0.40, 0.48); 1 stroke, 3 points."
    assert known is False


def test_a_pen_stays_on_its_paper_and_within_its_bound(page):
    body = """const pen = new js.Pen([-2, 2, -2, 2]);
              pen.set([-9, 9]);
              for (let i = 0; i < 5000; i++) pen.move([i % 2 ? 9 : -9, 0]);
              const size = pen.size;
              const farthest = Math.max(...pen.strokes.flat(2).map(Math.abs));
              pen.lift(); pen.set([0, 0]); pen.lift();
              const strokes = pen.strokes.length;
              pen.undo();
              return [size, farthest, strokes, pen.size];"""
    from gan_teach.lab.own_data import MOST

    assert run(page, body) == [MOST, 2, 1, 0]


# A model as a notebook gives it to the widget. ``kernel`` answers each wish with frames, the step
# of each one higher; without it wishes stay open.
MODEL = """
const state = { looks, wanted: 0, playing: false, drawing: {}, shown: -1, graph: false };
const hears = {};
const say = (name) => (hears[`change:${name}`] ?? []).forEach((f) => f());
let serial = 0;
function send(step, facts) {
  const length = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, 4, length)));
  Object.assign(head, { step, narration: `Round ${step}`, serial: ++serial }, facts);
  const text = new TextEncoder().encode(JSON.stringify(head));
  const padded = 4 * Math.ceil(text.length / 4);
  const all = new Uint8Array(4 + padded + view.byteLength - 4 - length).fill(32);
  new DataView(all.buffer).setUint32(0, padded, true);
  all.set(text, 4);
  all.set(new Uint8Array(view.buffer, 4 + length), 4 + padded);
  state.frame = new DataView(all.buffer);
  say('frame');
}
let answered = 0;
function kernel() {
  while (answered < state.wanted) send(answered, { answered: ++answered, passing: true });
}
const lab = { state, send, kernel };
const model = {
  get: (name) => state[name],
  set(name, value) {
    const all = typeof name === 'string' ? { [name]: value } : name;
    Object.assign(state, all);
    Object.keys(all).forEach(say);
  },
  save_changes() { setTimeout(lab.kernel); },
  on: (event, f) => (hears[event] ??= []).push(f),
  off: (event, f) => { hears[event] = hears[event].filter((g) => g !== f); },
};
const el = document.createElement('div');
el.style.width = '900px';
document.body.replaceChildren(el);
lab.close = js.default.render({ model, el });
window.lab = lab;
send(0, { answered: 0, passing: false });
await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
"""


def show(page, name="five-gaussians", **knobs):
    """The widget on an empty page."""
    run(page, VIEW + MODEL, bytes=packed(Session(name, **knobs)), looks=looks())


def asked(page, milliseconds):
    before = page.evaluate("lab.state.wanted")
    page.wait_for_timeout(milliseconds)
    return page.evaluate("lab.state.wanted") - before


def test_the_widget_plays_pauses_and_closes(page):
    show(page, "dirac")
    assert asked(page, 300) == 0
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("lab.state.wanted > 5")
    page.get_by_role("button", name="Pause").click()
    assert asked(page, 500) == 0
    page.get_by_role("button", name="Play").click()
    page.evaluate("lab.close()")
    assert asked(page, 500) == 0
    assert page.errors == []


def told(page):
    """What the picture says to a screen reader."""
    return page.locator(".gan-teach-canvas").get_attribute("aria-label")


def test_a_stop_freezes_what_is_shown_and_says_where(page):
    """Frames that were asked for but not painted do not appear after it."""
    show(page, "dirac")
    page.evaluate("lab.kernel = () => {}")
    page.get_by_role("button", name="Play").click()
    assert told(page).startswith("Live picture")
    assert page.evaluate("lab.state.wanted") == 4
    page.evaluate("lab.send(1, { answered: 1, passing: true })")
    page.wait_for_function("document.querySelector('.gan-teach-canvas').dataset.serial === '2'")
    page.evaluate("lab.send(2, { answered: 2, passing: true });"
                  "document.querySelector('.gan-teach-play').click();"
                  "lab.send(3, { answered: 3, passing: true })")  # fmt: skip
    assert page.evaluate("[lab.state.shown, lab.state.playing]") == [1, False]
    page.evaluate("lab.send(1, { answered: 4, passing: false })")  # the kernel went back
    page.wait_for_function("document.querySelector('.gan-teach-canvas').dataset.serial === '5'")
    assert told(page) == "Round 1"


def test_a_stop_draws_the_charts_which_follow_some_pictures_later_while_it_plays(page):
    show(page, "dirac")
    page.evaluate("""lab.kernel = () => {}
        const charts = document.querySelector('.gan-teach-charts');
        lab.wipe = () => charts.getContext('2d').clearRect(0, 0, charts.width, charts.height);
        lab.drawn = () => charts.getContext('2d').getImageData(0, 0, charts.width, charts.height)
          .data.some((value) => value)""")
    page.get_by_role("button", name="Play").click()
    drawn = []
    for k in range(1, 7):
        page.evaluate(f"lab.wipe(); lab.send({k}, {{ answered: {k}, passing: true }})")
        page.wait_for_function(f"document.querySelector('canvas').dataset.serial === '{k + 1}'")
        drawn.append(page.evaluate("lab.drawn()"))
    assert sum(drawn) == 2
    page.get_by_role("button", name="Pause").click()
    page.evaluate("lab.wipe(); lab.send(6, { answered: 6, passing: false })")
    page.wait_for_function("lab.drawn()")


def test_few_frames_wait_for_the_screen(page):
    """A kernel that is faster than the screen is not asked for more than is painted soon."""
    show(page, "dirac")
    page.evaluate("""window.most = 0; lab.kernel_ = lab.kernel; lab.kernel = () => {
        const serial = Number(document.querySelector('.gan-teach-canvas').dataset.serial);
        window.most = Math.max(window.most, lab.state.wanted + 1 - serial); lab.kernel_(); }""")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("lab.state.wanted > 20")
    assert page.evaluate("window.most") <= 7
    page.get_by_role("button", name="Pause").click()
    page.evaluate("lab.kernel = () => {}")  # a kernel that has died
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    page.evaluate("lab.kernel = lab.kernel_")
    before = page.evaluate("lab.state.wanted")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("(before) => lab.state.wanted > before + 8", arg=before)


def test_no_more_than_thirty_pictures_a_second(page):
    show(page, "dirac")
    start = page.evaluate("performance.now()")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("Number(document.querySelector('canvas').dataset.serial) > 45")
    painted = "Number(document.querySelector('canvas').dataset.serial)"
    pictures, now = page.evaluate(f"[{painted}, performance.now()]")
    assert pictures <= 3 + 30 * (now - start) / 1000


def test_less_motion_is_respected(page):
    page.emulate_media(reduced_motion="reduce")
    show(page, "dirac")
    start = page.evaluate("performance.now()")
    page.get_by_role("button", name="Play").click()
    pictures = asked(page, 2000)
    assert 0 < pictures <= 2 + (page.evaluate("performance.now()") - start) / 490


def test_a_mouse_and_a_finger_draw_in_data_units(page):
    show(page, width=8)
    page.get_by_role("button", name="Draw the data").click()
    box = page.locator(".gan-teach-canvas").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 100, steps=5)
    page.mouse.up()
    page.touchscreen.tap(box["x"] + 150, box["y"] + 200)
    page.get_by_role("button", name="Use this drawing").click()
    line, dot = page.evaluate("lab.state.drawing.strokes")
    assert len(line) == 6
    assert len(dot) == 1
    assert len({y for _, y in line}) == 1  # a level line
    (left, y), (right, _) = line[0], line[-1]
    assert -1.7 < left < dot[0][0] < right < 1.7
    assert dot[0][1] < y < 1.7
    assert dot[0][0] == pytest.approx((left + right) / 2, abs=1e-5)
    assert page.errors == []


def test_a_drawing_can_be_left(page):
    show(page, width=8)
    page.get_by_role("button", name="Draw the data").click()
    page.get_by_role("application", name="Drawing area").wait_for()
    for key in (" ", "ArrowUp", "Escape"):
        page.keyboard.press(key)
    page.get_by_role("img", name="Round 0").wait_for()
    assert page.evaluate("lab.state.drawing") == {}
    assert page.evaluate("document.activeElement.textContent") == "✎ Draw the data"


@pytest.mark.parametrize(("name", "drawable"), [("five-gaussians", True), ("dirac", False)])
def test_data_can_be_drawn_only_where_that_has_a_meaning(page, name, drawable):
    page.add_style_tag(content=".jupyter-button { display: inline-block }")  # as notebooks have it
    show(page, name, **({"width": 8} if drawable else {}))
    assert page.get_by_role("button", name="Draw the data").count() == drawable
