# %% [markdown]
# # Find how much faster D must learn
#
# *One number, $\tau^*$, says from which ratio of learning rates on an equilibrium attracts.*
#
# **You will do:** move $\tau$ with a slider and watch eigenvalues cross the axis, find $\tau^*$ by
# two routes, recompute every number of a paper, and test whether five steps of $D$ are the same as
# five times its learning rate. **You will learn:** what $\tau$ decides, what it does not, and when
# there is no $\tau^*$. **You need:** chapter 05; eigenvalues of a 2 x 2 matrix.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach import zoo

# %% [markdown]
# ## The rule
#
# $G$ (parameters $x$) learns at the rate $\gamma$, $D$ (parameters $y$) at the rate $\tau\gamma$.
# Near a critical point the pair follows $\dot w = J_\tau w$ with
#
# $$J_\tau = \begin{pmatrix} I & \\ & \tau I \end{pmatrix} J, \qquad
# -J = \begin{pmatrix} A & B \\ -B^\top & D \end{pmatrix},$$
#
# and the point attracts iff every eigenvalue of $J_\tau$ has a negative real part. Let
# $S = A + B D^{-1} B^\top$ be the curvature that $G$ feels against a $D$ that answers at once.
# **Theorem** (Fiez & Ratliff, 2021, theorem 1; zero-sum games): a finite $\tau^*$ above which the
# point attracts exists iff $D \succ 0$ and $S \succ 0$, a *strict local minmax point*. If besides
# $A \succ 0$ (strict local Nash), then $\tau^* = 0$. For one number each, $\tau^* = \max(-A/D, 0)$.
#
# Mind the direction: $\tau > 1$ means that **D is the faster one**.
#
# ## A quadratic game
#
# Two numbers for each player; the origin is minmax and not Nash: alone, $G$ would run away along
# $x_1$. **Predict:** at $\tau = 1$, does training spiral in or out? And which of the pairs of
# eigenvalues cares?

# %%
setup = zoo.quadratic()
game = setup.game()
J = gt.jacobian(game, game.draw(), torch.zeros(4, dtype=torch.float64))
taus = np.arange(0.5, 16.01, 0.25)
sweep = gt.stability_sweep(J, taus)
tau_star = gt.tau_star(J)


def at(tau):
    figure = gt.plots.eigenvalue_sweep(taus, sweep, tau_star, title="Quadratic game")
    for ax in figure.axes:
        ax.axvline(tau, color=gt.style.GENERATOR, linewidth=1.5)
    figure.axes[0].set_ylim(-12, 3)
    return figure


# %%
gt.style.show(
    at(1.0),
    alt="Real and imaginary parts of four eigenvalues over tau from 0.5 to 16. One conjugate pair "
    "has a positive real part below tau star = 2 and a negative one above; at tau near 11.7 it "
    "becomes real. The other pair is stable throughout. A red line stands at tau = 1.",
)

# %% [markdown]
# Drag the red line. (On GitHub and on paper you see the picture above.)


# %%
def words(tau):
    worst = gt.spectrum(J, tau).real.max()
    return f"tau = {tau:g}: largest real part {worst:+.2f}, {'stable' if worst < 0 else 'unstable'}"


gt.animation.chooser(at, taus[::2].tolist(), label="tau", describe=words, start=1.0)

# %% tags=["nbval-check-output"]
print("tau* =", round(tau_star, 6))
print("kind:", gt.classify(J).kind)
for tau in (1, 1.9, 2.1, 5):
    print(f"tau = {tau}: largest real part {gt.spectrum(J, tau).real.max():+.3f}")
print("real eigenvalues from tau =", round(gt.real_eigenvalue_tau(J), 3))

# %% [markdown]
# **Two routes to one number.** `tau_star` solves the paper's eigenvalue problem; it looks for the
# $\tau$ at which two eigenvalues of $J_\tau$ sum to zero. `tau_star_by_bisection` knows nothing of
# that: it looks at the rightmost eigenvalue and halves an interval. Here are 200 random minmax
# points with unequal numbers of parameters; the first 40 are bisected as well:

# %%
from gan_teach.analysis.timescale import tau_star_by_bisection


