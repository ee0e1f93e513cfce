"""Games: the losses written out, and that a loss is a pure function of (parameters, batch)."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOperatorIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import math

import pytest
import torch
from torch import nn

from cases import GAMES, PLANE, dirac, image, plane, rng, tutorial
from gan_teach import data, dynamics
from gan_teach.games import GAN, FunctionGame, corrupt, frozen, losses, penalties, stack
from gan_teach.games.base import flatten, shaped, split
from gan_teach.models import MLP, Affine1D
from gan_teach.training import train

F64 = torch.float64


def close(a, b, tol=1e-12):
    torch.testing.assert_close(a, b, rtol=tol, atol=tol)


def test_losses_of_the_dirac_gan_are_its_closed_form():
    # Mescheder et al. (2018): L_D = softplus(-0) + softplus(psi theta) + gamma/2 psi^2
    game = dirac(0.75, -1.25, penalties=penalties.r1(0.3))
    value = game.losses(game.draw(4, rng()))
    t = torch.tensor(0.75 * -1.25, dtype=F64)
    close(value.d, math.log(2) + torch.log1p(t.exp()) + 0.15 * 1.25**2)
    close(value.g, torch.log1p((-t).exp()))  # -log sigmoid(t)


def test_a_look_at_another_batch_is_not_what_d_has_seen():
    """The terms of D's loss that a run reports are those of its last update, whoever looks."""
    game = plane(penalties=penalties.r1(0.3))
    *_, state = train(game, steps=2, batch_size=4, lr=0.1)
    seen = dict(state.d_terms)
    assert seen.keys() == {"non_saturating loss", "r1"}
    torch.testing.assert_close(sum(seen.values()), state.losses["d_loss"])
    elsewhere = game.draw(7, rng(5))
    before = {k: id(v) for k, v in vars(game).items()}
    for loss in (game.losses, game.loss_d, game.loss_g):
        loss(elsewhere)
    assert state.d_terms == seen
    assert {k: id(v) for k, v in vars(game).items()} == before
    *_, rested = train(game, dynamics.alternating(d_every=3), steps=3, batch_size=4, lr=0.1)
    torch.testing.assert_close(sum(rested.d_terms.values()), rested.losses["d_loss"])


def test_losses_of_a_corrupted_gan_written_out():
    noise = corrupt.InstanceNoise(0.5, anneal=corrupt.linear_annealing(10))
    game = tutorial(corrupt=noise, label_smoothing=0.9)
    batch = game.draw(6, rng())._replace(step=5)
    w, b = (p.item() for p in game.g_params)
    a, c = (p.item() for p in game.d_params)
    real = torch.sigmoid(a * (batch.real + 0.25 * batch.noise_real) + c)
    fake = torch.sigmoid(a * (w * batch.latent + b + 0.25 * batch.noise_fake) + c)
    smooth = 0.9 * torch.log(real) + 0.1 * torch.log(1 - real)
    value = game.losses(batch)
    close(value.d, -(smooth + torch.log(1 - fake)).mean())
    close(value.g, torch.log(1 - fake).mean())


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_each_player_s_own_loss_is_its_half_of_losses(make):
    game = make(0)
    batch = game.draw(5, rng())._replace(step=3)
    both = game.losses(batch)
    close(game.loss_g(batch), both.g)
    close(game.loss_d(batch), both.d)


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_losses_at_other_parameters(make):
    game, other = make(0), make(1)
    batch = game.draw(5, rng())._replace(step=3)
    w = flatten(other)
    there = game.losses(batch, shaped(game, *split(game, w)))
    close(there, other.losses(batch))
    # three points at once are three evaluations
    points = torch.stack([flatten(game), w, 0.5 * w])
    together = game.losses(batch, shaped(game, *split(game, points)))
    alone = [game.losses(batch, shaped(game, *split(game, p))) for p in points]
    close(together.g, torch.stack([a.g for a in alone]))
    close(together.d, torch.stack([a.d for a in alone]))


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_frozen_players_get_no_gradient_and_the_other_the_same(make):
    game = make(0)
    batch = game.draw(5, rng())
    free = torch.autograd.grad(game.loss_d(batch), game.d_params)
    with frozen(game.g_params):
        loss = game.loss_d(batch)
        assert not any(p.requires_grad for p in game.g_params)
        close(torch.autograd.grad(loss, game.d_params), free)
    assert all(p.requires_grad for p in game.g_params)


