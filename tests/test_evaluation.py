"""Generators scored along a run: the numbers, what is kept, what is computed again."""

# pyright: reportArgumentType=false

import hashlib
import math
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gan_teach import cli, metrics, plots
from gan_teach.course import records
from gan_teach.data import Images, StackedDigits, load_images
from gan_teach.data.images import to_floats
from gan_teach.metrics import scores
from gan_teach.metrics.features import Extractor
from gan_teach.metrics.score_tables import save_rows
from gan_teach.metrics.scores import score_names
from gan_teach.models import convnets
from gan_teach.models.convnets import CNNGenerator
from gan_teach.studies import engine, evaluation, image_runs
from gan_teach.studies.evaluation import Evaluation, Row, evaluate, read_rows
from gan_teach.studies.image_runs import fixed_latents, load_run, snapshots, train_images
from gan_teach.studies.sweeps import combinations
from gan_teach.zoo import image_gan

RNG = np.random.default_rng(1)
N = 20


class Counting(nn.Module):
    """Means of 16 x 16 fields and some squares; counts the images that pass."""

    seen: int = 0

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(16)

    def forward(self, x):
        self.seen += len(x)
        means = self.pool(x).flatten(1)
        return torch.cat([means, means[:, :3] ** 2], 1)


def extractor(name="means"):
    torch.manual_seed(0)
    return Extractor(name, "0" * 8, Counting(), head=nn.Linear(15, 4))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 50 small images in color."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(50):
        Image.fromarray(RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(
            folder / f"{i:02d}.png"
        )
    return folder


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    """Four steps, saved at 2 and 4, of G and one average."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    settings = image_gan("cifar-rsgan-cnn", data=str(photos), steps=4, batch_size=4, features=1)
    train_images(settings, out, every=2, say=lambda text: None)
    return out


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path, monkeypatch):
    """Real features from no other test, and no weights of this machine."""
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One clustering in the place of ten."""
    full = metrics.prd
    monkeypatch.setattr(scores, "prd", lambda x, y: full(x, y, runs=1))


def scored(*sources, **options):
    """(evaluation, images that passed the network)."""
    extract = options.pop("features", None) or extractor()
    network = extract.network
    assert isinstance(network, Counting)
    before = network.seen
    found = evaluate(*sources, **{"n": N, "features": extract, **options})
    return found, network.seen - before


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_scores_are_those_of_torch_fidelity_on_images_drawn_by_hand(run, photos, tmp_path):
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    found, _ = scored(run, averages=["0.9999"], every=4, out=tmp_path)
    (row,) = found.rows
    assert (row.source, row.step, row.average, row.n) == ("tiny", 4, "0.9999", N)
    trained = load_run(run, 4)
    g = trained.generators["0.9999"].eval()
    net = extractor()
    with torch.no_grad():
        fake = g(fixed_latents(N, trained.config.latent, 0))
        levels = ((fake + 1) / 2 * 255).round() / 255
        fakes = net.network(levels).double()
        assert net.head is not None
        logits = net.head(fakes.float())
        order = torch.randperm(50, generator=torch.Generator().manual_seed(0))[:N]
        reals = net.network(load_images(photos).pixels[order] / 255).double()
    theirs = fid.fid_statistics_to_metric(
        fid.fid_features_to_statistics(fakes), fid.fid_features_to_statistics(reals), verbose=False
    )
    one = {"kid_subsets": 1, "kid_subset_size": N, "verbose": False}
    theirs |= kid_features_to_metric(fakes, reals, **one)
    theirs |= isc_features_to_metric(logits.double(), splits=1, shuffle=False)
    theirs |= prc_features_to_metric(fakes, reals, prc_neighborhood=3, verbose=False)
    for ours, name in (
        ("frechet", "frechet_inception_distance"),
        ("kid", "kernel_inception_distance_mean"),
        ("inception_score", "inception_score_mean"),
        ("precision", "precision"),
        ("recall", "recall"),
    ):
        assert row.scores[ours] == pytest.approx(float(theirs[name]), rel=2e-4, abs=1e-6), ours
    curve = metrics.prd(fakes.numpy(), reals.numpy())
    assert (row.scores["prd_f_8"], row.scores["prd_f_1_8"]) == pytest.approx(
        (curve.f_8, curve.f_1_8), abs=1e-6
    )


def test_real_images_as_fakes_lie_in_the_band_and_noise_does_not(photos, tmp_path):
    noise = tmp_path / "noise"
    noise.mkdir()
    for i in range(N):
        flat = np.full((32, 32, 3), 8 * i, dtype=np.uint8)
        flat[0, 0] = 1
        Image.fromarray(flat).save(noise / f"{i}.png")
    found, _ = scored(noise, photos, data=str(photos), out=tmp_path / "out")
    far, near = found.rows
    band = found.band["frechet"]
    assert near.scores["frechet"] <= band.high
    assert far.scores["frechet"] > 3 * band.high
    assert far.step is None
    low, high = found.band["kid"]
    assert low < 0 < high < far.scores["kid"]


@pytest.mark.parametrize("fooled", [False, True])
def test_what_noise_scores_is_said_beside_precision_and_recall(tmp_path, fooled):
    """A network that keeps the mean alone takes mixed pixels for what they were."""

    class Seeing(nn.Module):
        def forward(self, x):
            x = x.flatten(1)
            rough = x.diff(dim=1).abs().mean(1, keepdim=True)
            return torch.stack([x.mean(1), x.std(1)], 1) + (0 if fooled else 9 * rough)

    smooth = RNG.uniform(60, 190, (50, 1, 1, 1)) + np.linspace(-40, 40, 16)[:, None]
    data = Images(torch.from_numpy(np.broadcast_to(smooth, (50, 3, 16, 16)).round().astype("u1")))
    seeing = Extractor("seeing", "0", Seeing(), head=nn.Linear(2, 4))
    found = evaluate(
        lambda n, rng: data[torch.arange(n)].pixels, features=seeing,
        data=data, n=N, out=tmp_path,
    )  # fmt: skip
    uniform, mixed = found.noise
    assert (uniform.n, uniform.n_real, uniform.average) == (N, N, "uniform")
    assert uniform.scores["precision"] == 0
    assert (mixed.scores["precision"] > 0.5) == fooled
    assert math.isnan(mixed.scores["frechet"])
    text = str(found.table())
    assert ("Do not trust precision and recall here: images of noise have prec" in text) == fooled
    assert "pixels mixed" in text
    assert "nan" not in text


def test_a_diverged_generator_scores_nan(run, tmp_path):
    out = tmp_path / "broken"
    out.mkdir()
    for name in ("settings.json", "checkpoint.pt"):
        (out / name).write_bytes((run / name).read_bytes())
    weights = torch.load(snapshots(run)[4], weights_only=True)
    weights["raw"]["0.0.weight"].fill_(math.nan)
    (out / "generators").mkdir()
    torch.save(weights, out / "generators" / "0000004.pt")
    found, _ = scored(out)
    raw, average = found.rows
    assert all(map(math.isnan, raw.scores.values()))
    assert all(map(math.isfinite, average.scores.values()))
    again, seen = scored(out)
    assert seen == 0
    assert math.isnan(again.rows[0].scores["kid"])


def test_few_rows_are_scored_by_their_first_ones():
    x, y = RNG.normal(size=(30, 3)), RNG.normal(size=(40, 3))
    found, curve = evaluation.score(x, y)
    assert set(found) == set(evaluation.SCORES)
    assert math.isnan(found["inception_score"])
    assert curve
    assert (found["prd_f_8"], found["prd_f_1_8"]) == (curve.f_8, curve.f_1_8)
    assert curve.f_8 == metrics.prd(x, y[:30], runs=1).f_8
    same, _ = evaluation.score(x, y, np.full((30, 2), 0.5))
    assert same["inception_score"] == pytest.approx(1)


# -- what is kept ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_pass_per_generator_and_only_for_what_is_new(run, tmp_path):
    out = tmp_path / "out"
    first, seen = scored(run, last=True, out=out)
    assert (
        seen == 4 * N + 2 * N
    )  # real images and those they are compared with; raw, average; noise
    again, seen = scored(run, last=True, out=out)
    assert seen == 0
    assert again.rows == first.rows
    assert again.band == first.band
    more, seen = scored(run, untrained=True, out=out)
    assert seen == N + 2 * N  # the untrained, and both at step 2
    assert [(r.step, r.average) for r in more.rows] == [
        (0, "untrained"), (2, "raw"), (2, "0.9999"), (4, "raw"), (4, "0.9999"),
    ]  # fmt: skip
    assert more.rows[3:] == first.rows
    _, seen = scored(run, last=True, out=out, seed=1)
    assert seen == 2 * N + 2 * N  # other latents and other noise, the same real images
    _, seen = scored(run, last=True, out=out, features=extractor("others"))
    assert seen == 4 * N + 2 * N
    assert len(read_rows(out / "scores.csv")) == 5 + 2 + 2 + 3 * (2 + 2)  # three bands, and noise


def test_an_interruption_keeps_what_is_done(run, tmp_path, monkeypatch):
    asked = []
    full = evaluation.score

    def interrupted(*given):
        asked.append(len(given[0]))
        if len(asked) > 2:
            raise KeyboardInterrupt
        return full(*given)

    monkeypatch.setattr(evaluation, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scored(run, out=tmp_path)
    monkeypatch.setattr(evaluation, "score", full)
    found, seen = scored(run, out=tmp_path)
    assert seen == 2 * N + 2 * N  # the last of noise
    assert len(found.rows) == 4


def test_what_changes_is_scored_again(run, photos, tmp_path, monkeypatch):
    torch.manual_seed(0)
    g, file = CNNGenerator(32, 2), tmp_path / "g.pth"
    write_published(g, file)
    with pytest.raises(ValueError, match=r"g\.pth does not say what it imitates.*--data"):
        scored(file, out=tmp_path)
    first, seen = scored(file, data=str(photos), out=tmp_path)
    assert seen == 3 * N + 2 * N
    images = image_runs.draw(g.train(), fixed_latents(N, 128), batch_statistics=True)
    net = extractor()
    fake, real = (net(x) for x in (torch.from_numpy(images), load_images(photos).floats()))
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))[:N]
    expected = metrics.sample_frechet(fake, real[order.numpy()])
    assert first.rows[0].scores["frechet"] == pytest.approx(expected, rel=1e-5)
    with torch.no_grad():
        next(g.parameters()).mul_(2)
    write_published(g, file)
    second, seen = scored(file, data=str(photos), out=tmp_path)
    assert seen == N
    monkeypatch.setattr(evaluation, "__version__", "0.0")  # of a library that may score otherwise
    assert scored(file, data=str(photos), out=tmp_path)[1] >= N
    assert second.rows[0].scores != first.rows[0].scores


