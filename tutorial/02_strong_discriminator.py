# %% [markdown]
# # Watch a strong discriminator starve the generator
#
# *Fifty discriminator steps to one generator step: where does the generator's gradient go?*
#
# **You will do:** let $D$ train fifty times as often as $G$, take the generator's gradient apart,
# and test on 64 seeds whether the run is stuck or only slow. **You will learn:** where the gradient
# goes when $D$ wins, why eigenvalues alone do not make a local maximum, and what $-\log D$ in place
# of $\log(1 - D)$ changes. **You need:** chapter 01.

# %%
import gan_teach as gt
import numpy as np
import torch
from torch.func import grad, jacrev
from torch.nn.functional import logsigmoid

# %% [markdown]
# ## The rule
#
# The game of chapter 01, except that each round has **50** steps of $D$ and one of $G$, for 500
# rounds. With $f(x) = ax + c$ the logit of $D$, the chain rule gives $G$'s gradient as three
# factors:
#
# $$\begin{aligned}
#   \frac{\partial}{\partial b} \log\bigl(1 - D(G(z))\bigr)
#   &= \underbrace{-D(G(z))}_{\partial \log(1 - \sigma(f)) / \partial f}
#   \cdot \underbrace{a}_{\partial f / \partial x}
#   \cdot \underbrace{1}_{\partial G / \partial b}, \\
#   \frac{\partial}{\partial w} \log\bigl(1 - D(G(z))\bigr) &= -D(G(z)) \cdot a \cdot z .
#   \end{aligned}$$
#
# The first factor is $D$'s own opinion of the sample. **Predict:** more steps make $D$ better, and
# a better $D$ has a larger slope $a$. How far will the generator come in its first 100 rounds,
# compared with chapter 01?

# %%
guess = gt.predict("farther", "about as far", "less far")
guess

# %%
history = gt.experiments.run("strong-discriminator", games=gt.budget(500))

# %%
gt.show(
    gt.plots.summary(history),
    alt="Left: at round 500 the generated points still lie between 0 and 1, and D is a steep step "
    "at 2.2 between them and the real points around 5; the dashed best answer is 0 where the "
    "generated points lie and 1 elsewhere. Right: V rises to nearly 0 within 20 rounds and stays; "
    "the gradient norms of both players fall below 0.01.",
)

# %%
balanced = gt.experiments.run("normal", games=100)
k = min(100, len(history) - 1)  # a round; below, the way of G's mean w/2 + b until then
way, usual = ((h["params"][k] - h["params"][0]) @ [0.5, 1, 0, 0] for h in (history, balanced))
guess.answer(
    "farther" if way > 1.1 * usual else "less far" if way < usual / 1.1 else "about as far"
)
print(f"by round {k}: {way:.2f}, with one step of D {usual:.2f}")

# %%
gt.player(
    history,
    n=[0, 1, 5, 20, 100],
    alt="Five moments of training. D leans gently at round 0, and after one round rises from 0 to"
    " 1 around 1.1; by round 20 it is a step below 2, by round 100 a steeper one at 2. The "
    "generated points lie near 0 up to round 20 and at 0.3 at round 100.",
)

# %%
v, a = history["objective"], history["params"][:, 2]  # a is D's slope
means = history["params"] @ [0.5, 1, 0, 0]  # of the generator
print(f"from round 20 on V is above {v[20:].min():.3f};", end=" ")
print(f"after {history.steps[-1]} rounds G's mean is {means[-1]:.2f}")

# %% tags=["hide-input"]
assert gt.holds(v[20:].min() > -0.02 and means[-1] < 1 and way < usual / 5)

# %% [markdown]
# Less far, in this run by a factor of ten. $V$ is near 0, the bound that it cannot pass: **$D$'s
# loss is almost zero, and that is the failure, not the success.** One calls this
# [saturation](glossary.md#saturating-loss).
#
# ## Where the gradient goes
#
# $D(G(z))$ has become so small that it outweighs the larger slope. The formula above says how small
# $G$'s gradient must be: nearly $|a| \, D(G(z)) \sqrt{1 + 1/4}$, as $z$ averages to $1/2$. It
# stands beside the measured one. **Predict:** by which factor does $G$'s gradient fall from its
# largest value?

# %%
predicted = abs(history["params"][:, 2]) * history["d_fake"] * np.sqrt(1 + 1 / 4)

