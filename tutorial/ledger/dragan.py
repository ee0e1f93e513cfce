"""DRAGAN: N. Kodali, J. Abernethy, J. Hays and Z. Kira (2017), github.com/kodalinaveen3/DRAGAN.

Its notebook trains one pair of small MLPs on MNIST; its README and paper say what to expect.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

import gan_teach as gt
from gan_teach import zoo
from gan_teach.course import records
from gan_teach.data import small_mnist
from gan_teach.dynamics.streams import generator
from gan_teach.games.penalties import gradient_norm_squared
from gan_teach.metrics import inception_score
from gan_teach.studies import bogonet as study
from gan_teach.studies.engine import HistoryFiles, Study, content
from gan_teach.training import State

from .rules import Ask, Found, answer

UPDATES = 7000  # after which the notebook was stopped
PRINTED = range(1000, UPDATES + 1, 1000)
LOSSES: dict[str, Any] = {"d_loss": gt.probes.loss("d"), "g_loss": gt.probes.loss("g")}


def mnist(ask: Ask) -> dict:
    jobs = {f"dragan-{seed}": {"seed": seed} for seed in range(ask.count(3))}
    files = HistoryFiles(ask.folder / "dragan.mnist", content(run=_run))
    runs = list(Study(jobs, _run, files).collect().values())
    losses = {name: np.stack([run[name] for run in runs], 1) for name in ("d_loss", "g_loss")}
    found: dict = {
        "networks": [
            sum(p.numel() for p in net.parameters())
            for net in zoo.image_gan("mnist-dragan").pair((1, 28, 28))
        ],
        "g_peak": losses["g_loss"][1:1001].max(0),
        "g_peak_at": 1 + losses["g_loss"][1:1001].argmax(0),
        "d_dip": losses["d_loss"][1:1001].min(0),
    }
    names = {"d": "d_loss", "g": "g_loss", "score": "score", "penalty": "penalty"}
    for short, name in names.items():
        found |= {f"{short}_{step}": [float(run[name][step]) for run in runs] for step in PRINTED}
    why = _of_the_judge()
    found |= {f"score_{step}": Found(found[f"score_{step}"], why) for step in PRINTED}
    return found


def _of_the_judge() -> str:
    """Scores of 5,000 pictures between two digits, by judges that have learned more and fewer."""
    x, rng = (small_mnist().floats().flatten(1) + 1) / 2, generator(5)
    i, j = torch.randint(len(x), (2, 5000), generator=rng)
    told = []
    for known in (1250, 2500, 5000):
        w, b = records.softmax_regression(0, known)
        score = inception_score((((x[i] + x[j]) / 2) @ w + b).softmax(1), splits=10).mean
        told.append(f"{score:.2f} if it has learned {known:,}")
    return (
        "a judge of fewer digits is surer: pictures between two digits score " + ", ".join(told)
        + " (that G has seen fewer too is not tested apart)"
    )  # fmt: skip


def _run(job: dict, tick: object) -> gt.History:
    """One run of the notebook, noise of one quadrant as there: losses, penalty and score."""
    config = zoo.image_gan("mnist-dragan", data="small-mnist")
    game = config.game(small_mnist(), job["seed"])
    return gt.record(
        config.train(game, steps=UPDATES, seed=job["seed"]),
        **LOSSES, penalty=_penalty, score=_score,
    )  # fmt: skip


def _penalty(state: State) -> float:
    """Without its weight, 10 for pixels in [0, 1]."""
    terms = [v for name, v in state.d_terms.items() if name.startswith("dragan")]
    return float(terms[0]) / 10 if terms else np.nan


def _score(state: State) -> float:
    """At each thousandth update, of 50,000 fakes in ten splits, by a judge trained anew."""
    if state.step == 0 or state.step % 1000:
        return np.nan
    w, b = records.softmax_regression(state.step)
    fakes = gt.probes.samples(50_000, seed=state.step)(state).flatten(1)
    return inception_score(((fakes + 1) / 2 @ w + b).softmax(1), splits=10).mean


# -- the same digits with other noise --------------------------------------------------------------


def digits(ask: Ask) -> dict:
    had, plain = _recorded("DRAGAN"), _recorded("vanilla")
    return {"better": [int((had > plain).sum()), len(had)]}


def _recorded(arm: str) -> NDArray:
    record = records.load("dragan-digits")
    return record["score"][-1, record.static["arm"] == arm]


def noise(ask: Ask) -> dict:
    seeds, told = list(range(ask.count(3))), "seed for seed, 95 % interval"
    jobs = {name: {"noise": name, "seeds": seeds} for name in _NOISES}
    files = HistoryFiles(ask.folder / "dragan.digits", content(run=_other_noise))
    runs = Study(jobs, _other_noise, files).collect()
    had = _recorded("DRAGAN")[: len(seeds)]
    quadrant, pixelwise = (_paired(runs[name]["score"][-1] - had) for name in _NOISES)
    return {
        "quadrant": {f"with one quadrant {_in_words(quadrant)}, {told}": _lower(quadrant)},
        "pixelwise": {f"by the pixel {_in_words(pixelwise)}, {told}": _lower(pixelwise)},
    }


def _pixelwise(critic: Any, real: torch.Tensor, fake: torch.Tensor, noise: Any) -> torch.Tensor:
    """DRAGAN's penalty with a standard deviation for each pixel: (S,)."""
    u, alpha = noise
    x = real + 0.5 * real.std(1, keepdim=True, correction=0) * alpha * (2 * u - 1)
    norm = gradient_norm_squared(critic, x).clamp_min(1e-12).sqrt()
    return 40.0 * ((norm - 0.5) ** 2).mean(-1)


