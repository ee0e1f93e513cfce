"""An image GAN is a plain value: text and numbers, in Python, TOML, folders and on the screen."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false, reportOptionalCall=false

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import logsigmoid

from gan_teach import cli
from gan_teach.data import Images
from gan_teach.data.images import to_floats
from gan_teach.data.named import STAND_INS, load_images
from gan_teach.dynamics import alternating
from gan_teach.dynamics.streams import generator
from gan_teach.games import losses, penalties
from gan_teach.studies import evaluation
from gan_teach.studies.image_runs import load_run, read_settings, train_images
from gan_teach.studies.sweeps import grid_of
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.zoo import GRIDS, IMAGE_GANS, ImageGAN, image_gan, published
from gan_teach.zoo.images import changed

RNG = np.random.default_rng(5)


@pytest.fixture
def photos(tmp_path):
    """A folder of twelve small photographs of noise."""
    return save(tmp_path / "photos", 12)


def save(folder, n, size=(20, 16)):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        pixels = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


def run(*arguments):
    """Status of the command."""
    try:
        return cli.main([str(a) for a in arguments])
    except SystemExit as end:
        return end.code


def small(photos, **changes):
    own = {"data": photos, "size": 16, "features": 2, "latent": 5, "batch_size": 3, "steps": 4}
    return image_gan("mnist-dcgan", **{**own, **changes})


def train(config, out, **how):
    return train_images(config, out, **{"every": 2, "say": lambda text: None, **how})


def weights(run):
    return [w for g in run.generators.values() for w in g.state_dict().values()]


def same(one, two):
    return len(one) == len(two) and all(map(torch.equal, one, two))


# -- plain values ---------------------------------------------------------------------------------


def test_a_published_table_is_a_configuration_of_ones_own(tmp_path, capsys):
    """As the first lines of published.toml say."""
    text = Path(published.__file__).with_suffix(".toml").read_text("utf-8")
    table = text.partition("[cifar-wgan-gp]\n")[2].partition("\n[")[0]
    (tmp_path / "mine.toml").write_text(table)
    assert cli.main(["train", "--config", str(tmp_path / "mine.toml"), "--explain"]) == 0
    mine = capsys.readouterr().out
    assert cli.main(["train", "cifar-wgan-gp", "--explain"]) == 0
    ours = capsys.readouterr().out
    assert "wgan_gp(weight=10.0)" in mine
    assert [line.split("  (published")[0] for line in mine.splitlines()[1:]] == ours.splitlines()[
        1:
    ]


@pytest.mark.parametrize("name", IMAGE_GANS)
def test_a_configuration_survives_json_and_the_text_of_a_command_line(name):
    config = IMAGE_GANS[name]
    assert ImageGAN(**json.loads(json.dumps(asdict(config)))) == config
    text = {
        k: ",".join(map(str, v)) if isinstance(v, tuple) else "none" if v is None else str(v)
        for k, v in config.identity().items()
    }
    assert replace(changed(None, **text), name=name).identity() == config.identity()
    assert hash(config) == hash(replace(config))


@pytest.mark.parametrize("name", [f.name for f in fields(ImageGAN)][3:])
def test_every_setting_refuses_what_it_cannot_be(name):
    for wrong in (object(), {"a": 1}, [[]]):
        with pytest.raises(ValueError, match=f"{name} must be "):
            image_gan("cifar-rsgan-resnet", **{name: wrong})


WRONG = {  # settings, what is said
    "an unknown setting": (
        {"learning_rate": 1},
        "setting must be one of data, size, .*'learning_r",
    ),
    "a word for a number": ({"lr": "fast"}, "lr must be a number, got 'fast'"),
    "half a step": ({"steps": 2.5}, r"steps must be a whole number, got 2\.5"),
    "a number for a switch": ({"flip": "yes"}, "flip must be true or false, got 'yes'"),
    "an unknown loss": ({"loss": "hing"}, "loss must be one of .*Did you mean 'hinge'"),
    "unknown networks": ({"networks": "dcgann"}, "networks must be one of .*mean 'dcgan'"),
    "a number they lack": ({"networks": "cnn(norm=False)"}, "cnn.*must be one of ; got 'norm'"),
    "an unknown optimizer": ({"optimizer": "adan"}, "optimizer must be one of .*mean 'adam'"),
    "an unknown number": ({"optimizer": "adam(beta=1)"}, "argument of adam .*mean 'betas'"),
    "too many numbers": ({"penalties": "r1(1, 2)"}, r"penalties: r1 takes gamma; got 'r1\(1, 2\)'"),
    "a weight below zero": ({"penalties": "r1(-1)"}, "gamma must be at least 0"),
    "code for a number": ({"penalties": "r1(open('x'))"}, "penalties must be one of r1, r2, "),
    "no list": ({"averages": "0.9;0.99"}, "averages must be a list, entries between commas"),
    "a bottleneck of none": ({"bottleneck": True}, "bottleneck belongs to the networks resnet"),
    "steps of another rule": ({"rule": "optimistic", "redraw": "none"}, "does not read redraw"),
    "an unknown schedule": ({"schedule": "linaer(0.5)"}, "schedule .*Did you mean 'linear'"),
    "an unknown player": ({"first": "b"}, "first must be one of d, g"),
    "an unknown precision": ({"precision": "fp16"}, "precision must be one of float32, tf32, bf16"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_mistakes_are_one_sentence_with_what_is_known(kind, capsys):
    changes, message = WRONG[kind]
    with pytest.raises(ValueError, match=message):
        image_gan("mnist-vanilla", **changes)
    pairs = [f"{name}={value}" for name, value in changes.items()]
    assert run("train", "mnist-vanilla", "--set", *pairs) == 2
    said = capsys.readouterr().err
    assert said.startswith("gan-teach: ")
    assert said.count("\n") == 1


def test_what_the_settings_say_is_what_is_played():
    config = image_gan(
        "mnist-vanilla", size=16, features=2, d_features=3, loss="hinge", label_smoothing=1,
        penalties="r1(2), dragan(3, radius=0.1)", optimizer="adam(betas=(0.1, 0.2))", d_steps=2,
        first="g", clip=0.5, schedule="linear(0.75)", precision="bf16", steps=8, lr="1e-3", tau=3,
    )  # fmt: skip
    game = config.game(Images(RNG.integers(0, 256, (4, 3, 16, 16), dtype=np.uint8)))
    assert game.loss is losses.hinge
    assert [p.name for p in game.penalties] == [
        penalties.r1().name,
        penalties.dragan(radius=0.1).name,
    ]
    assert [p.weight for p in game.penalties] == [2, 3]
    assert game.autocast is torch.bfloat16
    assert [len(p) for p in (game.g_params[0], game.d_params[0])] == [2, 12]
    own = config.arguments()
    assert (own["lr"], own["tau"], own["rule"].bound) == (1e-3, 3, 0.5)
    assert vars(own["rule"].inner) == vars(alternating(2, first="g"))
    assert [own["schedule"](step) for step in (0, 6, 7, 8)] == [1, 1, 0.5, 0]
    *_, state = config.train(game, steps=1, batch_size=2)
    assert state.optims.g.betas == (0.1, 0.2)
    assert max(float(p.detach().abs().max()) for p in game.d_params) <= 0.5


def test_the_target_of_g_has_the_level_of_the_assignment():
    """With D = 0.45 and G's target 0.9: -0.9 log 0.45 - 0.1 log 0.55."""
    logit = torch.logit(torch.tensor([0.45], dtype=torch.float64))
    loss = losses.smoothed_g(losses.non_saturating, 0.9)
    wanted = -0.9 * logsigmoid(logit) - 0.1 * logsigmoid(-logit)
    assert float(loss.g(logit, logit)) == pytest.approx(float(wanted), rel=1e-12)
    assert float(loss.g(logit, logit)) == pytest.approx(0.7784, abs=5e-5)
    with pytest.raises(ValueError, match="needs the loss non_saturating; 'hinge'"):
        losses.smoothed_g(losses.hinge, 0.9)