def random_minmax(rng, n_g=3, n_d=2):
    a, b, d = (rng.standard_normal(s) for s in ((n_g, n_g), (n_g, n_d), (n_d, n_d)))
    d = d @ d.T + 0.3 * np.eye(n_d)
    s = 0.2 * np.eye(n_g) + 0.3 * a @ a.T
    return -np.block([[s - b @ np.linalg.solve(d, b.T), b], [-b.T, d]])


rng = np.random.default_rng(0)
points = [random_minmax(rng) for _ in range(gt.budget(200, 20))]
formula = np.array([gt.tau_star(p, n_g=3) for p in points])

# %% tags=["nbval-check-output"]
bisected = np.array([tau_star_by_bisection(p, n_g=3).tau_star for p in points[:40]])
gap = np.abs(bisected - formula[:40]) / (1 + formula[:40])
print("both routes agree to 1e-6:", gt.holds(gap.max() < 1e-6))
print("some of them need tau > 1:", gt.holds((formula > 1).any()))

# %% [markdown]
# ## From the spectrum to the run
#
# The published runs of the quadratic game: 20 000 simultaneous steps, five values of $\tau$.
# **Predict** the order of the five curves, and what the one at $\tau = \tau^*$ does.

# %%
start = [*setup.x0, *setup.y0]
runs = gt.flows.trajectories(game, start, setup.taus, lr=setup.lr, steps=setup.steps, every=100)
apart = runs.distance(np.zeros(4))
ax = gt.plots.distance({f"tau = {t:g}": d for t, d in zip(setup.taus, apart.T, strict=True)})
ax.set_xlabel("step / 100")
gt.style.show(
    ax,
    alt="Distance to the origin over 200 records of 100 steps, logarithmic. At tau 2 it stays near "
    "12; at 2.5, 3, 5 and 10 straight lines fall ever more steeply, 5 and 10 almost alike.",
)

# %% [markdown]
# A straight line on a logarithmic axis is linear convergence, and its slope is the largest real
# part. At $\tau = \tau^*$ the pair sits on the axis: a cycle. Beyond $\tau = 5$ little is gained,
# since another pair, which hardly depends on $\tau$, is now the slow one.
#
# ## Curved games: the polynomial in the plane
#
# Eleven critical points. Two are minmax with $\tau^* = 1$; one is Nash. The published start is
# $(-9, -9)$, near a minmax point at $(-11.03, -11.03)$.

# %%
plane = zoo.polynomial()
end = gt.reproduction.nearest_zero("polynomial", (-11.03, -11.03)).w
paths = gt.flows.trajectories(
    plane.game(), [*plane.x0, *plane.y0], plane.taus, lr=plane.lr, steps=plane.steps, every=20
)
shown = {f"tau = {t:g}": paths.points[:, k] for k, t in enumerate(plane.taus[:3])}
curves = {f"tau = {t:g}": d for t, d in zip(plane.taus, paths.distance(end).T, strict=True)}

# %%
figure, axes = gt.style.mosaic([["field", "distance"]], (13, 5.2))
field = gt.flows.planar_field(plane.game(), (-15, -7, 40), tau=2.0)
gt.plots.vector_field(field, shown, axes["field"], equilibrium=end, title="Field for tau = 2")
gt.plots.distance(curves, axes["distance"]).set_xlabel("step / 20")
gt.style.show(
    figure,
    alt="Left: paths from (-9, -9) around the point (-11.03, -11.03): a closed orbit at tau 1, "
    "spirals into the point at 2 and 5. Right: it stays near 1.6 at tau 1 and falls along "
    "straight lines for 2, 5 and 20, the steepest for 20.",
)

# %% tags=["nbval-check-output"]
last = paths.distance(end)[-1]
print("tau = 1 keeps cycling:", gt.holds(last[0] > 1))
print("larger tau ends nearer:", gt.holds(np.all(np.diff(last) < 0)))

# %% [markdown]
# ## Faster is not always better: the Dirac-GAN with R1
#
# $\tau^* = 0$: every ratio attracts. The eigenvalues are
# $\tfrac12\bigl(-\tau\mu \pm \sqrt{\tau^2\mu^2 - \tau}\bigr)$. **Predict:** which of
# $\tau = 1, 4, 8, 16$ is the fastest for $\mu = 0.3$? *Where does the square root vanish?*

