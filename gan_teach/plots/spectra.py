"""Eigenvalues of a game in the complex plane and over the time-scale separation tau."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from gan_teach.plots import style
from gan_teach.plots._panel import legend_below

_MARKERS = "osD^vP"


def plane(
    eigs: ArrayLike | Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    unit_disc: bool = False,
    title: str = "",
) -> Axes:
    """Complex eigenvalues, with the region in which an equilibrium is stable shaded.

    For the Jacobian J of v the region is Re < 0 (flow and small steps); with ``unit_disc=True``,
    for the eigenvalues of one update, 1 + lr J and its like, it is the inside of the unit circle.
    ``eigs`` is (n,), or a mapping of names to such arrays, each with its marker. Values that are
    not finite are left out and counted beside the title.
    """
    named: Mapping[str, ArrayLike] = eigs if isinstance(eigs, Mapping) else {"": eigs}
    arrays = {name: np.asarray(e, dtype=complex).ravel() for name, e in named.items()}
    ax = style.axes(ax, (5.6, 5.0))
    everything = np.concatenate(list(arrays.values()))
    finite = everything[np.isfinite(everything)]
    with style.use():
        _stable_region(ax, finite, unit_disc)
        for k, (name, values) in enumerate(arrays.items()):
            ax.plot(
                np.real(values), np.imag(values), _MARKERS[k % 6], color=style.LINES[k % 6],
                markersize=8, markeredgecolor="white", markeredgewidth=0.8, zorder=3, label=name,
            )  # fmt: skip
        ax.set(xlabel="real part", ylabel="imaginary part")
        ax.set_title(title or "Eigenvalues", loc="left")
        if len(finite) < len(everything):
            text = f"{len(everything) - len(finite)} of {len(everything)} not finite"
            ax.set_title(text, loc="right", fontsize=10, color=style.GENERATOR)
        legend_below(ax, cols=2)
    return ax


def _stable_region(ax: Axes, finite: NDArray[Any], unit_disc: bool) -> None:
    """Square limits around all eigenvalues, the axes through 0, and the shaded stable region."""
    corners = [0j, *finite] + ([1 + 1j, -1 - 1j] if unit_disc else [])
    low = complex(np.min(np.real(corners)), np.min(np.imag(corners)))
    high = complex(np.max(np.real(corners)), np.max(np.imag(corners)))
    half = 0.58 * max(high.real - low.real, high.imag - low.imag, 1e-12)
    middle = (low + high) / 2
    ax.set_xlim(middle.real - half, middle.real + half)
    ax.set_ylim(middle.imag - half, middle.imag + half)
    ax.set_aspect("equal")
    ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1.5)
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1.5)
    look: dict[str, Any] = {"facecolor": style.PALETTE[9], "alpha": 0.35, "linewidth": 0}
    look["zorder"] = 0.5
    if unit_disc:
        ax.add_patch(Circle((0, 0), 1.0, label="stable: inside the unit circle", **look))
        rim = {"edgecolor": style.THEORY, "linestyle": (0, (5, 3)), "fill": False, "zorder": 1.6}
        ax.add_patch(Circle((0, 0), 1.0, linewidth=1.3, **rim))
    else:
        left = min(middle.real - half, 0.0)
        ax.axvspan(left - 10 * half, 0.0, label="stable: real part < 0", **look)
        ax.set_xlim(middle.real - half, middle.real + half)


def track(eigs: ArrayLike) -> NDArray[np.complex128]:
    """Reorder each row of (T, n) so that every column follows one eigenvalue continuously.

    Each row is matched to the straight continuation of the two rows before it by the assignment
    of least total distance (Hungarian method, Kuhn 1955), so that branches pass through a
    crossing instead of exchanging names. Rows with a value that is not finite are left as they are.
    """
    from scipy.optimize import linear_sum_assignment

    values = np.array(eigs, dtype=complex)
    if values.ndim != 2:
        raise ValueError(f"eigs must have shape (T, n), one row per tau, got {values.shape}.")
    done: list[int] = []
    for t in np.flatnonzero(np.isfinite(values).all(axis=1)):
        if done:
            expected = values[done[-1]]
            if len(done) > 1:
                expected = 2 * expected - values[done[-2]]
            cost = np.abs(expected[:, None] - values[t][None, :])
            values[t] = values[t][linear_sum_assignment(cost)[1]]
        done.append(int(t))
    return values


def eigenvalue_sweep(
    taus: ArrayLike, eigs: ArrayLike, tau_star: float | None = None, *, title: str = ""
) -> Figure:
    """Real and imaginary parts of the eigenvalues over tau = lr_D / lr_G, branches tracked.

    ``taus`` is (T,) and ``eigs`` (T, n) complex, not necessarily in order. The side on which a real
    part is negative is shaded, and a finite ``tau_star`` marked: for every larger tau the
    equilibrium is stable (Fiez & Ratliff 2021, "Local convergence analysis of gradient descent
    ascent with finite timescale separation"). Branches have dashes of their own; a conjugate pair,
    whose real parts coincide, shows as one dash over the other.
    """
    taus, branches = np.asarray(taus, dtype=float), track(eigs)
    if taus.shape != branches.shape[:1]:
        raise ValueError(f"taus has shape {taus.shape}, but eigs has {len(branches)} rows.")
    figure, axes = style.mosaic([["real", "imaginary"]], (10.5, 4.2))
    with style.use():
        _branches(axes["real"], taus, branches.real)
        _branches(axes["imaginary"], taus, branches.imag)
        axes["real"].set(ylabel="real part")
        axes["imaginary"].set(ylabel="imaginary part")
        low, high = axes["real"].get_ylim()
        axes["real"].axhspan(min(low, 0) * 2, 0, color=style.PALETTE[9], alpha=0.3, zorder=0.5)
        axes["real"].set_ylim(low, high)
        axes["real"].set_title(title or "Stable where every real part is negative", loc="left")
        axes["imaginary"].set_title("Rotation", loc="left")
        for ax in axes.values():
            ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1.5)
            ax.set(xlabel="τ = learning rate of D / of G", xlim=(taus.min(), taus.max()))
            if tau_star is not None and np.isfinite(tau_star):
                look = {"color": style.THEORY, "linestyle": (0, (5, 3)), "linewidth": 1.3}
                ax.axvline(tau_star, label=f"τ* = {tau_star:.3g}", **look)
        handles = axes["real"].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=min(len(handles[0]), 8))
    return figure


def _branches(ax: Axes, taus: NDArray[Any], values: NDArray[Any]) -> None:
    n = values.shape[1]
    for k in range(n):
        width = 3.4 - 2.0 * k / max(
            n - 1, 1
        )  # later branches are narrower: both of a pair are seen
        ax.plot(
            taus, values[:, k], color=style.LINES[k % 6], linestyle=style.DASHES[k % 5],
            linewidth=width, label=f"branch {k + 1}",
        )  # fmt: skip
