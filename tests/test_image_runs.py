"""Image runs in folders: every published configuration starts; runs stop, resume and are drawn."""

# pyright: reportArgumentType=false

import copy
import csv
import json
import os
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from gan_teach import cli
from gan_teach.data import Images
from gan_teach.models.convnets import CNNGenerator
from gan_teach.plots.images import image_grid, image_grids, sheet
from gan_teach.studies import image_runs, recording
from gan_teach.studies.image_runs import load_run, snapshots, train_images
from gan_teach.training import EMA, loop, probes
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.zoo import IMAGE_GANS, image_gan

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 12 small images in color."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(12):
        pixels = RNG.integers(0, 256, (36, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture
def small(photos):
    """Few, narrow steps of the four averages' configuration."""
    return image_gan("cifar-timescale", data=str(photos), steps=4, batch_size=3, features=1)


def train(settings, out, **options):
    return train_images(settings, out, **{"every": 2, "say": lambda text: None, **options})


def weights(trained):
    return [w.clone() for g in trained.generators.values() for w in g.state_dict().values()]


# --- a run in memory


def test_watching_records_the_run_that_train_makes():
    config = replace(IMAGE_GANS["mnist-vanilla"], features=4)
    images = Images(RNG.integers(0, 256, (9, 1, 28, 28), dtype=np.uint8))
    settings = {"steps": 6, "batch_size": 3, "tau": 0.5}
    seen = image_runs.watch(
        config, config.game(images), records=3, n=2, scored=5, title="t", **settings
    )
    assert seen.steps.tolist() == [0, 2, 4, 6]
    assert seen.meta["loss"] == "non_saturating"
    assert (seen.meta["label_smoothing"], seen.meta["title"]) == (0.9, "t")
    *_, state = config.train(config.game(images), **settings)
    assert seen["d_loss"][-1] == state.losses["d_loss"].item()
    assert np.isnan(seen["g_loss"][0])
    np.testing.assert_array_equal(seen["images"][-1], probes.samples(2)(state))
    d_real, d_fake = probes.scores(5)(state).tolist()
    assert (seen["d_real"][-1], seen["d_fake"][-1]) == pytest.approx((d_real, d_fake))


def statistics(g):
    """Of each batch norm, the mean and the variance that it keeps."""
    norms = [layer for layer in g if isinstance(layer, nn.BatchNorm2d)]
    return [(norm.get_buffer("running_mean"), norm.get_buffer("running_var")) for norm in norms]


def by_hand(g, latents):
    """The same from one pass of each batch through g, layer by layer, and the mean over batches."""
    collected = []
    for x in latents:
        here = []
        for layer in g:
            if isinstance(layer, nn.BatchNorm2d):
                here.append((x.mean((0, 2, 3)), x.var((0, 2, 3))))
                x = functional.batch_norm(x, None, None, layer.weight, layer.bias, training=True)
            else:
                x = layer(x)
        collected.append(here)
    return [[sum(batch[i][k] for batch in collected) / len(collected) for k in (0, 1)]
            for i in range(len(collected[0]))]  # fmt: skip


def test_an_average_draws_with_statistics_of_its_own_weights():
    config = replace(IMAGE_GANS["mnist-dcgan"], features=2, latent=3)
    images = Images(RNG.integers(0, 256, (9, 1, 28, 28), dtype=np.uint8))
    settings, game = {"steps": 6, "batch_size": 3, "lr": 0.01}, config.game(images)
    average = EMA(game.generator, decay=0.9)
    seen = image_runs.watch(config, game, records=2, n=2, average=average, **settings)
    *_, last = config.train(config.game(images), **settings)
    assert all(map(torch.equal, last.game.g_params, game.g_params))  # looking changed nothing
    fresh = copy.deepcopy(average.module)
    latents = image_runs.fixed_latents(1000, 3, 1 << 20).split(100)
    with torch.no_grad():
        wanted = by_hand(fresh, latents)
    for (mean, var), (m, v) in zip(statistics(average.module), wanted, strict=True):
        torch.testing.assert_close((mean, var), (m, v), rtol=1e-4, atol=1e-6)
    own = statistics(game.generator)
    assert not any(torch.allclose(m, n) for (m, _), (n, _) in zip(own, wanted, strict=True))
    shown = image_runs.draw(average.module, image_runs.fixed_latents(2, 3))
    np.testing.assert_array_equal(seen["images"][-1], shown)


# --- configurations


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Small images of two classes, in a folder for each."""
    folder = tmp_path_factory.mktemp("classes")
    for label in "ab":
        (folder / label).mkdir()
        for k in range(3):
            pixels = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{k}.png")
    return folder


@pytest.mark.parametrize("name", IMAGE_GANS)
def test_every_published_name_starts_for_two_steps_on_small_images(name, classes, tmp_path):
    channels = "1" if IMAGE_GANS[name].data in ("mnist", "mnist-imbalanced", "faces") else "3"
    few = ["--features", "2", "--batch-size", "2", "--steps", "2", "--channels", channels]
    command = ["train", name, "--data", str(classes), *few, "--out", str(tmp_path)]
    assert cli.main([*command, "--device", "cpu"]) == 0
    trained = load_run(tmp_path)
    assert (trained.step, trained.config.name) == (2, name)
    assert trained.shape == (int(channels), *[IMAGE_GANS[name].size] * 2)
    (row,) = image_runs.read_csv(tmp_path / "losses.csv")
    assert np.isfinite([float(row["d_loss"]), float(row["g_loss"])]).all()


def test_schedules_follow_the_length_of_the_run():
    factor = IMAGE_GANS["cifar-rsgan-cnn"].arguments(steps=100)["schedule"]
    assert [factor(s) for s in (0, 50, 75, 100)] == [1, 1, 0.5, 0]
    assert "schedule" not in IMAGE_GANS["cifar-dcgan"].arguments()


# --- runs in folders


def test_a_run_leaves_its_files_and_can_be_read_back(small, tmp_path):
    trained = train(small, tmp_path / "run")
    out = tmp_path / "run"
    names = ["raw", "0.9", "0.99", "0.999", "0.9999"]
    assert list(trained.generators) == names
    sheets = {f.name for f in (out / "samples").iterdir()}
    assert sheets == {f"000000{step}-{name}.png" for step in (2, 4) for name in names}
    rows = list(csv.DictReader((out / "losses.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [4]
    parts = float(rows[0]["d: non_saturating loss"]) + float(rows[0]["d: r1"])
    assert float(rows[0]["d_loss"]) == pytest.approx(parts, rel=1e-4)
    read = load_run(out)
    assert read.step == 4
    assert all(map(torch.equal, weights(read), weights(trained)))
    assert list(snapshots(out)) == [2, 4]
    assert not torch.equal(weights(load_run(out, 2))[0], weights(trained)[0])
    assert all(map(torch.equal, weights(load_run(out, 4)), weights(trained)))


@pytest.mark.slow
def test_a_damaged_file_of_generators_is_named(small, tmp_path):
    train(small, tmp_path)
    file = snapshots(tmp_path)[4]
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"0000004\.pt is damaged"):
        load_run(tmp_path)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match=r"0000004\.pt is damaged"):
        load_run(tmp_path)


@pytest.mark.slow
def test_a_resumed_run_is_the_whole_run(small, tmp_path):
    whole = train(small, tmp_path / "whole")
    train(replace(small, steps=2), tmp_path / "parts")
    resumed = train(small, tmp_path / "parts", resume=True)
    assert all(map(torch.equal, weights(whole), weights(resumed)))


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_saved_averages_have_statistics_of_their_own_also_after_a_resume(photos, prior, tmp_path):
    own = {"data": photos, "steps": 5, "batch_size": 3, "features": 2, "prior": prior}
    small = image_gan("cifar-dcgan-small", **own)
    whole = train(small, tmp_path / "whole", every=5)
    train(replace(small, steps=3), tmp_path / "parts", every=1)  # saved on the way, too
    resumed = train(small, tmp_path / "parts", resume=True)
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    read = load_run(tmp_path / "parts").generators
    saved, moved = read["0.99"], copy.deepcopy(read["0.99"])
    for mean, var in statistics(moved):
        mean.add_(1)
        var.mul_(2)
    image_runs.refresh(moved, small.latents())
    for now, again in zip(statistics(saved), statistics(moved), strict=True):
        assert all(map(torch.equal, now, again))
    assert not torch.equal(statistics(saved)[0][0], statistics(read["raw"])[0][0])


def test_a_folder_that_holds_a_run_is_not_overwritten(small, tmp_path):
    train(replace(small, steps=2), tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match=r"already holds a run: go on with it by --resume"):
        train(small, tmp_path)
    with pytest.raises(ValueError, match=r"other settings \(tau was 4\.0 and is 2\.0\): go on wi"):
        train(replace(small, tau=2.0), tmp_path, resume=True)
    (tmp_path / "settings.json").unlink()  # even then another architecture is found out
    with pytest.raises(ValueError, match="of another architecture"):
        train(replace(small, features=2), tmp_path, resume=True)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_other_steps_are_refused_where_the_learning_rate_follows_them(small, tmp_path):
    own = {"data": small.data, "batch_size": 3, "features": 1}
    decaying = image_gan("cifar-rsgan-cnn", steps=2, **own)
    train(decaying, tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(
        ValueError,
        match=r"other settings \(steps was 2 and is 4\): go on with those",
    ):
        train(replace(decaying, steps=4), tmp_path, resume=True)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.slow
def test_a_run_that_breaks_keeps_what_was_saved(small, tmp_path, monkeypatch):
    huge = replace(small, steps=60, lr=1e25)
    with pytest.raises(loop.DivergedError, match="step"):
        train(huge, tmp_path / "at-once")
    train(replace(small, steps=2), tmp_path / "run")
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    settings["settings"]["lr"] = 1e25  # as if it had been started so
    settings["settings"]["steps"] = 60
    (tmp_path / "run" / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"checkpoint\.pt is of another run: lr was 0\.0001"):
        train(huge, tmp_path / "run", resume=True, every=1000)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 2
    updates = loop.updates

    def breaking(state, steps):
        for now in updates(state, steps):
            if now.step == 3:
                now.losses["g_loss"] = now.losses["g_loss"] * np.nan
            yield now

    monkeypatch.setattr(loop, "updates", breaking)
    with pytest.raises(loop.DivergedError, match=r"last good checkpoint is .*checkpoint\.pt"):
        train(small, tmp_path / "saved", every=1)
    assert load_checkpoint(tmp_path / "saved" / "checkpoint.pt")["step"] == 2


def test_ctrl_c_finishes_the_step_and_saves(small, tmp_path, monkeypatch):
    calls = []

    def numbers(state, config):
        calls.append(state.step)
        return {"g_loss": 0.0}

    monkeypatch.setattr(recording, "LOG_EVERY", 1)
    monkeypatch.setattr(recording, "numbers", lambda state, config: (
        os.kill(os.getpid(), signal.SIGINT) if state.step == 3 else None,
        numbers(state, config))[1],
    )  # fmt: skip
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="stopped at step 3 of 50, saved in") as told:
        train(replace(small, steps=50), tmp_path, every=100)
    assert str(told.value).endswith(f"\n  gan-teach train --resume {tmp_path}")
    assert signal.getsignal(signal.SIGINT) is before
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 3
    assert load_run(tmp_path).step == 3


@pytest.mark.slow
def test_numbers_and_sheets_are_logged_for_tensorboard(small, tmp_path, monkeypatch):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="needs TensorBoard: pip install tensorboard",
    )
    train(small, tmp_path, tensorboard=True)
    read = accumulator.EventAccumulator(str(tmp_path / "tensorboard"), {"images": 0}).Reload()
    row = next(csv.DictReader((tmp_path / "losses.csv").read_text().splitlines()))
    names = {name.replace(": ", "/"): float(value) for name, value in row.items()}
    assert set(read.Tags()["scalars"]) == {*names} - {"step"}
    for name in read.Tags()["scalars"]:
        (event,) = read.Scalars(name)
        assert (event.step, event.value) == (4, pytest.approx(names[name]))
    assert [event.step for event in read.Images("samples/0.999")] == [2, 4]
    side = 8 * 32 + 7 * 2
    shown = read.Images("samples/raw")[1]
    assert (shown.width, shown.height) == (side, side)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ValueError, match="tensorboard=True needs tensorboard: pip install"):
        train(small, tmp_path / "without", tensorboard=True)
    assert not (tmp_path / "without" / "checkpoint.pt").exists()


@pytest.mark.slow
def test_images_read_by_threads_make_the_same_run(small, tmp_path):
    in_memory = train(small, tmp_path / "memory")
    train(replace(small, steps=2, workers=1), tmp_path / "read")
    read = train(replace(small, workers=0), tmp_path / "read", resume=True)
    assert all(map(torch.equal, weights(in_memory), weights(read)))
    with pytest.raises(FileNotFoundError, match="no folder or zip archive of images at cifar10"):
        train(replace(small, data="cifar10", workers=2), tmp_path / "none")


# --- drawing


def test_ways_between_latents_start_and_end_there():
    a, b = torch.randn(2, 3, 8, dtype=torch.float64)
    b *= (a.norm(dim=1) / b.norm(dim=1))[:, None]  # equal lengths
    for spherical in (False, True):
        way = image_runs.between(a, b, 5, spherical)
        assert way.shape == (3, 5, 8)
        torch.testing.assert_close(way[:, [0, -1]], torch.stack([a, b], 1))
    lengths = way.norm(dim=-1)
    torch.testing.assert_close(lengths, lengths[:, :1].expand(-1, 5))  # stays on the sphere
    straight = image_runs.between(a, b, 5)
    torch.testing.assert_close(straight[:, 2], (a + b) / 2)
    torch.testing.assert_close(
        way[:, 2], (a + b) / (a + b).norm(dim=1, keepdim=True) * lengths[:, :1]
    )
    with pytest.raises(ValueError, match="not parallel"):
        image_runs.between(a, 2 * a, 3, spherical=True)


def test_drawing_leaves_the_generator_as_it_was():
    g = CNNGenerator(8, 2, 5)
    z = image_runs.fixed_latents(6, 5)
    before = [w.clone() for w in g.state_dict().values()]
    running, batch = (image_runs.draw(g, z, batch_statistics=b) for b in (False, True))
    assert g.training
    assert all(map(torch.equal, before, g.state_dict().values()))
    assert not np.allclose(running, batch)
    np.testing.assert_allclose(running, image_runs.draw(g, z, batch=2), atol=1e-5)
    assert not np.allclose(batch, image_runs.draw(g, z, batch=2, batch_statistics=True), atol=1e-3)


def test_a_sheet_has_the_images_in_rows():
    images = np.linspace(-1.2, 1, 5 * 3 * 2 * 4).reshape(5, 3, 2, 4)
    page = sheet(images, columns=3)
    assert page.shape == (2 + 2 + 2, 4 + 2 + 4 + 2 + 4, 3)
    fourth = np.clip(np.rint((images[3] + 1) * 127.5), 0, 255).transpose(1, 2, 0)
    np.testing.assert_array_equal(page[4:6, 0:4], fourth)
    assert (page[2:4] == 255).all()
    assert (page[4:6, 12:] == 255).all()  # the place of a sixth
    np.testing.assert_array_equal(sheet(images, 3, zoom=2)[::2, ::2], page)
    axes = image_grid(images[:, :1], title="grey")
    assert axes.get_title(loc="left") + axes.get_title() == "grey"
    figure = image_grids({"a": images, "b": images[:2]}, columns=3)
    assert [ax.get_title() or ax.get_title("left") for ax in figure.axes] == ["a", "b"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), page)
    with pytest.raises(ValueError, match="channels first"):
        sheet(images.transpose(0, 2, 3, 1))
    with pytest.raises(ValueError, match="diverge"):
        sheet(images * np.nan)


# --- the commands


def test_train_sample_and_interpolate(photos, tmp_path, capsys):
    run = str(tmp_path / "run")
    train = ["train", "cifar-timescale", "--data", str(photos), "--features", "1", "--steps", "1"]
    assert cli.main([*train, "--batch-size", "2", "--tau", "2", "--out", run]) == 0
    assert "12 colour images of 32 x 32" in capsys.readouterr().out
    assert load_run(run).config.tau == 2
    sheet_file = tmp_path / "s.png"
    assert cli.main(["sample", run, "-n", "4", "--ema", "0.99", "--out", str(sheet_file)]) == 0
    with Image.open(sheet_file) as page:
        assert page.size == (2 * 3 * 32 + 3 * 2,) * 2  # enlarged three times
    way = ["interpolate", run, "--rows", "2", "--steps", "3", "--spherical"]
    assert cli.main(way) == 0
    with Image.open(tmp_path / "run" / "interpolation.gif") as film:
        assert getattr(film, "n_frames", 1) == 4  # there and back
    with Image.open(tmp_path / "run" / "interpolation.png") as page:
        assert page.size == (3 * (3 * 32 + 2 * 3) - 2 * 3, 3 * (2 * 32 + 2))


def test_a_folder_of_images_has_no_generator_to_sample(photos, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sample", str(photos)])
    assert "holds images and no run: name a folder of gan-teach train" in capsys.readouterr().err
    assert not (photos / "sample.png").exists()


def test_a_number_that_cannot_be_is_one_sentence(photos, tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "cifar-dcgan", "--data", str(photos), "--steps", "-1",
                  "--features", "1", "--out", str(tmp_path)])  # fmt: skip
    assert "steps must be at least 0" in capsys.readouterr().err


def test_configurations_are_listed(capsys):
    assert cli.main(["train"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in IMAGE_GANS)
