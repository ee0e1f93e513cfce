"""Class-conditional image GANs in folders, and what is drawn from runs: sheets, arrays, files."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_teach import cli
from gan_teach.data import Asked, Images, load_images
from gan_teach.dynamics.streams import generator
from gan_teach.models import convnets
from gan_teach.studies import image_runs, recording
from gan_teach.studies.evaluation import candidates, evaluate
from gan_teach.studies.image_runs import load_run, train_images
from gan_teach.studies.recording import along, between, draw, fixed_latents
from gan_teach.training import probes
from gan_teach.zoo import IMAGE_GANS, image_gan

CLASSES = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A folder with a subfolder for each of three classes, of 4, 3 and 5 images in color."""
    folder, rng = tmp_path_factory.mktemp("pets"), np.random.default_rng(5)
    for k, (name, count) in enumerate(zip(CLASSES, (4, 3, 5), strict=True)):
        (folder / name).mkdir()
        for i in range(count):
            pixels = rng.integers(80 * k, 80 * k + 20, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture
def small(pets):
    own = {"data": str(pets), "steps": 4, "batch_size": 3, "features": 2, "conditional": True}
    return image_gan("cifar-dcgan-small", **own)


def train(config, out, **how):
    return train_images(config, out, **{"every": 2, "say": lambda text: None, **how})


def weights(trained):
    return [w for g in trained.generators.values() for w in g.state_dict().values()]


@pytest.fixture(scope="module")
def run(pets, tmp_path_factory):
    """A finished run, to be read only."""
    own = {"data": str(pets), "steps": 4, "batch_size": 3, "features": 2, "conditional": True}
    out = tmp_path_factory.mktemp("runs") / "pets"
    train(image_gan("cifar-dcgan-small", **own), out)
    return out


NETWORKS = {
    "vanilla": convnets.Concatenated, "dragan": convnets.Concatenated,
    "dcgan": convnets.Projection, "dcgan(ends='linear', norm=False)": convnets.Projection,
    "cnn": convnets.Projection, "resnet": convnets.Projection, "stable": convnets.Projection,
    "tower": convnets.Projection,
}  # fmt: skip


@pytest.mark.parametrize("networks", NETWORKS)
@pytest.mark.parametrize("loss", ["non_saturating", "hinge", "relativistic"])
def test_every_pair_of_networks_is_told_the_class(networks, loss, small):
    config = replace(small, networks=networks, loss=loss, label_smoothing=1.0)
    game = config.game(config.images())
    assert isinstance(game.discriminator, NETWORKS[networks])
    assert game.latent.shape == (config.latent + 3,)
    *_, state = config.train(game, steps=2)
    assert all(bool(x.isfinite()) for x in state.losses.values())
    x = config.images()[:2].floats()
    said = [game.critic(x, torch.eye(3)[[k, k]]) for k in (0, 1)]
    assert not torch.equal(*said)  # after two updates the answer depends on the question
    latents = game.latent.sample(4, generator(0))
    one, other = (game.generate(recording.ask(game.latent, latents, [k])) for k in (0, 1))
    assert not torch.equal(one, other)


def test_the_published_networks_stay_as_they_are():
    for name in ("mnist-dcgan", "mnist-vanilla"):
        plain = replace(IMAGE_GANS[name], features=4)
        told = replace(plain, conditional=True)
        for conditional, classes in ((told, 10), (plain, 10)):
            g, d = conditional.pair((1, 28, 28), 1, 2, classes)
            assert next(iter(g.parameters())).numel() > 0
            wide = conditional is told
            assert isinstance(d, (convnets.Projection, convnets.Concatenated)) == wide
        assert "conditional" not in plain.changes(IMAGE_GANS[name])


@pytest.mark.parametrize("balanced", [False, True])
def test_classes_are_asked_for_as_they_occur_or_all_alike(balanced, small):
    config = replace(small, balanced=balanced)
    game = config.game(config.images())
    z = game.latent.sample(20_000, generator(0))
    share = z[:, -3:].mean(0)
    wanted = torch.tensor([1 / 3] * 3 if balanced else [4 / 12, 3 / 12, 5 / 12])
    assert (share - wanted).abs().max() < 4 * (0.25 / 20_000) ** 0.5
    batch = game.draw(300, generator(1))
    classes = batch.latent[:, -3:].argmax(1)
    brightness = 255 * (batch.real.mean((1, 2, 3)) + 1) / 2
    assert torch.equal((brightness / 80).floor().long(), classes)  # the data answer rightly


@pytest.mark.slow
def test_a_conditional_run_stops_resumes_and_is_read_without_its_data(small, tmp_path, run):
    whole = load_run(run)
    train(replace(small, steps=2), tmp_path / "parts")
    resumed = train(small, tmp_path / "parts", resume=True)
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    saved = json.loads((run / "settings.json").read_text())
    assert saved["data"]["classes"] == {"cat": 4, "dog": 3, "owl": 5}
    assert whole.classes == saved["data"]["classes"]
    assert isinstance(whole.latents, Asked)
    (tmp_path / "moved").mkdir()
    for part in ("settings.json", "generators"):
        (run / part).rename(tmp_path / "moved" / part)
    saved["settings"]["data"] = str(tmp_path / "nowhere")
    (tmp_path / "moved" / "settings.json").write_text(json.dumps(saved))
    read = load_run(tmp_path / "moved")
    for part in ("settings.json", "generators"):
        (tmp_path / "moved" / part).rename(run / part)
    saved["settings"]["data"] = str(small.data)
    (run / "settings.json").write_text(json.dumps(saved))
    assert all(map(torch.equal, weights(read), weights(whole)))


@pytest.mark.slow
def test_an_augmented_conditional_run_goes_on_bit_for_bit(small, tmp_path):
    config = replace(small, augment="color,cutout", penalties=("r1(1.0)",))
    assert config.augment == ("color", "cutout")
    whole = train(config, tmp_path / "whole")
    train(replace(config, steps=2), tmp_path / "parts")
    resumed = train(config, tmp_path / "parts", resume=True)
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    plain = train(replace(config, augment=()), tmp_path / "plain")
    assert not torch.equal(weights(plain)[0], weights(whole)[0])
    with pytest.raises(ValueError, match="augment must be one of color, translation, cutout"):
        replace(small, augment="flip")


def test_sheets_on_the_way_have_a_class_in_each_column(run, monkeypatch, small, tmp_path):
    with Image.open(run / "samples" / "0000004-raw.png") as page:
        assert page.size == (3 * (3 * 32 + 2 * 2), 3 * (21 * 32 + 20 * 2))  # 3 columns, 21 rows
    trained = load_run(run)
    latents = recording.ask(trained.latents, fixed_latents(63, trained.latents, 0), range(3))
    drawn = draw(trained.generators["raw"], latents)
    recording.save_sheet(tmp_path / "again.png", drawn, 3)
    assert (tmp_path / "again.png").read_bytes() == (
        run / "samples" / "0000004-raw.png"
    ).read_bytes()


def test_scores_of_a_conditional_run(run):
    scored = evaluate(run, n=10, last=True, untrained=True, averages=["raw"], features="cifar")
    assert [row.average for row in scored.rows] == ["untrained", "raw"]
    (one,) = candidates(run, last=True, averages=["raw"])
    assert one.draw(fixed_latents(2, one.latent)).shape == (2, 3, 32, 32)
    trained = load_run(run)
    game = trained.config.game(trained.config.images())
    (untrained, _) = candidates(run, last=True, averages=["raw"], untrained=True)
    assert all(map(torch.equal, untrained.load().parameters(), game.generator.parameters()))


def test_what_d_says_of_a_conditional_game(small):
    seen = image_runs.watch(small, small.game(small.images()), records=2, n=2, scored=6)
    assert np.isfinite(seen["d_real"]).all()
    game = small.game(small.images())
    *_, state = small.train(game, steps=1)
    real, fake = probes.scores(6)(state).tolist()
    z = game.latent.sample(6, generator(1))
    asked = z[:, -3:]
    x = game.data.of_classes(asked.argmax(1), generator(0))
    game.generator.train()  # as in training: batch norm by the statistics of the batch
    game.discriminator.train()
    wanted = [game.discriminator(v, asked).sigmoid().mean().item() for v in (x, game.generator(z))]
    assert (real, fake) == pytest.approx(wanted)


MISTAKES = {
    "no labels": ({"data": "faces", "channels": 3}, "has no labels: take a data set that has them"),
    "stacks": ({"data": "stacked-digits"}, "three digits each, so no class"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_what_cannot_be_asked_for_is_said(kind, small, tmp_path):
    change, message = MISTAKES[kind]
    with pytest.raises(ValueError, match=message):
        train(replace(small, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="needs images in memory: leave out workers"):
        replace(small, workers=2)


def test_class_counts_have_names_or_numbers():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    images = Images(pixels, torch.tensor([0, 0, 3, 1, 3]), ("a", "b"))
    assert images.class_counts() == {"a": 2, "b": 1, "2": 0, "3": 2}
    assert "classes" not in Images(pixels).facts()


# -- what is drawn --------------------------------------------------------------------------------


def command(*arguments):
    return cli.main(list(map(str, arguments)))


def test_sample_as_an_array_as_files_and_as_a_sheet(run, tmp_path, capsys):
    trained = load_run(run, 2)
    g = trained.generators["0.99"]
    drawn = draw(g, fixed_latents(5, trained.latents, 7))
    pixels = np.rint((drawn.clip(-1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    how = ["-n", 5, "--seed", 7, "--step", 2, "--ema", "0.99", "--out"]
    assert command("sample", run, *how, tmp_path / "x.npz") == 0
    with np.load(tmp_path / "x.npz") as file:
        np.testing.assert_array_equal(file["arr_0"], pixels)
    assert command("sample", run, *how, tmp_path / "files") == 0
    files = sorted((tmp_path / "files").iterdir())
    assert [f.name for f in files] == [f"00000{k}.png" for k in range(5)]
    np.testing.assert_array_equal(np.stack([np.asarray(Image.open(f)) for f in files]), pixels)
    for there in ("x.npz", "files"):  # and both are read as images
        np.testing.assert_array_equal(
            load_images(tmp_path / there).pixels.permute(0, 2, 3, 1), pixels
        )
    assert command("sample", run, *how, tmp_path / "x.pdf") == 0
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(SystemExit):
        command("sample", run, *how, tmp_path / "files")
    assert "is there already: name a new folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command("sample", run, "--out", tmp_path / "x.jpg")
    assert "out's ending must be one of npz, png, pdf, eps; got 'jpg'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command("sample", run, "--step", 3)
    assert "has no step 3: it saved 2, 4 ..." in capsys.readouterr().err


def test_grey_images_are_grey_files(tmp_path):
    drawn = np.random.default_rng(0).uniform(-1, 1, (2, 1, 8, 8))
    recording.save_images(tmp_path / "grey", drawn)
    with Image.open(tmp_path / "grey" / "000001.png") as one:
        assert (one.mode, one.size) == ("L", (8, 8))
    with pytest.raises(ValueError, match="Did the generator diverge"):
        recording.save_images(tmp_path / "bad", drawn * np.nan)
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize(("asked", "classes"), [(["owl"], [2, 2, 2]), (["0", "owl"], [0, 2, 0])])
def test_sample_a_class_by_name_or_number(asked, classes, run, tmp_path):
    assert command("sample", run, "-n", 3, "--class", *asked, "--out", tmp_path / "x.npz") == 0
    trained = load_run(run)
    noise = fixed_latents(3, trained.latents)[:, :-3]
    z = torch.cat([noise, torch.eye(3)[classes]], 1)
    wanted = np.rint((draw(trained.generators["0.99"], z) + 1) * 127.5).transpose(0, 2, 3, 1)
    with np.load(tmp_path / "x.npz") as file:
        np.testing.assert_array_equal(file["arr_0"], wanted)
        assert file["labels"].tolist() == [("cat", "dog", "owl")[k] for k in classes]
    assert command("sample", run, "-n", 3, "--class", *asked, "--out", tmp_path / "files") == 0
    names = sorted(file.stem for file in (tmp_path / "files").iterdir())
    assert names == [f"{k:06d}-{('cat', 'dog', 'owl')[c]}" for k, c in enumerate(classes)]


def test_classes_that_are_not_there_are_said(run, pets, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command("sample", run, "--class", "cow")
    assert "--class must be one of cat, dog, owl; got 'cow'" in capsys.readouterr().err
    plain = image_gan("cifar-dcgan-small", data=str(pets), steps=1, batch_size=2, features=1)
    train(plain, tmp_path / "plain")
    with pytest.raises(SystemExit):
        command("sample", tmp_path / "plain", "--class", "cat")
    assert "has no classes to ask for: train with --conditional" in capsys.readouterr().err
    with pytest.raises(ValueError, match="was not trained to be asked for a class"):
        recording.ask(plain.latents(), torch.zeros(2, 100), [0])


@pytest.mark.parametrize("spherical", [False, True])
def test_a_way_leads_through_all_its_latents(spherical):
    points = torch.randn(2, 4, 5, dtype=torch.float64, generator=generator(0))
    way = along(points, 3, spherical, classes=2)
    assert way.shape == (2, 3 * 2 + 1, 5)
    torch.testing.assert_close(way[:, ::2], points)
    middle = way[:, 1::2]
    noise, asked = points[..., :3], points[..., 3:]
    torch.testing.assert_close(middle[..., 3:], (asked[:, 1:] + asked[:, :-1]) / 2)
    wanted = between(noise[:, 1], noise[:, 2], 3, spherical)[:, 1]
    torch.testing.assert_close(middle[:, 1, :3], wanted)


def test_interpolate_through_several_latents(run, tmp_path):
    way = ["interpolate", run, "--rows", 2, "--steps", 3, "--through", 4, "--out"]
    assert command(*way, tmp_path / "x.png") == 0
    with Image.open(tmp_path / "x.png") as page:
        assert page.size == (3 * (7 * 32 + 6 * 2), 3 * (2 * 32 + 2))
    with Image.open(tmp_path / "x.gif") as film:
        assert getattr(film, "n_frames", 1) == 12  # there and back
    assert command(*way, tmp_path / "x.npz") == 0
    trained = load_run(run)
    points = fixed_latents(8, trained.latents).unflatten(0, (4, 2)).transpose(0, 1)
    drawn = draw(trained.generators["0.99"], points.flatten(0, 1))
    wanted = np.rint((drawn + 1) * 127.5).transpose(0, 2, 3, 1).reshape(2, 4, 32, 32, 3)
    with np.load(tmp_path / "x.npz") as file:
        found = file["arr_0"].reshape(2, 7, 32, 32, 3)[:, ::2].astype(float)
    assert abs(found - wanted).max() <= 1  # batches differ, and with them the last bit


def test_interpolate_from_class_to_class(run, tmp_path):
    way = ["interpolate", run, "--rows", 2, "--steps", 3, "--class", "cat", "owl", "--spherical"]
    assert command(*way, "--out", tmp_path / "x.npz") == 0
    trained = load_run(run)
    noise = fixed_latents(4, trained.latents)[:2, :-3].repeat_interleave(3, 0)
    y = torch.tensor([[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]]).repeat(2, 1)
    drawn = draw(trained.generators["0.99"], torch.cat([noise, y], 1))
    with np.load(tmp_path / "x.npz") as file:
        gap = file["arr_0"] - np.rint((drawn + 1) * 127.5).transpose(0, 2, 3, 1)
    assert abs(gap).max() <= 1
    assert command(*way[:-3], "owl", "--out", tmp_path / "one") == 0
    assert len(list((tmp_path / "one").iterdir())) == 6


def test_train_asks_on_the_command_line(pets, tmp_path, capsys):
    own = ["--data", pets, "--features", 1, "--batch-size", 2, "--steps", 1, "--device", "cpu"]
    told = ["--conditional", "--out", tmp_path / "run"]
    assert command("train", "cifar-rsgan-resnet", *own, *told, "--features", 2) == 0
    assert command("sample", tmp_path / "run", "--class", "dog", "-n", 2) == 0
    assert (tmp_path / "run" / "sample.png").exists()
    capsys.readouterr()
    assert command("train", "cifar-rsgan-resnet", told[0], "--explain") == 0
    assert "true  (published: False)" in capsys.readouterr().out