# %%
curves = {"norm of G's gradient": history["g_grad"], "|a| D(G(z)) √(5/4)": predicted}
gt.show(
    gt.plots.compare(history.steps, curves, log=True, ylabel="norm"),
    alt="The norm of the generator's gradient on a logarithmic axis, falling over 500 rounds from "
    "0.25 to 0.005, steeply at first. The prediction lies on it; the measurement scatters by some "
    "ten percent around it.",
)

# %%
ratio = history["g_grad"][-400:] / predicted[-400:]
low, middle, high = np.percentile(ratio, [5, 50, 95])
print(f"measured / predicted, last 400 rounds: {middle:.2f}, middle 90 % {low:.2f} to {high:.2f}")
first, last = np.nanargmax(history["g_grad"]), len(history) - 1
for game in (first, last):
    print(f"round {game}: slope {a[game]:.1f}, D(G(z)) {history['d_fake'][game]:.4f},", end=" ")
    print(f"G's gradient {history['g_grad'][game]:.4f}")

# %% tags=["hide-input"]
assert gt.holds(abs(middle - 1) < 0.05 and low > 0.8 and high < 1.2)
assert gt.holds(history["g_grad"][first] > 45 * history["g_grad"][last] > 0.045)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A factor of fifty: the slope is three to four times as large, $D$'s answer two hundred times as
# small. (The scatter is mostly the mean of ten latents, not quite $1/2$.)
#
# </details>
#
# ## The discriminator's view
#
# Is $D$ doing something wrong? Hold it against the best answer to this generator, the dashed
# $D^*(x) = p(x) / (p(x) + q(x))$ of the first picture, on the generated points and on the real
# ones.

# %%
grid = gt.experiments.GRID
for name, points in {"generated": history["fake"][-1], "real": history.static["real"]}.items():
    says = np.interp(points, grid, history["d_grid"][-1])
    best = gt.zoo.line.optimal_discriminator(points, *history["params"][-1, :2])
    print(f"{name} points: D from {says.min():.4f} to {says.max():.4f},", end=" ")
    print(f"D* from {best.min():.6f} to {best.max():.6f}")

# %% [markdown]
# It does nothing wrong, it is only not quite as sure as it might be. Real and generated points do
# not overlap, so the best answer says "fake" to every generated point with near certainty, and a
# generator whose loss is $\log(1 - D)$ learns nothing from certainty (Arjovsky & Bottou, 2017,
# theorems 2.1 and 2.4).
#
# ## A local maximum?
#
# The published tutorial reads off the eigenvalues of $V$'s Hessian that this run has ended in a
# local maximum. **Predict their signs, and then say whether you agree.**

# %%
gt.show(
    gt.plots.eigenvalues(history),
    alt="Four eigenvalues over 500 rounds on a symmetric logarithmic axis. The largest becomes "
    "negative at round 3; from then on all four are, and at the end they lie between -0.03 and "
    "-0.0001. Of the dashed levels of the equilibrium, -13.6, -0.1, 0 and +0.12, only 0 is near "
    "them there.",
)

# %%
end, gone = history["eigenvalues"][-1], means[-1] - means[-100:][0]
print("eigenvalues at the last round:", np.array2string(end, precision=1))
print(f"G's gradient there: {history['g_grad'][-1]:.4f};", end=" ")
print(f"in the last 100 rounds G's mean has gone {gone:.3f} towards 5")

# %% tags=["hide-input"]
assert gt.holds((end < 0).all() and abs(end).max() < 0.05 and gone > 0.03)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The signs are those of a maximum. But a maximum needs two things, and the first is missing: **the
# gradient is not zero there.** The point is not [critical](glossary.md#critical-point) at all, it
# is a plateau with a gentle slope, and the generator keeps walking down. Nor would a maximum of $V$
# hold this game: $D$ climbs on $V$, but $G$ descends, away from it.
#
# </details>

# %% [markdown]
# ## Open the hood
#
# What decides whether a *game* holds a point is not the Hessian of $V$ but the Jacobian of where
# the players go: $G$ down and $D$ up. It is the derivative of a derivative, and PyTorch takes both.
# Some of its eigenvalues may be complex: a short step multiplies a deviation by 1 plus the step
# times such a number, so that it grows where the real part is positive, and turns where there is an
# imaginary one ([chapter 01](01_normal.ipynb) says how fast). Here at a point much like the run's
# last. Change it, for instance to an equilibrium,
# $(2, 4, 0, 0)$, or change a sign.


