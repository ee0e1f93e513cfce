"""What the runs behind the records did, by subject: probes that watch them, facts read off them.

Each ``small_...`` makes a record of a few hundred kilobytes of what a sweep left.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import zoo
from gan_teach.data import half_circles, small_mnist
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, penalties
from gan_teach.history import History
from gan_teach.metrics import inception_score, sliced_wasserstein
from gan_teach.studies.recording import levels
from gan_teach.training import probes
from gan_teach.training.probes import Probe
from gan_teach.zoo.experiments import settled_from

SETTLED_WITHIN = 0.03  # of D's loss at the equilibrium, log 2 in the halved convention
NEAR = 0.36  # a point this near a cluster's lower end counts for it, as in the published script
LEAST_EACH = 40  # of a hundred fakes at a cluster that counts as reached
COLLAPSED = 95  # of a hundred fakes in one cluster and none in the other
STRETCH = 50  # epochs that a collapse must last to have a plateau
IN_A_ROW = 5  # records with all five clusters that count as having reached them

Bools = NDArray[np.bool_]


def small(
    history: History, unit: str, rounded: Sequence[str] = (), digits: int = 4,
    arrays: Mapping[str, ArrayLike] | None = None, members: Mapping[str, ArrayLike] | None = None,
) -> History:  # fmt: skip
    """What is kept of it: arrays of these names, other ``arrays``, and constants of each member."""
    kept = {name: history[name].astype(np.float32).round(digits) for name in rounded}
    whole = History(history.steps, {**kept, **(arrays or {})}, history.static, history.meta)
    per_member = [*history.meta["static_per_member"], *(members or {})]
    return whole.describe(static=members, meta={"static_per_member": per_member, "unit": unit})


# -- two clusters ---------------------------------------------------------------------------------


def hits(state: Any) -> Any:
    """(S, 2): how many of the hundred fakes lie at each cluster."""
    game = state.game
    with torch.no_grad():
        fake = game.generate(state.stream.at(state.step)("g", 0).latent)  # (S, 100, 1)
    centers = torch.tensor([0.0, 4.0]).to(fake)
    return ((fake - centers).abs() <= NEAR).sum(-2)


def clusters_from(seed: int, loss: str, spread: float) -> GAN:
    """The two clusters, G's last layer such that the fakes begin with mean 0.15, in the first.

    ``spread``: their standard deviation then.
    """
    game = zoo.two_clusters(seed, loss)
    with torch.no_grad():
        fake, (weight, bias) = game.generate(game.latent.points), game.g_params[-2:]
        scale = spread / fake.std()
        weight *= scale
        bias.copy_(0.15 + scale * (bias - fake.mean()))
    return game


def two_cluster_facts(history: History) -> dict[str, NDArray]:
    """What a run of the two clusters did, an entry for each seed, (S,), epochs as numbers.

    settled: first epoch from which |D's loss - log 2| < 0.03 for good, inf if never; reached: that,
    and at least 40 fakes at each cluster in the end; collapsed: epochs with 95 or more fakes at one
    cluster and none at the other; rest: epochs of the longest stretch of them at one and the same
    cluster (fakes that hop to and fro are collapsed all the time and rest nowhere); plateau: median
    of D's loss over that stretch, its first half left out (D needs it to settle), NaN if it is
    shorter than 50 epochs.
    """
    loss, counts, epochs = history["d_loss"], history["hits"], history.steps
    step = float(epochs[2] - epochs[1])
    settled = settled_from(np.abs(loss - np.log(2)) < SETTLED_WITHIN, epochs)
    one_sided = (counts >= COLLAPSED) & (counts[..., ::-1] == 0)  # (T, S, 2)
    stretches = [_longest(each) for each in np.moveaxis(one_sided, 1, 0)]
    rests = [x[start:end] for x, (start, end) in zip(loss.T, stretches, strict=True)]
    return {
        "settled": settled,
        "reached": np.isfinite(settled) & (counts[-1].min(-1) >= LEAST_EACH),
        "collapsed": step * one_sided.any(-1).sum(0),
        "rest": step * np.array([len(rest) for rest in rests]),
        "plateau": np.array([_plateau(rest, step) for rest in rests]),
    }


def _longest(at_rest: Bools) -> tuple[int, int]:
    """First record and the one after the last of the longest stretch of a column of (T, 2)."""
    best = (0, 0)
    for column in at_rest.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]])))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            best = max(best, (start, end), key=lambda stretch: stretch[1] - stretch[0])
    return best


def _plateau(loss: NDArray, step: float) -> float:
    return float(np.median(loss[len(loss) // 2 :])) if len(loss) * step >= STRETCH else np.nan


def small_two_clusters(history: History) -> History:
    """Every fourth record."""
    counts, facts = {"hits": history["hits"].astype(np.uint8)}, two_cluster_facts(history)
    whole = small(history, "epoch", ["d_loss"], arrays=counts, members=facts)
    shown = {name: whole[name][::4] for name in whole}
    return History(whole.steps[::4], shown, whole.static, whole.meta)


# -- five Gaussians -------------------------------------------------------------------------------


def all_covered(history: History) -> Bools:
    """(M,): all five clusters at each of the last ``IN_A_ROW`` records."""
    return (history["modes"][-IN_A_ROW:, ..., 0] == 5).all(0)


def joined(parts: Sequence[History], planned: int) -> History:
    """Members of all parts by seed, a later part in place of an earlier; NaN beyond the end."""
    trained = [p for p in parts if len(p)]
    if not trained:
        return parts[-1].describe(meta={"members": 0, "members_planned": planned})
    seeds = np.unique(np.concatenate([p.static["seed"] for p in trained]))
    steps = max((p.steps for p in trained), key=len)
    shape = (len(steps), len(seeds))
    arrays = {k: np.full((*shape, *trained[0][k].shape[2:]), np.nan) for k in trained[0]}
    for part in trained:
        at = np.searchsorted(seeds, part.static["seed"])
        for name, whole in arrays.items():
            whole[: len(part), at] = part[name]
    done = {
        "members": len(seeds),
        "members_planned": planned,
        "interrupted": any(p.meta["interrupted"] for p in parts),
    }
    return History(steps, arrays, {"seed": seeds}, {**parts[-1].meta, **done})


def small_five_gaussians(history: History) -> History:
    """NaN: not run so far, or diverged."""
    return small(history, "step", ["d_loss", "g_loss"], 3, _modes(history))


def _modes(history: History) -> dict[str, NDArray]:
    covered, quality, reverse_kl = np.moveaxis(history["modes"].astype(np.float32), -1, 0)
    return {"covered": covered, "high_quality": quality.round(3), "reverse_kl": reverse_kl.round(3)}


def five_gaussian_facts(history: History) -> dict[str, NDArray]:
    """What a run of the five Gaussians did, an entry for each seed, (S,).

    followed: the last step at which it was looked at; reached: first recorded step from which all
    five clusters are covered at five records in a row, 1000 steps, inf if that never happens;
    covered_from: from which they are covered for as long as it is followed, inf if they are not in
    the end; end: share of high-quality samples then. Runs that were all right early are followed
    for fewer steps (see ``gan-teach study``), so compare ``covered_from`` and ``end`` among runs
    followed equally long.
    """
    covered, steps = history["covered"], history.steps
    looked_at = np.isfinite(covered)
    last = len(steps) - 1 - np.argmax(looked_at[::-1], axis=0)
    first = settled_from((covered == 5) | ~looked_at, steps)
    return {
        "followed": steps[last],
        "reached": _first_stretch(covered == 5, steps),
        "covered_from": np.where(first <= steps[last], first, np.inf),
        "end": np.take_along_axis(history["high_quality"], last[None], axis=0)[0],
    }


def _first_stretch(good: Bools, steps: NDArray) -> NDArray:
    """(S,): the step at which the first ``IN_A_ROW`` true records of each column (T, S) begin."""
    if len(good) < IN_A_ROW:
        return np.full(good.shape[1], np.inf)
    rows = np.lib.stride_tricks.sliding_window_view(good, IN_A_ROW, axis=0).all(-1)
    return np.where(rows.any(0), steps[np.argmax(rows, axis=0)], np.inf)


def with_r1(seed: int, gamma: float) -> GAN:
    """A cell of the stability atlas."""
    return zoo.five_gaussians(seed, width=32, penalties=penalties.r1(gamma) if gamma else ())


def small_atlas(history: History) -> History:
    modes = {name: array for name, array in _modes(history).items() if name != "reverse_kl"}
    return small(history, "step", arrays=modes)


def succeeded(history: History) -> Bools:
    """(M,): all five clusters at the last five records, and half of the samples on them."""
    return (history["covered"][-IN_A_ROW:] == 5).all(0) & (history["high_quality"][-1] > 0.5)


# -- half circles ---------------------------------------------------------------------------------


def of_half_circles(unit: float) -> dict[str, Probe]:
    return {
        **probes.LOSSES,
        "scores": probes.scores(2000),
        "modes": probes.mode_scores(5000),
        "samples": _in_units(unit, 2000),
        "sliced": _sliced(unit),
        "across": _across(unit),
    }


def _in_units(unit: float, n: int) -> Probe:
    watch = probes.samples(n, seed=1)
    return lambda state: unit * watch(state)


def _sliced(unit: float, n: int = 5000) -> Probe:
    """Sliced Wasserstein distance of ``n`` samples from ``n`` fresh real ones, (S,)."""
    real = half_circles().sample(n, generator(2)).numpy()
    watch = _in_units(unit, n)

    def distance(x: NDArray) -> float:
        return sliced_wasserstein(x, real) if np.isfinite(x).all() else np.nan

    return lambda state: np.array([distance(x) for x in watch(state).cpu().numpy()])


def _across(unit: float, n: int = 5000) -> Probe:
    """Standard deviation across the S, where the data have 1: of the radius in each half, (S,)."""
    watch = _in_units(unit, n)

    def deviation(state: Any) -> NDArray:
        x, y = watch(state).cpu().double().unbind(-1)
        return torch.hypot(x, y + 10.0 * torch.where(x > 0, 1, -1)).std(-1).numpy()

    return deviation


def small_half_circles(history: History) -> History:
    """Samples are kept of all members at the end only."""
    names = [name for name in history if name != "samples"]
    ends = history.last("samples").astype(np.float32).round(2)
    return small(history, "step", names, members={"samples": ends})


def small_ablation(history: History) -> History:
    """Samples are kept of each arm's first seed at the end."""
    first = history.static["seed"] == history.static["seed"][0]
    ends = history.last("samples")[first][:, :1000].astype(np.float32).round(2)
    kept = small(history, "step", [name for name in history if name != "samples"])
    return kept.describe(static={"samples": ends})


