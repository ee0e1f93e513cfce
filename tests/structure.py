"""How deep the algorithm lies, and which room imports which.

    python tests/structure.py frames                 the frames between train and backward
    python tests/structure.py rooms --out rooms.svg  the imports between rooms, as a picture

``frames`` runs one update of a GAN with ``alternating`` and prints what stands on the stack where
autograd is called, and the files that the update passes (those of these frames, and that of the
optimizer's step). ``rooms`` reads all imports, those inside functions too, and draws the rooms from
the cellar up; an arrow that leads upwards would be red.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import gan_teach
from gan_teach.course import tutorial_folder

PACKAGE = Path(gan_teach.__file__).parent
EXERCISES = tutorial_folder() / "exercises"  # imported as gan_teach.course.exercises
FLOORS = (
    "__main__", "cli", "course", "lab", "studies", "zoo", "training", "metrics", "dynamics",
    "analysis", "plots", "games", "models", "data", "ground",
)  # fmt: skip
GROUND = ("_checks", "_devices", "_files", "_identity", "_progress", "history")


def frames() -> tuple[list[str], list[str]]:
    """(functions between train and autograd.grad, files on the way there and to the step).

    The losses, the data and what a file calls beside that way are not counted.
    """
    import torch

    from gan_teach import data
    from gan_teach.dynamics import alternating, optim
    from gan_teach.games import GAN
    from gan_teach.models import MLP
    from gan_teach.training import train

    stacks: list[list[traceback.FrameSummary]] = []
    real_grad, real_step = torch.autograd.grad, optim.SGD.step

    def watched_grad(*args: Any, **settings: Any) -> Any:
        stacks.append(list(traceback.extract_stack())[:-1])
        return real_grad(*args, **settings)

    def watched_step(*args: Any, **settings: Any) -> None:
        files.add(_place(inspect.unwrap(real_step).__code__.co_filename))
        return real_step(*args, **settings)

    files: set[str] = set()
    source = data.ring(5)
    game = GAN(MLP(2, 2), MLP(2, 1), data=source, latent=source)
    patches = (
        mock.patch.object(torch.autograd, "grad", watched_grad),
        mock.patch.object(optim.SGD, "step", watched_step),
    )
    with patches[0], patches[1]:
        for _ in train(game, alternating(), steps=1, batch_size=8):
            pass
    between = []
    for stack in stacks:
        ours = [frame for frame in stack if str(PACKAGE) in frame.filename]
        between.append([f"{_place(frame.filename)}: {frame.name}" for frame in ours])
        files.update(_place(frame.filename) for frame in ours)
    return max(between, key=len), sorted(files)


def _place(filename: str) -> str:
    return Path(filename).relative_to(PACKAGE).as_posix()


def rooms() -> Counter[tuple[str, str]]:
    """(from, to) -> number of files in the room that import the other one."""
    arrows: Counter[tuple[str, str]] = Counter()
    for path in sources():
        here = _room(inside(path).parts[0].removesuffix(".py"))
        if here is None:
            continue
        there = {_room(name) for name in _imports(path)}
        arrows.update((here, room) for room in there if room and room != here)
    return arrows


def sources() -> list[Path]:
    """All files of the package; of the course in a wheel's ``_tutorial`` the exercises only."""
    package = [path for path in PACKAGE.rglob("*.py") if "_tutorial" not in path.parts]
    return sorted([*package, *EXERCISES.glob("*.py")])


def inside(path: Path) -> Path:
    """The place of a file in the package, where the exercises lie beside the chapters."""
    return (
        Path("course/exercises", path.name)
        if path.parent == EXERCISES
        else path.relative_to(PACKAGE)
    )


def _room(name: str) -> str | None:
    if name in GROUND:
        return "ground"
    return name if name in FLOORS else None


def _imports(path: Path) -> set[str]:
    """First names below gan_teach of all imports in a file, nested ones too."""
    names = set()
    package = ["gan_teach", *inside(path).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{whole}.{alias.name}" for alias in node.names)
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "gan_teach" and len(p) > 1}


def upward(arrows: Sequence[tuple[str, str]] | Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """The imports from a room that stands higher."""
    return [(a, b) for a, b in arrows if FLOORS.index(b) < FLOORS.index(a)]


def draw(arrows: Counter[tuple[str, str]], out: Path) -> None:
    """Floors from the top; arrows down in grey, as wide as files are many, upwards in red."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in FLOORS if any(name in arrow for arrow in arrows)]
    height = {name: len(names) - i for i, name in enumerate(names)}
    across = {name: (i % 3) - 1 for i, name in enumerate(names)}
    wrong = set(upward(arrows))
    figure, axes = plt.subplots(figsize=(8, 10))
    for (a, b), count in arrows.items():
        style = {
            "arrowstyle": "-|>", "color": "red" if (a, b) in wrong else "0.6",
            "lw": 0.4 + 0.25 * count, "shrinkA": 16, "shrinkB": 16,
            "connectionstyle": "arc3,rad=0.1",
        }  # fmt: skip
        axes.annotate(
            "", (across[b], height[b]), (across[a], height[a]), arrowprops=style, zorder=1
        )
    for name in names:
        box = {"boxstyle": "round", "fc": "white", "ec": "0.2"}
        axes.text(across[name], height[name], name, ha="center", va="center", bbox=box, zorder=2)
    axes.set(xlim=(-1.6, 1.6), ylim=(0.3, len(names) + 0.7))
    axes.set_axis_off()
    figure.savefig(out, bbox_inches="tight")
    plt.close(figure)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("frames")
    commands.add_parser("rooms").add_argument("--out", type=Path, default=Path("rooms.svg"))
    options = parser.parse_args(arguments)
    if options.command == "frames":
        between, files = frames()
        print(f"{len(between)} frames between train and autograd.grad:", *between, sep="\n  ")
        print(
            f"{len(files)} files on the way to autograd.grad and to the optimizer's step:",
            *files,
            sep="\n  ",
        )
    else:
        arrows = rooms()
        draw(arrows, options.out)
        print(f"{len(arrows)} arrows, upwards: {upward(arrows) or 'none'}; wrote {options.out}")


if __name__ == "__main__":
    main(sys.argv[1:])