# %% tags=["hood"]
def value(point, x, z):
    w, b, a, c = point
    return logsigmoid(a * x + c).mean() + logsigmoid(-(a * (w * z + b) + c)).mean()


def velocity(point, x, z):
    """Where the two players go: G descends V in w and b, D climbs it in a and c."""
    dv = grad(value)(point, x, z)
    return torch.cat([-dv[:2], dv[2:]])


# %% tags=["hood"]
batch = gt.zoo.line_gan(seed=0).draw(10, torch.Generator().manual_seed(0))
x, z = batch.real.double(), batch.latent.double()
point = torch.tensor([0.1, 0.5, 4.2, -9], dtype=torch.float64)  # w, b, a, c
jacobian = jacrev(velocity)(point, x, z)  # row: whose velocity; column: by which number
blocks = {"G by G": jacobian[:2, :2], "G by D": jacobian[:2, 2:]}
blocks |= {"D by G": jacobian[2:, :2], "D by D": jacobian[2:, 2:]}
for name, block in blocks.items():
    print(name, np.round(block.numpy(), 4).tolist())
eigenvalues = torch.linalg.eigvals(jacobian).numpy()
print("eigenvalues:", np.array2string(np.sort_complex(eigenvalues), precision=5))

# %% tags=["hood-check"]
library = gt.jacobian(gt.zoo.line_gan(seed=0), batch, point)
gap = abs(jacobian.numpy() - library.matrix).max()
other = abs(np.sort_complex(eigenvalues) - np.sort_complex(gt.spectrum(library))).max()
print(f"largest difference of an entry {gap:.0e}, of an eigenvalue {other:.0e}")
assert gap < 1e-12
assert other < 1e-12

# %% [markdown]
# <details><summary>What happens</summary>
#
# `torch.tensor([0.1, 0.5, 4.2, -9]` becomes `torch.tensor([2.0, 4.0, 0.0, 0.0]`:
#
# ```python
# turning = eigenvalues[abs(eigenvalues.imag) > 0.01]
# print(f"{len(turning)} eigenvalues turn, with the real part {turning.real.max():.3f}")
# ```
#
# ```text
# G by G [[0.0, 0.0], [0.0, 0.0]]
# D by D [[-12.9002, -2.5152], [-2.5152, -0.5]]
# 2 eigenvalues turn, with the real part -0.016
# ```
#
# At the equilibrium $G$'s own block is 0, and no eigenvalue has a positive real part any more: a
# pair turns, with a real part that $D$'s own block gives it.
#
# </details>

# %% [markdown]
# The cross blocks are each other's transpose with the opposite sign: what $G$ gains $D$ loses. And
# two of the eigenvalues are positive. They are, within 7 %, the eigenvalues of $G$'s own block: in
# $G$'s parameters $V$ is curved here as at a maximum, though its slope is not 0, and two generators
# that descend from nearby points of such a hill part.

# %% [markdown]
# ## Is the equilibrium still attractive?
#
# Perhaps 50 steps of $D$ upset the balance at the equilibrium itself. That can be computed without
# a run. The closed-form Hessian of chapter 01, with the generator's rows negated, is the Jacobian
# of the game, and `gt.dynamics.step_spectrum` gives the factors by which one round multiplies small
# deviations. (An *e-fold* is the time in which they shrink by a factor of $e$.) **Predict:** is the
# equilibrium more attractive at 1:1 or at 50:1?

# %% tags=["nbval-check-output"]
H = gt.zoo.line.equilibrium_hessian(w=2.0, mean=5.0, second_moment=26.0)
J = gt.spectra.GameJacobian(np.diag([-1, -1, 1, 1]) @ H, n_g=2)
for steps in (1, 50, 100):
    factors = abs(gt.dynamics.step_spectrum(gt.alternating(d_steps=steps), J, lr=0.1))
    slowest = factors[factors < 1 - 1e-9].max()  # the 1 is the spread, which nobody sees
    fold = -1 / np.log(slowest)
    print(f"{steps:3}:1  factor per round {slowest:.4f}, e-fold in {fold:.0f} rounds,", end=" ")
    print(f"{steps * fold:.0f} steps of D")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **Round by round, a strong discriminator makes the equilibrium more attractive, not less**: small
# deviations shrink by a factor of $e$ in 31 rounds instead of 569 (though in 1542 steps of $D$
# instead of 569). What it spoils is the way there. That changes the question from "why does it not
# converge?" to "how long is the way?"
#
# </details>
#
# ## 64 seeds, 3000 rounds
#
# **Predict** how many of 64 seeds have settled, with $V$ within 0.1 of $-2 \log 2$, after 500
# rounds, and after 3000.

