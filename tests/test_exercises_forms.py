"""Right answers in every form, wrong ones told nothing false, and what comes after "Right"."""

import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from gan_teach.course import exercises as ex
from gan_teach.course.answers import Check, Choice, Function, Number, plain

ALL = {name: check for name, check in vars(ex).items() if isinstance(check, Check)}
ABOUT = {
    "check_sampling_noise": {"w": 2.0, "n": 10},
    "check_noise_for_slope": {"gap": 4.0, "variance": 1.0, "slope": 0.5},
    "check_largest_ratio": {"lr": 0.1, "curvature": 13.3},
}  # fmt: skip
OF_A_RUN = [
    name for name, check in ALL.items() if "run" in inspect.signature(check.rule).parameters
]
NUMBERS = [name for name in ALL if isinstance(ALL[name], Number) and name not in OF_A_RUN]
FUNCTIONS = {name: check for name, check in ALL.items() if isinstance(check, Function)}
CODE = [*FUNCTIONS]
ARRAYS = [  # of these a chapter's trial hands over arrays, and needs no gradient
    name
    for name, check in FUNCTIONS.items()
    if any(isinstance(x, np.ndarray) for x in check.points[0])
    and not (check.gradient or name in ("check_round", "check_optimistic_rule"))
]


def values(name):
    return [value for value, _ in ALL[name].rule(**ABOUT.get(name, {}))]


# -- numbers ---------------------------------------------------------------------------------------

