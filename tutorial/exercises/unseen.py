"""The runs of the wrap-ups, whose settings are not told.

``unseen_line(seed)`` and its like take a run's settings from a short list: as many seeds in a row
show all of them, in an order of their own. The questions about them are in ``wrap_ups``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gan_teach import _checks, plots, zoo
from gan_teach.analysis import flows
from gan_teach.course import records
from gan_teach.dynamics import alternating
from gan_teach.games import FunctionGame, penalties, stack
from gan_teach.history import History
from gan_teach.training import probes, record
from gan_teach.zoo import experiments

Knobs = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Unseen:
    """A run whose settings are not told.

    history : what it left. turn : ``turn(knob=value)`` is the history of the same run with a knob
    turned. many : the same from many seeds, where one run says little. game : where it is told.
    """

    history: History
    turn: Callable[..., History]
    many: Callable[..., History]
    game: Any = None

    def __repr__(self) -> str:
        return f"{self.history.meta['title']}, {self.history.steps[-1]} steps"


def drawn(settings: Sequence[Any], seed: int) -> Any:
    """The settings of a seed; each block of as many seeds has an order of its own."""
    block, place = divmod(_checks.whole("seed", seed), len(settings))
    return settings[np.random.default_rng(block).permutation(len(settings))[place]]


def _untold(history: History, seed: int, **facts: Any) -> History:
    meta = {"title": f"unseen run {seed}", "unit": history.meta.get("unit", "step"), **facts}
    return History(history.steps, dict(history), history.static, meta)


# -- 04b: the GAN on the line ----------------------------------------------------------------------

LINE: tuple[Knobs, ...] = (
    {"d_steps": 40}, {}, {"g_steps": 20}, {"tau": 4.0}, {"d_steps": 40, "noise": 1.0}, {"lr": 0.02},
)  # fmt: skip
LINE_KNOBS = ("d_steps", "g_steps", "noise", "loss", "lr", "tau")
GAMES, SEEDS = 500, 64


def unseen_line(seed: int = 0) -> Unseen:
    """A GAN on the line, 500 games. Its knobs: d_steps, g_steps, noise, loss, lr, tau."""
    hidden = drawn(LINE, seed)

    def settings(knobs: Knobs) -> dict[str, Any]:
        for knob in knobs:
            _checks.choice("knob", knob, LINE_KNOBS)
        return {"games": GAMES, **hidden, **knobs}

    def turn(**knobs: Any) -> History:
        return _untold(experiments.run("normal", seed=seed, **settings(knobs)), seed)

    def many(**knobs: Any) -> History:
        return experiments.run_seeds("normal", SEEDS, every=10, **settings(knobs))

    return Unseen(turn(), turn, many)


# -- 08b: games small enough for a formula ---------------------------------------------------------

PLANE = (
    (-1.0, 2.0, 2.0, 1.0), (-2.0, 2.0, 1.0, 1.6), (1.0, 1.5, -0.5, 1.0), (0.5, 0.3, 1.0, 20.0),
    (-1.0, 2.0, 1.0, 1.02), (1.0, 1.5, -0.5, 2.5),
)  # fmt: skip
"""A, B, D of f = A x^2 / 2 + B x y - D y^2 / 2, and tau."""
STEP, STEPS = 0.02, 600


def unseen_plane(seed: int = 0) -> Unseen:
    """600 simultaneous steps of a quadratic game from (1, 1), G's of 0.02. Its knob: tau."""
    A, B, D, hidden = drawn(PLANE, seed)

    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (A * x**2 / 2 + B * x * y - D * y**2 / 2).sum()

    game = FunctionGame(value, None, [1.0], [1.0]).to(torch.float64)

    def turn(tau: float = hidden) -> History:
        path = flows.trajectories(game, [1.0, 1.0], tau, lr=STEP, steps=STEPS).points[:, 0]
        return _untold(History(range(STEPS + 1), {"path": path}), seed)

    return Unseen(turn(), turn, turn, game)


# -- 14b: modes, penalties, scores -----------------------------------------------------------------

USUAL = {"loss": "js", "penalty": "r1", "weight": 0.0, "d_steps": 1, "g_steps": 1, "lr": 2e-3}
MODES: tuple[Knobs, ...] = (
    {"penalty": "dragan", "weight": 10.0}, {"g_steps": 5}, {"lr": 3e-4}, {"loss": "relativistic"},
    {"lr": 0.02}, {},
)  # fmt: skip
MEMBERS = 6


