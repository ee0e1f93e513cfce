"""A question before a run: the reader commits to an answer, and is told afterwards which it was."""

import html
from typing import Any

from gan_teach import _checks
from gan_teach.course import need

_SAID: dict[tuple[str, ...], str] = {}  # what was chosen in this session, by the options


class Prediction:
    """One of ``options``, chosen by a button in a notebook; a line of text on paper.

    ``buttons.value`` is what was chosen, None at first. ``status`` repeats it, a live region for
    screen readers, to which a pressed button looks like any other.
    """

    def __init__(self, options: tuple[str, ...]) -> None:
        widgets = need("ipywidgets")
        self.options = options
        tips = [f"I predict: {option}" for option in options]
        look = {"description": "I predict", "tooltips": tips, "style": {"button_width": "auto"}}
        self.buttons = widgets.ToggleButtons(options=options, value=None, **look)
        self.status = widgets.HTML()
        self.box = widgets.VBox([self.buttons, self.status])
        self.buttons.observe(self._show, names="value")
        # A pressed button makes its cell the active one, and Shift+Enter then runs it once more.
        self.buttons.value = _SAID.get(options)

    def answer(self, outcome: str) -> None:
        """Print what the reader said, if anything, and the ``outcome``, which is an option."""
        _checks.choice("outcome", outcome, self.options)
        said = self.buttons.value
        if said is None:
            print(f'It was "{outcome}".')
        elif said == outcome:
            print(f'You said "{said}", and so it was.')
        else:
            print(f'You said "{said}"; it was "{outcome}".')

    def _show(self, change: Any) -> None:
        _SAID[self.options] = change["new"]
        self.status.value = f'<p role="status">I predict: {html.escape(str(change["new"]))}</p>'

    def __repr__(self) -> str:
        return f"Predict: {', '.join(self.options[:-1])} or {self.options[-1]}?"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**self.box._repr_mimebundle_(), "text/plain": repr(self)}


def predict(*options: str) -> Prediction:
    """Ask which of the ``options`` a run will show; ``answer(outcome)`` tells it afterwards.

    guess = gt.predict("settles", "saturates", "cycles")
    guess  # the last line of a cell shows the buttons
    guess.answer("settles")  # after the run: You said "cycles"; it was "settles".

    Raises ValueError for fewer than two options and for equal ones. Needs ipywidgets.
    """
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError(f"options must be at least two different ones, got {options!r}.")
    return Prediction(options)