def write_published(g, file):
    """The weights under the names that RS-GAN's files have."""
    theirs = {part: name for name, part in convnets._CNN_PARTS.items()}
    parts = [(*name.rpartition("."), value) for name, value in g.state_dict().items()]
    torch.save({f"{theirs[part]}.{entry}": value for part, _, entry, value in parts}, file)


def test_few_real_images_give_no_band(run, photos, tmp_path):
    few = Images(load_images(photos).pixels[:30])
    found, seen = scored(run, last=True, data=few, out=tmp_path)
    assert (found.band, found.rows[0].n_real, seen) == ({}, N, 30 + 2 * N + 2 * N)
    more, _ = scored(run, last=True, data=few, n=40, out=tmp_path)
    assert (more.rows[0].n, more.rows[0].n_real) == (40, 30)
    assert "40 images, drawn with batch norm's running statistics, against 30 of" in str(
        more.table()
    )


# -- what is compared with what -------------------------------------------------------------------


def test_real_features_are_kept_by_what_the_images_are(run, photos, tmp_path):
    """Not by where they lie, nor by the folder of the scores; only what is missing is computed."""
    copy = tmp_path / "moved" / photos.name
    shutil.copytree(photos, copy)
    _, seen = scored(photos, data=photos, n=10, out=tmp_path / "a")
    assert seen == 10 + 20 + 20  # the last of noise
    _, seen = scored(photos, data=copy, out=tmp_path / "b")
    assert seen == N + 20 + 2 * N  # 2 N real images, of which 20 are known
    (kept,) = (tmp_path / "data" / "features").iterdir()
    whole = np.load(kept)
    assert whole.shape == (2 * N, 15)
    kept.write_bytes(kept.read_bytes()[:200])  # cut off
    _, seen = scored(photos, data=copy, out=tmp_path / "c")
    assert seen == N + 2 * N + 2 * N
    np.testing.assert_array_equal(np.load(kept), whole)
    Image.new("RGB", (32, 32), "red").save(copy / "00.png")  # other images
    _, seen = scored(photos, data=copy, out=tmp_path / "d")
    assert seen == N + 2 * N + 2 * N


