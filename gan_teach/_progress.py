"""The one progress bar: on a terminal and in a notebook a bar, elsewhere a plain line a minute."""

import sys
from collections.abc import Iterable
from typing import Any

LINE_EVERY = 60.0  # seconds between lines in a log file
_MANY = 100_000  # from here on in thousands and millions
_LINE = "{n_fmt}/{total_fmt}{unit} ({percentage:.0f} %), {remaining} left, {rate_fmt}{postfix}"


class _Lines:
    """A file for tqdm that gets each state of its bar as a line of its own."""

    def write(self, text: str) -> None:
        if text.strip():
            print(text.strip(), file=sys.stderr, flush=True)

    def flush(self) -> None:
        pass


def progress_bar(
    total: int | None, unit: str, shown: bool, items: Iterable[Any] | None = None, done: int = 0
) -> Any:
    """A bar of tqdm over ``items``, or one whose ``update(n)`` counts; silent unless ``shown``.

    ``done`` of the ``total`` were there before.
    """
    from tqdm.auto import tqdm  # not when gan_teach is imported: nobody should wait for it

    how: dict[str, Any] = {"mininterval": 0.3}
    ipython = sys.modules.get("IPython")
    notebook = ipython is not None and ipython.get_ipython() is not None
    if shown and not notebook and not sys.stderr.isatty():
        how = {"mininterval": LINE_EVERY, "miniters": 1, "file": _Lines()}
        how |= {"bar_format": _LINE} if total else {}
    return tqdm(
        items, total=total, initial=done, unit=f" {unit}s", unit_scale=(total or 0) >= _MANY,
        disable=not shown, **how,
    )  # fmt: skip
