# %% [markdown]
# # Let the discriminator learn faster
#
# *Time-scale separation, a gradient penalty and averaged weights: chapters 06 and 11 on images.*
#
# **You will do:** train a residual GAN on images with several ratios $\tau$ of learning rates, look
# at the spectrum of its game with Arnoldi's method, and read four longer runs along their whole
# path. **You will learn:** what is left of $\tau^*$ when nobody can compute it, when an average of
# $G$ scores better than $G$, and how to read the paper's tables. **You need:** chapters 06, 11 and
# 15.

# %%
from dataclasses import replace

import gan_teach as gt
import numpy as np
import torch
from gan_teach.studies import image_runs
from gan_teach import metrics

# %% [markdown]
# ## The rule
#
# Fiez & Ratliff train the residual networks of Mescheder et al., which have no normalization at
# all. What holds the game together is the penalty $R_1$ of chapter 11 and $\tau$:
#
# $$\eta_D = \tau\, \eta_G, \qquad L_D \leftarrow L_D + \mu\, \mathbb E_{x \sim p} \lVert \nabla_x
# f(x) \rVert^2, \qquad \tau \in \{1, 2, 4, 8\}, \quad \mu \in \{1, 10\}.$$
#
# RMSprop, $\eta_G = 0.0001\,(1 + t)^{-0.005}$, batches of 64, 150,000 updates, and four averages of
# $G$ at once. **$\tau$ is not a number of steps of $D$**: both players move once per round.
#
# What does theory promise? A local equilibrium that is a strict Stackelberg equilibrium is stable
# for all $\tau$ above some finite $\tau^*$ (chapter 06). For a network of millions of parameters
# nobody knows $\tau^*$, nor whether training ends near such a point. The experiment asks the
# practical question: does a larger $\tau$ help, and when is it too large? **Predict** before you go
# on: which of the four does best after 150,000 updates?
#
# ## A game small enough for this page
#
# The same networks for scikit-learn's 1,797 digits of 8 x 8 pixels, with eleven thousand parameters
# in place of seven million.

# %%
digits = gt.data.uci_digits().with_noise(dequantize=True)
small = replace(
    gt.zoo.IMAGE_GANS["cifar-timescale-small"],
    size=8, features=8, latent=16, lr=1e-3, batch_size=32, flip=False,
)  # fmt: skip
game = small.game(digits)
print(f"G has {game.n_g:,} parameters, D {game.n_d:,}")

# %%
STEPS = gt.budget(240, 8)
real = digits.floats().flatten(1)
band = metrics.noise_band(metrics.sliced_wasserstein, real, n=450, seed=0)


def distance(images):
    return metrics.sliced_wasserstein(images.flatten(1), real[: len(images)])


# %%
def trained(tau, seed=0):
    config = replace(small, tau=tau)
    watched = {"records": 8, "n": 450, "scored": 450, "title": f"tau = {tau}"}
    game = config.game(digits, seed)
    return image_runs.watch(config, game, steps=STEPS, seed=seed, **watched)


# %%
TAUS = [1, 4, 16]
runs = {tau: trained(tau) for tau in TAUS}
away = {
    f"$\\tau$ = {tau}": [distance(torch.from_numpy(x)) for x in h["images"]]
    for tau, h in runs.items()
}

# %%
ax = gt.plots.compare(
    runs[1].steps, away, xlabel="step", ylabel="sliced Wasserstein distance",
    level=(band.high, "real against real"),
)  # fmt: skip
gt.show(
    ax,
    alt="Sliced Wasserstein distance from the digits over the updates, three ratios. tau = 4 falls "
    "fastest, tau = 16 starts last, passes tau = 1 after some 80 updates and ends a little below "
    "tau = 4; none reaches the level of real digits against real digits.",
)


# %%
def sheet(tau):
    title = f"tau = {tau}, after {STEPS} updates"
    return gt.plots.image_grid(runs[tau]["images"][-1][:40], columns=10, title=title)


gt.animation.chooser(sheet, TAUS, label="tau", start=4)

