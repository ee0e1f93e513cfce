"""A stack of S games is S games: trained, recorded and analysed as one, to rounding."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import inspect
import threading

import numpy as np
import pytest
import torch

from cases import GAMES, LOSSES, PENALTIES, dirac, function, image, plane, rng, tutorial
from gan_teach import data, dynamics
from gan_teach.analysis.spectra import jacobian, spectra
from gan_teach.games import GAN, FunctionGame, corrupt, losses, penalties
from gan_teach.games.ensemble import stack
from gan_teach.models import Affine1D
from gan_teach.training import probes, record, train

SEEN = {
    "params": probes.params(),
    "g_loss": probes.loss("g"),
    "d_loss": probes.loss("d"),
    "g_norm": probes.gradient_norm("g"),
    "d_norm": probes.gradient_norm("d"),
}
OPTIMIZERS = ["sgd", "momentum", "adam", "rmsprop"]
NOISES = [None, corrupt.InstanceNoise(0.3), corrupt.InstanceNoise(0.3, shared=True)]


def single(make, i, settings):
    """Settings with lists are one entry per member; the rule's are made for each run."""
    own = {k: v[i] if isinstance(v, list) else v for k, v in settings.items()}
    counts = {k: own.pop(k) for k in ("d_steps", "g_steps") if k in own}
    return record(train(make(i), dynamics.alternating(**counts), **own), **SEEN)


def agree(make, size, tol=1e-10, **settings):
    """Train a stack of make(0), make(1), ... and each of them alone; compare all that is seen."""
    settings = {"steps": 4, "lr": 0.05, "batch_size": 5, "seed": list(range(size))} | settings
    run = dict(settings)
    counts = {k: run.pop(k) for k in ("d_steps", "g_steps") if k in run}
    games = [make(i) for i in range(size)]
    stacked = record(train(stack(games), dynamics.alternating(**counts), **run), **SEEN)
    for i in range(size):
        alone = single(make, i, settings)
        for name in SEEN:
            np.testing.assert_allclose(
                stacked.member(i)[name], alone[name], rtol=tol, atol=tol, err_msg=name
            )
    return stacked


