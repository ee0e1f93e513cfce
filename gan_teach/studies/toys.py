"""What ``gan-teach run`` trains, the toy games of chapters 05 to 13, and the files it writes."""

import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import _checks, metrics, plots, zoo
from gan_teach.dynamics import alternating, simultaneous
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Game
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.plots import animation, style
from gan_teach.plots.text import Table
from gan_teach.studies.recording import FORMATS
from gan_teach.training import probes, record
from gan_teach.zoo import experiments, line, planar
from gan_teach.zoo.functions import PublishedGame

RECORDS = 500  # at most so many of a run
FEW = 50  # parameters that are recorded; of larger games, samples are
SHOWN = 500  # samples of a GAN, and as many real points
MOST = 8  # members of an ensemble that a picture shows
_MODES = "{:.0f} modes, {:.1%} on them, reverse KL {:.3f}"


@dataclass(frozen=True)
class Toy:
    """A game as its paper trains it: ``game(seed=..., **own)``, by ``training``.

    taus : lr_D / lr_G of the published runs, which are trained together.
    """

    summary: str
    game: Callable[..., Game]
    training: zoo.Training
    taus: tuple[float, ...] = (1.0,)


def _published(summary: str, setup: PublishedGame) -> Toy:
    game = setup.game()  # one for all: an ensemble of function games shares its functions
    training = zoo.Training(
        steps=setup.steps, batch_size=1, lr=setup.lr, optimizer="sgd", rule=simultaneous
    )
    return Toy(summary, lambda seed: game, training, setup.taus)


def _of_dirac(method: line.DiracMethod) -> Toy:
    training = zoo.Training(
        steps=zoo.DIRAC_STEPS, batch_size=method.batch_size, lr=zoo.DIRAC_LEARNING_RATE,
        optimizer="sgd", rule=method.rule,
    )  # fmt: skip
    return Toy(f"the Dirac-GAN by {method.title}", lambda seed: method.game(), training)


def _with_losses(words: str, game: Callable[..., GAN], training: zoo.Training) -> dict[str, Toy]:
    """A game with the two losses that Sun, Fang and Schwing compare."""
    name = game.__name__.replace("_", "-")
    kinds = {"js": "separable loss", "rs": "paired loss"}
    return {
        f"{name}-{short}": Toy(f"{words}, {title}", partial(game, loss=loss), training)
        for (short, title), loss in zip(kinds.items(), planar.LOSSES, strict=True)
    }


TOYS: dict[str, Toy] = {
    "bilinear": _published("x y: pure rotation", zoo.bilinear()),
    "dirac": _published("the Dirac-GAN with R1 0.3 over tau", zoo.dirac()),
    "quadratic": _published("two planar games, tau* = 2", zoo.quadratic()),
    "torus": _published("two angles, two equilibria", zoo.torus()),
    "polynomial": _published("eleven critical points", zoo.polynomial()),
    "polynomial-4d": _published("an attractor that is no equilibrium", zoo.polynomial_4d()),
    "covariance": _published("a covariance of one number matched", zoo.covariance()),
    **{f"dirac-{k.replace('_', '-')}": _of_dirac(m) for k, m in zoo.DIRAC_METHODS.items()},
    **_with_losses("two clusters on the line", zoo.two_clusters, zoo.TWO_CLUSTERS),
    **_with_losses("five Gaussians in the plane", zoo.five_gaussians, zoo.FIVE_GAUSSIANS),
    "half-circles": Toy("the S as handed in", zoo.half_circles, zoo.HALF_CIRCLES),
    "half-circles-improved": Toy(
        "the S with pairs, R1 and R2", zoo.half_circles_improved, zoo.HALF_CIRCLES_IMPROVED
    ),
}
"""Games of chapters 05 to 13; those of chapters 01 to 04 are ``zoo.experiments.EXPERIMENTS``."""