def test_stacks_are_compared_with_stacks():
    digits = StackedDigits(torch.from_numpy(RNG.integers(0, 256, (9, 1, 16, 16), dtype=np.uint8)))
    extract = extractor()
    features = scores.real_features(digits, extract, 12)
    rng = torch.Generator().manual_seed(0)
    stacks = digits.read(digits.indices(12, rng))
    assert stacks.shape == (12, 3, 16, 16)
    np.testing.assert_allclose(features, extract(to_floats(stacks)), rtol=1e-6)


def test_statistics_are_those_of_pytorch_fid(run, photos, tmp_path, monkeypatch):
    """It reads our file as its own, and its distance from it is ours."""
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    import scipy.linalg

    root = SimpleNamespace(sqrtm=lambda a, disp: (scipy.linalg.sqrtm(a), None))  # as in features
    monkeypatch.setattr(fid_score, "linalg", root)
    file, extract = tmp_path / "real.npz", extractor()
    by_features, _ = scored(run, photos, last=True, out=tmp_path / "a", save_stats=file)
    mu, sigma = fid_score.compute_statistics_of_path(str(file), None, 1, 15, "cpu")
    by_statistics, _ = scored(run, photos, last=True, data=file, out=tmp_path / "b")
    for one, other in zip(by_features.rows, by_statistics.rows, strict=True):
        assert other.scores["frechet"] == pytest.approx(one.scores["frechet"], rel=1e-9)
        assert other.scores["inception_score"] == one.scores["inception_score"]
        assert math.isnan(other.scores["kid"])
        assert (one.n_real, other.n_real, by_statistics.band) == (N, N, {})
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))[:N]  # of the folder
    fake = extract(load_images(photos)[order].floats())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of singular matrices
        theirs = fid_score.calculate_frechet_distance(
            fake.mean(0), np.cov(fake, rowvar=False), mu, sigma
        )
    assert by_statistics.rows[-1].scores["frechet"] == pytest.approx(theirs, rel=1e-6, abs=1e-9)
    with pytest.raises(ValueError, match="save_stats takes the images of one real set"):
        scored(photos, data=file, out=tmp_path / "b", save_stats=tmp_path / "again.npz")
    # theirs, which says of no features
    np.savez(file, mu=mu, sigma=sigma)
    found, _ = scored(photos, data=file, out=tmp_path / "c")
    assert found.rows[0].scores["frechet"] == pytest.approx(theirs, rel=1e-6, abs=1e-9)
    assert "against an unknown number of real images, of which real.npz has" in found.protocol