# %% tags=["nbval-check-output"]
slow, middle, fast = away.values()
late = [float(np.mean(distances[-4:])) for distances in (slow, middle)]
print("in the second half tau = 4 is nearer than tau = 1:", gt.holds(late[1] < 0.9 * late[0]))
print("at the first look tau = 16 is the farthest:", gt.holds(fast[1] > max(slow[1], middle[1])))
print("real digits are nearer still:", band.high < min(slow[-1], middle[-1], fast[-1]))

# %% [markdown]
# **Why?** $G$ can learn only what $D$ has noticed. A faster $D$ is nearer to its best answer to the
# present $G$, so that $G$'s gradient is nearer to that of a divergence. But $D$ has to follow in
# steps: at $\tau = 16$ its steps are so long that at first it does not settle on any answer. (And
# chapter 02 showed the other end: without a penalty, a $D$ that is too good says nothing any more.)
#
# How much of that is this seed? Seeds 0, 1 and 2 were run. In all three $\tau = 16$ is the farthest
# at the first look, and over the second half of the run $\tau = 4$ is nearer than $\tau = 1$: by
# 22, 29 and 26 %. The *last* point alone says less: its lead is 5 % with seed 0, and a quarter with
# the others. And $\tau = 16$ catches up: over the second half it is as near as $\tau = 4$ with
# seeds 0 and 2, hardly nearer than $\tau = 1$ with seed 1. Which of 4 and 16 is better, this does
# not say.

# %%
rows = [
    [tau, float(np.nanmean(h["d_loss"][-3:])), float(np.nanmean(h["g_loss"][-3:])),
     h["d_real"][-1], h["d_fake"][-1]] for tau, h in runs.items()
]  # fmt: skip
gt.Table(["tau", "D's loss", "G's loss", "mean D(x)", "mean D(G(z))"], rows)

# %% [markdown]
# ## The spectrum of an image game
#
# Chapter 06 judged an equilibrium by the eigenvalues of $J$, the derivative of the players' field.
# Here $J$ has 11,000 x 11,000 entries; for the published networks, 50 million million. But $J^\top
# u$ is one more backward pass, and Arnoldi's method finds the outermost eigenvalues from some
# dozens of such products. **Predict:** at the end of this run, have all of them negative real
# part?

# %%
config = replace(small, tau=4)
watched = gt.record(
    config.train(config.game(digits), steps=STEPS), every=STEPS // 2,
    right=gt.probes.extreme_eigenvalues(1, which="LR", n=16, tau=4.0, tol=1e-3),
    large=gt.probes.extreme_eigenvalues(4, which="LM", n=16, tau=4.0, tol=1e-3),
)  # fmt: skip

# %%
rows = [
    [int(step), f"{np.nanmax(right.real):.3g}", f"{np.nanmin(large.real):.3g}",
     f"{np.nanmax(abs(large.imag)):.3g}"]
    for step, right, large in zip(watched.steps, watched["right"], watched["large"], strict=True)
]  # fmt: skip
gt.Table(
    ["step", "largest real part", "most negative", "largest imaginary part"],
    rows,
    caption="Eigenvalues of the game with tau = 4, on 16 fixed samples",
)

# %% tags=["nbval-check-output"]
rightmost = np.nanmax(watched["right"].real, axis=1)
print("the field is not a stable one at any of the three points:", gt.holds((rightmost > 0).all()))

# %% [markdown]
# A positive real part, and the run goes on improving: **this is no equilibrium.** The theorem of
# chapter 06 speaks about the end of the way, and the run is on its way; there the field points
# somewhere, and eigenvalues say only how neighbouring paths part. Berard et al. (2020) looked at
# trained GANs in the same manner and found that they perform well where $G$'s own Hessian has
# negative eigenvalues, that is, at points that are no minimum for $G$.
#
# ## Averages
#
# A $G$ that circles its goal is never there, but the middle of the circle is. The exponential
# average $\bar w \leftarrow \beta \bar w + (1 - \beta) w$ keeps about $1 / (1 - \beta)$ updates.
# On the bilinear game of chapter 05, where $G$ moves as $\cos \omega t$, its amplitude shrinks to
#
# $$\frac{1 - \beta}{|1 - \beta e^{i \omega}|}.$$
#
# **Predict:** which $\beta$ removes a swing of period 100 updates?

