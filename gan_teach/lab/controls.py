"""Controls of the lab, made of core widgets: each has a name and works from the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Turn = Callable[[Any], None]
WIDE = {"description_width": "11em"}
ROW = {"width": "27em"}


@dataclass
class Control:
    """A widget for one knob: ``show(value)`` moves it, and it calls its ``turn`` when moved."""

    widget: Any
    value: Any  # the widget that holds the value
    show: Turn


def count(label: str, most: int, turn: Turn) -> Control:
    """A slider for a whole number from 0."""
    import ipywidgets

    slider = ipywidgets.IntSlider(min=0, max=most, description=label, style=WIDE, layout=ROW)
    slider.observe(lambda change: turn(change["new"]), names="value")

    def show(value: int) -> None:
        slider.max = max(slider.max, value)  # the experiments go beyond what a slider offers
        slider.value = value

    return Control(slider, slider, show)


def amount(label: str, low: float, high: float, step: float, turn: Turn) -> Control:
    """A slider for a number."""
    import ipywidgets

    slider = ipywidgets.FloatSlider(
        min=low, max=high, step=step, description=label, style=WIDE, layout=ROW
    )
    slider.observe(lambda change: turn(round(change["new"], 6)), names="value")

    def show(value: float) -> None:
        slider.min, slider.max = min(slider.min, value), max(slider.max, value)
        slider.value = value

    return Control(slider, slider, show)


def rate(label: str, decades: tuple[int, int], turn: Turn) -> Control:
    """A logarithmic slider and, with the same name, a box for numbers that it does not offer."""
    import ipywidgets

    slider = ipywidgets.FloatLogSlider(
        min=decades[0], max=decades[1], step=0.05, description=label, readout=False,
        style=WIDE, layout={"width": "22em"},
    )  # fmt: skip
    box = ipywidgets.FloatText(
        description=f"{label}, number", style={"description_width": "0"}, layout={"width": "5em"}
    )
    following = False

    def slid(change: dict[str, Any]) -> None:
        if not following:
            box.value = float(f"{change['new']:.3g}")

    def typed(change: dict[str, Any]) -> None:
        place(change["new"])
        turn(change["new"])

    def place(value: float) -> None:
        nonlocal following
        following = True
        try:
            slider.value = min(max(value, 10.0 ** decades[0]), 10.0 ** decades[1])
        finally:
            following = False

    slider.observe(slid, names="value")
    box.observe(typed, names="value")

    def show(value: float) -> None:
        box.value = float(f"{value:.6g}")

    return Control(ipywidgets.HBox([slider, box]), box, show)


def choice(label: str, options: Sequence[str], turn: Turn) -> Control:
    """A list of words to choose from."""
    import ipywidgets

    words = [(option.replace("_", " "), option) for option in options]
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


def button(label: str, tooltip: str, press: Callable[[], Any]) -> Any:
    """A button that calls ``press``."""
    import ipywidgets

    made = ipywidgets.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made
