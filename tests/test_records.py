"""Records: what is read off the runs, files that resume, and the command."""

import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import gan_teach as gt
import stamp
from gan_teach import cli, zoo
from gan_teach.analysis import landscape
from gan_teach.course import records
from gan_teach.data import small_mnist
from gan_teach.dynamics import alternating
from gan_teach.dynamics.optim import Adam
from gan_teach.history import History

EPOCHS = np.arange(0, 1001, 5)
LOG2 = np.log(2)
SHIPPED = records.folder()
JS_COLLAPSE = landscape.plateau(1, 2, convention="half")


def runs(*members):
    """A History of two-cluster runs, each a list of (last epoch, loss, hits at the clusters)."""
    loss, hits = np.full((len(EPOCHS), len(members)), np.nan), None
    hits = np.zeros((len(EPOCHS), len(members), 2), dtype=int)
    for s, pieces in enumerate(members):
        start = 0
        for end, value, counts in pieces:
            now = (start <= EPOCHS) & (end >= EPOCHS)
            loss[now, s], hits[now, s] = value, counts
            start = end + 1
    loss[0] = np.nan  # there is no loss before the first update
    return History(EPOCHS, {"d_loss": loss, "hits": hits})


def test_facts_of_runs_whose_course_is_known():
    history = runs(
        [(100, 0.6, (30, 2)), (400, JS_COLLAPSE, (100, 0)), (1000, LOG2 + 0.01, (50, 50))],
        [(1000, JS_COLLAPSE, (0, 97))],  # never escapes
        [(20, JS_COLLAPSE, (100, 0)), (500, 0.6, (50, 50)), (1000, LOG2, (90, 10))],
        [(1000, LOG2, (55, 45))],
    )
    facts = records.outcomes.two_cluster_facts(history)
    assert facts["settled"].tolist() == [405, np.inf, 505, 5]
    assert facts["reached"].tolist() == [True, False, False, True]
    assert facts["collapsed"].tolist() == [300, 1005, 25, 0]
    assert facts["rest"].tolist() == [300, 1005, 25, 0]
    np.testing.assert_allclose(facts["plateau"], [JS_COLLAPSE, JS_COLLAPSE, np.nan, np.nan])


def test_the_plateau_leaves_out_the_way_to_it():
    history = runs([(1000, 0.5, (100, 0))])
    decaying = np.where(EPOCHS < 480, 0.69 - 0.0004 * EPOCHS, 0.4774)
    history = history.with_arrays(d_loss=decaying[:, None])
    assert records.outcomes.two_cluster_facts(history)["plateau"] == pytest.approx(0.4774)


def test_fakes_that_hop_from_cluster_to_cluster_rest_nowhere():
    hops = [
        (end, 0.68, (100, 0) if k % 2 else (0, 100)) for k, end in enumerate(range(40, 1001, 40))
    ]
    facts = records.outcomes.two_cluster_facts(
        runs(hops, [(200, 0.68, (0, 99)), (1000, 0.5, (99, 0))])
    )
    assert facts["collapsed"].tolist() == [1005, 1005]
    assert facts["rest"].tolist() == [45, 800]
    np.testing.assert_allclose(facts["plateau"], [np.nan, 0.5])


def test_a_diverged_run_settles_nowhere():
    facts = records.outcomes.two_cluster_facts(
        runs([(500, LOG2, (50, 50)), (1000, np.nan, (0, 0))])
    )
    assert facts["settled"].tolist() == [np.inf]
    assert not facts["reached"].any()


def test_facts_of_five_gaussians_whose_course_is_known():
    nan = np.nan
    covered = [[0, 0, 5, 5], [3, 5, 5, 4], [5, 5, nan, 5], [5, 4, nan, 5]]
    quality = [[0.0] * 4, [0.5] * 4, [0.8, 0.9, nan, 0.7], [0.9, 0.6, nan, 0.8]]
    history = History([0, 200, 400, 600], {"covered": covered, "high_quality": quality})
    facts = records.five_gaussian_facts(history)
    assert facts["followed"].tolist() == [600, 600, 200, 600]
    assert facts["covered_from"].tolist() == [400, np.inf, 0, 400]
    np.testing.assert_allclose(facts["end"], [0.9, 0.6, 0.5, 0.8])
    assert facts["reached"].tolist() == [np.inf] * 4  # so short a run has no five in a row


