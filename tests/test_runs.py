"""A run as files, and the command that makes them."""

import numpy as np
import pytest
import torch
from PIL import Image

import figures
import gan_teach as gt
from gan_teach import cli
from gan_teach.history import History
from gan_teach.studies import toys
from gan_teach.zoo import experiments

SINGLE = ["history.npz", "summary.png", "eigenvalues.png", "animation.gif"]
ENSEMBLE = ["history.npz", "objective.png", "outcomes.png"]


@pytest.fixture(scope="module")
def history():
    return experiments.run("normal", games=4)


def run(tmp_path, *arguments):
    return cli.main(["run", *arguments, "--out", str(tmp_path / "out")])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# -- files -----------------------------------------------------------------------------------------


def test_a_run_becomes_four_files(history, tmp_path):
    written = [path.name for path in toys.save_run(history, tmp_path / "new" / "folder")]
    assert written == SINGLE
    assert names(tmp_path / "new" / "folder") == sorted(SINGLE)
    kept = History.load(tmp_path / "new" / "folder" / "history.npz")
    np.testing.assert_array_equal(kept["params"], history["params"])
    assert kept.meta == history.meta
    for name in ("summary.png", "eigenvalues.png", "animation.gif"):
        with Image.open(tmp_path / "new" / "folder" / name) as picture:
            assert min(picture.size) > 200
            assert len(np.unique(np.asarray(picture.convert("L")))) > 10  # something is drawn
    with Image.open(tmp_path / "new" / "folder" / "animation.gif") as film:
        assert getattr(film, "n_frames", 1) == 5


def test_an_ensemble_becomes_three_files(tmp_path):
    many = experiments.run_seeds("strong-generator", 3, games=4)
    assert [path.name for path in toys.save_run(many, tmp_path)] == ENSEMBLE
    assert names(tmp_path) == sorted(ENSEMBLE)


def test_numbers_are_safe_before_the_first_picture(history, tmp_path, monkeypatch):
    def broken(history):
        raise RuntimeError("no picture")

    monkeypatch.setattr(toys.plots, "summary", broken)
    with pytest.raises(RuntimeError, match="no picture"):
        list(toys.save_run(history, tmp_path))
    assert names(tmp_path) == ["history.npz"]


@pytest.mark.slow
def test_a_second_run_replaces_the_files_of_the_first(tmp_path):
    for games in (2, 3):
        list(toys.save_run(experiments.run_seeds("normal", 2, games=games), tmp_path))
    assert names(tmp_path) == sorted(ENSEMBLE)
    assert len(History.load(tmp_path / "history.npz")) == 4


def test_figures_are_made_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(
        figures,
        "FIGURES",
        {"a.txt": lambda p: p.write_text("a"), "b.txt": lambda p: p.write_text("b")},
    )
    assert [p.name for p in figures.make_figures(tmp_path, ["b.txt"])] == ["b.txt"]
    assert names(tmp_path) == ["b.txt"]
    assert len(list(figures.make_figures(tmp_path))) == 2
    with pytest.raises(ValueError, match=r"Did you mean 'a\.txt'"):
        list(figures.make_figures(tmp_path, ["a.text"]))


def test_the_figures_of_the_project_are_made_from_known_experiments(tmp_path, monkeypatch):
    short = lambda name, *seeds, **_: long[len(seeds)](name, *seeds, games=2)  # noqa: E731
    long = (experiments.run, experiments.run_seeds)
    monkeypatch.setattr(experiments, "run", short)
    monkeypatch.setattr(experiments, "run_seeds", lambda name, n: short(name, 2))
    for name in ("strong-generator.gif", "outcomes.png"):
        (path,) = figures.make_figures(tmp_path, [name])
        with Image.open(path) as picture:
            picture.verify()


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_run_prints_a_table_and_writes_the_files(tmp_path, capsys):
    assert run(tmp_path, "normal", "--games", "3", "--seed", "2") == 0
    printed = capsys.readouterr().out
    for word in ("-1.3863 ± 0.05", "D(x) on real samples", "saddle", "animation.gif"):
        assert word in printed
    assert names(tmp_path / "out") == sorted(SINGLE)
    kept = History.load(tmp_path / "out" / "history.npz")
    assert kept.meta["seed"] == 2
    again = experiments.run("normal", games=3, seed=2)
    np.testing.assert_array_equal(kept["params"], again["params"])


