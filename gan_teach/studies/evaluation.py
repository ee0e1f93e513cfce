"""Generators judged by the images they make: FID or FD(net), KID, IS, PRD, precision and recall.

``evaluate`` scores every saved generator of runs and sweeps, published weights, functions that draw
and folders of images, each from one pass through one network, into a table that is a file: a second
call adds what is new. ``pairs`` shows two of them to eyes that do not know which is which.
"""

from __future__ import annotations

import math
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan_teach import __version__, _checks
from gan_teach._devices import there
from gan_teach._identity import digest
from gan_teach.data import Images, Source, load_images
from gan_teach.data.images import as_floats, to_floats
from gan_teach.dynamics.streams import mix
from gan_teach.metrics import PRD, noise_bands, precision_recall, score_tables as tables, scores
from gan_teach.metrics.features import Extractor, found_inception, load_extractor
from gan_teach.metrics.features.classifier import fingerprint
from gan_teach.metrics.score_tables import Evaluation, Row, ScoreFiles, read_rows as read_rows
from gan_teach.metrics.scores import AT_ONCE, NEIGHBORS, SCORES, Features, Statistics, score
from gan_teach.models.convnets import load_rsgan_generator
from gan_teach.plots import wilson
from gan_teach.studies.engine import Study, Tick
from gan_teach.studies.image_runs import RAW, Trained, load_run, snapshots, training_images
from gan_teach.studies.recording import draw, fixed_latents

UNTRAINED = "untrained"
REPEATS, LEVEL = 9, 0.8  # of real against real: lowest and highest of nine
CONTROL = 500  # images of noise of each kind
_FUNCTION = re.compile(r"[\w.]+:\w+")


# -- what can be scored and drawn from -------------------------------------------------------------


@dataclass(frozen=True)
class Generator:
    """One generator; ``load()`` may read its weights.

    ``images()`` makes what its run was trained on; a published file, which does not hold them,
    draws with the statistics of each batch. ``run`` : what its folder says of it.
    """

    source: str
    step: int | None
    average: str
    load: Callable[[], nn.Module]
    latent: int | Source
    images: Callable[[], Images] | None = None
    run: Trained | None = None

    @property
    def how(self) -> str:
        """How it draws, in words."""
        whose = "running" if self.images else f"{AT_ONCE}-image batches'"
        return f"drawn with batch norm's {whose} statistics"

    @property
    def imitates(self) -> tuple[Any, ...]:
        """What tells its run's images from those of another."""
        assert self.run is not None
        config, data = self.run.config, self.run.data or {}
        where = config.data, config.size, config.channels, config.skip_bad, config.balanced
        return *where, data.get("digest")

    def digest(self) -> str:
        """Changes when what it draws does."""
        return f"{fingerprint(self.load())} {self.images is None}"

    def draw(self, latents: Tensor, device: str | torch.device = "cpu") -> np.ndarray:
        """Images (n, C, H, W) in [-1, 1] of latents; a NaN image is drawn as it is."""
        return draw(self.load().to(device), latents, AT_ONCE, batch_statistics=self.images is None)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` images of fixed latents, at most 500 at a time."""
        for latents in fixed_latents(n, self.latent, seed).split(AT_ONCE):
            yield torch.from_numpy(self.draw(latents, device))


@dataclass(frozen=True)
class Folder:
    """Images of a folder in the place of generated ones."""

    source: str
    content: Images
    step = images = run = None
    average, how = "images", "files at random"

    def digest(self) -> str:
        """Changes when the images do."""
        return digest(self.content.pixels)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` of the images at random, at most 500 at a time."""
        if n > len(self.content):
            raise ValueError(f"{self.source} holds {len(self.content)} images, not {n}.")
        order = torch.randperm(len(self.content), generator=torch.Generator().manual_seed(seed))
        for rows in order[:n].split(AT_ONCE):
            yield self.content[rows].floats().to(device)


@dataclass(frozen=True)
class Function:
    """A function of (n, rng), a torch.Generator, that draws n images.

    They are bytes or floats in [-1, 1], of shape (n, channels, height, width) or channels last.
    """

    source: str
    call: Callable[[int, torch.Generator], Any]
    step = images = run = None
    average, how = "function", "as the function draws them"

    def digest(self) -> str:
        """Of its first images: what decides them may lie in files that nobody knows here."""
        return digest(next(self.batches(16, 0, "cpu")))

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` images, at most 500 at a time. ValueError for what it raises or gives instead."""
        rng = torch.Generator().manual_seed(seed)
        for start in range(0, n, AT_ONCE):
            count = min(AT_ONCE, n - start)
            try:
                with torch.no_grad():
                    images = self.call(count, rng)
            except Exception as error:  # foreign code: anything may be raised
                raise ValueError(
                    f"{self.source}({count}, rng) raised {type(error).__name__}: {error}"
                ) from error
            x = as_floats(images, self.source)
            if len(x) != count:
                raise ValueError(f"{self.source}({count}, rng) gave {len(x)} images.")
            yield x.to(device)


