# %% [markdown]
# # Break and mend the smallest GAN
#
# *Two numbers, one equilibrium, and every way to miss it.*
#
# **You will do:** train the Dirac-GAN with nine methods and ten update rules, and predict each
# outcome from two eigenvalues. **You will learn:** why plain descent cannot converge here, what
# "friction" a penalty adds, and how a step's eigenvalues give its speed *and* its rotation.
# **You need:** chapter 01; complex eigenvalues of a 2 x 2 matrix.

# %%
import gan_teach as gt
import numpy as np
import torch

# %% [markdown]
# ## The rule
#
# All data lie on the point 0. The generator is a point $\theta$, the discriminator a line
# $\psi x$ (its logit). With the logistic loss $D$ maximises
# $\log \sigma(0) + \log \sigma(-\psi \theta)$, and both players follow
#
# $$v(\theta, \psi) = \begin{pmatrix} \;\;\psi\, \sigma(\psi\theta) \\
#   -\theta\, \sigma(\psi\theta) \end{pmatrix}, \qquad
#   J(0, 0) = \begin{pmatrix} 0 & \tfrac12 \\ -\tfrac12 & -\gamma \end{pmatrix},
#   \qquad \lambda_{1,2} = -\tfrac\gamma2 \pm \tfrac12 \sqrt{\gamma^2 - 1}.$$
#
# $\gamma$ is the weight of the penalty R1, $\tfrac\gamma2 \mathbb E |\nabla_x D|^2$; without one
# $\gamma = 0$, and $v$ is at a right angle to $(\theta, \psi)$ **everywhere**: it pushes round the
# equilibrium and never towards it. The Wasserstein loss has $v = (\psi, -\theta)$.
#
# A step of length $\eta$ multiplies the deviation by $I + \eta J$. Its eigenvalues
# $s = 1 + \eta\lambda$ say everything about the end of a run: $|s|$ is the factor per step,
# $2\pi / |\arg s|$ the number of steps per turn, and the run converges iff $|s| < 1$.

# %% [markdown]
# ## Nine methods
#
# The published settings: $\eta = 0.2$, 500 simultaneous steps, start at distance $\sqrt 2$.
# **Predict:** which of the nine converge? Sort them before you run: GAN, non-saturating GAN, WGAN
# with clipping, WGAN-GP, instance noise, R1 with $\gamma = 0.3$ and with $\gamma = 1$, consensus
# optimisation, non-saturating GAN with R1.

# %%
METHODS = {k: m for k, m in gt.zoo.DIRAC_METHODS.items() if k not in ("dragan", "r2")}
STEPS = gt.budget(gt.zoo.DIRAC_STEPS, 60)


def run(method):
    rule, size = method.rule(), method.batch_size
    states = gt.train(method.game(), rule, steps=STEPS, lr=0.2, batch_size=size)
    return gt.record(states, path=gt.probes.params())["path"]


paths = {name: run(method) for name, method in METHODS.items()}

# %%
titles = {name: method.title for name, method in METHODS.items()}
fields = {titles[name]: gt.zoo.dirac_field(method) for name, method in METHODS.items()}
gt.show(
    gt.plots.portraits(
        fields,
        {titles[name]: path for name, path in paths.items()},
        names=("θ (generator)", "ψ (discriminator)"),
    ),
    alt="Nine phase portraits. GAN, non-saturating GAN, clipped WGAN and WGAN-GP keep going round "
    "the origin; instance noise, both R1, consensus and non-saturating R1 reach it, R1 with gamma "
    "1 without circling.",
)

# %% [markdown]
# A circle is the start, a star the last step, the ring the equilibrium. The gray lines are the
# field, and each path leaves them a little to the outside: a finite step goes along the tangent.

# %%
distances = {name: np.linalg.norm(path, axis=1) for name, path in paths.items()}
shown = ["saturating", "wgan_gp", "instance_noise", "r1", "r1_critical"]
gt.show(
    gt.plots.compare(
        range(STEPS + 1), {titles[k]: distances[k] for k in shown},
        xlabel="step", ylabel="distance to the equilibrium", log=True,
    ),
    alt="Distance to the equilibrium over 500 steps on a logarithmic axis: GAN and WGAN-GP stay "
    "above one, instance noise falls to about a hundredth and flickers there, R1 with gamma 0.3 "
    "falls on a straight line to 1e-6, R1 with gamma 1 to 1e-21.",
)  # fmt: skip