# %%
dirac = zoo.dirac(mu=0.3)
D = gt.jacobian(dirac.game(), dirac.game().draw(), torch.zeros(2, dtype=torch.float64))
runs = gt.flows.trajectories(
    dirac.game(), [1.0, 1.0], dirac.taus, lr=dirac.lr, steps=2500, every=10
)
distances = runs.distance([0.0, 0.0]).T
curves = {f"tau = {t:g}": d for t, d in zip(dirac.taus, distances, strict=True)}

# %%
ax = gt.plots.distance(curves)
ax.set_xlabel("step / 10")
gt.style.show(
    ax,
    alt="Distance to the equilibrium of the Dirac-GAN over 250 records of 10 steps. tau 8 falls "
    "fastest, 16 a little slower, 4 slower still, and 1 far slower, with ripples.",
)

# %% tags=["nbval-check-output"]
print("tau* =", gt.tau_star(D))
print("real from tau =", round(gt.real_eigenvalue_tau(D), 2), "= 1 / mu^2 =", round(1 / 0.09, 2))
rates = {tau: float(-gt.spectrum(D, tau).real.max()) for tau in (1, 4, 8, 11, 16)}
print({tau: round(rate, 3) for tau, rate in rates.items()})
below = [next(i for i, d in enumerate(c) if d < 1e-3) for c in list(curves.values())[1:]]
print("8 beats 16 beats 4:", below[1] < below[2] < below[0])

# %% [markdown]
# Up to $1/\mu^2$ both eigenvalues share the real part $-\tau\mu/2$, which grows with $\tau$. From
# there on they are real, and the slow one tends to $-1/(4\mu)$: $D$ is overdamped.
#
# ## An attractor that is no equilibrium
#
# The theorem speaks of *large* $\tau$. At a smaller one a point may attract that is no equilibrium
# at all. In the four-dimensional polynomial game the origin is one. `stable_intervals` finds
# every stretch of stable $\tau$ at any critical point and bisects each end on the spectrum.

# %%
four = zoo.polynomial_4d()
origin = gt.jacobian(four.game(), four.game().draw(), torch.zeros(4, dtype=torch.float64))
runs = gt.flows.trajectories(
    four.game(), [*four.x0, *four.y0], four.taus, lr=four.lr, steps=four.steps, every=10
)
both = {f"tau = {t:g}": runs.points[:, k, ::2] for k, t in enumerate(four.taus)}
gt.style.show(
    gt.plots.vector_field(None, both, equilibrium=[1, 1], names=("x", "w"), title="From one start"),
    alt="Four paths in the plane of x and w from one start. For tau 0.75 and 2 they wind into the "
    "origin, which is no equilibrium; for 5 and 12 they end at the equilibrium (1, 1).",
)

# %% tags=["nbval-check-output"]
print("kind of the origin:", gt.classify(origin).kind, " tau* =", gt.tau_star(origin))
((low, high),) = gt.stable_intervals(origin)
print(f"yet it attracts for {low:.6f} < tau < {high:.6f}")
for tau, w in zip(four.taus, runs.points[-1], strict=True):
    print(f"tau = {tau:g} ends at", w.round(1) + 0.0)

# %% [markdown]
# ## Every published number, recomputed
#
# The paper's notebooks print critical points, verdicts, $\tau^*$ and a few ends of runs. The list
# is in `gan_teach.zoo.reproduction`; the table is computed now.

# %%
rows = gt.reproduction.compare() + gt.reproduction.compare_ends()
gt.Table(
    ["notebook", "what", "published", "ours", "difference", "agrees"],
    [(r.notebook, r.what, r.published, r.ours, r.difference, r.agrees) for r in rows],
    caption="Published and recomputed.",
)

# %% tags=["nbval-check-output"]
print(len(rows), "published numbers, of which agree:", sum(r.agrees for r in rows))

