"""Images read when they are drawn: the same draws, the same run, for any number of threads."""

# pyright: reportArgumentType=false

import threading
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from gan_teach import dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.data import Normal, StreamedFolder, image_folder
from gan_teach.games import GAN
from gan_teach.models import convnets as c
from gan_teach.training import train
from gan_teach.training.checkpoints import save_checkpoint

RNG = np.random.default_rng(5)
NOISE = {"flip": True, "dequantize": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos")
    for i in range(20):
        Image.fromarray(RNG.integers(0, 256, (10, 9, 3), dtype=np.uint8)).save(path / f"{i:02}.png")
    return path


@pytest.fixture(scope="module")
def streams(folder):
    """With as many threads as there are cores, and with two."""
    return {workers: StreamedFolder(folder, 8, workers=workers, **NOISE) for workers in (0, 2)}


def rng(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("workers", [0, 2])
def test_draws_are_those_from_memory(workers, streams, folder):
    stream, memory = streams[workers], image_folder(folder, 8).with_noise(**NOISE)
    assert (stream.shape, len(stream)) == (memory.shape, 20)
    for seed in (0, 1, 3):
        one, two = rng(seed), rng(seed)
        ours, theirs = stream.sample(19, one), memory.sample(19, two)
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()  # or convolutions would round in another way
        assert torch.equal(one.get_state(), two.get_state())  # what is drawn next is the same


def end(data, steps, rule=None, resume=None, save_at=None, path=None):
    g, d = c.StableGenerator(8, 2, 5, seed=1), c.StableDiscriminator(8, 2, seed=2)
    game = GAN(g, d, data=data, latent=Normal(dim=5), loss="relativistic")
    for state in train(game, rule, steps=steps, batch_size=12, seed=3, resume=resume):
        if state.step == save_at:
            save_checkpoint(path, state)
    return flatten(game).clone()


@pytest.mark.slow
@pytest.mark.parametrize("rule", [None, lambda: dynamics.alternating(d_steps=2, d_every=2)])
def test_the_number_of_threads_does_not_change_a_run(rule, streams, folder, tmp_path):
    rule = rule or dynamics.alternating
    path = tmp_path / "half.pt"
    ends = [end(stream, 24, rule(), save_at=13, path=path) for stream in streams.values()]
    ends += [end(streams[2], 24, rule(), resume=path)]
    ends += [end(image_folder(folder, 8).with_noise(**NOISE), 24, rule())]
    assert all(torch.equal(one, ends[0]) for one in ends)


def test_bad_files_are_named_when_drawn_or_left_out_at_the_start(folder, tmp_path):
    for i in (0, 1):
        (tmp_path / f"{i}.png").write_bytes((folder / "00.png").read_bytes()[: 60 + 1000 * i])
    for workers in (0, 1):
        with pytest.raises(ValueError, match=r"1 of 2 images .*0\.png cannot be read"):
            StreamedFolder(tmp_path, 8, channels=3, workers=workers)
    stream, whole = StreamedFolder(folder, 8), (folder / "07.png").read_bytes()
    (folder / "07.png").write_bytes(whole[:60])  # after it was looked at
    with pytest.raises(ValueError, match=r"07\.png cannot be read"):
        stream.sample(200, rng(0))
    (folder / "07.png").write_bytes(whole)
    assert len(StreamedFolder(tmp_path, 8, skip_bad=True)) == 1
    (tmp_path / "1.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 1 images .* cannot be read"):
        StreamedFolder(tmp_path, 8, skip_bad=True)
    with pytest.raises(ValueError, match=r"batch_size=21, but .* has only 20"):
        StreamedFolder(folder, 8).check_batch(21)


def test_grey_and_color_follow_the_first_unless_said(folder):
    assert StreamedFolder(folder, 8).shape == (3, 8, 8)
    grey = StreamedFolder(folder, 8, channels=1)
    wanted = image_folder(folder, 8, channels=1)
    assert torch.equal(grey.sample(5, rng(0)), wanted.sample(5, rng(0)))


def test_any_fault_of_a_file_is_a_sentence_with_its_name(folder, tmp_path):
    whole = (folder / "00.png").read_bytes()
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("locked.png", whole)
        archive.writestr("open.png", whole)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # locked.png says that it is encrypted, here and in the directory
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert len(StreamedFolder(path, 8, skip_bad=True)) == 1
    with pytest.raises(ValueError, match=r"1 of 2 images.*locked\.png cannot be read:.*password"):
        image_folder(path)
    with pytest.raises(ValueError, match=r"photos\.zip .*locked\.png cannot be read:.*password"):
        StreamedFolder(path, 8)


@pytest.mark.parametrize("of", ["folder", "zip"])
def test_threads_are_as_many_as_said_and_read_side_by_side(of, folder, tmp_path, monkeypatch):
    source = folder
    if of == "zip":
        source = tmp_path / "photos.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in folder.iterdir():
                archive.write(file, file.name)
    stream = StreamedFolder(source, 8, workers=3)
    full, barrier, names = Image.open, threading.Barrier(3, timeout=30), set()

    def meeting(file):
        barrier.wait()  # passes only when three files are open at once
        names.add(threading.current_thread().name)
        return full(file)

    wanted = image_folder(folder, 8).pixels[:12]
    monkeypatch.setattr(Image, "open", meeting)
    assert torch.equal(stream.read(torch.arange(12)), wanted)
    assert len(names) == 3
