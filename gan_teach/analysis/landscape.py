"""The loss landscape that a generator sees when its discriminator is optimal.

n real points x_1..x_n, n fakes y_1..y_n, and a discriminator that may take any value at any point.
Only one thing about the fakes then matters: which real point each of them sits on. So a state is an
*assignment*, an integer array: entry i is the index of the real point under fake i, or OFF (-1) for
a fake that sits on no real point. The generator maximizes the discriminator's minimal loss

    js            L(Y) = min_f (1/n) sum_i s(-f(x_i)) + (1/n) sum_i s(f(y_i))     perfect: 2 log 2
    relativistic  L(Y) = min_f (1/n) sum_i s(f(y_i) - f(x_i))                     perfect: log 2

with s(t) = log(1 + e^t). js can be trapped: fakes that share a point stay there. The relativistic
pairing cannot. Source: Sun, Fang and Schwing, "Towards a Better Global Loss Landscape of GANs",
NeurIPS 2020, theorems 1 and 2.

That paper halves the js loss (perfect: log 2) so that both have one scale; ``convention="half"``
gives its numbers and ``"full"`` (the default) those of ``gan_teach.games.losses``. The relativistic
loss is a single term: both conventions leave it as it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks

OFF = -1
LANDSCAPES = ("js", "relativistic")
_SCALE = {"full": 1.0, "half": 0.5}
_TOL = 1e-12  # losses of different states differ by far more, equal ones by rounding only
_LARGEST = 6  # 7 ** 6 = 117,649 states; one more point would make two million


def _scale(loss: str, convention: str) -> float:
    _checks.choice("loss", loss, LANDSCAPES)
    return _SCALE[_checks.choice("convention", convention, _SCALE)]


def assignment_loss(
    assignment: ArrayLike, loss: str = "js", convention: str = "full"
) -> NDArray[np.float64]:
    """Minimal discriminator loss L(Y) of each assignment; shape (..., n) gives shape (...).

    js, with m_k fakes on real point k (theorem 1 of the paper, before halving):
        L = (1/n) sum_k [log(1 + m_k) + m_k log(1 + 1/m_k)]
    relativistic: draw an edge from point i to the point under fake i, the partner of x_i. Around a
    cycle the differences f(y) - f(x) add up to zero, so by convexity each costs log 2; any other
    edge costs nothing, since f may fall along it without bound. Hence
        L = (log 2 / n) * (number of edges on cycles).

    Raises ValueError for entries outside -1..n-1 and for unknown names.
    """
    scale = _scale(loss, convention)
    sits_on = _assignments(assignment)
    n = sits_on.shape[-1]
    if loss == "relativistic":
        return np.log(2) * _on_cycle(sits_on).sum(-1) / n
    fakes = (sits_on[..., None] == np.arange(n)).sum(-2)  # m_k
    shared = fakes * np.log1p(1 / np.maximum(fakes, 1))
    return scale * (np.log1p(fakes) + shared).sum(-1) / n


def mass_loss(
    real: ArrayLike, fake: ArrayLike, loss: str = "js", convention: str = "full"
) -> float:
    """Minimal discriminator loss for probability masses ``real`` and ``fake`` (K,) on K clusters.

    The population version, with independent pairs: min_f sum_k p_k s(-f_k) + q_k s(f_k), which is
    2 log 2 - 2 JS(p, q), or min_f sum_kl p_k q_l s(f_l - f_k). ``real`` sums to one; ``fake`` may
    sum to less, the rest lying on no cluster and costing the discriminator nothing.

    Raises ValueError for masses that are negative, of two lengths, or of a wrong sum.
    """
    scale = _scale(loss, convention)
    p, q = _masses(real, fake)
    both = (p > 0) & (q > 0)  # elsewhere f runs off to infinity and the term vanishes
    p, q = p[both], q[both]
    if loss == "relativistic":
        return _pairing_minimum(p[:, None] * q) if len(p) else 0.0
    return float(scale * (p * np.log1p(q / p) + q * np.log1p(p / q)).sum())


def plateau(covered: int, clusters: int, loss: str = "js", convention: str = "full") -> float:
    """D's loss while the fakes cover ``covered`` of ``clusters`` equal clusters evenly.

    js: (k/K) log(1 + K/k) + log(1 + k/K), halved on request; relativistic: (k/K) log 2. This is the
    horizontal line to draw beside a training curve: a bad basin (js) or a flat stretch
    (relativistic) shows as a loss that rests on it. covered = 0 gives 0, a perfect discriminator.
    Raises ValueError for more covered clusters than there are.
    """
    clusters = _checks.whole("clusters", clusters, least=1)
    covered = _checks.whole("covered", covered)
    if covered > clusters:
        raise ValueError(f"covered must be at most clusters = {clusters}, got {covered}.")
    fake = np.where(np.arange(clusters) < covered, 1 / max(covered, 1), 0.0)
    return mass_loss(np.full(clusters, 1 / clusters), fake, loss, convention)


def is_strict_optimum(assignment: ArrayLike, loss: str = "js") -> NDArray[np.bool_]:
    """Whether every small displacement of any one fake strictly lowers the generator's objective L.

    A small displacement takes a fake off its real point, so the test compares L with the n states
    in which one fake is moved to OFF; a fake that is OFF already can move without any effect, which
    rules strictness out. Moving more fakes off the data never raises L again (both losses grow with
    the set of fakes on data), so the state is then a strict local maximum of L. Shape (..., n)
    gives shape (...). A strict optimum that is not a permutation is a *bad basin*.
    """
    sits_on = _assignments(assignment)
    here = assignment_loss(sits_on, loss)
    strict = (sits_on != OFF).all(-1)
    for fake in range(sits_on.shape[-1]):
        moved = sits_on.copy()
        moved[..., fake] = OFF
        strict &= assignment_loss(moved, loss) < here - _TOL
    return strict


@dataclass(frozen=True)
class Landscape:
    """Every state of n fakes and n real points; arrays over the (n + 1)^n states.

    assignments (S, n); loss (S,), D's minimal loss, which the generator maximizes; perfect (S,),
    whether the fakes are a permutation of the real points; strict (S,), see ``is_strict_optimum``.
    """

    assignments: NDArray[np.int64]
    loss: NDArray[np.float64]
    perfect: NDArray[np.bool_]
    strict: NDArray[np.bool_]

    @property
    def bad_basins(self) -> NDArray[np.int64]:
        """(B, n) strict local optima that are not perfect: n^n - n! of them for js, else none."""
        return self.assignments[self.strict & ~self.perfect]


def landscape(n: int, loss: str = "js", convention: str = "full") -> Landscape:
    """All (n + 1)^n states of n points with their losses and basins.

    Raises ValueError for more than six points.
    """
    n = _checks.whole("n", n, least=1)
    if n > _LARGEST:
        raise ValueError(f"n must be at most {_LARGEST}, got {n}: there are (n + 1)^n states.")
    states = np.indices((n + 1,) * n).reshape(n, -1).T - 1  # index 0 along each axis is OFF
    value = assignment_loss(states, loss, convention)
    perfect = (np.sort(states, axis=1) == np.arange(n)).all(1)
    return Landscape(states, value, perfect, is_strict_optimum(states, loss))


def _on_cycle(sits_on: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(..., n) whether edge i lies on a cycle of i -> sits_on[i]: n steps lead exactly there."""
    n = sits_on.shape[-1]
    step = np.where(sits_on == OFF, n, sits_on)
    step = np.concatenate([step, np.full((*step.shape[:-1], 1), n)], -1)  # OFF leads to OFF
    at = step
    for _ in range(n):
        at = np.take_along_axis(step, at, -1)
    return (at[..., None] == np.arange(n)).any(-2)


