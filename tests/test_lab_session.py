"""The lab without a screen: a session equals a plain run, whatever was done on the way to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_teach import plots
from gan_teach.dynamics import alternating
from gan_teach.games.base import flatten
from gan_teach.lab import Session
from gan_teach.lab.frame import LOOKS, Arrows, Lines, Points
from gan_teach.lab.networks import PlaneWorld
from gan_teach.lab.session import keep
from gan_teach.training import advance, train
from gan_teach.zoo import experiments, line


def state_of(session):
    """Everything that decides the future of a session, as numbers."""
    state = session.state
    tensors = [*state.game.g_params, *state.game.d_params]
    for optimizer in (state.optims.g, state.optims.d):
        tensors += [torch.as_tensor(v) for v in _flat(optimizer.state_dict())]
    return [session.step, session.config, *[t.detach().clone().tolist() for t in tensors]]


def _flat(value):
    if isinstance(value, dict):
        return [x for v in value.values() for x in _flat(v)]
    return [x for v in value for x in _flat(v)] if isinstance(value, list) else [value]


def same(a, b):
    assert state_of(a) == state_of(b)
    np.testing.assert_equal(a.frame, b.frame)


@pytest.mark.parametrize("name", ["normal", "strong-generator", "noisy"])
def test_a_session_records_what_the_experiment_records(name):
    games = 12
    session = Session(name, seed=3, d_steps=min(4, experiments.EXPERIMENTS[name].d_steps))
    session.tick(games)
    plain = experiments.run(name, seed=3, games=games, d_steps=session.config.d_steps)
    assert sorted(session.history.keys()) == sorted(plain.keys())
    for key in plain.keys():  # noqa: SIM118
        tolerance = 1e-12 if key == "eigenvalues" else 0
        np.testing.assert_allclose(session.history[key], plain[key], rtol=tolerance, atol=tolerance)
    for key, value in plain.static.items():
        np.testing.assert_allclose(session.history.static[key], value, rtol=1e-12, err_msg=key)


def test_numbers_act_from_the_next_update_on():
    """Against the library's own loop, steered by hand."""
    session = Session("normal", seed=5)
    session.tick(7)
    message = session.set(d_steps=3, lr=0.05, tau=2.0, loss="non_saturating", noise=0.5)
    assert message.startswith("From round 8 on: D steps a round 3")
    session.tick(6)

    game = line.line_gan(5)
    rule = alternating(redraw="latents")
    state = next(train(game, rule, steps=0, lr=0.1, batch_size=10, seed=5))
    for step in range(13):
        if step == 7:
            noisy = line.line_gan(5, noise=0.5, loss="non_saturating")
            game.loss, game.corrupt = noisy.loss, noisy.corrupt
            rule.d_steps, state.optims.g.lr, state.optims.d.lr = 3, 0.05, 2.0 * 0.05
            state.stream.forget()
        advance(state)
    expected = [p.item() for p in (*game.g_params, *game.d_params)]
    # the session uses the rule with written-out derivatives: equal up to rounding
    np.testing.assert_allclose(session.history.last("params"), expected, rtol=2e-5)


def test_single_steps_move_one_player():
    session = Session("normal")
    before = session.history.last("params")
    session.step_of("d")
    after = session.history.last("params")
    assert (after[:2] == before[:2]).all()
    assert (after[2:] != before[2:]).all()
    session.step_of("g")
    last = session.history.last("params")
    assert (last[:2] != after[:2]).any()
    assert (last[2:] == after[2:]).all()
    assert session.config.turn == "both"
    session.tick()
    assert session.replay == "normal,draws=2/0,turn=d/1,turn=g/2,turn=both/3"


def explore(session):
    """A visit with many turns; ends at step 40."""
    session.tick(9)
    session.set(d_steps=3, optimizer="adam", lr=0.01)
    session.tick(11)
    session.set(noise=0.7, penalty="dragan", weight=0.1)
    session.step_of("d")
    session.tick(9)
    session.set(loss="hinge", batch=7, optimizer="momentum", noise=0.0)
    session.tick(10)
    return session


@pytest.mark.slow
def test_a_replay_string_repeats_a_run_bit_for_bit():
    session = explore(Session("normal", seed=2))
    again = Session(session.replay)
    assert again.step == 40
    assert again.replay == session.replay
    same(session, again)
    for key in session.history.keys():  # noqa: SIM118
        np.testing.assert_array_equal(session.history[key], again.history[key])
    session.tick(15)
    again.tick(15)
    same(session, again)


@pytest.mark.slow
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
def test_going_back_and_forth_changes_nothing(steps):
    straight, wandering = explore(Session("normal", seed=2)), explore(Session("normal", seed=2))
    for step in steps:
        wandering.rewind(step)
        assert wandering.step == step
    same(wandering, Session(wandering.replay))
    wandering.rewind(40)
    same(straight, wandering)
    straight.tick(5)
    wandering.tick(5)
    same(straight, wandering)


