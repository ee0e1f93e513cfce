"""Controls of the lab, made of core widgets: each has a name, works from the keyboard, acts alone.

What a learner does with a control is sent to ``turn``. What the panel shows in it is no wish: a
browser moves a slider that is set between two of its marks to the nearest one and may send that
back, so that sliders of knobs speak only when a learner lets go of them.
"""

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as w

from gan_teach.lab.session import alone

WIDE, ROW = {"description_width": "11em"}, {"width": "25em"}


def told(text: str) -> str:
    """A sentence that screen readers read out; nothing for an empty one."""
    return f'<p role="status">{html.escape(text)}</p>' if text else ""


@dataclass(eq=False)
class Control:
    """A widget that shows a value and sends what a learner makes of it to ``turn``.

    ``value`` is the part that holds it: a list, or a box that holds it as text. A ``slider``
    beside a box may have no mark for it, and then stands at the nearest one.
    """

    widget: Any
    value: Any
    turn: Callable[[Any], Any]
    slider: Any = None
    read: Callable[[Any], Any] = field(default=lambda value: value)  # what a slider stands for
    _showing: bool = False

    def __post_init__(self) -> None:
        self.value.observe(self._changed, names="value")
        if self.slider is not None:
            self.slider.observe(self._slid, names="value")

    def show(self, value: Any, most: float | None = None) -> None:
        """Stand at ``value``, of at most ``most`` if that is given, which turns nothing."""
        with self._silent():
            if most is not None:
                self.slider.max = most
            self.value.value = self._text(value)
            if self.slider is not None:
                self.slider.value = value  # or the nearest end

    def _text(self, value: Any) -> Any:
        if isinstance(value, float):
            return f"{value:.6g}"
        return str(value) if isinstance(self.value, w.Text) else value

    @contextmanager
    def _silent(self) -> Iterator[None]:
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before

    @alone
    def _changed(self, change: dict[str, Any]) -> None:
        if not self._showing:
            self.turn(change["new"])

    @alone
    def _slid(self, change: dict[str, Any]) -> None:
        if not self._showing:
            with self._silent():
                self.value.value = self._text(self.read(change["new"]))
            self.turn(self.value.value)


def number(label: str, turn: Callable[[str], Any], accepts: str) -> Control:
    """A box for a number, which it sends as text: what no number is can then be refused in words.
    ``accepts`` says what is one."""
    box = _box(label, accepts)
    box.style, box.layout = WIDE, {"width": "18em"}
    return Control(box, box, turn)


def slider(
    label: str, turn: Callable[[str], Any], low: float, high: float, step: float,
    log: bool = False, *, accepts: str = "", live: bool = False,
) -> Control:  # fmt: skip
    """A slider from ``low`` to ``high`` (powers of ten, if logarithmic), and a box for numbers that
    it does not offer.

    The box holds the value and carries the name: browsers give the handle of a slider none, so it
    is the box that a screen reader finds. A ``live`` slider, whose values all lie on marks, acts
    while it is moved.
    """
    whole = isinstance(step, int)
    kind = w.FloatLogSlider if log else w.IntSlider if whole else w.FloatSlider
    made = kind(min=low, max=high, step=step, description=label, readout=False,
                continuous_update=live, style=WIDE, layout={"width": "20em"})  # fmt: skip
    if log:
        made.add_class("gan-teach-log")  # names.js says its value, not its exponent
    box = _box(f"{label}, number", accepts)
    read = int if whole else lambda value: float(f"{value:.3g}")
    return Control(w.HBox([made, box]), box, turn, made, read)


def _box(label: str, accepts: str) -> Any:
    layout, style = {"width": "6.5em"}, {"description_width": "0"}
    return w.Text(description=label, tooltip=f"Type {accepts or 'a number'}, then press Enter",
                  continuous_update=False, layout=layout, style=style)  # fmt: skip


def choice(
    label: str,
    turn: Callable[[Any], Any],
    options: Sequence[str],
    shown: Callable[[str], str] = str,
) -> Control:
    """A list of words to choose from, each as ``shown`` makes it."""
    words = [(shown(option).replace("_", " "), option) for option in options]
    listed = w.Dropdown(options=words, description=label, style=WIDE, layout=ROW)
    return Control(listed, listed, turn)


def button(label: str, tooltip: str, press: Callable[[], Any]) -> Any:
    """A button that calls ``press``."""
    made = w.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(alone(lambda _: press()))
    return made


def fold(title: str, *rows: Any) -> Any:
    """A button that shows and hides the rows below it; a keyboard reaches it like any button."""
    button = w.ToggleButton(description=f"▸ {title}", tooltip=title, layout={"width": "auto"})
    button.add_class("gan-teach-fold")  # names.js says whether it is open
    content = w.VBox(rows, layout={"display": "none"})

    def turn(change: dict[str, Any]) -> None:
        button.description = f"{'▾' if change['new'] else '▸'} {title}"
        content.layout.display = "" if change["new"] else "none"

    button.observe(turn, names="value")
    return w.VBox([button, content], layout={"align_items": "flex-start"})