def test_dragan_in_its_own_units():
    """Weight 40 at slope 1/2 of pixels in [-1, 1] is the published 10 at slope 1 of [0, 1]."""
    config = image_gan("mnist-dragan", features=6)
    pixels = RNG.integers(0, 256, (5, 1, 28, 28), dtype=np.uint8)
    game = config.game(Images(pixels)).to(torch.float64)
    (penalty,) = game.penalties
    real = to_floats(torch.from_numpy(pixels)).double()
    u, alpha = penalty.draw(real, generator(3))
    ours = float(penalty(game.critic, real, real, (u, alpha)).detach())
    unit = (real + 1) / 2
    x = unit + 0.5 * unit.std(correction=0) * alpha * u  # in the notebook's words
    x.requires_grad_()
    assert bool((u >= 0).all())  # one quadrant
    (slope,) = torch.autograd.grad(game.critic(2 * x - 1).sum(), x)
    theirs = 10 * ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    assert ours == pytest.approx(float(theirs.detach()), rel=1e-9)
    assert config.latents().sample(1000, generator(0)).abs().max() <= 1


# -- the published numbers ------------------------------------------------------------------------
# G's and D's parameters, their learning rates, batch, steps, steps of D, optimizer, loss,
# penalties, averages, schedule, of the authors' code. FR counts one parameter of G more.