def test_statistics_of_other_features_are_refused(photos, tmp_path):
    real = RNG.normal(size=(30, 15))
    file = scores.write_statistics(tmp_path / "s.npz", real, "FD(others, 12345678)")
    with pytest.raises(
        ValueError, match=r"15 features of FD\(others, 12345678\), not of 15 of FD\(m"
    ):
        scored(photos, data=file, out=tmp_path)
    np.savez(file, mu=np.zeros(7), sigma=np.eye(7))
    extract = extractor()
    extract.head = nn.Linear(15, 4)
    with pytest.raises(ValueError, match=r"s\.npz holds statistics of 7 features, not of 15 of FD"):
        scored(photos, data=file, out=tmp_path, features=extract)
    np.savez(file, mu=np.array(["a"]), sigma=np.eye(7))
    with pytest.raises(ValueError, match=r"s\.npz cannot be read"):
        scored(photos, data=file, out=tmp_path)
    np.savez(file, images=np.zeros((3, 8, 8)))
    assert not scores.holds_statistics(file)
    assert not scores.holds_statistics(tmp_path / "none.npz")


def test_a_function_is_scored_as_its_images_in_a_folder_are(photos, tmp_path, monkeypatch):
    (tmp_path / "own_code.py").write_text(
        "import numpy, torch\n"
        "def draw(n, rng):\n"
        "    levels = torch.randint(256, (n, 32, 32, 3), generator=rng)\n"
        "    return levels.to(torch.uint8).numpy()\n"
        "def floats(n, rng):\n"
        "    return torch.from_numpy(draw(n, rng)).permute(0, 3, 1, 2) / 127.5 - 1\n"
        "def broken(n, rng):\n"
        "    raise RuntimeError('no GPU')\n"
        "few = lambda n, rng: draw(n - 1, rng)\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    rng = torch.Generator().manual_seed(0)
    drawn = torch.randint(256, (N, 32, 32, 3), generator=rng).to(torch.uint8)
    np.save(tmp_path / "drawn.npy", drawn.numpy())
    sources = ("own_code:draw", "own_code:floats", "drawn.npy")
    found, _ = scored(*sources, data=photos, out=tmp_path / "out")
    one, same, folder = found.rows
    assert [row.source for row in found.rows] == list(sources)
    for name in ("frechet", "kid", "precision", "recall"):
        assert one.scores[name] == pytest.approx(folder.scores[name], rel=1e-6)
        assert one.scores[name] == pytest.approx(same.scores[name], rel=1e-6)
    again, seen = scored(*sources, data=photos, out=tmp_path / "out")
    assert (again.rows, seen) == (found.rows, 0)
    for name, message in {
        "broken": "broken.* raised RuntimeError: no GPU",
        "few": r"few\(2, rng\) gave 1 images",
        "number": "own_code:number must be a function of",
        "none": "own_code:none cannot be imported: .*'none'",
    }.items():
        with pytest.raises((ValueError, TypeError), match=message):
            scored(f"own_code:{name}", data=photos, out=tmp_path / "out")
    with pytest.raises(ValueError, match="no_code:draw cannot be imported"):
        scored("no_code:draw", data=photos, out=tmp_path / "out")


# -- which network --------------------------------------------------------------------------------


def test_the_genuine_inception_is_used_where_it_is(photos, tmp_path, monkeypatch):
    asked = []

    def load(name, device):
        asked.append(name)
        return replace(extractor(), digest=digest) if isinstance(name, Path) else extractor()

    digest = hashlib.sha256(b"it").hexdigest()
    monkeypatch.setattr(evaluation, "load_extractor", load)
    monkeypatch.setattr("gan_teach.metrics.features.extractor.GENUINE", digest)
    cached = Path(torch.hub.get_dir()) / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    cached.parent.mkdir(parents=True)
    how = {"data": photos, "n": 10}
    for content, name, asks in ((b"it", "FID", cached), (b"no", "FD(means)", "cifar")):
        cached.write_bytes(content)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = evaluate(photos, **how, out=tmp_path / name)
        assert found.names["frechet"] == name
        assert asked.pop() == asks
        assert ["not hold the genuine" in str(note.message) for note in said] == [True] * len(said)
        assert len(said) == (content == b"no")
    cached.unlink()
    assert evaluate(photos, **how, out=tmp_path / "none").names["kid"] == "KID(means)"


def test_missing_weights_are_told_before_any_image_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "load_images", lambda *_, **__: pytest.fail("images were read"))
    with pytest.raises(FileNotFoundError, match="no file of Inception weights"):
        evaluate(tmp_path, data=tmp_path, features="some/file.pth")