# %% tags=["nbval-check-output"]
for name, method in METHODS.items():
    arrived = distances[name][-STEPS // 5 :].max() < 0.1
    agrees = gt.holds(arrived == method.converges)
    print(f"{method.title:24} theory: {method.converges!s:5}  the run agrees: {agrees}")

# %% [markdown]
# **What you saw.** Without a regularizer the GAN ends at distance 3.1, farther out than it began.
# The non-saturating loss gets to 0.64 and stays there: its field leans inward, but only to higher
# order, which near 0 is less than what each finite step gains outward; the eigenvalues are
# $\pm i/2$ as before. Clipping and WGAN-GP only fence the rotation in. R1 arrives: $2.6 \cdot
# 10^{-6}$ for $\gamma = 0.3$. Instance noise arrives up to the noise of its thousand samples.
#
# (DRAGAN is the tenth: on one data point it is WGAN-GP's penalty on another loss, and circles.
# On data with a density its theory is better; that is no contradiction.)

# %% [markdown]
# ## How much friction? The critical gamma
#
# $\lambda = -\gamma/2 \pm \sqrt{\gamma^2 - 1}/2$ has an imaginary part up to $\gamma = 1$ and none
# beyond. **Predict:** twice as much friction as $\gamma = 1$: does the run arrive sooner?

# %%
GAMMAS = np.arange(0, 41) / 20
origin = torch.zeros(2, dtype=torch.float64)
spectra, ways = [], []
for gamma in GAMMAS:
    game = gt.zoo.dirac(mu=float(gamma)).game()
    J = gt.jacobian(game, game.draw(), origin).matrix
    spectra.append(np.linalg.eigvals(np.eye(2) + 0.2 * J).astype(complex))
    ways.append(gt.flows.trajectories(game, [1.0, 1.0], lr=0.2, steps=200).points[:, 0])
radius = np.abs(spectra).max(1)

# %%
gt.show(
    gt.plots.compare(
        GAMMAS, {"largest |s| of one step": radius}, xlabel="γ", ylabel="factor per step",
        level=(1.0, "stable below"), mark=(1.0, "γ = 1"),
    ),
    alt="The factor per step over gamma: from just above 1 at gamma 0 down to 0.9 at gamma 1, then "
    "up again.",
)  # fmt: skip

# %% tags=["nbval-check-output"]
best = GAMMAS[radius.argmin()]
turning = GAMMAS[np.abs(np.imag(spectra)).max(1) > 1e-6]
print(f"fastest at gamma = {best:.2f}, factor {radius.min():.3f} per step")
print(f"without rotation from gamma = {turning.max() + 0.05:.2f} on")
print(f"gamma = 2 needs {np.log(radius.min()) / np.log(radius[-1]):.1f} times as many steps")

# %% [markdown]
# Below 1 the run oscillates, above it creeps: the two real eigenvalues part, and the slow one
# decides. Friction is like a door closer's: too little and it swings, too much and it takes all
# day. **Drag gamma** and watch the eigenvalues meet on the real axis at $\gamma = 1$. (This
# game, `gt.zoo.dirac`, keeps the paper's sign of $\psi$, so it turns the other way round.)

# %%
captions = [f"γ = {g:.2f}: {r:.3f} per step" for g, r in zip(GAMMAS, radius, strict=True)]
arrays = {"path": np.stack(ways), "eigenvalues": np.stack(spectra), "caption": captions}
slider = gt.History(range(len(GAMMAS)), arrays, meta={"unit": "γ in steps of 0.05"})
view = (0.58, 1.06, -0.24, 0.24)
disc = gt.plots.plane_panel(unit_disc=True, title="Eigenvalues s of one step", view=view)
gt.player(slider, [gt.plots.path_panel(), disc], figsize=(9.5, 4.6))

# %%
chosen = {f"γ = {g:g}": spectra[round(20 * g)] for g in (0.0, 0.3, 1.0, 2.0)}
ax = gt.plots.plane(chosen, unit_disc=True, title="Eigenvalues s of one step, R1")
ax.set(xlim=(0.58, 1.06), ylim=(-0.24, 0.24))  # the part of the disc near 1
gt.show(
    ax,
    alt="The unit disc near 1 with the eigenvalues of one step: gamma 0 just outside the circle, "
    "0.3 just inside, 1 a double real value at 0.9, 2 two real ones, one of them close to 1.",
)

# %% [markdown]
# ## Ten update rules
#
# The other cure: leave the game alone and change the *step*. The test is $\min_x \max_y xy$, pure
# rotation, $\eta = 0.1$. `gt.dynamics.step_spectrum(rule, J, lr)` knows the matrix of one step of
# each rule, memory included. **Predict:** simultaneous descent diverges here. What does alternating
# descent do, which differs only in that $G$ sees $D$'s newest move?

# %%
d = gt.dynamics
RULES = [
    d.simultaneous(), d.alternating(), d.negative_momentum(-0.5), d.extragradient(),
    d.past_extragradient(), d.optimistic(), d.lookahead(k=5), d.consensus(0.3),
    d.symplectic_adjustment(0.3), d.heun(),
]  # fmt: skip

# %% [markdown]
# Each rule is a few lines below its formula. Here is the one that looks ahead; compare it with
# `gt.source(d.simultaneous)`, and hand a changed copy to `gt.train`: a function
# `(game, draw, optims)` is a rule.

# %%
gt.source(d.extragradient)

# %%
LENGTH = 380  # about six turns


def measure(rule, lr=0.1):
    game = gt.zoo.bilinear().game()
    s = d.step_spectrum(rule, gt.jacobian(game, game.draw(), origin), lr)[0]
    states = gt.train(game, rule, steps=LENGTH, lr=lr)
    return s, gt.record(states, path=gt.probes.params())["path"]


measured = {type(rule).__name__: measure(rule) for rule in RULES}

# %%
rows = []
for name, (s, path) in measured.items():
    turn = d.rotation_period(s)
    whole = 2 * round(turn)  # two turns: on an ellipse, halves of a turn differ
    factor = gt.spectra.contraction(np.linalg.norm(path, axis=1)[-whole - 1 :], skip=0.0)
    period = gt.spectra.turning_period(path[-whole - 1 :], skip=0.0)
    rows.append([name, abs(s), factor, turn, period])
columns = ["rule", "|s|, predicted", "measured", "steps per turn, predicted", "measured"]
gt.Table(columns, rows, digits=5)

# %% tags=["nbval-check-output"]
table = {name: numbers for name, *numbers in rows}
errors = {name: abs(n[0] - n[1]) for name, n in table.items()}
print("factors agree within 0.001:", max(errors.values()) < 1e-3)
turns = {name: abs(n[3] / n[2] - 1) for name, n in table.items()}
print("turns agree within 3 %:", max(turns.values()) < 0.03)
print("grow:", *[name for name, n in table.items() if n[0] > 1 + 1e-9])
print("stay:", *[name for name, n in table.items() if abs(n[0] - 1) <= 1e-9])
print(f"Heun: |s| - 1 = {table['Heun'][0] - 1:.2e}, eta^4 / 8 = {0.1**4 / 8:.2e}")

# %%
fastest = ["Simultaneous", "Alternating", "NegativeMomentum", "Extragradient", "Consensus"]
gt.show(
    gt.plots.compare(
        range(LENGTH + 1), {k: np.linalg.norm(measured[k][1], axis=1) for k in fastest},
        xlabel="step", ylabel="distance to the equilibrium", log=True,
    ),
    alt="Distance to the equilibrium over 380 steps, logarithmic: simultaneous descent grows, "
    "alternating descent stays level with a ripple, negative momentum and extragradient fall "
    "slowly, consensus steeply.",
)  # fmt: skip

# %%
ax = gt.plots.plane({k: [measured[k][0]] for k in fastest}, unit_disc=True, title="Leading s")
ax.set(xlim=(0.94, 1.02), ylim=(0.05, 0.13))
gt.show(
    ax,
    alt="The leading eigenvalue of five rules near the unit circle: simultaneous outside, "
    "alternating on it, the others inside, consensus farthest.",
)

# %% [markdown]
# Alternating descent **stays**: its two eigenvalues lie exactly on the unit circle as long as
# $\eta < 2$, and the path closes to an ellipse. That one design choice separates a run that
# explodes from one that circles for ever. Lookahead turns half as fast: every five steps it goes
# half of the way back. Extragradient and its cheaper kin contract by about $\eta^2/2$ per step.
# Heun's rule, an integrator of second order, follows the circle so closely that it leaves it by
# $\eta^4/8$ per step only: it grows all the same.

# %% [markdown]
# ## The period, on the GAN itself
#
# The Dirac-GAN is not linear, but its last turns are small. **Predict** the steps per turn for R1
# with $\gamma = 0.3$ from $s = 1 + 0.2\,(-0.15 + 0.477 i)$.

# %% tags=["nbval-check-output"]
s = 1 + 0.2 * (-0.15 + 0.5j * np.sqrt(1 - 0.3**2))
print(f"predicted: {d.rotation_period(s):.0f} steps per turn, factor {abs(s):.4f}")
period = gt.spectra.turning_period(paths["r1"][-2 * 64 - 1 :], skip=0.0)
factor = gt.spectra.contraction(distances["r1"][-2 * 64 - 1 :], skip=0.0)
print("measured within 2 %:", gt.holds(abs(period / d.rotation_period(s) - 1) < 0.02))
print("factor within 0.001:", gt.holds(abs(factor - abs(s)) < 1e-3))

# %% [markdown]
# ## Two slips
#
# **Consensus** descends $\tfrac12 |v|^2 = \tfrac12 (\theta^2 + \psi^2)\, \sigma^2$ besides $v$. Its
# derivative has two terms, and the published notebook multiplies the second by a spurious
# $\tfrac12$. Autograd does not slip:

# %% tags=["nbval-check-output"]
theta, psi = 0.7, 0.4  # in the notebook's sign of psi
sigma = 1 / (1 + np.exp(theta * psi))
first = theta * sigma**2
second = -psi * (theta**2 + psi**2) * sigma**2 * (1 - sigma)
game, w = gt.zoo.dirac_gan(), torch.tensor([theta, -psi], dtype=torch.float64)
batch = game.draw(1, torch.Generator().manual_seed(0))
v, J = gt.vector_field(game, batch, w).numpy(), gt.jacobian(game, batch, w).matrix
print(f"exact {(J.T @ v)[0]:.4f}, by hand {first + second:.4f}, as published", end=" ")
print(f"{first + second / 2:.4f}")

# %% [markdown]
# **Optimistic descent** needs the *previous* gradient; code that stores a reference instead of a
# copy finds the present one there, so that $2g - g = g$ and plain descent runs under the name of
# the cure. Neither slip raises an error: an eigenvalue is a test.

# %% [markdown]
# ## Play
#
# The same two numbers, live. `dirac` circles outwards; turn *Penalty* to `r1`, or *Update rule* to
# `extragradient`, and watch the eigenvalues of a round enter the unit circle. Then *Ask the
# doctor*: it measures the factor of a turn and compares it with the one that they foretell.

# %%
gt.Lab("dirac")

# %% [markdown]
# ## Exercises
#
# **1.** By which factor does one simultaneous step on $xy$ multiply the distance? Write it as a
# function of $\eta$. *Hint: $s = 1 \pm i \eta$.*

# %%
growth = ...  # for instance: lambda lr: ...
gt.exercises.check_growth(growth)

# %% [markdown]
# **2.** How many steps does R1 with $\gamma = 1$ and $\eta = 0.2$ need for one factor of ten?
# *Hint 1: $\lambda = -\tfrac12$, twice.* *Hint 2: a logarithm over a logarithm.*

# %%
steps = ...
gt.exercises.check_steps_per_decade(steps)

# %% [markdown]
# **3.** On the Dirac-GAN with R1, which is the largest step $\eta$ that still converges, as a
# function of $\gamma \le 1$? *Hint: $|1 + \eta\lambda|^2 = 1 - \eta\gamma + \eta^2/4$.*

# %%
largest = ...  # for instance: lambda gamma: ...
gt.exercises.check_largest_step(largest)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_growth(lambda lr: np.sqrt(1 + lr**2)))
print(gt.exercises.check_steps_per_decade(np.log(10) / -np.log(0.9)))
print(gt.exercises.check_largest_step(lambda gamma: 4 * gamma))

# %% [markdown]
# ## Where this bites in practice
#
# - A GAN that "almost converges" and starts to circle wants friction (R1) or another step, not a
#   smaller learning rate: with $\gamma = 0$ simultaneous steps of every size diverge, small ones
#   just later.
# - R1 is the cheap default of large GANs for this reason. Too much of it is slow, not safer.
# - Simultaneous or alternating is not a detail. Say which one you ran.
#
# ## Further reading
#
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*,
#   2018: section 2 (the game), lemma 2.2 (rotation), section 4.1 (R1, R2).
# - L. Mescheder, S. Nowozin, A. Geiger, *The Numerics of GANs*, 2017: lemma 4 (step size against
#   eigenvalues), algorithm 2 (consensus).
# - G. Gidel et al., *A Variational Inequality Perspective on GANs*, 2019: section 3
#   (extrapolation); *Negative Momentum for Improved Game Dynamics*, 2019.
# - C. Daskalakis et al., *Training GANs with Optimism*, 2018; D. Balduzzi et al., *The Mechanics of
#   n-Player Differentiable Games*, 2018; T. Chavdarova et al., *Taming GANs with Lookahead-Minmax*,
#   2021; C. Qin et al., *Training GANs by Solving Ordinary Differential Equations*, 2020.
