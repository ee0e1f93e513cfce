# %% [markdown]
# # Watch a strong discriminator starve the generator
#
# *Fifty discriminator steps to one generator step: saturation, which is slow but not the end.*
#
# **You will do:** let $D$ train fifty times as often as $G$, take the generator's gradient apart,
# and test on 64 seeds whether the run is stuck or only slow. **You will learn:** where the gradient
# goes when $D$ wins, why eigenvalues alone do not make a local maximum, and what $-\log D$ in place
# of $\log(1 - D)$ changes. **You need:** chapter 01.

# %%
import gan_teach as gt
import numpy as np

# %% [markdown]
# ## The rule
#
# The game of chapter 01, except that each round has **50** steps of $D$ and one of $G$, for 500
# rounds. With $f(x) = ax + c$ the logit of $D$, the chain rule gives $G$'s gradient as three
# factors:
#
# $$\frac{\partial}{\partial b} \log\bigl(1 - D(G(z))\bigr)
#   = \underbrace{-D(G(z))}_{\partial \log(1 - \sigma(f)) / \partial f}
#   \cdot \underbrace{a}_{\partial f / \partial x}
#   \cdot \underbrace{1}_{\partial G / \partial b}, \qquad
#   \frac{\partial}{\partial w} \log\bigl(1 - D(G(z))\bigr) = -D(G(z)) \cdot a \cdot z .$$
#
# The first factor is $D$'s own opinion of the sample. **Predict:** more steps make $D$ better, and
# a better $D$ has a larger slope $a$. Will the generator learn faster than in chapter 01, or
# slower?

# %%
history = gt.experiments.run("strong-discriminator", games=gt.budget(500))
gt.show(
    gt.plots.summary(history),
    alt="Left: at game 500 the generated points still lie between 0 and 1, and D is a steep step "
    "between them and the real points around 5. Right: V rises to 0 within a few games and stays; "
    "the gradient norms of both players fall below 0.01.",
)

# %%
gt.film_strip(
    history,
    n=[0, 2, 20, 500],
    alt="Four moments of training. The generated points start at 0 and after 500 games have not "
    "come further than 1; D leans gently at game 0, steeply at game 2, and is a step between them "
    "and the real points from game 20 on.",
)

# %%
gt.player(history)

# %% tags=["nbval-check-output"]
v = history["objective"]
print("V is above -0.1 by game 20 and stays:", gt.holds(v[20:].min() > -0.1))
mean = history["params"][-1, 0] / 2 + history["params"][-1, 1]
print("after 500 games the generator's mean is below 1.5:", gt.holds(mean < 1.5))

# %% [markdown]
# Slower, much slower. $V$ is near 0, its largest possible value: **$D$'s loss is almost zero, and
# that is the failure, not the success.**
#
# ## Where the gradient goes
#
# $D(G(z))$ has become so small that it outweighs the larger slope. The formula above says how
# small $G$'s gradient must be: $|a| \, D(G(z)) \sqrt{1 + 1/4}$, as $z$ averages to $1/2$. It stands
# beside the measured one. **Predict:** by which factor does $G$'s gradient fall from its largest
# value?

# %%
predicted = abs(history["params"][:, 2]) * history["d_fake"] * np.sqrt(1 + 1 / 4)
curves = {"norm of G's gradient": history["g_grad"], "|a| D(G(z)) √(5/4)": predicted}
gt.show(
    gt.plots.compare(history.steps, curves, log=True),
    alt="The norm of the generator's gradient on a logarithmic axis, falling over 500 games from "
    "0.3 to 0.005. The prediction lies on it.",
)

# %% tags=["nbval-check-output"]
ratio = history["g_grad"][-400:] / predicted[-400:]
print("formula and measurement agree within 5 %:", gt.holds(np.median(abs(ratio - 1)) < 0.05))
fall = np.nanmax(history["g_grad"]) / history["g_grad"][-1]
print("the gradient fell by a factor of 50 or more:", gt.holds(fall > 50))
print("but it is not zero:", gt.holds(history["g_grad"][-1] > 1e-3))

# %% [markdown]
# ## The discriminator's view
#
# Is $D$ doing something wrong? Compare it with the best answer to this generator, the dashed
# $D^*(x) = p(x) / (p(x) + q(x))$.

# %%
gt.show(
    gt.plots.picture(history),
    alt="Game 500: D, a steep step at about 2.2, beside the optimal discriminator, which is 0 "
    "where the generated points lie, from about 0.5 to 0.6, and 1 everywhere else.",
)

# %% [markdown]
# It does nothing wrong. Real and generated points do not overlap, so the best answer says "fake"
# to every generated point with certainty, and a generator whose loss is $\log(1 - D)$ learns
# nothing from certainty (Arjovsky & Bottou, 2017, theorems 2.1 and 2.4).
#
# ## A local maximum?
#
# The published tutorial reads off the eigenvalues of $V$'s Hessian that this run has ended in a
# local maximum. **Predict their signs, and then say whether you agree.**