_A5 = ("adam(betas=(0.5, 0.999))", "non_saturating", ())
_RS = ("adam(betas=(0.5, 0.999))", "relativistic", ())
_R0 = ("adam(betas=(0.0, 0.9))", "relativistic", ())
_FR = ("rmsprop", "non_saturating")
_DECAY, _POWER = "linear(start=0.5)", "power(exponent=0.005)"
PUBLISHED = {
    "mnist-vanilla": (1_486_352, 1_460_225, 2e-4, 2e-4, 100, 18_000, 1, *_A5, "constant"),
    "cifar-dcgan": (12_672_768, 11_036_161, 2e-4, 1e-4, 100, 15_000, 1, *_A5, "constant"),
    "celeba-dcgan": (3_576_704, 2_765_568, 2e-4, 2e-4, 128, 79_150, 1, *_A5, "constant"),
    "cifar-rsgan-cnn": (3_812_355, 2_935_872, 5e-4, 2e-4, 64, 100_000, 1, *_RS, _DECAY),
    "cifar-rsgan-resnet": (4_270_595, 1_086_848, 1.5e-3, 2e-4, 64, 100_000, 5, *_R0, _DECAY),
    "stl-rsgan-cnn": (5_133_315, 2_946_112, 5e-4, 2e-4, 64, 100_000, 1, *_RS, _DECAY),
    "stl-rsgan-resnet": (4_876_547, 10_141_440, 1e-3, 2e-4, 64, 100_000, 5, *_RS, _DECAY),
    "tower-rsgan-cnn": (13_276_608, 11_191_808, 1e-3, 2e-4, 64, 100_000, 1, *_RS, _DECAY),
    "cifar-timescale": (
        4_684_484 - 1, 2_579_649, 1e-4, 4e-4, 64, 150_000, 1, *_FR, ("r1(gamma=20.0)",), _POWER
    ),
    "celeba-timescale-mu1": (
        4_684_484 - 1, 2_579_649, 1e-4, 4e-4, 64, 300_000, 1, *_FR, ("r1(gamma=2.0)",), _POWER
    ),
    "mnist-dragan": (
        114_064, 100_609, 1e-4, 1e-4, 128, 199_999, 1, "adam(betas=(0.5, 0.9))", "non_saturating",
        ("dragan(weight=40.0, target=0.5, directions='published')",), "constant",
    ),
}  # fmt: skip


def counts(config):
    grey = config.data == "faces" or config.data.startswith("mnist")
    shape = (1 if grey else 3, config.size, config.size)
    with torch.device("meta"):  # nothing is drawn: initial weights of large networks take long
        return tuple(sum(p.numel() for p in net.parameters()) for net in config.pair(shape))


_FOUR = (0.9, 0.99, 0.999, 0.9999)
for _arm, _loss in (
    ("js", "non_saturating"),
    ("rshinge", "relativistic_hinge"),
    ("jshinge", "hinge"),
):
    for _name in [n for n in PUBLISHED if "rsgan" in n]:  # the same networks and numbers
        _row = [*PUBLISHED[_name]]
        _row[8] = _loss
        PUBLISHED[_name.replace("rsgan", _arm + "gan" * (_arm == "js"))] = tuple(_row)
for _name, _steps, _gamma in (
    ("cifar-timescale-mu1", 300_000, 2),
    ("celeba-timescale", 150_000, 20),
):
    _row = [*PUBLISHED["cifar-timescale"]]
    _row[5], _row[9] = _steps, (f"r1(gamma={_gamma}.0)",)
    PUBLISHED[_name] = tuple(_row)