# %% [markdown]
# All agree. That does not mean that the published code is right in everything. What it does, and
# what comes of it:
#
# - `compute_tau.py`: The docstring calls player 1's dimension m, the code slices with n. *Invisible
#   while both players have the same dimension, as in every notebook; otherwise a wrong $\tau^*$, or
#   a refusal, and no error.*
# - `compute_tau.py`: Where there is no $\tau^*$ an English sentence is returned. *`tau > tau_star`
#   raises a TypeError somewhere else; the callers test the type.*
# - `compute_tau.py`: No tolerance: eigenvalues are compared with 0. *Rounding such as 8.9e-16 is
#   printed for 0, and a singular D or Schur complement ends as an error, or as the same sentence as
#   a true non-equilibrium.*
# - `Torus.ipynb`: x2 is updated with the new x1: alternating steps, under a theorem on simultaneous
#   ones. *At tau = 1 closed orbits where simultaneous steps spiral out.*
# - `Torus.ipynb`: The grid's corners are the attractor (pi, pi) itself. *Four starting points count
#   as converged at tau = 1, where nothing converges.*
# - `polynomial.ipynb`: Trajectories are simultaneous, basins alternating, with a step 10 times
#   larger. *The two figures show two different dynamics.*
# - `polynomial.ipynb`: Critical points are typed in with 5 digits; one is overwritten later.
#   *$\tau^*$ still prints as 1.00, but the field there is not zero.*
# - `polynomial_nn.ipynb`: The first stored point is ordered (x, w, y, z), all later ones (x, y, w,
#   z). *Hidden by a start with y = w.*
# - `DiracGan.ipynb`: The second eigenvalue sweep has the off-diagonal entries' signs exchanged.
#   *None: the spectrum depends on their product.*
# - `cov.ipynb`: The first record is |W + W^T|, every later one |W|. *The dashed curves start a
#   factor 2 too high (d = 1).*
# - `cov.ipynb`: d = 20 has no seed of its own, and the eigenvalue plot overrides d by 1. *d = 20
#   depends on which cells ran before; only d = 1 has eigenvalues.*
# - `cov.ipynb`: For d > 1 the equilibria are not isolated, so $\tau^*$ does not exist there. *The
#   notebook runs d = 5, 10, 20 without saying so.*
#
# **The exchanged dimensions, reproduced.** Reading $J$ with $n_G = 2$ where it is 3:

# %%
swapped = np.array([gt.tau_star(p, n_g=2) for p in points])
refused = np.isinf(swapped)
wrong = ~refused & (np.abs(swapped - formula) > 1e-6 * (1 + formula))
print(f"of {len(points)} minmax points: {refused.sum()} refused, {wrong.sum()} wrong,", end=" ")
print(f"{(~refused & ~wrong).sum()} right by chance")

# %% [markdown]
# **The sentence instead of a number.** Here a point without $\tau^*$ has $\tau^* = \infty$, which
# compares as it should, and `timescale` gives the reason:

# %% tags=["nbval-check-output"]
from gan_teach.analysis.timescale import timescale

print(timescale(origin).reason)
print("is 5 above tau*?", gt.tau_star(origin) < 5)

# %% [markdown]
# **Alternating under a theorem for simultaneous steps.** On the torus $(\pi, 0)$ is no equilibrium
# and at $\tau = 1$ just marginal. One step is a matrix, and its largest eigenvalue tells the two
# schemes apart: above 1 the published map of basins would have left the point, below 1 it is held.

# %% tags=["nbval-check-output"]
from gan_teach.dynamics.linear import step_spectrum

torus = zoo.torus().game()
T = gt.jacobian(torus, torus.draw(), torch.tensor([np.pi, 0.0], dtype=torch.float64))
for rule in (gt.simultaneous(), gt.alternating()):
    print(type(rule).__name__, f"{abs(step_spectrum(rule, T, lr=0.04)).max():.6f}")

# %% [markdown]
# With the published step the non-equilibrium *attracts* under alternating steps and repels under
# simultaneous ones: two figures of one game that cannot be compared.

# %% [markdown]
# ## One slider for two ratios
#
# Recipes say "five $D$ steps for each $G$ step", theory says "$\tau = 5$". Both move $D$ five times
# as far while $G$ moves once:
#
# $$\text{ratio} = \frac{\gamma_D\, n_D}{\gamma_G\, n_G}.$$
#
# The slider sets this one number; the GAN on the line of chapter 01 is trained by **both routes**
# with equal seeds and equal $\gamma_G = 0.1$. **Predict:** where do they part?


# %%
def both_routes(ratio):
    routes = gt.experiments.two_routes(ratio, seeds=8, games=gt.budget(1000))
    figure, axes = gt.style.mosaic([["rate", "steps"]], (11, 4))
    for name, history in (("rate", routes.by_rate), ("steps", routes.by_steps)):
        gt.plots.fan(history, "objective", axes[name], level=(gt.experiments.TARGET, "-2 log 2"))
        axes[name].set_ylim(-4, 0.1)
        axes[name].set_title(f"ratio {ratio:g} by {name}: V over 8 seeds", loc="left")
    return figure