# %%
gt.show(
    gt.plots.eigenvalues(history),
    alt="Four eigenvalues over 500 games on a symmetric logarithmic axis. All become negative and "
    "small: between -0.03 and -0.0001 at the end. The dashed levels of the equilibrium, -13.6, "
    "-0.1, 0 and +0.12, are far away.",
)

# %% tags=["nbval-check-output"]
end = history["eigenvalues"][-1]
print("all four are negative:", gt.holds((end < 0).all()))
print("and small:", gt.holds(abs(end).max() < 0.1))
means = history["params"] @ [0.5, 1, 0, 0]  # of the generator: w/2 + b
print("the generator still moves towards 5:", gt.holds(means[-1] - means[-100:][0] > 0.02))

# %% [markdown]
# The signs are those of a maximum. But a maximum needs two things, and the first is missing: **the
# gradient is not zero there.** The point is not critical at all, it is a plateau with a gentle
# slope, and the generator keeps walking down. Nor would a maximum of $V$ be a resting place of this
# game: $D$ climbs on $V$, but $G$ descends.
#
# ## Is the equilibrium still attractive?
#
# Perhaps 50 steps of $D$ upset the balance at the equilibrium itself. That can be computed without
# a run. The closed-form Hessian of chapter 01, with the generator's rows negated, is the Jacobian
# of the game, and `gt.dynamics.step_spectrum` gives the factors by which one round multiplies small
# deviations. **Predict:** is the equilibrium more attractive at 1:1 or at 50:1?

# %% tags=["nbval-check-output"]
H = gt.zoo.line.equilibrium_hessian(w=2.0, mean=5.0, second_moment=26.0)
J = gt.spectra.GameJacobian(np.diag([-1, -1, 1, 1]) @ H, n_g=2)
for steps in (1, 50, 100):
    factors = abs(gt.dynamics.step_spectrum(gt.alternating(d_steps=steps), J, lr=0.1))
    slowest = factors[factors < 1 - 1e-9].max()  # the 1 is the spread, which nobody sees
    print(f"{steps:3}:1  factor per game {slowest:.4f}, e-fold in {-1 / np.log(slowest):.0f} games")

# %% [markdown]
# **A strong discriminator makes the equilibrium more attractive, not less**: deviations shrink by a
# factor of $e$ in 31 games instead of 570. What it spoils is the way there. That changes the
# question from "why does it not converge?" to "how long is the way?"
#
# ## 64 seeds, 3000 games
#
# **Predict** how many of 64 seeds have settled within 0.1 of $-2 \log 2$ after 500 games, and after
# 3000.

# %%
many = gt.experiments.run_seeds(
    "strong-discriminator", gt.budget(64, 8), games=gt.budget(3000), every=10
)
distance = abs(many["objective"] - gt.experiments.TARGET)
shares = {"settled": distance < 0.1, "saturated, V > -0.1": many["objective"] > -0.1}
curves = {name: 100 * found[1:].mean(1) for name, found in shares.items()}
gt.show(
    gt.plots.compare(many.steps[1:], curves, ylabel="% of the seeds"),
    alt="Share of settled seeds: a steady rise from zero to nearly 90 percent at game 3000. Share "
    "of saturated seeds: all at first, then a steady fall to a tenth.",
)

# %%
for game in (500, 1000, 3000):
    k = min(np.searchsorted(many.steps, game), len(many) - 1)
    counts = [int(found[k].sum()) for found in shares.values()]
    low, high = gt.plots.wilson(counts[0], distance.shape[1])
    print(f"{many.steps[k]} games: {counts[1]} saturated, {counts[0]} settled", end=" ")
    print(f"({low:.0%} to {high:.0%})")

# %% tags=["nbval-check-output"]
at_500 = {name: found[min(50, len(many) - 1)].mean() for name, found in shares.items()}
print("game 500, settled: 5 to 35 %:", gt.holds(0.05 < at_500["settled"] < 0.35))
print("game 500, saturated: 60 to 92 %:", gt.holds(0.6 < at_500["saturated, V > -0.1"] < 0.92))
settled = gt.experiments.outcomes(many) == "settled"
print("game 3000, settled: more than 75 %:", gt.holds(settled.mean() > 0.75))

# %% [markdown]
# The same seeds that looked stuck arrive one after the other. (A simulation of 200 seeds that
# shares no code with this one finds 17 % settled and 77 % saturated at game 500, and 90 % settled
# at game 3000.) **Slow saturation, not a local maximum**: a run
# that is cut off at 500 games cannot tell the two apart.
#
# Where a seed has arrived, the Hessian is that of the equilibrium: medians over the seeds, beside
# the closed form.

