"""Two processes train what one trains: gradients to the last digits, the same files from one."""

# pyright: reportArgumentType=false

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import two_processes
from gan_teach import cli, dynamics
from gan_teach.data import Normal
from gan_teach.games import GAN, penalties
from gan_teach.models import MLP
from gan_teach.training import processes
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.training.processes import World, share

accelerate = pytest.importorskip("accelerate", reason="needs Accelerate: pip install accelerate")
TESTS = Path(__file__).parent
QUIET = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environment(**more):
    paths = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}


def two(*command):
    """Run a command in two processes that know of each other, as a launcher starts them."""
    port = str(free_port())
    started = [
        subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(
                RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
                MASTER_ADDR="127.0.0.1", MASTER_PORT=port,
            ),
        )
        for rank in "01"
    ]  # fmt: skip
    ended = [(process.communicate(timeout=300), process.returncode) for process in started]
    return [(code, out, err) for (out, err), code in ended]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What two processes found."""
    folder = tmp_path_factory.mktemp("two")
    ended = two(TESTS / "two_processes.py", folder)
    assert [code for code, _, _ in ended] == [0, 0], ended
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone():
    return two_processes.gradients(World())


@pytest.mark.slow
@pytest.mark.parametrize("case", two_processes.CASES)
def test_gradients_are_those_of_one_process_on_the_whole_batch(case, pair, alone):
    for found in pair:
        torch.testing.assert_close(found["gradients"][case], alone[case], rtol=1e-12, atol=1e-12)
    assert any(float(x.abs().max()) > 1e-3 for x in alone[case])


@pytest.mark.slow
def test_both_processes_stay_at_the_same_point(pair):
    for what in ("weights", "weights in bfloat16"):
        assert torch.equal(pair[0][what], pair[1][what])
    torch.testing.assert_close(pair[0]["weights"], two_processes.weights(World()))
    half = two_processes.weights(World(), "bf16")
    torch.testing.assert_close(pair[0]["weights in bfloat16"], half, rtol=0, atol=2e-3)
    assert [found["any"] for found in pair] == [[True, False]] * 2


def test_dragan_of_halves_with_their_own_spread_would_be_another():
    penalty, game = penalties.dragan(), two_processes.game()
    real = game.data.sample(6, torch.Generator().manual_seed(0)).double()
    noise = penalty.draw(real, torch.Generator().manual_seed(1))
    whole = penalty(game.critic, real, real, noise)
    known = penalty.prepare(real, noise)
    apart, together = (
        sum(
            penalty(game.critic, real[rows], real[rows], tuple(x[rows] for x in given))
            for rows in (slice(0, 3), slice(3, 6))
        ) / 2
        for given in (noise, known)
    )  # fmt: skip
    assert abs(together - whole) < 1e-12
    assert abs(apart - whole) > 1e-9


def test_what_cannot_be_shared_is_said():
    world = World(0, 2)
    game = two_processes.game()
    rule = dynamics.optimistic()
    assert share(game, rule, World()) is rule
    with pytest.raises(ValueError, match=r"optimistic.* cannot be shared by processes"):
        share(game, rule, world)
    d = nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Linear(4, 1))
    dropping = GAN(MLP(2, 2), d, data=Normal(dim=2), latent=Normal(dim=2))
    with pytest.raises(ValueError, match="dropout cannot be shared"):
        share(dropping, dynamics.alternating(), world)
    from gan_teach.training import train

    with pytest.raises(ValueError, match="batch_size=7 cannot be shared by 2 processes"):
        list(train(game, share(game, dynamics.alternating(), world), steps=1, batch_size=7))


def test_several_processes_without_accelerate(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ValueError, match=r"pip install 'gan-teach\[scale\]'"):
        processes.join()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert processes.join() == World()


@pytest.mark.slow
def test_torchrun_trains_what_one_process_resumes(digits, tmp_path):
    """Two steps by two processes, two more by one, are the four steps of one, up to rounding."""
    train = ["train", "mnist-dcgan", "--data", digits, "--batch-size", "4", "--features", "2"]
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2",
              "--master_port", str(free_port()), "-m", "gan_teach"]  # fmt: skip
    command = [*launch, *train, "--device", "cpu", "--steps", "2", "--out", tmp_path / "two"]
    done = subprocess.run([sys.executable, *map(str, command)], env=environment(), timeout=300,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("grey images of 28 x 28") == 1  # one process speaks
    assert "2 processes share each batch" in done.stdout
    assert json.loads((tmp_path / "two" / "settings.json").read_text())["processes"] == 2
    assert cli.main([*map(str, train), "--steps", "2", "--out", str(tmp_path / "one")]) == 0
    for out in (tmp_path / "one", tmp_path / "two"):
        resumed = ["--steps", "4", "--resume", str(out)]
        assert cli.main([*map(str, train), *resumed]) == 0
    one, two = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("one", "two"))
    torch.testing.assert_close(one["game"], two["game"], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(one["extras"], two["extras"], rtol=1e-3, atol=1e-4)
    names, rows = [], []
    for name in ("one", "two"):
        names.append(sorted(f.name for f in (tmp_path / name).rglob("*")))
        with (tmp_path / name / "losses.csv").open(newline="") as text:
            table = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(text)]
        own = {"d_real", "d_fake", "seconds", "images_per_second"}  # of one process, and of the day
        rows.append([[v for k, v in row.items() if k not in own] for row in table])
    assert names[0] == names[1]
    np.testing.assert_allclose(*rows, rtol=1e-3)
