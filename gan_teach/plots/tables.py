"""A small table that reads well in a notebook, on GitHub and in a terminal."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any


class Table:
    """Rows under column names: HTML where a notebook can show it, aligned text elsewhere.

    Cells are shown as they are, floats with ``digits`` significant digits, NaN as -, truths as yes
    and NO. ``caption`` is a sentence that says what the table shows. Raises ValueError for a row
    that has not one cell per column.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        caption: str = "",
        digits: int = 3,
    ) -> None:
        self.columns = list(columns)
        self.rows = [[_text(cell, digits) for cell in row] for row in rows]
        self.caption = caption
        for i, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {i} has {len(row)} cells, but there are {len(self.columns)} columns."
                )

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.columns))]
        text = [
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([*([self.caption] if self.caption else []), *text])

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str, extra: str = "") -> str:
            inner = "".join(f"<{tag}{extra}>{html.escape(c)}</{tag}>" for c in cells)
            return f"<tr>{inner}</tr>"

        head = line(self.columns, "th", ' scope="col" style="text-align:left"')
        body = "".join(line(row, "td", ' style="text-align:left"') for row in self.rows)
        title = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody></table>"

    __repr__ = __str__


def _text(cell: Any, digits: int) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "NO"
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell + 0.0:.{digits}g}"
    return str(cell)