PUBLISHED["mnist-dragan-without"] = (*PUBLISHED["mnist-dragan"][:9], (), "constant")
OURS = {  # smaller ones, and those whose published networks or data are not told
    "mnist-dcgan", "mnist-imbalanced", "mnist-balanced", "cifar-dcgan-small", "faces-dcgan",
    "cifar-wgan", "cifar-wgan-gp", "cifar-timescale-small", "stacked-mnist-r3gan",
    "stacked-mnist-vanilla",
}  # fmt: skip


def test_the_table_has_every_name():
    assert set(PUBLISHED) | OURS == set(IMAGE_GANS)
    assert not set(PUBLISHED) & OURS


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_of_published_settings(name):
    *numbers, optimizer, loss, wanted, schedule = PUBLISHED[name]
    c = IMAGE_GANS[name]
    assert counts(c) == tuple(numbers[:2])
    assert [c.lr, c.lr * c.tau, c.batch_size, c.steps, c.d_steps] == pytest.approx(numbers[2:])
    assert (c.optimizer, c.loss, c.penalties, c.schedule) == (optimizer, loss, wanted, schedule)
    kinds = {"timescale": _FOUR, "rsgan": (0.9999,), "jsgan": (0.9999,), "hinge": (0.9999,)}
    kinds |= {"dragan": ()}  # A5 has none: ours is there beside it
    assert c.averages == next((v for k, v in kinds.items() if k in name), (0.999,))


def test_what_else_the_authors_set():
    gans = IMAGE_GANS
    assert {n for n, c in gans.items() if c.d_every == 2} == {
        "cifar-dcgan", "cifar-dcgan-small", "celeba-dcgan", "faces-dcgan",
    }  # fmt: skip
    targets = {n: (c.label_smoothing, c.g_label_smoothing) for n, c in gans.items()}
    assert [targets[n] for n in ("mnist-vanilla", "cifar-dcgan", "celeba-dcgan")] == [
        (0.9, 1), (0.9, 1), (0.9, 0.9),
    ]  # fmt: skip
    rs = [c for n, c in gans.items() if n.split("-")[1] in ("rsgan", "jsgan", "rshinge", "jshinge")]
    assert len(rs) == 4 * 5
    assert all(c.dequantize and not c.flip and c.averages == (0.9999,) for c in rs)
    assert {c.data for c in rs} == {"cifar10", "stl10", "lsun-tower"}
    fr = [c for n, c in gans.items() if "timescale" in n and "small" not in n]
    assert all(c.dequantize and c.flip and c.averages == (0.9, 0.99, 0.999, 0.9999) for c in fr)
    assert {(c.data, c.penalties, c.steps) for c in fr} == {
        (data, (f"r1(gamma={gamma})",), steps)
        for data in ("cifar10", "celeba")
        for gamma, steps in ((20.0, 150_000), (2.0, 300_000))
    }
    wgan, gp = gans["cifar-wgan"], gans["cifar-wgan-gp"]
    assert (wgan.lr, wgan.clip, wgan.d_steps, wgan.loss) == (5e-5, 0.01, 5, "wasserstein")
    assert (gp.lr, gp.clip, gp.d_steps, gp.penalties) == (1e-4, None, 5, ("wgan_gp(weight=10.0)",))
    assert gans["mnist-dragan"].prior == "uniform"
    authors = ("A5", "RS", "FR", "DRAGAN")
    assert all(c.differs for c in gans.values() if c.summary.split(":")[0] in authors)


WIDTHS = {  # parameters of the published narrow nets
    ("cifar-{}-cnn", 32, False): (1_218_051, 736_800),
    ("cifar-{}-cnn", 16, False): (436_995, 185_616),
    ("stl-{}-cnn", 16, False): (767_235, 188_176),
    ("cifar-{}-resnet", 128, False): (1_201_411, 273_088),
    ("cifar-{}-resnet", 64, False): (367_235, 68_960),
    ("cifar-{}-resnet", 256, True): (2_499_971, 568_768),
    ("cifar-{}-resnet", 128, True): (758_467, 143_072),
    ("stl-{}-resnet", 16, False): (751_427, 635_328),
    ("stl-{}-resnet", 64, True): (3_714_659, 5_421_472),
}