# %%
many = gt.experiments.run_seeds(
    "strong-discriminator", gt.budget(64, 8), games=gt.budget(3000), every=10
)
distance = abs(many["objective"] - gt.experiments.TARGET)
shares = {"settled": distance < 0.1, "saturated, V > -0.1": many["objective"] > -0.1}

# %%
curves = {name: 100 * found[1:].mean(1) for name, found in shares.items()}
gt.show(
    gt.plots.compare(many.steps[1:], curves, ylabel="% of the seeds"),
    alt="Share of settled seeds: a rise from zero to nearly 90 percent at round 3000. Share of "
    "saturated seeds: all at first, then a fall to an eighth. The two cross near round 1130.",
)

# %%
for game in (500, 1000, 3000):
    k = min(np.searchsorted(many.steps, game), len(many) - 1)
    counts = [int(found[k].sum()) for found in shares.values()]
    low, high = gt.plots.wilson(counts[0], distance.shape[1])
    print(f"{many.steps[k]} rounds: {counts[1]} saturated, {counts[0]} settled", end=" ")
    print(f"({low:.0%} to {high:.0%})")

# %%
k = min(10, len(many) - 1)  # the record of round 100
usual = gt.experiments.run_seeds("normal", distance.shape[1], games=int(many.steps[k]), every=10)
ways = [(h["params"][k] - h["params"][0]) @ [0.5, 1, 0, 0] for h in (many, usual)]
low, middle, high = np.percentile(ways[1] / ways[0], (5, 50, 95))
print(
    f"by round {many.steps[k]} G's mean has gone less far than with one step of D, by a factor of"
)
print(f"{middle:.1f} (median; middle 90 %: {low:.1f} to {high:.1f})")

# %% tags=["hide-input"]
assert gt.holds(7 < middle < 12 and low > 2)

# %%
settled, saturated = shares.values()  # (rounds, seeds)
stuck, late = saturated[min(50, len(many) - 1)], saturated[-1]  # at round 500; at the end
print(
    f"of {stuck.sum()} saturated at round 500, {settled[-1][stuck].sum()} have settled by the end"
)
centers = many["params"] @ [0.5, 1, 0, 0]
gone = (centers[-1] - centers[-11:][0])[late]
print(f"the others: seeds {np.flatnonzero(late).tolist()},", end=" ")
print(f"gone by {np.round(gone, 2).tolist()} in the last 100 rounds")

# %% tags=["hide-input"]
assert gt.holds(0.1 < settled[min(50, len(many) - 1)].mean() < 0.3 and 0.7 < stuck.mean() < 0.9)
assert gt.holds(settled[-1].mean() > 0.8 and (gone > 0.005).all())

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The seeds that looked stuck arrive one after the other: 43 of 51 by round 3000, and the last eight
# still walk. (The project's tests follow these eight: by round 7000 all have settled, the first for
# good from round 3863 on. And they hold the shares at rounds 500 and 1000 against a simulation that
# shares no code with the library.)
# **Slow saturation, not a local maximum**: the curve of $V$ alone, cut off at round 500, cannot
# tell the two apart.
#
# </details>
#
# Where a seed has arrived, the Hessian is close to that of the equilibrium: medians over the
# settled seeds, beside the closed form, and how far single seeds are from it.

# %%
arrived = {k: many.static[f"eigenvalues_{k}"][settled[-1]] for k in ("theory", "end")}
for name, values in arrived.items():
    print(f"{name}:", np.round(np.median(values, 0), 3) + 0.0, f"({len(values)} seeds)")

# %%
end, theory = (values[:, [0, 1, 3]] for values in reversed(arrived.values()))  # the third is 0
for name, part in zip(("first", "second", "fourth"), abs(end / theory - 1).T, strict=True):
    print(f"the {name} differs by {part.max(initial=0):.0%} at most")

# %% tags=["hide-input"]
measured, theory = (np.median(arrived[k], 0) for k in ("end", "theory"))
assert gt.holds((abs(measured - theory) < 0.15 * abs(theory) + 1e-3).all())

