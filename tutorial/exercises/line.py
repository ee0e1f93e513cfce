"""Questions of chapters 00 to 04: the GAN on the line."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import softplus

from gan_teach import zoo
from gan_teach.analysis.spectra import vector_field
from gan_teach.course.answers import (
    Check,
    Function,
    Number,
    Values,
    Verdict,
    number,
    random_cases,
)
from gan_teach.dynamics import gradient
from gan_teach.games import Batch, Game
from gan_teach.games.base import flatten
from gan_teach.training import train

NO_GRADIENT = "the value is right, but its gradient is not: no detach, item or numpy on the way."
SURE = (
    "it is not finite where D is sure, since a sigmoid rounds to 0 there and an exponential "
    "overflows: take softplus of the logit."
)

# -- 00: the game ----------------------------------------------------------------------------------


def _two_batches(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, k, real samples, more latents."""
    n, more = rng.integers(2, 7, 2).tolist()
    numbers = *rng.normal(size=4), 0.2 * rng.normal()
    return (*numbers, rng.normal(5.0, 1.0, n), rng.uniform(size=(n + more, 1)))


@partial(Function, points=random_cases(_two_batches))
def check_two_networks(
    w: float, b: float, a: float, c: float, k: float, x: np.ndarray, z: np.ndarray
) -> Values:
    """Answers of a D with the logit k x^2 + a x + c, on real samples x and on what G makes of
    latents z: two arrays."""
    fake = w * z + b

    def logits(
        real: np.ndarray, fake: np.ndarray, a: float = a, c: float = c, k: float = k, power: int = 2
    ) -> list[np.ndarray]:
        return [k * samples**power + a * samples + c for samples in (real, fake)]

    def answers(real: np.ndarray, fake: np.ndarray, **changed: Any) -> list[np.ndarray]:
        return [1 / (1 + np.exp(-logit)) for logit in logits(real, fake, **changed)]

    right = answers(x, fake)
    yield right, "D sees x as it is, and of z what G makes of it."
    yield answers(x, z), "D never sees z itself: it sees G(z)."
    yield answers(w * x + b, fake), "real samples do not pass through G."
    yield answers(fake, x), "exchanged: first the answers on real samples."
    yield [right[0], fake], "that is G(z): what does D say of it?"
    yield logits(x, fake), "those are the logits; the sigmoid makes answers of them."
    yield (
        [1 - answer for answer in right],
        "the sign: D(x) = 1 / (1 + exp(-logit)), with a minus.",
    )
    yield answers(x, w * z), "b is missing in G(z) = w z + b."
    yield answers(x, fake, c=0.0), "c is missing in the logit."
    yield answers(x, fake, k=0.0), "k is missing: that is the straight D of the chapter."
    yield answers(x, fake, power=1), "k goes with the square of the sample."
    yield [np.mean(d) for d in right], "those are means: give an answer for each x and each z."
    bent = [right[0], 1 / (1 + np.exp(-(k * z**2 + a * fake + c)))]
    yield bent, "the square is that of G(z), not of z: D never sees z."
    whole = "the minus is before the whole bracket: exp(-(k x^2 + a x + c))."
    yield answers(x, fake, a=-a, c=-c), whole
    yield answers(x, fake, c=-c, k=-k), whole


def _curve(rng: np.random.Generator) -> tuple[Any, ...]:
    """A quadratic function of a number (a difference of any length is exact), a place, a length."""
    coefficients = rng.normal(size=3).tolist()
    f = lambda t: sum(c * t**k for k, c in enumerate(coefficients))  # noqa: E731
    return f, *rng.uniform([-2, 0.1], [2, 0.5])


@partial(Function, points=random_cases(_curve))
def check_slope(f: Callable[[Any], Any], t: float, h: float) -> Any:
    """How fast f grows at t, from its values at h to either side."""
    before, here, after = f(t - h), f(t), f(t + h)
    slope = (after - before) / (2 * h)
    yield slope, "two values, 2 h apart: their difference over the distance."
    why = "that looks to one side only; from both sides the error is far smaller."
    yield (after - here) / h, why
    yield (here - before) / h, why
    yield 2 * slope, "the two places lie 2 h apart, not h."
    yield h * slope, "divide by 2 h, both of it: / 2 * h multiplies by h."
    yield h**2 * slope, "that divides by 2 and multiplies by h: write / (2 * h)."
    yield -slope, "the sign: the value at t + h comes first."
    yield after - before, "that is by how much f grows between the two; divide by 2 h."
    yield (after + before) / 2, "that is their mean: how fast f grows is a difference."
    yield (after - 2 * here + before) / h**2, "that is how fast the slope itself changes."


