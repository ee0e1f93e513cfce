# %% [markdown]
# # Match a covariance, and meet equilibria that touch each other
#
# *In one dimension $\tau$ sets the speed; in more, the theorem is silent, and runs arrive all the
# same.*
#
# **You will do:** run the published covariance game in 1, 2, 5, 10 and 20 dimensions, predict all
# its eigenvalues, and count the ones that are zero. **You will learn:** why $\tau^* = \infty$ is
# not always bad news, what a zero mode is, and how to ask the question that has an answer. **You
# need:** chapter 06 ($\tau^*$ and the Schur complement); rotations; eigenvalues of a symmetric
# matrix.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach import zoo
from torch.autograd.functional import hessian

# %% [markdown]
# ## The rule
#
# Real samples have the covariance $\Sigma$; the generator $G(z) = Xz$ with
# $z \sim \mathcal N(0, I)$ makes samples of covariance $XX^\top$; the discriminator is the
# quadratic form $x^\top Y x$ with a penalty:
#
# $$\min_X \max_Y \; \operatorname{tr}\bigl(Y^\top(\Sigma - XX^\top)\bigr)
#   - \tfrac{\gamma}{2}\,\lVert Y\rVert^2.$$
#
# (The paper and `zoo.covariance` write $\mu$ for $\gamma$.) Equilibrium: $Y = 0$ and
# $XX^\top = \Sigma$. The published runs take 5000 simultaneous steps at $\eta = 0.001$ with
# $\tau = 1, 5, 10, 25$.
#
# ## One dimension
#
# $-J = \begin{pmatrix} 0 & -2\sqrt\Sigma \\ 2\sqrt\Sigma & \gamma \end{pmatrix}$ at
# $(\sqrt\Sigma, 0)$. **Predict:** what is $\tau^*$? And from which $\tau$ on does the pair not
# oscillate? *The discriminant of $\lambda^2 + \tau\gamma\lambda + 4\tau\Sigma$.*

# %%
Sigma = zoo.covariance_draws(1).S
point = torch.from_numpy(zoo.covariance_equilibrium(Sigma))


def jacobian(gamma):
    game = zoo.covariance(1, mu_y=gamma).game()
    return gt.jacobian(game, game.draw(), point)


def sweep(gamma):
    taus = np.linspace(0.5, 100, 200)
    eigs = gt.stability_sweep(jacobian(gamma), taus)
    return gt.plots.eigenvalue_sweep(taus, eigs, title=f"γ = {gamma:g}")


# %% tags=["nbval-check-output"]
game = zoo.covariance(1).game()
field = gt.vector_field(game, game.draw(), point)
print(f"largest entry of the field at ({point[0]:.3f}, {point[1]:.0f}): {field.abs().max():.6f}")
root, J = Sigma.item() ** 0.5, jacobian(1.0)
formula = np.array([[0, -2 * root], [2 * root, 1.0]])
print("-J by automatic differentiation:", np.round(-J.matrix, 3).tolist())
print(f"largest difference from the formula: {abs(formula + J.matrix).max():.3f}")

# %%
for gamma in (0.5, 1.0):
    real_from = gt.real_eigenvalue_tau(jacobian(gamma))
    gt.style.show(
        sweep(gamma),
        alt=f"Real and imaginary parts of two eigenvalues over tau, gamma {gamma:g}. The "
        f"real parts fall together until tau = {real_from:.0f}, where the imaginary parts reach 0; "
        "from there on one keeps falling and the other rises towards "
        f"{-4 * Sigma.item() / gamma:.1f}.",
    )

