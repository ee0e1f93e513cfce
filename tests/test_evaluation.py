"""Generators scored along a run: the numbers, what is kept, what is computed again."""

# pyright: reportArgumentType=false

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gan_teach import cli, metrics, plots
from gan_teach.data import Images, load_images
from gan_teach.metrics.features import Extractor
from gan_teach.models import convnets
from gan_teach.models.convnets import CNNGenerator
from gan_teach.studies import evaluation, image_runs
from gan_teach.studies.evaluation import Evaluation, Row, evaluate, read_rows, save_rows
from gan_teach.studies.image_runs import fixed_latents, load_run, snapshots, train_images
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


@pytest.fixture
def quick(monkeypatch):
    """One clustering in the place of ten."""
    full = metrics.prd
    monkeypatch.setattr(metrics, "prd", lambda x, y: full(x, y, runs=1))


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
@pytest.mark.usefixtures("quick")
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


@pytest.mark.usefixtures("quick")
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


@pytest.mark.usefixtures("quick")
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


@pytest.mark.usefixtures("quick")
def test_few_rows_are_scored_by_their_first_ones():
    x, y = RNG.normal(size=(30, 3)), RNG.normal(size=(40, 3))
    found = evaluation.score(x, y)
    assert list(found) == list(evaluation.SCORES)
    assert math.isnan(found["inception_score"])
    assert found["prd_f_8"] == metrics.prd(x, y[:30]).f_8
    assert found["prd_f_1_8"] == metrics.prd(x, y[:30]).f_1_8
    assert evaluation.score(x, y, np.full((30, 2), 0.5))["inception_score"] == pytest.approx(1)


# -- what is kept ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_one_pass_per_generator_and_only_for_what_is_new(run, tmp_path):
    out = tmp_path / "out"
    first, seen = scored(run, last=True, out=out)
    assert seen == 2 * N + 2 * N  # real images and those they are compared with; raw, average
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
    assert seen == 2 * N  # other latents, the same real images
    _, seen = scored(run, last=True, out=out, features=extractor("others"))
    assert seen == 4 * N
    assert len(read_rows(out / "scores.csv")) == 5 + 2 + 2 + 3 * 2  # and three bands


@pytest.mark.usefixtures("quick")
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
    assert seen == 2 * N
    assert len(found.rows) == 4


@pytest.mark.usefixtures("quick")
def test_what_changes_is_scored_again(run, photos, tmp_path, monkeypatch):
    torch.manual_seed(0)
    g, file = CNNGenerator(32, 2), tmp_path / "g.pth"
    write_published(g, file)
    with pytest.raises(ValueError, match=r"g\.pth does not say what it imitates.*--data"):
        scored(file, out=tmp_path)
    first, seen = scored(file, data=str(photos), out=tmp_path)
    assert seen == 3 * N
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


@pytest.mark.usefixtures("quick")
def test_few_real_images_give_no_band(run, photos, tmp_path):
    few = Images(load_images(photos).pixels[:30])
    found, seen = scored(run, last=True, data=few, out=tmp_path)
    assert (found.band, found.rows[0].n_real, seen) == ({}, N, 30 + 2 * N)
    more, _ = scored(run, last=True, data=few, n=40, out=tmp_path)
    assert (more.rows[0].n, more.rows[0].n_real) == (40, 30)
    assert "40 generated against 30 real images" in str(more.table())


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
        "source,step,average,features,n,n_real,seed,key,frechet,kid,"
    )
    (tmp_path / "u.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"u\.csv is damaged or no table of scores"):
        read_rows(tmp_path / "u.csv")


def test_only_inception_is_fid():
    rows = [row(4, value=2.0), row(2, value=1.0), row(2, "0.9"), row(None, source="b")]
    found = Evaluation(rows)
    assert "FD is FD(net, 0) of 10 generated" in str(found.table())
    assert "FID" not in str(found.table())
    genuine = Evaluation([replace(r, features="FID") for r in rows])
    assert "FD is the FID" in str(genuine.table())


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
    figure = plots.score_paths(rows, features="FD(net, 0)", band=band)
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == len(evaluation.SCORES)
    assert panels[0].get_title("left") == "FD(net, 0), lower is better"
    labels = [line.get_label() for line in panels[0].lines]
    assert labels == ["a, G itself", "a, average 0.9", "b, G itself"]
    np.testing.assert_array_equal(panels[0].lines[0].get_xydata(), [[2, 1], [4, 3]])
    assert len(panels[0].patches) == 1
    unknown = [replace(r, scores={**r.scores, "kid": math.nan}) for r in rows]
    assert len([ax for ax in plots.score_paths(unknown).axes if ax.axison]) == 6


# -- the command ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_command(run, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluation, "load_extractor", lambda name, device: extractor(name))
    out = tmp_path / "scores"
    command = ["evaluate", str(run), str(photos), "-n", str(N), "--last", "--ema", "raw"]
    assert cli.main([*command, "--out", str(out), "--csv", str(tmp_path / "t.csv")]) == 0
    said = capsys.readouterr().out
    assert "FD is FD(cifar, 00000000)" in said
    assert "real images" in said
    assert [r.average for r in read_rows(out / "scores.csv")] == ["raw", "images", "low", "high"]
    sources = ["tiny", photos.name, "real images", "real images"]
    assert [r.source for r in read_rows(tmp_path / "t.csv")] == sources
    with Image.open(out / "scores.png") as picture:
        assert picture.width > 500


MISTAKES = {
    "no run": ("nowhere", [], 1, "nowhere holds no trained run"),
    "no such average": (None, ["--ema", "0.5"], 2, "--ema must be one of raw, 0.9999"),
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
