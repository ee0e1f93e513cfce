"""Averages of iterates against means computed afterwards, and against the orbit's known center."""

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint


def orbit(**settings):
    x = torch.tensor([1.0], dtype=torch.float64)
    game = gt.FunctionGame(lambda x, y: (x * y).sum(), None, x, x)
    return gt.train(game, steps=settings.pop("steps", 200), lr=0.1, **settings)


def test_uniform_mean_is_the_mean_of_the_recorded_path():
    h = gt.record(orbit(), params=gt.probes.params(), mean=gt.Average(), late=gt.Average(start=50))
    running = np.cumsum(h["params"], 0) / np.arange(1, 202)[:, None]
    np.testing.assert_allclose(h["mean"], running, atol=1e-13)
    assert np.isnan(h["late"][:50]).all()
    np.testing.assert_allclose(h["late"][-1], h["params"][50:].mean(0), atol=1e-13)


def test_the_mean_of_a_bounded_orbit_goes_to_its_center():
    """|mean_t| <= C / t for alternating steps on xy, while the iterates keep their distance."""
    h = gt.record(orbit(steps=2000), params=gt.probes.params(), mean=gt.Average())
    scaled = np.linalg.norm(h["mean"], axis=-1) * (h.steps + 1)
    assert scaled.max() < 2 * np.sqrt(2) / 0.1 * 1.1  # one orbit's sum is bounded by diameter / lr
    assert np.linalg.norm(h["params"], axis=-1).min() > 1.3


def test_exponential_mean_and_its_half_life():
    h = gt.record(
        orbit(), params=gt.probes.params(), a=gt.Average(half_life=7.0), b=gt.Average(decay=0.3)
    )
    for key, decay in (("a", 2 ** (-1 / 7)), ("b", 0.3)):
        weights = decay ** np.arange(200, -1, -1.0) * (1 - decay)
        weights[0] /= 1 - decay  # the first state is the start of the average
        np.testing.assert_allclose(h[key][-1], weights @ h["params"], atol=1e-13)


def test_a_step_towards_the_past_halves_in_one_half_life():
    """A jump that stays: half of it is in the average after ``half_life`` states."""
    game = gt.FunctionGame(lambda x, y: (x * y).sum(), None, [1.0], [1.0])
    state = next(gt.train(game, steps=0))
    average = gt.Average(half_life=12)
    average(state)
    game.x.data += 4.0
    for state.step in range(1, 13):
        value = average(state)
    np.testing.assert_allclose(value, [3.0, 1.0], rtol=1e-6)


def test_members_of_an_ensemble_are_averaged_one_by_one():
    x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    game = gt.FunctionGame(lambda x, y: (x * y).sum(), None, x, x)
    h = gt.record(gt.train(game, steps=30, lr=0.1), p=gt.probes.params(), mean=gt.Average())
    assert h["mean"].shape == (31, 2, 2)
    np.testing.assert_allclose(h["mean"][-1], h["p"].mean(0), atol=1e-13)


def test_params_evaluate_the_game_at_the_average():
    average = gt.Average()
    for state in gt.observe(orbit(), average):
        game = state.game
    (x,), (y,) = average.params
    losses = game.losses(game.draw(1, None), average.params)
    assert losses.g.item() == pytest.approx(x.item() * y.item(), rel=1e-12)
    assert losses.g.item() != game.losses(game.draw(1, None)).g.item()


def test_it_goes_on_after_a_resume_as_if_nothing_had_happened(tmp_path):
    whole, first, second = gt.Average(), gt.Average(), gt.Average()
    wanted = gt.record(orbit(steps=20), mean=whole)["mean"]
    for state in gt.observe(orbit(steps=12), first):
        last = state
    save_checkpoint(tmp_path / "c.pt", last, average=first)
    load_checkpoint(tmp_path / "c.pt", average=second)
    got = gt.record(orbit(steps=20, resume=tmp_path / "c.pt"), mean=second)["mean"]
    np.testing.assert_array_equal(got, wanted[12:])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="not both"):
        gt.Average(decay=0.9, half_life=3)
    with pytest.raises(ValueError, match="half_life must be"):
        gt.Average(half_life=0)
    with pytest.raises(ValueError, match="decay must be"):
        gt.Average(decay=1.5)
    with pytest.raises(ValueError, match="nothing was averaged"):
        _ = gt.Average().params