# %%
t = np.arange(1200)
swing = np.exp(-t / 600) + 0.4 * np.cos(2 * np.pi * t / 100)


def averaged(beta):
    mean = np.empty_like(swing)
    mean[0] = swing[0]
    for k in range(1, len(swing)):
        mean[k] = beta * mean[k - 1] + (1 - beta) * swing[k]
    shown = {"G": swing, f"average, {beta}": mean, "without the swing": np.exp(-t / 600)}
    return gt.plots.compare(t, shown, xlabel="step", ylabel="a weight of G")


gt.animation.chooser(averaged, [0.9, 0.99, 0.999, 0.9999], label="decay", start=0.99)

# %% [markdown]
# Too small keeps the swing, too large keeps the past: 0.9999 is still near the start after 1,200
# updates. Nobody knows the right one beforehand, so keep several: it costs memory, no time.
#
# ## Longer runs
#
# `gan-teach study cifar-timescale-1 --data FOLDER`, and likewise 2, 4 and 8, trained the residual
# networks at a quarter of their width on the 50,000 images of CIFAR-10, scaled to 16 x 16, with
# $\mu = 1$ and $\eta_G = 0.001$, in bfloat16 on two shared cores. **Predict:** which $\tau$ is
# ahead at the end, and which average? (The distance is Frechet's in the features of a small
# classifier of CIFAR-10, from 2,000 images: no FID.)

# %%
long = {tau: gt.records.load(f"cifar-timescale-{tau}") for tau in (1, 2, 4, 8)}
BETAS = ["raw", "0.9", "0.99", "0.999", "0.9999"]
some = long[1]
print(f"{some.steps[-1]:,} updates of {some.meta['batch_size']} images")


# %%
def paths(beta):
    curves = {f"$\\tau$ = {tau}": h[f"frechet_{beta}"] for tau, h in long.items()}
    ax = gt.plots.compare(
        some.steps, curves, xlabel="step", ylabel=some.meta["distance"], log=True,
        level=(some.meta["real_frechet"], "real against real"),
    )  # fmt: skip
    ax.set_title("G itself" if beta == "raw" else f"average of G, {beta}", loc="left")
    return ax


gt.animation.chooser(paths, BETAS, label="weights", start="0.99")

# %%
gt.show(
    paths("0.99"),
    alt="Frechet distance of the average 0.99 over the updates, logarithmic, for four ratios. All "
    "fall from the untrained network's level and stay far above that of real images.",
)

# %%
rows = [[tau, *(float(h[f"frechet_{beta}"][-1]) for beta in BETAS)] for tau, h in long.items()]
caption = f"{some.meta['distance']} at step {some.steps[-1]:,}"
gt.Table(["tau", "G", *BETAS[1:]], rows, caption=caption)

# %% tags=["nbval-check-output"]
ends = {tau: h["frechet_0.99"][-1] for tau, h in long.items()}
print("from near to far at the end, average 0.99: tau =", sorted(ends, key=ends.get))

# %%
sheets = {f"tau = {tau}": h.static["sheets"][-1] for tau, h in long.items()}
gt.show(
    gt.plots.image_grids(sheets, columns=4),
    alt="Sixteen images of 16 x 16 pixels for each of the four ratios, drawn by the average 0.99 "
    "at the end: coloured blots with light and dark grounds, as in small pictures of the data.",
)

# %% [markdown]
# *How to read it.* One seed per ratio, narrow networks, ten times the published learning rate, and
# a hundred and fiftieth of the published length: the very **beginning** of a run. What agrees with
# the paper is that neither end of the scale is best. Which of the middle ones is, and whether
# $\tau = 1$ or $\tau = 8$ is the worse end, cannot be said from this.
#
# ## The paper's table
#
# FID after 150,000 updates, mean and standard error over three seeds (from the authors' evaluation
# notebook), for the average 0.9999:

# %%
paper = {
    "CIFAR-10, mu = 10": [(26.29, 0.20), (22.36, 0.23), (21.62, 0.05), (22.52, 0.27)],
    "CIFAR-10, mu = 1": [(24.60, 0.30), (21.05, 0.38), (19.49, 0.06), (20.27, 0.40)],
    "CelebA, mu = 10": [(7.07, 0.079), (6.05, 0.014), (5.93, 0.002), (6.43, 0.043)],
    "CelebA, mu = 1": [(7.01, 0.22), (5.86, 0.04), (5.59, 0.06), (5.70, 0.05)],
}
rows = [[name, *(f"{mean:g} ± {error:g}" for mean, error in line)] for name, line in paper.items()]
gt.Table(["", "tau = 1", "2", "4", "8"], rows, caption="Fiez & Ratliff (2021), FID")

# %% tags=["nbval-check-output"]
means = np.array([[mean for mean, _ in line] for line in paper.values()])
print("best ratio in each row:", [(1, 2, 4, 8)[k] for k in means.argmin(1)])
print("worst ratio in each row:", [(1, 2, 4, 8)[k] for k in means.argmax(1)])

# %% [markdown]
# Faster is better up to a point, and $\tau = 8$ is past it. Three things to know before you compare
# a number of yours with these:
#
# - the FID is taken against 10,000 **training** images with their flips and noise, and from
#   10,000 fakes, not 50,000: it is biased upwards, and low for memorized images;
# - the error is that of three seeds, computed with $n$ in place of $n - 1$: too small by a factor
#   of $\sqrt{3/2}$;
# - $\mu$ has no factor $\tfrac12$; our `penalties.r1(gamma)` has one.

# %% [markdown]
# ## Play
#
# R1 and $\tau$ in the game with one parameter each. This one has $\tau = 8$; *Reset* it with 1, 2
# and 4 and compare how fast the distance falls. Look at *Eigenvalues of a round* each time and say,
# before you press Play, what turning and what shrinking you will see.

# %%
gt.Lab("timescale")

# %% [markdown]
# ## Exercises
#
# **1.** After how many updates does a weight count half in an average with $\beta = 0.999$?

# %%
steps = ...
gt.exercises.check_half_life(steps)

# %% [markdown]
# **2.** Which `gamma` in `penalties.r1(gamma)` is the published $\mu = 10$?

# %%
gamma = ...
gt.exercises.check_penalty_convention(gamma)

# %% [markdown]
# **3.** Which learning rate has $D$ at update 100,000 with $\tau = 4$, published settings?

# %%
rate = ...
gt.exercises.check_rate_of_d(rate)

# %% [markdown]
# **4.** (Open.) Where does it end? `trained(64)`, and then `trained(64, seed=1)`. And does $D$'s
# larger rate do the same as more steps of $D$? `small.train(game, steps=240, tau=1,
# rule=gt.alternating(d_steps=4))`.
#
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_half_life(np.log(0.5) / np.log(0.999)))
print(gt.exercises.check_penalty_convention(20))
print(gt.exercises.check_rate_of_d(4 * 1e-4 * 100_001**-0.005))

# %% [markdown]
# ## Where this bites in practice
#
# - Tune two learning rates, not one: in the paper's four settings a ratio of 4 did best.
# - A penalty and $\tau$ belong together: the same $\tau$ may be too fast without the penalty.
# - Keep several averages, score all of them along the path, and report which one you show.
# - `gan-teach train cifar-timescale --tau 4 --device cuda`, then `gan-teach evaluate
#   runs/cifar-timescale`, is the published experiment.
#
# ## Further reading
#
# - T. Fiez, L. Ratliff, *Gradient Descent-Ascent Provably Converges to Strict Local Minmax
#   Equilibria with a Finite Timescale Separation*, 2021.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*,
#   2018: the networks and the penalty.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017.
# - Y. Yazici et al., *The Unusual Effectiveness of Averaging in GAN Training*, 2019.
# - H. Berard et al., *A Closer Look at the Optimization Landscapes of GANs*, 2020.
