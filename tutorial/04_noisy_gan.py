# %% [markdown]
# # Blur what the discriminator sees
#
# *Instance noise rescues the strong discriminator's run: settled for every seed.*
#
# **You will do:** repeat chapter 02 with noise on $D$'s input, compare two kinds of noise, and
# switch the noise off while training. **You will learn:** what overlap does to the best
# discriminator, what the noise costs, and how a hasty schedule loses most of it again. **You
# need:** chapters 01 and 02.

# %%
import gan_teach as gt
import numpy as np

# %% [markdown]
# ## The rule
#
# Fifty steps of $D$ to one of $G$ as in chapter 02. But $D$ never sees $x$ and $G(z)$; it sees
# $x + \varepsilon$ and $G(z) + \varepsilon'$ with $\varepsilon \sim \mathcal N(0, \sigma^2)$,
# $\sigma = 1$: **instance noise**. Real and generated points then come from the densities
# $p * \mathcal N(0, \sigma^2)$ and $q * \mathcal N(0, \sigma^2)$, which overlap wherever $G$ is.
#
# **What theory says.** If two blurred densities agree, so do the densities themselves: the
# equilibrium stays where it was. And $D^*$ is no longer a step. For two normal densities of equal
# variance $s^2$ and means $\mu_p, \mu_q$ its logit is a straight line,
#
# $$\log \frac{D^*(x)}{1 - D^*(x)} = \frac{\mu_p - \mu_q}{s^2}
#   \Bigl(x - \frac{\mu_p + \mu_q}{2}\Bigr),$$
#
# so that the best slope is finite, and it shrinks as $G$ approaches.

# %%
x = np.linspace(-4, 9, 400)
best = {
    f"noise {noise}": gt.zoo.line.optimal_discriminator(x, w=1.0, b=0.0, noise=noise)
    for noise in (0.1, 0.5, 1.0)
}
gt.show(
    gt.plots.compare(x, best, xlabel="x", ylabel="best answer D*(x)"),
    alt="The optimal discriminator against generated points between 0 and 1. With noise 0.1 it is "
    "a steep valley around the points' range and 1 on either side. With noise 1 it is a smooth S "
    "that rises between 0 and 5.",
)

# %% [markdown]
# ## Predict
#
# Without noise, 51 of 64 seeds were saturated after 500 games. **How many will be with it?**

# %%
history = gt.experiments.run("noisy", games=gt.budget(500))
gt.show(
    gt.plots.summary(history),
    alt="Left: at game 500 the generated points lie among the real ones, where D and the best "
    "answer are both close to one half. Right: V jumps about between -0.5 and 0 for 100 games, "
    "falls to -1.386 by game 150 and stays there. The generator's gradient norm rises to 1 on the "
    "way and is a tenth of that afterwards.",
)

# %%
gt.film_strip(
    history,
    n=[0, 80, 130, 167, 500],
    alt="Five moments of training: the generated points creep to 1 by game 80, are at 3 at game "
    "130 and in the middle of the real points by game 167, where they stay, with D close to one "
    "half there.",
)

# %%
gt.player(history)

# %% tags=["nbval-check-output"]
end = history["objective"][-100:].mean()
print("mean of the last 100 games within 0.02:", gt.holds(abs(end - gt.experiments.TARGET) < 0.02))
settled = gt.experiments.settling_game(history)
print("settled between game 80 and 250:", gt.holds(80 < settled < 250))

# %% [markdown]
# ## What the noise changed
#
# Not $D$'s strength: it still makes fifty steps. **Predict:** is $D$ less certain now of the
# generated points? Two quantities: its answer on these points, $D(G(z))$, and its mean answer on
# what it is shown of them, $\mathbb E_\varepsilon D(G(z) + \varepsilon)$. The second is the factor
# by which the saturating loss now multiplies $G$'s gradient; without noise the two are the same.

# %%
from statistics import NormalDist

epsilon = np.array([NormalDist().inv_cdf((k + 0.5) / 200) for k in range(200)])
w, b, a, c = history["params"].T
logits = (a * (w / 2 + b) + c)[:, None] + a[:, None] * epsilon
shown = (1 / (1 + np.exp(-logits))).mean(1)
clear = gt.experiments.run("strong-discriminator", games=gt.budget(500))

# %%
curves = {
    "D(G(z) + ε) with noise": shown,
    "D(G(z)) with noise": history["d_fake"],
    "D(G(z)) without": clear["d_fake"],
}
gt.show(
    gt.plots.compare(history.steps, curves, ylabel="D's mean answer", log=True),
    alt="Three curves on a logarithmic axis. Without noise D(G(z)) falls to 0.001 and stays low. "
    "With noise D(G(z)) falls just as fast to 0.006 at first, but the mean over the noise stays "
    "near 0.08; after game 80 both rise to one half.",
)