# %%
gt.animation.chooser(both_routes, [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16], label="ratio", start=4)

# %%
gt.style.show(
    both_routes(4),
    alt="V over 1000 games for 8 seeds at ratio 4. By learning rate V jumps about between 0 and "
    "-4; by steps it swings for some 500 games and settles at -2 log 2.",
)

# %% [markdown]
# Four steps settle within 1000 games, one step of four times the length does not. The ratio is the
# same; what differs is the *length of a step*: one step of $D$ multiplies its deviation by
# $1 - \gamma_D\lambda$, and with the curvature $\lambda \approx 13.3$ of chapter 01 the limit
# $\gamma_D\lambda < 2$ is passed: $0.4 \cdot 13.3 = 5.3$. A statement about $\tau$ is one about
# **small steps**. So make them small, and let them go on for long enough that runs arrive. The
# yardstick for "the same": how far two seeds of one route are apart.

# %%
settings = [("sgd", 0.1, 1000), ("sgd", 0.02, 2500)]
settings += [("adam", 0.01, 300), ("adam", 0.0025, 1200), ("adam", 0.000625, 4800)]
rows, share = [], {}
for optimizer, lr, games in settings:
    options = {"games": gt.budget(games), "lr": lr, "optimizer": optimizer}
    routes = gt.experiments.two_routes(4, 16, **options)
    both = gt.experiments.agreement(routes)
    share[optimizer, lr] = both.gap / both.between_seeds
    ends = [gt.experiments.outcomes(h) == "settled" for h in (routes.by_rate, routes.by_steps)]
    rows.append([optimizer, lr, games, *map(sum, ends), both.gap, both.between_seeds])

# %%
gt.Table(
    ["optimizer", "lr of G", "games", "by rate", "by steps", "gap", "between seeds"],
    rows,
    caption="16 seeds at ratio 4: how many settled by each route. gap: largest distance of the two "
    "generators' means, median over the seeds.",
)

# %% tags=["nbval-check-output"]
print("SGD, long steps: routes differ:", gt.holds(share["sgd", 0.1] > 0.2))
print("SGD, short steps: the same:", gt.holds(share["sgd", 0.02] < 0.05))
adam = [share["adam", lr] for lr in (0.01, 0.0025, 0.000625)]
print("Adam: nearer at each smaller rate:", gt.holds(adam[0] > adam[1] > adam[2]))
print("at 0.01 as far apart as two seeds:", gt.holds(adam[0] > 0.8), end="; ")
print("at 0.000625 not:", gt.holds(adam[2] < 0.3))

# %% [markdown]
# **With SGD and short steps the two routes are one**: the runs arrive, in the same number of seeds,
# and their gap is a hundredth of what a change of seed does. With long steps they are not. **With
# Adam it is the same law at smaller rates**: its averages forget by the *step*, so that four short
# steps and one long one see different pasts, but at a quarter of the rate the gap is about half as
# wide, at a sixteenth an eighth. (All Adam runs cover the same distance, 3 per parameter; none has
# settled by then, so that this compares ways, not ends.) A rate at which one trains with Adam is
# rarely that small: a result for $\tau$ does not carry over to a number of steps unasked.
#
# ## tau* of a trained GAN
#
# The library does not care whether a Jacobian comes from a formula or from a GAN. First the trained
# GAN on the line. A run of it ends *near* a zero of the expected field, not at one, and Newton's
# method from there alone may find none; so it starts from 24 places around the run's end, and the
# zero nearest to that end is taken:

# %%
history = gt.experiments.run("normal", games=gt.budget(1000, 400))
gan = zoo.line_gan(seed=0).to(torch.float64)
batch = zoo.line.expectation_batch(gan)
end = history.last("params")
starts = end + 2 * np.random.default_rng(0).standard_normal((24, 4))
zeros = gt.critical_points(gan, starts, batch=batch)
zero = min(zeros, key=lambda zero: np.linalg.norm(zero.w - end))
across = gt.transverse(zero.J)
print("(w, b, a, c) where the run ended:", end.round(2), "; the zero:", zero.w.round(2) + 0.0)