def test_five_records_in_a_row_are_an_arrival_even_if_a_cluster_is_lost_again():
    steps = np.arange(0, 2200, 200)
    columns = {
        "stays": [3, 4] + 9 * [5],
        "loses one again": [4, 5, 4] + 6 * [5] + [4, 5],
        "never five in a row": [5, 5, 5, 5, 4] * 2 + [5],
        "not followed further": 5 * [5] + 6 * [np.nan],
    }
    covered = np.array(list(columns.values())).T
    history = History(steps, {"covered": covered, "high_quality": np.zeros_like(covered)})
    assert records.five_gaussian_facts(history)["reached"].tolist() == [400, 600, np.inf, 0]


@pytest.fixture
def short(monkeypatch):
    """The published games for twenty epochs, or two steps."""
    monkeypatch.setattr(zoo, "TWO_CLUSTERS", replace(zoo.TWO_CLUSTERS, steps=20))
    for name in ("FIVE_GAUSSIANS", "HALF_CIRCLES", "HALF_CIRCLES_IMPROVED"):
        monkeypatch.setattr(zoo, name, replace(getattr(zoo, name), steps=2))


@pytest.mark.parametrize("name", records.NAMES)
def test_a_shipped_record_is_of_the_settings_that_its_name_stands_for(name):
    found = records.load(name)
    assert found.meta["record"] == name
    assert found.steps[-1] == found.meta["settings"]["steps"]
    assert {"lr", "batch_size", "optimizer", "rule"} <= set(found.meta["settings"])


@pytest.mark.parametrize("name", records.NAMES)
def test_a_study_trains_as_many_seeds_as_its_record_shows(name):
    study = {**records.RECORDS, **records.images.IMAGE_RECORDS}[name]
    assert len(np.unique(records.load(name).static.get("seed", 0))) == study.seeds


def test_no_two_records_are_of_the_same_settings():
    made_by = [str(records.load(name).meta["settings"]) for name in records.NAMES]
    assert len(set(made_by)) == len(records.NAMES)


OTHERS = {  # a setting that decides the numbers, changed in the library after the record was made
    "a rate": ("TWO_CLUSTERS", {"lr": 0.02}, r"lr = 0\.01 \(now 0\.02\)"),
    "the rule": ("TWO_CLUSTERS", {"rule": partial(alternating, 5, 10)}, "rule = .*10, 10"),
    "the optimiser": ("TWO_CLUSTERS", {"optimizer": partial(Adam, betas=(0.5, 0.9))}, "optimizer"),
}


@pytest.mark.parametrize(("training", "change", "words"), OTHERS.values(), ids=OTHERS)
def test_a_record_of_other_settings_is_refused(monkeypatch, training, change, words):
    monkeypatch.setattr(zoo, training, replace(getattr(zoo, training), **change))
    with pytest.raises(ValueError, match=rf"two-clusters-rs\.npz was made with .*{words}"):
        records.load("two-clusters-rs")


def test_an_image_record_of_other_settings_is_refused(monkeypatch):
    changed = zoo.image_gan("faces-dcgan", penalties="r1(1.0)")
    monkeypatch.setitem(zoo.IMAGE_GANS, "faces-dcgan", changed)
    with pytest.raises(ValueError, match=r"faces-dcgan\.npz was made with penalties = \[\] \(now"):
        records.load("faces-dcgan")