# -- 01: the normal GAN ----------------------------------------------------------------------------


@partial(Function, points=[(0.3, 0.3), (0.4, 0.1), (0.12, 0.37), (0.2, 0.0)])
def check_optimal_discriminator(p: float, q: float) -> Values:
    """D*(p, q) as a function of the two densities at a point."""
    share = p / (p + q)
    yield share, "D* = p / (p + q): the share of real samples among all that land at this point."
    yield 1 - share, "that is the share of the generated samples."
    yield (p - q) / (p + q), "that lies between -1 and 1; D* is a probability."


def pair(answer: Any) -> tuple[float, float]:
    """Two finite numbers, as ``read`` of a `Check`."""
    first, second = map(number, answer)
    if not math.isfinite(first + second):
        raise ValueError
    return first, second


@partial(Check, read=pair, wanted="two numbers (of w, of b) are wanted")
def check_blind_direction(direction: tuple[float, float]) -> Verdict:
    """A direction in (w, b) that changes the generator's spread and keeps its mean."""
    w, b = direction
    mean = w / 2 + b
    if w == 0:
        return Verdict(False, "with w unchanged the spread |w| / sqrt(12) stays as it is.")
    if not abs(mean) <= 2e-3 * abs(w) < math.inf:  # such as 0.333 and -0.167
        return Verdict(False, f"the mean w E[z] + b = w/2 + b changes by {mean:g}: it has to stay.")
    return Verdict(True, "the mean w/2 + b stays, the spread changes, and V does not notice.")


def _cubic_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """A cubic function of a few numbers, without autograd, a place, and a length."""
    n = int(rng.integers(2, 5))
    A, u = rng.normal(size=(n, n)).tolist(), rng.normal(size=n).tolist()

    def f(t: Any) -> Any:
        if isinstance(t, torch.Tensor):
            try:
                t = t.numpy()
            except RuntimeError:  # it carries a graph
                raise ValueError(
                    "f takes numbers alone: the exercise is without autograd"
                ) from None
        square = sum(A[i][j] * t[i] * t[j] for i in range(n) for j in range(n))
        return square + sum(u[i] * t[i] for i in range(n)) ** 3

    return f, rng.normal(size=n), rng.uniform(0.1, 0.5)


@partial(Function, points=random_cases(_cubic_case))
def check_hessian(f: Callable[[Any], Any], point: np.ndarray, h: float) -> Any:
    """The second derivatives of f at point from values of f around it, h to either side."""
    steps, here = h * np.eye(len(point)), f(point)
    same = np.array([[f(point + i + j) + f(point - i - j) for j in steps] for i in steps])
    across = np.array([[f(point + i - j) + f(point - i + j) for j in steps] for i in steps])
    H = (same - across) / (2 * h) ** 2  # exact for a cubic function
    slope = [(f(point + i) - f(point - i)) / (2 * h) for i in steps]
    ahead = [[f(point + i + j) - f(point + i) - f(point + j) + here for j in steps] for i in steps]
    yield H, "four values around the point for each entry, over (2 h)^2."
    yield 4 * H, "the four values lie 2 h apart, both ways: divide by (2 h)^2, not by h^2."
    yield 2 * h * H, "a second difference is divided by 2 h twice: by (2 h)^2."
    yield -H, "the sign: it is ++ and -- that count as plus, +- and -+ as minus."
    one_sided = "steps to one side let the third derivatives in: go to both sides of the point."
    yield np.array(ahead) / h**2, one_sided
    back = [[f(point - i - j) - f(point - i) - f(point - j) + here for j in steps] for i in steps]
    yield np.array(back) / h**2, one_sided
    yield H * np.where(np.eye(len(point)), 1, 4), "off the diagonal, too, divide by (2 h)^2."
    yield np.diag(np.diag(H)), "the mixed second derivatives are missing."
    yield np.triu(H), "the lower half is missing; it is the mirror image of the upper one."
    yield slope, "that is the gradient; the Hessian is the matrix of second derivatives."