@pytest.mark.parametrize("noise", NOISES, ids=["clean", "noise", "shared noise"])
@pytest.mark.parametrize("penalty", [None, *PENALTIES], ids=lambda p: p.name if p else "none")
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_members_agree_with_single_runs(loss, penalty, noise):
    # the optimiser goes round, so that each meets every loss, penalty and noise
    turn = LOSSES.index(loss) + NOISES.index(noise) + [None, *PENALTIES].index(penalty)
    chosen = {"loss": loss, "penalties": penalty or (), "corrupt": noise}
    optimizer = OPTIMIZERS[turn % len(OPTIMIZERS)]
    # A paired loss does not depend on D's last bias: its gradient is rounding noise of 1e-17, which
    # an adaptive optimiser divides by its eps of 1e-8.
    tol = 1e-8 if loss.paired and optimizer in ("adam", "rmsprop") else 1e-10
    agree(lambda i: plane(i, **chosen), 2, tol, optimizer=optimizer, steps=3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_sixty_four_line_gans_in_double_precision(optimizer):
    agree(tutorial, 64, optimizer=optimizer, batch_size=10)


def test_sixty_four_line_gans_in_single_precision():
    stacked = agree(lambda i: tutorial(i).to(torch.float32), 64, tol=1e-6, lr=0.1, batch_size=10)
    assert stacked["params"].dtype == np.float32


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_every_kind_of_game_stacks(make):
    agree(make, 3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_members_may_have_settings_of_their_own(optimizer):
    agree(plane, 3, optimizer=optimizer, lr=[0.01, 0.1, 0.05], tau=[4.0, 1.0, 0.5],
          d_steps=[1, 5, 0], g_steps=[2, 1, 3])  # fmt: skip


MIXED = [
    {"loss": "hinge"},
    {"loss": "relativistic", "penalties": [penalties.r1(0.3), penalties.r2(0.1)]},
    {"loss": "saturating", "label_smoothing": 0.9, "corrupt": corrupt.InstanceNoise(0.3)},
    {"loss": "wasserstein", "penalties": [penalties.wgan_gp(0.7), penalties.r1(0.2)]},
    {"loss": "non_saturating", "penalties": penalties.dragan(0.7),
     "corrupt": corrupt.InstanceNoise(0.1)},
    {"loss": "relativistic_hinge"},
]  # fmt: skip


def mixed(i):
    return plane(i, **MIXED[i])


def test_losses_penalties_smoothing_and_noise_may_differ():
    # Two of the losses are paired: their D's last bias moves by rounding noise (see above).
    agree(mixed, len(MIXED), tol=1e-8, optimizer="adam")


def test_latents_and_data_may_differ():
    def make(i):
        real = [data.Normal(5, 1), data.Uniform(-1, 1), data.Fixed(torch.arange(3.0))][i]
        return GAN(Affine1D(seed=i), Affine1D(seed=9), data=real, latent=data.Normal())

    agree(make, 3, tol=1e-5)


@pytest.mark.slow
def test_spectra_of_a_mixed_ensemble_are_those_of_its_members():
    ensemble = stack([mixed(i) for i in range(len(MIXED))])
    history = record(train(ensemble, steps=3, lr=0.05, batch_size=5), params=SEEN["params"])
    batch = ensemble.draw(6, [rng(i) for i in range(len(MIXED))])
    for of in (None, "value", "g"):
        together = spectra(ensemble, history["params"], batch, of=of)
        assert together.shape == history["params"].shape
        for i in range(len(MIXED)):
            alone = spectra(mixed(i), history["params"][:, i], mixed(i).draw(6, rng(i)), of=of)
            np.testing.assert_allclose(together[:, i], alone, rtol=1e-8, atol=1e-9)


def test_jacobians_of_members_are_independent_points():
    ensemble, batch = stack([plane(0), plane(1)]), stack([plane(0), plane(1)]).draw(4, [rng(0)] * 2)
    together = jacobian(ensemble, batch)
    for i in range(2):
        alone = jacobian(plane(i), batch.map(lambda x, i=i: x[i]))
        np.testing.assert_allclose(together.matrix[i], alone.matrix, rtol=1e-10, atol=1e-12)
    assert together.n_g == plane().n_g


@pytest.mark.parametrize("d_steps", [1, [2, 1, 3]], ids=["all", "masked"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_member_that_diverges_keeps_to_itself(optimizer, d_steps):
    # the middle one starts at infinity; its neighbours must not see it, through masks either
    def make(i):
        game = plane(i, loss=["hinge", "least_squares", "saturating"][i], penalties=penalties.r1())
        if i == 1:
            with torch.no_grad():
                game.d_params[0].fill_(torch.inf)
        return game

    settings = {"optimizer": optimizer, "d_steps": d_steps, "steps": 4, "lr": 0.05,
                "batch_size": 5, "seed": [0, 1, 2]}  # fmt: skip
    run = {k: v for k, v in settings.items() if k != "d_steps"}
    ensemble = stack([make(i) for i in range(3)])
    history = record(train(ensemble, dynamics.alternating(d_steps), **run), **SEEN)
    assert not np.isfinite(history.member(1).last("params")).all()
    for i in (0, 2):
        alone = single(make, i, settings)
        for name in SEEN:
            np.testing.assert_allclose(history.member(i)[name], alone[name], rtol=1e-10, atol=1e-12)


def test_probes_of_an_ensemble_are_those_of_its_members():
    chosen = {
        "samples": probes.samples(7),
        "scores": probes.scores(7),
        "surface": probes.discriminator_on(torch.randn(5, 2, generator=rng(1))),
        "eigenvalues": probes.eigenvalues(n=6),
        "curvatures": probes.eigenvalues(n=6, of="d"),
    }

    def seen(game, **settings):
        return record(train(game, steps=2, lr=0.1, batch_size=4, **settings), **chosen)

    together = seen(stack([plane(i) for i in range(3)]), seed=[3, 4, 5])
    for i in range(3):
        alone = seen(plane(i), seed=3 + i)
        for name in chosen:
            np.testing.assert_allclose(together.member(i)[name], alone[name], rtol=1e-9, atol=1e-10)


def test_function_games_stack_from_starting_points():
    agree(function, 3)
    ensemble = stack([function(s) for s in range(3)])
    assert isinstance(ensemble, FunctionGame)
    assert ensemble.lead == (3,)


def test_an_ensembles_sources_say_what_they_are():
    assert "StackedSource(2 x" in repr(stack([dirac(), dirac()]).data)


def slope_penalty(name, power, shift, weight=1.0):
    """weight E |grad f|^power at real points moved by noise whose mean is ``shift``."""

    def draw(real, rng):
        return (shift + torch.randn(real.shape, generator=rng, dtype=real.dtype),)

    def value(critic, real, fake, noise, lead):
        squared = penalties.gradient_norm_squared(critic, real + noise[0])
        return (squared ** (power / 2)).mean(-1)

    return penalties.Penalty(name, weight, value, draw)


VARIANTS = {  # penalties of one name that are not the same
    "value": lambda i: slope_penalty("mine", [2, 4, 2][i], 0.0),
    "noise": lambda i: slope_penalty("mine", 2, [0.0, 1.0, 1.0][i]),
    "weight": lambda i: slope_penalty("mine", 2, 0.0, [0.1, 3.0, 0.5][i]),
    "rounded in the name": lambda i: penalties.wgan_gp(1.0, target=1.0 + [0, 1e-7, 1e-7][i]),
    "two in one game": lambda i: [slope_penalty("mine", 2, 0.0), slope_penalty("mine", 4, i)],
}


@pytest.mark.parametrize("make", VARIANTS.values(), ids=VARIANTS)
def test_penalties_of_one_name_are_told_apart_by_their_content(make):
    agree(lambda i: plane(i, penalties=make(i)), 3, tol=1e-12)


def test_penalties_of_one_content_become_one():
    ensemble = stack([plane(i, penalties=slope_penalty("mine", 2, 0.0, 1.0 + i)) for i in (0, 1)])
    (merged,) = ensemble.penalties
    assert merged.weight.tolist() == [1.0, 2.0]


def test_penalties_that_cannot_be_compared_are_refused():
    lock = threading.Lock()

    def value(critic, real, fake, noise, lead):
        with lock:
            return critic(fake).mean(-1)

    unread = [penalties.Penalty("mine", w, value) for w in (1.0, 2.0)]
    with pytest.raises(TypeError, match=r"mine.*class lock"):
        stack([plane(i, penalties=unread[i]) for i in range(2)])


def test_equal_losses_need_not_be_one_object():
    members = [losses.hinge, losses.Loss(*losses.hinge), losses.wasserstein]
    real, fake = torch.randn(2, 3, 7, generator=rng(2))
    found = losses.grouped(members).d(real, fake)
    assert found.tolist() == [m.d(x, y).item() for m, x, y in zip(members, real, fake, strict=True)]


class Stretch(torch.nn.Module):
    """A layer whose setting its text does not show."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def stretched(factor):
    game = plane()
    game.generator.append(Stretch(factor))
    return game


def test_a_setting_of_a_layer_that_its_text_hides_is_not_dropped():
    assert str(stretched(1.0).generator) == str(stretched(2.0).generator)
    assert stack([stretched(2.0), stretched(2.0)]).lead == (2,)
    with pytest.raises(ValueError, match=r"member 1 .*: they differ in 3\. An ensemble"):
        stack([stretched(1.0), stretched(2.0)])


# Every argument of a game: a value of its own, and what the ensemble must then say.
KEPT = {
    "loss": ("hinge", lambda game: game.loss.name == "hinge"),
    "penalties": (penalties.r2(3.0), lambda game: game.penalties[0].weight.tolist() == [3.0] * 2),
    "corrupt": (NOISES[2], lambda game: game.corrupt.shared and game.corrupt.std[1] == 0.3),
    "label_smoothing": (0.9, lambda game: game.loss.name.endswith("real target 0.9")),
    "autocast": ("bf16", lambda game: game.autocast is torch.bfloat16),
    "data": (data.Uniform(2, 3), lambda game: game.data.members[1].low == 2),
    "latent": (data.Uniform(4, 5), lambda game: game.latent.members[1].low == 4),
    "generator": (Affine1D(std=9.0), lambda game: torch.equal(
        game.g_params[0][1], Affine1D(std=9.0).weight)),
    "discriminator": (Affine1D(std=9.0), lambda game: torch.equal(
        game.d_params[0][1], Affine1D(std=9.0).weight)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(inspect.signature(GAN).parameters))
def test_an_ensemble_keeps_every_argument_of_its_members(name):
    value, kept = KEPT[name]
    arguments = {"generator": Affine1D(), "discriminator": Affine1D(), "data": data.Normal(),
                 "latent": data.Uniform(), name: value}  # fmt: skip
    assert kept(stack([GAN(**arguments), GAN(**arguments)]))


def test_an_ensemble_in_bfloat16_computes_what_its_members_compute():
    def make(i):
        game = plane(i, autocast="bf16")
        return game.to(torch.float32)

    batch = stack([make(0), make(1)]).draw(64, [rng(0), rng(1)])
    together = stack([make(0), make(1)]).losses(batch)
    full = stack([plane(i).to(torch.float32) for i in range(2)]).losses(batch)
    for i in range(2):
        alone = make(i).losses(batch.map(lambda x, i=i: x[i]))
        assert together.d[i].item() == pytest.approx(alone.d.item(), abs=1e-3)
        assert together.d[i].item() != full.d[i].item()


def test_members_may_smooth_their_labels_differently():
    ensemble = stack([line(label_smoothing=0.9), line()])
    batch = ensemble.draw(5, [rng(0), rng(1)])
    alone = [line(label_smoothing=target).losses(batch.map(lambda x, i=i: x[i])).d
             for i, target in enumerate([0.9, 1.0])]  # fmt: skip
    torch.testing.assert_close(ensemble.losses(batch).d, torch.stack(alone))


class Few(data.Normal):
    def check_batch(self, n):
        if n > 3:
            raise ValueError(f"three at most, got {n}")


def test_an_ensemble_asks_its_members_data_for_the_size_of_a_batch():
    with pytest.raises(ValueError, match="three at most, got 4"):
        train(stack([line(), line(data=Few())]), steps=1, batch_size=4)


def test_foreign_modules_go_through_vmap():
    ensemble = stack([image(0), image(1)])
    assert type(ensemble.generator).__name__ == "Vmapped"
    assert type(ensemble.discriminator).__name__ == "Vmapped"


def line(**settings):
    return GAN(
        Affine1D(), Affine1D(), **{"data": data.Normal(), "latent": data.Uniform()} | settings
    )


def annealed(steps):
    return line(corrupt=corrupt.InstanceNoise(1.0, anneal=corrupt.linear_annealing(steps)))


BAD = {
    "empty": (lambda: stack([]), "games is empty"),
    "kinds": (lambda: stack([function(), plane()]), "all be GAN or all FunctionGame, got F.*, GAN"),
    "twice": (lambda: stack([stack([plane()])]), "an ensemble already"),
    "architectures": (lambda: stack([plane(), plane(width=9)]), "member 1 has another arch"),
    "functions": (
        lambda: stack([function(), FunctionGame(lambda x, y: x[0] * y[0], None, [1.0], [1.0])]),
        "share their functions",
    ),
    "precision": (
        lambda: stack([line(), line(autocast="bf16")]), "share one autocast, got .*bfloat16",
    ),
    "shapes": (lambda: stack([line(), plane()]), "another architecture"),
    "schedules": (lambda: stack([annealed(5), annealed(6)]), "in the noise's std, not in"),
    "sharing": (
        lambda: stack([line(corrupt=n) for n in NOISES[1:]]), "in the noise's std, not in `shared`",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_schedules_that_agree_stack():
    assert stack([annealed(5), annealed(5), line()]).corrupt.std.tolist() == [1.0, 1.0, 0.0]
