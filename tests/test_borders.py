"""Files, numbers, machines and networks as people really have them: said, mended or refused."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false

import io
import os
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features
from torch import nn

from gan_teach import _files, cli
from gan_teach._checks import Note
from gan_teach.data import Images, Normal, StreamedFolder, image_folder, load_images
from gan_teach.games import GAN, penalties
from gan_teach.metrics.features import load_extractor
from gan_teach.models.convnets import CNNGenerator, load_rsgan_generator
from gan_teach.studies import evaluation
from gan_teach.studies.image_runs import train_images
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.zoo import image_gan

RNG = np.random.default_rng(11)
WIDE = (16, 12)  # height, width


def noise(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def folder_of(path, n=6, size=(16, 16)):
    path.mkdir(parents=True)
    for i in range(n):
        Image.fromarray(noise(*size, 3)).save(path / f"{i:02d}.png")
    return path


@pytest.fixture
def photos(tmp_path):
    return folder_of(tmp_path / "photos")


def run(*arguments):
    try:
        return cli.main([str(a) for a in arguments])
    except SystemExit as end:
        return end.code


def noted(call):
    """The result, and what was noted."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Note)
        result = call()
    return result, " ".join(str(w.message) for w in caught)


# -- a boundary to foreign code -------------------------------------------------------------------


def exif(*entries):
    """An EXIF block of these raw entries: (tag, kind, count, value as four bytes)."""
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHI", *e[:3]) + e[3] for e in entries)
    return b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + body + bytes(4)


TURN = (0x0112, 3, 1, struct.pack("<HH", 6, 0))


def test_a_huge_picture_is_named_and_left_out_on_request(photos):
    Image.new("1", (20_000, 10_000)).save(photos / "map.png")
    with pytest.raises(ValueError, match=r"1 of 7 images .*: map\.png cannot be read: .*pixels"):
        image_folder(photos)
    assert len(image_folder(photos, skip_bad=True)) == 6