# -- splits, curves, bars -------------------------------------------------------------------------


def test_the_inception_score_is_taken_in_ten_splits_where_there_is_enough(
    photos, tmp_path, monkeypatch
):
    few, _ = scored(photos, data=photos, out=tmp_path)
    assert (scores.splits_of(4999), scores.splits_of(5000)) == (1, 10)
    assert "IS in 1 split" in few.rows[0].protocol
    assert scores.SPREAD not in few.rows[0].scores
    monkeypatch.setattr(scores, "LEAST", 2)
    many, _ = scored(photos, data=photos, out=tmp_path / "b")
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))[:N]
    extract = extractor()
    p = extract.probabilities(extract(load_images(photos)[order].floats()))
    mean, std = metrics.inception_score(p, 10)
    (row,) = many.rows
    assert "IS in 10 splits" in row.protocol
    assert (row.scores["inception_score"], row.scores[scores.SPREAD]) == (mean, std)
    assert f"{mean:.3g} ± {std:.2g}" in str(many.table())
    assert read_rows(tmp_path / "b" / "scores.csv")[0] == row


def test_curves_are_kept_with_the_rows(photos, tmp_path):
    found, _ = scored(photos, data=photos, out=tmp_path)
    (curve,) = found.curves.values()
    assert curve.f_8 == found.rows[0].scores["prd_f_8"]
    again, seen = scored(photos, data=photos, out=tmp_path)
    assert seen == 0
    np.testing.assert_allclose(
        again.curves[f"{photos.name}, images"].precision, curve.precision, atol=1e-7
    )
    assert again.ends[0].curve is not None
    drawn = plots.prd_curves(again.curves, again.ends[0].curve)
    assert [line.get_label() for line in drawn.lines] == [f"{photos.name}, images"]
    assert len(drawn.collections) == 1


