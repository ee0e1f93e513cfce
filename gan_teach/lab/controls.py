"""Controls of the lab, made of core widgets: each has a name and works from the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Turn = Callable[[Any], None]
WIDE = {"description_width": "11em"}
ROW = {"width": "25em"}


@dataclass
class Control:
    """A widget for one knob: ``show(value)`` moves it, and it calls its ``turn`` when moved."""

    widget: Any
    value: Any  # the widget that holds the value
    show: Turn
    slider: Any = None


def count(label: str, most: int, turn: Turn) -> Control:
    """A slider for a whole number from 0."""
    import ipywidgets

    slider = ipywidgets.IntSlider(min=0, max=most)
    return _paired(label, slider, ipywidgets.IntText(), turn, int)


def amount(label: str, low: float, high: float, step: float, turn: Turn) -> Control:
    """A slider for a number."""
    import ipywidgets

    slider = ipywidgets.FloatSlider(min=low, max=high, step=step)
    return _paired(label, slider, ipywidgets.FloatText(step=step), turn, _short)


def rate(label: str, decades: tuple[int, int], turn: Turn) -> Control:
    """A logarithmic slider for a positive number."""
    import ipywidgets

    slider = ipywidgets.FloatLogSlider(min=decades[0], max=decades[1], step=0.05)
    return _paired(label, slider, ipywidgets.FloatText(), turn, _short)


def _short(value: float) -> float:
    """A slider's place between its marks as a number one can read."""
    return float(f"{value:.3g}")


def _paired(label: str, slider: Any, box: Any, turn: Turn, tidy: Callable[[Any], Any]) -> Control:
    """``slider``, and ``box`` for numbers that it does not offer.

    The box holds the value and carries the name: browsers give the handle of a slider none, so it
    is the box that a screen reader finds.
    """
    import ipywidgets

    slider.description, slider.readout = label, False
    slider.style, slider.layout = WIDE, {"width": "20em"}
    box.description, box.style = f"{label}, number", {"description_width": "0"}
    box.layout = {"width": "6.5em"}
    low, high = (10.0**e if hasattr(slider, "base") else e for e in (slider.min, slider.max))
    following = False

    def slid(change: dict[str, Any]) -> None:
        if not following:
            box.value = tidy(change["new"])

    def typed(change: dict[str, Any]) -> None:
        nonlocal following
        following = True
        try:
            slider.value = min(max(change["new"], low), max(high, slider.max))
        finally:
            following = False
        turn(change["new"])

    def show(value: Any) -> None:
        box.value = value if isinstance(value, int) else float(f"{value:.6g}")

    slider.observe(slid, names="value")
    box.observe(typed, names="value")
    return Control(ipywidgets.HBox([slider, box]), box, show, slider)


def choice(
    label: str, options: Sequence[str], turn: Turn, shown: Callable[[str], str] = str
) -> Control:
    """A list of words to choose from, each as ``shown`` makes it."""
    import ipywidgets

    words = [(shown(option).replace("_", " "), option) for option in options]
    menu = ipywidgets.Dropdown(options=words, description=label, style=WIDE, layout=ROW)
    menu.observe(lambda change: turn(change["new"]), names="value")

    def show(value: str) -> None:
        menu.value = value

    return Control(menu, menu, show)


def typed(label: str, low: int, high: int, turn: Turn) -> Control:
    """A box for a whole number."""
    import ipywidgets

    box = ipywidgets.BoundedIntText(
        min=low, max=high, description=label, style=WIDE, layout={"width": "18em"}
    )
    box.observe(lambda change: turn(change["new"]), names="value")

    def show(value: int) -> None:
        box.value = value

    return Control(box, box, show)


def fold(title: str, content: Any) -> Any:
    """A button that shows and hides what lies below it; a keyboard reaches it like any button."""
    import ipywidgets

    button = ipywidgets.ToggleButton(
        description=f"▸ {title}", tooltip=title, layout={"width": "auto"}
    )
    content.layout.display = "none"

    def turn(change: dict[str, Any]) -> None:
        button.description = f"{'▾' if change['new'] else '▸'} {title}"
        content.layout.display = "" if change["new"] else "none"

    button.observe(turn, names="value")
    return ipywidgets.VBox([button, content], layout={"align_items": "flex-start"})


def button(label: str, tooltip: str, press: Callable[[], Any]) -> Any:
    """A button that calls ``press``."""
    import ipywidgets

    made = ipywidgets.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made
