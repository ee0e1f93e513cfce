"""What image runs are given by mistake: one clear sentence each, and nothing is lost."""

# pyright: reportArgumentType=false

import os
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_teach import cli
from gan_teach.data import Images, Normal
from gan_teach.games import GAN, penalties
from gan_teach.studies import image_runs
from gan_teach.studies.image_runs import train_images
from gan_teach.zoo import IMAGE_GANS, image_gan

RNG = np.random.default_rng(3)
COLOR = RNG.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
FLOATS = COLOR.astype(np.float32)
WITH_NAN = np.where(RNG.random(FLOATS.shape) < 0.01, np.nan, FLOATS / 255)
SMALL = image_gan("mnist-vanilla", steps=4, batch_size=3, features=1)


def save_images(folder, pixels=COLOR):
    folder.mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def photos(tmp_path):
    """A folder of five good images."""
    return save_images(tmp_path / "photos")


def gan_teach(*arguments):
    """The status of ``gan-teach train`` with these arguments, at a small size."""
    small = ["--features", 1, "--batch-size", 3, "--every", 2, "--steps", 4]
    try:
        return cli.main(["train", "mnist-vanilla", *map(str, small), *map(str, arguments)])
    except SystemExit as end:
        return end.code


def files(folder):
    """Every file below ``folder`` and its content."""
    found = sorted(Path(folder).rglob("*"))
    return {str(f.relative_to(folder)): f.read_bytes() for f in found if f.is_file()}


def assert_one_line(capsys, pattern):
    """Nothing but one sentence was said on stderr."""
    said = capsys.readouterr().err
    assert re.fullmatch(rf"gan-teach: [^\n]*{pattern}[^\n]*\n", said), said


# --- data


def corrupt(folder):
    save_images(folder)
    jpeg = folder / "holiday.jpg"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:1000])


def grey_among_color(folder):
    save_images(folder)
    Image.fromarray(COLOR[0, :, :, 0]).save(folder / "scan.png")


def cut_off(path):
    np.save(path, COLOR)
    path.write_bytes(path.read_bytes()[:-100])


def array(pixels):
    return partial(np.save, arr=pixels)


BAD_DATA = {  # how it is made, its name, what is said
    "empty folder": (Path.mkdir, "photos", r"no images in .*photos .*\(it holds nothing\)"),
    "corrupt JPEG": (corrupt, "photos", "1 of 6 images .*: holiday.jpg cannot be read"),
    "grey among color": (
        grey_among_color,
        "photos",
        "1 of 6 images .*: scan.png is [0-9]+ x [0-9]+ and grey",
    ),
    "NaN": (array(WITH_NAN), "x.npy", "x.npy has [0-9]+ entries that are NaN"),
    "0-255 floats": (array(FLOATS), "x.npy", "x.npy .*Values of 0 to 255 are bytes"),
    "constant": (array(0 * COLOR), "x.npy", "x.npy: each of the 5 images has one color"),
    "four channels": (array(COLOR[..., [0, 1, 2, 0]]), "x.npy", r"3 channels, got \(5, 16, 16, 4"),
    "array cut off": (cut_off, "x.npy", "x.npy holds no whole array"),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_data_that_cannot_be_trained_on(kind, tmp_path, capsys):
    make, name, message = BAD_DATA[kind]
    make(tmp_path / name)
    assert gan_teach("--data", tmp_path / name, "--out", tmp_path / "run") == 2
    assert_one_line(capsys, message)
    assert not files(tmp_path / "run")


def test_good_arrays_are_trained_on(tmp_path):
    np.save(tmp_path / "x.npy", FLOATS / 255)
    assert gan_teach("--data", tmp_path / "x.npy", "--out", tmp_path / "run") == 0


# --- settings


BAD_SETTINGS = {  # further arguments, status, what is said
    "batch larger than the data": (["--batch-size", 6], 2, "--batch-size 6, but photos has only 5"),
    "unknown config": (["mnist-vanila"], 2, "Did you mean 'mnist-vanilla'"),
    "unknown option": (["--learning-rate", 1], 2, "unrecognized arguments: --learning-rate"),
    "no GPU": (["--device", "cuda"], 2, "--device 'cuda' was asked for, but no GPU is available"),
    "no such device": (["--device", "gpu"], 2, "--device 'gpu' was asked for, but is not there"),
    "no such data": (
        ["--data", "no/where"],
        1,
        "there is no folder or zip archive of images at no/where",
    ),
}


@pytest.mark.parametrize("kind", BAD_SETTINGS)
def test_settings_that_cannot_be_met(kind, photos, tmp_path, capsys, monkeypatch):
    arguments, status, message = BAD_SETTINGS[kind]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = tmp_path / "run"
    if not arguments[0].startswith("-"):  # another config
        with pytest.raises(SystemExit) as end:
            cli.main(["train", *arguments, "--out", str(out)])
        assert end.value.code == status
    else:
        assert gan_teach("--data", photos, "--out", out, *arguments) == status
    assert_one_line(capsys, message)
    assert not files(out)


@pytest.mark.slow
def test_a_compiled_discriminator_with_a_penalty():
    g, d = IMAGE_GANS["mnist-vanilla"].pair((3, 16, 16), 0, 1)
    settings = {"data": Images(COLOR), "latent": Normal(dim=100)}
    with pytest.raises(TypeError, match=r"made by torch\.compile.* pass the original module"):
        GAN(g, torch.compile(d), penalties=penalties.r1(), **settings)
    GAN(g, torch.compile(d, backend="eager"), **settings)  # without one it may be


# --- files


@pytest.fixture
def begun(photos, tmp_path):
    """A run's folder at step 2 of 4, and the same run at its end."""
    settings = replace(SMALL, data=str(photos))
    train_images(replace(settings, steps=2), tmp_path / "run", say=lambda text: None)
    shutil.copytree(tmp_path / "run", tmp_path / "whole")
    train_images(settings, tmp_path / "whole", resume=True, every=2, say=lambda text: None)
    return tmp_path / "run", tmp_path / "whole"


def without(name):
    return lambda out: (out / name).unlink()


def truncated(out):
    file = out / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:-1000])


