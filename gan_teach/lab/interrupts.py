"""An interrupt of the kernel, for widgets.

A kernel that runs no cell ignores interrupts, and newer ones answer widgets in a thread that no
interrupt reaches. So the lab listens for those that no cell is there to get.
"""

import asyncio
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any

WAIT = 0.1  # seconds between two looks whether the cell that made the widget has ended
_methods: list[weakref.WeakMethod[Any]] = []


def on_interrupt(react: Callable[[], Any]) -> None:
    """Call ``react``, a method, at each interrupt that comes while no cell runs, as long as its
    object lives. Does nothing outside of a kernel."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if threading.current_thread() is not threading.main_thread():
        return
    _methods.append(weakref.WeakMethod(react))

    def listen() -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, _heard)
        elif signal.getsignal(signal.SIGINT) is not _heard:  # that of a cell
            loop.call_later(WAIT, listen)

    loop.call_soon(listen)


def _heard(*_: Any) -> None:
    for method in _methods:
        react = method()
        if react:
            react()