# %% tags=["nbval-check-output"]
for gamma in (0.5, 0.75, 1.0):
    J = jacobian(gamma)
    found, formula = gt.real_eigenvalue_tau(J), zoo.covariance_real_tau(Sigma, gamma)
    print(f"gamma = {gamma:g}: tau* = {gt.tau_star(J):g}, real from {found:.2f},", end=" ")
    print(f"16 Sigma / gamma^2 = {formula:.2f}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Every $\tau$ attracts; the pair stops turning at $16\Sigma/\gamma^2$. The notebook prints no
# $\tau^*$ here; it is 0, since $A = 0$: at the equilibrium $Y = 0$ and $G$ feels no curvature of
# its own.
#
# </details>
#
# ## Runs in one dimension
#
# **Predict** for $\gamma = 1$, where the eigenvalues are real from $\tau = 17.6$ on: which of the
# four published ratios is the nearest to the equilibrium after 5000 steps? Is there a faster one
# than all?

# %%
guess = gt.predict("τ = 1", "τ = 5", "τ = 10", "τ = 25")
guess


# %%
def end_and_miss(points, d):
    """The last X and |Sigma - X X^T| of recorded points (T, n_tau, 2 d^2)."""
    x = points[..., : d * d].reshape(*points.shape[:2], d, d)
    Sigma = zoo.covariance_draws(d).S
    return x[-1], np.linalg.norm(Sigma - x @ x.swapaxes(-1, -2), axis=(-2, -1))


def runs(d, gamma, every=25):
    game = zoo.covariance(d, mu_y=gamma)
    return gt.flows.trajectories(
        game.game(), [*game.x0, *game.y0], game.taus, lr=game.lr, steps=game.steps, every=every
    )


# %%
points = {gamma: runs(1, gamma).points for gamma in (0.5, 0.75, 1.0)}  # (T, 4, 2): X and Y
gaps = {gamma: end_and_miss(w, 1)[1] for gamma, w in points.items()}
ends = {gamma: gap[-1] for gamma, gap in gaps.items()}
apart = {"|Σ - XX'|": gaps, "|Y|": {gamma: abs(w[..., 1]) for gamma, w in points.items()}}

# %%
figure, axes = gt.style.mosaic([[0, 1, 2], [3, 4, 5]], (15, 8.4))
panels = ((name, gamma) for name in apart for gamma in gaps)
for ax, (name, gamma) in zip(axes.values(), panels, strict=True):
    curves = {f"τ = {t}": d for t, d in zip((1, 5, 10, 25), apart[name][gamma].T, strict=True)}
    gt.plots.distance(curves, ax, every=25, title=f"{name} for γ = {gamma:g}")
gt.style.show(
    figure,
    alt="|Σ - XX'| over 5000 steps for gamma 0.5, 0.75 and 1. tau 25 falls fastest, then 10, 5 and "
    "1, in arcs. For gamma 0.75 tau 25 is down to rounding by step 3800. For gamma 1 its lead over "
    "10 is small, and it falls in a straight line, the only one without arcs. Below, |Y| passes "
    "from 0.16 through 0, rises to between 0.6 and 1.6 and then falls as the panel above it does.",
)

# %% tags=["nbval-check-output"]
time = zoo.covariance(1).lr * 25 * np.arange(40, 120)  # steps 1000 to 3000
for name, of in apart.items():
    slopes = [np.polyfit(time, np.log(d[40:120]), 1)[0] for d in of[0.5].T]
    print(f"γ = 0.5: slope of log {name} at tau = 1, 5, 10, 25:", *(f"{s:.1f}" for s in slopes))
theory = [gt.spectrum(jacobian(0.5), tau).real.max() for tau in (1, 5, 10, 25)]
print("largest real part:", *(f"{part:.1f}" for part in theory))
assert all(abs(s - part) < 0.5 for s, part in zip(slopes, theory, strict=True))

# %% tags=["nbval-check-output"]
for gamma, gap in ends.items():
    order = [(1, 5, 10, 25)[k] for k in np.argsort(gap)]
    print(f"gamma = {gamma:g}: from best to worst tau =", order)
guess.answer(f"τ = {order[0]}")
for tau in (10, 17.56, 25, 41, 100, 1e4):
    print(f"gamma = 1, tau = {tau:g}: rate {-gt.spectrum(jacobian(1.0), tau).real.max():.2f}")
print(
    f"4 Sigma / gamma = {4 * Sigma.item():.2f},",
    f"the Schur complement: {gt.classify(jacobian(1.0)).schur:.2f}",
)

# %% [markdown]
# Both players come home at one rate: up to the waves the two slopes are the largest real part.
#
# 25 beats 10, though it lies beyond the optimum: at $16\Sigma/\gamma^2 = 17.6$ the rate is 8.8, and
# every further increase of $\tau$ makes it smaller again, down to the Schur complement
# $4\Sigma/\gamma = 4.4$. From $\tau = 41$ on 10 is the faster one.
#
# The published figure can be read to about a power of ten: for $\gamma = 0.5$ it shows $1$,
# $10^{-2}$, $10^{-5}$ and $10^{-13}$ for $\tau = 1, 5, 10, 25$. Ours:

# %%
print(", ".join(f"{gap:.0e}" for gap in ends[0.5]))

# %% tags=["hide-input"]
read_off = [1.0, 1e-2, 1e-5, 1e-13]
assert gt.holds(np.all(abs(np.log10(ends[0.5] / read_off)) < 1))

# %%
game, paths = zoo.covariance(1), runs(1, 1.0, every=5).points
goals = [[Sigma[0, 0] ** 0.5, 0], [-(Sigma[0, 0] ** 0.5), 0]]

# %%
figure, axes = gt.style.mosaic([[1.0, 25.0]], (13, 5))
for tau, ax in axes.items():
    field = gt.flows.planar_field(game.game(), (-2, 2, 30), tau=tau)
    path = {f"τ = {tau:g}": paths[:, game.taus.index(tau)]}
    gt.plots.vector_field(field, path, ax, equilibrium=goals, names=("X", "Y"))
    ax.set_aspect("equal")
gt.style.show(
    figure,
    alt="Field and published path for tau 1 and 25. At tau 1 the path winds around the equilibrium "
    "at X = 1.05; at 25 it rises steeply, turns onto a curve and slides along it to the "
    "equilibrium. A second equilibrium lies at X = -1.05.",
)

# %% tags=["nbval-check-output"]
for tau in (1, 25):
    X, Y = paths[[0, 20, 40, 100, 200], game.taus.index(tau)].T
    pairs = [f"{y:.2f} / {best:.2f}" for y, best in zip(Y, Sigma.item() - X**2, strict=True)]
    print(f"tau = {tau}, steps 0, 100, 200, 500, 1000: Y / what D wants:", ", ".join(pairs))
X, Y = paths[[200, 400, 600], game.taus.index(tau)].T
lead = 25 / (25 + gt.spectrum(jacobian(1.0), 25).real.max())  # of the slow mode
print(
    f"tau = 25, steps 1000, 2000, 3000: Y is {np.round(Y / (Sigma.item() - X**2), 2)} times", end=""
)
print(f" what D wants, in the linear game {lead:.2f}")

# %% [markdown]
# What $D$ wants is $Y = (\Sigma - X^2)/\gamma$. At $\tau = 1$ it is far from it for 500 steps; at
# 25 it is within a tenth of it after 100 and then lags behind what it wants, which falls: by a
# quarter at step 1000, in the end by 29 %. If it were there at once, the generator would descend
# $(\Sigma - X^2)^2/(2\gamma)$, whose curvature at $\sqrt\Sigma$ is $4\Sigma/\gamma$, the Schur
# complement. There are two equilibria, $\pm\sqrt\Sigma$: in one dimension a "rotation" is a change
# of sign.
#
# ## More dimensions: predict the zeros
#
# If $XX^\top = \Sigma$, then $(XR)(XR)^\top = \Sigma$ for every rotation $R$: equilibria touch each
# other, and an eigenvalue 0, a [zero mode](glossary.md#zero-mode), belongs to each direction along
# them. **Predict:** how many zero eigenvalues has $J$ for $d = 2, 3, 5, 10$? *How many numbers does
# a small rotation have?*


# %%
def at_equilibrium(d):
    game = zoo.covariance(d).game()
    Sigma = zoo.covariance_draws(d).S
    w = torch.from_numpy(zoo.covariance_equilibrium(Sigma))
    return Sigma, gt.jacobian(game, game.draw(), w)


found = {d: at_equilibrium(d) for d in (1, 2, 3, 5, 10)}

# %% tags=["nbval-check-output"]
for d, (Sigma, J) in found.items():
    eigs = gt.spectrum(J)
    zeros = int((abs(eigs) < 1e-6 * abs(eigs).max()).sum())
    theory = {t: zoo.covariance_spectrum(Sigma, 1.0, t)[:, None] for t in (1, 25)}
    pairs = [abs(values - gt.spectrum(J, t)) for t, values in theory.items()]
    off = max(apart.min(axis).max() for apart in pairs for axis in (0, 1))
    print(f"d = {d}: {zeros} zeros, d (d - 1) / 2 = {d * (d - 1) // 2},", end=" ")
    print(f"{len(eigs)} eigenvalues, at tau = 1 and 25 off the closed form by {off:.6f}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# $d(d-1)/2$ of them, 1, 3, 10 and 45: as many as a small rotation has numbers, one for each plane
# in which it can turn.
#
# </details>
#
# ## Open the hood
#
# The game in $d$ dimensions, its second derivatives by autograd, and $J_\tau$ from them: $G$
# descends, so its rows change their sign, and $D$'s are multiplied by $\tau$. Take the penalty
# away, `J_by_hand(Sigma, 25.0, gamma=0.0)`: how many more zeros are there, and whose are they?


# %% tags=["hood"]
def J_by_hand(Sigma, tau, gamma=1.0):
    d = len(Sigma)

    def value(w):
        X, Y = w.reshape(2, d, d)
        return (Y * (Sigma - X @ X.T)).sum() - gamma / 2 * (Y * Y).sum()

    s, vectors = torch.linalg.eigh(Sigma)
    X = vectors @ torch.diag(s.sqrt()) @ vectors.T  # X X' = Sigma
    H = hessian(value, torch.cat([X.ravel(), torch.zeros(d * d)]))
    rates = torch.cat([-torch.ones(d * d), tau * torch.ones(d * d)])  # down, and up
    return (rates[:, None] * H).numpy()


# %% tags=["hood-check"]
for d in (1, 2, 3, 5):
    Sigma, game = torch.from_numpy(zoo.covariance_draws(d).S), zoo.covariance(d).game()
    w = torch.from_numpy(zoo.covariance_equilibrium(Sigma))
    by_hand, library = J_by_hand(Sigma, 25.0), gt.jacobian(game, game.draw(), w).at(25.0)
    gap = abs(by_hand - library).max() / abs(library).max()
    zeros = (abs(np.linalg.eigvals(by_hand)) < 1e-6).sum()
    print(f"d = {d}: J by hand and by gt.jacobian differ by {gap:.0e}, zero eigenvalues: {zeros}")
    assert gap < 1e-12
    assert zeros == d * (d - 1) // 2

# %% [markdown]
# <details><summary>What happens</summary>
#
# Without the penalty:
#
# ```python
# for d in (1, 2, 3, 5):
#     Sigma = torch.from_numpy(zoo.covariance_draws(d).S)
#     zeros = abs(np.linalg.eigvals(J_by_hand(Sigma, 25.0, gamma=0.0))) < 1e-6
#     print(f"d = {d}: {zeros.sum()} zeros")
# ```
#
# ```text
# d = 1: 0 zeros
# d = 2: 2 zeros
# d = 3: 6 zeros
# d = 5: 20 zeros
# ```
#
# Twice as many: the $d(d-1)/2$ new ones are $D$'s. The antisymmetric part of $Y$ sees nothing of
# $\Sigma - XX^\top$, which is symmetric, and only the penalty drew it to 0.
#
# </details>

# %% [markdown]
# The closed form: in the eigenbasis of $\Sigma$ (eigenvalues $\sigma_i^2$) the linear flow falls
# apart into $d(d-1)/2$ zeros, as many eigenvalues $-\tau\gamma$ (the antisymmetric part of $Y$ sees
# nothing), and for each $i \le j$ the two roots of
# $\lambda^2 + \tau\gamma\lambda + 2\tau(\sigma_i^2 + \sigma_j^2) = 0$.
#
# Are the zero modes really rotations? A small rotation of $X$ is $X\Omega$ with
# $\Omega^\top = -\Omega$:

# %% tags=["nbval-check-output"]
d = 5
Sigma, J = found[d]
across = gt.transverse(J)
X = zoo.covariance_equilibrium(Sigma)[: d * d].reshape(d, d)
omegas = [np.linalg.solve(X, mode.reshape(d, d)) for mode in across.g_modes.T]
print("zero modes:", len(omegas), "of G,", across.d_modes.shape[1], "of D")
symmetric = max(abs(o + o.T).max() / abs(o).max() for o in omegas)
print(f"largest symmetric part of their Omega: {symmetric:.6f} of its size")

# %% [markdown]
# ## tau* is infinite, and the run converges
#
# With a zero mode of $G$ and an invertible $C$, as here ($C = \gamma I$), the Schur complement is
# singular and the theorem does not apply. (Without the penalty $C$ is singular itself, and there is
# no Schur complement.) The published
# code answers with the same sentence as for a point that is no equilibrium at all, and the notebook
# runs $d = 5, 10, 20$ without a word on it. Here the reason is part of the answer, and the question
# can be asked again **across** the zero modes: $J' = Q^\top J Q$ with $Q$ orthogonal to them.

# %% tags=["nbval-check-output"]
from gan_teach.analysis.timescale import timescale

Sigma, J = found[2]
answer = timescale(J)
print("d = 2: tau* =", answer.tau_star, "-", answer.kind)
print(answer.reason.split(" (")[0])
print("stable intervals of J:", gt.stable_intervals(J))
across = gt.transverse(J).J
print("across the zero mode: tau* =", gt.tau_star(across), gt.stable_intervals(across))

# %% [markdown]
# Near the set of equilibria every $\tau$ attracts *towards it*, for every $d$: but for the zeros
# all eigenvalues of the closed form have a negative real part. Which of the equilibria is reached
# depends on the start and, as the runs below show, on $\tau$. **Predict** from the closed form for
# $d = 5, 10, 20$: from which $\tau$ on does nothing oscillate, and is $\tau = 25$ beyond it? At
# which $\tau$ is the slowest mode fastest?


# %%
def slowest(Sigma, tau):
    """The rate of the slowest mode that is no zero mode."""
    eigs = zoo.covariance_spectrum(Sigma, 1.0, tau)
    return -eigs[abs(eigs) > 1e-9].real.max()


# %% tags=["nbval-check-output"]
for d in (2, 5, 10, 20):
    Sigma = zoo.covariance_draws(d).S
    smallest, largest = np.linalg.eigvalsh(Sigma)[[0, -1]]
    best = 16 * smallest
    print(f"d = {d}: turns below tau = {16 * largest:.0f}; fastest {best:.1f}", end="; ")
    rates = [f"{tau:.3g}: {slowest(Sigma, tau):.2f}" for tau in (1, 5, 10, best, 25, 50)]
    print("rates of the slowest mode at tau =", ", ".join(rates))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Only from 40, 235, 371 and 1176 on, $16/\gamma^2$ times the largest eigenvalue of $\Sigma$, does
# no mode turn: 25 is not beyond it. But the slowest mode, that of the *smallest* eigenvalue of
# $\Sigma$, stops turning at 16 to 20 already. Up to there it gets faster with $\tau$, from there on
# slower; at 25 it is still faster than at 10, in two dimensions by a hair.
#
# </details>


# %%
def trained(d):
    """The same run with whole matrices, for games of hundreds of numbers."""
    game = zoo.covariance(d)
    stacked = game.game([game.x0] * 4, [game.y0] * 4)
    settings = {"lr": game.lr, "tau": list(game.taus), "steps": gt.budget(game.steps)}
    run = gt.train(stacked, gt.simultaneous(), **settings)
    return gt.record(run, every=25, params=gt.probes.params())["params"]


# %%
points = {d: runs(d, 1.0).points for d in (2, 5)} | {d: trained(d) for d in (10, 20)}
ends = {d: end_and_miss(p, d) for d, p in points.items()}

# %%
figure, axes = gt.style.mosaic([[2, 5], [10, 20]], (12, 8.4))
for d, (_, gaps) in ends.items():
    curves = {f"τ = {t}": gap for t, gap in zip((1, 5, 10, 25), gaps.T, strict=True)}
    gt.plots.distance(curves, axes[d], every=25, title=f"|Σ - XX'| for d = {d}")
gt.style.show(
    figure,
    alt="|Σ - XX'| over 5000 steps in 2, 5, 10 and 20 dimensions. In each, the larger of the "
    "four tau falls faster; tau = 25 ends between 1e-13 and 1e-11, tau = 1 between 0.1 and 100.",
)

# %%
for d, (x, gaps) in ends.items():
    apart = np.linalg.norm(x[2] - x[3]) / np.linalg.norm(x[3])
    left = ", ".join(f"{gap:.0e}" for gap in gaps[-1])
    side = np.sign(np.linalg.det(x[2]) * np.linalg.det(x[3]))
    print(f"d = {d}: |Sigma - XX'| at tau = 1, 5, 10, 25: {left};", end=" ")
    print(
        f"X at 10 and 25 differ by {apart:.0%}, determinants of {'one sign' if side > 0 else 'two'}"
    )

# %% tags=["hide-input"]
for x, gaps in ends.values():
    assert gt.holds(np.all(np.diff(gaps[-1]) < 0) and gaps[-1][3] < 1e-11 and gaps[-1][2] < 1e-5)
    assert gt.holds(np.linalg.norm(x[2] - x[3]) > 0.05 * np.linalg.norm(x[3]))

# %% [markdown]
# Up to 16 every pair shares the real part $-\tau\gamma/2$, so that a larger $\tau$ is faster; at 25
# some pairs are real and slower already, and among these four it still wins.
#
# The two fastest runs come within $10^{-5}$ of $\Sigma$ and still end at different $X$: two points
# of one circle of equilibria in two dimensions, of a connected set of $d(d - 1)/2$ dimensions, 190
# for $d = 20$, in more. (With one sign of the determinant: both runs start at one $X$, and the flow
# $\dot X = (Y + Y^\top) X$ keeps the sign.)
#
# ## What the published notebook does besides
#
# - The first record is |W + W^T|, every later one |W|. *The dashed curves start a factor 2 too high
#   (d = 1).*
# - d = 20 has no seed of its own, and the eigenvalue plot overrides d by 1. *d = 20 depends on
#   which cells ran before; only d = 1 has eigenvalues.*
# - For d > 1 the equilibria are not isolated, so $\tau^*$ does not exist there. *The notebook runs
#   d = 5, 10, 20 without saying so.*
#
# ## Play
#
# A GAN whose equilibria touch each other, live: where the means agree and the straight $D$ is flat,
# every spread $w$ of the generator will do. With 50 steps of $G$ to one of $D$ it is near one after
# some 100 rounds. Look at the eigenvalues of a round: one of them stays at 1, the zero mode of
# chapter 06. Try other seeds and compare the spreads.

# %%
gt.Lab("strong-generator", seed=1)

# %% [markdown]
# ## Exercises
#
# **1.** From which $\tau$ on is the one-dimensional game free of oscillation, as a function of
# $\Sigma$ and $\gamma$?
#
# <details><summary>Hint 1</summary>
#
# $\lambda^2 + \tau\gamma\lambda + 4\tau\Sigma = 0$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The discriminant is $\tau^2\gamma^2 - 16\tau\Sigma$.
#
# </details>

# %%
real_from = ...  # for instance: lambda s, gamma: ...
gt.exercises.check_covariance_real_from(real_from)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_covariance_real_from(lambda s, gamma: 16 * s / gamma**2)
# ```
#
# ```text
# Right: tau^2 gamma^2 >= 16 tau Sigma, so tau >= 16 Sigma / gamma^2.
# ```
#
# </details>

# %% [markdown]
# **2.** (Code.) Write `eigenvalues(s, gamma, tau)`, all $2 d^2$ eigenvalues of $J_\tau$ in any
# order, from the array `s` of the $d$ eigenvalues $\sigma_i^2$ of $\Sigma$.
#
# <details><summary>Hint 1</summary>
#
# Zeros, as many $-\tau\gamma$, and for each $i \le j$ the roots of
# $\lambda^2 + \tau\gamma\lambda + 2\tau(\sigma_i^2 + \sigma_j^2)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.roots([1, b, c])`, and `np.triu_indices(d)` for all $i \le j$.
#
# </details>

# %%
eigenvalues = ...  # def eigenvalues(s, gamma, tau): ...
verdict = gt.exercises.check_covariance_spectrum(eigenvalues)
verdict

# %%
if verdict:  # the chapter's rates of the slowest mode, with your function
    eigenvalues = verdict.own  # yours, with NumPy arrays in and out
    rates, gaps = {}, []
    for d in (2, 5, 10, 20):
        Sigma = zoo.covariance_draws(d).S
        yours = np.asarray(eigenvalues(np.linalg.eigvalsh(Sigma), 1.0, 25.0))
        rates[d] = -yours[abs(yours) > 1e-9].real.max()
        gaps.append(abs(rates[d] - slowest(Sigma, 25.0)))
    print("your rates at tau = 25:", ", ".join(f"d = {d}: {rate:.2f}" for d, rate in rates.items()))
    print(f"they differ from those above by at most {max(gaps):.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def eigenvalues(s, gamma, tau):
#     i, j = np.triu_indices(len(s))
#     roots = [np.roots([1, tau * gamma, 2 * tau * both]) for both in s[i] + s[j]]
#     free = len(s) * (len(s) - 1) // 2
#     return np.concatenate([np.zeros(free), np.full(free, -tau * gamma), *roots])
#
#
# gt.exercises.check_covariance_spectrum(eigenvalues)
# ```
#
# ```text
# Right: d (d - 1) / 2 zeros, as many -tau gamma, and two roots for each i <= j: 2 d^2 in all.
# ```
#
# </details>

# %% [markdown]
# **3.** (Code.) The runs of this chapter took the slopes from autograd. Write them by hand, as
# products of matrices: `step(X, Y, Sigma, gamma, lr, tau)`, which returns both after one
# simultaneous step, of descent in $X$ with rate $\eta$ and of ascent in $Y$ with rate $\tau\eta$.
#
# <details><summary>Hint 1</summary>
#
# $\operatorname{tr}(Y^\top XX^\top) = \sum_{ijk} Y_{ij} X_{ik} X_{jk}$: each entry of $X$ stands in
# it twice.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The slope in $Y$ is $\Sigma - XX^\top - \gamma Y$, that in $X$ is $-(Y + Y^\top) X$. $X$ descends.
#
# </details>

# %%
step = ...  # def step(X, Y, Sigma, gamma, lr, tau): ...
verdict = gt.exercises.check_covariance_step(step)
verdict

# %%
if verdict:  # the published run in five dimensions at tau = 25, step by step with your function
    step = verdict.own  # yours, with NumPy arrays in and out
    game, Sigma, tau = zoo.covariance(5), zoo.covariance_draws(5).S, 25.0
    X, Y = (np.reshape(start, (5, 5)) for start in (game.x0, game.y0))
    for _ in range(game.steps):
        X, Y = step(X, Y, Sigma, 1.0, game.lr, tau)
    library = ends[5][0][game.taus.index(tau)]
    print(f"|Σ - XX'| of your run after {game.steps} steps: {np.linalg.norm(Sigma - X @ X.T):.0e}")
    print(f"your X differs from the chapter's by at most {abs(np.asarray(X) - library).max():.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def step(X, Y, Sigma, gamma, lr, tau):
#     return X + lr * (Y + Y.T) @ X, Y + tau * lr * (Sigma - X @ X.T - gamma * Y)
#
#
# gt.exercises.check_covariance_step(step)
# ```
#
# ```text
# Right: X descends, -dV/dX = (Y + Y^T) X; Y climbs, dV/dY = Sigma - X X^T - gamma Y.
# ```
#
# </details>

# %% [markdown]
# ## Where this bites in practice
#
# - Generators have zero modes by construction: turn Gaussian latents and the first layer's weights
#   against each other, or move a factor from a ReLU layer to the next (the cell below), and the
#   samples stay. At an equilibrium of such a one the Schur complement is singular, and a program
#   that answers "no equilibrium" there misleads.
# - Two runs that agree in every sample may disagree in every weight. Compare samples, not weights.

# %% tags=["nbval-check-output"]
z = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
G = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).double()
before, turn = G(z), torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
with torch.no_grad():
    G[0].weight.copy_(G[0].weight @ turn)  # the latents turn the other way
    for p, factor in ((G[0].weight, 3), (G[0].bias, 3), (G[2].weight, 1 / 3)):
        p.mul_(factor)
print(f"samples moved by {(G(z @ turn) - before).abs().max():.6f}")

# %% [markdown]
# ## Further reading
#
# - T. Fiez, L. Ratliff, *Local Convergence Analysis of Gradient Descent Ascent with Finite
#   Timescale Separation*, 2021: the covariance experiments.
# - C. Daskalakis et al., *Training GANs with Optimism*, 2018: the covariance game.
# - N. Fenichel, *Persistence and Smoothness of Invariant Manifolds for Flows*, 1971.
# - What the notebook says, row by row, each with a verdict: `timescale.cov` in [the
#   ledger](22_ledger.ipynb).
