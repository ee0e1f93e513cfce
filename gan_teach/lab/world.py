"""What a session needs to know about a kind of game, and what all kinds share.

Beside each picture may stand the eigenvalues of a round, taken as a linear map near the present
point. With the gradients' step sizes T (a diagonal: the learning rates, for Adam divided by the
root of its mean square as it is now) a round is the map

    M = I + T J                        both at once
    M = (I + T_G J)^g (I + T_D J)^d    d steps of D, then g of G

for J = dv/dw on one batch (see ``dynamics.linear`` for the same as matrices). Its leading pair of
complex eigenvalues s foretells a turn in 2 pi / |arg s| rounds, in which the distance changes by
the factor |s| ^ (rounds of a turn): below 1 the run spirals in, above 1 out, at 1 it circles for
ever.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import plots
from gan_teach.analysis import krylov, spectra
from gan_teach.dynamics import RULES, Rule, alternating, optim
from gan_teach.dynamics.linear import rotation_period, step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch, corrupt, losses, penalties
from gan_teach.history import History
from gan_teach.lab.config import Config
from gan_teach.lab.frame import DISC, GRAPH, Chart, Disc, Frame, Layer, Lines, Node
from gan_teach.metrics import NoiseBand
from gan_teach.training import State, advance, probes

Row = dict[str, Any]
Rows = dict[int, Row]
Scores = dict[str, tuple[float, NoiseBand]]
DIVERGED = "the run has diverged"
EMPTY = np.empty((0, 2))
FARTHEST = 6  # eigenvalues of a round of two networks
SLOW = 1e4  # rounds: a turn that takes longer is none
_TOLERANCE, _RESTARTS = 1e-3, 4  # a picture needs three digits
_MOST_STEPS = 10  # in a round: each one costs a product with J for every product with M
NOT_ZERO_IN_THE_FLAT = ("wgan_gp", "dragan")  # these penalties want a slope of one
REDRAW = {"line": "latents", "plane": "none", "dirac": "all", "images": "none"}
"""What each published experiment draws anew within a round (see ``dynamics.alternating``)."""


def dress(game: GAN, config: Config) -> GAN:
    """``game`` with the loss, penalty and instance noise of ``config``."""
    game.loss = losses.smoothed(losses.get(config.loss), config.smoothing)
    shared = config.noise_kind == "shared"
    game.corrupt = corrupt.InstanceNoise(config.noise, shared=shared) if config.noise else None
    make = penalties.PENALTIES.get(config.penalty)
    game.penalties = (make(config.weight),) if make else ()
    return game


def update_rule(config: Config) -> Rule:
    """The rule of a whole round, whoever's turn it is."""
    if config.rule != "alternating":
        return RULES[config.rule]()
    return alternating(config.d_steps, config.g_steps, redraw=REDRAW[config.world])


