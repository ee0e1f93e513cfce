"""Checks, timings and a training on a GPU: python tests/gpu.py [checks|timings|training|all]

Run from the root of the repository; nothing need be installed but torch, NumPy and SciPy. A check
prints PASS or FAIL, the largest difference that it saw and the limit; the exit status is 1 after a
failure. ``--device cpu`` compares the CPU with itself, which shows that the script works.

A difference of two runs is the largest difference of their parameters, divided by the largest
change of a parameter in the course of the run. Everything is float32 with TF32 off,
but for the adaptive optimizers.

``training --data FOLDER`` takes the 50,000 images of CIFAR-10: the narrow networks of RS-GAN, with
the paired and the separable loss from several seeds, all at a time, for some minutes or to their
end, when they are scored. What is in ``--out`` already goes on.
"""

# pyright: reportArgumentType=false, reportCallIssue=false

import argparse
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import distributed, nn  # noqa: E402

from gan_teach import dynamics, zoo  # noqa: E402
from gan_teach._devices import arithmetic  # noqa: E402
from gan_teach.data import Images, Normal  # noqa: E402
from gan_teach.dynamics.optim import Adam  # noqa: E402
from gan_teach.games import GAN, Game, penalties  # noqa: E402
from gan_teach.games.ensemble import stack  # noqa: E402
from gan_teach.history import History  # noqa: E402
from gan_teach.models import convnets  # noqa: E402
from gan_teach.studies import image_runs  # noqa: E402
from gan_teach.training import (  # noqa: E402
    State,
    processes,
    train,
)
from gan_teach.training.checkpoints import save_checkpoint  # noqa: E402

Result = tuple[str, float, float]  # what was compared, the difference, its limit

# Adam and RMSprop divide gradients by their size, so that rounding alone may move a weight by a
# whole step (on an H100 torch's own Adam strayed by 0.03 in float32): compared in float64.
PLAIN, ADAPTIVE = 1e-3, 1e-6
NEAR = 0.05  # of two losses, when one of the two runs is in bfloat16
WIDTH, STEPS = 8, 20  # features of the networks, steps of a compared run
TINY = 2  # of both, with --tiny


# -- games ----------------------------------------------------------------------------------------