def test_frozen_leaves_what_was_frozen_before():
    p, q = torch.zeros(1, requires_grad=True), torch.zeros(1)
    with frozen([p, q]):
        assert not p.requires_grad
    assert p.requires_grad
    assert not q.requires_grad


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_counts_and_types(make):
    game = make(0)
    assert game.n_g == sum(p.numel() for p in game.g_params)
    assert game.n_d == sum(p.numel() for p in game.d_params)
    assert flatten(game).shape == (game.n_g + game.n_d,)
    assert game.dtype == F64
    assert game.device.type == "cpu"
    assert game.lead == ()


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_a_batch_has_the_game_s_precision_and_is_a_function_of_the_generator(make):
    game = make(0)
    one, two = game.draw(4, rng(1)), game.draw(4, rng(1))
    seen = []
    one.map(lambda x: (seen.append(x), x)[1])
    two.map(lambda x: close(x, seen.pop(0), 0))
    assert not seen
    if isinstance(game, GAN):
        assert one.real.shape == (4, *game.data.shape)
        assert one.real.dtype == one.latent.dtype == F64


def test_noise_and_penalties_do_not_change_what_else_is_drawn():
    bare = plane().draw(5, rng(1))
    two = [penalties.wgan_gp(), penalties.dragan()]
    full = plane(penalties=two, corrupt=corrupt.InstanceNoise(1.0)).draw(5, rng(1))
    assert torch.equal(full.real, bare.real)
    assert torch.equal(full.latent, bare.latent)
    # nor does one penalty change another's noise, or the instance noise
    less = plane(penalties=two[1]).draw(5, rng(1))
    assert torch.equal(less.penalty_noise[0][0], full.penalty_noise[1][0])
    other = plane(corrupt=corrupt.InstanceNoise(1.0)).draw(5, rng(1))
    assert torch.equal(other.noise_real, full.noise_real)
    assert not torch.equal(full.noise_real, full.noise_fake)


def test_batch_statistics_of_real_and_fake_are_kept_apart():
    # one forward pass on the joint batch would normalise real and fake samples together
    d = nn.Sequential(
        nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 1)
    )
    game = GAN(MLP(2, 2), d, data=data.Points(PLANE), latent=data.Normal(dim=2)).to(F64)
    batch = game.draw(6, rng())
    real, fake = d(batch.real).squeeze(-1), d(game.generate(batch.latent)).squeeze(-1)
    close(game.losses(batch).d, losses.non_saturating.d(real, fake))
    joint = d(torch.cat([batch.real, game.generate(batch.latent)])).squeeze(-1)
    assert (joint[:6] - real).abs().max() > 1e-3  # so the two ways do differ


def test_building_a_game_changes_no_network():
    d = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
    state = torch.get_rng_state()
    GAN(MLP(2, 2), d, data=data.Points(PLANE), latent=data.Normal(dim=2))
    assert d[1].num_batches_tracked == 0
    assert d[1].training
    assert torch.equal(torch.get_rng_state(), state)


def test_function_games():
    x, y = torch.tensor([1.0, 2.0], dtype=F64), torch.tensor([3.0], dtype=F64)
    game = FunctionGame(lambda x, y: x.sum() * y[0], lambda x, y: y[0] * y[0], x, y)
    assert (game.n_g, game.n_d) == (2, 1)
    assert [v.item() for v in game.losses()] == [9.0, 9.0]
    zero_sum = FunctionGame(lambda x, y: x.sum() * y[0], None, x, y)
    assert [v.item() for v in zero_sum.losses()] == [9.0, -9.0]
    x += 1  # the game keeps a copy
    assert game.losses().g.item() == 9.0
    many = FunctionGame(lambda x, y: x[0] * y[0], None, [[1.0], [2.0]], [[3.0], [4.0]])
    assert many.lead == (2,)
    assert many.losses().g.tolist() == [3.0, 8.0]
    assert FunctionGame(lambda x, y: x[0] * y[0], None, [1], [2]).dtype == torch.float32


LINE = {"data": data.Normal(5, 1), "latent": data.Uniform()}