@pytest.mark.parametrize("diverged", [False, True])
def test_the_bar_moves_to_its_end(photos, tmp_path, monkeypatch, diverged):
    bars = []

    class Bar:
        def __init__(self, total, unit, shown, items=None, done=0):
            self.total, self.n, self.moves = total, 0, []
            bars.append(self)

        def update(self, n):
            self.n += n
            self.moves.append(n)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(engine, "progress_bar", Bar)
    nan = lambda n, rng: torch.full((n, 3, 32, 32), math.nan)  # noqa: E731
    scored(nan if diverged else photos, data=photos, out=tmp_path)
    (bar,) = bars
    assert bar.n == bar.total == 2 * N + 9 * N + 2 * N
    assert diverged or max(bar.moves) == N  # the images together, then what they score


# -- sweeps ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sweep(photos, tmp_path_factory):
    """Two values of tau, two seeds, one of the runs on other images."""
    out = tmp_path_factory.mktemp("sweep")
    base = image_gan("cifar-rsgan-cnn", data=str(photos), steps=2, batch_size=4, features=1)
    for name, config in combinations(base, {"tau": [1.0, 4.0], "seed": [0, 1]}).items():
        train_images(config, out / name, every=1, say=lambda text: None)
    return out


@pytest.mark.slow
def test_a_sweep_is_summed_up_by_its_knobs(sweep, photos, tmp_path):
    found, seen = scored(sweep, steps=[2], averages=["raw"], out=tmp_path)
    assert seen == 4 * N + 2 * N + 2 * N  # the real images once, and noise
    assert sorted(row.source for row in found.rows) == sorted(p.name for p in sweep.iterdir())
    table = found.by_knob()
    facts = table[["tau", "step", "average", "runs", "diverged"]].values.tolist()
    assert facts == [["1.0", 2, "raw", 2, 0], ["4.0", 2, "raw", 2, 0]]
    for line, tau in zip(table.to_dict("records"), ("tau1", "tau4"), strict=True):
        a, b = (row.scores["frechet"] for row in found.rows if row.source.startswith(tau))
        assert line["FD(means) mean"] == pytest.approx((a + b) / 2)
        assert line["FD(means) s.e."] == pytest.approx(abs(a - b) / 2)  # s / sqrt 2