def test_the_past_knows_no_losses_of_the_future():
    session, fresh = Session("five-gaussians"), Session("five-gaussians")
    at = {0: dict(session.state.losses)}
    for step in range(1, 13):
        session.go()
        at[step] = dict(session.state.losses)
    for step in (8, 5, 0, 12, 3):
        session.rewind(step)
        assert session.state.losses == at[step]
    session.rewind(0)
    assert session.state.losses == fresh.state.losses == {}
    assert session.branch().state.losses == {}


def test_a_branch_goes_its_own_way_and_leaves_the_first_alone():
    session, straight = explore(Session("normal")), explore(Session("normal"))
    session.rewind(25)
    branch = session.branch()
    same(branch, session)
    branch.set(lr=0.3, optimizer="rmsprop")
    branch.tick(30)
    assert session.step == 25
    session.rewind(40)  # the future that was planned is still the first session's
    same(session, straight)
    same(branch, Session(branch.replay))
    assert branch.config.optimizer == "rmsprop"
    assert session.config.optimizer == "momentum"
    branch.rewind(10)
    same(branch, Session("normal,draws=2/9,d_steps=3,lr=0.01,optimizer=adam/10"))


def test_a_knob_turned_in_the_past_replaces_the_future():
    session = explore(Session("normal"))
    session.rewind(15)
    assert session.reached == 40
    session.set(tau=0.5)
    assert session.reached == 15
    with pytest.raises(ValueError, match=r"at most 15, got 16\. This run has come no farther"):
        session.rewind(16)
    session.tick(25)
    assert session.config.loss == "saturating"  # the change at step 30 is gone
    same(session, Session(session.replay))


def test_turning_a_knob_back_before_the_next_update_leaves_no_trace():
    session = Session("normal")
    session.tick(3)
    session.set(lr=0.7)
    session.set(lr=0.1)
    assert session.set(lr=0.1) == "Nothing changed."
    assert session.replay == "normal,draws=2/3"


def test_the_seed_starts_anew_and_reset_keeps_the_settings():
    session = Session("normal")
    session.tick(5)
    session.set(d_steps=2)
    assert session.set(seed=9) == "Started anew with Seed 9."
    assert (session.step, session.replay) == (0, "normal,seed=9,d_steps=2")
    session.tick(5)
    session.set(lr=0.01)
    session.reset()
    assert (session.step, session.replay) == (0, "normal,seed=9,d_steps=2,lr=0.01")


def test_mistakes_change_nothing():
    session = Session("normal")
    session.tick(2)
    for knobs in ({"lr": -1.0}, {"d_steps": 1.5}, {"speed": 3}, {"loss": "hing"},
                  {"loss": "hinge", "smoothing": 0.9}):  # fmt: skip
        with pytest.raises((TypeError, ValueError)):
            session.set(**knobs)
    assert session.replay == "normal,draws=2/2"
    with pytest.raises(ValueError, match="k must be at least 0, got -1"):
        session.tick(-1)
    with pytest.raises(ValueError, match="ends at round 1000000"):
        session.tick(2_000_000)
    with pytest.raises(ValueError, match="preset must be one of"):
        Session("nomal")


@pytest.mark.slow
def test_memory_is_bounded_and_records_depend_only_on_how_far_the_run_has_come():
    one, many = Session("normal"), Session("normal")
    one.tick(1500)
    while many.step < 1500:
        many.tick(min(37, 1500 - many.step))
    assert len(one._records) <= 512
    assert len(one._snapshots) <= 128
    assert one.history.steps.tolist() == many.history.steps.tolist()
    assert one.history.steps[-1] == 1500
    np.testing.assert_array_equal(one.history["fake"], many.history["fake"])
    for session in (one, many):
        session.rewind(777)
    assert one.history.steps[-1] == 777
    assert state_of(one) == state_of(Session("normal,draws=2/777"))


@given(st.integers(1, 20).map(lambda n: 2 * n), st.integers(1, 4), st.integers(0, 400))
def test_thinning_keeps_evenly_spaced_steps(most, every, length):
    memory: dict[int, int] = {}
    for step in range(length):
        keep(memory, step, lambda own=step: own, step, most, every)
    assert len(memory) <= most
    apart = next(every * 2**k for k in range(20) if len(range(0, length, every * 2**k)) <= most)
    assert list(memory) == list(range(0, length, apart))
    assert all(memory[step] == step for step in memory)


