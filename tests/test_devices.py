"""Devices, without a GPU: fake tensors, generators that are watched, and what the source says."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import ast
import contextlib
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

import gpu
import structure
from cases import FUNCTIONS
from gan_teach import _devices, zoo
from gan_teach.data import Images
from gan_teach.dynamics.optim import OPTIMIZERS
from gan_teach.dynamics.streams import generator
from gan_teach.games import losses, penalties
from gan_teach.games.ensemble import stack
from gan_teach.metrics.features import classifier as features
from gan_teach.models import dropout
from gan_teach.studies import bogonet, image_runs
from gan_teach.training import loop, processes, train
from gan_teach.training.processes import World

CUDA = torch.device("cuda", 0)
fake_gpu = pytest.mark.skipif(
    torch.__version__.startswith("2.4."), reason="torch 2.4's fake CUDA tensors want a driver"
)


def images(channels, size):
    pixels = np.random.default_rng(0).integers(0, 256, (8, channels, size, size), dtype=np.uint8)
    return Images(pixels, dequantize=True)


def published(name):
    config = zoo.IMAGE_GANS[name]
    channels = 1 if "mnist" in config.data or config.data == "faces" else 3
    channels = 3 if config.data == "stacked-mnist" else channels
    config = replace(config, features=2)
    return config.game(images(channels, config.size))


PENALTIES = [make() for make in penalties.PENALTIES.values()]
GAMES = {
    "line": zoo.line_gan,
    "line, blurred": lambda: zoo.line_gan(noise=0.5),
    "two clusters": zoo.two_clusters,
    "half circles": zoo.half_circles,
    "half circles, improved": zoo.half_circles_improved,
    "misspecified": zoo.misspecified_gan,
    **{
        f"five Gaussians, {name}": partial(
            zoo.five_gaussians, loss=loss, width=4, penalties=PENALTIES
        )
        for name, loss in losses.LOSSES.items()
    },
    **{f"Dirac, {name}": method.game for name, method in zoo.DIRAC_METHODS.items()},
    **{name: lambda make=make: make().game() for name, make in FUNCTIONS.items()},
    "ensemble": lambda: stack(
        [zoo.line_gan(s, noise=0.1 * s, loss=loss) for s, loss in enumerate(losses.LOSSES)]
    ),
    "ensemble with dropout": lambda: stack([zoo.half_circles(s) for s in (0, 1)]),
    "ensemble with penalties": lambda: stack(
        [zoo.five_gaussians(width=4, penalties=p) for p in PENALTIES]
    ),
    **{name: partial(published, name) for name in zoo.IMAGE_GANS},
}


def faked(mode, x):
    """A tensor on a GPU like ``x``; it holds no numbers."""
    with mode:
        return torch.empty(x.shape, dtype=x.dtype, device=CUDA)


def on_fake_gpu(game, mode):
    """The game with all its parameters and buffers on a GPU that is not there."""
    for part in (p for module in game.modules().values() for p in module.modules()):
        for name, p in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(faked(mode, p)))
        for name, b in part.named_buffers(recurse=False):
            setattr(part, name, faked(mode, b))
    if not game.modules():
        game.x, game.y = (nn.Parameter(faked(mode, p)) for p in (game.x, game.y))
    return game


def rngs(game):
    return [generator(s) for s in range(game.lead[0])] if game.lead else generator(0)


@fake_gpu
@pytest.mark.parametrize("name", GAMES)
def test_nothing_of_a_game_on_a_gpu_stays_on_the_cpu(name, monkeypatch):
    """Data, latents and noise arrive; both losses, penalties but for their gradient, optimizers."""
    # Autograd cannot go back on a GPU that is not there: the slope is replaced by the logit.
    monkeypatch.setattr(penalties, "gradient_norm_squared", lambda critic, x: critic(x) ** 2)
    game = GAMES[name]()
    batch = game.draw(4, rngs(game))
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    on_fake_gpu(game, mode)
    batch = batch.map(lambda x: faked(mode, x))
    with mode:
        for value in (*game.losses(batch), game.loss_d(batch), game.loss_g(batch)):
            assert value.device == CUDA
            assert value.shape == game.lead
        for make in OPTIMIZERS.values():
            step_of(make, game)


def step_of(make, game):
    members = game.lead[0] if game.lead else 0
    rates = [0.1] + ([torch.full((members,), 0.1, dtype=torch.float64)] if members else [])
    for lr in rates:
        optimizer = make(game.d_params, lr)
        optimizer.step([torch.zeros_like(p) for p in game.d_params])
        if members:
            active = torch.arange(members) > 0
            optimizer.step([torch.zeros_like(p) for p in game.d_params], active)
        state = optimizer.state_dict()
        assert all(x.device == CUDA for name in optimizer.slots for x in state[name])


@pytest.mark.parametrize("name", [n for n in GAMES if n not in FUNCTIONS])
def test_a_batch_is_drawn_for_the_device_of_the_game(name):
    game = GAMES[name]()
    game.to("meta")
    seen = []
    game.draw(4, rngs(game)).map(lambda x: seen.append(x.device.type) or x)
    assert set(seen) == {"meta"}


# -- where a run is -------------------------------------------------------------------------------


def test_a_game_stays_where_it_is_unless_a_device_is_named():
    game = zoo.five_gaussians(width=4).to("meta")
    state = next(train(game, steps=1))
    assert state.game.device.type == "meta"


@fake_gpu
def test_devices_are_compared_with_their_index(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    game = zoo.five_gaussians(width=4)
    on_fake_gpu(game, FakeTensorMode())
    moves = []
    monkeypatch.setattr(game, "to", moves.append)
    with FakeTensorMode():
        for device in ("cuda", "cuda:0", "cuda:1", None):
            train(game, steps=1, device=device)
    assert moves == [torch.device("cuda:1")]


def test_a_device_that_is_not_there_is_said_at_the_call():
    with pytest.raises(ValueError, match=r"device='xpu:3' was asked for, but is not there"):
        train(zoo.line_gan(), steps=1, device="xpu:3")


def test_rates_of_members_lie_where_the_game_is():
    game = stack([zoo.line_gan(s) for s in (0, 1)]).to("meta")
    state = next(train(game, steps=1, lr=[0.1, 0.2], tau=[1.0, 2.0]))
    assert {state.optims.g.lr.device.type, state.optims.d.lr.device.type} == {"meta"}
    assert _devices.float64_device(torch.device("mps")).type == "cpu"  # there is no float64 on MPS


def test_processes_join_on_gpus_unless_there_are_none(monkeypatch):
    asked = []

    def partial_state(cpu):
        asked.append(cpu)
        return SimpleNamespace(process_index=0, num_processes=2, device="cpu")

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", SimpleNamespace(PartialState=partial_state))
    for gpus in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpus=gpus: gpus)
        processes.join(None)
        processes.join("cpu")
    assert asked == [False, True, True, True]


def test_a_gpu_that_was_picked_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert processes.join(None) == World(device="cuda")
    assert _devices.described("cuda") == "cuda (a card)"
    assert processes.join("cpu") == World(device="cpu")


# -- random generators ----------------------------------------------------------------------------


def test_generators_of_gpus_are_never_seeded(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", calls.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", calls.append)
    before = torch.get_rng_state()
    for name in zoo.IMAGE_GANS:
        published(name)
    bogonet.random_architecture(0).build(8)
    monkeypatch.setattr(bogonet.classifier, "fit", lambda *given, **how: None)
    for make in (features.digit_network, features.cifar_network, bogonet.judge.__wrapped__):
        make()
    list(train(zoo.half_circles(), steps=2, batch_size=8))
    assert torch.equal(torch.get_rng_state(), before)
    assert calls == []


def test_a_seeded_stretch_draws_what_torch_draws_and_comes_back():
    before = torch.get_rng_state()
    ours = []
    with contextlib.suppress(KeyError), _devices.seeded(5):
        ours.append(torch.rand(4))
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        assert torch.equal(torch.rand(4), ours[0])


def test_dropout_on_a_gpu_seeds_the_generator_there_and_brings_it_back(monkeypatch):
    gpu_generator = generator(1)
    monkeypatch.setattr(_devices, "_generator", lambda device: gpu_generator)
    before = gpu_generator.get_state()
    layers, masks = [nn.Dropout(0.5)], []
    for seed in (7, 8, 7):
        with dropout.masks_of([seed], layers, CUDA):
            masks.append(torch.rand(3, generator=gpu_generator))
        assert torch.equal(gpu_generator.get_state(), before)
    assert torch.equal(masks[0], masks[2])
    assert not torch.equal(masks[0], masks[1])


# -- waiting for a GPU ----------------------------------------------------------------------------


def states(losses, device):
    game = SimpleNamespace(device=torch.device(device))
    for step, loss in enumerate(losses):
        seen = {"g_loss": torch.tensor(loss)}
        yield SimpleNamespace(step=step, d_terms={}, losses=seen, game=game)


@pytest.mark.parametrize(
    ("device", "bad", "reached", "named"),
    [("cpu", 13, 12, 13), ("cuda", 13, 19, 20), ("cuda", 23, 24, 24)],
)
def test_losses_on_a_gpu_are_read_on_every_tenth_step_and_the_last(device, bad, reached, named):
    values = [np.nan if step >= bad else 1.0 for step in range(25)]
    seen = []
    run = loop.stop_on_nan(states(values, device))
    with pytest.raises(loop.DivergedError, match=f"step {named}: the generator's loss is nan"):
        seen.extend(state.step for state in run)
    assert seen[-1] == reached


def test_what_is_broken_is_not_saved(tmp_path):
    run = image_runs.Trained(zoo.image_gan("mnist-vanilla"), (1, 28, 28), {}, 0)
    kept = image_runs.Keeper(tmp_path, run, {}, image_runs.Recording(every=1))
    (state,) = list(states([np.inf], "cuda"))
    with pytest.raises(loop.DivergedError, match="step 0: the generator's loss is inf"):
        kept.save(state)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("size", "expected"), [(1, 25), (2, 3)])
def test_processes_ask_each_other_rarely(monkeypatch, size, expected):
    asked = []
    monkeypatch.setattr(World, "any", lambda world, flag: asked.append(flag) or flag)
    monkeypatch.setattr(World, "wait", lambda world: None)
    run = states([1.0] * 25, "cpu")
    assert image_runs._follow(run, World(0, size), None) == 24
    assert len(asked) == expected


# -- what the source says -------------------------------------------------------------------------


def calls(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def in_front(call):
    """The names of the methods that were called before this one in a chain."""
    while isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        call = call.func.value
        yield name_of(call)


def too_early(text):
    return [
        node.lineno
        for node in calls(ast.parse(text))
        if name_of(node) == "cpu" and "double" in in_front(node)
    ]


def test_numbers_go_to_the_cpu_before_they_become_float64():
    """MPS has no float64."""
    assert too_early("x.flatten(1).double().softmax(-1).cpu().numpy()") == [1]
    assert too_early("x.cpu().double().numpy()") == []
    early = {path.name: too_early(path.read_text("utf-8")) for path in structure.sources()}
    assert {name: lines for name, lines in early.items() if lines} == {}


def test_no_source_seeds_all_generators():
    seeding = {
        path.name
        for path in structure.sources()
        for call in calls(ast.parse(path.read_text("utf-8")))
        if ast.unparse(call.func) in ("torch.manual_seed", "torch.random.fork_rng")
    }
    assert seeding == set()


# -- the script for a machine with a GPU ----------------------------------------------------------


@pytest.mark.slow
def test_the_checks_for_a_gpu_run_on_the_cpu(capfd, monkeypatch):
    monkeypatch.setattr(gpu, "STEPS", gpu.STEPS)
    monkeypatch.setattr(gpu, "WIDTH", gpu.WIDTH)
    assert gpu.main(["all", "--device", "cpu", "--tiny"]) == 0
    said = capfd.readouterr().out
    assert "0 failed" in said
    assert said.count("ratio") == 4


def test_arithmetic_is_set_within_and_put_back():
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = cuda.allow_tf32, cudnn.allow_tf32, torch.are_deterministic_algorithms_enabled()
    with _devices.arithmetic(tf32=True, deterministic=True):
        assert cuda.allow_tf32
        assert cudnn.allow_tf32
        with pytest.raises(RuntimeError, match="deterministic"):
            torch.zeros(2).put_(torch.tensor([0, 0]), torch.ones(2))  # what has no such algorithm
    with _devices.arithmetic():
        assert not cuda.allow_tf32
        assert not cudnn.allow_tf32
    now = cuda.allow_tf32, cudnn.allow_tf32, torch.are_deterministic_algorithms_enabled()
    assert now == before


def test_jobs_of_a_sweep_have_a_gpu_each(monkeypatch, tmp_path):
    from gan_teach.studies import sweeps

    monkeypatch.setattr(sweeps, "gpus", lambda: ["cuda:0", "cuda:1"])
    seen = []
    monkeypatch.setattr(sweeps, "Study", lambda jobs, *_, **how: seen.append(jobs) or seen_results)
    seen_results = SimpleNamespace(results=lambda: iter(()))
    runs = {f"seed{k}": zoo.image_gan("mnist-dcgan", seed=k) for k in range(3)}
    for jobs, device in ((2, "cuda"), (1, "cuda"), (2, "cpu")):
        list(sweeps.sweep_images(runs, tmp_path, jobs=jobs, device=device))
    assert [[job.device for job in jobs.values()] for jobs in seen] == [
        ["cuda:0", "cuda:1", "cuda:0"], ["cuda"] * 3, ["cpu"] * 3,
    ]  # fmt: skip