_pixelwise.draw = lambda real, rng: (  # pyright: ignore[reportFunctionMemberAccess]
    torch.rand(real.shape, generator=rng), torch.rand((len(real), 1, 1, 1), generator=rng),
)  # fmt: skip
_NOISES: dict[str, Any] = {
    "published": gt.penalties.dragan(40.0, target=0.5, directions="published"),
    "pixelwise": _pixelwise,
}


def _other_noise(job: dict, tick: object) -> gt.History:
    """The score at each thousandth update, by the judge of the record."""
    config = records.RECORDS["dragan-digits"].training
    game: Any = gt.stack([config.game(small_mnist(), seed) for seed in job["seeds"]])
    game.penalties = (gt.penalties.get(_NOISES[job["noise"]]),)
    w, b = records.softmax_regression()
    watch = gt.probes.samples(5000, seed=1)

    def score(state: State) -> NDArray:
        fakes = (watch(state).flatten(-3) + 1) / 2
        return np.array([inception_score((x @ w + b).softmax(-1)).mean for x in fakes])

    run = config.train(game, steps=config.steps, seed=job["seeds"])
    return gt.record(run, every=1000, score=score)


def _paired(apart: NDArray) -> tuple[float, float, float]:
    """Mean of paired differences, and the 95 % interval of it."""
    low, high = ttest_1samp(apart, 0.0).confidence_interval()
    return float(np.mean(apart)), float(low), float(high)


def _lower(difference: tuple[float, float, float]) -> bool | None:
    return answer(difference[2] < 0, difference[1] > 0)


def _in_words(difference: tuple[float, float, float]) -> str:
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(*difference)


# -- advice on C, lambda and k ---------------------------------------------------------------------

ADVICE = {  # C, k, around the fakes
    "C = 0.05": (0.05, 1, 0), "C = 0.2": (0.2, 1, 0), "C = 0.5": (0.5, 1, 0),
    "C = 0.99": (0.99, 1, 0), "C = 4": (4, 1, 0), "k = 0": (0.5, 0, 0), "k = 3": (0.5, 3, 0),
    "fakes": (0.5, 1, 1),
}  # fmt: skip


