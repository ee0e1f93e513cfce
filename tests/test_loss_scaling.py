"""Half precision: the scale is that of torch's GradScaler, and so is a whole run."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportPrivateImportUsage=false

from functools import partial

import numpy as np
import pytest
import torch

from gan_teach import dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.data import Images, Normal
from gan_teach.dynamics.base import Rule, gradient
from gan_teach.dynamics.optim import SGD, Adam, Optimizers
from gan_teach.games import GAN, losses, penalties
from gan_teach.models import convnets as c
from gan_teach.training import train
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint

IMAGES = Images(np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8))


def game(**settings):
    g, d = c.StableGenerator(8, 2, 5, seed=1), c.StableDiscriminator(8, 2, seed=2)
    settings = {"autocast": "fp16", "loss": "relativistic", **settings}
    return GAN(g, d, data=IMAGES, latent=Normal(dim=5), **settings)


class Scripted(Rule):
    """Hands gradients from a list to the optimizers, D's first."""

    linear = True

    def __init__(self, script):
        self.script = iter(script)

    def __call__(self, game, draw, optims):
        d, g = next(self.script)
        optims.step_d([torch.full((2,), d)])
        optims.step_g([torch.full((2,), g)])
        return {}


def test_the_scale_follows_that_of_torch():
    rng = np.random.default_rng(2)
    script = rng.choice([1.0, np.inf, np.nan], (60, 2), p=[0.8, 0.1, 0.1])
    rule = dynamics.loss_scaling(Scripted(script.tolist()), scale=2.0**5, growth_interval=3)
    ours = [torch.zeros(2) for _ in range(2)]
    optims = Optimizers(SGD(ours[0], 0.5), SGD(ours[1], 0.5))
    optims.g.params, optims.d.params = [ours[0]], [ours[1]]
    theirs = [torch.zeros(2, requires_grad=True) for _ in range(2)]
    g, d = (torch.optim.SGD([w], lr=0.5) for w in theirs)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**5, growth_interval=3)
    for to_d, to_g in script:
        scale = scaler.scale(torch.ones(()))
        for player, w, value in ((d, theirs[1], to_d), (g, theirs[0], to_g)):
            w.grad = torch.full((2,), value) * scale
            scaler.step(player)
        scaler.update()
        rule(None, None, optims)
        assert rule.loss_scale == scaler.get_scale()
        torch.testing.assert_close(ours, [w.detach() for w in theirs], rtol=0, atol=0)
    assert rule.steps_since_overflow == scaler._get_growth_tracker()


def plain_loop(start, batches, steps, lr, scale):
    """The textbook loop: autocast, one scaler, Adam of torch, the penalty in single precision."""
    g, d = start.generator, start.discriminator
    optims = {p: torch.optim.Adam(m.parameters(), lr) for p, m in (("g", g), ("d", d))}
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=2)
    for step in range(steps):
        for player, other in (("d", g), ("g", d)):
            batch = batches(step)(player)
            other.requires_grad_(False)
            with torch.autocast("cpu", torch.float16):
                fake = g(batch.latent)
            with torch.autocast("cpu", torch.float16):
                real_logit, fake_logit = d(torch.cat([batch.real, fake.float()])).float().chunk(2)
            gap = (fake_logit - real_logit) * (1 if player == "d" else -1)
            loss = torch.nn.functional.softplus(gap).mean()
            if player == "d":
                x = batch.real.clone().requires_grad_()
                (slope,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
                loss = loss + 0.5 * slope.pow(2).sum((1, 2, 3)).mean()
            optims[player].zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optims[player])
            other.requires_grad_(True)
        scaler.update()
    return scaler.get_scale()


def test_a_run_is_the_plain_loop_with_gradscaler():
    ours, theirs = game(penalties=penalties.r1(1.0)), game(penalties=penalties.r1(1.0))
    run = train(ours, dynamics.loss_scaling(scale=2.0**8, growth_interval=2), steps=6, lr=1e-3,
                optimizer=Adam, batch_size=4)  # fmt: skip
    start = flatten(ours).clone()
    *_, state = run
    scale = plain_loop(theirs, state.stream.at, 6, 1e-3, 2.0**8)
    assert state.rule.loss_scale == scale == 2.0**11
    assert (flatten(ours) - start).abs().max() > 3e-3
    torch.testing.assert_close(flatten(ours), flatten(theirs), rtol=0, atol=2e-5)


def test_scaling_brings_back_what_half_precision_loses():
    """Gradients of a loss of size 1e-7 vanish in fp16; scaled they are nearly the exact ones."""
    tiny = losses.scaled(losses.relativistic, 1e-7, 1e-7)
    exact, cast = game(autocast=None, loss=tiny), game(loss=tiny)
    batch = exact.draw(4, torch.Generator().manual_seed(0))
    wanted, lost, kept = (
        torch.cat([x.flatten() for x in gradient(of.loss_d(batch), of.d_params, scale=scale)])
        for of, scale in ((exact, 1.0), (cast, 1.0), (cast, 2.0**16))
    )
    error = torch.linalg.vector_norm
    assert error(lost - wanted) > 0.5 * error(wanted)
    assert error(kept - wanted) < 0.02 * error(wanted)


def test_train_scales_by_itself_and_resumes_the_scale(tmp_path):
    settings = {"lr": 1e-3, "optimizer": partial(Adam, betas=(0.5, 0.9)), "batch_size": 4}
    ends = []
    for stop in (None, 3):
        rule = dynamics.loss_scaling(growth_interval=2)
        run = train(playing := game(), rule, steps=7 if stop is None else stop, **settings)
        *_, state = run
        if stop is not None:
            path = save_checkpoint(tmp_path / "half.pt", state)
            rule = dynamics.loss_scaling(growth_interval=2)
            run = train(playing := game(), rule, steps=7, resume=path, **settings)
            *_, state = run
        ends.append((flatten(playing), rule.loss_scale, rule.steps_since_overflow))
    torch.testing.assert_close(*ends, rtol=0, atol=0)
    assert load_checkpoint(path)["rule"]["loss_scale"] == 2.0**17  # one doubling in three steps
    assert next(train(game(), steps=0, batch_size=4)).rule.loss_scale == 2.0**16
    plain = next(train(game(autocast="bf16"), steps=0, batch_size=4)).rule
    assert not isinstance(plain, dynamics.LossScaling)


def test_what_no_scale_helps_is_said():
    with pytest.raises(ValueError, match=r"cannot be scaled in optimistic.*with alternating"):
        train(game(), dynamics.optimistic(), steps=1, batch_size=4)
    broken = losses.relativistic._replace(d=lambda real, fake: (fake - real).mean() * np.inf)
    with pytest.raises(FloatingPointError, match="whatever the losses are scaled by"):
        for _ in train(game(loss=broken), steps=40, batch_size=4):
            pass