@pytest.mark.slow
def test_published_grids_run_by_name():
    runs = grid_of("finite-learning-ratio", {})
    assert len(runs) == 48
    assert {(c.data, c.penalties, c.tau, c.seed) for c in runs.values()} == {
        (data, (f"r1(gamma={2.0 * mu})",), float(tau), seed)
        for data in ("cifar10", "celeba")
        for mu in (1, 10)
        for tau in (1, 2, 4, 8)
        for seed in (1, 2, 3)
    }
    assert runs["cifar-timescale-mu1/tau4-seed2"].steps == 300_000
    narrow = grid_of("rsgan-widths", {}, steps=7)
    assert {c.steps for c in narrow.values()} == {7}
    for (name, features, bottleneck), wanted in WIDTHS.items():
        for loss in ("rsgan", "jsgan"):
            short = f"features{features}" + (f"-bottleneck{bottleneck}" if "resnet" in name else "")
            config = narrow[f"{name.format(loss)}/{short}-seed0"]
            assert config.loss == {"rsgan": "relativistic", "jsgan": "non_saturating"}[loss]
            assert counts(config) == wanted
    assert len(grid_of("rsgan-losses", {"seed": [1, 2]})) == 2 * 20
    for grid in GRIDS.values():
        assert set(grid.parts) <= set(IMAGE_GANS)


def test_a_grid_is_swept_into_a_folder_for_each_name(photos, tmp_path, capsys):
    few = ["--features", 2, "--batch-size", 2, "--steps", 1, "--size", 16, "--data", photos]
    knobs = ["--seed", 3, "--vary", "tau=2"]
    assert run("sweep", "finite-learning-ratio", *few, *knobs, "--out", tmp_path / "s") == 0
    told = capsys.readouterr().out
    assert "4 of 4 runs are done" in told
    folders = {f.relative_to(tmp_path / "s") for f in (tmp_path / "s").glob("*/*")}
    assert {str(f.parent) for f in folders} == set(GRIDS["finite-learning-ratio"].parts)
    (folder,) = (tmp_path / "s" / "celeba-timescale-mu1").iterdir()
    config = read_settings(folder).config
    assert (config.tau, config.seed, config.penalties) == (2, 3, ("r1(gamma=2.0)",))
    assert run("sweep") == 0
    assert all(name in capsys.readouterr().out for name in ["rsgan-losses"])


def test_imbalanced_digits_and_batches_in_balance():
    data = load_images("small-mnist-imbalanced")
    whole = load_images("small-mnist").targets
    fives, sevens = (int((whole == k).sum()) for k in (5, 7))
    assert np.bincount(data.targets, minlength=10).tolist() == [0] * 5 + [
        fives // 5, 0, sevens, 0, 0,
    ]  # fmt: skip
    config = image_gan("mnist-balanced").stand_in()
    assert config.data == "small-mnist-imbalanced"
    drawn = {}
    for balanced in (False, True):
        images = replace(config, balanced=balanced).images()
        drawn[balanced] = float(
            (images.targets[images.indices(4000, generator(0))] == 5).double().mean()
        )
    assert drawn[False] == pytest.approx(1 / 6, abs=0.03)
    assert drawn[True] == pytest.approx(1 / 2, abs=0.03)
    with pytest.raises(ValueError, match="has no labels"):
        image_gan("faces-dcgan", balanced=True).images()


# -- one file of settings, from its start to its score --------------------------------------------

TOML = """
extends = "mnist-dcgan"
data = "photos"
size = 16
features = 2
latent = 5
batch_size = 3
steps = 40
loss = "relativistic"
penalties = ["r1(0.5)", "r2(0.5)"]
averages = [0.5, 0.9]
optimizer = "adam(betas=(0.0, 0.99))"
flip = true
"""