def advice(ask: Ask) -> dict:
    jobs = {f"tau-{tau}": {"tau": tau, "seeds": ask.count(16)} for tau in (1, 8)}
    files = HistoryFiles(ask.folder / "dragan.advice", content(run=_advised, arms=ADVICE))
    runs = Study(jobs, _advised, files).collect()
    of = {
        tau: dict(zip(ADVICE, np.moveaxis(runs[f"tau-{tau}"]["modes"], 1, 0), strict=True))
        for tau in (1, 8)
    }  # (T, seeds, 3) of each arm
    end = {name: modes[-1, :, 1] for name, modes in of[1].items()}
    good = {name: (m[-5:, :, 0] == 5).all(0) & (m[-1, :, 1] > 0.5) for name, m in of[1].items()}
    lowest = {(tau, name): modes[len(modes) // 2 :, :, 1].min(0)
              for tau, arms in of.items() for name, modes in arms.items()}  # fmt: skip

    inside = ("C = 0.05", "C = 0.2", "C = 0.5", "C = 0.99")
    return {
        "small_c": {
            **_more(end["C = 0.05"], end["C = 0.5"], "C = 0.05 to 0.5:"),
            **_more(end["C = 0.5"], end["C = 4"], "C = 0.5 to 4:"),
        },
        "large_c": {
            **_more(lowest[1, "C = 4"], lowest[1, "C = 0.05"], "C = 4 to 0.05, tau = 1:"),
            **_more(lowest[8, "C = 4"], lowest[8, "C = 0.05"], "C = 4 to 0.05, tau = 8:"),
        },
        "any_c": Found(
            [int(sum(good[a].sum() for a in inside)), sum(good[a].size for a in inside)],
            ", ".join(f"{a}: {good[a].sum()} of {good[a].size}" for a in inside),
        ),
        "leave": _more(end["C = 0.5"], end["C = 0.05"], "C = 0.5 to 0.05:"),
        "k": {
            **_more(end["C = 0.5"], end["k = 0"], "k = 1 to 0:"),
            **_more(end["C = 0.5"], end["k = 3"], "k = 1 to 3:"),
        },
        "fakes": [int(good["fakes"].sum()), good["fakes"].size],
    }  # fmt: skip


def _more(a: NDArray, b: NDArray, told: str) -> dict[str, bool | None]:
    """Whether a is larger than b, seed for seed."""
    difference = _paired(a - b)
    return {f"{told} {_in_words(difference)}": answer(difference[1] > 0, difference[2] < 0)}


def _advised(job: dict, tick: object) -> gt.History:
    """All arms and seeds in one stack: the three mode scores (arms, seeds, 3) at 21 records."""
    seeds = list(range(job["seeds"]))
    arms = torch.tensor([list(arm) for arm in ADVICE.values() for _ in seeds])
    c, k, at_fakes = arms.T[..., None, None].float()  # (S, 1, 1)

    def penalty(critic: Any, real: Any, fake: Any, noise: Any) -> torch.Tensor:
        u, alpha = noise
        spread = real.std((1, 2), keepdim=True, correction=0)
        x = torch.where(at_fakes > 0, fake, real) + c * spread * alpha * (2 * u - 1)
        norm = gradient_norm_squared(critic, x).clamp_min(1e-12).sqrt()
        return 0.1 * ((norm - k[..., 0]) ** 2).mean(-1)

    penalty.draw = lambda real, rng: (  # pyright: ignore[reportFunctionMemberAccess]
        torch.rand(real.shape, generator=rng), torch.rand((len(real), 1), generator=rng),
    )  # fmt: skip
    every = seeds * len(ADVICE)
    game: Any = gt.stack([zoo.five_gaussians(seed, "js", 32) for seed in every])
    game.penalties = (gt.penalties.get(penalty),)
    run = zoo.FIVE_GAUSSIANS.train(game, steps=1500, lr=2e-3, tau=job["tau"], seed=every)
    history = gt.record(run, every=75, modes=gt.probes.mode_scores())
    return history.with_arrays(
        modes=history["modes"].reshape(len(history), len(ADVICE), len(seeds), 3)
    )


# -- statements -----------------------------------------------------------------------------------


def statements(ask: Ask) -> dict:
    step, average = _averages(100_000)
    start = np.sqrt(2.0)
    steep = {
        signs: _penalties(lambda x: torch.where(x < 0, 3 * x, x)[..., 0], signs) == (False, True)
        for signs in ("all", "published")
    }
    return {
        "weaker": {
            "slope 1 around the data and 3 beyond: DRAGAN is content, WGAN-GP is not":
                _penalties(lambda x: torch.where(x > 2, 3 * x - 4, x)[..., 0]) == (True, False),
            "noise of both signs: slope 3 on the far side of the data is no critic the other way "
            "round": not steep["all"],
            "noise of one sign, as published: nor is it then": not steep["published"],
        },
        "average": {
            f"the average of 100,000 iterates is {np.linalg.norm(average) / start:.2g} of the "
            "start's distance away": np.linalg.norm(average) < 0.05 * start,
            f"the last iterate {np.linalg.norm(step) / start:.2g}": np.linalg.norm(step) > start,
        },
    }  # fmt: skip


def _penalties(critic: Any, directions: str = "all") -> tuple[bool, bool]:
    """Whether DRAGAN, WGAN-GP have nothing against a critic; data in [0, 1], fakes in [5, 6]."""
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.rand((1000, 1), generator=rng), 5 + torch.rand((1000, 1), generator=rng)
    both = (gt.penalties.dragan(directions=directions), gt.penalties.wgan_gp())
    values = [float(p(critic, real, fake, p.draw(real, rng))) for p in both]
    return values[0] < 1e-9, values[1] < 1e-9


def _averages(steps: int) -> tuple[NDArray, NDArray]:
    """Last iterate and mean of all of x <- x - h_t y, y <- y + h_t x, h_t = 0.5 / sqrt(t)."""
    w, mean = np.ones(2), np.zeros(2)
    for t in range(1, steps + 1):
        x, y = w
        w = w + 0.5 / np.sqrt(t) * np.array([-y, x])
        mean += (w - mean) / t
    return w, mean


# -- random architectures -------------------------------------------------------------------------


def bogonet(ask: Ask) -> dict:
    short, long = _bogonet("bogonet"), _bogonet("bogonet-500")
    others = {
        "with one D step for all": _bogonet("bogonet-1"),
        "with five D steps for all": _bogonet("bogonet-5"),
        "after 500 updates": long,
    }

    def both(criterion: str, other: str) -> Found:
        told = ["{}: {} of {}".format(k, *_duel(h, criterion, other)) for k, h in others.items()]
        return Found(_duel(short, criterion, other), ", ".join(told))

    return {
        "over_gp": both("final", "wgan_gp"),
        "over_vanilla": both("final", "vanilla"),
        "area": both("area", "vanilla"),
        "longer": _duel(long, "final", "vanilla"),
    }


def _duel(history: gt.History, criterion: str, other: str) -> list[int]:
    """Architectures on which DRAGAN has the higher score, of those that are no tie."""
    names, value = history.meta["study"]["algorithms"], study.values(history, criterion)
    ours, theirs = value[names.index("dragan")], value[names.index(other)]
    return [int((ours > theirs).sum()), int((ours != theirs).sum())]


def _bogonet(name: str) -> gt.History:
    return gt.History.load(records.folder() / f"{name}.npz")
