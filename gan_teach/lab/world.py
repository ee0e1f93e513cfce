"""What a session needs to know about a kind of game, and what all kinds share."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch

from gan_teach import plots
from gan_teach.dynamics import RULES, Rule, alternating
from gan_teach.dynamics.affine import AffineAlternating, suits
from gan_teach.games import GAN, corrupt, losses, penalties
from gan_teach.history import History
from gan_teach.lab.config import Config
from gan_teach.lab.frame import DISC, GRAPH, Chart, Disc, Frame, Layer, Lines, Node
from gan_teach.metrics import NoiseBand
from gan_teach.training import State, advance, probes

Row = dict[str, Any]
Rows = dict[int, Row]
Scores = dict[str, tuple[float, NoiseBand]]
Curve = tuple[str, str, str]  # a key of the rows, a role and a label
NOT_ZERO_IN_THE_FLAT = ("wgan_gp", "dragan")  # these penalties want a slope of one
REDRAW = {"line": "latents", "plane": "none", "dirac": "all", "images": "none"}
"""What each published experiment draws anew within a round (see ``dynamics.alternating``)."""
SHARES: dict[str, Any] = {"ylim": (-0.03, 1.13), "unit": "shares"}  # a chart of them


def dress(game: GAN, config: Config) -> GAN:
    """``game`` with the loss, penalty and instance noise of ``config``."""
    game.loss = losses.smoothed(losses.get(config.loss), config.smoothing)
    shared = config.noise_kind == "shared"
    game.corrupt = corrupt.InstanceNoise(config.noise, shared=shared) if config.noise else None
    make = penalties.PENALTIES.get(config.penalty)
    game.penalties = (make(config.weight),) if make else ()
    return game


def update_rule(config: Config, game: GAN | None = None) -> Rule:
    """The rule of the next update; for a ``game`` in its faster form where there is one."""
    if config.turn == "both" and config.rule != "alternating":
        return RULES[config.rule]()
    steps = {"d": (1, 0), "g": (0, 1)}.get(config.turn, (config.d_steps, config.g_steps))
    if game is not None and suits(game) and config.optimizer == "sgd":
        return AffineAlternating(*steps)
    return alternating(*steps, redraw=REDRAW[config.world])


class World(ABC):
    """A game with its picture. ``measure`` is what is kept of a moment (a row), ``frame`` the
    picture of the present one, ``history`` all rows as the course's experiments record them.

    ``game`` is without loss, noise and penalty of a run; ``static`` is what a History holds once;
    ``axes`` are those of the main picture: view, xlabel, ylabel, ... as in a Frame.
    """

    every = 1  # rows are kept at multiples of it
    tick_seconds = 0.06  # of updates between two pictures, at most
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

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        """The charts beside it, likewise; losses stand beside their levels at the equilibrium."""
        d, g = loss_levels(config)
        levels = {"D": d, "G": g} if d != g else {"both": d}
        named = tuple((v, minus(f"{who}: {v:.3g}")) for who, v in levels.items() if v is not None)
        losses = chart("Losses", rows, *of_both("loss"), levels=named, unit=loss_unit(config))
        return [losses, gradient_chart(rows), score_chart(rows, config)]

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

    def disc(self, config: Config) -> Disc | None:
        """The eigenvalues of a round, for games of a few numbers."""
        return None

    def on_the_way(self, share: float) -> Mapping[str, Layer]:
        """Layers in which latents have gone ``share`` of the way to their samples.

        ValueError where there are none in the plane.
        """
        raise ValueError(
            "latents and samples of this game do not lie in a plane: there is no lattice to follow."
        )

    def measure(self, state: State, config: Config) -> Row:
        """Copies of what the run shows now, and ``config`` itself."""
        losses = {name: float(probe(state)) for name, probe in probes.LOSSES.items()}
        row = {name: probe(state).numpy().copy() for name, probe in self.probes.items()}
        return {**losses, **row, "config": config}

    def history(self, rows: Rows) -> History:
        """The rows as a History that the plots of the course draw."""
        last = newest(rows)
        keys = [key for key in last if key not in ("config", "report")]
        arrays = {key: np.stack([row[key] for row in rows.values()]) for key in keys}
        preset = last["config"].preset
        meta = {"experiment": preset, "title": preset, "unit": "round"}
        return History(list(rows), arrays, self.static, meta)

    def frame(self, rows: Rows, config: Config, hidden: Collection[str]) -> Frame:
        """The picture of the last of ``rows``, without the layers and charts named in ``hidden``"""
        step, row = next(reversed(rows.items()))
        words, note = "the run has diverged. Reset or rewind it", "the run has diverged"
        if np.isfinite(row[self.place]).all():
            words, note = self.words(row)
        layers, charts = self.layers(rows, config, hidden), self.charts(rows, config, hidden)
        return Frame(
            step,
            title=f"Round {step}",
            narration=minus(f"Round {step}: {words}."),
            layers={name: layer for name, layer in layers.items() if name not in hidden},
            charts=tuple(c for c in charts if c.title not in hidden),
            disc=None if DISC in hidden else self.disc(config),
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


def chart(title: str, rows: Rows, *curves: Curve, **about: Any) -> Chart:
    """Numbers of the rows over the steps."""
    steps = np.fromiter(rows, dtype=float)
    lines = (
        Lines(np.stack([steps, [row[key] for row in rows.values()]], 1), role, label)
        for key, role, label in curves
    )
    return Chart(title, tuple(lines), **about)


def of_both(number: str) -> tuple[Curve, Curve]:
    """This number of each player."""
    return (f"d_{number}", "discriminator", "of D"), (f"g_{number}", "generator", "of G")


def gradient_chart(rows: Rows) -> Chart:
    """The norms of both players' last gradients."""
    return chart("Norm of the gradient", rows, *of_both("grad"), log=True)


def score_chart(rows: Rows, config: Config) -> Chart:
    """What D says on average, beside its answer at the equilibrium."""
    score = plots.equilibrium_score(config.smoothing)
    levels = ((score, "1/2" if score == 0.5 else f"{score:.3g}"),)
    both, unit = (("d_real", "real", "D(x)"), ("d_fake", "fake", "D(G(z))")), "probability"
    return chart("Mean of D", rows, *both, levels=levels, ylim=(-0.03, 1.03), unit=unit)


def loss_levels(config: Config) -> tuple[float | None, float | None]:
    """(L_D, L_G) at the equilibrium, None where nothing fixes them."""
    if config.penalty in NOT_ZERO_IN_THE_FLAT:
        return None, None
    if config.world == "dirac":  # whose D = psi x has the logit 0 where its data are, whatever psi
        zero, loss = torch.zeros(1), losses.smoothed(losses.get(config.loss), config.smoothing)
        return float(loss.d(zero, zero)), float(loss.g(zero, zero))
    return plots.equilibrium_losses(config.loss, config.smoothing)


def loss_unit(config: Config) -> str:
    """That of a loss, empty for one that is no logarithm of a probability."""
    return "nats" if config.loss in ("saturating", "non_saturating", "relativistic") else ""


def minus(text: str) -> str:
    """The text with minus signs for hyphens."""
    return text.replace("-", "−")