@pytest.mark.slow
def test_every_option_reaches_the_run(tmp_path):
    options = {"games": 2, "d_steps": 3, "g_steps": 2, "noise": 0.5, "loss": "non_saturating",
               "lr": 0.05, "tau": 2.0}  # fmt: skip
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
    assert run(tmp_path, "normal", *flags) == 0
    meta = History.load(tmp_path / "out" / "history.npz").meta
    assert {key: meta[key] for key in options} == options


def test_many_seeds_start_at_the_seed_that_was_given(tmp_path, capsys):
    assert run(tmp_path, "noisy", "--games", "2", "--seed", "5", "--seeds", "3") == 0
    assert "of 3" in capsys.readouterr().out
    assert names(tmp_path / "out") == sorted(ENSEMBLE)
    kept = History.load(tmp_path / "out" / "history.npz")
    assert kept.meta["seed"] == [5, 6, 7]
    assert kept["params"].shape == (3, 3, 4)


@pytest.mark.slow
def test_without_out_a_folder_of_the_experiments_name_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "strong-generator", "--games", "1", "--g-steps", "1"]) == 0
    assert names(tmp_path / "runs" / "strong-generator") == sorted(SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finished", "seeds"), [(0, []), (4, []), (0, ["--seeds", "3"]), (4, ["--seeds", "3"])]
)
def test_ctrl_c_keeps_what_was_finished(tmp_path, capsys, monkeypatch, finished, seeds):
    def interrupted(*arguments, **settings):
        states = train(*arguments, **settings)

        def some():
            for _ in range(finished + 1):
                yield next(states)
            raise KeyboardInterrupt

        return gt.training.Run(some(), states.total)

    train = experiments.train
    monkeypatch.setattr(experiments, "train", interrupted)
    assert run(tmp_path, "normal", "--games", "50", *seeds) == 130
    assert f"Stopped after round {finished}" in capsys.readouterr().out
    assert names(tmp_path / "out") == sorted(ENSEMBLE if seeds else SINGLE)
    kept = History.load(tmp_path / "out" / "history.npz")
    assert list(kept.steps) == list(range(finished + 1))
    assert kept.meta["interrupted"]


TOY_FILES = {
    "torus": ["norm", "path"],
    "dirac-wgan-gp": ["norm", "path"],
    "two-clusters-rs": ["losses", "samples"],
    "five-gaussians-js": ["losses", "samples"],
}


@pytest.mark.parametrize("name", TOY_FILES)
def test_a_toy_is_run_by_its_name(tmp_path, capsys, name):
    assert run(tmp_path, name, "--games", "2", "--format", "pdf") == 0
    pictures = [f"{picture}.pdf" for picture in TOY_FILES[name]]
    film = ["animation.gif"] if name == "five-gaussians-js" else []
    assert names(tmp_path / "out") == sorted(["history.npz", *pictures, *film])
    assert all((tmp_path / "out" / p).read_bytes().startswith(b"%PDF") for p in pictures)
    assert "loss of D" in capsys.readouterr().out


def test_a_toy_takes_the_published_ratios_and_the_seeds_together():
    history = toys.run("quadratic", games=3, lr=0.01)
    assert history.meta["tau"] == [2.0, 2.5, 3.0, 5.0, 10.0]
    w = np.array([5.0, 4.0, 3.0, 2.0])  # x and y
    A, D = np.array([-4.0, 2.0]), np.array([-2.0, -4.0])
    for _ in range(3):
        x, y = w[:2], w[2:]
        w = np.concatenate([x - 0.01 * A * (x + y), y + 0.01 * 2.5 * (A * x + D * y)])
    np.testing.assert_allclose(history["params"][-1, 1], w, rtol=1e-12)
    many = toys.run("half-circles", games=1, seed=3, seeds=2)
    assert toys.labels(many) == ["τ = 1, seed 3", "τ = 1, seed 4"]
    one = toys.run("half-circles", games=1, seed=4)
    np.testing.assert_allclose(many["fake"][-1, 1], one["fake"][-1, 0], atol=1e-5)