def test_a_sample_is_drawn_from_one_run(sweep, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sample", str(sweep)])
    assert f"{sweep} holds several runs: name a folder" in capsys.readouterr().err


def test_runs_that_diverged_are_counted_and_left_out():
    rows = [row(2, source=s, value=v) for s, v in zip("abc", (1.0, 3.0, math.nan), strict=True)]
    rows.append(row(2, source="d", value=7.0))
    settings = {s: {"seed": k, "tau": 1.0, "lr": 0.1, "steps": 9} for k, s in enumerate("abc")}
    settings["d"] = {"seed": 0, "tau": 4.0, "lr": 0.4, "steps": 9}  # lr differs as tau does
    table = Evaluation(rows, settings=settings).by_knob()
    assert list(table.columns[:5]) == ["tau + lr", "step", "average", "runs", "diverged"]
    first, second = table.to_dict("records")
    assert (first["runs"], first["diverged"]) == (3, 1)
    assert (first["KID(net) mean"], first["KID(net) s.e."]) == pytest.approx((2.0, 1.0))
    assert (second["runs"], second["KID(net) mean"]) == (1, 7.0)
    assert math.isnan(second["KID(net) s.e."])


def test_a_panel_for_each_average():
    rows = [
        row(step, average, f"{tau}{seed}", value=step + seed)
        for step in (4, 2) for average in ("raw", "0.9") for tau in "ab" for seed in (0, 1)
    ]  # fmt: skip
    settings = {f"{t}{s}": {"seed": s, "tau": t} for t in "ab" for s in (0, 1)}
    figure = plots.score_means(Evaluation(rows, settings=settings).by_knob(), "FD(net)")
    assert [ax.get_title("left") for ax in figure.axes] == ["G itself", "average 0.9"]
    for ax in figure.axes:
        assert ax.get_ylabel() == "FD(net), mean ± s.e."
        assert [c.get_label() for c in ax.containers] == ["tau a", "tau b"]
        np.testing.assert_array_equal(ax.containers[0][0].get_xydata(), [[2, 2.5], [4, 4.5]])


def test_each_run_is_compared_with_what_it_was_trained_on(run, tmp_path):
    """And what is no run with the images of the first one; each set has a band of its own."""
    others = tmp_path / "others"
    others.mkdir()
    for i in range(45):
        pixels = RNG.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(others / f"{i}.png")
    settings = image_gan("cifar-rsgan-cnn", data=str(others), steps=2, batch_size=4, features=1)
    train_images(settings, tmp_path / "dark", every=2, say=lambda text: None)
    how = {"last": True, "averages": ["raw"], "out": tmp_path / "out"}
    found, _ = scored(run, tmp_path / "dark", **how)
    (alone,), _ = scored(tmp_path / "dark", **{**how, "out": tmp_path / "o"})[0].rows, 0
    assert found.rows[1] == alone
    assert "of others, 3 x 32 x 32" in alone.protocol
    assert re.search(r"of photos\d+, 3 x 32 x 32", found.rows[0].protocol)
    assert (len(found.ends), found.band) == (4, {})
    assert [line.split()[-1] for line in str(found.table()).splitlines()[-6:]] == [
        "[1]", "[2]", "[1]", "[1]", "[2]", "[2]",
    ]  # fmt: skip


# -- tables and pictures --------------------------------------------------------------------------


def row(step, average="raw", source="a", value=1.0):
    scores = dict.fromkeys(evaluation.SCORES, value)
    return Row(source, step, average, "FD(net, 0)", 10, 10, 0, f"{source}{step}{average}", scores)


def test_tables_are_read_back_exactly_and_others_refused(tmp_path):
    rows = [row(3, value=1 / 3), row(None, "images", "b, c", value=math.nan)]
    path = save_rows(tmp_path / "t.csv", rows)
    assert read_rows(path)[0] == rows[0]
    assert read_rows(path)[1].source == "b, c"
    assert path.read_text().startswith(
        "source,step,average,features,n,n_real,seed,key,protocol,FD(net),KID(net),IS(net),PRD F8,"
    )
    shipped = read_rows(records.folder() / "rsgan-scores.csv")
    assert {r.step for r in shipped if r.average == "raw"} == {12_000, None}
    (tmp_path / "u.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"u\.csv is damaged or no table of scores"):
        read_rows(tmp_path / "u.csv")


def test_only_inception_is_fid():
    rows = [row(4, value=2.0), row(2, value=1.0), row(2, "0.9"), row(None, source="b")]
    found = Evaluation(rows)
    text = str(found.table())
    assert "By FD(net, 0), no FID." in text
    assert text.split("\n")[2].split()[:6] == [
        "source",
        "step",
        "average",
        "FD(net)",
        "KID(net)",
        "IS(net)",
    ]
    assert "FID" not in text.replace("no FID", "")
    genuine = Evaluation([replace(r, features="FID") for r in rows])
    assert str(genuine.table()).split("\n")[2].split()[3:6] == ["FID", "KID", "IS"]


def test_an_evaluation_writes_its_band_as_two_rows(tmp_path):
    ends = [row(None, "low", "real images", 1.0), row(None, "high", "real images", 1.5)]
    found = Evaluation([row(2), row(4)], ends)
    assert found.band == dict.fromkeys(evaluation.SCORES, metrics.NoiseBand(1.0, 1.5))
    assert read_rows(found.save(tmp_path / "e.csv")) == [*found.rows, *ends]
    assert Evaluation([row(2)]).band == {}
    assert "1 to 1.5" in str(found.table())


def test_a_line_for_each_average_a_level_for_what_has_no_step():
    rows = [row(2), row(4, value=3.0), row(2, "0.9"), row(4, "0.9"), row(None, source="b")]
    band = dict.fromkeys(evaluation.SCORES, (0.1, 0.2))
    names = score_names("FD(net, 0)")
    figure = plots.score_paths(rows, names, band=band, caption="How. " * 30)
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == len(names)
    assert [p.get_title("left").partition(",")[0] for p in panels][:3] == [
        "FD(net)",
        "KID(net)",
        "IS(net)",
    ]
    labels = [line.get_label() for line in panels[0].lines]
    assert labels == ["a, G itself", "a, average 0.9", "b, G itself"]
    np.testing.assert_array_equal(panels[0].lines[0].get_xydata(), [[2, 1], [4, 3]])
    assert len(panels[0].patches) == 1
    unknown = [replace(r, scores={**r.scores, "kid": math.nan}) for r in rows]
    assert len([ax for ax in plots.score_paths(unknown, names).axes if ax.axison]) == 6


# -- the command ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command(run, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluation, "load_extractor", lambda name, device: extractor(name))
    out = tmp_path / "scores"
    command = ["evaluate", str(run), str(photos), "-n", str(N), "--last", "--ema", "raw"]
    assert cli.main([*command, "--out", str(out), "--csv", str(tmp_path / "t.csv")]) == 0
    said = capsys.readouterr().out
    assert "By FD(cifar, 00000000), no FID. [1] 20 images, drawn with batch norm's running" in said
    assert "[2] 20 images, files at random, against 20 of the 50 of photos" in said
    assert "real images" in said
    ways = ["raw", "images", "low", "high", "uniform", "pixels mixed"]
    assert [r.average for r in read_rows(out / "scores.csv")] == ways
    sources = ["tiny", photos.name, "real images", "real images", "noise", "noise"]
    assert [r.source for r in read_rows(tmp_path / "t.csv")] == sources
    with Image.open(out / "scores.png") as picture:
        assert picture.width > 500


MISTAKES = {
    "no run": ("nowhere", [], 1, "nowhere holds no trained run"),
    "no such average": (None, ["--ema", "0.5"], 2, "--ema must be one of raw, 0.9999"),
    "no such saved step": (None, ["--step", "3"], 2, "tiny has no step 3: it saved 2, 4"),
    "no such step": (None, ["--every", "3"], 2, "multiple of 3: it saved 2, 4"),
    "no such features": (None, ["--features", "incepton"], 2, "Did you mean 'inception'"),
    "no weights": (None, ["--features", "some/file.pth"], 1, "no file of Inception weights"),
    "too few": (None, ["-n", "3"], 2, "n must be at least 10"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_sentence(mistake, run, tmp_path, capsys):
    source, given, status, message = MISTAKES[mistake]
    try:
        code = cli.main(
            ["evaluate", source or str(run), "-n", "20", "--out", str(tmp_path / "o"), *given]
        )
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == status
    assert message in said