Candidate = Generator | Folder | Function
Named = str | os.PathLike[str] | Callable[[int, torch.Generator], Any]


def candidates(
    source: Named,
    *,
    averages: Sequence[str] = (),
    steps: Sequence[int] = (),
    every: int = 1,
    last: bool = False,
    untrained: bool = False,
    **how: Any,
) -> Sequence[Candidate]:
    """What there is to score in a run or a sweep, a published file of RS-GAN, code, or images.

    Of a run: the saved ``steps``, or those that are multiples of ``every``, or the ``last`` one
    only; each with G ("raw") and its averages ("0.999", ...), or those named in ``averages``; with
    ``untrained`` also G as the run started it, as step 0. Of a sweep's folder: that of each run in
    it. A ``Function``, or "module:name" of one. Images lie in a folder, a zip archive or an array
    (.npy, .npz); ``how`` (size, channels, skip_bad) they are read is as in ``load_images``. Raises
    FileNotFoundError or ValueError for what is none of these.
    """
    if callable(source):
        return [Function(getattr(source, "__name__", "function"), source)]
    path = Path(source)
    if _FUNCTION.fullmatch(str(source)) and not path.exists():
        return [Function(str(source), _imported(str(source)))]
    if path.is_file() and path.suffix.lower() in {".pth", ".pt"}:
        g = load_rsgan_generator(path)
        return [Generator(path.name, None, RAW, lambda: g, next(g.parameters()).shape[1])]
    folders = runs_in(path)
    if path.exists() and not folders:
        return [Folder(path.name, load_images(path, **how))]
    which = averages, untrained, steps, every, last
    return [one for folder in folders or [path] for one in _of_run(folder, path, *which)]


def _of_run(
    folder: Path, sweep: Path, averages: Sequence[str], untrained: bool, *which: Any
) -> list[Generator]:
    trained = load_run(folder)
    names = [_checks.choice("--ema", name, trained.generators) for name in averages]
    read = lru_cache(maxsize=1)(partial(load_run, folder))  # a step's generators, from one file
    loaders = {
        (step, name): lambda step=step, name=name: read(step).generators[name]
        for step in _chosen(folder, *which)
        for name in names or trained.generators
    }
    if untrained:  # G as the run started it
        seeds = (mix(trained.config.seed, player) for player in (1, 2))
        first, _ = trained.config.pair(trained.shape, *seeds, classes=len(trained.classes))
        loaders = {(0, UNTRAINED): lambda: first, **loaders}
    source = folder.name if folder == sweep else folder.relative_to(sweep).as_posix()
    own = trained.latents, partial(_own_images, trained, folder), trained
    return [Generator(source, *at, load, *own) for at, load in loaders.items()]


def runs_in(path: Path) -> list[Path]:
    """The folder itself if it is a run's, or those of the runs of a sweep in it."""
    if (path / "settings.json").exists():
        return [path]
    found = (file.parent for k in (1, 2) for file in path.glob("*/" * k + "settings.json"))
    return sorted(folder for folder in found if snapshots(folder))


def _imported(name: str) -> Any:
    if os.getcwd() not in sys.path:  # where the user's own modules lie
        sys.path.insert(0, os.getcwd())
    try:
        found = pkgutil.resolve_name(name)
    except Exception as error:  # foreign code: anything may be raised
        raise ValueError(f"{name} cannot be imported: {error}.") from error
    return _checks.function(name, found, "of (n, rng) that draws n images")


def _own_images(run: Trained, folder: Path) -> Any:
    """What a run was trained on, checked and in memory, however it was read then."""
    images = training_images(run.config, run.data, folder)
    return images if isinstance(images, Images) else replace(run.config, workers=None).images()