def test_a_toy_is_scored_by_its_modes_beside_real_points():
    history = toys.run("five-gaussians-js", games=2, seeds=2)
    data = gt.zoo.five_gaussians(seed=0).data
    for k in range(2):
        found = gt.metrics.mode_report(history.last("fake")[k], data)
        assert [*found.scores.values()] == pytest.approx(history.last("modes")[k].tolist())
    low, high = history.static["bands"].T
    real = data.sample(toys.SHOWN, torch.Generator().manual_seed(5))
    scores = [*gt.metrics.mode_report(real, data).scores.values()]
    assert ((low <= scores) & (scores <= high)).all()
    assert low[0] == high[0] == 5
    *_, first, last = str(toys.report(history)).splitlines()
    assert first.startswith("real, from")
    assert "5 modes" in last


CHANCE = ("five-gaussians", "half-circles", "two-clusters", "dirac-instance-noise")


@pytest.mark.parametrize("name", [name for name in toys.TOYS if not name.startswith(CHANCE)])
def test_seeds_of_a_game_without_chance_are_refused(name):
    ends = [toys.run(name, games=5, seed=seed)["params"][-1] for seed in (0, 1)]
    np.testing.assert_array_equal(*ends)
    with pytest.raises(ValueError, match=f"{name} draws nothing at random"):
        toys.run(name, games=5, seeds=2)


def test_seeds_of_a_game_that_draws_part():
    one, other = toys.run("dirac-instance-noise", games=5, seeds=2)["params"][-1]
    assert not np.allclose(one, other)


def test_every_experiment_of_the_list_has_a_run(capsys):
    assert cli.main(["list"]) == 0
    listed = capsys.readouterr().out.partition("Experiments")[2]
    assert all(f"  {name} " in listed for name in [*experiments.EXPERIMENTS, *toys.TOYS])


def test_v_stands_beside_the_bar(capsys):
    v = experiments.run("normal", games=20, progress=True)["objective"][-1]
    assert f"V = {v:.4f}, -2 log 2 = -1.3863" in capsys.readouterr().err


def test_eps_is_postscript(tmp_path):
    gt.style.save(gt.plots.compare([0, 1], {"a": [0, 1]}), tmp_path / "a.eps")
    assert (tmp_path / "a.eps").read_bytes().startswith(b"%!PS-Adobe-3.0 EPSF")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["torus", "--loss", "js"], "loss is no setting of torus"),
        (["normal", "--format", "gif"], "'gif'"),
        (["norml"], "Did you mean 'normal'"),
        (["normal", "--games", "0"], "games must be at least 1, got 0"),
        (["normal", "--games", "many"], "invalid int value: 'many'"),
        (["normal", "--d-steps=-2"], "--d-steps must be at least 0, got -2"),
        (["normal", "--noise", "nan"], "noise must be at least 0, got nan"),
        (["normal", "--loss", "saturate"], "Did you mean 'saturating'"),
        (["normal", "--lr=-1"], "lr must be at least 0"),
        (["normal", "--tau=inf"], "tau must be at least 0"),
        (["normal", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["normal", "--seed=-1"], "seed must be at least 0, got -1"),
        ([], "EXPERIMENT"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_no_folder(tmp_path, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, *arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("gan-teach: ")
    assert error.count("\n") == 1
    assert sentence in error
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file_is_named(tmp_path, capsys):
    (tmp_path / "out").write_text("in the way")
    assert run(tmp_path, "normal", "--games", "1") == 1
    assert str(tmp_path / "out") in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.slow
def test_a_run_that_diverges_still_leaves_its_files(tmp_path, capsys):
    assert run(tmp_path, "normal", "--games", "6", "--loss", "least_squares", "--lr", "1e6") == 0
    assert names(tmp_path / "out") == sorted(SINGLE)
    assert not np.isfinite(History.load(tmp_path / "out" / "history.npz")["objective"][-1])
    assert "nan" in capsys.readouterr().out