# -- DRAGAN's own experiment ----------------------------------------------------------------------

# The penalty of weight 10 and target 1 for pixels in [0, 1]: in [-1, 1] a slope is half as large.
DIGIT_ARMS = {"vanilla": (), "DRAGAN": (penalties.dragan(40.0, target=0.5),)}


def dragan_game(seed: int, arm: str) -> GAN:
    game = zoo.image_gan("mnist-dragan", penalties=()).game(small_mnist(), seed)
    game.penalties = DIGIT_ARMS[arm]
    return game


@cache
def softmax_regression(seed: int = 0, known: int = 5000) -> tuple[Tensor, Tensor]:
    """The notebook's judge of digits: weights (784, 10) and biases (10,), for pixels in [0, 1].

    From zero, 1000 steps of gradient descent at the rate 0.5 on batches of 100 of ``known`` digits.
    """
    x, y = (small_mnist().floats().flatten(1) + 1) / 2, torch.eye(10)[small_mnist().targets]
    if known < len(x):
        some = torch.randperm(len(x), generator=generator(9))[:known]
        x, y = x[some], y[some]
    w, b, rng = torch.zeros(784, 10), torch.zeros(10), generator(seed)
    for _ in range(1000):
        rows = torch.randint(len(x), (100,), generator=rng)
        error = ((x[rows] @ w + b).softmax(1) - y[rows]) / 100
        w, b = w - 0.5 * x[rows].T @ error, b - 0.5 * error.sum(0)
    return w, b