def unseen_modes(seed: int = 0) -> Unseen:
    """Six GANs of the five Gaussians, 600 steps.

    Its knobs: loss, penalty (a name, which acts where the weight is above 0), weight, d_steps,
    g_steps, lr.
    """
    hidden, seeds = {**USUAL, **drawn(MODES, seed)}, list(range(seed, seed + MEMBERS))

    def turn(**knobs: Any) -> History:
        for knob in knobs:
            _checks.choice("knob", knob, USUAL)
        now = {**hidden, **knobs}
        name = _checks.choice("penalty", now["penalty"], penalties.PENALTIES)
        extra = [penalties.PENALTIES[name](now["weight"])] if now["weight"] else []
        game = stack([zoo.five_gaussians(k, now["loss"], 32, extra) for k in seeds])
        run = zoo.FIVE_GAUSSIANS.train(
            game, steps=STEPS, lr=now["lr"], batch_size=64, seed=seeds,
            rule=alternating(now["d_steps"], now["g_steps"], redraw="none"),
        )  # fmt: skip
        history = record(
            run, every=50, fake=probes.samples(400), modes=probes.mode_scores(),
            scores=probes.scores(400), d_loss=probes.loss("d"),
        )  # fmt: skip
        real, fake = np.moveaxis(history["scores"], -1, 0)
        return _untold(history.with_arrays(d_real=real, d_fake=fake), seed)

    return Unseen(turn(), turn, turn)


# -- 20b: images -----------------------------------------------------------------------------------

IMAGES = {
    "network": {"connected": "mnist-vanilla", "convolutional": "mnist-dcgan"},
    "recipe": {"2014": "stacked-mnist-vanilla", "pairs, R1, R2": "stacked-mnist-r3gan"},
    "tau": {tau: f"cifar-timescale-{tau}" for tau in "1248"},
}

HIDDEN: dict[str, Sequence[Knobs]] = {
    "04b": LINE,
    "08b": [dict(zip(("A", "B", "D", "tau"), numbers, strict=True)) for numbers in PLANE],
    "14b": MODES,
    "20b": [{knob: value} for knob in IMAGES for value in IMAGES[knob]],
}  # fmt: skip
"""What lies behind the seeds of each wrap-up."""


def unseen_images(seed: int = 0) -> Unseen:
    """The first two thirds of a shipped record; ``turn()`` lets it go on to its end.

    ``meta["knob"]`` is the one knob that was turned as well, and ``meta["values"]`` to what.
    """
    ((knob, hidden),) = drawn(HIDDEN["20b"], seed).items()
    facts = {"knob": knob, "values": list(IMAGES[knob])}

    def turn(**knobs: Any) -> History:
        _checks.choice("knob", next(iter(knobs), knob), [knob])
        value = _checks.choice(knob, str(knobs.get(knob, hidden)), IMAGES[knob])
        return _condensed(records.load(IMAGES[knob][value]), seed, **facts)

    whole = turn()
    last = 2 * whole.steps[-1] / 3
    early = whole.steps <= last
    arrays = {name: whole[name][early] for name in whole}
    static = {
        name: values[whole.static[_steps_of(name)] <= last] for name, values in whole.static.items()
    }
    return Unseen(History(whole.steps[early], arrays, static, whole.meta), turn, turn)


def _steps_of(name: str) -> str:
    return "sheet_steps" if name.startswith("sheet") else "loss_steps"


def _condensed(record: History, seed: int, **facts: Any) -> History:
    """The distances of G and of its average from the data, losses, sheets: all but the names.

    Of the first seed, where there are several.
    """
    record = record.member(0) if "members" in record.meta else record
    kind = "kl" if "kl_raw" in record else "frechet"
    raw, average = [name for name in record if name.startswith(kind)][:2]
    level, _ = plots.equilibrium_losses(record.meta["loss"], record.meta["label_smoothing"])
    names = ("sheets", "sheet_steps", "loss_steps", "d_loss", "g_loss")
    static = {name: record.static[name] for name in names}
    facts |= {"level": level, "real": record.meta[f"real_{kind}"], "unit": "step"}
    arrays = {"distance": record[raw], "average": record[average]}
    return _untold(History(record.steps, arrays, static), seed, **facts)
