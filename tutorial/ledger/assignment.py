"""The course assignment: folder A5 of github.com/aryashah2k/RTML, its README, logs and pictures."""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit
from scipy.stats import chisquare, entropy

import gan_teach as gt
from gan_teach import zoo
from gan_teach._devices import arithmetic, preferred
from gan_teach.course import records
from gan_teach.data import small_mnist
from gan_teach.data.named import data_folder, load_images
from gan_teach.metrics import features, noise_band, sliced_wasserstein
from gan_teach.models.dropout import dropouts, masks_of
from gan_teach.studies.engine import HistoryFiles, Study, content
from gan_teach.training import State

from .rules import Ask, Found

EPOCH = {"mnist-vanilla": 600, "cifar-dcgan": 500}  # updates, of a hundred images each
EPOCHS = 30
SMOOTHED = 0.9  # D's target for real samples


def networks(ask: Ask) -> dict:
    pairs = {
        "vanilla": zoo.image_gan("mnist-vanilla").pair((1, 28, 28)),
        "dcgan": zoo.image_gan("cifar-dcgan").pair((3, 64, 64)),
        "faces": zoo.image_gan("celeba-dcgan").pair((3, 64, 64)),
    }
    game = zoo.half_circles(0)
    pairs["curve"] = (game.generator, game.discriminator)
    return {
        name: [sum(p.numel() for p in net.parameters()) for net in pair]
        for name, pair in pairs.items()
    }


def _first(config: zoo.ImageGAN, images: object, seeds: int) -> dict:
    """Both losses of the first step and D's mean scores before it, dropout on, for each seed."""
    found: dict[str, list[float]] = {"d": [], "g": [], "real": [], "fake": []}
    for seed in range(seeds):
        game = config.game(images, seed)
        *_, end = config.train(game, steps=1, seed=seed)
        found["d"].append(float(end.losses["d_loss"]))
        found["g"].append(float(end.losses["g_loss"]))
        for name, score in zip(
            ("real", "fake"), _scores(config.game(images, seed), end), strict=True
        ):
            found[name].append(score)
    return {f"first_{name}": values for name, values in found.items()}


def _scores(game: Any, state: State) -> tuple[float, float]:
    """Mean D(x), D(G(z)) of ``game`` on the batch of the run's last step, in training mode.

    The masks of dropout are those of the step's number, so that a row repeats itself.
    """
    batch = state.stream.at(state.step - 1)("d", 0)
    with torch.no_grad(), masks_of([state.step], dropouts(game.discriminator)):
        logits = game.discriminator(batch.real), game.discriminator(game.generate(batch.latent))
    return float(logits[0].sigmoid().mean()), float(logits[1].sigmoid().mean())


# -- vanilla GAN of MNIST -------------------------------------------------------------------------


def first(ask: Ask) -> dict:
    return _first(zoo.image_gan("mnist-vanilla"), small_mnist(), ask.count(64))


def mnist(ask: Ask) -> dict:
    found, other = (
        _means(_runs(ask, "mnist-vanilla", 5, **changes), 4)
        for changes in ({}, {"label_smoothing": 1.0})
    )
    least = float(entropy([SMOOTHED, 1 - SMOOTHED]))
    why = (
        f"the log's loss of D lies below {least:.3f}, the least that targets of {SMOOTHED} leave; "
        "with targets of 1 our seeds have"
    )
    strong = {}
    for target, means in ((SMOOTHED, found), (1, other)):
        real, fake = np.mean(means["real_4"]), np.mean(means["fake_4"])
        n = len(means["real_4"])
        strong[
            f"targets of {target}: D(x) = {real:.2f}, D(G(z)) = {fake:.2f}, means of {n} seeds"
        ] = real > 0.9 and fake < 0.1
    told = {
        key: Found(values, f"{why} {', '.join(f'{v:.3f}' for v in other[key])}")
        for key, values in found.items()
    }
    return {**told, "strong_d": Found(strong, "on 5,000 of the 60,000 digits")}


def mnist_whole(ask: Ask) -> dict:
    why = (
        "two candidates, neither tested at this length: our D sees each of 5,000 digits twelve "
        "times as often as theirs each of 60,000, and the log's targets are not 0.9 (epoch 4)"
    )
    found = _means(_runs(ask, "mnist-vanilla", EPOCHS), EPOCHS - 1)
    return {key: Found(values, why) for key, values in found.items()}


def _runs(ask: Ask, name: str, epochs: int, **changes: Any) -> list[gt.History]:
    of = {"name": name, "epochs": epochs, **({"changes": changes} if changes else {})}
    kind = "-".join([str(epochs), *changes])
    jobs = {f"{kind}-{seed}": {**of, "seed": seed} for seed in range(ask.count(3))}
    files = HistoryFiles(ask.folder / f"assignment.{name}", content(run=_run))
    return list(Study(jobs, _run, files).collect().values())


def _means(runs: list[gt.History], epoch: int) -> dict:
    names = {"d": "d_loss", "g": "g_loss", "real": "real", "fake": "fake"}
    return {
        f"{short}_{epoch}": [_epoch(run, name, epoch) for run in runs]
        for short, name in names.items()
    }


def _epoch(run: gt.History, name: str, epoch: int) -> float:
    inside = (run.steps > run.meta["epoch"] * epoch) & (
        run.steps <= run.meta["epoch"] * (epoch + 1)
    )
    return float(run[name][inside].mean())