# %% [markdown]
# ## Two changes
#
# **An even stronger $D$.** At 100:1 the factor of a round at the equilibrium is better still for
# the $w = 2$ of the table above (no law: with `w=5.0` there it is worse than at 50:1). **Predict**
# what that does to the share of seeds that settle within 500 rounds.
#
# **Another loss for $G$.** Let $G$ minimise $-\log D(G(z))$ instead, the [non-saturating
# loss](glossary.md#non-saturating-loss) (Goodfellow et al., 2014, section 3). $D$'s loss is the
# same. The first factor becomes $\partial(-\log \sigma(f)) / \partial f = -(1 - D(G(z)))$: in size
# largest where $D$ is sure that it sees a fake. (In the picture a run is *on the way* if it is
# neither settled nor saturated in its last round, and *diverged* if its $V$ is no finite number.)

# %%
d = np.linspace(0, 1, 101)
curves = {"saturating: D(G(z))": d, "non-saturating: 1 − D(G(z))": 1 - d}
gt.show(
    gt.plots.compare(
        d,
        curves,
        xlabel="D(G(z))",
        ylabel="first factor",
        mark=(history["d_fake"][-1], "round 500"),
    ),
    alt="Two straight lines that cross at one half. The saturating factor is 0 where D is sure "
    "that a sample is fake, where the run ended; the non-saturating one is 1 there.",
)


# %%
def ended(experiment, **changes):
    runs = gt.experiments.run_seeds(experiment, gt.budget(64, 8), every=10, **changes)
    return gt.experiments.outcomes(runs).tolist()


# %%
games = gt.budget(500)
outcomes = {
    "50:1, 500 rounds": ended("strong-discriminator", games=games),
    "50:1, 3000 rounds": gt.experiments.outcomes(many).tolist(),
    "100:1, 500 rounds": ended("stronger-discriminator", games=games),
    "50:1, non-saturating": ended("strong-discriminator", games=games, loss="non_saturating"),
}

# %%
gt.show(
    gt.plots.outcomes(outcomes, gt.experiments.OUTCOMES),
    alt="How 64 seeds ended, with Wilson intervals. After 500 rounds, 50 to 1: most saturated, "
    "about a sixth settled; 100 to 1: nearly all saturated; 50 to 1 with the non-saturating loss: "
    "all settled. 50 to 1 after 3000 rounds: 56 of 64 settled.",
)

# %%
for name, ends in outcomes.items():
    low, high = gt.plots.wilson(ends.count("settled"), len(ends))
    print(f"{name}: {ends.count('settled')} of {len(ends)} settled ({low:.0%} to {high:.0%})")

# %% tags=["hide-input"]
assert gt.holds(outcomes["100:1, 500 rounds"].count("settled") < 10)
assert gt.holds(set(outcomes["50:1, non-saturating"]) == {"settled"})

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A discriminator that makes as many steps as before is no obstacle to a generator that listens to
# $\log D$ rather than to $\log(1 - D)$: every seed settles within the 500 rounds.
#
# **What is true, then.** With the saturating loss, a strong discriminator starves the generator:
# its gradient shrinks with $D(G(z))$. The run has not converged, to a local maximum or otherwise;
# it crosses a plateau, and at 100:1 that takes longer than at 50:1. At the other end lies an
# equilibrium that is, round by round, *more* attractive than that of balanced play.
#
# </details>

# %% [markdown]
# ## Play
#
# Take $D$'s steps down while it runs, or change the loss, and watch the plateau end.

# %%
gt.Lab("strong-discriminator")

# %% [markdown]
# ## Exercises
#
# **1.** $D$ gives a generated sample the probability $0.001$ of being real. How many times as large
# is $G$'s gradient by this sample under the non-saturating loss as under the saturating one?
#
# <details><summary>Hint</summary>
#
# The other two factors are the same.
#
# </details>

# %%
times = ...
gt.exercises.check_gradient_ratio(times)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_gradient_ratio(0.999 / 0.001)
# ```
#
# ```text
# Right: (1 - D) / D = 0.999 / 0.001.
# ```
#
# </details>

# %% [markdown]
# **2.** Write the loss that saved all seeds, $-\log D(G(z))$, in PyTorch: a function of $D$'s
# *logits* of the real and of the generated samples. It has to stay finite where $D$ is sure.
#
# <details><summary>Hint 1</summary>
#
# $-\log \sigma(f) = \log(1 + e^{-f})$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `torch.nn.functional.softplus(t)` is $\log(1 + e^t)$ without overflow.
#
# </details>


# %%
def generator_loss(real, fake):
    return ...


verdict = gt.exercises.check_generator_loss(generator_loss)
verdict

