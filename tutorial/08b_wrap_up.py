# %% [markdown]
# # Judge a path by its eigenvalues
#
# *Wrap-up of chapters 05 to 08: what they have shown, and a path whose $\tau$ you are not told.*
#
# **You will do:** read the way of a run, find the ratio of learning rates that made it, say what it
# ends at, and settle the Dirac-GAN in forty steps. **You will learn:** to tell from a path which
# $\tau$ made it, and whether its end is a solution. **You need:** chapters 05 to 08.
#
# ## What this part has shown
#
# - Without friction the Dirac-GAN's field is everywhere at a right angle to $(\theta, \psi)$: it
#   turns, and a finite step turns outward; after 500 steps plain descent is at distance 3.1,
#   and with R1, $\gamma = 0.3$, at $2.6 \cdot 10^{-6}$. Friction can be too much: from
#   $(1, 1)$ to 0.001 $\gamma = 2$ needs 2.9 times as many steps as 1. [Chapter
#   05](05_dirac_gan.ipynb)
# - The eigenvalues of a *step* tell its factor and its turn. On $xy$ simultaneous descent grows,
#   alternating descent stays, extragradient and its kin contract. [Chapter
#   05](05_dirac_gan.ipynb)
# - $\tau^*$ exists where $C$ and the Schur complement $S$ are positive: above it the point
#   attracts. The quadratic game has $\tau^* = 2$. Faster is not always better: the Dirac-GAN with
#   $\gamma = 0.3$ is fastest at $1/\gamma^2 = 11.11$. And $\tau$ speaks of small steps: the same
#   ratio by rate and by number of steps parts between 1 and 2. [Chapter 06](06_timescale.ipynb)
# - An attractor need not be an equilibrium: on the torus $(\pi, 0)$ is none and draws runs in for
#   $\tau < 1$. And theory says *whether* a point attracts, a map from where: at $\tau = 2$, by
#   alternating steps of 0.04, 62 % of our grid of starts end at $(0, 0)$ and 38 % at $(\pi, \pi)$.
#   [Chapter 07](07_regions_of_attraction.ipynb)
# - Where equilibria touch, $\tau^*$ is silent and runs arrive all the same. In $d$ dimensions the
#   covariance game has $d(d-1)/2$ zero modes, 190 for $d = 20$. [Chapter 08](08_covariance.ipynb)

# %% [markdown]
# ## The run
#
# A game of one number each, $V(x, y) = \tfrac A2 x^2 + B x y - \tfrac C2 y^2$: $x$ goes down with
# steps of $\eta = 0.02$, $y$ up with $\tau\eta$, both at once, 600 steps from $(1, 1)$. The game is
# told (`run.game`), $\tau$ is not. Six pairs of a game and a $\tau$ lie behind the seeds; the
# answers that are shown belong to seed 1.

# %%
import gan_teach as gt
import numpy as np
import torch

run = gt.exercises.unseen_plane(seed=1)
run

# %%
path = run.history["path"]
distance = np.linalg.norm(path, axis=1)
origin = torch.zeros(2, dtype=torch.float64)
J = gt.jacobian(run.game, run.game.draw(), origin)
print("-J =", (-J.matrix).round(3).tolist())
told = ", ".join(f"{distance[n]:.2g} at step {n}" for n in (0, 150, 300, 450, 600))

# %%
figure, axes = gt.style.mosaic([["path", "distance"]], (11, 4.6))
reach = 1.1 * abs(path).max()
field = gt.flows.planar_field(run.game, (-reach, reach, 25))
gt.plots.vector_field(field, {"path": path}, axes["path"], title="Path, and the field at tau = 1")
title = "Distance from the origin"
gt.plots.distance({"path": distance}, axes["distance"], every=1, title=title)
alt = f"Left: the path of the unseen run from (1, 1). Right: its distance from the origin: {told}."
gt.show(figure, alt=alt)

# %% tags=["nbval-check-output"]
print("one number each: tau* = max(-A / C, 0) where C > 0 and S = A + B^2 / C > 0")

# %% [markdown]
# ## Read it

# %% [markdown]
# **1.** What does the path do: `"comes nearer"` (to half of its distance from the origin or less),
# `"goes away"` (to twice of it or more) or `"hardly either"`?
#
# <details><summary>Hint</summary>
#
# The first and the last entry of `distance`.
#
# </details>

