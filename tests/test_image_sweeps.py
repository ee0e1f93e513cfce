"""Sweeps of image runs: one folder each, nothing done twice, whatever starts the runs."""

# pyright: reportArgumentType=false

import sys
from dataclasses import replace

import pytest
import torch

from gan_teach import cli
from gan_teach.studies import engine, image_runs, sweeps
from gan_teach.studies.image_runs import load_run, train_images
from gan_teach.studies.sweeps import Outcome, combinations, grid_of, sweep_images
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.zoo import image_gan


@pytest.fixture
def small(digits):
    return image_gan("mnist-vanilla", data=str(digits), steps=2, batch_size=3, features=1)


def weights(folder):
    return [w for g in load_run(folder).generators.values() for w in g.state_dict().values()]


def test_every_combination_has_a_folder_and_seeds_vary_most_slowly(small):
    runs = combinations(small, {"tau": [0.5, 2], "seed": [3, 1]})
    assert list(runs) == ["tau0.5-seed3", "tau2-seed3", "tau0.5-seed1", "tau2-seed1"]
    assert runs["tau2-seed1"] == replace(small, tau=2, seed=1)
    assert list(combinations(small, {})) == ["seed0"]


def test_values_that_differ_in_the_eighth_digit_are_two_runs(small):
    runs = combinations(small, {"lr": [1e-3, 1.0000001e-3]})
    assert list(runs) == ["lr0.001-seed0", "lr0.0010000001-seed0"]


CHANGED = {  # of the same name, by which another run is trained
    "configuration": lambda m, run: replace(run, label_smoothing=0.7),
    "library": lambda m, run: (m.setattr(engine, "__version__", "0.0"), run)[1],
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_finished_run_of_another_content_does_not_count(change, small, tmp_path, monkeypatch):
    list(sweep_images(combinations(small, {}), tmp_path))
    asked = []
    monkeypatch.setattr(sweeps, "train_images", lambda settings, *a, **k: asked.append(settings))
    assert [o.told for o in sweep_images(combinations(small, {}), tmp_path)] == ["before"]
    now = change(monkeypatch, small)
    list(sweep_images({"seed0": now}, tmp_path))
    assert asked == [now]


def test_the_runs_of_a_grid_are_told_by_their_full_names(small, tmp_path):
    runs = {"a/seed0": small, "b/seed0": replace(small, tau=2.0)}
    for told in ("in ", "before"):
        outcomes = list(sweep_images(runs, tmp_path))
        assert [o.name for o in outcomes] == [*runs]
        assert all(o.told.startswith(told) for o in outcomes)


@pytest.mark.parametrize("how", [{}, {"jobs": 2}, {"cluster": "debug"}], ids=str)
# submitit's debugging cluster leaves its logs open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed")
def test_runs_are_those_of_train_and_only_missing_ones_are_done(how, small, tmp_path):
    if "cluster" in how:
        pytest.importorskip("submitit", reason="needs submitit: pip install submitit")
    out, knobs = tmp_path / "sweep", {"seed": [0, 1], "tau": [1.0, 2.0]}
    first = list(sweep_images(combinations(small, {**knobs, "seed": [0]}), out, **how))
    assert {(o.name, o.status) for o in first} == {(f"tau{t}-seed0", "finished") for t in (1, 2)}
    untouched = (out / "tau2-seed0" / "checkpoint.pt").stat().st_mtime_ns
    second = list(sweep_images(combinations(small, knobs), out, **how))
    assert [o.told for o in second[:2]] == ["before", "before"]
    assert {o.name for o in second[2:]} == {"tau1-seed1", "tau2-seed1"}
    assert (out / "tau2-seed0" / "checkpoint.pt").stat().st_mtime_ns == untouched
    one = replace(small, seed=1, tau=2.0)
    train_images(one, tmp_path / "one", say=lambda text: None)
    assert all(map(torch.equal, weights(out / "tau2-seed1"), weights(tmp_path / "one")))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_a_longer_sweep_does_too(small, tmp_path, monkeypatch):
    train = image_runs.train_images

    def interrupted(settings, *arguments, **options):
        train(replace(settings, steps=1), *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "train_images", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(sweep_images(combinations(small, {}), tmp_path))
    assert not (tmp_path / "seed0" / "finished.json").exists()
    monkeypatch.undo()
    for steps in (2, 4):
        (outcome,) = sweep_images({"seed0": replace(small, steps=steps)}, tmp_path)
        assert outcome.status == "finished"
        assert load_checkpoint(tmp_path / "seed0" / "checkpoint.pt")["step"] == steps
    train_images(replace(small, steps=4), tmp_path / "whole", say=lambda text: None)
    assert all(map(torch.equal, weights(tmp_path / "seed0"), weights(tmp_path / "whole")))


def test_what_diverges_is_a_result_and_what_fails_is_told(small, tmp_path):
    (tmp_path / "lr0.0002-seed0").write_text("a file in the way")
    knobs = {"lr": [1e25, 2e-4, 1e-4]}
    small = replace(small, steps=5)
    outcomes = {o.name: o for o in sweep_images(combinations(small, knobs), tmp_path)}
    assert [o.status for o in outcomes.values()] == ["diverged", "failed", "finished"]
    assert "step" in outcomes["lr1e+25-seed0"].told
    (tmp_path / "lr0.0002-seed0").unlink()
    again = [o.status for o in sweep_images(combinations(small, knobs), tmp_path)]
    assert again == ["diverged", "finished", "finished"]  # those found come first, none twice
    assert Outcome("lr1e+25-seed0", "diverged", "before") in sweep_images(
        combinations(small, knobs), tmp_path
    )


def test_the_command(small, tmp_path, capsys):
    arguments = ["sweep", "mnist-vanilla", "--data", small.data, "--steps", 1, "--batch-size", 3,
                 "--features", 1, "--seed", 0, 1, "--tau", 1, 2, "--out", tmp_path]  # fmt: skip
    for told in ("finished in", "finished before"):
        assert cli.main(list(map(str, arguments))) == 0
        lines = capsys.readouterr().out.splitlines()
        name = "batch_size3-tau1-features1-seed0"
        assert [line.split(":")[0] for line in lines[:4]] == [f"{i} of 4" for i in (1, 2, 3, 4)]
        assert all(told in line for line in lines[:4])
        assert lines[4] == f"4 of 4 runs are done; they lie in {tmp_path}."
        assert name in lines[0]


def test_of_a_single_run_the_command_says_that_it_diverged(small, tmp_path, capsys):
    arguments = ["train", "mnist-vanilla", "--data", small.data, "--steps", 5, "--batch-size", 3,
                 "--features", 1, "--lr", 1e25, "--out", tmp_path / "run"]  # fmt: skip
    assert cli.main(list(map(str, arguments))) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("gan-teach: step ")
    assert told.endswith("look at the penalty's weight.")


def test_mistakes_are_said_at_the_call(small, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"knob must be one of .*Did you mean 'tau'"):
        combinations(small, {"taw": [1]})
    with pytest.raises(ValueError, match=r"knobs\['tau'\] is empty"):
        combinations(small, {"tau": []})
    with pytest.raises(ValueError, match=r"NAME must be one of .*Did you mean 'mnist-"):
        grid_of("mnist", {})
    for package, how in (("joblib", {"jobs": 2}), ("submitit", {"cluster": "slurm"})):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ValueError, match=rf"needs {package}: pip install"):
            sweep_images(combinations(small, {}), tmp_path, **how)
    assert not list(tmp_path.iterdir())
