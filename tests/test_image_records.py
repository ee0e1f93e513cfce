"""Records of image runs: what is kept of a run, and what a chapter gets back."""

# pyright: reportAttributeAccessIssue=false

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from gan_teach import plots
from gan_teach.course import records
from gan_teach.data import faces
from gan_teach.plots.images import sheet
from gan_teach.studies import image_runs
from gan_teach.studies.image_runs import train_images
from gan_teach.zoo import image_gan


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Six narrow steps on faces, saved at every second one; losses at the last."""
    folder = tmp_path_factory.mktemp("runs") / "faces"
    settings = image_gan("faces-dcgan", steps=6, batch_size=4, features=2)
    train_images(settings, folder, every=2, say=lambda text: None)
    return folder


@pytest.fixture
def record(monkeypatch):
    made = replace(records.images.IMAGE_RECORDS["faces-dcgan"], samples=10, shown=5, every=2)
    monkeypatch.setitem(records.images.IMAGE_RECORDS, "faces-dcgan", made)
    return made


def test_a_record_keeps_sheets_losses_scores_and_weights(run, record, tmp_path):
    history = records.images.make("faces-dcgan", tmp_path, run)
    assert history.steps.tolist() == [2, 4, 6]
    assert history.static["sheets"].shape == (3, 5, 1, 32, 32)
    assert history.static["sheets"].dtype == np.uint8
    assert set(history.keys()) == {"nearest_raw", "nearest_0.999"}
    assert history.meta["samples"] == 10
    loaded = records.images.History.load(tmp_path / "faces-dcgan.npz")
    path = records.images.losses(loaded)
    assert path.steps.tolist() == [6]
    assert np.isfinite(path["d_loss"]).all()
    assert path.meta["label_smoothing"] == 0.9


def test_the_kept_weights_draw_the_same_images(run, record, tmp_path):
    history = records.images.make("faces-dcgan", tmp_path, run)
    latents = image_runs.fixed_latents(10, history.meta["latent"], records.images.SEED)
    images = image_runs.draw(records.images.generator_of(history), latents[:5])
    grey, kept = (np.clip(images, -1, 1) + 1) * 127.5, history.static["sheets"][-1]
    assert np.abs(grey - kept).max() < 1  # half precision, rounded to whole levels
    assert kept.std(0).mean() > 3  # they differ from each other by more


def test_a_record_without_weights_says_so(run, record, tmp_path):
    history = records.images.make("faces-dcgan", tmp_path, run)
    kept = {k: v for k, v in history.static.items() if not k.startswith("weights/")}
    bare = records.images.History(history.steps, dict(history), kept, history.meta)
    with pytest.raises(ValueError, match="'faces-dcgan' holds no generator"):
        records.images.generator_of(bare)


@pytest.mark.slow
def test_several_seeds_are_an_ensemble_of_runs_that_stay(run, record, tmp_path, monkeypatch):
    """Each member is what ``condensed`` makes of a run of that seed; none is trained twice."""
    first, alone = tmp_path / "runs", tmp_path / "alone"
    shutil.copytree(run, first)
    shutil.copy(first / "generators/0000004.pt", first / "generators/0000005.pt")  # after Ctrl-C
    history = records.images.make("faces-dcgan", tmp_path, first, seeds=2)
    settings = replace(image_runs.load_run(run).config, seed=1)
    train_images(settings, alone, every=2, say=lambda text: None)
    wanted = records.images.condensed(record, alone)
    assert history["nearest_raw"].shape == (3, 2)
    assert history.static["seed"].tolist() == [0, 1]
    second = history.member(1)
    for key in wanted:
        np.testing.assert_array_equal(second[key], wanted[key])
    for key, values in wanted.static.items():
        np.testing.assert_array_equal(second.static[key], values)
    assert (second["nearest_raw"] != history.member(0)["nearest_raw"]).all()
    assert second.meta["samples"] == 10

    monkeypatch.setattr(image_runs.Keeper, "_log", lambda *a: pytest.fail("trained again"))
    again = records.images.make("faces-dcgan", tmp_path, first, seeds=2)
    np.testing.assert_array_equal(again["nearest_raw"], history["nearest_raw"])


def test_the_distance_to_the_nearest_is_that_of_a_search():
    data = faces()[:20]
    score, facts = records.images._nearest_scores(data)
    x = torch.rand(4, *data.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    real = [*data.floats(), *data.floats().flip(-1)]
    wanted = np.mean([min(float(((a - b) ** 2).mean().sqrt()) for b in real) for a in x])
    assert score(x)["nearest"] == pytest.approx(wanted, rel=1e-4)
    others = [
        min(float(((a - b) ** 2).mean().sqrt()) for j, b in enumerate(real) if j != i)
        for i, a in enumerate(real)
    ]
    assert facts["real_nearest"] == pytest.approx(np.mean(others), rel=1e-3)


def test_an_unknown_record_is_named(tmp_path):
    with pytest.raises(ValueError, match="faces-dcgan"):
        records.images.make("faces", tmp_path, tmp_path)


def test_sheets_of_bytes_and_of_floats_are_the_same():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 4), dtype=np.uint8)
    np.testing.assert_array_equal(sheet(pixels), sheet(pixels / 127.5 - 1))


def test_the_panel_shows_the_images_of_its_record():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 4, 1, 5, 5))
    history = records.images.History([0, 10, 20], {"images": images}, meta={"unit": "step"})
    figure, draw = plots.stage(history, [plots.images_panel])
    draw(1)
    (picture,) = figure.axes[0].images
    np.testing.assert_array_equal(np.asarray(picture.get_array()), sheet(images[1]))
    assert figure.axes[0].get_title("left") == "Step 10"
    with pytest.raises(ValueError, match=r"must be .n, 1 or 3, height, width"):
        plots.stage(history.with_arrays(images=images[:, 0]), [plots.images_panel])