def test_a_record_under_another_name_is_refused(monkeypatch, tmp_path):
    shutil.copy(records.folder() / "two-clusters-js.npz", tmp_path / "two-clusters-rs.npz")
    monkeypatch.setattr(records, "folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"loss = 'js' \(now 'relativistic'\)"):
        records.load("two-clusters-rs")


@pytest.mark.parametrize("schema", [None, 0])
def test_a_record_of_another_schema_is_refused(monkeypatch, tmp_path, schema):
    old = records.load("two-clusters-rs").describe(meta={"schema": schema})
    old.save(tmp_path / "two-clusters-rs.npz")
    monkeypatch.setattr(records, "folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=f"is a record of schema {schema}; this version reads 1"):
        records.load("two-clusters-rs")


def test_a_stamp_changes_what_a_record_says_and_none_of_its_arrays(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(records, "folder", lambda: tmp_path)
    for name in ("two-clusters-js", "faces-dcgan"):
        path = tmp_path / f"{name}.npz"
        shutil.copy(SHIPPED / path.name, path)
        old = records.load(name)
        old.describe(meta={"settings": {**old.meta["settings"], "rule": "of old"}}).save(path)
        with pytest.raises(ValueError, match="rule = 'of old'"):
            records.load(name)
        assert stamp.main([name]) == 1
        with pytest.raises(ValueError, match="rule = 'of old'"):
            records.load(name)
        assert stamp.main([name, "--write"]) == 0
        new = records.load(name)
        assert new.meta == old.meta
        with np.load(path) as now, np.load(SHIPPED / path.name) as before:
            assert now.files == before.files
            for key in set(now.files) - {"meta"}:
                assert now[key].dtype == before[key].dtype
                assert now[key].tobytes() == before[key].tobytes()
        assert stamp.main([name]) == 0
    assert "rule = 'of old' -> " in capsys.readouterr().out


def test_a_stamp_notices_arrays_that_change(monkeypatch, tmp_path):
    path = tmp_path / "two-clusters-js.npz"
    shutil.copy(SHIPPED / path.name, path)
    other = {"settings": {"rule": "of old"}}
    records.load("two-clusters-js").describe(meta=other).save(path)
    save = History.save
    broken = lambda self, path: save(self.with_arrays(d_loss=self["d_loss"] + 1), path)  # noqa: E731
    monkeypatch.setattr(History, "save", broken)
    with pytest.raises(AssertionError, match="no longer what they were"):
        stamp.stamp("two-clusters-js", path, write=True)


def test_hits_are_counted_from_the_fixed_latents(short, tmp_path):
    """Beside a single run that is looked at from outside."""
    history = records.make("two-clusters-rs", tmp_path, tmp_path / "work", seeds=2)
    game = zoo.two_clusters(1, loss="relativistic")
    for _ in zoo.TWO_CLUSTERS.train(game, seed=1):
        pass
    fake = game.generate(game.latent.points).detach().numpy()[:, 0]
    expected = [(np.abs(fake - center) <= 0.36).sum() for center in (0.0, 4.0)]
    assert history.last("hits")[1].tolist() == expected


def test_the_whole_loss_is_recorded_in_the_halved_convention(short, tmp_path):
    history = records.make("two-clusters-whole", tmp_path, tmp_path / "work", seeds=1)
    game = zoo.two_clusters(0, loss="non_saturating")
    *_, last = zoo.TWO_CLUSTERS.train(game, seed=0)
    half = float(last.losses["d_loss"]) / 2
    assert history.last("d_loss")[0] == pytest.approx(half, abs=1e-4)
    assert half == pytest.approx(LOG2, abs=0.1)


@pytest.mark.parametrize("name", ["two-clusters-js", "five-gaussians-rs", "half-circles-published"])
def test_a_record_is_small_complete_and_loads(short, name, tmp_path, monkeypatch):
    made = records.make(name, tmp_path / "records", tmp_path / "work", seeds=3)
    monkeypatch.setattr(records, "folder", lambda: tmp_path / "records")
    found = records.load(name)
    assert found.meta == made.meta
    assert found.meta["members"] == 3
    assert found.static["seed"].tolist() == [0, 1, 2]
    assert found.member(1).static["seed"] == 1
    for key in made:
        np.testing.assert_array_equal(found[key], made[key])
        assert made[key].itemsize <= 4
    assert not made.meta["interrupted"]


def test_a_second_call_trains_nothing_again(short, tmp_path, monkeypatch):
    first = records.make("five-gaussians-js", tmp_path, tmp_path / "work", seeds=2)
    monkeypatch.setattr(zoo.Training, "train", lambda *a, **k: pytest.fail("trained again"))
    again = records.make("five-gaussians-js", tmp_path, tmp_path / "work", seeds=2)
    np.testing.assert_array_equal(first["covered"], again["covered"])


@pytest.fixture
def two_parts(short, monkeypatch):
    """400 steps where they are published, 200 of them first; the first two seeds are followed."""
    monkeypatch.setattr(zoo, "FIVE_GAUSSIANS", replace(zoo.FIVE_GAUSSIANS, steps=400))
    monkeypatch.setattr(records, "FIRST_PART", 200)
    monkeypatch.setattr(records, "FOLLOWED", 2)


@pytest.mark.slow
def test_five_gaussians_that_lack_a_cluster_go_on(two_parts, tmp_path, monkeypatch):
    whole = records.make("five-gaussians-rs", tmp_path, tmp_path / "a", seeds=4)
    assert whole.static["seed"].tolist() == [0, 1, 2, 3]
    assert not np.isnan(whole["covered"]).any()  # after 200 steps all of them lack one
    monkeypatch.setattr(
        records.outcomes, "all_covered", lambda history: history.static["seed"] == 3
    )
    part = records.make("five-gaussians-rs", tmp_path, tmp_path / "b", seeds=4)
    assert part.steps.tolist() == [0, 200, 400]
    for key in whole:
        # float32: a stack of another size rounds differently in the last digits
        np.testing.assert_allclose(part[key][:, :3], whole[key][:, :3], atol=2e-3)
        np.testing.assert_allclose(part[key][:2, 3], whole[key][:2, 3], atol=2e-3)
        assert np.isnan(part[key][2, 3])
    assert part.meta["members"] == part.meta["members_planned"] == 4


def test_the_command_lists_makes_and_complains(short, tmp_path, capsys):
    assert cli.main(["study"]) == 0
    listed = capsys.readouterr().out.count("\n")
    assert listed == len(records.RECORDS) + len(records.images.IMAGE_RECORDS)
    where = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert cli.main(["study", "two-clusters-js", "--seeds", "2", *where]) == 0
    assert "2 of 2 GANs are done" in capsys.readouterr().out
    assert (tmp_path / "out" / "two-clusters-js.npz").exists()
    with pytest.raises(SystemExit) as stop:
        cli.main(["study", "two-cluster-js", *where])
    assert stop.value.code == 2
    assert "Did you mean 'two-clusters-js'?" in capsys.readouterr().err


def test_an_interrupted_record_says_so(short, tmp_path, monkeypatch, capsys):
    def stop(state):
        raise KeyboardInterrupt

    monkeypatch.setattr(records.outcomes, "hits", stop)
    where = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert cli.main(["study", "two-clusters-js", "--seeds", "2", *where]) == 130
    assert "0 of 2 GANs are done" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_samples_and_distances_are_in_the_units_of_the_assignment(short, tmp_path):
    made = records.make("half-circles-improved", tmp_path, tmp_path / "work", seeds=1)
    real = zoo.half_circles().data.points
    # what an untrained generator makes lies near 0: the distance is that of the data from 0
    from_zero = [(real @ v).abs().mean() for v in directions()]
    assert made["sliced"][0, 0] == pytest.approx(float(np.mean(from_zero)), rel=0.1)
    assert made.static["samples"].shape == (1, 2000, 2)
    first, last = made["sliced"][[0, -1], 0]
    assert abs(first - last) < 1e-3 * first  # the average hardly moves in two steps, but moves
    assert first != last


def directions(n=64):
    angle = np.pi * np.arange(n) / n
    return torch.tensor(np.stack([np.cos(angle), np.sin(angle)], 1), dtype=torch.float32)


def test_the_arms_of_the_ablation_make_their_changes_and_no_others(tmp_path, monkeypatch):
    calls = []

    def sweep(make, knobs, seeds, training, *, average, **rest):
        calls.append({**make.keywords, "training": training, "average": average})
        return History([0], {"sliced": np.ones((1, 2))}, meta={"members": 2, "interrupted": False})

    monkeypatch.setattr(records, "sweep", sweep)
    history = records.RECORDS["half-circles-ablation"].run(2, folder=tmp_path)
    assert history.static["arm"].tolist() == np.repeat(np.arange(17), 2).tolist()
    assert history.static["names"].tolist() == list(records.ARMS)
    assert history.meta["members"] == history.meta["members_planned"] == 34
    handed_in, *alone = calls[:9]
    improved, *without = calls[9:]
    defaults = {
        "unit": 1.0,
        "latent": 100,
        "dropout": 0.3,
        "smoothing": 0.9,
        "loss": "js",
        "gamma": 0,
    }
    assert handed_in == {"training": zoo.HALF_CIRCLES, "average": None}
    assert improved == {
        "unit": 10.0, "latent": 2, "dropout": 0.0, "smoothing": 1.0, "loss": "relativistic",
        "gamma": 0.1, "training": zoo.HALF_CIRCLES_IMPROVED, "average": 200.0,
    }  # fmt: skip

    def differences(arm, base):
        a, b = ({**defaults, **settings} for settings in (arm, base))
        return {key for key in a if a[key] != b[key]}

    single = [{"unit"}, {"latent"}, {"dropout"}, {"smoothing"}, {"loss", "smoothing"}, {"gamma"}]
    single += [{"training"}, {"average"}]
    assert [differences(arm, handed_in) for arm in alone] == single
    # pairs have no labels, so that no smoothing comes back where they are
    left = [{"unit"}, {"latent"}, {"dropout"}, {"loss"}, {"gamma"}, {"training"}, {"average"}]
    assert [differences(arm, improved) for arm in without] == left


# -- knobs ----------------------------------------------------------------------------------------


def test_the_atlas_trains_each_pair_of_settings_with_each_seed():
    history = records.RECORDS["atlas"].run([3, 5], steps=1)
    cells = list(zip(*(history.static[k].tolist() for k in ("seed", "tau", "gamma")), strict=True))
    assert len(set(cells)) == len(cells) == 2 * 8 * 6
    alone = zoo.five_gaussians(5, width=32, penalties=gt.penalties.r1(100.0))
    run = zoo.FIVE_GAUSSIANS.train(alone, steps=1, lr=2e-3, tau=16.0, seed=5)
    modes = gt.record(run, modes=gt.probes.mode_scores())["modes"][-1]
    assert history["modes"][-1, cells.index((5, 16.0, 100.0))] == pytest.approx(modes, abs=1e-2)


def test_a_run_succeeds_with_all_modes_at_five_records_and_half_of_its_samples():
    covered = np.full((6, 4), 5.0)
    covered[0, 0], covered[1, 1] = 0, 4  # before the last five, and within them
    quality = np.full((6, 4), 0.9)
    quality[-1, 2], quality[0, 3] = 0.5, 0.0
    history = History(range(6), {"covered": covered, "high_quality": quality})
    assert records.succeeded(history).tolist() == [True, False, False, True]


# -- DRAGAN's digits ------------------------------------------------------------------------------


def test_the_digits_penalty_is_the_published_one_in_the_units_of_the_pixels():
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, 8, 1, 28, 28, generator=rng, dtype=torch.float64)  # in [0, 1]
    w = torch.randn(784, generator=rng, dtype=torch.float64)
    published = lambda x: torch.tanh(x.flatten(1) @ w / 9)  # noqa: E731
    ours = lambda x: published((x + 1) / 2)  # noqa: E731, in [-1, 1]
    (penalty,), there = records.outcomes.DIGIT_ARMS["DRAGAN"], gt.penalties.dragan(10.0)
    noise = penalty.draw(real, torch.Generator().manual_seed(1))
    value = penalty(ours, 2 * real - 1, 2 * fake - 1, noise)
    assert value.item() == pytest.approx(there(published, real, fake, noise).item())


def test_the_judge_of_digits_names_most_of_them():
    w, b = records.softmax_regression()
    digits = small_mnist()
    named = ((digits.floats().flatten(1) + 1) / 2 @ w + b).argmax(1)
    assert (named == digits.targets).float().mean() > 0.93


@pytest.mark.parametrize("spread", [0.1, 1.0, 4.0])
def test_the_fakes_of_another_start_begin_where_it_says(spread):
    game = records.outcomes.clusters_from(3, "relativistic", spread)
    with torch.no_grad():
        fakes = game.generate(game.latent.points)
    assert float(fakes.mean()) == pytest.approx(0.15, abs=1e-4)
    assert float(fakes.std()) == pytest.approx(spread, rel=1e-4)
