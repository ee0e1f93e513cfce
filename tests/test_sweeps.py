"""Sweeps: members equal single runs, chunks resume, and an interruption loses nothing."""

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from gan_teach import plots, zoo
from gan_teach.dynamics import alternating
from gan_teach.games import penalties
from gan_teach.history import History
from gan_teach.lab.frame import contrast
from gan_teach.studies import engine
from gan_teach.studies.sweeps import sweep
from gan_teach.training import probes, record

SETUP = zoo.Training(steps=4, batch_size=8, lr=1e-2, optimizer="adam", rule=zoo.FIVE_GAUSSIANS.rule)
SEEN: dict[str, Any] = {"params": probes.params(), "d_loss": probes.loss("d")}


def tiny(seed, loss="js", width=4, gamma=0.0):
    game = zoo.five_gaussians(seed, loss, width=width, penalties=penalties.r1(gamma))
    game.to(torch.float64)
    return game


def small(folder=None, **changes):
    options = {"seeds": 3, "knobs": {"loss": ["js", "relativistic"], "lr": [1e-3, 1e-2]}}
    options |= {"chunk": 2, "every": 2, **SEEN, **changes}
    knobs, seeds = options.pop("knobs"), options.pop("seeds")
    return sweep(tiny, knobs, seeds, SETUP, folder=folder, **options)


def same(a: History, b: History) -> None:
    assert a.keys() == b.keys()
    assert (a.steps == b.steps).all()
    assert a.meta == b.meta
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
    for name, value in a.static.items():
        np.testing.assert_array_equal(value, b.static[name])


def test_every_combination_and_seed_is_there_once_and_equals_its_single_run():
    found = small(knobs={"loss": ["js", "relativistic"], "lr": [1e-3, 1e-2], "gamma": [0.0, 1.0]})
    names = ("loss", "lr", "gamma", "seed")
    members = list(zip(*(found.static[name].tolist() for name in names), strict=True))
    assert len(members) == len(set(members)) == 2 * 2 * 2 * 3
    assert found.steps.tolist() == [0, 2, 4]
    for i in (0, 5, 11, 20):
        loss, lr, gamma, seed = members[i]
        alone = record(
            SETUP.train(tiny(seed, loss, gamma=gamma), lr=lr, seed=seed), every=2, **SEEN
        )
        for name in SEEN:
            np.testing.assert_allclose(
                found.member(i)[name], alone[name], rtol=1e-8, atol=1e-9, err_msg=f"{members[i]}"
            )
        assert found.member(i).static["loss"] == loss


def test_networks_of_unlike_sizes_are_stacked_apart():
    found = small(knobs={"width": [2, 3]}, chunk=8, d_loss=probes.loss("d"), params=_count)
    assert found.static["width"].tolist() == [2, 2, 2, 3, 3, 3]
    sizes = [(2 * 3 + 3 * 2 + 3 * 2) + (2 * 3 + 3 * 2 + 2), (3 * 3 + 4 * 3 + 4 * 2) + (9 + 12 + 3)]
    assert found["params"][0].tolist() == [sizes[0]] * 3 + [sizes[1]] * 3


def _count(state):
    return np.full(state.game.lead, state.game.n_g + state.game.n_d)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_the_chunks_size_changes_nothing_but_rounding(size):
    whole, parts = small(chunk=100), small(chunk=size)
    order = [np.lexsort([h.static[k] for k in ("seed", "lr", "loss")]) for h in (whole, parts)]
    for name in SEEN:
        a, b = (h[name][:, o] for h, o in zip((whole, parts), order, strict=True))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


class Watched:
    """D's loss; keeps a list of the steps that it saw and may interrupt in a chunk's last step."""

    def __init__(self, chunks=99):
        self.chunks, self.steps = chunks, []

    def identity(self):
        return "watched"  # where it interrupts decides no number

    def __call__(self, state):
        self.steps.append(state.step)
        if self.steps.count(0) > self.chunks and state.step == 3:
            raise KeyboardInterrupt
        return state.losses.get("d_loss", torch.full(state.game.lead, torch.nan)).numpy()


