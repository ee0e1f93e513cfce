"""The still pictures of chapters as SVG, for slides and handouts.

    python tutorial/_make/svg.py NAME [NAME ...] [--out figures]

Runs the cells of a chapter and saves, beside each picture that it shows, the figure behind it:
``05_dirac_gan-1.svg``, ``05_dirac_gan-2.svg``, ... with the alternative text as title. Sliders and
films give the stills that GitHub shows, but for those of pixels and the strip of a lab. It takes as
long as the chapter runs.
"""

import argparse
import ast
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from gan_teach import _checks
from gan_teach.course import chapters, need, tutorial_folder
from gan_teach.plots import style


def save_figures(source: Path, out: Path) -> list[Path]:
    """Run the chapter ``source`` in this process; the paths of its pictures, in their order."""
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    image = style.image

    def saving(figure: Any, alt: str, *size: Any, **sizes: Any) -> Any:
        path = out / f"{source.stem}-{len(written) + 1}.svg"
        with style.use(), mpl.rc_context({"svg.hashsalt": source.stem}):
            drawing = style.figure_of(figure)
            style.settle(drawing)
            drawing.savefig(path, format="svg", metadata={"Title": alt, "Date": None})
        written.append(path)
        return image(figure, alt, *size, **sizes)

    cells = need("jupytext").read(source, fmt="py:percent").cells
    here, names = Path.cwd(), {"__name__": source.stem}
    style.image = saving
    os.chdir(source.resolve().parent)  # as a kernel of JupyterLab
    try:
        for cell in cells:
            if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", []):
                _run(ast.parse(cell.source, source.name), names)
    finally:
        style.image = image
        os.chdir(here)
    return written


def _run(cell: ast.Module, names: dict[str, Any]) -> None:
    """Run a cell, and draw what would be displayed at its end: a slider shows itself only then."""
    last = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        getattr(value, "still", lambda: None)()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Save the still pictures of chapters as SVG.")
    parser.add_argument("names", metavar="NAME", nargs="+")
    parser.add_argument("--out", type=Path, default=Path("figures"), help="default: %(default)s")
    parser.add_argument("--folder", type=Path, default=tutorial_folder(), help="default: tutorial")
    options = parser.parse_args(argv)
    sources = {chapter.name: chapter.source for chapter in chapters(options.folder)}
    try:
        asked = [sources[_checks.choice("NAME", name, sources)] for name in options.names]
    except ValueError as error:
        parser.error(str(error))
    for source in asked:
        for path in save_figures(source, options.out):
            print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