def run(
    name: str, *, seed: int = 0, seeds: int = 1, games: int | None = None,
    d_steps: int | None = None, g_steps: int | None = None, tau: float | None = None,
    lr: float | None = None, progress: bool = False, **own: Any,
) -> History:  # fmt: skip
    """Train the toy of that name for each of ``seeds`` seeds and each published tau, together.

    ``games`` : updates, or rounds of ``d_steps`` and ``g_steps``. ``own`` : arguments of the game
    (None: as published). Records both losses and the parameters of a small game, or 500 samples of
    a large one, with their scores by the modes of the data. ValueError for a setting that the game
    does not take, and for several seeds of a game that draws nothing.
    """
    toy = TOYS[_checks.choice("experiment", name, TOYS)]
    own = {key: value for key, value in own.items() if value is not None}
    taken = inspect.signature(toy.game).parameters
    for key in own:
        if key not in taken:
            raise ValueError(f"{key} is no setting of {name}: leave out --{key}.")
    which = range(_checks.whole("seed", seed), seed + _checks.whole("seeds", seeds, least=1))
    taus = toy.taus if tau is None else (tau,)
    if len(which) > 1 and not _drawn(toy, own):
        raise ValueError(f"{name} draws nothing at random: each seed is the same run. Give one.")
    numbers, ratios = [*which] * len(taus), [t for t in taus for _ in which]
    steps = toy.training.steps if games is None else _checks.whole("games", games, least=1)
    rule = alternating(d_steps or 1, g_steps or 1) if d_steps or g_steps else None
    game = stack([toy.game(seed=number, **own) for number in numbers])
    states = toy.training.train(game, tau=ratios, seed=numbers, steps=steps, lr=lr, rule=rule)
    small = sum(p[0].numel() for p in [*game.g_params, *game.d_params]) <= FEW
    seen = {"params": probes.params()} if small else {"fake": probes.samples(SHOWN)}
    real = game.data.members[0] if isinstance(game, GAN) else None
    if not small and hasattr(real, "locate"):
        seen["modes"] = probes.mode_scores(SHOWN)
    history = record(states, every=max(1, steps // RECORDS), progress=progress,
                     **probes.LOSSES, **seen)  # fmt: skip
    facts = {"experiment": name, "title": name, "unit": "step", "tau": ratios, "seed": numbers}
    static: dict[str, Any] = {"first_of_d": sum(p[0].numel() for p in game.g_params)}
    if isinstance(game, GAN):
        facts["loss"] = game.loss.name
        static["real"] = game.data.members[0].sample(SHOWN, generator(2)).numpy()
    if "modes" in seen:
        static["bands"] = np.array([*metrics.mode_noise_bands(real, SHOWN).values()])
    return history.describe(static=static, meta=facts)


def _drawn(toy: Toy, own: dict[str, Any]) -> bool:
    """Whether two seeds part within two updates, by where they start or by what they draw."""
    game = stack([toy.game(seed=seed, **own) for seed in (0, 1)])
    *_, _ = toy.training.train(game, seed=[0, 1], steps=2)
    return any(not p[0].equal(p[1]) for p in [*game.g_params, *game.d_params])


def labels(history: History) -> list[str]:
    """What tells the members of a run apart."""
    pairs = zip(history.meta["tau"], history.meta["seed"], strict=True)
    return [f"τ = {tau:g}, seed {seed}" for tau, seed in pairs]


def report(history: History) -> Table:
    """Where each member ended: its losses, and its parameters or the scores of its samples, beside
    those of as many real points (99 % of them)."""
    rows = []
    for k, name in enumerate(labels(history)):
        if "params" in history:
            end = ", ".join(f"{v:.3g}" for v in history.last("params")[k][:8])
        else:
            end = _MODES.format(*history.last("modes")[k])
        rows.append([name, *(float(history.last(f"{p}_loss")[k]) for p in "dg"), end])
    if "modes" in history:
        for name, row in zip(("real, from", "real, to"), history.static["bands"].T, strict=True):
            rows.append([name, "", "", _MODES.format(*row)])
    return Table(["", "loss of D", "loss of G", "end"], rows)


# -- files ----------------------------------------------------------------------------------------


def save_run(history: History, out: str | os.PathLike[str], format: str = "png") -> Iterator[Path]:
    """Write what there is to see of ``history`` into the folder ``out``, yielding each file's path.

    One run on the line: history.npz, summary.png, eigenvalues.png, animation.gif. An ensemble:
    history.npz, objective.png, outcomes.png. A toy: history.npz and the pictures of ``drawings``.
    Pictures may have another of ``FORMATS``. Numbers come first, so that a picture that fails loses
    nothing. Raises OSError naming the path when the folder cannot be written, ValueError for
    another format.
    """
    _checks.choice("format", format, FORMATS)
    out, toy = Path(out), history.meta.get("experiment") in TOYS
    yield history.save(out / "history.npz")
    for name, drawing in drawings(history):
        style.save(drawing, out / f"{name}.{format}")
        yield out / f"{name}.{format}"
    if toy and "fake" in history and history["fake"].shape[-1] == 2:
        one, panels = history.member(0), (plots.samples_panel, plots.losses_panel)
        yield animation.animate(one, panels).save(out / "animation.gif")
    elif not history.meta.get("members"):
        yield film(history, out / "animation.gif")


def film(history: History, path: Path) -> Path:
    """The tutorial's picture over the run as a GIF."""
    return animation.animate(history, (plots.picture_panel,), fps=20).save(path)


def drawings(history: History) -> Iterator[tuple[str, Any]]:
    """Pictures by name: of a run on the line, of several, or of a toy, as it has one or the other.

    That is the paths of a small game in its plane, samples and losses of a GAN.
    """
    if history.meta.get("experiment") not in TOYS:
        if history.meta.get("members"):
            level = (experiments.TARGET, "-2 log 2")
            yield "objective", plots.fan(history, "objective", level=level)
            ended = {"": list(experiments.outcomes(history))}
            yield "outcomes", plots.outcomes(ended, experiments.OUTCOMES)
        else:
            yield "summary", plots.summary(history)
            yield "eigenvalues", plots.eigenvalues(history)
    elif "params" in history:
        names, steps = labels(history)[:MOST], history.steps
        pair = [0, int(history.static["first_of_d"])]
        paths = {name: history["params"][:, k, pair] for k, name in enumerate(names)}
        yield "path", plots.vector_field(None, paths, title=history.meta["title"])
        norms = {n: np.linalg.norm(history["params"][:, k], axis=1) for k, n in enumerate(names)}
        yield "norm", plots.compare(steps, norms, log=True, xlabel="step", ylabel="|w|")
    else:
        one = history.member(0)
        yield "losses", plots.losses(one)
        if one["fake"].shape[-1] > 1:
            yield "samples", plots.samples(one)
        else:  # two clusters on the line
            flat, bands = one.with_arrays(fake=one["fake"][..., 0]), [(0.0, 0.3), (4.0, 4.3)]
            yield "samples", plots.positions(flat, bands, ylim=(-3.0, 7.3))