@pytest.mark.slow
def test_a_file_of_settings_killed_moved_resumed_branched_scored_and_drawn(
    photos, tmp_path, monkeypatch, capsys
):
    (tmp_path / "mine.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    assert run("train", "--config", "mine.toml", "--out", "whole") == 0
    code = "import sys; from gan_teach.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "train", "--config", "mine.toml", "--every", "4"]
    root = Path(cli.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    checkpoint, deadline = tmp_path / "runs" / "mine" / "checkpoint.pt", time.monotonic() + 300
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = load_checkpoint(checkpoint)["step"]
    assert 0 < killed <= 40

    # To another place, the images to a third, under another name.
    there = tmp_path / "disk"
    shutil.move(tmp_path / "runs" / "mine", there / "mine")
    shutil.move(photos, there / "holiday")
    capsys.readouterr()
    assert run("train", "--resume", there / "mine") == 1
    said = capsys.readouterr().err
    assert "no folder or zip archive of images at " in said
    assert "/disk/mine was trained on photos, 12 images: say where they are now by --data" in said
    assert run("train", "--resume", there / "mine", "--data", there / "holiday") == 0
    assert same(weights(load_run(there / "mine")), weights(load_run(tmp_path / "whole")))
    assert run("train", "--resume", there / "mine") == 0  # nothing else is needed

    assert run("train", "--resume", there / "mine", "--out", "x") == 2
    assert "leave out --out and --from" in capsys.readouterr().err

    # Other settings are refused, and a branch says what it changes.
    assert run("train", "--resume", there / "mine", "--lr", "0.1") == 2
    assert "lr was 0.0002 and is 0.1): go on" in capsys.readouterr().err
    assert run("train", "--from", there / "mine", "--set", "lr=0.1", "steps=42") == 0
    told = capsys.readouterr().out
    assert "branches from" in told
    assert "(steps was 40 and is 42; lr was 0.0002 and is 0.1)" in told
    branch = there / "mine-lr0.1-steps42"
    (mark,) = load_checkpoint(branch / "checkpoint.pt")["branches"]
    assert (mark["name"], mark["step"]) == (branch.name, 40)
    assert load_run(branch).step == 42

    # A sheet, and scores against the images where they lie now.
    assert run("sample", branch, "-n", 4, "--ema", "0.9") == 0
    assert (branch / "sample.png").exists()
    monkeypatch.setattr(evaluation, "REPEATS", 2)
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path))  # where real features are kept
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # without weights of Inception
    assert run("evaluate", branch, "-n", 10, "--last", "--device", "cpu") == 0
    assert "0.5" in capsys.readouterr().out


def test_settings_of_ones_own_need_no_published_name(photos, tmp_path, capsys):
    (tmp_path / "own.toml").write_text(TOML.replace('extends = "mnist-dcgan"', ""))
    assert run("train", "--config", tmp_path / "own.toml") == 2
    assert "so set networks, lr too" in capsys.readouterr().err
    more = ["--networks", "stable", "--lr", "1e-3", "--data", photos, "--steps", 1]
    assert run("train", "--config", tmp_path / "own.toml", *more, "--out", tmp_path / "r") == 0
    assert load_run(tmp_path / "r").config.networks == "stable"
    (tmp_path / "bad.toml").write_text("extends = mnist")
    assert run("train", "--config", tmp_path / "bad.toml") == 2
    assert "bad.toml is no TOML file" in capsys.readouterr().err
    assert run("train", "--config", tmp_path / "none.toml") == 1
    assert "none.toml: No such file or directory." in capsys.readouterr().err


def test_explain_refuses_what_training_refuses(tmp_path, capsys):
    (tmp_path / "own.toml").write_text('extends = "cifar-dcgan-small"\nloss = "relativistic"\n')
    assert run("train", "mnist-vanilla", "--networks", "dcgan", "--size", 7, "--explain") == 2
    assert "--size must be at least 8" in capsys.readouterr().err
    assert run("train", "--config", tmp_path / "own.toml", "--explain") == 2
    assert "With --label-smoothing 1 there is none" in capsys.readouterr().err
    more = ["--label-smoothing", "1"]
    assert run("train", "--config", tmp_path / "own.toml", "--explain", *more) == 0
    assert "takes ends: str = 'conv', norm: bool = True" in capsys.readouterr().out


