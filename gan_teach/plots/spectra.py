"""Eigenvalues of a game in the complex plane and over the time-scale separation tau."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style


@style.use()
def plane(
    eigs: ArrayLike | Mapping[str, ArrayLike],
    *,
    unit_disc: bool = False,
    title: str = "Eigenvalues",
) -> Axes:
    """Complex eigenvalues, with the region in which an equilibrium is stable shaded.

    For the Jacobian J of v the region is Re < 0 (flow and small steps); with ``unit_disc=True``,
    for the eigenvalues of one update, 1 + lr J and its like, it is the inside of the unit circle.
    ``eigs`` is (n,), or a mapping of names to such arrays, each with its marker. Values that are
    not finite are left out and counted beside the title.
    """
    named: Mapping[str, ArrayLike] = eigs if isinstance(eigs, Mapping) else {"": eigs}
    arrays: dict[str, Any] = {k: np.asarray(e, dtype=complex).ravel() for k, e in named.items()}
    values = np.concatenate(list(arrays.values()))
    ax = style.axes(None, (5.6, 5.0))
    _stable_region(ax, values, unit_disc, title)
    for k, (name, e) in enumerate(arrays.items()):
        ax.plot(e.real, e.imag, **style.marks(k, markersize=8, label=name, zorder=3))
    lost = np.count_nonzero(~np.isfinite(values))
    if lost:
        _panel.warn(ax, f"{lost} of {len(values)} not finite")
    _panel.legend_below(ax, cols=2)
    return ax


def plane_panel(
    *, view: tuple[float, float, float, float], unit_disc: bool = False, title: str = "Eigenvalues"
) -> _panel.Panel:
    """A panel: the eigenvalues ``history["eigenvalues"][i]`` (n,), over those of all records.

    The stable region is shaded as in ``plane``; ``view`` = (left, right, bottom, top) is shown.
    """

    def panel(ax: Axes, history: History) -> _panel.Draw:
        values: Any = history["eigenvalues"]
        _stable_region(ax, values.ravel(), unit_disc, title)
        ax.set(xlim=view[:2], ylim=view[2:])
        ax.plot(values.real, values.imag, ".", color=style.PALETTE[3], markersize=4)
        (dots,) = ax.plot([], [], "o", color=style.LINES[2], markersize=9, markeredgecolor="white")

        def draw(i: int) -> None:
            here = values[i]
            dots.set_data(here.real, here.imag)

        return draw

    return panel


def _stable_region(ax: Axes, values: NDArray[Any], unit_disc: bool, title: str) -> None:
    """Square limits around all eigenvalues, the axes through 0, and the shaded stable region."""
    ends = [0j, 1 + 1j, -1 - 1j] if unit_disc else [0j]
    corners: Any = np.append(ends, values[np.isfinite(values)])
    points = np.stack([corners.real, corners.imag])
    low, high = points.min(1), points.max(1)
    middle, half = (low + high) / 2, 0.58 * max(*(high - low), 1e-12)
    look = style.band(style.PALETTE[9], 0.35)
    if unit_disc:
        look |= {"label": "stable: inside the unit circle"}
        ax.add_patch(Circle((0, 0), 1.0, zorder=0.5, **look))
        ax.add_patch(Circle((0, 0), 1.0, fill=False, zorder=1.6, **style.PREDICTED))
    else:
        left = min(middle[0], 0) - 10 * half
        ax.axvspan(left, 0, label="stable: real part < 0", zorder=0.5, **look)
    ax.axhline(0, **style.ZERO)
    ax.axvline(0, **style.ZERO)
    (left, bottom), (right, top) = middle - half, middle + half
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.set(xlabel="real part", ylabel="imaginary part")
    ax.set_title(title, loc="left")


@style.use()
def eigenvalue_sweep(
    taus: ArrayLike, eigs: ArrayLike, tau_star: float | None = None, *, title: str = ""
) -> Figure:
    """Real and imaginary parts of the eigenvalues over tau = lr_D / lr_G.

    ``taus`` is (T,), and ``eigs`` (T, n) complex with a branch in each column, as
    ``stability_sweep`` gives them. The side on which a real part is negative is shaded, and a
    finite ``tau_star`` marked: for every larger tau the equilibrium is stable (Fiez & Ratliff 2021,
    "Local convergence analysis of gradient descent ascent with finite timescale separation").
    Branches have dashes of their own; a conjugate pair, whose real parts coincide, shows as one
    dash over the other. Raises ValueError where ``eigs`` has another number of rows than ``taus``.
    """
    taus, branches = np.asarray(taus, dtype=float), np.asarray(eigs)
    if branches.ndim != 2 or taus.shape != branches.shape[:1]:
        raise ValueError(f"taus has shape {taus.shape}, but eigs has shape {branches.shape}.")
    figure, axes = style.mosaic([["real part", "imaginary part"]], (10.5, 4.2))
    real, imaginary = axes.values()
    real.set_title(title or "Stable where every real part is negative", loc="left")
    imaginary.set_title("Rotation", loc="left")
    for (name, ax), values in zip(
        axes.items(), (np.real(branches), np.imag(branches)), strict=True
    ):
        for k, branch in enumerate(values.T):
            # later branches are narrower: both of a pair are seen
            width = 3.4 - 2.0 * k / max(values.shape[1] - 1, 1)
            ax.plot(taus, branch, linewidth=width, label=f"branch {k + 1}", **style.look(k))
        ax.axhline(0, **style.ZERO)
        if tau_star is not None and np.isfinite(tau_star):
            ax.axvline(tau_star, label=f"τ* = {tau_star:.3g}", **style.PREDICTED)
        ax.set(xlabel="τ = learning rate of D / of G", ylabel=name, xlim=(taus.min(), taus.max()))
    low, high = real.get_ylim()
    real.axhspan(min(low, 0) * 2, 0, **style.band(style.PALETTE[9], 0.3, zorder=0.5))
    real.set_ylim(low, high)
    handles, labels = real.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(handles), 8))
    return figure