@pytest.mark.slow
def test_memory_stays_bounded_after_another_future_was_taken():
    session = Session("dirac")
    session.go(3000)
    session.rewind(1500)
    session.set(lr=0.1)
    session.go(4000)
    assert len(session._records) <= 512
    assert len(session._snapshots) <= 64
    steps = session.history.steps
    assert steps[0] == 0
    assert np.diff(steps).max() <= 16  # of 5500


def test_the_plots_of_the_course_draw_a_session():
    session = explore(Session("normal"))
    figure = plots.summary(session.history)
    assert len(figure.axes) == 4
    assert session.history.meta["replay"] == session.replay


def test_a_player_that_rests_keeps_its_loss_and_divergence_is_said():
    session = Session("normal", g_steps=0)
    session.tick(3)
    assert np.isfinite(session.history["d_loss"][1:]).all()
    session.set(g_steps=1, lr=100.0, loss="least_squares")
    session.tick(60)
    assert not np.isfinite(session.history.last("params")).all()
    frame = session.frame
    assert "diverged" in frame.narration
    assert frame.note == "the run has diverged"
    session.rewind(3)
    assert "diverged" not in session.frame.narration


def test_a_frame_shows_the_numbers_of_the_run():
    session = Session("normal")
    frame = session.tick(20)
    w, b, a, c = session.history.last("params").astype(float)
    layers = frame.layers
    assert isinstance(layers["d"], Lines)
    assert isinstance(layers["fake"], Points)
    x, d = layers["d"].xy.T
    np.testing.assert_allclose(d, 1 / (1 + np.exp(-(a * x + c))), rtol=1e-5)
    arrows = layers["arrows"]
    assert isinstance(arrows, Arrows)
    z, g = arrows.xy[:, 0], arrows.xy[:, 0] + arrows.uv[:, 0]
    np.testing.assert_allclose(g, w * z + b, rtol=1e-5)
    np.testing.assert_allclose(layers["fake"].xy[:, 0], g, rtol=1e-6)
    assert frame.charts[0].levels == ((-2 * np.log(2), "−2 log 2"),)
    assert frame.charts[0].curves[0].xy[-1].tolist() == [20, -session.history.last("d_loss")]
    roles = [layer.role for layer in layers.values()]
    roles += [curve.role for chart in frame.charts for curve in chart.curves]
    assert set(roles) <= set(LOOKS)
    assert frame.narration.startswith("Round 20: V = −")


def test_a_run_that_goes_back_to_a_turn_has_the_settings_that_follow():
    session = Session("normal")
    session.go(6)
    session.set(d_steps=3)
    session.go(4)
    session.rewind(5)
    assert session.config.d_steps == 1
    session.rewind(6)
    assert session.config.d_steps == 3
    assert Session(session.replay).config == session.config
    session.set(noise=0.5)  # a second knob at the same step leaves the first one turned
    assert session.replay == "normal,draws=2/6,d_steps=3,noise=0.5"


def test_looking_takes_one_thread_and_gives_the_others_back(monkeypatch):
    """A second thread makes a toy network several times slower."""
    seen, before = [], torch.get_num_threads()
    world = PlaneWorld.measure
    monkeypatch.setattr(
        PlaneWorld, "measure", lambda *a: seen.append(torch.get_num_threads()) or world(*a)
    )
    torch.set_num_threads(2)
    try:
        Session("five-gaussians", width=8).tick(5)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}


@pytest.mark.parametrize("name", ["dirac-r1", "normal", "five-gaussians,width=8"])
def test_threads_take_turns_with_a_session(name):
    """A notebook answers widgets in a thread beside that of the cells: one may look at the run, or
    study it, while another takes it on."""
    session, done = Session(name), threading.Event()

    def look():
        while not done.is_set():
            session.picture()
            session.branch()
            session.set(tau=1.0 + session.step % 2)

    with ThreadPoolExecutor() as pool:
        looks = pool.submit(look)
        try:
            for _ in range(60):
                session.tick()
        finally:
            done.set()
        looks.result()
    again = Session(session.replay)
    for key in ("d_loss", "g_loss", "fake" if "fake" in session.history else "params"):
        np.testing.assert_array_equal(session.history[key], again.history[key])


@pytest.mark.parametrize("name", ["normal", "five-gaussians"])
def test_an_interrupt_within_an_update_leaves_the_run_before_it(monkeypatch, name):
    from gan_teach.lab import world as module

    session, own = Session(name), Session(name)
    session.go(11)
    own.go(11)

    def cut(state):
        with torch.no_grad():
            next(iter(state.game.g_params)).add_(1.0)  # half of the update was made
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "advance", cut)
    with pytest.raises(KeyboardInterrupt):
        session.go(5)
    assert session.replay == own.replay
    for run in (session, own):
        run.go(4)
    assert torch.equal(flatten(session.game), flatten(own.game))