def _run(job: dict, tick: object) -> gt.History:
    """One run, on a GPU if there is one and then in TF32; every fifth step is kept."""
    config = zoo.image_gan(job["name"], **job.get("changes", {}))
    epoch = EPOCH[job["name"]]
    images = small_mnist() if job["name"] == "mnist-vanilla" else _photographs()
    game = config.game(images, job["seed"]).to(preferred())
    with arithmetic(tf32=True):
        history = gt.record(
            config.train(game, steps=epoch * job["epochs"], seed=job["seed"]), every=5, **_LOSSES,
            scores=lambda state: np.array(
                _scores(state.game, state) if state.step else (np.nan,) * 2
            ),
        )  # fmt: skip
    real, fake = history["scores"].T
    return gt.History(
        history.steps,
        {"d_loss": history["d_loss"], "g_loss": history["g_loss"], "real": real, "fake": fake},
        meta={"epoch": epoch},
    )


_LOSSES: dict[str, Any] = {"d_loss": gt.probes.loss("d"), "g_loss": gt.probes.loss("g")}


def claims(ask: Ask) -> dict:
    sheet = records.load("mnist-vanilla").static["sheets"][-1]
    judge = features.digit_classifier()
    images = torch.from_numpy(sheet).float() / 127.5 - 1
    named = np.bincount(judge.probabilities(images).argmax(1), minlength=10)
    even = float(chisquare(named).pvalue)
    level = _equilibrium(SMOOTHED)
    return {
        "nash": Found(
            {f"D(x) = 0.7 and D(G(z)) = 0.3 are the equilibrium's, {level:.2f} both":
             max(abs(0.7 - level), abs(0.3 - level)) < 0.05},
            "where G matches the data no D tells the two apart, so both scores are one",
        ),
        "no_collapse": {
            f"one seed, 40 digits at the end: {np.count_nonzero(named)} of 10 classes, at most "
            f"{named.max()} of one, as chance has it (p = {even:.2f})": even > 0.05,
        },
    }  # fmt: skip


def _equilibrium(target: float) -> float:
    """The score at which D's loss is lowest where real and fake are alike, by minimization."""

    def loss(logit: float) -> float:
        return -target * log_expit(logit) - (1 - target + 1) * log_expit(-logit)

    lowest: Any = minimize_scalar(loss, tol=1e-12)
    return float(expit(lowest.x))


# -- DCGAN of CIFAR-10 ----------------------------------------------------------------------------


def dcgan(ask: Ask) -> dict:
    return _first(zoo.image_gan("cifar-dcgan"), _photographs(), ask.count(4))


def dcgan_early(ask: Ask) -> dict:
    return _on_a_gpu(ask, 4)


def dcgan_whole(ask: Ask) -> dict:
    return _on_a_gpu(ask, EPOCHS)


def _on_a_gpu(ask: Ask, epochs: int) -> dict:
    """The last of so many epochs, where there is a GPU or what one has made; a core needs days."""
    if preferred() == "cpu" and not (ask.folder / "assignment.cifar-dcgan").exists():
        return {}
    found, why = _means(_runs(ask, "cifar-dcgan", epochs), epochs - 1), "why was not tested"
    return {key: Found(values, why) for key, values in found.items()}


@cache
def _photographs() -> Any:
    """CIFAR-10 by torchvision, or from an archive of images called cifar10-train.zip."""
    archive = data_folder() / "cifar10-train.zip"
    return load_images(str(archive) if archive.exists() else "cifar10", 64)


LOG = {
    3: 1.442, 10: 1.408, 19: 1.388, 22: 1.400, 23: 1.390, 25: 1.280, 27: 0.956, 28: 1.006,
    29: 1.910,
}  # fmt: skip
"""D's mean loss by epoch, as logged."""


def log(ask: Ask) -> dict:
    parts = {
        "3 to 22": [LOG[e] for e in LOG if e < 23],
        "23 to 29": [LOG[e] for e in LOG if e > 22],
    }
    return {
        "stable": {
            f"epochs {epochs}: D's loss from {min(d):.3f} to {max(d):.3f}": np.ptp(d) < 0.1
            for epochs, d in parts.items()
        }
    }


# -- the S of two half circles --------------------------------------------------------------------


def curve(ask: Ask) -> dict:
    record = records.load("half-circles-published")
    late = record.steps > 158 * 79  # 79 updates an epoch
    scores = record["scores"][late].mean(0)
    band = noise_band(sliced_wasserstein, gt.data.half_circles(), 5000, repeats=199)
    end, covered = record["sliced"][-1], record["modes"][-1, :, 0]
    level, plain = _equilibrium(SMOOTHED), _equilibrium(1.0)
    return {
        "d_loss": record["d_loss"][late].mean(0),
        "g_loss": record["g_loss"][late].mean(0),
        "real": scores[:, 0],
        "fake": scores[:, 1],
        "score": level,
        "ideal": Found(
            {f"the equilibrium with labels of 0.9 has the score {level:.2f}, not 0.5":
             abs(level - 0.5) < 0.01},
            f"0.45 is not near the ideal, it is what the labels make of it; with labels of 1 the "
            f"equilibrium has {plain:.2f}",
        ),
        "learned": Found(
            [int(np.sum([d in band for d in end])), len(end)],
            "distances " + ", ".join(f"{d:.2f}" for d in np.sort(end))
            + f"; two real samples: {band.low:.2f} to {band.high:.2f}",
        ),
        "no_collapse": Found(
            _all_covered(covered),
            "pieces of the S with samples, of 20: "
            + ", ".join(f"{k:.0f}" for k in np.sort(covered)),
        ),
    }  # fmt: skip


def _all_covered(covered: NDArray) -> list[int]:
    pieces = len(gt.data.half_circles().modes)
    return [int((covered == pieces).sum()), len(covered)]
