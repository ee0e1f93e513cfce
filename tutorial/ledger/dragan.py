"""DRAGAN: N. Kodali, J. Abernethy, J. Hays and Z. Kira (2017), github.com/kodalinaveen3/DRAGAN.

Its notebook trains one pair of small MLPs on MNIST; its README and paper say what to expect.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import gan_teach as gt
from gan_teach import zoo
from gan_teach.course import records
from gan_teach.data import small_mnist
from gan_teach.dynamics.streams import generator
from gan_teach.metrics import inception_score
from gan_teach.studies import bogonet as study
from gan_teach.studies.engine import HistoryFiles, Study, content
from gan_teach.studies.ledger import Ask, Found
from gan_teach.training import State

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
    return {key: value for key, value in found.items() if key not in _UNPRINTED}


def _of_the_judge() -> str:
    """Scores of 5,000 pictures between two digits, by judges that have learned more and fewer."""
    x, rng = (small_mnist().floats().flatten(1) + 1) / 2, generator(5)
    i, j = torch.randint(len(x), (2, 5000), generator=rng)
    told = []
    for known in (1250, 2500, 5000):
        w, b = records.softmax_regression(0, known)
        score = inception_score((((x[i] + x[j]) / 2) @ w + b).softmax(1), splits=10).mean
        told.append(f"{score:.2f} if it has learned {known:,}")
    return "a judge of fewer digits is surer: pictures between two digits score " + ", ".join(told)


_UNPRINTED = {f"penalty_{step}" for step in (2000, 4000, 6000)}


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


# -- statements -----------------------------------------------------------------------------------


def statements(ask: Ask) -> dict:
    step, average = _averages(100_000)
    start = np.sqrt(2.0)
    return {
        "weaker": {
            "slope 1 around the data and 3 beyond: DRAGAN is content, WGAN-GP is not":
                _penalties(lambda x: torch.where(x > 2, 3 * x - 4, x)[..., 0]) == (True, False),
            "there is no critic the other way round (slope 3 on the far side of the data is one)":
                _penalties(lambda x: torch.where(x < 0, 3 * x, x)[..., 0]) != (False, True),
        },
        "average": {
            f"the average of 100,000 iterates is {np.linalg.norm(average) / start:.2g} of the "
            "start's distance away": np.linalg.norm(average) < 0.05 * start,
            f"the last iterate {np.linalg.norm(step) / start:.2g}": np.linalg.norm(step) > start,
        },
    }  # fmt: skip


def _penalties(critic: Any) -> tuple[bool, bool]:
    """Whether DRAGAN, WGAN-GP have nothing against a critic; data in [0, 1], fakes in [5, 6]."""
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.rand((1000, 1), generator=rng), 5 + torch.rand((1000, 1), generator=rng)
    both = (gt.penalties.dragan(), gt.penalties.wgan_gp())
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
    alike = _bogonet("bogonet-5")

    def both(criterion: str, other: str) -> Found:
        had, n = _duel(alike, criterion, other)
        return Found(_duel(short, criterion, other), f"with five D steps for all: {had} of {n}")

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
