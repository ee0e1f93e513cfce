"""An interrupt of the kernel, for widgets.

A kernel that runs no cell ignores interrupts, and newer ones answer widgets in a thread that no
interrupt reaches. So the lab listens for those that no cell is there to get.
"""

import asyncio
import signal
import threading
from typing import Any
from weakref import WeakSet

WAIT = 0.1  # seconds between two looks whether the cell that made the widget has ended
_panels: WeakSet[Any] = WeakSet()


def listen_for(panel: Any) -> None:
    """Call ``panel.interrupt()`` at each interrupt that comes while no cell runs, as long as the
    panel lives. Does nothing outside of a kernel."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if threading.current_thread() is not threading.main_thread():
        return
    _panels.add(panel)

    def listen() -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, _heard)
        elif signal.getsignal(signal.SIGINT) is not _heard:  # that of a cell
            loop.call_later(WAIT, listen)

    loop.call_soon(listen)


def _heard(*_: Any) -> None:
    for panel in list(_panels):
        panel.interrupt()
