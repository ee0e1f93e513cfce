"""The one progress bar."""

from collections.abc import Iterable
from typing import Any

_MANY = 100_000  # from here on in thousands and millions


def progress_bar(
    total: int | None, unit: str, shown: bool, items: Iterable[Any] | None = None, done: int = 0
) -> Any:
    """A bar of tqdm over ``items``, or one whose ``update(n)`` counts; silent unless ``shown``.

    ``done`` of the ``total`` were there before.
    """
    from tqdm.auto import tqdm  # not when gan_teach is imported: nobody should wait for it

    return tqdm(
        items, total=total, initial=done, unit=f" {unit}s", unit_scale=(total or 0) >= _MANY,
        mininterval=0.3, disable=not shown,
    )  # fmt: skip