KINDS = [
    float, Fraction, Decimal, complex, np.complex128, np.array, np.longdouble, str, torch.tensor,
    lambda x: np.array([x]), lambda x: torch.tensor(complex(x)), lambda x: np.array([complex(x)]),
    lambda x: torch.nn.Parameter(torch.tensor(x)),
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_any_kind_counts_and_what_is_complex_does_not(name):
    right = float(values(name)[0])
    for kind in KINDS:
        assert ALL[name](kind(right), **ABOUT.get(name, {})), kind
    for wrong in (complex(right, 1), np.complex128(right + 1e-3j), complex(right, math.nan)):
        assert "number is wanted" in ALL[name](wrong, **ABOUT.get(name, {})).message


@pytest.mark.parametrize("name", NUMBERS)
def test_a_right_number_that_was_rounded_is_told_of_no_mistake(name):
    right, *mistakes = values(name)
    for digits in range(1, 7):
        rounded = round(float(right), digits)
        verdict = ALL[name](rounded, **ABOUT.get(name, {}))
        if rounded and rounded not in mistakes:
            assert verdict or "one digit more" in verdict.message, (rounded, verdict)


def test_a_right_loss_with_one_digit_is_not_smoothed_on_both_sides():
    assert "1 is right so far" in ex.check_scores_to_loss(1.0).message
    assert "only the labels of real images" in ex.check_scores_to_loss(1.016).message


def test_a_share_in_per_cent_is_named():
    assert "not a percentage" in ex.check_none_of_many(5.7).message


def test_two_numbers_are_finite():
    for bad in ((math.nan, 1.0), (math.inf, -math.inf), (1.0, math.inf)):
        assert "two numbers (of w, of b) are wanted, not (" in ex.check_blind_direction(bad).message


# -- answers that no sentence can show, and runs that are none -------------------------------------


class Mute:
    def __repr__(self):
        raise ValueError


def in_itself():
    loop = []
    loop.append(loop)
    return loop


class Turns:
    def turn(self):
        return self


@pytest.mark.parametrize("answer", [Mute(), in_itself(), 10**5000], ids=["mute", "loop", "large"])
@pytest.mark.parametrize("name", ALL)
def test_what_cannot_be_shown_is_told(name, answer):
    about = (Turns(),) if name in OF_A_RUN else ()
    verdict = ALL[name](answer, *about, **ABOUT.get(name, {}))
    assert not verdict
    assert "wanted" in str(verdict), verdict


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_run_of_another_kind_is_told(name):
    check = ALL[name]
    answer = check.options[0] if isinstance(check, Choice) else {} if "knob" in name else 1.0
    answer = 1.0 if "plane" in name and not isinstance(check, Choice) else answer
    for about in ((), (None,), (7,), ("run",)):
        assert "run is wanted" in str(check(answer, *about)), (name, about)


def test_quotes_and_a_dot_of_an_option_do_not_count_and_options_are_told_apart():
    run = ex.unseen_plane(1)
    right = "no equilibrium"
    for said in (right, f'"{right.title()}"', f"'{right}'.", np.str_(right.upper())):
        assert ex.check_plane_kind(said, run)
    message = ex.check_plane_kind("Equilibrium?", run).message
    assert message == (
        "one of 'Nash', 'minmax, not Nash', 'no equilibrium' is wanted, not 'Equilibrium?'."
    )


# -- functions -------------------------------------------------------------------------------------


def of_torch_alone(right):
    """The same function for tensors, and with a graph on what it gives."""

    def answer(*point):
        if any(isinstance(x, np.ndarray) and x.ndim for x in point):
            raise TypeError("must be Tensor, not numpy.ndarray")
        value = right(*(x.numpy()[()] if isinstance(x, torch.Tensor) else x for x in point))
        return made(value, lambda x: torch.tensor(plain(x)).clone().requires_grad_())

    return answer


def made(value, kind):
    if isinstance(value, list | tuple):
        return [made(part, kind) for part in value]
    return kind(value)


def one_by_one(right):
    def answer(*point):
        value = right(*point)
        return iter(value) if isinstance(value, list | tuple) or np.ndim(value) else value

    return answer


def of_rows(right):
    return lambda *point: made(right(*point), lambda x: [*torch.tensor(x)] if np.ndim(x) else x)


@pytest.mark.parametrize("form", [of_torch_alone, one_by_one, of_rows])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_right_function_is_handed_on_with_arrays_in_and_out(name, form):
    if name in ("check_hessian", "check_arnoldi") and form is of_torch_alone:
        return  # they get a function
    check = FUNCTIONS[name]
    right = lambda *point: next(check.rule(*point))[0]  # noqa: E731
    verdict = check(form(right))
    assert verdict, verdict
    assert verdict.own is not None
    for point in check.points:
        ours, library = verdict.own(*point), plain(right(*point))
        assert type(ours) is type(library)
        parts = (ours, library) if isinstance(library, list) else ([ours], [library])
        for a, b in zip(*parts, strict=True):
            assert isinstance(a, np.ndarray | float | complex)
            np.testing.assert_allclose(a, b)


def test_eigenvalues_count_in_pieces_and_with_a_graph():
    def pieces(s, gamma, tau):
        i, j = np.triu_indices(len(s))
        free = len(s) * (len(s) - 1) // 2
        roots = [np.roots([1, tau * gamma, 2 * tau * both]) for both in s[i] + s[j]]
        return [np.zeros(free), np.full(free, -tau * gamma), *roots]

    assert ex.check_covariance_spectrum(pieces)

    def with_a_graph(s, gamma, tau):
        return torch.tensor(np.concatenate(pieces(s, gamma, tau))).requires_grad_()

    assert ex.check_covariance_spectrum(with_a_graph)
    assert "text" in ex.check_covariance_spectrum(lambda *s: [str(x) for x in s]).message


def test_what_a_notebook_has_set_in_numpy_does_not_count():
    with np.errstate(all="raise"):
        assert ex.check_optimal_discriminator(lambda p, q: 1 - 1 / (1 + p / q))
        assert ex.check_kl_code(lambda n: np.nansum(n / n.sum() * np.log(n / n.mean())))


SURE = "not finite where D is sure"


def test_losses_stay_finite_where_d_is_sure():
    log = lambda f: f.sigmoid().log()  # noqa: E731

    def naive(real, fake):
        return -log(real - fake).mean(), -log(fake - real).mean()

    def naive_too(real, fake, a, b):
        p, q = real.sigmoid(), fake.sigmoid()
        of_real = a * p.log() + (1 - a) * (1 - p).log()
        return -(of_real + b * q.log() + (1 - b) * (1 - q).log()).mean()

    def by_exponentials(real, fake):
        return (1 + (fake - real).exp()).log().mean(), (1 + (real - fake).exp()).log().mean()

    for answer in (naive, by_exponentials):
        assert SURE in ex.check_relativistic_losses(answer).message
        one = lambda _, fake, f=answer: f(fake, 0 * fake)[0]  # noqa: E731
        assert SURE in ex.check_generator_loss(one).message

    def of_both_sides(real, fake, a, b):
        cost = lambda f, t: -(t * log(f) + (1 - t) * log(-f)).mean()  # noqa: E731
        return cost(real, a) + cost(fake, b)

    assert SURE in ex.check_smoothed_code(naive_too).message
    assert SURE in ex.check_smoothed_code(of_both_sides).message
    assert ex.check_smoothed_code(
        lambda real, fake, a, b: (softplus(real) - a * real + softplus(fake) - b * fake).mean()
    )


# -- questions with checks of their own ------------------------------------------------------------


def test_a_step_of_the_way_out_is_told_what_is_wrong_with_it():
    start, end = (1, 0, 0), (1, 0, 2)
    assert ex.check_way_out([start, (1, 0, -1), end])
    assert ex.check_way_out(torch.tensor([start, (1, 0, -1), end]))
    assert "a fake is off the data, at -1" in ex.check_way_out([start, end]).message
    assert "one fake moves at a time" in ex.check_way_out([start, (1, -1, -1), end]).message
    assert "end with a fake on each point" in ex.check_way_out([start]).message
    for bad in ([start, (1, 0, math.inf), end], [start, (1, 0, math.nan), end]):
        assert "a list of triples" in ex.check_way_out(bad).message


def test_an_even_grid_is_no_draw_of_a_moon():
    class Grid:
        shape = (2,)

        def sample(self, n, rng):
            t = torch.linspace(0, math.pi, n)
            lower = torch.rand(n, generator=rng) < 0.5
            x = torch.where(lower, 1 - t.cos(), t.cos())
            y = torch.where(lower, 0.5 - t.sin(), t.sin())
            return torch.stack([x, y], 1) + 0.1 * torch.randn(n, 2, generator=rng)

    assert "draw it from rng" in ex.check_moons(Grid).message

    class One(Grid):
        def sample(self, n, rng):
            return super().sample(n, rng).squeeze().requires_grad_()

    assert "sample(1, rng) has to give" in ex.check_moons(One).message


def test_points_with_a_graph_count():
    class Moons:
        shape = (2,)

        def sample(self, n, rng):
            t = math.pi * torch.rand(n, generator=rng)
            lower = torch.rand(n, generator=rng) < 0.5
            x = torch.where(lower, 1 - t.cos(), t.cos())
            y = torch.where(lower, 0.5 - t.sin(), t.sin())
            points = torch.stack([x, y], 1) + 0.1 * torch.randn(n, 2, generator=rng)
            return points.requires_grad_()

    assert ex.check_moons(Moons)