BAD_RUNS = {  # what befell the folder, further arguments, what is said
    "another architecture": (without("settings.json"), ["--features", 2], "of another architectur"),
    "another width": (lambda out: None, ["--features", 2], "features was 1 and is 2"),
    "truncated": (truncated, [], "checkpoint.pt is truncated"),
    "past its end": (lambda out: None, ["--steps", 1], "checkpoint.pt is already at step 2"),
}


@pytest.mark.parametrize("kind", BAD_RUNS)
def test_checkpoints_that_cannot_be_resumed(kind, begun, photos, capsys):
    befall, arguments, message = BAD_RUNS[kind]
    out, _ = begun
    befall(out)
    before = files(out)
    assert gan_teach("--data", photos, "--resume", out, *arguments) == 2
    assert_one_line(capsys, message)
    assert files(out) == before


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_that_cannot_be_written(resume, photos, tmp_path, capsys):
    (tmp_path / "notes").write_text("of mine")
    flag = "--resume" if resume else "--out"
    assert gan_teach("--data", photos, flag, tmp_path / "notes" / "run") == 1
    assert_one_line(capsys, ".*notes/run: Not a directory.")
    assert (tmp_path / "notes").read_text() == "of mine"


WRITTEN = {  # what a save writes, by its temporary name: the device is full from there on
    "losses": ".losses.{pid}.partial.csv",
    "snapshot": "generators/.0000004.{pid}.partial.pt",
    "sheet": "samples/.0000004-raw.{pid}.partial.png",
    "checkpoint": ".checkpoint.{pid}.partial.pt",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, a disk that is full")
@pytest.mark.parametrize("what", WRITTEN)
def test_a_full_disk_leaves_the_last_checkpoint(what, begun, photos, capsys, monkeypatch):
    out, whole = begun
    before = files(out)
    save = image_runs.Keeper.save

    def on_a_full_disk(self, state):
        if state.step == 4:
            (out / WRITTEN[what].format(pid=os.getpid())).symlink_to("/dev/full")
        save(self, state)

    monkeypatch.setattr(image_runs.Keeper, "save", on_a_full_disk)
    assert gan_teach("--data", photos, "--resume", out) == 1
    said = capsys.readouterr().err.rpartition("gan-teach: ")[2]  # a progress bar stands before it
    assert re.fullmatch(rf"{out}/.*: No space left on device.*\n", said)
    after = files(out)
    assert after["checkpoint.pt"] == before["checkpoint.pt"]
    assert not [name for name in after if "partial" in name]
    monkeypatch.undo()  # there is room again
    assert gan_teach("--data", photos, "--resume", out) == 0
    assert files(out)["checkpoint.pt"] == files(whole)["checkpoint.pt"]