def _chosen(folder: Path, steps: Sequence[int], every: int, last: bool) -> list[int]:
    saved = list(snapshots(folder))
    every = _checks.whole("every", every, least=1)
    chosen = saved[-1:] if last else [step for step in saved if step % every == 0]
    chosen = [_checks.whole("step", step) for step in steps] or chosen
    if not chosen or not set(chosen) <= set(saved):
        wanted = ", ".join(map(str, steps)) or f"that is a multiple of {every}"
        raise ValueError(f"{folder} has no step {wanted}: it saved {str(saved[:8])[1:-1]} ...")
    return chosen


# -- scoring it ------------------------------------------------------------------------------------


def evaluate(
    *sources: Named,
    features: str | os.PathLike[str] | Extractor | None = None,
    data: str | os.PathLike[str] | Images | None = None,
    n: int = 5000,
    seed: int = 0,
    device: str | torch.device = "cpu",
    out: str | os.PathLike[str] | None = None,
    save_stats: str | os.PathLike[str] | None = None,
    progress: bool = False,
    size: int | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    **which: Any,
) -> Evaluation:
    """Score every generator of ``sources`` by n images from the same latents, against n real ones.

    Parameters
    ----------
    sources : folders of runs and sweeps, published files of RS-GAN, functions, images, as in
        ``candidates``; ``which`` (averages, steps, every, last, untrained) chooses among a run's
        generators. size, channels, skip_bad : how images are read, those of ``data`` too.
    features : of ``load_extractor``, or an Extractor; by default the genuine Inception where its
        weights are, else "digits" for grey images and "cifar" for images in color.
    data : real images, a name or a path, or statistics of their features (mu and sigma in an .npz
        file); by default what each run was trained on, and the first of them for what is no run.
    out : folder of scores.csv and of the curves, by default that of the first run. A generator that
        the table has already (same weights, real images, features, n, seed and version of the
        library) is not scored again; after an interruption the same call goes on.
    save_stats : also write the statistics of the n real images' features into this .npz file.

    The distance is biased upwards by small n: the band of real against real (2 n real images are
    needed) shows by how much. Raises ValueError and OSError for what cannot be read or compared;
    missing weights are told before any image is read.
    """
    n, seed = _checks.whole("n", n, least=10), _checks.whole("seed", seed)
    device = there(device)
    if not isinstance(features, Extractor):
        chosen = features or found_inception()
        features = load_extractor(chosen, device=device) if chosen else None
    how = {"size": size, "channels": channels, "skip_bad": skip_bad}
    every_one = [one for source in sources for one in candidates(source, **which, **how)]
    folder = default_folder(sources[0]) if out is None else Path(out)
    real_sets = _real_sets(every_one, data, how, features, n, device, progress)
    jobs, bands, controls = {}, {}, {}
    for one, real in zip(every_one, real_sets, strict=True):
        key = _key(one.source, one.step, one.average, one.digest(), real.key, n, seed)
        # What does it, and how many images are looked at and compared.
        jobs[key] = partial(_candidate, one, real, n, seed, device), 2 * n
        if len(real.pool) >= 2 * n:
            bands[_key(tables.REAL, real.key, n, seed)] = partial(_ends, real, n, seed), REPEATS * n
        if real.images:
            size = 2 * min(n, CONTROL)
            controls[_key(tables.NOISE, real.key, n, seed)] = partial(_noise, real, n, seed), size
    if save_stats is not None:
        real = real_sets[0]
        if isinstance(real.compared, Statistics) or len({one.key for one in real_sets}) > 1:
            raise ValueError("save_stats takes the images of one real set: name it by --data.")
        scores.write_statistics(Path(save_stats), real.compared, real.extract.frechet_name)
    study = Study(
        jobs | bands | controls, lambda job, tick: job[0](tick), ScoreFiles(folder),
        size=lambda job: job[1], unit="image",
    )  # fmt: skip
    rows = dict(study.results(progress))
    settings = {one.source: one.run.config.identity() for one in every_one if one.run}
    own, ends, noise = (
        [row for key in keys for row in rows[key]] for keys in (jobs, bands, controls)
    )
    return Evaluation(own, ends, noise, settings)