class Broken(data.Normal):
    def sample(self, n, rng):
        return super().sample(n, rng) * float("nan")


def gan(g=None, d=None, **settings):
    return GAN(g or Affine1D(), d or Affine1D(), **{**LINE, **settings})


BAD = {
    "generator": (lambda: gan(g=lambda z: z), TypeError, "generator must be Module, got function"),
    "tensor as data": (
        lambda: gan(data=torch.zeros(3, 1)), TypeError, r"(?s)data must be an .*tensor.*Points",
    ),
    "latent": (lambda: gan(latent=None), TypeError, "latent must be an object with sample.*None"),
    "loss": (lambda: gan(loss="hinges"), ValueError, "loss must be one of .*'hinges'.*'hinge'"),
    "penalty": (lambda: gan(penalties=["r3"]), ValueError, "penalties must be one of .*'r3'"),
    "corrupt": (
        lambda: gan(corrupt=0.5), TypeError, "corrupt must be InstanceNoise or DiffAugment"
    ),
    "smoothing": (
        lambda: gan(loss="hinge", label_smoothing=0.9), ValueError, "label_smoothing=0.9 .*'hinge'",
    ),
    "NaN data": (lambda: gan(data=Broken()), ValueError, "data has 2 entries that are NaN.*Clean"),
    "wide logit": (
        lambda: gan(d=MLP(1, 3)), ValueError, r"discriminator returned shape \(2, 3\).*last layer",
    ),
    "mean logit": (
        lambda: gan(d=nn.Sequential(Affine1D(), nn.Flatten(0), nn.AdaptiveAvgPool1d(1))),
        ValueError, r"discriminator.*",
    ),
    "samples": (
        lambda: gan(g=MLP(1, 2)), ValueError, r"samples of shape \(2,\) from.*\(1,\), but .*\(1,\)",
    ),
    "latent width": (
        lambda: gan(latent=data.Normal(dim=3)),
        ValueError, r"generator cannot take latents of shape \(3,\)",
    ),
    "data width": (
        lambda: gan(g=MLP(1, 2), data=data.Points(PLANE)),
        ValueError, r"discriminator cannot take samples of shape \(2,\)",
    ),
    "x and y": (
        lambda: FunctionGame(lambda x, y: x[0], None, [[1.0]], [1.0]), ValueError, "x has shape",
    ),
    "no scalar": (lambda: FunctionGame(lambda x, y: x, None, [1.0, 2.0], [1.0]), ValueError, "f_g"),
    "no tensor": (lambda: FunctionGame(lambda x, y: x.sum(), lambda x, y: 1.0, [1.0], [1.0]),
                  ValueError, "f_d must return one number as a tensor, got 1.0"),
    "start": (lambda: FunctionGame(lambda x, y: x.sum(), None, [float("nan")], [1.0]),
              ValueError, "x has 1 entries that are NaN"),
    "empty": (lambda: FunctionGame(lambda x, y: x.sum(), None, [], [1.0]),
              ValueError, r"x must have shape \(n,\)"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_compiled_discriminator_is_refused_where_a_penalty_differentiates_it():
    game = image()
    # what torch.compile's wrapper has; set so that it does not become a layer
    object.__setattr__(game.discriminator, "_orig_mod", None)
    settings = {"data": game.data, "latent": game.latent}
    game.to(torch.float32)
    GAN(game.generator, game.discriminator, **settings)
    with pytest.raises(TypeError, match=r"discriminator was made by torch\.compile"):
        GAN(game.generator, game.discriminator, penalties=penalties.r1(), **settings)


# -- a learner's own losses and penalties -----------------------------------------------------
def own_g(real, fake):
    return nn.functional.softplus(-fake).mean(-1)


def own_d(real, fake):
    return (nn.functional.softplus(-real) + nn.functional.softplus(fake)).mean(-1)


def own_r1(critic, real, fake, noise):
    real = real.detach().requires_grad_()
    (grad,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return 0.15 * (grad * grad).sum(-1).mean(-1)


def test_functions_of_ones_own_are_a_loss_and_a_penalty():
    own = plane(loss=(own_g, own_d), penalties=own_r1)
    ours = plane(loss="non_saturating", penalties=penalties.r1(0.3))
    for game in (own, ours):
        *_, _ = train(game, steps=5, lr=0.1, batch_size=8)
    torch.testing.assert_close(flatten(own), flatten(ours))
    assert own.loss.name == "own_g, own_d"
    assert own.penalties[0].name == "own_r1"
    members = [plane(loss=(own_g, own_d), penalties=[own_r1]) for _ in range(2)]
    both = stack([*members, plane(loss="non_saturating", penalties=penalties.r1(0.3))])
    *_, _ = train(both, steps=5, lr=0.1, batch_size=8)
    torch.testing.assert_close(flatten(both), flatten(own).expand(3, -1), rtol=1e-4, atol=1e-6)


def test_the_noise_of_ones_own_penalty_is_drawn_beforehand():
    def around(critic, real, fake, noise):
        (shift,) = noise
        return critic(real + shift).square().mean(-1)

    around.draw = lambda real, rng: (torch.randn(real.shape, generator=rng),)  # pyright: ignore
    game = plane(penalties=around)
    batch = game.draw(4, rng(1))
    assert batch.penalty_noise[0][0].shape == batch.real.shape
    assert torch.equal(game.loss_d(batch), game.loss_d(batch))


OWN_MISTAKES = {
    "penalty, factory": ({"penalties": penalties.r1}, TypeError, r"did you mean r1\(\)\?"),
    "penalty, number": (
        {"penalties": [3.0]}, TypeError, "penalties must be a function .* or a Penalty, got float",
    ),
    "penalty, vector": (
        {"penalties": lambda critic, real, fake, noise: critic(real)}, ValueError,
        r"penalty <lambda> returned shape \(2,\): it must be a tensor of shape \(\)",
    ),
    "penalty, nothing": (
        {"penalties": lambda critic, real, fake, noise: None}, ValueError, "<lambda> returned None",
    ),
    "loss, one function": ({"loss": own_g}, TypeError, "loss must be a name or a pair of functio"),
    "loss, vector": (
        {"loss": (own_g, lambda real, fake: fake - real)}, ValueError,
        r"loss of D \(own_g, <lambda>\) returned shape \(2,\): .* shape \(\), the mean of logits",
    ),
    "loss, number": ({"loss": (lambda r, f: 1.0, own_d)}, ValueError, "loss of G .* returned 1.0"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "error", "message"), OWN_MISTAKES.values(), ids=OWN_MISTAKES)
def test_mistakes_in_ones_own_loss_or_penalty_are_said_at_the_call(given, error, message):
    with pytest.raises(error, match=message):
        plane(**given)


class Samples:
    """Data of a learner's own, that says it has ``shape`` and gives ``samples(n)``."""

    def __init__(self, shape, samples):
        self.shape, self.samples = shape, samples

    def sample(self, n, rng):
        return self.samples(n)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Samples((3,), lambda n: torch.zeros(n, 2)), r"shape \(3, 3\).*gave \(3, 2\)"),
        (Samples((2,), lambda n: torch.zeros(n - 1, 2)), r"shape \(3, 2\).*gave \(2, 2\)"),
        (Samples((2,), lambda n: torch.zeros(2, n)), r"shape \(3, 2\).*gave \(2, 3\)"),
        (Samples((2,), lambda n: torch.zeros(n, 2).numpy()), "gave ndarray"),
    ],
    ids=["another shape", "too few", "transposed", "NumPy"],
)
def test_samples_are_held_against_their_shape(source, message):
    with pytest.raises(ValueError, match=rf"data\.sample\(3, rng\) must .*{message}"):
        gan(MLP(2, 2), MLP(2, 1), data=source, latent=data.Normal(dim=2))


@pytest.mark.parametrize("name", ["data", "latent"])
def test_a_shape_is_a_tuple(name):
    own = {name: Samples(2, lambda n: torch.zeros(n, 2))}
    with pytest.raises(TypeError, match=rf"^{name}\.shape must be tuple or list, got int\. It is"):
        gan(MLP(2, 2), MLP(2, 1), **{"data": data.ring(), "latent": data.Normal(dim=2), **own})


def test_a_class_is_no_data():
    with pytest.raises(TypeError, match=r"data must be an object with sample.*Normal"):
        gan(MLP(2, 2), MLP(2, 1), data=data.Normal, latent=data.Normal(dim=2))