# %% tags=["nbval-check-output"]
measured, theory = (np.median(many.static[f"eigenvalues_{k}"], 0) for k in ("end", "theory"))
print("closed form:", np.round(theory, 1) + 0.0)
print("agrees within 15 %:", gt.holds((abs(measured - theory) < 0.15 * abs(theory) + 1e-3).all()))
print("the Hessian is a", gt.spectra.definiteness(measured, rtol=1e-4).word)

# %% [markdown]
# ## Two changes
#
# **An even stronger $D$.** At 100:1 the factor at the equilibrium is better still. **Predict** what
# that does to the share of seeds that settle within 500 games.
#
# **Another loss for $G$.** Let $G$ minimise $-\log D(G(z))$ instead (Goodfellow et al., 2014,
# section 3). $D$'s loss is the same. The first factor becomes
# $\partial(-\log \sigma(f)) / \partial f = -(1 - D(G(z)))$: largest where $D$ is sure.

# %%
d = np.linspace(0, 1, 101)
curves = {"saturating: D(G(z))": d, "non-saturating: 1 − D(G(z))": 1 - d}
gt.show(
    gt.plots.compare(
        d, curves, xlabel="D(G(z))", ylabel="first factor", mark=(history["d_fake"][-1], "game 500")
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
    "50:1, 500 games": ended("strong-discriminator", games=games),
    "50:1, 3000 games": gt.experiments.outcomes(many).tolist(),
    "100:1, 500 games": ended("stronger-discriminator", games=games),
    "50:1, non-saturating": ended("strong-discriminator", games=games, loss="non_saturating"),
}

# %%
gt.show(
    gt.plots.outcomes(outcomes, gt.experiments.OUTCOMES),
    alt="How 64 seeds ended, with Wilson intervals. 50 to 1: most saturated, about a sixth "
    "settled; after 3000 games nearly all settled. 100 to 1: nearly all saturated. 50 to 1 with "
    "the non-saturating loss: all settled.",
)

# %% tags=["nbval-check-output"]
settled = {name: np.mean(np.array(o) == "settled") for name, o in outcomes.items()}
print("100:1, settled: below 15 %:", gt.holds(settled["100:1, 500 games"] < 0.15))
print("non-saturating, settled: all:", gt.holds(settled["50:1, non-saturating"] == 1))

# %% [markdown]
# The very same discriminator, as strong as before, is no obstacle to a generator that listens to
# $\log D$ rather than to $\log(1 - D)$: every seed settles within the 500 games.
#
# **What is true, then.** With the saturating loss, a strong discriminator starves the generator:
# its gradient shrinks with $D(G(z))$. The run has not converged, to a local maximum or otherwise;
# it crosses a plateau, and the stronger $D$ is, the longer that takes. At the other end lies an
# equilibrium that is *more* attractive than that of balanced play.

# %% [markdown]
# ## Play
#
# Take $D$'s steps down while it runs, or change the loss, and watch the plateau end.

# %%
gt.Lab("strong-discriminator")

# %% [markdown]
# ## Exercises
#
# **1.** Write the size of the saturating loss' first factor, $|\partial L_G / \partial f|$, as a
# function of $d = D(G(z))$. *Hint 1: $1 - \sigma(f) = \sigma(-f)$.*
# *Hint 2: the derivative of $\log \sigma(t)$ is $1 - \sigma(t)$.*

# %%
saturating = ...  # for instance: lambda d: ...
gt.exercises.check_saturation(saturating)

# %% [markdown]
# **2.** The same for the non-saturating loss $-\log D(G(z))$.

# %%
non_saturating = ...
gt.exercises.check_non_saturation(non_saturating)

# %% [markdown]
# **3.** $D$ gives a generated sample the probability $0.001$ of being real. How many times as large
# is its gradient under the non-saturating loss as under the saturating one?
# *Hint: the other two factors are the same.*

# %%
times = ...
gt.exercises.check_gradient_ratio(times)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_saturation(lambda d: d))
print(gt.exercises.check_non_saturation(lambda d: 1 - d))
print(gt.exercises.check_gradient_ratio(0.999 / 0.001))

# %% [markdown]
# ## Where this bites in practice
#
# - A discriminator's loss near zero early in training is an alarm, not good news. Log the
#   generator's gradient norm beside the losses.
# - The logistic loss that most code calls "GAN loss" is the non-saturating one; the game of
#   equation 1 is rarely trained. Theory about one is not automatically about the other.
# - "It has converged" and "it has stopped moving noticeably" are different claims. A gradient norm,
#   a longer run and more seeds tell them apart; a picture of the loss does not.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014, section 3: the non-saturating loss.
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017: vanishing gradients (theorem 2.4), and what $-\log D$ costs instead (theorem
#   2.6). Their cure is chapter 04.
# - E. Sansone, *Tutorial on GANs*: the experiment (500 games, 50:1 and 100:1).
