"""Images read by other processes: the same draws, the same run, for any number of them."""

# pyright: reportArgumentType=false

import os
import signal
import subprocess
import sys
import textwrap
import time

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
    """Without and with other processes."""
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


@pytest.mark.parametrize("rule", [None, lambda: dynamics.alternating(d_steps=2, d_every=2)])
def test_the_number_of_processes_does_not_change_a_run(rule, streams, folder, tmp_path):
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
        stream = StreamedFolder(tmp_path, 8, channels=3, workers=workers)
        with pytest.raises(ValueError, match=r"0\.png cannot be read"):
            stream.sample(9, rng(0))
    with pytest.raises(ValueError, match=r"0\.png cannot be read"):
        StreamedFolder(tmp_path, 8)  # what kind its images are is seen in the first
    assert len(StreamedFolder(tmp_path, 8, skip_bad=True)) == 1
    (tmp_path / "1.png").unlink()
    with pytest.raises(ValueError, match="none of the 1 images"):
        StreamedFolder(tmp_path, 8, skip_bad=True)
    with pytest.raises(ValueError, match=r"batch_size=21, but .* has only 20"):
        StreamedFolder(folder, 8).check_batch(21)


def test_grey_and_color_follow_the_first_unless_said(folder):
    assert StreamedFolder(folder, 8).shape == (3, 8, 8)
    grey = StreamedFolder(folder, 8, channels=1)
    wanted = image_folder(folder, 8, channels=1)
    assert torch.equal(grey.sample(5, rng(0)), wanted.sample(5, rng(0)))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_readers_end_with_a_process_that_was_killed(folder):
    script = textwrap.dedent("""
        import sys, time, torch
        from gan_teach.data import StreamedFolder
        stream = StreamedFolder(sys.argv[1], 8, workers=2)
        stream.sample(20, torch.Generator())
        print(*stream._pool._processes, flush=True)
        time.sleep(600)
    """)
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)],
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    readers = [int(pid) for pid in process.stdout.readline().split()]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 60
    while any(map(alive, readers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert readers
    assert not any(map(alive, readers))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