# %%
way = ...
gt.exercises.check_plane_way(way, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_plane(seed=1)
# gt.exercises.check_plane_way("comes nearer", run)
# ```
#
# ```text
# Right: it starts 1.41 from the origin and is 0.086 from it at the end.
# ```
#
# </details>

# %% [markdown]
# **2.** Which point is the origin: `"Nash"`, `"minmax, not Nash"` or `"no equilibrium"`?
#
# <details><summary>Hint</summary>
#
# Read $A$, $B$ and $C$ off $-J = \begin{pmatrix} A & B \\ -B & C \end{pmatrix}$; the rule is in
# chapter 06. `gt.classify(J)` knows, too.
#
# </details>

# %%
kind = ...
gt.exercises.check_plane_kind(kind, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_plane(seed=1)
# gt.exercises.check_plane_kind("no equilibrium", run)
# ```
#
# ```text
# Right: A = 1, C = -0.5 and S = A + B² / C = -3.50.
# ```
#
# </details>

# %% [markdown]
# **3.** In code: write `factor(J, tau, lr)`, by which one simultaneous step multiplies a small
# deviation in the long run. `J` is a 2 x 2 array, $G$'s row first.
#
# <details><summary>Hint 1</summary>
#
# The eigenvalues of $I + \eta J_\tau$; the largest decides.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.linalg.eigvals`, and the absolute value of a complex number.
#
# </details>


# %%
def factor(J, tau, lr):
    return ...


verdict = gt.exercises.check_step_factor(factor)
verdict

# %%
if verdict:
    factor = verdict.own  # yours, with NumPy arrays in and out
    for tau in (0.5, 1, 2, 4, 8, 16):
        print(f"tau = {tau}: {factor(J.matrix, tau, 0.02) ** 600:.3g} in 600 steps")
    print(f"the run: {distance[-1] / distance[0]:.3g}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def factor(J, tau, lr):
#     step = np.eye(2) + lr * np.diag([1, tau]) @ J
#     return abs(np.linalg.eigvals(step)).max()
#
#
# gt.exercises.check_step_factor(factor)
# ```
#
# ```text
# Right: the largest |1 + eta lambda| of J with D's row times tau.
# ```
#
# </details>

# %% [markdown]
# **4.** Which $\tau$ made this path? (To two digits after the point.)
#
# <details><summary>Hint 1</summary>
#
# A step of $y$ is $\tau \eta$ times a number that you can compute.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `gt.vector_field(run.game, run.game.draw(), torch.tensor(path[k]))[1]` is that number at step $k$.
# Choose a $k$ at which it is not zero.
#
# </details>

# %%
tau = ...
gt.exercises.check_plane_tau(tau, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_plane(seed=1)
# path = run.history["path"]
# up = gt.vector_field(run.game, run.game.draw(), torch.tensor(path[5]))[1].item()
# gt.exercises.check_plane_tau((path[6, 1] - path[5, 1]) / (0.02 * up), run)
# ```
#
# ```text
# Right: D's step over 0.02 times its gradient, at each step of the path.
# ```
#
# </details>

# %% [markdown]
# ## Turn the knob

# %% [markdown]
# **5.** Choose a $\tau$. If the origin is an equilibrium, the run shall end within 0.01 of it after
# its 600 steps; if it is none, the run shall leave it, to a distance beyond 4. **Predict** the last
# distance with `factor` first. (`run.turn(tau=3.0)["path"]` is the path with another $\tau$.)
#
# <details><summary>Hint 1</summary>
#
# The trace, $-(A + \tau C)$, is twice the real part while the pair turns. Its sign changes at
# $\tau = -A / C$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# At the border the run only circles: in these games it stays within 4 of the origin for its 600
# steps. Go well beyond.
#
# </details>

# %%
tau = ...
verdict = gt.exercises.check_plane_knob(tau, run)
verdict

# %%
if verdict:
    turned = np.linalg.norm(run.turn(tau=tau)["path"], axis=1)
    curves = {"as it was": distance, f"tau = {tau}": turned}
    alt = f"Distance of the run, {distance[-1]:.2g} at the end, and of yours, {turned[-1]:.2g}."
    gt.show(gt.plots.distance(curves, every=1, title=title), alt=alt)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_plane(seed=1)
# tau = 4.0
# gt.exercises.check_plane_knob(tau, run)
# ```
#
# ```text
# Right: with tau = 4 the run ends 1.4e+03 from the origin, which is no equilibrium.
# ```
#
# </details>

# %% [markdown]
# ## Design: settle in forty steps
#
# The Dirac-GAN with R1, as `gt.zoo.dirac(gamma)`: chapter 06 gives its eigenvalues as
# $\tfrac12\bigl(-\tau\gamma \pm \sqrt{\tau^2\gamma^2 - \tau}\bigr)$. Steps of $\eta = 0.2$, start
# $(1, 1)$. With $\tau = 1$ the penalty whose rate is best in the end, $\gamma = 1$ (chapter 05),
# leaves it 0.08 away after 40 steps; one of 0.8, which still turns, 0.02.

# %% [markdown]
# **6.** Choose $\gamma$ and $\tau$ so that after 40 steps it is within 0.001 of the equilibrium,
# and stays.
#
# <details><summary>Hint 1</summary>
#
# For each $\gamma$ the rate is best where the root vanishes. Which rate is that, as a function of
# $\gamma$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $1/(2\gamma)$ at $\tau = 1/\gamma^2$: a small $\gamma$ and a large $\tau$. How far can you go
# before a step of $D$, $\tau\gamma\eta$, is too long? And near the equilibrium is not far out: try
# it, `gt.flows.trajectories(gt.zoo.dirac(gamma).game(), [1.0, 1.0], tau, lr=0.2, steps=80)`.
#
# </details>

# %%
choice = ...  # gamma, tau
gt.exercises.check_dirac_design(choice)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_dirac_design((0.25, 16))
# ```
#
# ```text
# Right: after 40 steps it is 8.3e-06 from the equilibrium, later at most 8.3e-06; tau gamma^2 is
# 1.00, so that near it no eigenvalue turns.
# ```
#
# </details>

# %% [markdown]
# ## Dispute: it converged
#
# *"Our training converges, from every start that we tried, to the same point, and stays there for
# thousands of steps. So we have found the solution of the game."* — *"You have found an attractor
# of your algorithm."*

# %% [markdown]
# **7.** Who is right? What would you compute at that point? Evidence: the torus of chapter 07 at
# $\tau = 0.8$, from six starts.

# %%
torus = gt.zoo.torus()
starts = np.random.default_rng(0).uniform(-np.pi, np.pi, (6, 2))
runs = gt.flows.trajectories(torus.game(), starts, 0.8, lr=0.04, steps=8000, period=torus.period)
away = runs.distance((np.pi, 0), torus.period)[-1, 0]
print(f"from (pi, 0) at the end: at most {away.max():.3f}")
there = gt.jacobian(torus.game(), torus.game().draw(), torch.tensor([np.pi, 0.0]).double())
((low, high),) = gt.stable_intervals(there)
print(f"nash, minmax or neither: {gt.classify(there).kind}", end="; ")
print(f"attracts for {low:g} < tau < {high:.3f}")

# %% tags=["hide-input"]
assert away.max() < 0.01
assert gt.tau_star(there) == np.inf

# %% [markdown] tags=["answer"]
# *Your answer* (double-click to write; three sentences, before you open the next cell):

# %% [markdown]
# <details><summary>Model answer</summary>
#
# The second. Convergence says that the point attracts at this $\tau$ and this step, and that the
# field vanishes there. Whether it is a solution is decided by the second derivatives: is each
# player's own curvature of the right sign (Nash), or at least $D \succ 0$ and $S \succ 0$ (minmax)?
# Here neither is so, and yet all six runs end there. I would compute $J$ at the end, classify it,
# and repeat the run with a larger $\tau$: an equilibrium of this kind keeps attracting for every
# larger $\tau$, if the step is small enough; a trap like this one lets go, at $\tau = 1$. For
# networks $J$ is out of reach, but the outermost eigenvalues are not (chapter 19), and the second
# run costs nothing but time.
#
# </details>

# %% [markdown]
# ## Once more
#
# Take another seed at the top and run all. Then one of your own: three numbers, a $\tau$, and a
# friend who has to find it.

# %%
gt.Lab("dirac")