# %% tags=["nbval-check-output"]
print("tau* =", zero.tau_star, "-", zero.point.kind)
print("zero mode of (w, b):", (across.g_modes[:, 0] / across.g_modes[0, 0]).round(6))
print("across it: tau* =", gt.tau_star(across.J))

# %% [markdown]
# The spread, which a linear $D$ cannot see (chapter 01), makes the equilibria a line: $S$ is
# singular, no $\tau^*$. Across that line $\tau^* = 0$. So it is wherever the generator can match
# the data and $D$ ends flat: then $A = 0$, and if a $\tau^*$ exists at all, it is 0 and $\tau$
# decides the speed only.
#
# Now a GAN that cannot match its data: two bumps against a uniform density of any width, a
# quadratic logit, R1. **Predict:** what happens below $\tau^*$?


# %%
def train_misfit(tau):
    steps = gt.budget(600, 300)
    gan = zoo.misspecified_gan(w=0.68)
    run = gt.train(gan, gt.simultaneous(), steps=steps, lr=0.2, tau=tau, batch_size=32)
    return gan, gt.record(run, params=gt.probes.params())


gan, settled = train_misfit(2.0)
J = gt.jacobian(gan, gan.draw(32, torch.Generator()))
away = {f"tau = {tau:g}": train_misfit(tau)[1] for tau in (0.5, 0.8)} | {"tau = 2": settled}
goal = settled.last("params")
apart = {k: np.linalg.norm(h["params"] - goal, axis=1)[:-20] for k, h in away.items()}

# %%
gt.style.show(
    gt.plots.distance(apart),
    alt="Distance to the trained parameters over 580 steps. At tau 2 it falls to 1e-7 along a "
    "straight line; at 0.8 and 0.5, below tau star, it turns back near 0.05 and then swings at a "
    "distance of about 1.",
)

# %% tags=["nbval-check-output"]
print("at the final parameters:", gt.classify(J).kind, " tau* =", round(gt.tau_star(J), 3))

# %% [markdown]
# ## Play
#
# The Dirac-GAN with R1 of weight 0.3, live, at $\tau = 8$: its path still turns. Drag $\tau$ up:
# from $1/0.3^2 \approx 11$ on both eigenvalues are real, and it goes straight home.

# %%
gt.Lab("timescale")

# %% [markdown]
# ## Exercises
#
# **1.** $-J = \begin{pmatrix} -3 & 4 \\ -4 & 0.5 \end{pmatrix}$. What is $\tau^*$?
# *Hint 1: for two numbers, the trace decides.* *Hint 2: $-3 + 0.5\tau$.*

# %%
answer = ...
gt.exercises.check_scalar_tau_star(answer)

# %% [markdown]
# **2.** From which $\tau$ on does the Dirac-GAN with R1 of weight $\mu$ not oscillate?
# *Hint: the square root above.*

# %%
real_from = ...  # for instance: lambda mu: ...
gt.exercises.check_real_from(real_from)

# %% [markdown]
# **3.** With $\gamma_G = 0.1$ and curvature $13.3$: up to which $\tau$ is a single step of $D$
# stable? *Hint 1: $|1 - \tau\gamma_G\lambda| < 1$.* *Hint 2: the product may be up to 2.*

# %%
largest = ...
gt.exercises.check_largest_ratio(largest, lr=0.1, curvature=13.3)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_scalar_tau_star(6))
print(gt.exercises.check_real_from(lambda mu: 1 / mu**2))
print(gt.exercises.check_largest_ratio(2 / 1.33, lr=0.1, curvature=13.3))

# %% [markdown]
# ## Where this bites in practice
#
# - "TTUR" and "five critic steps" are one idea only for plain SGD and short steps. With Adam say
#   which of the two you used; results do not carry over.
# - A larger ratio is not safer: the step of $D$ may become too long (SGD), and beyond the damping's
#   limit it brings nothing (Dirac-GAN: $1/\mu^2$).
# - A run that converges has not proved that it found an equilibrium: look at the blocks.
#
# ## Further reading
#
# - T. Fiez, L. Ratliff, *Local Convergence Analysis of Gradient Descent Ascent with Finite
#   Timescale Separation*, 2021: theorem 1, section 5.
# - C. Jin, P. Netrapalli, M. Jordan, *What is Local Optimality in Nonconvex-Nonconcave Minimax
#   Optimization?*, 2020: $\tau \to \infty$.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017.