# %% tags=["nbval-check-output"]
k = min(50, len(history) - 1)
ratio = history["d_fake"][k] / clear["d_fake"][k]
print("game 50: D(G(z)) about the same in both runs:", gt.holds(0.5 < ratio < 2))
gain = np.median((shown / history["d_fake"])[20:100])
print("games 20 to 100: the noise multiplies the factor by 5 to 20:", gt.holds(5 < gain < 20))

# %% [markdown]
# $D$ is *as certain as before* of the generated points. But now each of them is shown at random
# places around itself, some of them where $D$ is in doubt, and these give $G$ a gradient ten times
# as large. Noise does not weaken $D$; it lets $G$ see further along the slope.

# %% [markdown]
# ## The Hessian
#
# Noise adds its variance to both second moments, and changes nothing else: the closed form at the
# equilibrium has $-\tfrac14(\mathbb E x^2 + \mathbb E G^2 + 2\sigma^2)$ where it had
# $-\tfrac14(\mathbb E x^2 + \mathbb E G^2)$. **Predict:** which of the four eigenvalues moves?

# %% tags=["nbval-check-output"]
for noise in (0.0, 1.0):
    H = gt.zoo.line.equilibrium_hessian(w=2.0, mean=5.0, second_moment=26.0, noise=noise)
    J = gt.spectra.GameJacobian(np.diag([-1, -1, 1, 1]) @ H, n_g=2)
    slow = gt.dynamics.step_spectrum(gt.alternating(d_steps=50), J, lr=0.1)[1:3]
    print(f"noise {noise}: eigenvalues {np.round(np.linalg.eigvalsh(H), 3) + 0.0}")
    print(f"   a 50:1 game turns: {abs(slow[0].imag) > 1e-9}, factor {abs(slow[0]):.3f}")

# %% [markdown]
# They all move a little; none changes its sign. What a game does near the equilibrium changes more:
# without noise it turns around it, with noise it comes straight in.

# %%
gt.show(
    gt.plots.eigenvalues(history),
    alt="Four eigenvalues over 500 games on a symmetric logarithmic axis. By game 150 they reach "
    "the dashed theoretical levels -14.2, -0.11, 0 and +0.10.",
)

# %% tags=["nbval-check-output"]
measured, theory = history["eigenvalues"][-1], history.static["eigenvalues_theory"]
print("closed form:", np.round(theory, 2) + 0.0)
print("agrees within 5 %:", gt.holds((abs(measured - theory) < 0.05 * abs(theory) + 1e-3).all()))
print("the Hessian is a", gt.spectra.definiteness(measured, rtol=1e-4).word)

# %% [markdown]
# ## 64 seeds, and whose noise
#
# The published code adds *the same* noise to real sample $i$ and to generated sample $i$. The
# theory asks for independent noise (Arjovsky & Bottou, 2017). **Predict:** which of them settles,
# and which sooner?

# %%
S, games = gt.budget(64, 8), gt.budget(500)
same = gt.experiments.run_seeds("noisy", S, games=games)
own = gt.experiments.run_seeds("noisy", S, games=games, shared_noise=False)

# %%
noises = {"the same noise": same, "independent noise": own}
gt.show(
    gt.plots.fan(noises, "objective", level=(gt.experiments.TARGET, "−2 log 2")),
    alt="Median of V over 64 seeds with bands. Both kinds rise to 0 and fall to -2 log 2 within "
    "150 games; with independent noise the band around it stays much wider.",
)

# %%
for name, runs in {"the same": same, "independent": own}.items():
    settled = gt.experiments.settling_game(runs)
    k = int((gt.experiments.outcomes(runs) == "settled").sum())
    low, high = gt.plots.wilson(k, S)
    print(f"{name} noise: {k} of {S} settled ({low:.0%} to {high:.0%}),", end=" ")
    print(f"V within 0.1 for good from game {np.median(settled):.0f}")

# %% tags=["nbval-check-output"]
ends = [gt.experiments.outcomes(runs) for runs in (same, own)]
print("all settle:", gt.holds((np.array(ends) == "settled").all()))
when = [np.median(gt.experiments.settling_game(runs)) for runs in (same, own)]
print("independent noise looks at least twice as slow:", gt.holds(when[1] > 2 * when[0]))

# %% [markdown]
# Both rescue every seed, and independent noise seems to take three times as long. **Is it slower?**
# $V$ is measured on ten noisy points. With the same noise on both, much of it cancels in the
# difference between real and generated; with independent noise $V$ itself keeps jumping by more
# than 0.1 now and then. So look at the generator instead: from which game on does its mean stay
# within 0.3 of the data's?


# %%
def arrival(runs):
    mean = runs["params"] @ [0.5, 1, 0, 0]
    data = [gt.experiments.settings("noisy").game(s).data.points.mean().item() for s in range(S)]
    away = abs(mean - data) > 0.3
    return len(runs) - np.argmax(away[::-1], 0)


# %% tags=["nbval-check-output"]
arrived = [np.median(arrival(runs)) for runs in (same, own)]
print("medians between game 110 and 180:", gt.holds(all(110 < a < 180 for a in arrived)))
print("they differ by less than 15 games:", gt.holds(abs(arrived[0] - arrived[1]) < 15))

