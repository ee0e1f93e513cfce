// Puts a slider above each still of a player or a chooser, and shows the pictures of films.py.
// Gives each recorded run of the lab the height that it asks for. Keeps a formula's comma on its line.

const CALM = 500; // milliseconds for a picture where the reader has asked for less motion

function film(figure) {
  const { label, pace, start, told } = window.films[figure.dataset.film];
  const picture = figure.querySelector("img");
  const bar = document.createElement("div");
  const row = document.createElement("label");
  const slider = document.createElement("input");
  const value = document.createElement("output");
  const words = document.createElement("figcaption");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const last = told.length - 1;
  let timer = 0;

  function show() {
    const index = Number(slider.value);
    const [name, sentence] = told[index];
    picture.removeAttribute("width"); // that of the still
    picture.src = `films/${figure.dataset.film}/${String(index).padStart(3, "0")}.webp`;
    picture.alt = sentence;
    words.textContent = sentence;
    name_value(name);
  }

  function name_value(name) {
    value.textContent = name;
    slider.setAttribute("aria-valuetext", name);
  }

  function load() {
    for (const index of told.keys()) {
      new Image().src = `films/${figure.dataset.film}/${String(index).padStart(3, "0")}.webp`;
    }
  }

  slider.type = "range";
  [slider.min, slider.max, slider.value] = [0, last, start];
  name_value(told[start][0]);
  words.setAttribute("role", "status");
  row.append(label, " ", slider, " ", value);
  bar.append(row);
  figure.prepend(bar);
  figure.append(words);
  slider.addEventListener("pointerdown", load, { once: true });
  slider.addEventListener("input", show);
  if (!pace) return;

  const button = document.createElement("button");
  button.type = "button";
  bar.prepend(button);

  function stop() {
    clearInterval(timer);
    timer = 0;
    button.textContent = "▶ Play";
    words.setAttribute("role", "status"); // nobody can listen to twelve a second
  }

  function turn() {
    slider.value = Number(slider.value) + 1;
    show();
    if (Number(slider.value) === last) stop();
  }

  button.addEventListener("click", () => {
    if (timer) return stop();
    load();
    if (Number(slider.value) === last) slider.value = 0;
    words.removeAttribute("role");
    button.textContent = "❚❚ Pause";
    show();
    timer = setInterval(turn, calm.matches ? CALM : pace);
    return undefined;
  });
  slider.addEventListener("input", stop);
  stop();
}

addEventListener("message", ({ data, source }) => {
  const frames = [...document.querySelectorAll("iframe.run")];
  const frame = frames.find((one) => one.contentWindow === source);
  if (frame && data.height > 0) frame.style.height = `${data.height + 1}px`;
});

function hold(formula) {
  const { previousSibling: before, nextSibling: after } = formula;
  const [opening] = /[([]*$/.exec(before?.data ?? "");
  const [closing] = /^\S*/.exec(after?.data ?? "");
  if (!opening && !closing) return;
  const line = document.createElement("span");
  line.style.whiteSpace = "nowrap";
  formula.before(line);
  if (opening) line.append(before.splitText(before.length - opening.length));
  line.append(formula);
  if (closing) after.splitText(closing.length);
  if (closing) line.append(after);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("figure[data-film]").forEach(film);
  document.querySelectorAll("span.math").forEach(hold);
});
