// Core sliders give the handle that a keyboard moves no name: it gets that of the label beside it.

function nameHandles(root) {
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
    nameHandles(root);
    watch = new MutationObserver(() => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => nameHandles(root)); // controls come with other games
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
