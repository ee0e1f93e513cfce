// What core widgets leave out for those who use the lab without a mouse or without seeing: sliders
// get the name of the label beside them and speak their value, a fold says whether it is open, the
// picture refers to the line that tells it, and a part that is made anew keeps the focus.

const PICTURE = "Picture of the run, which the line below it tells";
const ASLEEP = "This is a still picture of a run: its kernel has gone. Run the cell to play with it.";

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// A logarithmic slider moves over exponents, and one of several words over their places.
function spoken(row, handle) {
  const words = row.querySelector(".widget-readout")?.textContent;
  const now = Number(handle.getAttribute("aria-valuenow"));
  const log = row.classList.contains("gan-teach-log");
  return words || String(Number((log ? 10 ** now : now).toPrecision(3)));
}

function nameHandle(handle) {
  const row = handle.closest(".widget-slider");
  const name = row.querySelector(".widget-label")?.textContent.trim();
  if (name) set(handle, "aria-label", name);
  set(handle, "aria-valuetext", spoken(row, handle));
}

function nameParts(root) {
  for (const image of root.querySelectorAll("img.widget-image:not([alt])")) image.alt = PICTURE;
  for (const handle of root.querySelectorAll(".widget-slider .noUi-handle")) nameHandle(handle);
  sayWhetherAsleep(root);
  for (const fold of root.querySelectorAll(".gan-teach-fold")) {
    set(fold, "aria-expanded", String(fold.classList.contains("mod-active")));
  }
}

// What remains when the kernel has gone is a picture. Its controls are hidden (names.css).
function sayWhetherAsleep(root) {
  const asleep = root.classList.contains("jupyter-widgets-disconnected");
  const note = root.querySelector(":scope > .gan-teach-asleep");
  if (!asleep) note?.remove();
  if (!asleep || note) return;
  const words = document.createElement("p");
  words.className = "gan-teach-asleep";
  words.setAttribute("role", "status");
  words.textContent = ASLEEP;
  root.prepend(words);
}

// What a control is called, however often it is made.
function calledBy(element) {
  const words = element.labels?.[0]?.textContent || element.getAttribute("aria-label");
  return `${element.localName} ${words || element.textContent.replace(/[▸▾]/, "")}`;
}

// Another world has other controls. The one in use is found again among them by its name.
function keepFocus(root) {
  let last;
  let name;
  root.addEventListener("focusin", ({ target }) => {
    target.dataset.lmSuppressShortcuts = "true"; // a notebook's own keys must not act in here
    last = target;
    name = calledBy(target);
  });
  root.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !relatedTarget.contains(root)) last = null; // a reader went elsewhere
  });
  return () => {
    if (!last || last.isConnected || !document.activeElement?.contains(root)) return;
    const again = [...root.querySelectorAll(last.localName)].find((e) => calledBy(e) === name);
    again?.focus({ preventScroll: true });
  };
}

// The text of the run, or the address of this page on it, goes where a reader can paste it.
function copyOnClick(root) {
  root.addEventListener("click", async ({ target }) => {
    const button = target.closest(".gan-teach-copy, .gan-teach-link");
    if (!button) return;
    const own = root.querySelector(".gan-teach-text input");
    const link = `${location.origin}${location.pathname}?run=${encodeURIComponent(own.value)}`;
    const said = button.parentElement.querySelector("[role=status]") ?? document.createElement("span");
    said.setAttribute("role", "status");
    button.parentElement.append(said);
    try {
      await navigator.clipboard.writeText(button.matches(".gan-teach-link") ? link : own.value);
      said.textContent = "Copied.";
      setTimeout(() => said.remove(), 4000); // what stays would be told of the next run as well
    } catch {
      own.select(); // a page may not copy by itself everywhere
      said.textContent = "Press Ctrl+C to copy the text.";
    }
  });
}

function render({ el }) {
  let watch;
  let due;
  function begin() {
    const root = el.closest(".gan-teach-lab");
    if (!root) {
      due = requestAnimationFrame(begin); // not on the page so far
      return;
    }
    if (!root.keepsFocus) copyOnClick(root);
    root.keepsFocus ??= keepFocus(root); // this widget is made anew as well
    const refocus = root.keepsFocus;
    nameParts(root);
    refocus();
    watch = new MutationObserver((changes) => {
      for (const { target } of changes) {
        if (target.matches(".widget-slider .noUi-handle")) nameHandle(target); // before it is heard
      }
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => {
        nameParts(root);
        refocus();
      });
    });
    const attributeFilter = ["class", "aria-valuenow"];
    watch.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter });
  }
  begin();
  return () => {
    cancelAnimationFrame(due);
    watch?.disconnect();
  };
}

export default { render };