def test_an_interrupted_sweep_resumes_to_the_same_table(tmp_path):
    expected = small()
    stop_in_chunk = 2  # of six
    first = small(tmp_path, every=1, d_loss=Watched(stop_in_chunk))
    assert first.meta["interrupted"]
    assert first.meta["members"] == 2 * stop_in_chunk
    assert first.meta["members_planned"] == 12
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert sorted(path.name for path in written) == ["chunk-0000.npz", "chunk-0001.npz"]
    again = small(tmp_path, every=1, d_loss=Watched())
    assert all(path.stat().st_mtime_ns == time for path, time in written.items())
    same(again, small(every=1))
    assert again.last("params").shape == expected.last("params").shape
    np.testing.assert_array_equal(again.last("params"), expected.last("params"))


def test_an_interruption_before_the_first_chunk_gives_an_empty_history(tmp_path):
    def stop(state):
        raise KeyboardInterrupt

    found = small(tmp_path, d_loss=stop)
    assert (len(found), found.meta["members"], found.meta["interrupted"]) == (0, 0, True)
    assert list(tmp_path.iterdir()) == []


def test_more_seeds_go_on_in_the_same_folder(tmp_path):
    few = small(tmp_path, seeds=2, d_loss=Watched())
    probe = Watched()
    more = small(tmp_path, seeds=4, d_loss=probe)
    assert probe.steps == [0, 2, 4] * 4  # four cells of two further seeds, a chunk each
    np.testing.assert_array_equal(more["params"][:, : few.meta["members"]], few["params"])
    same(small(tmp_path, seeds=4, d_loss=Watched()), more)


def scaled(factor):
    return lambda state: np.full(state.game.lead, factor)