# %% [markdown]
# When it is right, the next cell trains the chapter's GAN with it: any pair of functions of logits
# is a loss.

# %%
if verdict:
    loss = (generator_loss, gt.losses.cross_entropy_d)
    runs = {"yours": gt.experiments.run("strong-discriminator", games=gt.budget(100), loss=loss)}
    for name in ("non_saturating", "saturating"):
        games = gt.budget(100)
        runs[name] = gt.experiments.run("strong-discriminator", games=games, loss=name)
    for name, run in runs.items():
        print(f"{name}: G's mean at the last round {run['params'][-1] @ [0.5, 1, 0, 0]:.4f}")
    gap = abs(runs["yours"]["params"] - runs["non_saturating"]["params"]).max()
    print(f"your run and the library's differ by at most {gap:.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def generator_loss(real, fake):
#     return torch.nn.functional.softplus(-fake).mean(-1)
#
#
# gt.exercises.check_generator_loss(generator_loss)
# ```
#
# ```text
# Right: -log sigmoid(f) = softplus(-f), and its mean.
# ```
#
# </details>

# %% [markdown]
# **3.** With that loss the two players have no common $V$ any more, and the hood's `velocity` does
# not fit. Write the Jacobian of any game of two losses, $L_G$ and $L_D$:
# `jacobian(loss_g, loss_d, w, n_g)`, where each loss is a function of all numbers `w`, the first
# `n_g` of them are $G$'s, and each player goes down its own loss.
#
# <details><summary>Hint 1</summary>
#
# First the velocity, as in the hood: the first `n_g` entries of one gradient, the others of
# another.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `grad(loss)` is a function of `w`, and `jacrev(velocity)(w)` the matrix.
#
# </details>


# %%
def jacobian(loss_g, loss_d, w, n_g):
    return ...


verdict = gt.exercises.check_game_jacobian(jacobian)
verdict

# %% [markdown]
# When it is right, the next cell returns to the hood's point, where with the saturating loss small
# deviations grow in two directions, that is of positive eigenvalues. **Predict:** in how many with
# the other loss, and how fast?

# %%
if verdict:
    jacobian = verdict.own  # yours, with NumPy arrays in and out

    def on_fakes(point):
        return point[2] * (point[0] * z + point[1]) + point[3]

    losses = {"saturating": lambda point: logsigmoid(-on_fakes(point)).mean()}
    losses["non_saturating"] = lambda point: -logsigmoid(on_fakes(point)).mean()
    for name, loss_g in losses.items():
        yours = torch.as_tensor(jacobian(loss_g, lambda t: -value(t, x, z), point, 2)).detach()
        library = gt.jacobian(gt.zoo.line_gan(seed=0, loss=name), batch, point).matrix
        gap, rates = abs(yours.numpy() - library).max(), torch.linalg.eigvals(yours).real
        print(f"{name}: {int((rates > 0).sum())} grow, the fastest at {rates.max():.4f};", end=" ")
        print(f"your matrix and the library's differ by at most {gap:.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def jacobian(loss_g, loss_d, w, n_g):
#     def velocity(w):
#         return -torch.cat([grad(loss_g)(w)[:n_g], grad(loss_d)(w)[n_g:]])
#
#     return jacrev(velocity)(w)
#
#
# gt.exercises.check_game_jacobian(jacobian)
# ```
#
# ```text
# Right: G's rows come from G's loss, D's from D's, and each player goes down its own.
# ```
#
# </details>

# %% [markdown]
# ## Where this bites in practice
#
# - A discriminator's loss near zero early in training is an alarm, not good news. Log the
#   generator's gradient norm beside the losses.
# - The logistic loss of the published code in chapters 15 and 16, and of BigGAN's
#   (`loss_dcgan_gen`), is the non-saturating one, not that of the game of equation 1. Theory about
#   one is not automatically about the other.
# - "It has converged" and "it has stopped moving noticeably" are different claims. A gradient norm,
#   a longer run and more seeds tell them apart; a picture of the loss does not.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014, section 3: the non-saturating loss.
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017: vanishing gradients (theorem 2.4), and what $-\log D$ costs instead (theorem
#   2.6). Their cure is chapter 04.
# - E. Sansone, *Tutorial on GANs*: the experiment (500 rounds, 50:1 and 100:1).
# - What the tutorial says, row by row, each with a verdict: `line.strong` and `line.stronger` in
#   [the ledger](22_ledger.ipynb).