def _line_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, real samples, latents, eta."""
    n = int(rng.integers(2, 7))
    batches = rng.normal(5.0, 1.0, (n, 1)), rng.uniform(size=(n, 1))
    return *rng.normal(size=4), *batches, rng.uniform()


def _by_blank(round_: Callable[..., Any]) -> Callable[..., Any]:
    """Numbers in the order of the blanks that make them: a (none), c (A), w and b (B and C)."""

    def run(*case: Any) -> tuple[Any, ...]:
        w, b, a, c = round_(*case)
        return a, c, w, b

    return run


_OF_G = "(blank C, or what B hands it)"


@partial(
    Function,
    points=random_cases(_line_case),
    run=_by_blank,
    names=("a", "c (blank A)", f"w {_OF_G}", f"b {_OF_G}"),
)
def check_round(
    w: float, b: float, a: float, c: float, x: np.ndarray, z: np.ndarray, eta: float
) -> Any:
    """(w, b, a, c) after a step of D up and then of G down, on real samples x and latents z."""
    game = zoo.line_gan()
    batch = Batch(torch.tensor(x), torch.tensor(z))
    start, d = np.array([w, b, a, c]), np.array([0, 0, 1, 1])

    def step(at: np.ndarray, rates: np.ndarray) -> np.ndarray:
        return at + eta * rates * vector_field(game, batch, torch.tensor(at)).numpy()

    new = step(start, d)

    def of_g(asked: np.ndarray = new, slope: float = new[2], power: int = 1) -> np.ndarray:
        """Where G goes by the answers of one D and the slope of another."""
        says = 1 / (1 + np.exp(-asked[2] * (w * z + b) - asked[3]))
        return new + eta * slope * np.array([(says * z**power).mean(), says.mean(), 0, 0])

    def with_c(moved: float) -> np.ndarray:
        at = np.array([w, b, new[2], c + moved])
        return step(at, 1 - d)

    first, both = new[3] - c, np.array([w, b, new[2], c])
    real = (1 / (1 + np.exp(a * x + c))).mean()
    for right, why in (
        (of_g(), "D climbs, then G descends on what the new D says."),
        (of_g(start), "blank B: G has asked the old D; take its answers with the new a and c."),
        (of_g(start, a), "blank B: G has asked the old D, and C takes its a: both are new."),
        (of_g(both), "blank B: the new D has a new c as well as a new a."),
        (of_g(slope=a), "blank C: the factor is the new a."),
        (of_g(slope=1.0), "blank C: the factor a is missing."),
        (new + len(z) * (of_g() - new), "blank C: the sums are to be means over the batch."),
        (of_g() - new * (1 - d), "blank C: add it to w and b."),
        (of_g(power=0), "blank C: w has the factor z; it moves otherwise than b."),
        (2 * new - of_g(), "blank C: G climbs V; it wants V small, so its sign is another."),
        (with_c(-first), "blank A: D climbs with a and descends with c."),
        (with_c(0.0), "blank A: c has not moved; it is D's as a is."),
        (with_c(new[2] - a), "blank A: for c there is no factor x or G(z)."),
        (with_c(eta * real), "blank A: the generated samples move c as well."),
        (with_c(first / eta), "blank A: eta is missing."),
    ):
        yield right[[2, 3, 0, 1]], why


# -- 02: the strong discriminator ------------------------------------------------------------------


@partial(Number, atol=0.5)
def check_gradient_ratio() -> Values:
    """(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample."""
    yield 999.0, "(1 - D) / D = 0.999 / 0.001."
    yield 1000.0, "the numerator is 1 - D, not 1."
    yield 1 / 999, "that is the saturating one over the other: turn it over."
    yield 0.998, "that is the difference of the factors; how many *times* is asked."


def _sure_and_unsure_logits(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    n = int(rng.integers(3, 9))
    width = rng.choice([2, 900])
    return torch.tensor(rng.normal(size=n)), torch.tensor(rng.normal(0, width, n))


@partial(Function, points=random_cases(_sure_and_unsure_logits), gradient=NO_GRADIENT)
def check_generator_loss(real: torch.Tensor, fake: torch.Tensor) -> Any:
    """-log D(G(z)) as a function of D's logits of real and generated samples, in PyTorch."""
    yield softplus(-fake).mean(), "-log sigmoid(f) = softplus(-f), and its mean."
    yield -softplus(-fake).mean(), "that is log D: G would make D reject its samples."
    yield -softplus(fake).mean(), "that is log(1 - D), the saturating loss."
    yield softplus(fake).mean(), "that is -log(1 - D), D's loss on generated samples."
    yield -fake.sigmoid().log().mean(), SURE
    yield softplus(-fake).sum(), "that grows with the number of samples: take the mean."
    yield softplus(-real).mean(), "G's samples are the second argument."


def _two_losses(n_g: int) -> tuple[Any, ...]:
    """The losses of G and of D as functions of all numbers, a place, and how many are G's."""
    rng, n = torch.Generator().manual_seed(n_g), 4 + n_g % 3
    of_g, of_d = torch.randn(2, n, n, generator=rng).double()
    place = torch.randn(n, generator=rng).double()
    return lambda w: torch.cos(of_g @ w).sum(), lambda w: torch.cos(of_d @ w).sum(), place, n_g


@partial(Function, points=[_two_losses(n_g) for n_g in (1, 2, 3)])
def check_game_jacobian(
    loss_g: Callable[[Any], Any], loss_d: Callable[[Any], Any], w: torch.Tensor, n_g: int
) -> Values:
    """The Jacobian of where the players go, each down its own loss; G's numbers come first."""
    of_g = np.arange(len(w))[:, None] < n_g
    G, D = (-np.asarray(torch.autograd.functional.hessian(f, w)) for f in (loss_g, loss_d))
    J = np.where(of_g, G, D)
    yield J, "G's rows come from G's loss, D's from D's, and each player goes down its own."
    yield -J, "the sign: a player goes down its loss, against the gradient."
    yield np.where(of_g, J, -J), "D goes down too: it is loss_d that it wants small, not V large."
    yield np.where(of_g, -J, J), "the sign of G's rows: G goes down its loss."
    yield np.where(of_g, -D, D), "that takes loss_g = -loss_d; here G has a loss of its own."
    yield np.where(of_g, G, -G), "that takes loss_d = -loss_g; here D has a loss of its own."
    yield G, "all rows are of loss_g; D's rows come from loss_d."
    yield J.T, "transposed: a row is one velocity, a column the number that it is derived by."
    yield 0 * J, "the velocity is cut from w: torch.func.grad, or autograd.grad with create_graph."
    apart = "where a player goes depends on the other one as well: no zeros off the blocks."
    yield J * (of_g == of_g.T), apart
    of_first = np.arange(len(w))[:, None] < len(w) - n_g
    yield np.where(of_first, G, D), "n_g is how many numbers are G's, not D's."


# -- 03: the strong generator ----------------------------------------------------------------------


@partial(Number, atol=1e-3)
def check_sampling_noise(w: float, n: float) -> Values:
    """Standard deviation of dV/da at the equilibrium from n latents and n new points of N(5, 1)."""
    of_g, of_data = w**2 / 12, 1.0  # variances of a sample
    scatter = math.sqrt((of_g + of_data) / n) / 2
    yield scatter, "two independent means, whose variances add, and half of their difference."
    yield 2 * scatter, "that is the scatter of the difference; the gradient is half of it."
    yield scatter**2, "that is a variance; take its root."
    yield math.sqrt(of_g / n) / 2, "that is the chapter's: here the real points scatter, too."
    yield math.sqrt(of_data / n) / 2, "that is of the real points alone; G's scatter as well."
    both = (math.sqrt(of_g / n) + math.sqrt(of_data / n)) / 2
    yield both, "of independent means the variances add, not the standard deviations."
    less = math.sqrt(abs(of_g - of_data) / n) / 2
    yield less, "a difference scatters by both of its parts: the variances add."
    yield scatter * math.sqrt(n), "that is for one sample of each; a mean of n scatters less."


def _walk_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, a few batches of latents, eta."""
    batches, n = rng.integers(2, 6, 2)
    return *rng.normal(size=4), tuple(rng.uniform(size=(batches, n, 1))), rng.uniform()


@partial(Function, points=random_cases(_walk_case))
def check_generator_steps(
    w: float, b: float, a: float, c: float, latents: Sequence[np.ndarray], eta: float
) -> Any:
    """(w, b) after a step of G, down on log(1 - D(G(z))), for each batch of latents."""

    def walk(
        factor: Callable[[Any], Any],
        slope: float = a,
        power: int = 1,
        seen: Any = None,
        in_turn: bool = False,
    ) -> np.ndarray:
        at = np.array([w, b])
        for z in latents:
            now = at if seen is None else seen
            by = factor(1 / (1 + np.exp(-a * (now[0] * z + now[1]) - c)))
            step = eta * slope * np.array([(by * z**power).mean(), by.mean()])
            if in_turn:
                asked = 1 / (1 + np.exp(-a * (z * (at + step)[0] + at[1]) - c))
                step[1] = eta * a * asked.mean()
            at = at + step
        return at

    yield walk(lambda d: d), "each step is eta a D(G(z)) dG, with D's answer to the moved G(z)."
    yield walk(lambda d: -d), "the sign: G goes down, and d log(1 - sigmoid(f)) / df = -D."
    yield walk(lambda d: d, slope=1.0), "the factor df / dx = a is missing."
    yield walk(lambda d: d, power=0), "dG / dw = z: w and b do not move alike."
    yield walk(lambda d: d, seen=(w, b)), "D stands still, G(z) does not: ask D anew in each step."
    apart = "the mean of D(G(z)) z is not the mean of D times the mean of z."
    yield walk(lambda d: d.mean(keepdims=True)), apart
    yield walk(lambda d: d, in_turn=True), "w and b move at once: b has asked with the new w."
    yield walk(lambda d: 1 - d), "1 - D is the factor of the non-saturating loss."


def trained(game: Game, rule: Callable[..., Any], last: Any) -> np.ndarray:
    """A game's parameters after three steps of rule(game, draw, optims, last), a learner's."""

    def yours(game: Any, draw: Any, optims: Any) -> Any:
        return rule(game, draw, optims, last)

    for _ in train(game, yours, steps=3, lr=0.1, batch_size=4):
        pass
    return flatten(game).numpy()


def _ends(rule: Callable[..., Any]) -> Callable[[int], list[float]]:
    """Where a rule leads a small GAN by that many steps of G in a round; in how many D pays more.

    Its first three rounds are such that D's loss is the larger one in each.
    """

    def ends(n: int) -> list[float]:
        d_pays_more = []

        def told(*given: Any) -> Any:
            losses = rule(*given)
            if isinstance(losses, dict) and len(losses) == 2:  # else train says what is wrong
                d_pays_more.append(bool(losses["d_loss"] > losses["g_loss"]))
            return losses

        game = zoo.line_gan(fresh_data=True).to(torch.float64)
        return [*trained(game, told, n), sum(d_pays_more)]

    return ends


@partial(Function, points=[(2,), (3,), (5,)], run=_ends)
def check_rule_ahead(g_steps: int) -> Values:
    """A rule (game, draw, optims, g_steps): one step of D, then so many of G."""
    n = g_steps

    def moved(*moves: tuple[str, str, int], climb: bool = False, once: bool = False) -> list[float]:
        def rule(game: Any, draw: Any, optims: Any, g_steps: int) -> Any:
            losses, grads = {}, {}
            for player, whose, i in moves:
                if player not in grads or not once:
                    loss = getattr(game, f"loss_{player}")(draw(whose, i))
                    down = -loss if climb and player == "g" else loss
                    grads[player] = gradient(down, getattr(game, f"{player}_params"))
                    losses[f"{player}_loss"] = loss
                getattr(optims, f"step_{player}")(grads[player])
            return losses

        return _ends(rule)(n)

    d, g = ([(player, player, i) for i in range(n)] for player in "dg")
    *path, more = right = moved(d[0], *g)
    yield right, "D moves once, then G, each time with new latents."
    yield [*path, 3 - more], "the steps are right; the names of the two losses are exchanged."
    yield moved(d[0], *g[:1] * n), "the same latents each time: G's i-th batch is draw('g', i)."
    yield moved(d[0], *[("g", "d", 0)] * n), "G has taken D's batch: its own are draw('g', i)."
    late = [("g", "g", i) for i in range(1, n + 1)]
    yield moved(d[0], *late), "G's batches are counted from 0: its first is draw('g', 0)."
    yield moved(d[0], *g, once=True), "G's gradient is taken once: take it anew where G has moved."
    yield moved(*g, d[0]), "D comes first; G has gone by what the old D says."
    yield moved(d[0], g[0]), "G has moved once: it moves g_steps times."
    fixed = "G has moved 50 times: g_steps may be another number."
    yield moved(d[0], *[("g", "g", i) for i in range(50)]), fixed
    yield moved(*d, g[0]), "D has run ahead, as in chapter 02; G shall."
    yield moved(*(move for both in zip(d, g, strict=True) for move in both)), "D shall move once."
    yield moved(d[0], *g, climb=True), "G has climbed: optims.step_g goes down by itself."


def _blurred_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """Places, real points, generated points, the noise's standard deviation."""
    n, more = rng.integers(2, 6, 2).tolist()
    x, real, fake = rng.uniform(-1, 6, n + 1), rng.normal(4, 1, n), rng.normal(1, 1, n + more)
    return x, real, fake, rng.uniform(0.6, 1.5)


@partial(Function, points=random_cases(_blurred_case))
def check_best_of_points(x: np.ndarray, real: np.ndarray, fake: np.ndarray, noise: float) -> Values:
    """D* at the places x against real and generated points, both blurred by normal noise."""

    def density(points: np.ndarray, two_var: float) -> np.ndarray:
        return np.exp(-((x[:, None] - points) ** 2) / two_var).mean(1)

    def best(real: Any = real, fake: Any = fake, two_var: float = 2 * noise**2) -> np.ndarray:
        p, q = density(real, two_var), density(fake, two_var)
        return p / (p + q)

    right = best()
    yield right, "a point's noise is a bump, the bumps' mean a density, and D* = p / (p + q)."
    yield best(fake, real), "exchanged: D* is the share of the real ones."
    yield right / (1 - right), "that is the ratio of the densities; D* = p / (p + q)."
    yield np.log(right / (1 - right)), "that is D*'s logit; the sigmoid of it is D*."
    yield best(two_var=noise**2), "the 2 is missing in -(x - point)^2 / (2 noise^2)."
    yield best(two_var=2 * noise), "the variance is noise^2: square it."
    sums = 1 / (1 + len(fake) / len(real) * (1 / right - 1))
    yield sums, "that is a sum of bumps; there are more generated points: take the mean."
    middles = best(real.mean(keepdims=True), fake.mean(keepdims=True))
    yield middles, "each point has a bump of its own, not only their mean."


@Number
def check_noise_for_slope(gap: float, variance: float, slope: float) -> Values:
    """Standard deviation of the noise that gives D* between two normal densities this slope."""
    whole = gap / slope
    noise = math.sqrt(whole - variance)
    yield noise, "the samples' variance and the noise's add up to gap / slope."
    yield noise**2, "that is a variance; take its root."
    yield math.sqrt(whole), "the samples have a variance of their own, to which the noise adds."
    yield math.sqrt(whole + variance), "the noise adds to the samples' variance: take that away."
    yield (
        math.sqrt(whole**2 - variance),
        "gap / variance, not gap / standard deviation, is the slope.",
    )
    halved = math.sqrt(whole / 2 - variance)
    yield halved, "the two halves of (x - mean)^2 / (2 variance) add up."


@partial(
    Function, points=[(0, 200), (50, 200), (150, 200), (200, 200), (300, 200), (10, 40), (900, 200)]
)
def check_fade(game: float, last: float) -> Values:
    """Half a wave of a cosine from 1 at game 0 to 0 at game ``last``, and 0 from there on."""
    share = min(game / last, 1.0)
    yield (1 + math.cos(math.pi * share)) / 2, "it leaves 1 and reaches 0 with the slope 0."
    again = (1 + math.cos(math.pi * game / last)) / 2
    yield again, "after the last game the noise comes back: keep it at 0 from there on."
    yield (1 - math.cos(math.pi * share)) / 2, "that starts at 0 and grows: turn it round."
    yield math.cos(math.pi * share / 2), "that is a quarter of a wave; it hits 0 at full slope."
    yield 1 - share, "that is the straight line of the chapter."