CHANGES = {  # what stays the same by name, or nearly so, and gives other numbers
    "seeds": {"seeds": [5, 6, 7]},
    "records": {"every": 1},
    "steps": {"steps": 2},
    "members": {"chunk": 1},
    "a lambda": {"game": lambda seed, **knobs: tiny(seed, **knobs, width=3)},
    "a default": {"game": partial(tiny, width=3)},
    "a closure": {"probe": scaled(2.0)},
    "a probe's setting": {"probe": probes.loss("g")},
    "a value of a knob": {"knobs": {"gamma": [2.0]}},
    "the rule": {"setup": replace(SETUP, rule=partial(alternating, d_steps=2, redraw="none"))},
    "the average": {"average": 1.0},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_folder_of_another_sweep_is_refused(tmp_path, change):
    options: dict[str, Any] = {
        "game": lambda seed, **knobs: tiny(seed, **knobs), "knobs": {"gamma": [10.0]},
        "seeds": 2, "setup": SETUP, "chunk": 2, "every": 2, "probe": scaled(1.0),
    }  # fmt: skip

    def run(game, knobs, seeds, setup, **rest):
        return sweep(game, knobs, seeds, setup, folder=tmp_path, **rest)

    first = run(**options)
    same(run(**options), first)
    with pytest.raises(ValueError, match=r"chunk-0000.npz belongs to another study: it differs in"):
        run(**{**options, **change})


def test_another_version_of_the_library_computes_anew(tmp_path, monkeypatch):
    small(tmp_path)
    monkeypatch.setattr(engine, "__version__", "0.0")
    with pytest.raises(ValueError, match=r"it differs in library\."):
        small(tmp_path)


def test_functions_that_cannot_be_read_are_refused_for_a_folder_only(tmp_path):
    lock = threading.Lock()

    def unread(state):
        return [float(lock.locked())] * state.game.lead[0]

    assert (small(seen=unread)["seen"] == 0).all()
    with pytest.raises(TypeError, match=r"probes holds .*class lock"):
        small(tmp_path, seen=unread)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_chunk_is_named(tmp_path):
    small(tmp_path)
    path = tmp_path / "chunk-0001.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"chunk-0001.npz is damaged"):
        small(tmp_path)


def test_the_default_probe_scores_modes():
    found = sweep(tiny, {}, 2, SETUP, steps=1)
    assert found["modes"].shape == (2, 2, 3)
    assert set(found.static) == {"seed"}
    assert ((found["modes"][..., 1] >= 0) & (found["modes"][..., 1] <= 1)).all()


def test_probes_see_the_average_of_the_generator():
    """Against the average of the recorded parameters, formed afterwards."""
    settings = {"knobs": {}, "seeds": 2, "every": 1, "params": probes.params()}
    path, seen = small(**settings)["params"], small(average=2.0, **settings)["params"]
    n_g, decay = tiny(0).n_g, 2**-0.5
    mean = path[0]
    for now, shown in zip(path, seen, strict=True):
        mean = decay * mean + (1 - decay) * now
        np.testing.assert_allclose(shown[:, :n_g], mean[:, :n_g], rtol=1e-10)
        np.testing.assert_allclose(shown[:, n_g:], now[:, n_g:], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knobs": {"lr": []}}, r"knobs\['lr'\] is empty"),
        ({"knobs": {"gamma": [penalties.r1()]}}, r"knobs\['gamma'\] must be numbers or text"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [3, 3]}, "seeds names a seed twice"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"chunk": 0}, "chunk must be at least 1"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        small(**change)


def test_a_progress_bar_counts_member_steps(capsys):
    small(progress=True)
    assert "60/60" in capsys.readouterr().err  # 12 members, 5 states each


def table():
    x, y, seed = (a.ravel() for a in np.meshgrid([1, 10], ["a", "b", "c"], range(4), indexing="ij"))
    kept = ~((x == 10) & (y == "c"))
    static = {"x": x[kept], "y": y[kept], "seed": seed[kept]}
    meta = {"members": int(kept.sum()), "static_per_member": list(static)}
    return History([0], {}, static, meta)


def test_the_phase_diagram_says_share_interval_and_number():
    history = table()
    won = (history.static["x"] == 1) & (history.static["seed"] < 3)
    ax = plots.phase_diagram(history, won, "x", "y")
    texts = [t.get_text() for t in ax.texts]
    # Wilson for 3 of 4 and 0 of 4, from (p - k/n)^2 = z^2 p (1 - p) / n solved by hand
    cells = list(zip(texts[::2], texts[1::2], strict=True))
    assert cells.count(("75%", "30% to 95%\nn = 4")) == 3
    assert cells.count(("0%", "0% to 49%\nn = 4")) == 2
    share, rest = (float(text.get_fontsize()) for text in ax.texts[:2])
    assert share >= 1.5 * rest  # to be read from the back row
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    mesh: Any = ax.collections[0].get_array()
    np.testing.assert_allclose(np.ma.filled(mesh, np.nan), [[0.75, 0], [0.75, 0], [0.75, np.nan]])


def test_the_figures_of_a_phase_diagram_can_be_read_on_every_shade():
    x, seed = (a.ravel() for a in np.meshgrid(range(21), range(20), indexing="ij"))
    static = {"x": x, "y": np.zeros_like(x), "seed": seed}
    meta = {"members": len(x), "static_per_member": list(static)}
    ax = plots.phase_diagram(History([0], {}, static, meta), seed < x, "x", "y")
    mesh: Any = ax.collections[0]
    grounds = mesh.cmap(np.arange(21) / 20)[:, :3]
    texts = [to_rgb(text.get_color()) for text in ax.texts[::2]]
    assert contrast(np.array(texts), grounds).min() > 4.5


def test_the_phase_diagram_refuses_unknown_knobs_and_other_members():
    history = table()
    with pytest.raises(KeyError, match="tau"):
        plots.phase_diagram(history, np.ones(20), "x", "tau")
    with pytest.raises(IndexError, match=r"size of axis is 3 but .* boolean axis is 20"):
        plots.phase_diagram(history, [1, 0, 1], "x", "y")
