// Core sliders give the handle that a keyboard moves no name, and core pictures have no alternative
// text: a handle gets the name of the label beside it, the picture refers to the line that tells it.

const PICTURE = "Picture of the run, which the line below it tells";

function nameParts(root) {
  for (const image of root.querySelectorAll("img.widget-image:not([alt])")) image.alt = PICTURE;
  for (const row of root.querySelectorAll(".widget-slider")) {
    const name = row.querySelector(".widget-label")?.textContent.trim();
    for (const handle of row.querySelectorAll(".noUi-handle")) {
      if (name && handle.getAttribute("aria-label") !== name) {
        handle.setAttribute("aria-label", name);
      }
    }
  }
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
    nameParts(root);
    watch = new MutationObserver(() => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => nameParts(root)); // controls come with other games
    });
    watch.observe(root, { childList: true, subtree: true });
  }
  begin();
  return () => {
    cancelAnimationFrame(due);
    watch?.disconnect();
  };
}

export default { render };