class World(ABC):
    """A game with its picture. ``measure`` is what is kept of a moment (a row), ``frame`` the
    picture of the present one, ``history`` all rows as the course's experiments record them.

    ``game`` is without loss, noise and penalty of a run; ``static`` is what a History holds once;
    ``axes`` are those of the main picture: view, xlabel, ylabel, ... as in a Frame.
    """

    every = 1  # rows are kept at multiples of it
    hidden = frozenset({GRAPH})  # what is not shown until asked for: layers, charts, the graph
    place = "params"  # the number of a row that is not finite once a run has diverged

    def __init__(self, game: GAN, static: dict[str, Any], **axes: Any) -> None:
        self.game, self.static, self.axes = game, static, axes
        self.probes: dict[str, probes.Probe] = {
            "d_grad": probes.gradient_norm("d"),
            "g_grad": probes.gradient_norm("g"),
        }

    @abstractmethod
    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        """The main picture of the last row; those named in ``hidden`` need not be made."""

    @abstractmethod
    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        """The charts beside it, likewise."""

    @abstractmethod
    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        """What z, G, its samples and D look like, by layers of the main picture or others."""

    @abstractmethod
    def scores(self, row: Row) -> Scores:
        """How near to the data the fakes of a row are, each score with the band of real ones."""

    @abstractmethod
    def words(self, row: Row) -> tuple[str, str]:
        """The numbers of a row in words, and a warning to be shown in the picture, or nothing."""

    def advance(self, state: State) -> None:
        """One update of the run."""
        advance(state)

    def memory(self) -> list[Tensor]:
        """What decides the future, or the picture, beside parameters and optimizers."""
        return [buffer for part in self.game.modules().values() for buffer in part.buffers()]

    def disc(self, state: State, config: Config) -> Disc | None:
        """The eigenvalues of a round; of other optimizers the memory would be a part of it."""
        if config.optimizer != "sgd":
            return Disc(DISC, EMPTY, "only for plain SGD")
        return to_disc(small_spectrum(self.game, config, self.expectation(self.game, config)))

    def expectation(self, game: GAN, config: Config) -> Batch:
        """A batch that stands for the expectation over all of them."""
        return game.draw(256, generator(config.seed, 7))

    def equilibrium(self, batch: Batch, spread: float) -> Tensor | None:
        """Parameters of the equilibrium at which G's samples have this spread; None for none."""
        return None

    def on_the_way(self, share: float) -> Mapping[str, Layer]:
        """Layers in which latents have gone ``share`` of the way to their samples.

        ValueError where there are none in the plane.
        """
        raise ValueError(
            "latents and samples of this game do not lie in a plane: there is no lattice to follow."
        )

    def name(self, step: int) -> str:
        """ "Round 12"."""
        return f"Round {step}"

    def measure(self, state: State, config: Config) -> Row:
        """Copies of what the run shows now, and ``config`` itself."""
        row = {name: probe(state).numpy().copy() for name, probe in self.probes.items()}
        return {**row, "config": config}

    def history(self, rows: Rows) -> History:
        """The rows as a History that the plots of the course draw."""
        last = newest(rows)
        keys = [key for key in last if key not in ("config", "report")]
        arrays = {key: np.stack([row[key] for row in rows.values()]) for key in keys}
        preset = last["config"].preset
        meta = {"experiment": preset, "title": preset, "unit": "round"}
        return History(list(rows), arrays, self.static, meta)

    def frame(self, state: State, rows: Rows, config: Config, hidden: Collection[str]) -> Frame:
        """The picture of the last of ``rows``, without the layers and charts named in ``hidden``"""
        step, row = next(reversed(rows.items()))
        words, note = f"{DIVERGED}. Reset or rewind it", DIVERGED
        if np.isfinite(row[self.place]).all():
            words, note = self.words(row)
        layers, charts = self.layers(rows, config, hidden), self.charts(rows, config, hidden)
        return Frame(
            step,
            title=self.name(step),
            narration=minus(f"{self.name(step)}: {words}."),
            layers={name: layer for name, layer in layers.items() if name not in hidden},
            charts=tuple(c for c in charts if c.title not in hidden),
            disc=None if DISC in hidden else self.disc(state, config),
            note=note,
            graph=() if GRAPH in hidden else self.graph(row, layers),
            **self.axes,
        )

    def graph(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Node, ...]:
        """The way from z to the losses, which are bars, and the norms of the gradients that lead
        back."""

        def told(names: dict[str, str]) -> tuple[str, ...]:
            known = {name: row[key] for name, key in names.items() if key in row}
            return tuple(f"{name} = {minus(f'{own:.3g}')}" for name, own in known.items())

        loss_d, loss_g, norm_d, norm_g = np.nan_to_num(
            [row[key] for key in ("d_loss", "g_loss", "d_grad", "g_grad")], posinf=0.0, neginf=0.0
        ).tolist()
        bars = {
            "zero": Lines(np.array([[0.0, 0.0], [0.0, 1.0]]), "theory", ""),
            "d": Lines(np.array([[0.0, 0.7], [loss_d, 0.7]]), "discriminator", ""),
            "g": Lines(np.array([[0.0, 0.3], [loss_g, 0.3]]), "generator", ""),
        }
        ends = min(0.0, loss_d, loss_g), max(2.0, loss_d, loss_g)
        view, (z, g, samples, d) = self.axes["view"], self.thumbnails(row, layers)
        answers = {"D(x)": "d_real", "D(G(z))": "d_fake", "|∇L_D|": "d_grad"}
        return (
            Node("z: latents", () if z else ("none in this game",), view, z),
            Node("G: generator", told({"|∇L_G|": "g_grad"}), view, g, norm_g),
            Node("samples", ("x and G(z)",), view, samples),
            Node("D: discriminator", told(answers), view, d, norm_d),
            Node("losses", told({"L_D": "d_loss", "L_G": "g_loss"}), (*ends, 0.0, 1.0), bars),
        )