def _candidate(
    one: Candidate, real: _Real, n: int, seed: int, device: torch.device, tick: Tick
) -> list[Row]:
    parts, numbers, curve = [], dict.fromkeys(SCORES, math.nan), None
    for batch in one.batches(n, seed, device):
        if not bool(torch.isfinite(batch).all()):  # a diverged generator has no features
            break
        parts.append(real.extract(batch, progress=tick))
    else:
        fake = np.concatenate(parts)
        numbers, curve = real.score(fake, real.compared, tick)
    facts = (real.extract.frechet_name, n, real.count, seed, "", numbers)
    protocol = f"{n} images, {one.how}, {real.protocol}"
    return [Row(one.source, one.step, one.average, *facts, protocol, curve)]


# -- real images ----------------------------------------------------------------------------------


class _Real(NamedTuple):
    """What n images are compared with.

    key : changes with its content and the network. images : None where there are statistics only.
    pool : features of up to 2 n real images. compared : of ``count`` of them, or their statistics.
    protocol : all this in words.
    """

    key: str
    images: Images | None
    extract: Extractor
    pool: Features
    compared: Features | Statistics
    count: int
    protocol: str

    def score(self, fake: Features, real: Any, tick: Tick) -> tuple[dict[str, float], PRD | None]:
        probabilities = self.extract.probabilities(fake) if self.extract.head else None
        scored = score(fake, real, probabilities)
        tick(len(fake))
        return scored


def _real_sets(
    every_one: Sequence[Candidate], data: Any, how: Mapping[str, Any], extract: Extractor | None,
    n: int, device: torch.device, progress: bool,
) -> list[_Real]:  # fmt: skip
    """What each candidate is compared with; images of one content are read once."""
    runs = [one for one in every_one if isinstance(one, Generator) and one.images]
    sets: dict[Any, _Real] = {}
    names = []
    for one in every_one:
        own = None if data is not None or not runs else one if one in runs else runs[0]
        if data is None and own is None:
            raise ValueError(
                f"{one.source} does not say what it imitates: name the real images by --data."
            )
        names.append(own.imitates if own else None)
        if names[-1] not in sets:
            shape = next(iter(one.batches(2, 0, "cpu"))).shape[1:]
            images = own.images() if own and own.images else _named(data, shape, how)
            net = "digits" if shape[0] == 1 else "cifar"
            extract = extract or load_extractor(net, device=device)
            sets[names[-1]] = _real(images, extract, n, progress)
    return [sets[name] for name in names]


def _named(data: Any, shape: Sequence[int], how: Mapping[str, Any]) -> Images | Path:
    """The real images of that name, as large as generated ones; or the file of their statistics."""
    if isinstance(data, Images):
        return data
    if scores.holds_statistics(data):
        return Path(data)
    square = shape[1] if shape[1] == shape[2] else None
    return load_images(data, **{**how, "size": how["size"] or square})


def _real(images: Images | Path, extract: Extractor, n: int, progress: bool) -> _Real:
    if isinstance(images, Path):
        compared, pool, there = scores.read_statistics(images, extract), np.empty((0, 0)), None
        said = f"real images, of which {images.name} has mean and covariance"
        content, count = compared, compared.count
    else:
        facts, shape = images.facts(), " x ".join(map(str, images.shape))
        said, content = f"the {facts['count']} of {facts['name']}, {shape}", facts["digest"]
        pool, there = scores.real_features(images, extract, 2 * n, progress), images
        compared, count = pool[:n], min(n, len(pool))
    splits = scores.splits_of(n)
    protocol = (
        f"against {count or 'an unknown number'} of {said}; {extract.scaling}; no flips; IS in "
        f"{splits} split{'s' * (splits > 1)}"
    )
    key = _key(content, extract.name, extract.digest)
    return _Real(key, there, extract, pool, compared, count, protocol)


def _ends(real: _Real, n: int, seed: int, tick: Tick) -> list[Row]:
    """Each score of n real images against n others, as two rows of the table."""
    curves = []

    def values(fake: Features, other: Features) -> list[float]:
        numbers, curve = real.score(fake, other, tick)
        curves.append(curve)
        return [numbers[name] for name in SCORES]

    bands = noise_bands(values, real.pool, n, REPEATS, LEVEL, seed)
    facts, said = (real.extract.frechet_name, n, n, seed, ""), f"{n} others, {real.protocol}"
    low, high = (dict(zip(SCORES, end, strict=True)) for end in zip(*bands, strict=True))
    return [
        Row(tables.REAL, None, tables.ENDS[0], *facts, low, said, curves[0]),
        Row(tables.REAL, None, tables.ENDS[1], *facts, high, said),
    ]


