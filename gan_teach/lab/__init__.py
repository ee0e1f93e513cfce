"""The interactive lab: a GAN whose knobs can be turned while it trains.

``Lab`` is what a notebook shows, ``Session`` the same without a screen. Neither needs the other's
packages: a session runs where there is no ipywidgets.
"""

import os
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.lab.config import PRESETS as PRESETS, Config as Config, Replay as Replay, opening
from gan_teach.lab.doctor import Diagnosis as Diagnosis, diagnose as diagnose, treat as treat
from gan_teach.lab.frame import Frame as Frame
from gan_teach.lab.picture import film_strip
from gan_teach.lab.session import Session as Session, Twin as Twin

WIDGET = "application/vnd.jupyter.widget-view+json"
VIEWS = {"canvas": "anywidget", "core": "ipywidgets", "strip": "matplotlib"}
"""The views of the lab, the best first, and the package that each one needs."""

SHORT = 1200  # updates of single players in a run that is made only for a strip


def chosen_view() -> str:
    """The view that ``GAN_TEACH_VIEW`` names, else the best one for which there are packages.

    "canvas" is the canvas of our own, "core" an image among core widgets, "strip" a film strip.
    Raises ValueError for another name and ImportError where a package is missing.
    """
    view = os.environ.get("GAN_TEACH_VIEW") or "auto"
    if _checks.choice("GAN_TEACH_VIEW", view, ("auto", *VIEWS)) == "auto":
        return next(name for name, package in VIEWS.items() if find_spec(package))
    if not find_spec(VIEWS[view]):
        raise ImportError(f"GAN_TEACH_VIEW={view} needs more: pip install 'gan-teach[course]'.")
    return view


class Lab:
    """A live GAN in a notebook: ``gt.Lab("noisy", d_steps=20)`` as the last line of a cell.

    Parameters
    ----------
    config : a preset's name (``gan_teach.lab.PRESETS``), settings, or the replay string of a run,
        which is then repeated up to where it stood. "normal" if not given.
    knobs : settings to start with instead of the preset's, such as d_steps, g_steps, lr, tau,
        noise, loss, seed. ``data`` may be up to 2000 points of your own, an array (n, 2).

    ``lab.session`` is the run itself: the controls and the code of a cell may both steer it.
    ``lab.history`` is what was recorded so far, for every plot of the course. Where widgets cannot
    be shown (on GitHub, on paper) a film strip with alternative text takes their place: of the run
    so far, and where there are no widgets at all of a short run at first.
    Raises TypeError or ValueError for an unknown preset, knob or value.
    """

    def __init__(self, config: str | Config | Replay | None = None, **knobs: Any) -> None:
        self._session = Session(config, **knobs)
        self._panel: Any = None

    @property
    def session(self) -> Session:
        """The run that is shown now."""
        return self._session if self._panel is None else self._panel.session

    @property
    def history(self) -> History:
        """What was recorded of the run so far."""
        return self.session.history

    @property
    def replay(self) -> str:
        """The run so far as a string; ``gt.Lab(string)`` repeats it."""
        return self.session.replay

    @property
    def panel(self) -> Any:
        """The widgets, made when they are first asked for. Needs ipywidgets."""
        if self._panel is None:
            view = chosen_view()
            if view == "strip":
                raise ImportError(
                    "the lab's controls need ipywidgets (pip install 'gan-teach[course]') and "
                    "GAN_TEACH_VIEW unset. gan_teach.lab.Session runs the same from code."
                )
            from gan_teach.lab.panel import Panel

            self._panel = Panel(self._session, view)
        return self._panel

    def __repr__(self) -> str:
        return f"Lab({self.replay!r})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        run, live = self.session, chosen_view() != "strip"
        if run.step == 0 and not live:  # a learner's picture waits for no other run
            run = Session(run.start)
            a_round = max(1, run.config.d_steps + run.config.g_steps)
            run.go(max(20, min(300, SHORT // a_round)))
        bundle: dict[str, Any] = film_strip(run)._repr_mimebundle_()
        if live:
            bundle[WIDGET] = self.panel.box._repr_mimebundle_()[WIDGET]
        return bundle


def app(run: str | None = None) -> Lab:
    """The lab as a page of its own, on the run that its address asks for (``?run=TEXT``), else on
    ``run``. What is wrong with a text is told on the page, which then shows the preset "normal".
    """
    usual = str(opening("normal"))
    asked = parse_qs(os.environ.get("QUERY_STRING", "")).get("run", [run or usual])[0]
    try:
        made, problem = Lab(asked), ""
    except (TypeError, ValueError) as error:
        made, problem = Lab(usual), f"The text of the run cannot be read: {error}"
    if chosen_view() != "strip":
        made.panel.box.add_class("gan-teach-page")
        made.panel.tell(problem)
    return made
