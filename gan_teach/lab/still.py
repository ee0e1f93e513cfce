"""The lab on paper: a film strip with alternative text, where widgets cannot be shown."""

from __future__ import annotations

from gan_teach import style
from gan_teach.animation._strip import strip
from gan_teach.lab.config import Config
from gan_teach.lab.session import Session

MOMENTS = 4
_SHORT = 1200  # updates of single players in a run that is made only for the strip


def still(session: Session, dpi: int = 80) -> style.HtmlImage:
    """Moments of the session's run so far or, before its first update, of a short run of it."""
    if session.step == 0:
        session = Session(session.start)
        session.tick(length(session.config))
    history = session.history
    figure, text = strip(history, None, MOMENTS)
    return style.HtmlImage(style.png(figure, dpi), text, round(96 * figure.get_figwidth()))


def length(config: Config) -> int:
    """Rounds of a short run: fewer where a round has many updates."""
    return max(20, min(300, _SHORT // max(1, config.d_steps + config.g_steps)))