# %% [markdown]
# **It is not slower.** The generator arrives at the same time; only our view of $V$ is noisier.
#
# ## Switch it off
#
# Noise has a price: $D$ compares blurred distributions, and a fine difference between sharp ones
# would escape it. So one lets the noise fade: $\sigma$ falls linearly to 0 over the first $N$
# games, `gt.corrupt.linear_annealing(N)`. **Predict:** is $N = 100$ better or worse than $N = 400$?


# %%
def annealed(fade):
    games = [gt.zoo.line_gan(seed, noise=1.0, shared_noise=False) for seed in range(S)]
    for game in games:
        game.corrupt.anneal = gt.corrupt.linear_annealing(fade)
    rule = gt.dynamics.affine_alternating(d_steps=50)  # as experiments.run_seeds does
    numbers = {"steps": gt.budget(500), "lr": 0.1, "batch_size": 10, "seed": list(range(S))}
    v = gt.record(gt.train(gt.stack(games), rule, **numbers), d_loss=gt.probes.loss("d"), every=10)
    return gt.experiments.outcomes(v.with_arrays(objective=-v["d_loss"])).tolist()


# %%
outcomes = {f"noise gone after {fade} games": annealed(fade) for fade in (100, 200, 400)}
outcomes["noise kept"] = gt.experiments.outcomes(own).tolist()
gt.show(
    gt.plots.outcomes(outcomes, gt.experiments.OUTCOMES),
    alt="How 64 seeds ended after 500 games. Noise gone after 100 games: four in ten settled, most "
    "others saturated. After 200: about seven in ten settled. After 400: about nine in ten. Noise "
    "kept: all.",
)

# %% tags=["nbval-check-output"]
shares = [np.mean(np.array(ends) == "settled") for ends in outcomes.values()]
print("the longer the noise, the more settle:", gt.holds(np.all(np.diff(shares) > 0)))
print("100 games lose more than a third:", gt.holds(shares[0] < 2 / 3))

# %% [markdown]
# The noise has to last for the journey. Where it fades before $G$ has arrived, the plateau of
# chapter 02 is back. In this toy nothing is gained by switching it off, since a linear $D$ compares
# means only, and noise does not move a mean.
#
# **What is true, then.** Instance noise rescues every seed from saturation, whether the same or
# independent, because $G$'s gradient averages $D$ over a neighbourhood in which it is not certain.
# The equilibrium is the same; the spread is still not learnt. The apparent slowness of independent
# noise is one of the measurement.

# %% [markdown]
# ## Play
#
# Turn the noise down by hand: how early can you afford it?

# %%
gt.Lab("noisy")

# %% [markdown]
# ## Exercises
#
# **1.** The data have the standard deviation 1, the noise 0.5. What is the *variance* of what $D$
# sees of the real samples? *Hint: the two are independent.*

# %%
variance = ...
gt.exercises.check_noisy_variance(variance, data_std=1.0, noise=0.5)

# %% [markdown]
# **2.** Real samples after noise: mean 5, variance 2. Generated samples after noise: mean 1,
# variance 2 as well. Which slope $a$ has the best discriminator's logit? *Hint 1: it is in "What
# theory says".* *Hint 2: or take the logarithm of the ratio of two normal densities.*

# %%
slope = ...
gt.exercises.check_best_slope(slope, gap=4.0, variance=2.0)

# %% [markdown]
# **3.** How fast may the noise fade? Call `annealed(N)` for other $N$ and find the smallest that
# lets 60 of 64 seeds settle. There is no check: the answer is a measurement, with an interval from
# `gt.plots.wilson`.
#
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_noisy_variance(1.0**2 + 0.5**2, data_std=1.0, noise=0.5))
print(gt.exercises.check_best_slope(4.0 / 2.0, gap=4.0, variance=2.0))

# %% [markdown]
# ## Where this bites in practice
#
# - In pixel space real and generated images lie on thin sets that hardly meet, so that a good $D$
#   can always be certain. Noise, gradient penalties and augmentation of both inputs all take that
#   certainty away.
# - A quantity measured on a noisy batch tells of the batch too. Before you call a method slow, look
#   at something that does not pass through the noise.
# - A schedule is a bet on how long the journey takes.
#
# ## Further reading
#
# - M. Arjovsky, L. Bottou, *Towards Principled Methods for Training Generative Adversarial
#   Networks*, 2017, section 3: noise on both inputs (theorem 3.2).
# - C. K. Sønderby et al., *Amortised MAP Inference for Image Super-resolution*, 2017, section 3:
#   instance noise and its annealing.
# - K. Roth et al., *Stabilizing Training of GANs through Regularization*, 2017: the same effect by
#   a gradient penalty instead of noise.
# - E. Sansone, *Tutorial on GANs*: the experiment (500 games, 50:1, the same noise on both).
