"""Image runs whose process is killed: between any two file operations, and at random moments."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from gan_teach._files import read_csv
from gan_teach.studies.image_runs import train_images
from gan_teach.zoo import image_gan

TIMES = ("seconds", "images_per_second")
pytestmark = pytest.mark.slow

# Children are forked, so that torch is imported only once.
COMMON = """
    import itertools, os, random, signal, sys, time
    from pathlib import Path
    from gan_teach.training.checkpoints import load_checkpoint
    from gan_teach.studies.image_runs import snapshots, train_images
    from gan_teach.zoo import image_gan

    data, folder = sys.argv[1], Path(sys.argv[2])

    def child(work):
        pid = os.fork()
        if pid == 0:
            try:
                work()
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        return pid

    def ended(pid):
        return os.waitpid(pid, 0)[1]

    def train(out, steps, every):
        settings = image_gan("mnist-vanilla", data=data, steps=steps, batch_size=3, features=1)
        train_images(settings, out, every=every, resume=True, say=lambda text: None)

    train(folder.with_name("first"), 1, 1)  # imports what is imported late, once for all children
"""


def run(script, *arguments):
    code = textwrap.dedent(COMMON) + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)],
                          capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def whole_run(digits, out, steps, every):
    settings = image_gan("mnist-vanilla", data=str(digits), steps=steps, batch_size=3, features=1)
    train_images(settings, out, every=every, say=lambda text: None)
    return out


def assert_same(found, wanted):
    """Every file of two runs: the same names, and the same content down to the last bit.

    But for the speed, which is in the table and in its picture.
    """
    names = [sorted(str(f.relative_to(out)) for f in out.rglob("*")) for out in (found, wanted)]
    assert names[0] == names[1]
    for name in names[0]:
        one, two = found / name, wanted / name
        if name.startswith("generators/"):  # an archive holds the name it was written under
            one, two = (torch.load(path, weights_only=True) for path in (one, two))
            torch.testing.assert_close(one, two, rtol=0, atol=0)
        elif name == "losses.csv":
            for row, other in zip(read_csv(one), read_csv(two), strict=True):
                assert {**row, **dict.fromkeys(TIMES)} == {**other, **dict.fromkeys(TIMES)}
        elif name == "losses.png":
            assert one.stat().st_size > 10_000
        elif one.is_file():
            assert one.read_bytes() == two.read_bytes(), name


def test_killed_between_any_two_file_operations(digits, tmp_path):
    """Run k dies just before a file is synced or takes its name for the k-th time."""
    reached = run(
        """
        def dying_at(k):
            passed = itertools.count()

            def fatal(call):
                def called(*arguments):
                    if next(passed) == k:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return call(*arguments)
                return called

            os.replace, os.fsync = fatal(os.replace), fatal(os.fsync)

        def doomed(k):
            dying_at(k)
            train(folder / str(k), 4, 2)

        for k in itertools.count():
            status = ended(child(lambda: doomed(k)))
            if status == 0:
                break
            assert status == signal.SIGKILL, status
            print((folder / str(k) / "checkpoint.pt").exists(), flush=True)
            assert ended(child(lambda: train(folder / str(k), 4, 2))) == 0
        """,
        digits,
        tmp_path / "killed",
    ).split()
    wanted = whole_run(digits, tmp_path / "whole", 4, 2)
    saves = 2 * (1 + 2 + 1)  # two saves of one snapshot, two sheets and a checkpoint,
    written = 1 + saves + 1  # settings before them, losses at the end
    assert len(reached) == 2 * written  # each file is synced, then takes its name
    assert reached == sorted(reached)  # from the first save on there is always a checkpoint
    for k in range(len(reached) + 1):
        assert_same(tmp_path / "killed" / str(k), wanted)


def test_killed_at_random_moments_and_resumed_to_the_same_end(digits, tmp_path):
    """A run killed again and again, each time shortly after it was seen to save."""
    lines = run(
        """
        chance, file = random.Random(1), folder / "checkpoint.pt"

        def version():
            return file.stat().st_ino if file.exists() else 0

        for kill in range(5):
            before, pid = version(), child(lambda: train(folder, 60, 5))
            deadline = time.monotonic() + 60
            while version() == before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(chance.uniform(0.0, 0.1))
            os.kill(pid, signal.SIGKILL)
            killed = ended(pid) == signal.SIGKILL
            print(int(killed), load_checkpoint(file)["step"], max(snapshots(folder)))
        assert ended(child(lambda: train(folder, 60, 5))) == 0
        """,
        digits,
        tmp_path / "killed",
    ).splitlines()
    killed, steps, begun = np.array([line.split() for line in lines], int).T
    assert killed.sum() >= 2
    assert (np.diff(steps) >= 0).all()
    assert (steps >= begun - 5).all()  # a snapshot is written first: what was lost is its 5 steps
    assert_same(tmp_path / "killed", whole_run(digits, tmp_path / "whole", 60, 5))