def test_a_sweep_takes_a_file_of_settings(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(TOML)
    more = ["--data", photos, "--steps", 1, "--device", "cpu"]
    assert run("sweep", "--config", "own.toml", "--lr", "1e-4", "2e-4", *more) == 0
    assert "2 of 2 runs are done; they lie in runs/sweep-own" in capsys.readouterr().out
    runs = [load_run(folder).config for folder in sorted(Path("runs/sweep-own").glob("*/"))]
    assert [r.lr for r in runs] == [1e-4, 2e-4]
    assert {r.loss for r in runs} == {"relativistic"}


def test_a_data_folder_that_is_not_there_is_said(capsys):
    assert run("train", "mnist-dcgan", "--data", "nofolder") == 2
    assert "got 'nofolder'. Nothing of that name lies here" in capsys.readouterr().err


def test_explain_shows_every_setting_and_what_differs(capsys):
    assert run("train", "celeba-dcgan", "--lr", "0.01", "--explain") == 0
    lines = capsys.readouterr().out.splitlines()
    named = {line.split()[0]: line for line in lines}
    assert set(IMAGE_GANS["celeba-dcgan"].identity()) <= set(named)
    assert "0.01  (published: 0.0002)" in named["lr"]
    assert [line for line in lines if "published:" in line] == [named["lr"]]
    assert "authors shuffle epochs" in lines[-1]


def test_a_published_switch_is_turned_off(capsys):
    assert run("train", "cifar-timescale", "--no-flip", "--no-dequantize", "--explain") == 0
    said = capsys.readouterr().out
    assert said.count("false  (published: True)") == 2
    assert run("sweep", "cifar-timescale", "--no-flip", "--data", "nowhere/at/all") == 1
    assert run("evaluate", "x", "--no-skip-bad") == 2  # that is no setting


def test_a_value_changed_in_python_is_trained_read_and_drawn(photos, tmp_path):
    config = replace(small(photos), loss="hinge", penalties=("wgan_gp(1.0)",), averages=(0.5,))
    trained = train(config, tmp_path / "run")
    read = load_run(tmp_path / "run")
    assert read.config == config
    assert same(weights(read), weights(trained))
    one = [g.average for g in evaluation.candidates(tmp_path / "run", last=True)]
    assert one == ["raw", "0.5"]


# -- what the data are ----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [None, 1])
def test_a_run_goes_on_with_its_images_alone(workers, photos, tmp_path):
    config = small(photos, workers=workers)
    train(replace(config, steps=2), tmp_path / "run")
    saved = read_settings(tmp_path / "run")
    assert (saved.data["name"], saved.data["count"], saved.shape) == ("photos", 12, (3, 16, 16))
    save(photos / "more", 3)
    with pytest.raises(ValueError, match=r"photos, 12 images of .* but .* photos, 15 images of"):
        train(config, tmp_path / "run", resume=True)
    shutil.rmtree(photos / "more")
    pixels = np.asarray(Image.open(photos / "03.png")).copy()
    Image.fromarray(pixels[::2]).resize((16, 20)).save(photos / "03.png")  # another content
    with pytest.raises(ValueError, match=r"12 images of the digest .* but .*12 images of the dig"):
        train(config, tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="was trained on photos, 12 images"):
        evaluation.evaluate(tmp_path / "run", n=10, last=True)


def test_a_run_is_scored_from_any_folder(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(small("photos", steps=1), "run", every=1)
    monkeypatch.chdir(photos)
    assert read_settings(tmp_path / "run").config.data == str(photos.resolve())
    (one, *_) = evaluation.candidates(tmp_path / "run", last=True)
    assert one.images().facts()["count"] == 12


def test_a_branch_may_have_other_images(photos, tmp_path):
    train(small(photos, steps=2), tmp_path / "run")
    other = save(tmp_path / "other", 7)
    with pytest.raises(ValueError, match=r"but .* is other, 7 images"):
        train(small(other), tmp_path / "run", resume=True)
    branch = train(small(other), tmp_path / "branch", start=tmp_path / "run")
    assert (branch.step, branch.data["count"]) == (4, 7)
    with pytest.raises(FileNotFoundError, match="nowhere holds no run to branch from"):
        train(small(other), tmp_path / "b", start=tmp_path / "nowhere")


def test_a_branch_trains_or_says_why_not_and_knows_where_it_comes_from(photos, tmp_path):
    base = tmp_path / "run"
    train(small(photos, steps=2), base)
    with pytest.raises(ValueError, match="reached step 2, so there is nothing left to train"):
        train(small(photos, steps=2, lr=0.1), tmp_path / "ended", start=base)
    assert not (tmp_path / "ended").exists()
    out, config = tmp_path / "branch", small(photos, steps=4, lr=0.1)
    branch = train(config, out, start=base)
    settings = json.loads((out / "settings.json").read_text())
    assert settings["from"] == str(base)
    # Killed before it had saved anything: it begins again where it branched off, not at step 0.
    for file in ("checkpoint.pt", "losses.csv"):
        (out / file).unlink()
    shutil.rmtree(out / "generators")
    again = train(config, out, resume=True)
    for one, other in zip(
        *(t.generators["raw"].parameters() for t in (branch, again)), strict=True
    ):
        assert torch.equal(one, other)


def test_a_file_of_settings_and_a_name_are_one_too_many(tmp_path, capsys):
    (tmp_path / "own.toml").write_text(TOML)
    with pytest.raises(SystemExit):
        cli.main(["train", "mnist-dcgan", "--config", str(tmp_path / "own.toml")])
    assert "says itself what it extends: leave out mnist-dcgan" in capsys.readouterr().err


@pytest.mark.parametrize("name", STAND_INS)
def test_nothing_stands_in_unless_it_is_asked_to(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path))
    config = next(c for c in IMAGE_GANS.values() if c.data == name and not c.balanced)
    few = ["--features", 2, "--steps", 1, "--batch-size", 2, "--schedule", "constant"]
    few += ["--size", 28 if "mnist" in name else 16]
    assert run("train", config.name, *few, "--out", tmp_path / "run") == 1
    said = capsys.readouterr().err
    assert f"{name} (" in said
    assert "not found" in said
    assert "Or train on a small stand-in: --stand-in." in said
    assert not (tmp_path / "run").exists()
    assert run("sweep", config.name, *few, "--out", tmp_path / "sweep") == 1
    assert "failed" in capsys.readouterr().out
    assert run("train", config.name, *few, "--stand-in", "--out", tmp_path / "run") == 0
    saved = read_settings(tmp_path / "run")
    assert saved.config.data == STAND_INS[name]["data"]
    assert saved.data["name"] in capsys.readouterr().out  # it was said
    assert run("train", "--resume", tmp_path / "run", "--steps", 2) == 0


def test_data_are_fetched_on_request(tmp_path, monkeypatch, capsys):
    kind = pytest.importorskip("torchvision").datasets.CIFAR10
    asked = []

    def fetched(self, root, train, download=False):
        asked.append((Path(root), train, download))
        self.data = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
        self.targets, self.classes = [0] * 6, ["plane"]

    monkeypatch.setattr(kind, "__init__", fetched)
    monkeypatch.setenv("GAN_TEACH_DATA", str(tmp_path))
    few = ["--features", 2, "--steps", 1, "--batch-size", 2, "--out", tmp_path / "run"]
    assert run("train", "cifar-dcgan-small", *few, "--download") == 0
    assert asked == [(tmp_path, True, True)]
    assert "CIFAR-10 train: 6 colour images" in capsys.readouterr().out


# -- folders of old -------------------------------------------------------------------------------

OLD = {
    "config": "celeba-dcgan", "steps": 3, "tau": None, "lr": 0.001, "batch_size": 3, "features": 2,
    "bottleneck": False, "seed": 7, "autocast": "bf16", "channels_last": True, "skip_bad": False,
    "workers": 0, "shape": [3, 64, 64],
}  # fmt: skip


def test_settings_of_an_old_folder_are_read(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({**OLD, "data": "imgs"}))
    read = read_settings(tmp_path)
    assert read.data is None
    assert read.shape == (3, 64, 64)
    assert read.config == image_gan(
        "celeba-dcgan", data="imgs", steps=3, lr=0.001, batch_size=3, features=2, seed=7,
        precision="bf16", channels_last=True, workers=0, g_label_smoothing=1,
    )  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps({**OLD, "colour": "red"}))
    with pytest.raises(ValueError, match=r"settings\.json is damaged, or of a newer version: sett"):
        read_settings(tmp_path)
    for text in ("", "[]", "{}", '{"shape": 3}', '{"shape": [], "settings": {"x": 1}, "data": {}}'):
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(ValueError, match=r"settings\.json is damaged"):
            read_settings(tmp_path)


@pytest.mark.slow
def test_a_run_of_old_goes_on(digits, tmp_path):
    """Its checkpoint says by digests what it was started with: they are those of today."""
    config = image_gan("mnist-vanilla", data=digits, steps=2, batch_size=3, features=2)
    train(config, tmp_path / "run")
    old = {"config": "mnist-vanilla", "data": str(digits), "steps": 2, "features": 2}
    old |= {"batch_size": 3, "tau": None, "shape": [1, 28, 28]}
    (tmp_path / "run" / "settings.json").write_text(json.dumps(old))
    before = read_settings(tmp_path / "run").config
    resumed = train(replace(before, steps=4), tmp_path / "run", resume=True)
    whole = train(replace(config, steps=4), tmp_path / "whole")
    assert same(weights(resumed), weights(whole))
    assert read_settings(tmp_path / "run").data["count"] == 6  # it is kept from now on
