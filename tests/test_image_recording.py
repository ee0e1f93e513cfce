"""What a run of an image GAN tells: its table, pictures and lines; and that it changes nothing."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import csv
import os
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_teach import _progress, cli, plots
from gan_teach.metrics import sample_frechet
from gan_teach.metrics.features import load_extractor
from gan_teach.studies import image_runs, recording
from gan_teach.studies.image_runs import draw, fixed_latents, load_run, snapshots, train_images
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.zoo import image_gan


@pytest.fixture
def small(digits):
    return image_gan("mnist-vanilla", data=str(digits), steps=6, batch_size=3, features=1)


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr(recording, "LOG_EVERY", 1)
    monkeypatch.setattr(recording, "SCORED", 70)


def train(config, out, **how):
    return train_images(config, out, say=lambda text: None, **how)


def rows(out):
    with (out / "losses.csv").open(newline="") as text:
        return list(csv.DictReader(text))


KINDS = {  # dropout; batch norm and D that rests; spectral norm; R1 and four averages
    "mnist-vanilla": {},
    "cifar-dcgan-small": {"channels": 3},
    "cifar-rsgan-cnn": {"channels": 3, "schedule": "linear(start=0.5)"},
    "cifar-timescale-small": {"channels": 3},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_recording_changes_no_number_of_the_run(name, digits, tmp_path, monkeypatch):
    own = {"data": str(digits), "steps": 5, "batch_size": 3, "features": 2, **KINDS[name]}
    config = image_gan(name, **own)
    torch.manual_seed(1)
    np.random.seed(2)  # noqa: NPY002
    random.seed(3)
    before = torch.get_rng_state(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
    everything = {"every": 2, "score_every": 2, "keep": 1, "tensorboard": True}
    if name == "mnist-vanilla":
        pytest.importorskip("tensorboard", reason="needs TensorBoard: pip install tensorboard")
    else:
        everything.pop("tensorboard")
    train(config, tmp_path / "told", **everything)
    after = torch.get_rng_state(), str(np.random.get_state()), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]

    monkeypatch.setattr(recording.Keeper, "_log", lambda self, state, scores: None)
    train(config, tmp_path / "silent", every=100)
    assert not (tmp_path / "silent" / "losses.csv").exists()
    told, silent = (load_checkpoint(tmp_path / k / "checkpoint.pt") for k in ("told", "silent"))
    for part in ("game", "optims", "losses", "extras"):
        torch.testing.assert_close(told[part], silent[part], rtol=0, atol=0)


def test_a_row_holds_what_the_update_saw(small, tmp_path):
    small = replace(small, penalties=("r1(2.0)",), tau=3.0, d_every=2)
    train(small, tmp_path)
    game = small.game(small.images())
    said, critic = [], game.critic

    def listening(x, *asked):
        said.append(critic(x, *asked))
        return said[-1]

    game.critic = listening
    for state in small.train(game):
        if state.step:
            row = rows(tmp_path)[state.step - 1]
            assert int(row["step"]) == state.step
            if state.step % 2:  # D moves on even steps only, counted from 0
                real, fake = said[0].sigmoid().split(3)  # the losses', before the penalty's
            answers = float(row["d_real"]), float(row["d_fake"])
            assert answers == pytest.approx((real.mean().item(), fake.mean().item()), rel=1e-4)
            for player, grads in (("g", state.optims.g_grads), ("d", state.optims.d_grads)):
                norm = torch.cat([g.flatten() for g in grads]).norm().item()
                assert float(row[f"{player}_grad"]) == pytest.approx(norm, rel=1e-4)
                assert float(row[f"{player}_loss"]) == pytest.approx(
                    state.losses[f"{player}_loss"].item(), rel=1e-4
                )
            parts = float(row["d: non_saturating, real target 0.9 loss"]) + float(row["d: r1"])
            assert float(row["d_loss"]) == pytest.approx(parts, rel=1e-4)
            assert (float(row["g_lr"]), float(row["d_lr"])) == pytest.approx((2e-4, 6e-4))
            assert float(row["score_level"]) == 0.45
        said.clear()
    times = [float(row["seconds"]) for row in rows(tmp_path)]
    assert times == sorted(times)
    assert all(float(row["images_per_second"]) > 0 for row in rows(tmp_path))


@pytest.mark.slow
def test_a_critic_that_is_no_probability_is_told_as_it_is(small, tmp_path):
    train(replace(small, loss="wasserstein", label_smoothing=1.0, clip=0.01), tmp_path)
    row = rows(tmp_path)[-1]
    gap = float(row["critic_fake"]) - float(row["critic_real"])
    assert gap == pytest.approx(float(row["d_loss"]), abs=1e-5)
    assert "d_real" not in row
    assert (float(row["d_level"]), row.get("g_level")) == (0, None)  # G's is undetermined
    figure = plots.training(image_runs.recorded(tmp_path))
    assert "What the critic says" in [ax.get_title("left") for ax in figure.axes]


@pytest.mark.parametrize(("target", "g_target"), [(1.0, 1.0), (0.9, 1.0), (0.9, 0.9), (1.0, 0.7)])
def test_levels_are_those_of_the_best_d_where_g_is_right(target, g_target):
    """L_D's minimum over one logit for all samples, on a fine grid, and G's loss there."""
    from gan_teach.games import losses

    loss = losses.smoothed(losses.smoothed_g(losses.non_saturating, g_target), target)
    logits = torch.linspace(-3, 3, 60_001, dtype=torch.float64)[:, None]
    values = loss.d(logits, logits)
    best = values.argmin()
    wanted = values[best].item(), loss.g(logits[best], logits[best]).item()
    assert plots.equilibrium_losses("non_saturating", target, g_target) == pytest.approx(
        wanted, abs=1e-4
    )


@pytest.mark.slow
def test_distances_on_the_way_are_those_of_the_saved_generators(small, tmp_path):
    train(small, tmp_path, every=3, score_every=3)
    extract = load_extractor("digits")
    images = small.images()
    chosen = images.indices(70, recording.generator(0, recording.STREAM))
    real = extract(images[chosen].floats())
    name = f"{extract.frechet_name} of 70"  # evaluate takes other numbers, and says so too
    scored = {int(row["step"]): row for row in rows(tmp_path) if row[f"{name}: raw"]}
    assert list(scored) == [3, 6]
    for step, row in scored.items():
        for which, g in load_run(tmp_path, step).generators.items():
            drawn = torch.from_numpy(draw(g, fixed_latents(70, 100)))
            wanted = sample_frechet(extract(drawn), real)
            found = float(row[f"{name}: {which}"])
            assert found == pytest.approx(wanted, rel=1e-4)
    history = image_runs.recorded(tmp_path)
    figure = plots.training(history)
    titles = [ax.get_title("left") or ax.get_title() for ax in figure.axes]
    assert f"{name}, lower is better" in titles
    distances = figure.axes[-1].lines
    assert any(line.get_xdata().tolist() == [3, 6] for line in distances)


@pytest.mark.slow
def test_the_table_and_its_picture_are_written_as_the_run_goes(small, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "_DRAW_EVERY", -1.0)
    seen = []
    save = recording.style.save

    def noting(figure, path, **how):
        save(figure, path, **how)
        seen.append((path.name, len(rows(tmp_path))))

    monkeypatch.setattr(recording.style, "save", noting)
    train(small, tmp_path, every=100)
    assert [n for _, n in seen] == [2, 3, 4, 5, 6, 6]
    assert {name for name, _ in seen} == {"losses.png"}


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("eps", b"%!PS")]
)
def test_pictures_and_sheets_have_the_format_that_was_asked_for(ending, start, small, tmp_path):
    train(replace(small, steps=2), tmp_path, format=ending)
    files = [tmp_path / f"losses.{ending}", *(tmp_path / "samples").iterdir()]
    assert len(files) == 3
    for file in files:
        assert file.suffix == f".{ending}"
        assert file.read_bytes().startswith(start)
    if ending == "png":
        Image.open(files[0]).verify()


@pytest.mark.parametrize(
    ("keep", "left"), [(0, [1, 2, 3, 4, 5, 6]), (1, [6]), (2, [1, 6]), (4, [1, 3, 5, 6])]
)
def test_the_generators_that_stay_are_spread_over_the_run(keep, left, small, tmp_path):
    said = []
    train_images(small, tmp_path, every=1, keep=keep, say=said.append)
    assert list(snapshots(tmp_path)) == left
    size = (tmp_path / "generators" / "0000006.pt").stat().st_size / 1e6
    (text,) = (line for line in said if line.startswith("G and its averages"))
    assert f"at {len(left)} steps" in text
    told = float(text.partition(" MB")[0].rpartition(" ")[2])
    assert told == pytest.approx(size, rel=0.1, abs=0.01)


@pytest.mark.slow
def test_a_resumed_run_is_recorded_as_before_and_its_clock_goes_on(small, tmp_path):
    how = {"every": 2, "score_every": 3, "keep": 2, "format": "pdf"}
    train(replace(small, steps=3), tmp_path, **how)
    first = rows(tmp_path)
    train(small, tmp_path, resume=True, keep=1)
    second = rows(tmp_path)
    assert second[:3] == first
    assert float(second[3]["seconds"]) >= float(first[-1]["seconds"])
    assert (tmp_path / "samples" / "0000006-raw.pdf").exists()
    assert list(snapshots(tmp_path)) == [6]
    name = f"{load_extractor('digits').frechet_name} of 70: raw"
    assert [row["step"] for row in second if row[name]] == ["3", "6"]
    with pytest.raises(ValueError, match="format must be one of png, pdf, eps"):
        train(small, tmp_path, resume=True, format="jpg")
    with pytest.raises(ValueError, match="score_every must be at least 0"):
        train(small, tmp_path, resume=True, score_every=-1)


@pytest.mark.slow
def test_a_resumed_run_counts_saved_generators_and_no_time_before_its_first_step(
    small, tmp_path, monkeypatch
):
    train(replace(small, steps=3), tmp_path, every=1)
    begun = recording.fixed_latents  # of the sheets, before the first step

    def slowly(*arguments):
        time.sleep(1.0)
        return begun(*arguments)

    monkeypatch.setattr(recording, "fixed_latents", slowly)
    said = []
    train_images(small, tmp_path, resume=True, say=said.append)
    assert any("are kept at 6 steps" in line for line in said)
    before, after = (float(row["seconds"]) for row in rows(tmp_path)[2:4])
    assert after - before < 0.9
    assert float(rows(tmp_path)[3]["images_per_second"]) > 3 / 0.9


@pytest.mark.slow
def test_a_table_of_an_older_version_goes_on(small, tmp_path):
    train(replace(small, steps=3), tmp_path)
    old = [{k: row[k] for k in ("step", "d_loss", "g_loss")} for row in rows(tmp_path)]
    recording.write_csv(tmp_path / "losses.csv", old[0], old)
    train(small, tmp_path, resume=True)
    history = image_runs.recorded(tmp_path)
    assert np.isfinite(history["d_loss"]).all()
    assert np.isnan(history["d_real"]).tolist() == [True] * 3 + [False] * 3
    assert len(plots.training(history).axes) == 5


# -- in words -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_a_terminal_each_minute_has_a_line(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "LINE_EVERY", 0.0)
    train(small, tmp_path, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert all(line.strip() for line in lines), lines
    assert len([line for line in lines if "/18 images (" in line]) >= 6
    for part in (" left, ", "images/s", "step 6, g_loss ", "d_real ", "d_fake "):
        assert part in lines[-1]
    monkeypatch.setattr(_progress, "LINE_EVERY", 60.0)
    train(small, tmp_path / "short", progress=True)
    assert len(capsys.readouterr().err.splitlines()) == 2  # where it begins and where it ends


def test_ctrl_c_says_where_and_the_command_that_goes_on(small, tmp_path, capsys, monkeypatch):
    numbers = recording.numbers

    def interrupting(state, config):
        if state.step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return numbers(state, config)

    monkeypatch.setattr(recording, "numbers", interrupting)
    out = tmp_path / "my run"
    command = ["train", "mnist-vanilla", "--data", small.data, "--features", "1", "--steps", "6"]
    command += ["--batch-size", "3", "--out", str(out), "--keep", "1", "--device", "cpu"]
    assert cli.main(command) == 130
    said = capsys.readouterr().err
    assert f"gan-teach: stopped at step 4 of 6, saved in {out}. Go on with:" in said
    monkeypatch.undo()
    assert said.splitlines()[-1] == f"  gan-teach train --resume '{out}'"
    assert cli.main(["train", "--resume", str(out), "--device", "cpu"]) == 0
    assert list(snapshots(out)) == [6]
    whole = train(small, tmp_path / "whole")
    for name, g in load_run(out).generators.items():
        for one, two in zip(g.parameters(), whole.generators[name].parameters(), strict=True):
            assert torch.equal(one, two)


@pytest.mark.slow
def test_a_sweep_says_how_long_it_will_take_and_goes_on(small, tmp_path, capsys, monkeypatch):
    sweep = ["sweep", "mnist-vanilla", "--data", small.data, "--steps", "2", "--batch-size", "3",
             "--features", "1", "--seed", "0", "1", "2", "--out", str(tmp_path)]  # fmt: skip
    train_one = image_runs.train_images

    def third_is_interrupted(config, *arguments, **how):
        if config.seed == 2:
            raise KeyboardInterrupt
        return train_one(config, *arguments, **how)

    monkeypatch.setattr("gan_teach.studies.sweeps.train_images", third_is_interrupted)
    assert cli.main([*sweep, "--format", "eps"]) == 130
    told = capsys.readouterr()
    assert [" s; about 0:00:" in line for line in told.out.splitlines()] == [True, True]
    assert f"stopped; the same command goes on with {tmp_path}." in told.err
    assert len(list(tmp_path.glob("*seed?/losses.eps"))) == 2
    monkeypatch.undo()
    assert cli.main(sweep) == 0
    told = capsys.readouterr().out.splitlines()
    assert "seed2 finished in" in told[2]
    assert told[3] == f"3 of 3 runs are done; they lie in {tmp_path}."
