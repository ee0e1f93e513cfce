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


def test_members_of_an_ensemble_are_averaged_one_by_one():
    x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    game = gt.FunctionGame(lambda x, y: (x * y).sum(), None, x, x)
    h = gt.record(gt.train(game, steps=30, lr=0.1), p=gt.probes.params(), mean=gt.Average())
    assert h["mean"].shape == (31, 2, 2)
    np.testing.assert_allclose(h["mean"][-1], h["p"].mean(0), atol=1e-13)


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
    with pytest.raises(ValueError, match="start must be at least 0"):
        gt.Average(start=-1)


def test_an_average_follows_its_module_to_another_device():
    module = torch.nn.BatchNorm1d(3)  # parameters and buffers
    average = gt.EMA(module, decay=0.5)
    module.to("meta")
    average()
    assert {t.device.type for t in average.module.state_dict().values()} == {"meta"}