def _pairing_minimum(weight: NDArray[np.float64]) -> float:
    """min_f sum_kl weight_kl s(f_l - f_k) for positive weights (K, K), by BFGS."""
    from scipy.optimize import minimize

    def value(f: NDArray[np.float64]) -> float:
        return float((weight * np.logaddexp(0, f - f[:, None])).sum())

    return float(minimize(value, np.zeros(len(weight)), options={"gtol": 1e-9}).fun)


def _assignments(assignment: ArrayLike) -> NDArray[np.int64]:
    states = np.asarray(assignment)
    if states.ndim == 0 or states.shape[-1] == 0 or states.dtype.kind not in "iu":
        raise ValueError(
            "assignment must hold whole numbers, the real point under each fake, or -1 for a fake "
            f"on no real point; got {assignment!r}."
        )
    n = states.shape[-1]
    if states.min(initial=0) < OFF or states.max(initial=0) >= n:
        raise ValueError(
            f"assignment must lie in -1..{n - 1} for {n} fakes, got {states.min()}.."
            f"{states.max()}. Real points count from 0."
        )
    return states.astype(np.int64)


def _masses(real: ArrayLike, fake: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, q = np.asarray(real, float), np.asarray(fake, float)
    if p.ndim != 1 or p.shape != q.shape or not p.size:
        raise ValueError(f"real and fake must share one shape (K,), got {p.shape} and {q.shape}.")
    for name, mass in (("real", p), ("fake", q)):
        if not ((mass >= 0).all() and mass.sum() <= 1 + 1e-9):
            raise ValueError(f"{name} must be masses >= 0 of sum at most 1, got {mass.tolist()}.")
    if abs(p.sum() - 1) > 1e-9:
        raise ValueError(f"real must sum to 1, got {p.sum():g}: all real data lie on the clusters.")
    return p, q
