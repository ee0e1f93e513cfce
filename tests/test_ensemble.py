"""A stack of S games is S games: trained, recorded and analysed as one, to rounding."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import numpy as np
import pytest
import torch

from cases import GAMES, LOSSES, PENALTIES, dirac, function, image, plane, rng, tutorial
from gan_teach import data, dynamics
from gan_teach.analysis.spectra import flatten, jacobian, spectra
from gan_teach.games import GAN, FunctionGame, corrupt, penalties
from gan_teach.games.ensemble import stack, unstack
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
    agree(mixed, len(MIXED), optimizer="adam")


def test_latents_and_data_may_differ():
    def make(i):
        real = [data.Normal(5, 1), data.Uniform(-1, 1), data.Fixed(torch.arange(3.0))][i]
        return GAN(Affine1D(seed=i), Affine1D(seed=9), data=real, latent=data.Normal())

    agree(make, 3, tol=1e-5)


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


def test_unstack_copies_one_member():
    games = [dirac(1.0, 2.0), dirac(3.0, 4.0)]
    ensemble = stack(games)
    g, d = unstack(ensemble, 1)
    assert (g[0].tolist(), d[0].tolist()) == ([3.0], [4.0])
    assert unstack(ensemble, -2)[0][0].tolist() == [1.0]
    g[0].zero_()
    assert flatten(ensemble)[1].tolist() == [3.0, 4.0]
    assert "StackedSource(2 x" in repr(ensemble.data)


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
    "shapes": (lambda: stack([line(), plane()]), "another architecture"),
    "schedules": (lambda: stack([annealed(5), annealed(6)]), "in the noise's std, not in"),
    "sharing": (
        lambda: stack([line(corrupt=n) for n in NOISES[1:]]), "in the noise's std, not in `shared`",
    ),
    "index": (lambda: unstack(stack([line()] * 2), 2), "index must be below 2.*got 2"),
    "no ensemble": (lambda: unstack(line(), 0), "index must be below 0"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_schedules_that_agree_stack():
    assert stack([annealed(5), annealed(5), line()]).corrupt.std.tolist() == [1.0, 1.0, 0.0]
