"""One step of a rule as a matrix: what an update does near a fixed point, for any game.

Close to a point with F(w*) = 0 the field is F(w) = A (w - w*) with A = -J, and each rule (with SGD)
is a linear map M of the deviation w - w*, together with what the rule remembers. The point attracts
iff all eigenvalues of M lie inside the unit circle; the leading one, s, gives the factor |s| per
step and a turn in 2 pi / |arg s| steps. So a step size is judged before anything runs.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.analysis.spectra import GameJacobian
from gan_teach.dynamics import rules
from gan_teach.dynamics.base import UpdateRule, name_of

Matrix = NDArray[Any]


class LinearField(NamedTuple):
    """F(w) = A w, learning rates as a diagonal matrix T, projections onto the two players."""

    A: Matrix
    T: Matrix
    on_g: Matrix
    on_d: Matrix

    @property
    def eye(self) -> Matrix:
        return np.eye(len(self.A))

    @property
    def descent(self) -> Matrix:
        return self.eye - self.T @ self.A


def step_matrix(rule: UpdateRule, J: GameJacobian, lr: float, tau: float = 1.0) -> Matrix:
    """The matrix of one step of ``rule`` (of k steps for lookahead) at a fixed point, with SGD.

    J is ``gt.jacobian`` there. It acts on w - w*, (n,), or on (w - w*, memory), (2 n,), for rules
    that remember. Symplectic adjustment counts with its sign +, which alignment gives near a fixed
    point. Raises TypeError for rules of other kinds, ValueError for a J that is not one matrix.
    """
    if J.matrix.ndim != 2:
        raise ValueError(f"J must be one matrix (n, n), got shape {J.matrix.shape}.")
    own = np.arange(len(J.matrix)) < J.n_g
    rates = _checks.real("lr", lr, above=0.0) * np.where(own, 1.0, _checks.real("tau", tau))
    field = LinearField(-J.matrix, np.diag(rates), np.diag(1.0 * own), np.diag(1.0 * ~own))
    return _matrix(rule, field)


def step_spectrum(
    rule: UpdateRule, J: GameJacobian, lr: float, tau: float = 1.0
) -> NDArray[np.complex128]:
    """Eigenvalues of ``step_matrix`` per step, as many as it has rows, the largest first.

    Those of lookahead are principal k-th roots: their magnitude is exact, while the angle of a
    turn by more than pi in k steps is not recovered.
    """
    values = np.linalg.eigvals(step_matrix(rule, J, lr, tau)).astype(np.complex128)
    if isinstance(rule, rules.Lookahead):
        values = values ** (1 / rule.k)
    return values[np.lexsort((-values.imag, -np.abs(values).round(12)))]


def rotation_period(eigenvalue: complex) -> float:
    """Steps per turn of a step's eigenvalue, 2 pi / |arg s|; inf for a positive real one."""
    angle = abs(np.angle(eigenvalue))
    return 2 * math.pi / float(angle) if angle else math.inf


def _matrix(rule: Any, f: LinearField) -> Matrix:
    match rule:
        case rules.Simultaneous():
            return f.descent
        case rules.Alternating():
            return _alternating(rule, f)
        case rules.NegativeMomentum():
            return _negative_momentum(rule, f)
        case rules.WeightClipping():
            return _matrix(rule.inner, f)  # within the bounds nothing is clipped
        case rules.Extragradient():
            return f.eye - f.T @ f.A @ f.descent
        case rules.PastExtragradient():
            p = np.hstack([f.A, -f.A @ f.T])  # the gradient at w - T p, on (w, p)
            return np.vstack([np.hstack([f.eye, 0 * f.eye]) - f.T @ p, p])
        case rules.Optimistic():
            u = -f.T @ f.A  # on (w, u)
            return np.block([[f.eye + 2 * u, -f.eye], [u, 0 * f.eye]])
        case rules.Lookahead():
            return _lookahead(rule, f)
        case rules.Consensus():
            return f.eye - f.T @ (f.A + rule.gamma * f.A.T @ f.A)
        case rules.SymplecticAdjustment():
            return f.eye - f.T @ (f.A + rule.lam * 0.5 * (f.A - f.A.T).T @ f.A)
        case rules.Heun():
            return f.eye - 0.5 * f.T @ (f.A + f.A @ f.descent)
    raise TypeError(f"no linear form is known for {name_of(rule)}.")


def _alternating(rule: rules.Alternating, f: LinearField) -> Matrix:
    if not isinstance(rule.d_steps, int) or not isinstance(rule.g_steps, int) or rule.d_every > 1:
        raise ValueError(f"one matrix needs whole d_steps and g_steps and d_every=1, got {rule!r}.")
    d = np.linalg.matrix_power(f.eye - f.on_d @ f.T @ f.A, rule.d_steps)
    g = np.linalg.matrix_power(f.eye - f.on_g @ f.T @ f.A, rule.g_steps)
    return g @ d if rule.first == "d" else d @ g


def _negative_momentum(rule: rules.NegativeMomentum, f: LinearField) -> Matrix:
    zero, total = 0 * f.eye, np.eye(2 * len(f.A))
    for on in (f.on_d, f.on_g):  # on (w, u)
        push = np.block([[f.eye, zero], [on @ f.A, f.eye - (1 - rule.beta) * on]])
        move = np.block([[f.eye, -on @ f.T], [zero, f.eye]])
        total = move @ push @ total
    return total


def _lookahead(rule: rules.Lookahead, f: LinearField) -> Matrix:
    inner = np.linalg.matrix_power(_matrix(rule.inner, f), rule.k)
    n = len(f.A)
    back = np.eye(len(inner))
    back[:n, :n] = 0.0  # the slow weights replace w; what inner remembers is left alone
    slow = (1 - rule.alpha) * (np.eye(len(inner)) - back)
    return slow + (rule.alpha * (np.eye(len(inner)) - back) + back) @ inner