def chosen(layers: Mapping[str, Layer], *parts: list[str]) -> tuple[Mapping[str, Layer], ...]:
    """The layers of each part by their names."""
    return tuple({name: layers[name] for name in names} for names in parts)


def newest(rows: Rows) -> Row:
    """The last of the rows."""
    return next(reversed(rows.values()))


# -- charts that several kinds of game have -------------------------------------------------------


def curve(rows: Rows, key: str, role: str, label: str, sign: float = 1.0) -> Lines:
    """One number of each row over the steps."""
    values = np.array([row[key] for row in rows.values()], dtype=float)
    return Lines(np.stack([np.fromiter(rows, dtype=float), sign * values], 1), role, label)


def pair(rows: Rows, d: str, g: str) -> tuple[Lines, Lines]:
    """One number of each player over the steps."""
    return curve(rows, d, "discriminator", "of D"), curve(rows, g, "generator", "of G")


def loss_chart(rows: Rows, config: Config) -> Chart:
    """Both losses beside their levels at the equilibrium."""
    d, g = loss_levels(config)
    levels = {"D": d, "G": g} if d != g else {"both": d}
    named = [(v, minus(f"{who}: {v:.3g}")) for who, v in levels.items() if v is not None]
    return Chart("Losses", pair(rows, "d_loss", "g_loss"), tuple(named), unit=loss_unit(config))


def gradient_chart(rows: Rows) -> Chart:
    """The norms of both players' last gradients."""
    return Chart("Norm of the gradient", pair(rows, "d_grad", "g_grad"), log=True)


def score_chart(rows: Rows, config: Config) -> Chart:
    """What D says on average, beside its answer at the equilibrium."""
    score = plots.equilibrium_score(config.smoothing)
    level = (score, "1/2" if score == 0.5 else f"{score:.3g}")
    curves = curve(rows, "d_real", "real", "D(x)"), curve(rows, "d_fake", "fake", "D(G(z))")
    return Chart("Mean of D", curves, (level,), ylim=(-0.03, 1.03), unit="probability")


def loss_levels(config: Config) -> tuple[float | None, float | None]:
    """(L_D, L_G) at the equilibrium, None where nothing fixes them."""
    if config.penalty in NOT_ZERO_IN_THE_FLAT:
        return None, None
    return plots.equilibrium_losses(config.loss, config.smoothing)


def loss_unit(config: Config) -> str:
    """That of a loss, empty for one that is no logarithm of a probability."""
    return "nats" if config.loss in ("saturating", "non_saturating", "relativistic") else ""


def minus(text: str) -> str:
    """The text with minus signs for hyphens."""
    return text.replace("-", "−")


# -- the eigenvalues of a round -------------------------------------------------------------------


def to_disc(values: NDArray[np.complex128], moment: str = "") -> Disc:
    """Eigenvalues as a picture, and in words what the leading pair of them foretells."""
    if not len(values):
        return Disc(DISC, EMPTY)
    return Disc(DISC, np.stack([values.real, values.imag], 1), moment + spiral(values))


class Forecast(NamedTuple):
    """``period`` rounds to a turn (inf: no turn), ``factor`` on the distance in one turn, and
    ``modulus``, the largest |s| among the eigenvalues of a round that turn (of all, if none)."""

    period: float
    factor: float
    modulus: float


