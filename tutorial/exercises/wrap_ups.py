"""Questions of the wrap-ups, about the runs of ``unseen``, whose settings are not told.

The checks read the run, so that the numbers in what
they say are its own; those of a design try the learner's choice in the experiment.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks, plots, zoo
from gan_teach.analysis import flows, spectra, timescale
from gan_teach.course.answers import (
    TWICE,
    Check,
    Choice,
    Function,
    Number,
    Values,
    Verdict,
    asked,
    failed,
    function,
    number,
    random_cases,
    word,
)
from gan_teach.data.planar import PUBLISHED_STD, ring
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.games import stack
from gan_teach.games.corrupt import InstanceNoise
from gan_teach.history import History
from gan_teach.training import probes, record, train
from gan_teach.zoo import experiments

from .unseen import GAMES, MEMBERS, SEEDS, STEP, Knobs, Unseen

KNOB = "one knob and its value are wanted, such as {'lr': 0.05} (of steps 1 to 50), or {}"
ENOUGH = 60  # of the 64 seeds that a design has to make settle


def _one_knob(answer: Any) -> dict[str, Any]:
    knobs = dict(answer)
    for knob, value in knobs.items():
        if len(knobs) > 1 or not np.isscalar(value):
            raise ValueError
        if str(knob).endswith("_steps") and not 1 <= float(str(value)) <= 50:
            raise ValueError
    return {str(knob): value for knob, value in knobs.items()}


def _turned(run: Unseen, knob: Knobs) -> History | Verdict:
    """Many seeds with that knob turned, or why it cannot be."""
    try:
        return run.many(**knob)
    except (TypeError, ValueError, OverflowError) as error:
        return Verdict(False, f"so it cannot be turned: {error}")


# -- 04b: the GAN on the line ----------------------------------------------------------------------


@partial(Choice, options=("steady", "swinging", "saturated", "none of these"))
def check_line_state(run: Unseen) -> tuple[str, str]:
    """The state of V in the last 100 rounds."""
    v, level = run.history["objective"], experiments.TARGET
    late, later = v[-200:], v[-100:]
    found = (
        "steady" if (abs(later - level) < 0.1).all()
        else "saturated" if later.min() > -0.1
        else "swinging" if late.min() < level - 0.1 and late.max() > level + 0.1
        else "none of these"
    )  # fmt: skip
    return found, (
        f"V is {later.min():.3g} to {later.max():.3g} in the last 100 rounds and {late.min():.3g} "
        f"to {late.max():.3g} in the last 200, where the level is {level:.2f}."
    )


@partial(Choice, options=("D", "G", "nobody"))
def check_ahead(run: Unseen) -> tuple[str, str]:
    """Who is ahead in the last fifth of the run, by a tenth or more of D's mean score."""
    late = slice(-(len(run.history) // 5), None)
    real, fake = (run.history[name][late].mean() for name in ("d_real", "d_fake"))
    found = "D" if real - fake > 0.1 else "G" if fake - real > 0.1 else "nobody"
    return found, (
        f"in the last fifth of the run D gives real samples {real:.2f} on average and generated "
        f"ones {fake:.2f}."
    )


def _curve(rng: np.random.Generator) -> tuple[Any, ...]:
    """A curve that comes near its level, leaves it to either side and, mostly, comes back."""
    n = int(rng.integers(25, 45))
    near, away = rng.uniform(-0.45, 0.45, n), rng.choice([-1.0, 1.0], n)
    away[rng.integers(3, 10) : rng.integers(11, 15)] = 0
    away[rng.integers(17, 34) :] = 0
    level, scale = rng.normal(), rng.uniform(0.1, 3.0)
    return level + scale * (near + away), level, scale * rng.uniform(0.2, 0.5)


_AT_THE_EDGE = (np.array([3.0, 2.5, 2.25, 2.5, 2.0, 2.25]), 2.0, 0.5)  # outside at place 3
_STILL = (np.full(9, 2.05), 2.0, 0.3)  # a curve that is near from the start


@partial(Function, points=[*random_cases(_curve), _STILL, _AT_THE_EDGE])
def check_settled_from(curve: NDArray, level: float, within: float) -> Values:
    """The first place from which the curve stays nearer than ``within`` to its level, or inf."""
    good = abs(curve - level) < within
    from_there = experiments.settled_from(good, np.arange(len(curve)))
    yield from_there, "the place after the last round outside; none if that round is the last."
    yield (
        np.argmax(good),
        "that is the first round inside: V may leave again, as it does in a swing.",
    )
    yield from_there - 1, "that is the last round outside; one later it has settled for good."
    yield good.sum(), "that counts the rounds inside, also those before V left again."


@partial(Choice, options=("equilibrium", "plateau", "neither"))
def check_line_rest(run: Unseen) -> tuple[str, str]:
    """What the last 100 rounds are: an equilibrium, a plateau, or neither."""
    state, _ = check_line_state.rule(run)
    means, data = experiments.means(run.history)[-101:], run.history.static["real"].mean()
    still = np.ptp(means) < 0.5
    found = {"steady": "equilibrium", "saturated": "plateau"}.get(state, "neither")
    found = found if still else "neither"
    return found, (
        f"in the last 100 rounds G's mean goes from {means[0]:.2f} to {means[-1]:.2f}, where the "
        f"data's is {data:.2f}, and the norm of G's gradient is "
        f"{run.history['g_grad'][-100:].mean():.2g} on average."
    )


@partial(Check, read=_one_knob, wanted=KNOB)
def check_line_knob(knob: Knobs, run: Unseen) -> Verdict:
    """One knob, turned so that 60 of 64 seeds settle within 500 games."""
    runs = _turned(run, knob)
    return runs if isinstance(runs, Verdict) else _settled(runs)


def _settled(runs: History) -> Verdict:
    ended = list(experiments.outcomes(runs))
    k = ended.count("settled")
    low, high = plots.wilson(k, SEEDS)
    others = ", ".join(f"{ended.count(w)} {w}" for w in experiments.OUTCOMES[1:] if w in ended)
    return Verdict(
        k >= ENOUGH,
        f"{k} of {SEEDS} seeds settled (95 %: {low:.0%} to {high:.0%}); {others or 'all did'}.",
    )


def _anyhow(tasks: Iterable[Any]) -> list[Any]:
    """In an order that is never the same, so that it is of no use to count one's calls."""
    tasks = list(tasks)
    return [tasks[k] for k in np.random.default_rng().permutation(len(tasks))]


NOISE_BUDGET = 150  # games at full noise: what a straight line over 300 games spends


@partial(Check, read=function, wanted="a function of the game is wanted")
def check_fade_design(fade: Callable[[int], float]) -> Verdict:
    """A fade of the instance noise that lets 60 of 64 seeds settle and costs 150 games of noise."""
    order = [*_anyhow(range(GAMES)), *range(GAMES)]  # it has to know the game, not its calls
    try:
        said = [float(asked(fade)(game)) for game in order]
    except Exception as error:  # a learner's function may fail in any way
        return failed(error)
    values = said[GAMES:]
    if not all(0 <= value <= 1 for value in said):
        return Verdict(False, "the fade has to lie between 0 and 1 at each game.")
    if any(value != values[game] for game, value in zip(order, said, strict=True)):
        return Verdict(False, TWICE)
    if sum(values) > NOISE_BUDGET + 1:
        return Verdict(
            False, f"it costs {sum(values):.0f} rounds of noise; {NOISE_BUDGET} are left."
        )
    games = [zoo.line_gan(seed) for seed in range(SEEDS)]
    for game in games:
        game.corrupt = InstanceNoise(1.0, anneal=values.__getitem__)
    run = train(
        stack(games), AffineAlternating(50, 1), steps=GAMES, lr=0.1, batch_size=10,
        seed=list(range(SEEDS)),
    )  # fmt: skip
    runs = record(run, every=10, params=probes.params(), d_loss=probes.loss("d"))
    return _settled(runs.with_arrays(objective=-runs["d_loss"]))


# -- 08b: games small enough for a formula ---------------------------------------------------------


def _distance(history: History) -> NDArray:
    return np.linalg.norm(history["path"], axis=-1)


def _jacobian(run: Unseen) -> spectra.GameJacobian:
    return spectra.jacobian(run.game, run.game.draw(), torch.zeros(2, dtype=torch.float64))


@partial(Choice, options=("comes nearer", "goes away", "hardly either"))
def check_plane_way(run: Unseen) -> tuple[str, str]:
    """What the path does, by half or more of its distance from the origin."""
    first, last = _distance(run.history)[[0, -1]]
    found = ("comes nearer" if last < first / 2 else "goes away" if last > 2 * first
             else "hardly either")  # fmt: skip
    return found, f"it starts {first:.2f} from the origin and is {last:.2g} from it at the end."


@partial(Choice, options=("Nash", "minmax, not Nash", "no equilibrium"))
def check_plane_kind(run: Unseen) -> tuple[str, str]:
    """What kind of point the origin is."""
    J = _jacobian(run)
    kind = timescale.classify(J).kind
    found = {"nash": "Nash", "minmax": "minmax, not Nash"}.get(kind, "no equilibrium")
    a, b, d = -J.gg.item(), -J.gd.item(), -J.dd.item()
    return found, f"A = {a:g}, C = {d:g} and S = A + B² / C = {a + b * b / d:.2f}."


@partial(Number, atol=0.0, rtol=0.005)
def check_plane_tau(run: Unseen) -> Values:
    """The tau of an unseen path."""
    tau = _tau(run)
    yield tau, "D's step over 0.02 times its gradient, at each step of the path."
    yield STEP * tau, "that is D's learning rate; tau is in units of G's, 0.02."
    yield 1 / tau, "that is how many times G is faster: tau is D's rate over G's."


def _tau(run: Unseen) -> float:
    """Least squares of D's steps on its gradients."""
    path = run.history["path"]
    v = spectra.vector_field(run.game, run.game.draw(), torch.tensor(path[:-1])).numpy()[:, 1]
    return float(np.diff(path[:, 1]) @ v / (STEP * v @ v))


def _game_step(rng: np.random.Generator) -> tuple[Any, ...]:
    """J of one number each, tau, eta."""
    return rng.normal(size=(2, 2)), rng.uniform(2, 8), rng.uniform(0.02, 0.2)


@partial(Function, points=random_cases(_game_step))
def check_step_factor(J: NDArray, tau: float, lr: float) -> Values:
    """The factor by which a simultaneous step multiplies a deviation in the long run."""

    def eigenvalues(first: float, second: float) -> NDArray[np.complex128]:
        return np.linalg.eigvals(np.diag([first, second]) @ J).astype(np.complex128)

    values = eigenvalues(1.0, tau)
    real = np.real(values)
    yield abs(1 + lr * values).max(), "the largest |1 + eta lambda| of J with D's row times tau."
    yield abs(1 + lr * eigenvalues(tau, 1.0)).max(), "tau multiplies D's row, the second."
    yield np.exp(lr * real).max(), "that is the flow; a step of length eta has 1 + eta lambda."
    yield (1 + lr * real).max(), "an imaginary part lengthens 1 + eta lambda: take its size."
    yield abs(1 + lr * eigenvalues(1.0, 1.0)).max(), "where is tau?"


@partial(Check, read=number, wanted="a number is wanted")
def check_plane_knob(tau: float, run: Unseen) -> Verdict:
    """A tau that leads to an equilibrium (within 0.01), or away from what is none (beyond 4)."""
    if not 0 < tau <= 1000:
        return Verdict(False, "a positive number up to 1000 is wanted.")
    last = _distance(run.turn(tau))[-1]
    good = bool(np.isfinite(timescale.tau_star(_jacobian(run))))
    goal = "an equilibrium" if good else "no equilibrium"
    last = math.inf if math.isnan(last) else last
    return Verdict(
        bool(last < 0.01 if good else last > 4),
        f"with tau = {tau:g} the run ends {last:.2g} from the origin, which is {goal}.",
    )


def _pair(answer: Any) -> tuple[float, float]:
    first, second = map(number, answer)
    if not (0 <= first <= 1000 and 0 < second <= 1000):
        raise ValueError
    return first, second


@partial(Check, read=_pair, wanted="two numbers up to 1000, of gamma and of tau, are wanted")
def check_dirac_design(answer: tuple[float, float]) -> Verdict:
    """gamma and tau with which the Dirac-GAN is within 0.001 after 40 steps of 0.2, and stays."""
    gamma, tau = answer
    game = zoo.dirac(gamma).game()
    path = flows.trajectories(game, [1.0, 1.0], tau, lr=0.2, steps=80).points[:, 0]
    late = np.linalg.norm(path, axis=-1)[40:]
    fast = "no eigenvalue turns" if tau * gamma * gamma >= 1 else "the eigenvalues turn"
    return Verdict(
        bool((late < 1e-3).all()),
        f"after 40 steps it is {late[0]:.2g} from the equilibrium, later at most {late.max():.2g}; "
        f"tau gamma^2 is {tau * gamma * gamma:.2f}, so that near it {fast}.",
    )


# -- 14b: modes, penalties, scores -----------------------------------------------------------------


def _said(numbers: NDArray) -> str:
    return ", ".join(f"{number:.2g}" for number in numbers)


def _complete(history: History) -> NDArray:
    """(S,): which members have all five modes, and more than a tenth of good samples."""
    covered, quality, _ = history["modes"][-1].T
    return (covered == 5) & (quality > 0.1)


@partial(Choice, options=("all five", "a cloud", "clumps", "modes lost"))
def check_modes_state(run: Unseen) -> tuple[str, str]:
    """What most of the six generators draw in the end."""
    covered, quality, _ = run.history["modes"][-1].T
    fake = run.history["fake"][-1]
    spread = np.linalg.norm(fake - fake.mean(1, keepdims=True), axis=-1).mean(-1)
    found = (
        "all five" if _complete(run.history).sum() > MEMBERS // 2
        else "clumps" if np.median(spread) < 0.4
        else "a cloud" if np.median(quality) < 0.1
        else "modes lost"
    )  # fmt: skip
    return found, (
        f"modes covered {_said(covered)}, shares of good samples "
        f"{_said(quality)}, mean distances of the samples from their mean "
        f"{_said(spread)}, where the data's is 1."
    )


@partial(Choice, options=("at rest", "on the move"))
def check_modes_motion(run: Unseen) -> tuple[str, str]:
    """Whether the samples of most of the six move by 0.3 or more in the last 50 steps."""
    before, after = run.history["fake"][-2:]
    moved = np.linalg.norm(after - before, axis=-1).mean(-1)
    found = "on the move" if np.median(moved) >= 0.3 else "at rest"
    return found, f"in the last 50 steps the samples move by {_said(moved)} on average."


def _crowd(rng: np.random.Generator) -> tuple[Any, ...]:
    """Samples of a few modes and strays, the modes' centers, sigma, how many are needed."""
    modes, least = rng.integers([5, 4], [9, 8]).tolist()
    centers, sigma = rng.normal(0, 3, (modes, 2)), rng.uniform(0.05, 0.2)
    centers[-1] = centers[0] + 4 * sigma * np.array([0.6, 0.8])  # so near that samples are between
    x = []
    for center in centers:  # one of them near its edge, some beyond it; as many as needed or fewer
        inside = rng.uniform(0, 2.9, least - rng.integers(5))
        radius = sigma * np.array([*inside, 2.97, 3.03, 3.5, *rng.uniform(4, 9, 2)])
        angle = np.pi / 4 + rng.integers(4) * np.pi / 2 + rng.normal(0, 0.1, len(radius))
        x.append(center + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    return rng.permutation(np.concatenate(x)), centers, sigma, least


@partial(Function, points=random_cases(_crowd))
def check_mode_count(x: NDArray, centers: NDArray, sigma: float, least: int) -> Values:
    """How many modes have ``least`` or more of the samples within three sigmas."""
    apart = np.linalg.norm(x[:, None] - centers, axis=2)
    per_mode = np.bincount(apart.argmin(1)[apart.min(1) <= 3 * sigma], minlength=len(centers))
    yield (per_mode >= least).sum(), "a sample counts for its nearest mode, if that is near."
    yield (per_mode > 0).sum(), "one sample is not enough: at least as many as asked."
    nearest = np.bincount(apart.argmin(1), minlength=len(centers))
    yield (nearest >= least).sum(), "that counts strays too: within three sigmas is asked."
    every = (apart <= 3 * sigma).sum(0)
    yield (every >= least).sum(), "a sample counts once, for its nearest mode; yours for each."
    sides = abs(x[:, None] - centers).max(2).min(1) <= 3 * sigma
    boxes = np.bincount(apart.argmin(1)[sides], minlength=len(centers))
    yield (boxes >= least).sum(), "that asks each coordinate; take the distance."
    yield per_mode.sum(), "that is the number of good samples; how many modes have enough?"


@partial(Check, read=_one_knob, wanted=KNOB)
def check_modes_knob(knob: Knobs, run: Unseen) -> Verdict:
    """One knob, turned so that five of the six generators find all five modes."""
    runs = _turned(run, knob)
    if isinstance(runs, Verdict):
        return runs
    covered, quality, _ = runs["modes"][-1].T
    k = int(_complete(runs).sum())
    return Verdict(
        k >= MEMBERS - 1,
        f"{k} of {MEMBERS} have all five modes and more than a tenth of good samples: covered "
        f"{_said(covered)}, good {_said(quality)}.",
    )


def tricks(rng: np.random.Generator, n: int = 400) -> dict[str, NDArray]:
    """Samples (n, 2) for the ring of five Gaussians, each of which fools some usual score."""
    centers, sigma = ring().modes.numpy(), PUBLISHED_STD
    mode, noise = rng.integers(5, size=n), sigma * rng.normal(size=(n, 2))
    astray = rng.random(n)[:, None] < 0.05
    angle = np.pi / 5
    turned = centers @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return {
        "perfect": centers[mode] + noise,
        "one mode": centers[0] + noise,
        "one mode with 0.96": centers[np.where(rng.random(n) < 0.95, 0, mode)] + noise,
        "twice too wide": centers[mode] + 2 * noise,
        "width zero": centers[mode],
        "5 % astray": np.where(astray, rng.uniform(-3, 3, (n, 2)), centers[mode] + noise),
        "a blob": rng.normal(size=(n, 2)) * math.sqrt(0.5 + sigma**2),
        "turned": turned[mode] + noise,
    }


@partial(Check, read=function, wanted="a function of (fake, real) is wanted")
def check_measure_design(measure: Callable[[NDArray, NDArray], float]) -> Verdict:
    """A measure, larger where it is worse, that finds each of the tricks and no perfect sample."""
    rng = np.random.default_rng(0)
    real = [tricks(rng)["perfect"] for _ in range(40)]
    tasks = [("band", *both) for both in pairwise(real)]
    tasks += [(name, x, y) for y in real[:10] for name, x in tricks(rng).items()]
    scores: dict[str, list[float]] = {name: [] for name, *_ in tasks}
    try:
        for name, x, y in _anyhow(tasks):
            scores[name].append(float(asked(measure)(x, y)))
    except Exception as error:  # a learner's function may fail in any way
        return failed(error)
    for name, values in scores.items():
        if np.isnan(values).any():
            where = "two real samples" if name == "band" else f"a sample of the kind '{name}'"
            return Verdict(False, f"it is NaN of {where}: a number is wanted.")
    end = max(scores.pop("band"))
    found = {name: sum(value > end for value in values) for name, values in scores.items()}
    alarms = found.pop("perfect")
    fooled = [f"{name} ({k} of 10)" for name, k in found.items() if k < 9]
    said = f"found less than nine times: {', '.join(fooled)}" if fooled else "it finds each of them"
    return Verdict(
        not fooled and alarms <= 2,
        f"39 pairs of real samples score {end:.3g} at most; {said}; false alarms: {alarms} of 10.",
    )


# -- 20b: images -----------------------------------------------------------------------------------


@partial(Choice, options=("D is ahead", "at the level", "D is behind"))
def check_image_loss(run: Unseen) -> tuple[str, str]:
    """D's mean loss in the last quarter of what is shown, to a twentieth of its level."""
    losses, level = run.history.static["d_loss"], run.history.meta["level"]
    late = losses[-(len(losses) // 4) :].mean()
    found = ("D is ahead" if late < 0.95 * level else "D is behind" if late > 1.05 * level
             else "at the level")  # fmt: skip
    return found, f"D's loss is {late:.2f} on average, its level {level:.2f}."


@partial(Choice, options=("G", "the average"))
def check_image_shown(run: Unseen) -> tuple[str, str]:
    """Whose images are nearer to the data at the last step that is shown."""
    own, average = (run.history[name][-1] for name in ("distance", "average"))
    found = "G" if own < average else "the average"
    return found, (
        f"at step {run.history.steps[-1]} G is {own:.3g} from the data and the average "
        f"{average:.3g}; real images from real images {run.history.meta['real']:.2g}."
    )


def _two_curves(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(5, 12))
    return np.exp(rng.normal(size=n)), rng.normal(size=n)


@partial(Function, points=random_cases(_two_curves))
def check_rank_correlation(x: NDArray, y: NDArray) -> Values:
    """The rank correlation of two arrays without ties."""
    first, second = (np.argsort(np.argsort(values)) for values in (x, y))
    value = np.corrcoef(first, second)[0, 1]
    yield value, "the correlation of the two arrays of ranks."
    yield np.corrcoef(x, y)[0, 1], "that is the correlation of the values; rank them first."
    yield (
        np.corrcoef(np.argsort(x), np.argsort(y))[0, 1],
        "argsort gives the order; its argsort gives the ranks.",
    )
    signs = [np.sign(np.subtract.outer(values, values)) for values in (x, y)]
    tau = (signs[0] * signs[1]).sum() / len(x) / (len(x) - 1)
    yield tau, "that is Kendall's, by pairs; here it is the correlation of the ranks."
    yield -value, "the sign: two curves that rise together have a positive one."


@partial(Choice, options=("a fifth nearer", "about the same", "a fifth farther"))
def check_image_future(run: Unseen) -> tuple[str, str]:
    """What the last third brings: G's distance at the end beside that at the last step shown."""
    now, end = run.history["distance"][-1], run.turn()["distance"][-1]
    found = ("a fifth nearer" if end <= 0.8 * now else "a fifth farther" if end >= 1.2 * now
             else "about the same")  # fmt: skip
    return found, f"G goes from {now:.3g} to {end:.3g}, {end / now:.2f} times as far."


@partial(Check, read=word, wanted="a value of the knob is wanted")
def check_image_knob(value: str, run: Unseen) -> Verdict:
    """The value of the run's knob with which G is nearest to the data at the end."""
    values = run.history.meta["values"]
    if value not in map(word, values):
        return Verdict(False, f"the values that were tried are {', '.join(values)}.")
    ends = {v: run.turn(**{run.history.meta["knob"]: v})["distance"][-1] for v in values}
    said = ", ".join(f"{v} {end:.3g}" for v, end in ends.items())
    return Verdict(
        value == word(min(ends, key=ends.__getitem__)), f"at the end: {said}; one seed each."
    )


def _draws(shift: float, seed: int, budget: int) -> Callable[[int], NDArray]:
    """A generator whose features are off by ``shift`` in each of 8 dimensions; a plain function
    that tells neither."""
    left, rng = [budget], np.random.default_rng(seed)

    def draw(n: int) -> NDArray:
        left[0] -= _checks.whole("n", n, least=1)
        if left[0] < 0:
            raise ValueError("there are 2000 samples of each generator, no more")
        return shift + rng.normal(size=(n, 8))

    return draw


@partial(Check, read=function, wanted="a function of (draw_a, draw_b, real) is wanted")
def check_comparison_design(compare: Callable[..., str]) -> Verdict:
    """A comparison of two generators, right in 18 of 20 trials of each of three kinds."""
    shifts = {"a": (0.1, 0.2), "b": (0.2, 0.1), "neither": (0.1, 0.1)}
    right = dict.fromkeys(shifts, 0)
    real = np.random.default_rng(99).normal(size=(2000, 8))
    for kind, seed in _anyhow(product(shifts, range(20))):
        draws = [_draws(shift, 2 * seed + k, 2000) for k, shift in enumerate(shifts[kind])]
        try:
            said = word(asked(compare)(*draws, real))
        except Exception as error:  # a learner's function may fail in any way
            return failed(error)
        if said not in right:
            return Verdict(False, f"it has to say a, b or neither, not {said!r}.")
        right[kind] += said == kind
    return Verdict(
        min(right.values()) >= 18,
        f"of 20 trials each, right where a is nearer {right['a']}, where b is {right['b']}, and "
        f"where neither is {right['neither']}.",
    )