@pytest.mark.parametrize("at", [40, 400, -400, -30])
def test_a_damaged_archive_is_named(at, photos, tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(photos.iterdir()):
            archive.write(file, file.name)
    whole = bytearray(path.read_bytes())
    whole[at : at + 9] = bytes(9)
    path.write_bytes(whole)
    with pytest.raises((ValueError, FileNotFoundError), match=r"photos\.zip"):
        image_folder(path)


def test_only_the_orientation_is_read_of_a_cameras_notes(photos):
    stored = noise(*WIDE, 3)
    text = (0x011A, 2, 3, b"72\0\0")  # a resolution as text
    Image.fromarray(stored).save(photos / "side.png", exif=exif(TURN, text))
    (photos / "00.png").unlink()
    images, note = noted(lambda: image_folder(photos, 12))
    assert "side.png" in note  # it is not square
    upright = np.rot90(stored, -1)[:, 2:14]
    np.testing.assert_array_equal(images.pixels[-1].permute(1, 2, 0), upright)


def test_malformed_notes_of_cameras_do_not_escape(tmp_path):
    rng = np.random.default_rng(0)
    pixels = noise(8, 8, 3)
    for i in range(120):
        raw = bytearray(exif(TURN, (0x011A, int(rng.integers(0, 14)), 1, rng.bytes(4))))
        for _ in range(int(rng.integers(0, 4))):
            raw[int(rng.integers(6, len(raw)))] = int(rng.integers(0, 256))
        Image.fromarray(pixels).save(tmp_path / f"{i}.jpg", exif=bytes(raw))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own
        assert len(image_folder(tmp_path)) == 120


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_whatever_befalls_a_file_it_is_read_or_named(kind, tmp_path):
    """Cut and changed at random places: the others are read, and nothing else is raised."""
    rng = np.random.default_rng(1)
    for i in range(4):
        Image.fromarray(noise(9, 9, 3)).convert("RGB").save(tmp_path / f"good{i}.png")
    buffer = io.BytesIO()
    Image.fromarray(noise(9, 9, 3)).save(buffer, {"jpg": "jpeg", "tif": "tiff"}.get(kind, kind))
    whole = buffer.getvalue()
    for i in range(40):
        raw = bytearray(whole[: int(rng.integers(0, len(whole)))] if i % 2 else whole)
        for _ in range(int(rng.integers(1, 9)) if raw else 0):
            raw[int(rng.integers(0, len(raw)))] = int(rng.integers(0, 256))
        (tmp_path / f"bad{i:02d}.{kind}").write_bytes(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, of what it still could read
        images = image_folder(tmp_path, skip_bad=True, channels=3)
        assert 4 <= len(images) <= 44
        streamed = StreamedFolder(tmp_path, 9, channels=3, skip_bad=True)
        assert len(streamed) >= len(images)
        try:
            image_folder(tmp_path, channels=3)
        except ValueError as error:
            assert "bad" in str(error)  # noqa: PT017


# -- what numbers mean ----------------------------------------------------------------------------


def test_the_undershoot_of_an_interpolation_changes_nothing_else():
    x = RNG.random((8, 3, 8, 8))
    x[0, 0, 0, 0], x[1, 0, 0, 0] = -1e-7, 1.02
    images, note = noted(lambda: Images(x))
    assert float(images.pixels.double().mean()) == pytest.approx(255 * x.clip(0, 1).mean(), abs=0.1)
    assert "were taken for [0, 1] and clipped" in note
    both, note = noted(lambda: Images(2 * x.clip(0, 1) - 1))
    assert int((both.pixels.int() - images.pixels.int()).abs().max()) <= 1
    assert not note


KINDS = {  # dtype, the range of its numbers as fractions of white
    "uint8": 255, "int16": 255, "uint16": 255, "int32": 255, "uint32": 255, "uint64": 255,
    "int64": 255, ">u2": 255, "float16": 1, "float32": 1, "float64": 1, ">f8": 1,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["NHW", "NCHW", "NHWC"])
def test_arrays_of_each_kind_hold_the_same_images(kind, order, tmp_path):
    levels = noise(5, 6, 6) if order == "NHW" else noise(5, 3, 6, 6)
    x = (levels / 255 if KINDS[kind] == 1 else levels).astype(kind)
    x = x.transpose(0, 2, 3, 1) if order == "NHWC" else x
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", images=x, labels=np.arange(5))
    wanted = torch.from_numpy(levels).reshape(5, -1, 6, 6)
    for images in (Images(x), load_images(tmp_path / "x.npy"), load_images(tmp_path / "x.npz")):
        assert int((images.pixels.int() - wanted.int()).abs().max()) <= (kind == "float16")


def test_black_and_white_are_black_and_white():
    x = RNG.random((4, 8, 8)) > 0.5
    assert set(Images(x).pixels.unique().tolist()) == {0, 255}


@pytest.mark.parametrize("kind", ["object", "str", "complex64", "datetime64[s]"])
def test_what_is_no_number_is_refused_in_a_sentence(kind):
    with pytest.raises(ValueError, match="images must be numbers, bytes or floats, got "):
        Images(np.zeros((3, 4, 4), dtype="int8").astype(kind))


@pytest.mark.parametrize("high", [256, 1000, 65535])
def test_deep_whole_numbers_are_refused_in_a_sentence(high):
    x = RNG.integers(0, high + 1, (3, 4, 4)).astype(np.uint16)
    x[0, 0, 0] = high
    with pytest.raises(ValueError, match=rf"must lie in 0\.\.255 as whole numbers, got .*{high}"):
        Images(x)


def test_an_array_file_of_several_arrays_or_none_is_named(tmp_path):
    np.savez(tmp_path / "two.npz", a=noise(3, 4, 4), b=noise(3, 4, 4))
    with pytest.raises(ValueError, match=r"two\.npz must hold one array of images.*has a \(3, 4"):
        load_images(tmp_path / "two.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "two.npz").read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"cut\.npz holds no whole array"):
        load_images(tmp_path / "cut.npz")


def test_features_of_tensors_that_are_not_what_they_seem_are_noted():
    extract = load_extractor("cifar")
    unit = torch.from_numpy(RNG.random((4, 3, 32, 32)))
    _, note = noted(lambda: extract(unit))
    assert "are they in [0, 1]? Then pass 2 * images - 1." in note
    assert not noted(lambda: extract(2 * unit - 1))[1]


# -- two paths, one preparation -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [(32, 64), (20, 12), (32, 32)])
def test_images_against_themselves_have_the_distance_zero(size, tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "r", 20, size)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path))  # where real features are kept
    np.save("a.npy", np.stack([np.asarray(Image.open(f)) for f in sorted(folder.iterdir())]))
    np.savez("a.npz", np.load("a.npy"))
    with zipfile.ZipFile("a.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    sources = ("r", "a.npy", "a.npz", "a.zip")
    found = evaluation.evaluate(*sources, data="r", n=20, features="cifar", out="scores")
    assert [row.source for row in found.rows] == list(sources)
    assert all(abs(row.scores["frechet"]) < 1e-6 for row in found.rows)


def test_a_stream_refuses_what_memory_refuses(photos, tmp_path):
    Image.fromarray(noise(16, 16)).save(photos / "00.png")
    for read in (image_folder, lambda p, **how: StreamedFolder(p, 16, **how)):
        with pytest.raises(
            ValueError, match=r"1 of 6 images .*00\.png is 16 x 16 and grey.* color"
        ):
            read(photos)
        assert len(read(photos, skip_bad=True)) == 5
        assert read(photos, channels=3).shape == (3, 16, 16)
    many = folder_of(tmp_path / "many", 230)
    Image.fromarray(noise(16, 16)).save(many / "01.png")  # not among those that are looked at
    stream = StreamedFolder(many, 16)
    with pytest.raises(ValueError, match=r"01\.png is 16 x 16 and grey"):
        stream.read(torch.arange(230))


def test_a_stream_draws_what_memory_draws(photos):
    a, b = image_folder(photos, 8), StreamedFolder(photos, 8)
    torch.testing.assert_close(*(
        x.sample(9, torch.Generator().manual_seed(1)) for x in (a, b)
    ), rtol=0, atol=0)  # fmt: skip


# -- the language of the command line -------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_files_that_do_not_fit_are_met_by_flags_that_exist(command, photos, tmp_path, capsys):
    Image.fromarray(noise(9, 5)).save(photos / "scan.png")
    out = ["--out", tmp_path / "run"]
    data = {
        "train": ["train", "faces-dcgan", "--data", photos, "--features", 1, "--steps", 1, *out],
        "evaluate": ["evaluate", photos, "--data", photos, "-n", 10, *out],
    }[command]
    data += ["--batch-size", 2] if command == "train" else []
    assert run(*data) == 2
    said = capsys.readouterr().err
    assert "scan.png is" in said
    assert (
        "Pass --size ... to scale all, --channels 3 or 1 to convert all, or --skip-bad to" in said
    )
    if command == "train":
        assert run(*data, "--skip-bad") == 0
        run_again = [*data[:-4], "--batch-size", 2, "--out", tmp_path / "grey", "--channels", 1]
        assert run(*run_again) == 0


def test_a_device_that_is_not_there_is_one_sentence(photos, tmp_path, capsys):
    if torch.backends.mps.is_available():
        pytest.skip("it is there")
    train = ["train", "faces-dcgan", "--steps", 1, "--out", tmp_path / "run"]
    for command in (train, ["evaluate", photos, "--data", photos, "-n", 10]):
        assert run(*command, "--device", "mps") == 2
        said = capsys.readouterr().err
        assert said.startswith(
            "gan-teach: --device 'mps' was asked for, but no GPU is available here"
        )
        assert said.count("\n") == 1


@pytest.mark.slow
def test_reading_threads_need_no_main_guard(photos):
    """A script without ``if __name__ == "__main__"`` may read, and train, from files."""
    code = (
        "from gan_teach.data import StreamedFolder\nimport torch\n"
        f"x = StreamedFolder({str(photos)!r}, 8, workers=2)\n"
        "print(tuple(x.sample(3, torch.Generator()).shape))"
    )
    root = str(Path(cli.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": root})  # fmt: skip
    assert done.stdout.strip() == "(3, 3, 8, 8)", done.stderr


# -- what is in a folder --------------------------------------------------------------------------


def test_what_hides_behind_transparency_is_not_trained_on(photos):
    layers = noise(16, 16, 4)
    layers[:8, :, 3], layers[8:, :, 3] = 0, 255
    for file in photos.iterdir():
        file.unlink()
    Image.fromarray(layers).save(photos / "a.png")
    Image.fromarray(layers).save(photos / "b.webp", lossless=True)
    images, note = noted(lambda: image_folder(photos))
    assert (images.pixels[:, :, :8] == 255).all()
    np.testing.assert_array_equal(images.pixels[0, :, 8:].permute(1, 2, 0), layers[8:, :, :3])
    assert "2 images are transparent: white was put behind, such as " in note
    layers[..., 3] = 255
    Image.fromarray(layers).save(photos / "a.png")
    (photos / "b.webp").unlink()
    images, note = noted(lambda: image_folder(photos))
    assert not note
    np.testing.assert_array_equal(images.pixels[0].permute(1, 2, 0), layers[..., :3])


def test_other_suffixes_are_read_or_counted(photos):
    picture = Image.fromarray(noise(16, 16, 3))
    picture.save(photos / "camera.JFIF", format="jpeg")
    for left in ("phone.heic", "raw.CR2"):
        (photos / left).write_bytes(b"x")
    read = 7
    if features.check("avif"):
        picture.save(photos / "new.avif")
        read += 1
    (photos / "notes.txt").write_text("no picture")
    images, note = noted(lambda: image_folder(photos))
    assert len(images) == read
    assert f"{read} images, left out 2 (.cr2, .heic)." in note


def test_links_are_followed_once(photos, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("cats", "dogs"):
        (linked / name).symlink_to(folder_of(tmp_path / "store" / name, 3))
    (tmp_path / "store" / "cats" / "round").symlink_to(linked)  # a circle
    images = image_folder(linked)
    assert (len(images), images.classes) == (6, ("cats", "dogs"))


def test_what_is_cut_off_is_said(tmp_path):
    folder = folder_of(tmp_path / "wide", 3, WIDE)
    _, note = noted(lambda: image_folder(folder, 8))
    assert "3 images are not square: the middle was cut out, such as 00.png." in note
    _, note = noted(lambda: Images(noise(3, *WIDE)).resized(8))
    assert "not square" in note


def test_the_command_says_it_in_a_line(tmp_path, capsys):
    folder = folder_of(tmp_path / "wide", 4, WIDE)
    few = ["--features", 1, "--batch-size", 2, "--steps", 1, "--out", tmp_path / "run"]
    assert run("train", "faces-dcgan", "--data", folder, *few) == 0
    said = capsys.readouterr().err.splitlines()
    assert (
        f"gan-teach: {folder}: 4 images are not square: the middle was cut out, such as" in said[0]
    )


# -- a learner's own networks ---------------------------------------------------------------------


def game(*layers, **settings):
    data = Normal(dim=2)
    return GAN(nn.Linear(2, 2), nn.Sequential(*layers), data=data, latent=data, **settings)


def test_a_sigmoid_before_a_logistic_loss_is_noted():
    layers = nn.Linear(2, 1), nn.Sigmoid()
    for loss in ("saturating", "non_saturating", "relativistic"):
        assert "discriminator ends in Sigmoid (1)" in noted(lambda: game(*layers, loss=loss))[1]  # noqa: B023
    assert "ends in" in noted(lambda: game(*layers, label_smoothing=0.9))[1]
    assert not noted(lambda: game(*layers, loss="wasserstein"))[1]
    assert not noted(lambda: game(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1)))[1]


def test_batch_norm_under_a_penalty_is_noted():
    layers = nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)
    note = noted(lambda: game(*layers, penalties=penalties.r1()))[1]
    assert "discriminator has BatchNorm1d (1), which mixes the samples of a batch" in note
    assert not noted(lambda: game(*layers))[1]
    layers = nn.Linear(2, 4), nn.LayerNorm(4), nn.Linear(4, 1)
    assert not noted(lambda: game(*layers, penalties="r1(1)"))[1]


@pytest.mark.parametrize("tail", [(), (1,), (1, 1), (1, 1, 1)])
def test_trailing_ones_of_logits_are_dropped(tail):
    plain = game(nn.Linear(2, 1))
    shaped = game(nn.Linear(2, 1), nn.Flatten(0), nn.Unflatten(0, (-1, *tail)))
    shaped.discriminator[0].load_state_dict(plain.discriminator[0].state_dict())
    x = torch.randn(5, 2)
    torch.testing.assert_close(shaped.critic(x), plain.critic(x))
    with pytest.raises(ValueError, match=r"returned shape \(2, 3\) for a batch of shape \(2,\)"):
        game(nn.Linear(2, 3))


# -- other machines -------------------------------------------------------------------------------


def test_a_file_that_is_open_elsewhere_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "WAITS", (0.0, 0.0))
    replace, refused = os.replace, []

    def busy(*paths):
        if len(refused) < 2:
            refused.append(paths)
            raise PermissionError(13, "used by another process", str(paths[0]))
        replace(*paths)

    monkeypatch.setattr(os, "replace", busy)
    with _files.replacing(tmp_path / "x") as partial:
        partial.write_text("whole")
    assert (tmp_path / "x").read_text() == "whole"


def test_a_table_that_stays_open_does_not_end_the_run(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "WAITS", ())
    replace = os.replace

    def locked(partial, path):
        if Path(path).name == "losses.csv":
            raise PermissionError(13, "used by another process", str(partial))
        replace(partial, path)

    monkeypatch.setattr(os, "replace", locked)
    config = image_gan("faces-dcgan", data=photos, size=16, features=1, batch_size=2, steps=2)
    _, note = noted(lambda: train_images(config, tmp_path / "run", say=lambda text: None))
    assert "losses.csv" in note
    assert "the run goes on" in note
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 2


def test_weights_that_were_saved_in_parallel_are_read(tmp_path):
    g = CNNGenerator(32, 2, 5)
    names = {"0.0": "l1", "1": "deconv1", "2": "deconv1_bn", "4": "deconv2", "5": "deconv2_bn"}
    names |= {"7": "deconv3", "8": "deconv3_bn", "10": "conv4"}
    state = {}
    for name, value in g.state_dict().items():
        part, _, entry = name.rpartition(".")
        state[f"module.{names[part]}.{entry}"] = value
    torch.save(state, tmp_path / "g.pth")
    z = torch.randn(4, 5)
    torch.testing.assert_close(load_rsgan_generator(tmp_path / "g.pth")(z), g(z))