def foretold(values: NDArray[np.complex128]) -> Forecast:
    """What the leading pair of eigenvalues of a round foretells."""
    s = max((s for s in values if rotation_period(s) < SLOW), key=abs, default=None)
    if s is None:
        return Forecast(np.inf, 1.0, float(np.abs(values).max()))
    period = rotation_period(s)
    return Forecast(period, float(abs(s)) ** period, float(abs(s)))


def spiral(values: NDArray[np.complex128]) -> str:
    """The same in words."""
    ahead = foretold(values)
    if not np.isfinite(ahead.period):
        return f"largest |s| = {ahead.modulus:.4f}, no turn"
    return f"|s| = {ahead.modulus:.4f}, a turn in {ahead.period:.0f} rounds"


def small_spectrum(game: GAN, config: Config, batch: Batch, at: Tensor | None = None) -> NDArray:
    """The eigenvalues of one round around the present point, or another one, by the matrix of the
    map. Exact for SGD. Empty where the gradients are not finite."""
    jacobian = spectra.jacobian(game, batch, at)
    if not np.isfinite(jacobian.matrix).all() or config.lr == 0:
        return np.empty(0, dtype=complex)
    return step_spectrum(update_rule(config), jacobian, config.lr, config.tau)


def obstacle(state: State, config: Config) -> str:
    """Why there are no such eigenvalues, in a few words; empty where there are."""
    if config.rule not in ("simultaneous", "alternating"):
        return "only for steps in turn or at once"
    if config.rule == "alternating" and config.d_steps + config.g_steps > _MOST_STEPS:
        return f"only up to {_MOST_STEPS} steps a round"
    if config.optimizer not in ("sgd", "adam0"):
        return "only without momentum"
    return "" if state.step or config.optimizer == "sgd" else "from the first round on"


def round_spectrum(game: GAN, state: State, config: Config, batch: Batch) -> NDArray[np.complex128]:
    """The eigenvalues of a round that are farthest from 1, the farthest first.

    Most directions do not move at all: M has thousands of eigenvalues at 1. So Arnoldi's method
    looks for those of M - I with the largest modulus. About ``FARTHEST``: a conjugate pair is not
    cut. Empty where the gradients are not finite.
    """
    j = krylov.jacobian_transpose(game, batch)
    rates = np.concatenate([_rates(state.optims.g), _rates(state.optims.d)])
    own = np.arange(len(rates)) < game.n_g
    turns = [rates]
    if config.rule == "alternating":  # of M transposed, so G's steps come first
        turns = config.g_steps * [rates * own] + config.d_steps * [rates * ~own]

    def moved(u: NDArray) -> NDArray:
        x = u = np.asarray(u, dtype=float).reshape(-1)
        for rate in turns:
            x = x + j.matvec((rate * x).astype(j.dtype))
        return x - u

    if not np.isfinite(moved(np.ones(len(rates)))).all():
        return np.empty(0, dtype=complex)
    from scipy.sparse.linalg import LinearOperator

    n = len(rates)
    step: Any = LinearOperator((n, n), matvec=moved, dtype=float)  # pyright: ignore
    ends = krylov.extremes(step, k=FARTHEST, which="LM", tol=_TOLERANCE, max_restarts=_RESTARTS)
    return 1 + ends.values.astype(complex)


def _rates(optimizer: optim.Optimizer) -> NDArray[np.float64]:
    """The length of a step for a gradient of 1 in each parameter, one after the other."""
    if isinstance(optimizer, optim.Adam):
        unbiased = 1 - optimizer.betas[1] ** float(optimizer.count)
        scale = [1 / ((s / unbiased).sqrt() + optimizer.eps) for s in optimizer.square]
    else:
        scale = [torch.ones_like(p) for p in optimizer.params]
    return float(optimizer.lr) * torch.cat([s.flatten() for s in scale]).double().numpy()