def _digit_scores(state: Any) -> NDArray:
    """(S,): the Inception Score of 5000 fakes of each member by the softmax regression.

    The published 50,000 in ten splits are as many in each.
    """
    w, b = softmax_regression()
    fakes = (probes.samples(5000, seed=1)(state).flatten(-3) + 1) / 2
    return np.array([inception_score((x @ w + b).softmax(-1)).mean for x in fakes])


def _slope_at_digits(state: Any) -> Tensor:
    """(S,): median slope of D's logit at 500 digits, for pixels in [0, 1]."""
    return 2 * probes.slope_on(small_mnist()[:500].floats())(state).median(-1).values


def of_digits() -> dict[str, Any]:
    own = {"score": _digit_scores, "slope": _slope_at_digits}
    return {**probes.LOSSES, **own, "images": probes.samples(16, seed=2)}


def small_digits(history: History) -> History:
    """Images are kept of the first seed of each arm, at each thousandth step."""
    moments = np.flatnonzero(history.steps % 1000 == 0)[1:]
    first = np.flatnonzero(history.static["seed"] == history.static["seed"][0])
    sheets = history["images"][moments][:, first].swapaxes(0, 1)  # (arms, moments, 16, 1, 28, 28)
    kept = small(history, "step", ["score", "slope", "d_loss", "g_loss"])
    return kept.describe(static={"sheets": levels(sheets), "sheet_steps": history.steps[moments]})
