"""A bounded memory of a run of any length."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

T = TypeVar("T")


class Thinned(Generic[T]):
    """Items at the multiples of ``every``; when there are more than ``most``, every other one goes.

    Which steps are kept is a function of how far the run has come, not of how it got there.
    """

    def __init__(self, most: int, every: int = 1) -> None:
        self.most, self.every = most, every
        self._items: dict[int, T] = {}

    @property
    def last(self) -> int:
        """The last step that is kept; 0 before there is one."""
        return next(reversed(self._items), 0)

    def wants(self, step: int) -> bool:
        """Whether the item of ``step`` is new and would be kept."""
        return step % self.every == 0 and (step > self.last or not self._items)

    def __setitem__(self, step: int, item: T) -> None:
        self._items[step] = item
        if len(self._items) > self.most:
            self.every *= 2
            self._items = {s: i for s, i in self._items.items() if s % self.every == 0}

    def __getitem__(self, step: int) -> T:
        return self._items[step]

    def __len__(self) -> int:
        return len(self._items)

    def until(self, step: int) -> dict[int, T]:
        """The items up to ``step``, in order."""
        return {s: item for s, item in self._items.items() if s <= step}

    def before(self, step: int) -> int:
        """The last kept step that is not after ``step``."""
        return max(s for s in self._items if s <= step)

    def forget_after(self, step: int) -> None:
        """Drop the items after ``step``."""
        self._items = self.until(step)

    def copy(self) -> Thinned[T]:
        """Another memory of the same items (which are not copied)."""
        other = copy.copy(self)
        other._items = dict(self._items)
        return other
