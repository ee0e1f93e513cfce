// Drawing a distribution by hand: strokes in data units, made with a pointer or from the keyboard.

const MOST = 2000; // points of a drawing, as Python accepts (own_data.py)
const HELP =
  "Drawing area. Draw with the pointer, or move the pen with the arrow keys (Shift: further). " +
  "Space sets it down or lifts it, Backspace takes back a stroke, Enter uses the drawing, " +
  "Escape leaves.";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Pen {
  // view is [left, right, bottom, top] of the paper
  constructor(view) {
    this.view = view;
    this.strokes = [];
    this.place = [(view[0] + view[1]) / 2, (view[2] + view[3]) / 2];
    this.down = false;
  }

  get size() {
    return this.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  }

  get step() {
    return (this.view[1] - this.view[0]) / 100;
  }

  set(place) {
    this.down = true;
    this.strokes.push([]);
    this.move(place);
  }

  // To a place on the paper; the nearest one where the paper ends.
  move([x, y]) {
    const [left, right, bottom, top] = this.view;
    const place = [Math.max(left, Math.min(right, x)), Math.max(bottom, Math.min(top, y))];
    const stroke = this.strokes.at(-1);
    const last = stroke?.at(-1);
    const far = !last || Math.hypot(place[0] - last[0], place[1] - last[1]) >= 0.4 * this.step;
    this.place = place;
    if (this.down && far && this.size < MOST) stroke.push(place);
  }

  lift() {
    this.down = false;
    this.strokes = this.strokes.filter((stroke) => stroke.length);
  }

  undo() {
    this.down = false;
    this.strokes.pop();
  }

  // What a key does; true where it was one of the pen's.
  key(name, shift) {
    if (name in ARROWS) {
      const far = (shift ? 10 : 2) * this.step;
      this.move(this.place.map((v, i) => v + far * ARROWS[name][i]));
    } else if (name === " ") {
      if (this.down) this.lift();
      else this.set(this.place);
    } else if (name === "Backspace") {
      this.undo();
    } else {
      return false;
    }
    return true;
  }

  // The state in words.
  says() {
    const [x, y] = this.place.map((v) => v.toFixed(2).replace("-", "−"));
    const full = this.size >= MOST ? ", no more fit" : "";
    const strokes = `${this.strokes.length} stroke${this.strokes.length === 1 ? "" : "s"}`;
    return `Pen ${this.down ? "down" : "up"} at (${x}, ${y}); ${strokes}, ${this.size} points${full}.`;
  }

  paint(canvas, { box, s, looks }) {
    const c = canvas.getContext("2d");
    within(c, box, () => {
      c.fillStyle = `${looks.paper}c0`;
      c.fillRect(...box);
      for (const stroke of this.strokes) {
        strokeLine(c, stroke, s, { ...looks.roles.real, width: 5 });
        for (const end of [stroke[0], stroke.at(-1)]) {
          if (end) strokeMark(c, s.x(end[0]), s.y(end[1]), looks.roles.real, 7);
        }
      }
      const [x, y] = [s.x(this.place[0]), s.y(this.place[1])];
      c.strokeStyle = looks.ink;
      c.lineWidth = this.down ? 2.5 : 1;
      c.beginPath();
      c.moveTo(x - 9, y);
      c.lineTo(x + 9, y);
      c.moveTo(x, y - 9);
      c.lineTo(x, y + 9);
      c.stroke();
    });
  }
}