def _noise(real: _Real, n: int, seed: int, tick: Tick) -> list[Row]:
    """Precision and recall of images of nothing: random bytes, and real pixels in random order.

    Where a real image's neighbors are far its ball is huge, and may hold anything (Naeem et al.,
    2020); and a network that was made for other images may see noise among them.
    """
    assert real.images is not None
    assert not isinstance(real.compared, Statistics)
    rng = torch.Generator().manual_seed(seed)
    bytes_ = real.images.read(real.images.indices(min(n, CONTROL), rng))
    order = torch.rand(bytes_[:, :1].shape, generator=rng).flatten(2).argsort(-1)
    mixed = bytes_.flatten(2).gather(2, order.expand(-1, bytes_.shape[1], -1)).view_as(bytes_)
    uniform = torch.randint(256, bytes_.shape, generator=rng, dtype=torch.uint8)
    facts = real.extract.frechet_name, len(bytes_), real.count, seed, ""
    rows = []
    for kind, x in (("uniform", uniform), ("pixels mixed", mixed)):
        features = real.extract(to_floats(x), progress=tick)
        share = precision_recall(features, real.compared[:NEIGHBORS])
        values = {**dict.fromkeys(SCORES, math.nan), **share._asdict()}
        rows.append(Row(tables.NOISE, None, kind, *facts, values, f"of nothing, {real.protocol}"))
    return rows


def _key(*parts: Any) -> str:
    return digest([*parts, __version__])[:16]  # another version may score otherwise


def default_folder(source: Named) -> Path:
    """Where the table of that first source lies: in a run's or a sweep's folder, or runs/scores."""
    scores = Path("runs") / "scores"
    return scores if callable(source) or not runs_in(Path(source)) else Path(source)


# -- two of them, by eye --------------------------------------------------------------------------

KEYS = {"l": "left", "r": "right", "s": "neither"}


class Pairs(NamedTuple):
    """Pairs of sheets: ``sheets`` by "1 left", "1 right", ..., and in which of them A is left."""

    names: tuple[str, str]
    sheets: dict[str, NDArray[np.float32]]
    a_left: NDArray[np.bool_]

    def verdict(self, answers: Iterable[str]) -> str:
        """How often A was preferred, with Wilson's 95 % interval; "s" and no answer do not count.

        answers : keys of ``KEYS``, for the first pairs.
        """
        given = zip(answers, self.a_left, strict=False)
        chosen = [(key == "l") == left for key, left in given if key in ("l", "r")]
        a, b = self.names
        if not chosen:
            return f"{a} against {b}: no answer."
        low, high = wilson(sum(chosen), len(chosen))
        which = a if low > 0.5 else b
        says = "no preference is shown" if low <= 0.5 <= high else f"{which} looks better"
        return (
            f"A is {a}, B is {b}. A was preferred in {sum(chosen)} of {len(chosen)}; 95 % interval "
            f"of its share: {low:.0%} to {high:.0%}: {says}."
        )


def pairs(a: Named, b: Named, count: int = 20, n: int = 16, seed: int = 0, **how: Any) -> Pairs:
    """``count`` pairs of sheets of ``n`` images, one of a and one of b, either of them on the left.

    a, b : as in ``candidates``, of a run the last step; ``how`` (averages, size, ...) as
    there. No image stands on two sheets. Raises ValueError for too few images in a folder.
    """
    count, n = _checks.whole("pairs", count, least=1), _checks.whole("n", n, least=1)
    both = [candidates(source, last=True, **how)[-1] for source in (a, b)]
    drawn = [list(one.batches(count * n, seed + k, "cpu")) for k, one in enumerate(both)]
    of_a, of_b = (np.concatenate(parts).reshape(count, n, *parts[0].shape[1:]) for parts in drawn)
    a_left = np.random.default_rng(seed).random(count) < 0.5
    sheets = {}
    for k, (one, other, first) in enumerate(zip(of_a, of_b, a_left, strict=True), 1):
        sheets |= {f"{k} left": one if first else other, f"{k} right": other if first else one}
    names = [f"{one.source} ({one.average})" for one in both]
    return Pairs((names[0], names[1]), sheets, a_left)