@cache
def pictures(size: int = 16, n: int = 256) -> Images:
    """Noise, smoothed so that neighbouring pixels agree."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 3, size // 4, size // 4), dtype=np.uint8)
    return Images(coarse.repeat(4, 2).repeat(4, 3), dequantize=True, flip=True)


def line() -> Game:
    return zoo.line_gan(seed=0, noise=0.5)


def gaussians(seed: int = 0) -> Game:
    return zoo.five_gaussians(seed=seed, width=32, loss="relativistic")


def function() -> Game:
    return zoo.torus().game().to(torch.float32)


def dcgan() -> Game:
    g = convnets.DCGANGenerator(16, 3, WIDTH, 16, seed=1)
    d = convnets.DCGANDiscriminator(16, 3, WIDTH, seed=2)
    return GAN(g, d, data=pictures(), latent=Normal(dim=16))


def resnet(width: int = 0) -> Game:
    width = width or WIDTH
    g = convnets.StableGenerator(16, width, 16, 3, seed=1)
    d = convnets.StableDiscriminator(16, width, 3, seed=2)
    return GAN(g, d, data=pictures(), latent=Normal(dim=16), penalties=penalties.r1(2.0))


def spectral(autocast: str | None = None) -> Game:
    g = convnets.CNNGenerator(16, WIDTH, 16, 3, seed=1)
    d = convnets.CNNDiscriminator(16, WIDTH, 3, seed=2)
    return GAN(g, d, data=pictures(), latent=Normal(dim=16), autocast=autocast)


GAMES: dict[str, tuple[Callable[[], Game], float]] = {  # with a learning rate
    "line": (line, 0.05),
    "five Gaussians": (gaussians, 0.05),
    "torus": (function, 0.05),
    "DCGAN": (dcgan, 1e-3),
    "ResNet with R1": (resnet, 2e-3),
}
RULES: dict[str, Callable[[], dynamics.Rule]] = {
    **dynamics.RULES,
    "alternating 2:1, one batch": partial(dynamics.alternating, 2, redraw="none"),
    "sga, not aligned": partial(dynamics.symplectic_adjustment, align=False),
}
OPTIMIZERS = {
    "momentum": PLAIN,
    "adam": ADAPTIVE,
    "rmsprop": ADAPTIVE,
    torch.optim.Adam: ADAPTIVE,
}


def parameters(game: Game) -> list[torch.Tensor]:
    return [p.detach().cpu().double() for p in (*game.g_params, *game.d_params)]


def run(game: Game, device: Any, rule: Any = None, steps: int = 0, **settings: Any) -> State:
    """The last state of a run of ``steps``."""
    settings = {"batch_size": 16, **settings}
    *_, state = train(game, rule, steps=steps or STEPS, device=device, **settings)
    return state


def difference(one: Game, other: Game, start: Game) -> float:
    """See the top of this file; infinite when a number is not finite or nothing moved."""
    a, b, zero = parameters(one), parameters(other), parameters(start)
    gap = max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))
    change = max(float((x - y).abs().max()) for x, y in zip(b, zero, strict=True))
    return gap / change if np.isfinite(gap) and change > 0 else np.inf


def few(rules: dict[str, Any], k: int) -> list[tuple[str, Any]]:
    """All rules; with --tiny every third one, others for the next game."""
    return [*rules.items()][k % 3 :: 3] if STEPS == TINY else [*rules.items()]


def exactly(fact: bool) -> tuple[float, float]:
    """Difference and limit of something that is true or false."""
    return (0.0 if fact else np.inf), 0.0


# -- checks ---------------------------------------------------------------------------------------


def steps_agree(device: str) -> Iterator[Result]:
    """All rules, and all optimizers with one rule, on the GPU and on the CPU."""
    for k, (name, (make, lr)) in enumerate(GAMES.items()):
        for title, rule in few(RULES, k):
            runs = [run(make(), where, rule(), lr=lr).game for where in (device, "cpu")]
            yield f"{name}, {title}", difference(*runs, make()), PLAIN
    for optimizer, limit in OPTIMIZERS.items():
        dtype = torch.float64 if limit == ADAPTIVE else torch.float32
        settings = {"optimizer": optimizer, "lr": 1e-3}
        runs = [run(gaussians().to(dtype), where, **settings).game for where in (device, "cpu")]
        yield f"five Gaussians, {optimizer}", difference(*runs, gaussians()), limit
    rule = dynamics.affine_alternating
    runs = [run(line(), where, rule(2, 2), lr=0.05).game for where in (device, "cpu")]
    yield "line, affine_alternating", difference(*runs, line()), PLAIN
    runs = [run(spectral(), where, lr=0.01).game for where in (device, "cpu")]
    yield "SN-CNN, alternating", difference(*runs, spectral()), PLAIN
    runs = [
        run(zoo.misspecified_gan(), where, lr=0.1, batch_size=32).game for where in (device, "cpu")
    ]
    yield (
        "misspecified GAN in float64, alternating",
        difference(*runs, zoo.misspecified_gan()),
        1e-10,
    )


def stays_where_it_is(device: str) -> Iterator[Result]:
    """``device=None`` moves nothing, a device without index is the current one."""
    game = gaussians().to(device)
    where = game.device
    yield "device=None", *exactly(run(game, None, steps=1).game.device == where)
    kind = torch.device(device).type
    yield f"device={kind!r}", *exactly(run(game, kind, steps=1).game.device == where)


def half_precision(device: str) -> Iterator[Result]:
    """bfloat16 trains: finite, moving, and near single precision."""
    settings = {"lr": 2e-4, "optimizer": partial(Adam, betas=(0.5, 0.999))}
    low, full = (run(spectral(cast), device, **settings) for cast in ("bf16", None))
    for name, value in full.losses.items():
        yield f"SN-CNN in bf16, {name}", abs(float(value) - float(low.losses[name])), NEAR
    yield "SN-CNN in bf16 moves", *exactly(difference(low.game, spectral(), full.game) > 0)


def bits_repeat(device: str) -> Iterator[Result]:
    """With deterministic algorithms a run is the same to the last bit; TF32 makes it another."""
    settings = {"lr": 2e-4, "optimizer": partial(Adam, betas=(0.5, 0.999))}

    def once(tf32: bool = False) -> Game:
        with arithmetic(tf32, deterministic=True):
            return run(spectral(), device, **settings).game

    first = once()
    yield "SN-CNN, deterministic, again", difference(once(), first, spectral()), 0.0
    gap = difference(once(tf32=True), first, spectral())
    yield "SN-CNN, TF32 is near", gap, 1.0  # Adam divides by sizes: a weight may move otherwise
    if device != "cpu":
        yield "SN-CNN, TF32 differs", *exactly(gap > 0)


def resumes(device: str) -> Iterator[Result]:
    """A checkpoint continues on the other device, and on its own bit for bit."""
    rules = {"optimistic": dynamics.optimistic, "lookahead": dynamics.lookahead}
    for title, rule in rules.items():
        settings = {"optimizer": "momentum", "lr": 0.02, "seed": 3}
        whole = {at: run(gaussians(), at, rule(), **settings).game for at in (device, "cpu")}
        with tempfile.TemporaryDirectory() as folder:
            for first, then in ((device, "cpu"), ("cpu", device), (device, device)):
                half = run(gaussians(), first, rule(), steps=STEPS // 2, **settings)
                path = save_checkpoint(Path(folder) / "run.pt", half)
                resumed = run(emptied(gaussians()), then, rule(), resume=path, **settings).game
                limit = 0.0 if first == then else PLAIN
                gap = difference(resumed, whole[then], gaussians())
                yield f"{title}, from {first} to {then}", gap, limit


def runs_in_files(device: str) -> Iterator[Result]:
    """What ``gan-teach train`` does, averages of G and scores included, on the GPU and the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        path, runs = Path(folder) / "pictures.npy", {}
        np.save(path, pictures().pixels.permute(0, 2, 3, 1).numpy())
        config = zoo.image_gan(
            "cifar-dcgan-small", data=str(path), size=16, features=WIDTH, batch_size=16,
            steps=STEPS, averages=(0.9,),
        )  # fmt: skip
        for k, where in enumerate((device, "cpu")):
            how = {"device": where, "every": STEPS // 2, "say": lambda text: None}
            runs[k] = image_runs.train_images(config, path.with_name(f"run-{k}"), **how)
        for which in ("raw", "0.9"):
            nets = [run.generators[which].cpu() for run in runs.values()]
            one, other = (torch.nn.utils.parameters_to_vector(net.parameters()) for net in nets)
            gap = ((one - other).norm() / other.norm()).detach()
            yield f"files of a run, {which}", float(gap), PLAIN


def emptied(game: Game) -> Game:
    """All parameters are 0: what a resumed run has comes from its checkpoint."""
    with torch.no_grad():
        for p in (*game.g_params, *game.d_params):
            p.zero_()
    return game


def dropout_repeats(device: str) -> Iterator[Result]:
    """Masks are a function of (seed, step), on the GPU's own generator too."""
    make, rule = zoo.half_circles, zoo.HALF_CIRCLES.rule
    settings = {"lr": 1e-3, "batch_size": 32}
    first = run(make(), device, rule(), seed=1, **settings).game
    torch.rand(7, device=device)  # what somebody draws in between changes nothing
    again = run(make(), device, rule(), seed=1, **settings).game
    yield "dropout, the same seed", difference(again, first, make()), 0.0
    with tempfile.TemporaryDirectory() as folder:
        half = run(make(), device, rule(), steps=STEPS // 2, seed=1, **settings)
        path = save_checkpoint(Path(folder) / "run.pt", half)
        resumed = run(make(), device, rule(), seed=1, resume=path, **settings).game
        yield "dropout, resumed", difference(resumed, first, make()), 0.0
    other = run(make(), device, rule(), seed=2, **settings).game
    yield "dropout, another seed differs", *exactly(difference(other, first, make()) > 0)


def generators_untouched(device: str) -> Iterator[Result]:
    """Building and training leave all of torch's own generators as they were."""
    torch.rand(3, device=device)
    before = generator_states()
    for make in (dcgan, resnet, spectral):
        make()
    built = generator_states()
    yield "generators after building", *exactly(same(before, built))
    run(zoo.half_circles(), device, steps=2)
    run(dcgan(), device, steps=2)
    run(stack([zoo.half_circles(s) for s in (0, 1)]), device, steps=2, seed=[0, 1])
    yield "generators after training", *exactly(same(before, generator_states()))


def generator_states() -> list[torch.Tensor]:
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *gpus]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def ensembles_agree(device: str) -> Iterator[Result]:
    """Members with rates, step counts, noise and penalties of their own."""
    members: dict[str, Callable[[], Game]] = {
        "five Gaussians": lambda: stack([gaussians(s) for s in range(3)]),
        "half circles, dropout": lambda: stack([zoo.half_circles(s) for s in range(3)]),
        "line with noise": lambda: stack([zoo.line_gan(s, noise=0.1 * s) for s in range(3)]),
        "ResNets through vmap": lambda: stack([resnet(width=2) for _ in range(3)]),
    }
    rates = {"lr": [0.01, 0.02, 0.005], "tau": [1.0, 2.0, 3.0], "seed": [4, 5, 6]}
    rules = {
        "alternating": partial(dynamics.alternating, [1, 2, 3], [2, 1, 1]),
        "sga": dynamics.symplectic_adjustment,
        "sga, not aligned": RULES["sga, not aligned"],
        "extragradient": dynamics.extragradient,
    }
    for k, (name, make) in enumerate(members.items()):
        for title, rule in few(rules, k):
            runs = [run(make(), where, rule(), **rates).game for where in (device, "cpu")]
            yield f"ensemble: {name}, {title}", difference(*runs, make()), PLAIN
    make, rates = members["five Gaussians"], {**rates, "lr": [1e-3, 2e-3, 5e-4]}
    rule = rules["alternating"]
    for optimizer, limit in (("momentum", PLAIN), ("adam", ADAPTIVE), ("rmsprop", ADAPTIVE)):
        dtype = torch.float64 if limit == ADAPTIVE else torch.float32
        runs = [
            run(make().to(dtype), where, rule(), optimizer=optimizer, **rates).game
            for where in (device, "cpu")
        ]
        yield f"ensemble: five Gaussians, {optimizer}", difference(*runs, make()), limit


def two_processes(device: str) -> Iterator[Result]:
    """Two processes, on one GPU if there is no second, train as one does."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "worker", "--device", device, "--out", folder]
        command += ["--steps", str(STEPS), "--width", str(WIDTH)]
        world = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        workers = [
            subprocess.Popen(command, env={**os.environ, **world, "RANK": str(rank)})
            for rank in range(2)
        ]
        ended = [worker.wait(timeout=120) for worker in workers]
        yield "two processes end well", *exactly(ended == [0, 0])
        parts = [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(2)]
    alone, start = parameters(run(dcgan(), device, lr=0.01).game), parameters(dcgan())
    change = max(float((a - b).abs().max()) for a, b in zip(alone, start, strict=True))
    for rank, part in enumerate(parts):
        gap = max(float((a - b).abs().max()) for a, b in zip(alone, part, strict=True))
        yield f"DCGAN, process {rank} of 2", gap / change, PLAIN


def worker(device: str, out: Path) -> None:
    """One of the processes of ``two_processes``: gloo, since NCCL wants a GPU for each."""
    distributed.init_process_group("gloo")
    world = processes.World(distributed.get_rank(), distributed.get_world_size(), device)
    game = dcgan()
    game.to(device)
    rule = processes.share(game, dynamics.alternating(), world)
    state = run(game, device, rule, lr=0.01)
    assert world.any(world.rank == 1)
    torch.save(parameters(state.game), out / f"{world.rank}.pt")
    world.close()


CHECKS = [
    stays_where_it_is, generators_untouched, dropout_repeats, bits_repeat, resumes, runs_in_files,
    half_precision, steps_agree, ensembles_agree, two_processes,
]  # fmt: skip


def checks(device: str) -> int:
    """How many failed."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    failed = count = 0
    began = time.perf_counter()
    for check in CHECKS:
        try:
            for name, gap, limit in check(device):
                passed = gap <= limit
                count, failed = count + 1, failed + (not passed)
                print(f"{'PASS' if passed else 'FAIL'}  {name}: {gap:.2g} (limit {limit:g})")
                sys.stdout.flush()
        except Exception as error:
            count, failed = count + 1, failed + 1
            print(f"FAIL  {check.__name__}: {type(error).__name__}: {error}")
            traceback.print_exc(limit=-4)
    seconds = time.perf_counter() - began
    print(f"checks on {machine(device)}: {count - failed} passed, {failed} failed, {seconds:.0f} s")
    return failed


# -- timings --------------------------------------------------------------------------------------


def plain_loop(game: Game, data: torch.Tensor, latent: int, batch: int, cast: bool, adam: Any):
    """A hand-written GAN step on data that lie on the device."""
    g, d = game.modules().values()
    g_optim, d_optim = adam(g.parameters()), adam(d.parameters())
    device, softplus = data.device, nn.functional.softplus
    half = torch.autocast(device.type, torch.bfloat16, enabled=cast)

    def step() -> None:
        real = data[torch.randint(len(data), (batch,), device=device)].float() / 127.5 - 1
        with half:
            fake = g(torch.randn(batch, latent, device=device))
            loss = softplus(-d(real).float()).mean() + softplus(d(fake.detach()).float()).mean()
        d_optim.zero_grad()
        loss.backward()
        d_optim.step()
        with half:
            fake = g(torch.randn(batch, latent, device=device))
            loss = softplus(-d(fake).float()).mean()
        g_optim.zero_grad()
        loss.backward()
        g_optim.step()

    return step


def per_second(step: Callable[[], Any], device: str, seconds: float) -> float:
    """Steps per second, after some to warm up."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    for _ in range(3 if seconds < 1 else 20):
        step()
    wait()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        step()
        count += 1
    wait()
    return count / (time.perf_counter() - began)


def timings(device: str, tiny: bool) -> None:
    """Steps per second of the library and of a plain loop; TF32 as PyTorch has it by default."""
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True
    torch.backends.cudnn.deterministic = False
    width, batch, seconds = (4, 8, 0.05) if tiny else (64, 64, 4.0)
    images = Images(pictures(32, 64 if tiny else 10_000).pixels)
    pairs: dict[str, Callable[[], tuple[nn.Module, nn.Module]]] = {
        "DCGAN": lambda: (
            convnets.DCGANGenerator(32, 3, width, 100),
            convnets.DCGANDiscriminator(32, 3, width),
        ),
        "SN-CNN": lambda: (
            convnets.CNNGenerator(32, width, 100),
            convnets.CNNDiscriminator(32, width),
        ),
    }
    print(f"steps per second on {machine(device)}, {width} features, batches of {batch}")
    for name, make in pairs.items():
        for precision in (None, "bf16"):
            game = GAN(*make(), data=images, latent=Normal(dim=100), autocast=precision)
            settings = {"lr": 2e-4, "optimizer": partial(Adam, betas=(0.5, 0.999))}
            states = train(game, steps=10**9, batch_size=batch, device=device, **settings)
            ours = per_second(lambda states=states: next(states), device, seconds)
            game = GAN(*make(), data=images, latent=Normal(dim=100)).to(device)
            adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
            pixels = images.pixels.to(device)
            theirs = per_second(
                plain_loop(game, pixels, 100, batch, precision is not None, adam), device, seconds
            )
            print(
                f"{name:7} {precision or 'float32':8} library {ours:8.1f}   plain {theirs:8.1f}   "
                f"ratio {ours / theirs:.2f}"
            )
            sys.stdout.flush()


# -- a training -----------------------------------------------------------------------------------

LOSSES = ("rsgan", "jsgan")  # paired, separable


def training(device: str, data: str, out: Path, minutes: float, steps: int, seeds: int) -> int:
    """Both losses from each seed at a time, as far as they come; at the end the scores of each.

    The folders are those of ``gan-teach study cifar-rsgan-quarter`` (and ``cifar-jsgan-quarter``),
    which makes the record of chapter 17 of them once they are done.
    """
    command = [sys.executable, "-m", "gan_teach"]
    runs = {}
    for loss, seed in itertools.product(LOSSES, range(seeds)):
        whole = out / f"cifar-{loss}-quarter"
        runs[whole / f"seed-{seed}" if seed else whole] = (f"cifar-{loss}-cnn", seed)
    settings = ["--data", data, "--features", WIDTH, "--steps", steps, "--every", steps // 6 or 1]
    settings += ["--averages", "0.999,0.9999", "--device", device]
    began, before = time.perf_counter(), [steps_of(run) for run in runs]
    print(f"{len(runs)} runs of {steps:,} steps on {machine(device)}", flush=True)
    started = []
    for run, (name, seed) in runs.items():
        own = ["train", name, "--seed", seed, "--resume", run, *settings]
        log = "-".join(run.relative_to(out).parts)
        started.append(in_background([*command, *own], out / f"{log}.log"))
    while time.perf_counter() - began < 60 * minutes and any(p.poll() is None for p in started):
        time.sleep(0.5)
    for process in started:
        process.send_signal(signal.SIGINT)
    ended = [process.wait() for process in started]
    seconds = time.perf_counter() - began
    for run, done in zip(runs, before, strict=True):
        rate = 64 * (steps_of(run) - done) / seconds
        print(f"{run.relative_to(out)}: {steps_of(run):,} steps, {rate:.0f} images per second")
    print(f"trained in {seconds:.0f} s", flush=True)
    if min(map(steps_of, runs)) == steps:
        began, started = time.perf_counter(), []
        for loss in LOSSES:
            name = f"cifar-{loss}-quarter"
            own = ["study", name, "--run", out / name, "--seeds", seeds, "--out", out]
            started.append(
                in_background([*command, *own, "--data", data], out / f"{name}-record.log")
            )
        ended += [process.wait() for process in started]
        for loss in LOSSES:
            record = History.load(out / f"cifar-{loss}-quarter.npz")
            ends = np.atleast_1d(record["frechet_raw"][-1])
            print(f"{loss}: {record.meta['distance']}", *ends.round(2))
        print(f"scored in {time.perf_counter() - began:.0f} s")
    return sum(code not in (0, -signal.SIGINT, 130) for code in ended)


def steps_of(run: Path) -> int:
    """The step that a run has saved last."""
    return max(image_runs.snapshots(run), default=0)


def in_background(command: list[Any], log: Path, threads: int = 1) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    own = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    with log.open("wb") as text:
        return subprocess.Popen([*map(str, command)], stdout=text, stderr=text, env=own)


def machine(device: str) -> str:
    chosen = torch.device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "the CPU"
    return f"{name}, torch {torch.__version__}"


def main(arguments: list[str] | None = None) -> int:
    global STEPS, WIDTH
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "what", nargs="?", default="all", help="checks, timings, all (of these two) or training"
    )
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument(
        "--steps", type=int, help=f"of each compared run: {STEPS}; of training: 12,000"
    )
    parser.add_argument(
        "--width", type=int, help=f"of the image networks: {WIDTH}; of training: 16"
    )
    parser.add_argument("--tiny", action="store_true", help="2 steps, 2 features, short timings")
    parser.add_argument("--data", help="of training: the images of CIFAR-10, folder or zip")
    parser.add_argument("--minutes", type=float, default=7.0, help="of training, at most")
    parser.add_argument("--seeds", type=int, default=3, help="of training")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="of training")
    options = parser.parse_args(arguments)
    if options.what == "training":
        STEPS, WIDTH = options.steps or 12_000, options.width or 16
        return training(
            options.device, options.data or "cifar10", options.out, options.minutes, STEPS,
            options.seeds,
        )  # fmt: skip
    STEPS, WIDTH = (
        (TINY, TINY) if options.tiny else (options.steps or STEPS, options.width or WIDTH)
    )
    if options.what == "worker":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        worker(options.device, options.out)
        return 0
    failed = checks(options.device) if options.what != "timings" else 0
    if options.what != "checks":
        timings(options.device, options.tiny)
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
