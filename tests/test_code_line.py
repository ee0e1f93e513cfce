"""Exercises in which code is written: right answers in several forms, mistakes, and their runs."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false

import math
import re

import numpy as np
import pytest
import torch
from torch.func import grad, jacrev
from torch.nn.functional import logsigmoid

import gan_teach as gt
from gan_teach.course import exercises as ex
from gan_teach.course.answers import _array


def sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


# -- 00: a slope -----------------------------------------------------------------------------------


def between(f, t, h, left=-1, right=1, over=2):
    return (f(t + right * h) - f(t + left * h)) / over / h


@pytest.mark.parametrize(
    "answer",
    [
        between,
        lambda f, t, h: between(f, t, 1e-4),  # by a length of one's own
        lambda f, t, h: float(np.polyfit([-h, 0, h], [f(t - h), f(t), f(t + h)], 2)[1]),
        lambda f, t, h: torch.as_tensor(f(t + h) - f(t - h)) / (2 * h),
    ],
)
def test_a_slope_counts_in_every_form(answer):
    assert ex.check_slope(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda f, t, h: between(f, t, h, left=0, over=1), "one side only"),
        (lambda f, t, h: between(f, t, h, right=0, over=1), "one side only"),
        (lambda f, t, h: between(f, t, h, over=1), "not h"),
        (lambda f, t, h: between(f, t, h) * h, "multiplies by h"),
        (lambda f, t, h: (f(t + h) - f(t - h)) / 2 * h, r"write / \(2 \* h\)"),
        (lambda f, t, h: -between(f, t, h), "sign"),
        (lambda f, t, h: f(t + h) - f(t - h), "divide by 2 h"),
        (lambda f, t, h: (f(t + h) + f(t - h)) / 2, "mean"),
        (lambda f, t, h: (f(t + h) - 2 * f(t) + f(t - h)) / h**2, "slope itself"),
        (lambda f, t, h: math.nan, "nan"),
        (lambda f: 0.0, "TypeError"),
        (lambda f, t, h: ..., "replace the ..."),
    ],
)
def test_mistakes_with_a_slope_are_named(answer, word):
    assert not ex.check_slope(answer)
    assert re.search(word, ex.check_slope(answer).message)


# -- 01: a round -----------------------------------------------------------------------------------


def one_round(w, b, a, c, x, z, eta, g=1, c_up=1, fresh=True):
    real, fake = sigmoid(a * x + c), sigmoid(a * (w * z + b) + c)
    a_new = a + eta * (((1 - real) * x).mean() - (fake * (w * z + b)).mean())
    c_new = c + c_up * eta * ((1 - real).mean() - fake.mean())
    slope = a_new if fresh else a
    fake = sigmoid(a_new * (w * z + b) + c_new) if fresh else fake
    return w + g * eta * slope * (fake * z).mean(), b + g * eta * slope * fake.mean(), a_new, c_new


def by_autograd(w, b, a, c, x, z, eta):
    w, b, a, c = (p.clone().requires_grad_() for p in (w, b, a, c))
    for params, sign in (((a, c), 1), ((w, b), -1)):
        v = logsigmoid(a * x + c).mean() + logsigmoid(-(a * (w * z + b) + c)).mean()
        for p, gradient in zip(params, torch.autograd.grad(v, params), strict=True):
            p.data += sign * eta * gradient
    return [p.item() for p in (w, b, a, c)]


def test_a_round_counts_by_hand_by_autograd_and_as_an_array():
    assert ex.check_round(one_round)
    assert ex.check_round(by_autograd)
    assert ex.check_round(lambda *numbers: np.array(one_round(*numbers)))


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ({"fresh": False}, "old D"),
        ({"g": -1}, "G climbs"),
        ({"c_up": -1}, "descends with c"),
        ({"c_up": 0}, "has not moved"),
    ],
)
def test_a_slip_in_the_round_is_named(slip, word):
    verdict = ex.check_round(lambda *numbers: one_round(*numbers, **slip))
    assert not verdict
    assert word in verdict.message


def test_a_round_with_a_blank_left_is_open():
    def blank(w, b, a, c, x, z, eta):
        return w, b, a, ...

    assert "replace the ..." in ex.check_round(blank).message
    assert "replace the ..." in ex.check_round(lambda *_: sigmoid(...)).message


# -- 02: a loss ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        gt.losses.non_saturating_g,
        lambda real, fake: -logsigmoid(fake).mean(),
        lambda real, fake: torch.nn.functional.binary_cross_entropy_with_logits(
            fake, torch.ones_like(fake)
        ),
    ],
)
def test_the_generators_loss_counts_in_every_form(answer):
    assert ex.check_generator_loss(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda real, fake: logsigmoid(fake).mean(), "reject"),
        (gt.losses.saturating_g, "saturating loss"),
        (lambda real, fake: -logsigmoid(-fake).mean(), "D's loss"),
        (lambda real, fake: -logsigmoid(real).mean(), "second argument"),
        (lambda real, fake: -logsigmoid(fake).sum(), "take the mean"),
        (lambda real, fake: -torch.sigmoid(fake).log().mean(), "rounds to 0"),
        (lambda real, fake: np.logaddexp(0, -fake.numpy()).mean(), "detach"),
        (lambda real, fake: -logsigmoid(fake.detach()).mean(), "its gradient is not"),
        (lambda real, fake: -logsigmoid(fake).mean().item(), "its gradient is not"),
    ],
)
def test_mistakes_with_the_generators_loss_are_named(answer, word):
    assert not ex.check_generator_loss(answer)
    assert word in ex.check_generator_loss(answer).message


# -- 03: the generator's steps ---------------------------------------------------------------------


def steps(w, b, a, c, latents, eta, factor=lambda d: d, slope=None, power=1, frozen=False):
    start = w, b
    for z in latents:
        at = start if frozen else (w, b)
        d = factor(sigmoid(a * (at[0] * z + at[1]) + c)) * (a if slope is None else slope)
        w, b = w + eta * (d * z**power).mean(), b + eta * d.mean()
    return w, b


def steps_by_autograd(w, b, a, c, latents, eta):
    four = torch.stack([w, b]).requires_grad_()
    for z in latents:
        loss = logsigmoid(-(a * (four[0] * z + four[1]) + c)).mean()
        four.data -= eta * torch.autograd.grad(loss, four)[0]
    return four


def test_the_generators_steps_count_by_hand_and_by_autograd():
    assert ex.check_generator_steps(steps)
    assert ex.check_generator_steps(steps_by_autograd)


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ({"factor": lambda d: -d}, "the sign"),
        ({"slope": 1.0}, "is missing"),
        ({"power": 0}, "dG / dw"),
        ({"factor": lambda d: 1 - d}, "non-saturating"),
        ({"factor": lambda d: d.mean() + 0 * d}, "mean of z"),
        ({"frozen": True}, "ask D anew"),
    ],
)
def test_a_slip_in_the_generators_steps_is_named(slip, word):
    verdict = ex.check_generator_steps(lambda *numbers: steps(*numbers, **slip))
    assert not verdict
    assert word in verdict.message


# -- 04: a fade ------------------------------------------------------------------------------------


def test_a_fade_counts_in_every_form():
    for cos in (math.cos, np.cos):
        assert ex.check_fade(lambda k, n, cos=cos: (1 + cos(math.pi * min(k / n, 1))) / 2)
    assert ex.check_fade(lambda k, n: math.cos(math.pi * k / n / 2) ** 2 if k < n else 0)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda k, n: (1 + math.cos(math.pi * k / n)) / 2, "comes back"),
        (lambda k, n: (1 - math.cos(math.pi * min(k / n, 1))) / 2, "grows"),
        (lambda k, n: math.cos(math.pi / 2 * min(k / n, 1)), "quarter"),
        (lambda k, n: max(0, 1 - k / n), "straight"),
        (lambda k, n: math.cos(math.pi * min(k / n, 1)), "is wanted"),
    ],
)
def test_mistakes_with_the_fade_are_named(answer, word):
    assert not ex.check_fade(answer)
    assert word in ex.check_fade(answer).message


# -- 00 to 04: the second code of each chapter -----------------------------------------------------


def networks(
    w, b, a, c, k, x, z, on_x=lambda x: x, on_z=lambda fake, z: fake, answer=sigmoid,
    square=lambda s, z: s * s,
):  # fmt: skip
    fake = on_z(w * z + b, z)
    bent = lambda s: answer(k * square(s, z) + a * s + c)  # noqa: E731
    return bent(on_x(x)), bent(fake)


def modules(w, b, a, c, k, x, z):
    G, D = (torch.nn.Linear(n, 1, dtype=torch.float64) for n in (1, 2))
    for layer, (weight, bias) in ((G, ([[w]], b)), (D, ([[a, k]], c))):
        layer.weight.data = torch.tensor(weight, dtype=torch.float64)
        torch.nn.init.constant_(layer.bias, bias)
    x, z = (torch.as_tensor(samples)[:, None] for samples in (x, z))
    bent = lambda s: D(torch.cat([s, s**2], dim=-1)).sigmoid()[..., 0]  # noqa: E731
    return bent(x), bent(G(z))  # with their graphs


def one_by_one(w, b, a, c, k, x, z):
    d = lambda sample: 1 / (1 + math.exp(-(k * sample**2 + a * sample + c)))  # noqa: E731
    return [[d(sample) for sample in x], [d(w * latent + b) for latent in z]]


def differences(f, theta, h, over=4, one_sided=False, keep=lambda H: H, sign=1):
    e = h * np.eye(len(theta))
    if one_sided:
        entry = lambda i, j: f(theta + i + j) - f(theta + i) - f(theta + j) + f(theta)  # noqa: E731
    else:
        entry = lambda i, j: (  # noqa: E731
            f(theta + i + j) - f(theta + i - j) - f(theta - i + j) + f(theta - i - j)
        )
    H = np.array([[entry(i, j) for j in e] for i in e]) / (1 if one_sided else over) / h**2
    return keep(sign * H)


def by_own_length(f, theta, h):
    return differences(f, theta, 1e-4)


def in_place(f, theta, h):
    H, at = np.zeros((len(theta),) * 2), theta.tolist()
    for i in range(len(at)):
        for j in range(len(at)):
            for si, sj in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                point = at.copy()
                point[i] += si * h
                point[j] += sj * h
                H[i, j] += si * sj * f(point)
    return H / (4 * h * h)


def with_graphs(f, theta, h):
    at = torch.tensor(theta, requires_grad=True)
    slopes = torch.autograd.grad(f(at), at, create_graph=True)[0]
    return [torch.autograd.grad(slope, at, create_graph=True)[0] for slope in slopes]


def first(f, theta, h):
    return [(f(theta + e) - f(theta - e)) / (2 * h) for e in h * np.eye(len(theta))]


def both_losses(loss_g, loss_d, w, n_g, g=-1, d=-1):
    def velocity(w):
        return torch.cat([g * grad(loss_g)(w)[:n_g], d * grad(loss_d)(w)[n_g:]])

    return jacrev(velocity)(w)


def by_autograd_twice(loss_g, loss_d, w, n_g):
    w = w.detach().requires_grad_()
    of_g, of_d = (torch.autograd.grad(f(w), w, create_graph=True)[0] for f in (loss_g, loss_d))
    velocity = [-v for v in (*of_g[:n_g], *of_d[n_g:])]
    return [torch.autograd.grad(v, w, retain_graph=True)[0].tolist() for v in velocity]


def by_slopes(loss_g, loss_d, w, n_g, h=1e-5):
    def velocity(w):
        of_g, of_d = (torch.autograd.functional.jacobian(loss, w) for loss in (loss_g, loss_d))
        return -np.concatenate([of_g[:n_g], of_d[n_g:]])

    steps = h * torch.eye(len(w), dtype=w.dtype)
    return np.stack([(velocity(w + e) - velocity(w - e)) / (2 * h) for e in steps], axis=1)


def without_a_graph(loss_g, loss_d, w, n_g):
    def velocity(w):
        of_g, of_d = (torch.autograd.grad(loss(w), w)[0] for loss in (loss_g, loss_d))
        return -torch.cat([of_g[:n_g], of_d[n_g:]])

    return jacrev(velocity)(w)


def one_block_each(loss_g, loss_d, w, n_g):
    J = both_losses(loss_g, loss_d, w, n_g).clone()
    J[:n_g, n_g:] = J[n_g:, :n_g] = 0
    return J


def ahead(game, draw, optims, g_steps=50, moves=None, sign=1.0):
    losses = {}
    own = [("d", "d", 0), *(("g", "g", i) for i in range(g_steps))]
    for player, whose, i in moves(g_steps) if moves else own:
        if player == "d":
            losses["d_loss"] = game.loss_d(draw(whose, i))
            optims.step_d(gt.dynamics.gradient(losses["d_loss"], game.d_params))
        else:
            losses["g_loss"] = game.loss_g(draw(whose, i))
            grads = gt.dynamics.gradient(losses["g_loss"], game.g_params)
            optims.step_g([sign * g for g in grads])
    return losses


def by_one_gradient(game, draw, optims, g_steps):
    losses = ahead(game, draw, optims, 0) | {"g_loss": game.loss_g(draw("g", 0))}
    grads = gt.dynamics.gradient(losses["g_loss"], game.g_params)
    for _ in range(g_steps):
        optims.step_g(grads)
    return losses


def as_the_library(game, draw, optims, g_steps):
    return gt.alternating(g_steps=g_steps)(game, draw, optims)


def by_backward(game, draw, optims, g_steps):
    losses = {"d_loss": game.loss_d(draw("d", 0))}
    losses["d_loss"].backward()
    optims.step_d([p.grad for p in game.d_params])
    for i in range(g_steps):
        for p in game.g_params:
            p.grad = None
        losses["g_loss"] = game.loss_g(draw("g", i))
        losses["g_loss"].backward()
        optims.step_g([p.grad for p in game.g_params])
    for p in (*game.g_params, *game.d_params):
        p.grad = None
    return losses


def moving(moves):
    return lambda *given: ahead(*given, moves=moves)


def best(x, real, fake, noise, exponent=lambda gap, noise: gap**2 / (2 * noise**2), end=None):
    bumps = [np.exp(-exponent(x[:, None] - points, noise)) for points in (real, fake)]
    return (end or (lambda p, q: p.mean(1) / (p.mean(1) + q.mean(1))))(*bumps)


def by_the_normal_law(x, real, fake, noise):
    def log_density(points):
        law = torch.distributions.Normal(torch.as_tensor(points), noise)
        return law.log_prob(torch.as_tensor(x)[:, None]).logsumexp(1) - math.log(len(points))

    return torch.sigmoid(log_density(real) - log_density(fake))


RIGHT = [
    (ex.check_two_networks, networks),
    (ex.check_two_networks, one_by_one),
    (ex.check_two_networks, modules),
    (ex.check_two_networks, lambda *given: networks(*given, answer=torch.sigmoid)),
    (ex.check_two_networks, lambda *given: [part.tolist() for part in networks(*given)]),
    (ex.check_hessian, differences),
    (ex.check_hessian, by_own_length),
    (ex.check_hessian, in_place),
    (ex.check_game_jacobian, both_losses),
    (ex.check_game_jacobian, by_autograd_twice),
    (ex.check_game_jacobian, by_slopes),
    (ex.check_rule_ahead, ahead),
    (ex.check_rule_ahead, as_the_library),
    (ex.check_rule_ahead, by_backward),
    (ex.check_best_of_points, best),
    (ex.check_best_of_points, by_the_normal_law),
    (ex.check_best_of_points, lambda *given: best(*given).tolist()),
]  # fmt: skip
MISTAKES = [
    (ex.check_two_networks, lambda *given: networks(*given, on_z=lambda fake, z: z), "z itself"),
    (ex.check_two_networks, lambda w, b, *rest: networks(w, b, *rest, on_x=lambda x: w * x + b),
     "pass through G"),
    (ex.check_two_networks, lambda *given: networks(*given)[::-1], "exchanged"),
    (ex.check_two_networks, lambda w, b, a, c, k, x, z: (
        networks(w, b, a, c, k, x, z)[0], w * z + b), "D say of"),
    (ex.check_two_networks, lambda *given: networks(*given, answer=lambda f: f), "logits"),
    (ex.check_two_networks, lambda *given: networks(*given, answer=lambda f: sigmoid(-f)), "sign"),
    (ex.check_two_networks, lambda w, b, *rest: networks(w, 0.0, *rest), "b is missing"),
    (ex.check_two_networks, lambda w, b, a, c, *rest: networks(w, b, a, 0.0, *rest),
     "c is missing"),
    (ex.check_two_networks, lambda w, b, a, c, k, *rest: networks(w, b, a, c, 0.0, *rest),
     "k is missing"),
    (ex.check_two_networks, lambda *given: networks(*given, square=lambda s, z: s), "the square"),
    (ex.check_two_networks, lambda *given: networks(*given, square=lambda s, z: (
        z * z if len(s) == len(z) else s * s)), "not of z"),
    (ex.check_two_networks, lambda w, b, a, c, k, *rest: networks(w, b, -a, -c, k, *rest),
     "bracket"),
    (ex.check_two_networks, lambda w, b, a, c, k, *rest: networks(w, b, a, -c, -k, *rest),
     "bracket"),
    (ex.check_two_networks, lambda *given: networks(*given)[0], "shape"),
    (ex.check_two_networks, lambda *given: [d.mean() for d in networks(*given)], "those are means"),
    (ex.check_hessian, lambda *given: differences(*given, over=1), "not by h"),
    (ex.check_hessian, lambda f, t, h: differences(f, t, h, over=2) * h, "twice"),
    (ex.check_hessian, lambda *given: differences(*given, sign=-1), "sign"),
    (ex.check_hessian, lambda *given: differences(*given, one_sided=True), "one side"),
    (ex.check_hessian, lambda *given: differences(*given, keep=lambda H: H * np.eye(len(H))),
     "mixed"),
    (ex.check_hessian, lambda *given: differences(*given, keep=np.triu), "mirror"),
    (ex.check_hessian, first, "gradient"),
    (ex.check_hessian, with_graphs, "without autograd"),
    (ex.check_hessian, lambda f, theta, h: jacrev(grad(f))(torch.tensor(theta)),
     "without autograd"),
    (ex.check_hessian, lambda f, theta, h: f(theta), "shape"),
    (ex.check_game_jacobian, lambda *given: both_losses(*given, g=1, d=1), "the sign: a player"),
    (ex.check_game_jacobian, lambda *given: both_losses(*given, d=1), "D goes down"),
    (ex.check_game_jacobian, lambda *given: both_losses(*given, g=1), "G's rows: G goes"),
    (ex.check_game_jacobian, lambda g, d, *rest: both_losses(d, d, *rest, g=1), "= -loss_d"),
    (ex.check_game_jacobian, lambda g, d, *rest: both_losses(g, g, *rest, d=1), "= -loss_g"),
    (ex.check_game_jacobian, lambda g, d, *rest: both_losses(g, g, *rest), "all rows"),
    (ex.check_game_jacobian, lambda *given: both_losses(*given).T, "transposed"),
    (ex.check_game_jacobian, one_block_each, "off the blocks"),
    (ex.check_game_jacobian, without_a_graph, "create_graph"),
    (ex.check_game_jacobian, lambda g, d, w, n_g: -grad(g)(w), "shape"),
    (ex.check_rule_ahead, moving(lambda n: [("d", "d", 0), *[("g", "g", 0)] * n]), "same latents"),
    (ex.check_rule_ahead, moving(lambda n: [("d", "d", 0), *[("g", "d", 0)] * n]), "D's batch"),
    (ex.check_rule_ahead, moving(
        lambda n: [("d", "d", 0), *(("g", "g", i + 1) for i in range(n))]), "from 0"),
    (ex.check_rule_ahead, by_one_gradient, "taken once"),
    (ex.check_rule_ahead, lambda g, d, o, n: gt.alternating(g_steps=n, first="g")(g, d, o),
     "D comes first"),
    (ex.check_rule_ahead, lambda g, d, o, n: gt.alternating()(g, d, o), "moved once"),
    (ex.check_rule_ahead, lambda g, d, o, n: ahead(g, d, o), "another number"),
    (ex.check_rule_ahead, lambda g, d, o, n: gt.alternating(d_steps=n)(g, d, o), "run ahead"),
    (ex.check_rule_ahead,
     moving(lambda n: [(player, player, i) for i in range(n) for player in "dg"]), "move once"),
    (ex.check_rule_ahead, lambda *given: ahead(*given, sign=-1.0), "climbed"),
    (ex.check_rule_ahead, lambda *given: {"d_loss": ahead(*given)["d_loss"]}, "but not g_loss"),
    (ex.check_rule_ahead, lambda *given: print(ahead(*given)), "returns None"),
    (ex.check_rule_ahead, lambda game, draw, optims: 0, "TypeError"),
    (ex.check_best_of_points, lambda x, real, fake, noise: best(x, fake, real, noise), "exchanged"),
    (ex.check_best_of_points, lambda *given: best(*given, end=lambda p, q: p.mean(1) / q.mean(1)),
     "ratio"),
    (ex.check_best_of_points,
     lambda *given: best(*given, end=lambda p, q: np.log(p.mean(1) / q.mean(1))), "logit"),
    (ex.check_best_of_points, lambda *given: best(*given, exponent=lambda gap, s: gap**2 / s**2),
     "2 is missing"),
    (ex.check_best_of_points, lambda *given: best(*given, exponent=lambda gap, s: gap**2 / 2 / s),
     "square it"),
    (ex.check_best_of_points,
     lambda *given: best(*given, end=lambda p, q: p.sum(1) / (p.sum(1) + q.sum(1))), "sum of"),
    (ex.check_best_of_points,
     lambda x, real, fake, s: best(x, real[None].mean(1), fake[None].mean(1), s), "their mean"),
    (ex.check_best_of_points, lambda *given: best(*given).mean(), "a number, but an array"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_each_form_of_right_code_counts(check, answer):
    for _ in range(2):  # as well the second time
        assert check(answer), check(answer)


@pytest.mark.parametrize(("check", "answer", "word"), MISTAKES)
def test_each_mistake_in_code_is_named(check, answer, word):
    verdict = check(answer)
    assert not verdict
    assert re.search(word, verdict.message), verdict


CODE = list(dict(RIGHT).items())  # each check with one of its right answers


@pytest.mark.parametrize(("check", "answer"), CODE, ids=[check.__name__ for check, _ in CODE])
def test_code_that_gives_anything_else_does_not_count_and_nothing_raises(check, answer):
    for wrong in (lambda *_: math.nan, lambda *_: math.inf, lambda *_: None, lambda *_: "x",
                  lambda *_: [], lambda: 0, lambda *_: 1 / 0, lambda *_: {}):  # fmt: skip
        assert not check(wrong)
    assert "a function is wanted" in check(0.5).message
    assert "replace the ..." in check(lambda *_: ...).message


@pytest.mark.parametrize(
    ("check", "answer"),
    [pair for pair in CODE if pair[0] is not ex.check_rule_ahead],
    ids=lambda part: getattr(part, "__name__", "code"),
)
def test_one_entry_that_is_off_does_not_count(check, answer):
    def off(by):
        def wrong(*given):
            value = _array(answer(*given)).astype(float)
            value.flat[rng.integers(value.size)] += by
            return value

        return wrong

    rng = np.random.default_rng(0)
    for by in [*rng.choice([-1, 1], 60) * 10 ** rng.uniform(-4, 1, 60), math.nan, math.inf]:
        assert not check(off(by))
    assert check(off(0.0))
