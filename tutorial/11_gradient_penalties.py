# %% [markdown]
# # See what a gradient penalty does to D
#
# *Four penalties, one picture: where is the discriminator steep, and where is it flat?*
#
# **You will do:** train DRAGAN, WGAN-GP, R1, R2 and RpGAN + R1 + R2 on the same data from the same
# seeds, map every $D$ and its slope, and see on the Dirac-GAN which of them are a friction. **You
# will learn:** what distinguishes the penalties, why a target slope of 1 has a unit, and what was
# wrong with DRAGAN's noise. **You need:** chapter 05; of 10 only its three scores, told again
# below.

# %%
from dataclasses import replace

import gan_teach as gt
import numpy as np
import torch
from gan_teach.games import penalties
from gan_teach import zoo
from scipy.stats import t

# %% [markdown]
# ## The rule
#
# A [gradient penalty](glossary.md#gradient-penalty) adds to $D$'s loss a mean over some points of
# some function of the slope $|\nabla_x f|$:
#
# | penalty | where | what |
# | --- | --- | --- |
# | R1 | real points $x$ | $\tfrac\gamma2 \lvert\nabla f\rvert^2$ |
# | R2 | generated points $G(z)$ | $\tfrac\gamma2 \lvert\nabla f\rvert^2$ |
# | WGAN-GP | between them, $ux + (1-u)G(z)$ | $\kappa\, (\lvert\nabla f\rvert - 1)^2$ |
# | DRAGAN | around real points, $x + \delta$ | $\kappa\, (\lvert\nabla f\rvert - 1)^2$ |
#
# So R1 and [R2](glossary.md#r2) ask for a *flat* $D$, [WGAN-GP](glossary.md#wgan-gp) and
# [DRAGAN](glossary.md#dragan) for a slope of *one*. RpGAN + R1 + R2 is the relativistic loss of
# chapter 09 with both flat ones. WGAN-GP comes with a loss of its own, Wasserstein's: $D$ minimises
# $\mathbb E f(G(z)) - \mathbb E f(x)$ and $G$ minimises $-\mathbb E f(G(z))$, without a sigmoid or
# a logarithm.
#
# ## Open the hood
#
# All four in PyTorch. The slope is a norm *per sample*, and `create_graph` keeps it a function of
# $D$'s weights: it is to be differentiated again when $D$ learns. The noise is drawn outside:
# $u \sim U(0, 1)$ for each sample (WGAN-GP), and a direction $v$ and a length $\alpha$ (DRAGAN, see
# below). Change the target 1, take the norm over the whole batch (leave out `dim=1`), or leave out
# `create_graph`: what notices?


# %% tags=["hood"]
def slope_at(f, points):  # |grad f| at each of them
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(points).sum(), points, create_graph=True)
    return gradient.norm(dim=1)


def r1(f, x, fakes, gamma=10):
    return gamma / 2 * (slope_at(f, x) ** 2).mean()


def r2(f, x, fakes, gamma=10):
    return gamma / 2 * (slope_at(f, fakes) ** 2).mean()


# %% tags=["hood"]
def wgan_gp(f, x, fakes, u, weight=10):
    between = u * x + (1 - u) * fakes
    return weight * ((slope_at(f, between) - 1) ** 2).mean()


def dragan(f, x, fakes, v, alpha, c=0.5, weight=10):
    delta = c * x.std(correction=0) * alpha * v  # one standard deviation for the whole batch
    return weight * ((slope_at(f, x + delta) - 1) ** 2).mean()


# %% tags=["hood-check"]
draws = torch.Generator().manual_seed(0)
x, fakes = torch.randn(2, 64, 2, generator=draws, dtype=torch.float64)
net = zoo.five_gaussians(0, "js", 32).discriminator.double()
f = lambda points: net(points).squeeze(-1)  # noqa: E731
for by_hand in (r1, r2, wgan_gp, dragan):
    library = getattr(penalties, by_hand.__name__)(10)
    noise = library.draw(x, draws)
    both = by_hand(f, x, fakes, *noise), library(f, x, fakes, noise)
    pulls = [torch.autograd.grad(value, [*net.parameters()]) for value in both]
    gap = max(abs(a - b).max().item() for a, b in zip(*pulls, strict=True))
    print(f"{by_hand.__name__:7} {both[0]:.4f} and {both[1]:.4f}; largest gap of D's", end=" ")
    print(f"gradient {gap:.0e}")
    assert abs(both[0] - both[1]) < 1e-12
    assert gap < 1e-12

# %% [markdown]
# <details><summary>What happens</summary>
#
# `gradient.norm(dim=1)` becomes `gradient.norm()`, one norm for the whole batch:
#
# ```text
# r1      1.1622 and 0.0182; largest gap of D's gradient 6e+00
# ```
#
# The sum of the squares takes the place of their mean: R1 is 64 times too large, the size of the
# batch. The comparison notices. Without `create_graph` the value is right, and the first derivative
# by $D$'s weights raises an error: PyTorch notices.
#
# </details>

# %% [markdown]
# ## Where the points lie
#
# DRAGAN's noise is $\delta = c\, \sigma\, \alpha\, v$ with $\sigma$ the standard deviation of the
# batch, $\alpha \sim U(0, 1)$ and, as *published*, $v \sim U(0, 1)^d$. **Predict** what is odd
# about that; then drag the radius $c$. The crosses are the points $x + \delta$ at which DRAGAN asks
# for the slope: left the published ones, right those of a later correction, in *all* directions.

# %%
data = gt.data.ring()
real = data.sample(400, torch.Generator().manual_seed(0))


def perturbed(radius, directions):
    penalty = penalties.dragan(radius=radius, directions=directions)
    noise = penalty.draw(real, torch.Generator().manual_seed(1))
    return penalty.points(real, real, noise, 0)


# %%
def picture(radius):
    figure, axes = gt.style.mosaic([["published", "all"]], (8.2, 4.2))
    for directions, ax in axes.items():
        around = gt.History([0], {"fake": perturbed(radius, directions)[None]}, {"real": real})
        gt.plots.samples(around, ax=ax).set(xlim=(-1.7, 1.7), ylim=(-2.3, 1.7))
        ax.set_title(f"{directions}, c = {radius:g}", loc="left")
        ax.legend(["real points x", "where DRAGAN asks: x + δ"], loc="lower left")
    return figure


# %%
gt.animation.chooser(picture, [0.05, 0.1, 0.2, 0.5, 1.0], label="radius c", start=0.5)

# %%
gt.show(
    picture(0.5),
    alt="Real points in five clusters, and crosses where DRAGAN penalizes the slope: with the "
    "published noise only to the upper right of each cluster, with the corrected noise all around.",
)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Every coordinate of the published $v$ is positive: the noise fills **one quadrant** of four, in
# $d$ dimensions one orthant of $2^d$. A README of its authors said so in 2017, and that $U(-1, 1)$
# is right; their notebook kept the old line.
#
# </details>
#
# And with 784 pixels?

# %% tags=["nbval-check-output"]
for directions in ("published", "all"):
    v = penalties.dragan(directions=directions).draw(
        torch.zeros(2000, 784), torch.Generator().manual_seed(0)
    )[0]
    diagonal = v.sum(1) / 784**0.5 / v.norm(dim=1)  # cosine of the angle with (1, ..., 1)
    angle = torch.rad2deg(torch.acos(diagonal))
    print(f"{directions:9} |mean of v| {abs(v.mean()):.2f}, angle with (1, ..., 1):", end=" ")
    print(f"{angle.min():.0f} to {angle.max():.0f} degrees")

# %% [markdown]
# With 784 pixels all 2000 published directions lie at about 30 degrees
# ($\cos = \tfrac12 / \sqrt{1/3}$) from one fixed one, "brighter everywhere". The penalty ties the
# whole norm of the gradient *at* these points, whatever its direction there; at points that lie any
# other way from the data $D$ may be as steep as it likes.
#
# ## Train them all
#
# The five Gaussians of chapter 10, width 32, the same three seeds (weights, data, batches) for
# every arm. **Predict:** in which arm is $D$ steepest at the data after 800 steps? In which is it
# flattest?

# %%
guess = gt.predict("no penalty", "DRAGAN or WGAN-GP", "R1 or R2", "Rp + R1 + R2")
guess

# %%
ARMS = {
    "no penalty": ("js", ()),
    "DRAGAN": ("js", penalties.dragan(10.0)),
    "WGAN-GP": ("wasserstein", penalties.wgan_gp(10.0)),
    "R1": ("js", penalties.r1(0.1)),
    "R2": ("js", penalties.r2(0.1)),
    "Rp + R1 + R2": ("relativistic", (penalties.r1(0.1), penalties.r2(0.1))),
}
SEEDS, STEPS, SIDE = [0, 1, 2], gt.budget(800), 61
axis = torch.linspace(-1.6, 1.6, SIDE)
square = torch.cartesian_prod(axis, axis)[:, [1, 0]]  # rows of the picture run along y

# %%
watch = {
    "modes": gt.probes.mode_scores(), "score": gt.probes.discriminator_on(square),
    "slope": gt.probes.slope_on(square), "at_data": gt.probes.slope_on(real),
    "fake": gt.probes.samples(150),
}  # fmt: skip


def train(loss, penalty, **how):
    games = [zoo.five_gaussians(seed, loss, 32, penalty) for seed in SEEDS]
    run = zoo.FIVE_GAUSSIANS.train(gt.stack(games), steps=STEPS, lr=2e-3, seed=SEEDS, **how)
    return gt.record(run, every=100, **watch)


found = {name: train(*arm) for name, arm in ARMS.items()}


# %%
def maps(record, member=0):
    """D and its slope in every arm at one record."""
    extent = (-1.6, 1.6, -1.6, 1.6)
    score = {k: h["score"][record, member].reshape(SIDE, SIDE) for k, h in found.items()}
    slope = {k: h["slope"][record, member].reshape(SIDE, SIDE) for k, h in found.items()}
    fake = {k: h["fake"][record, member] for k, h in found.items()}
    return gt.plots.critics(score, slope, extent, real=real, fake=fake)


# %%
gt.show(
    maps(-1),
    alt="Six discriminators and their slopes. Without a penalty D is steep, above 2 on more than "
    "half of the square. With DRAGAN and WGAN-GP it is close to 1 around the data; DRAGAN's fakes "
    "lie in a short bar beside one cluster, WGAN-GP's in a band between them, in part outside. "
    "With R1, R2 and both D is close to one half and much flatter, and most of the fakes lie on "
    "all five clusters.",
)

# %%
for name, history in found.items():
    outside = int((abs(history["fake"][-1, 0]) > 1.6).any(-1).sum())
    steep = (history["slope"][-1] > 2).mean(-1)  # (seeds,)
    print(f"{name:12} {outside:2} of 150 fakes outside the picture; slope above 2 on", end=" ")
    print(f"{steep.min():.0%} to {steep.max():.0%} of the square")

# %%
whens = found["R1"].steps.tolist()
gt.animation.chooser(lambda step: maps(whens.index(step)), whens, label="step", start=whens[-1])

# %% [markdown]
# Above, $D(x)$ with the real points (dots) and the fakes (crosses); below, the slope, with a dashed
# line where it is 1. (Only differences of the logit count for WGAN-GP and the relativistic loss, so
# the shade of their $D$ has no zero.) **Drag** the step back and see when the slopes are formed.
#
# In numbers: the slope, and the three scores of chapter 10. A mode is
# [covered](glossary.md#mode-coverage) if a sample lies within $3\sigma$ of it; [high
# quality](glossary.md#high-quality) is the share of samples within $3\sigma$ of their nearest mode;
# the [reverse KL](glossary.md#reverse-kl), $\sum_k q_k \log (q_k / p_k)$ of the samples' shares
# $q_k$ of the five modes, is 0 if each has its fifth, and $\log 5 = 1.61$ if one has all.


# %%
def row(history):
    """Medians over the seeds in the end: slope at the data, and the three scores."""
    slope = float(np.median(history["at_data"][-1]))
    return [slope, *np.median(history["modes"][-1], axis=0)]


columns = ["arm", "slope at the data", "covered", "high quality", "reverse KL"]
rows = [[name, *row(history)] for name, history in found.items()]
gt.Table(columns, rows, caption=f"Medians over three seeds after {STEPS} steps")

# %%
slope = {name: np.median(h["at_data"][-1]) for name, h in found.items()}
steepest, flattest = max(slope, key=slope.get), min(slope, key=slope.get)
print(f"flattest at the data: {flattest}; steepest:")
guess.answer(next(option for option in guess.options if steepest in option.split(" or ")))

# %% tags=["hide-input"]
assert gt.holds(max(abs(slope[name] - 1) for name in ("DRAGAN", "WGAN-GP")) < 0.3)
assert gt.holds(max(slope["R1"], slope["R2"]) < slope["no penalty"] / 3)
assert gt.holds(slope["Rp + R1 + R2"] < slope["R1"])
alone = np.median(found["no penalty"]["at_data"], axis=-1)  # (records, seeds)
assert gt.holds(alone[-1].min() > 2.1 and alone[-1].max() < 3.3)
assert gt.holds(np.median(alone[-1]) > np.median(alone[-2]))

# %% [markdown]
# **What you saw.** Without a penalty $D$ is the steepest at the data.
# DRAGAN and WGAN-GP hold the slope near 1 (0.96 and 0.88), as they should, and at this weight and
# in 800 steps their fakes have found next to nothing. With R1 or R2 alone $D$ is flatter (0.4),
# with both flatter still (0.2), and all three cover the modes. (So does *no* penalty: on these data
# the flat ones change $D$, not the count.)
#
# **Is that comparison fair?** The weights are not equal: R1 at $\gamma = 0.1$ weighs 0.05, R1 + R2
# twice that, the others 10. And WGAN-GP's authors do not train it like this: their own script for
# toys in the plane takes weight 0.1 and five steps of the critic. **Predict:** what do R1 at weight
# 10, DRAGAN and WGAN-GP at weight 0.1, and WGAN-GP with five steps do? Is it the relativistic loss
# that makes $D$ flattest, the second penalty, or only the weight that it adds? (One R1 at $\gamma =
# 0.2$ weighs as much as R1 and R2 at 0.1.)

# %%
critic_first = {"rule": gt.alternating(d_steps=5)}  # a new batch for each of the five steps
CONTROLS = {
    "R1 + R2, without Rp": ("js", (penalties.r1(0.1), penalties.r2(0.1)), {}),
    "R1, γ = 0.2": ("js", penalties.r1(0.2), {}),
    "R1, weight 10": ("js", penalties.r1(20.0), {}),
    "DRAGAN, weight 0.1": ("js", penalties.dragan(0.1), {}),
    "WGAN-GP, weight 0.1": ("wasserstein", penalties.wgan_gp(0.1), {}),
    "WGAN-GP, weight 0.1, five steps": ("wasserstein", penalties.wgan_gp(0.1), critic_first),
}
controls = {name: train(loss, p, **how) for name, (loss, p, how) in CONTROLS.items()}
gt.Table(columns, [[name, *row(history)] for name, history in controls.items()])

# %%
for name, history in controls.items():
    covered, quality, _ = history["modes"][-1].T
    slopes = np.median(history["at_data"][-1], axis=1)  # of each seed
    print(f"{name:32} covered {covered.astype(int)}, quality {quality.round(2)},", end=" ")
    print(f"slope {slopes.round(2)}")

# %% tags=["hide-input"]
fair = ("R1, weight 10", "DRAGAN, weight 0.1", "WGAN-GP, weight 0.1, five steps")
assert gt.holds(min(controls[name]["modes"][-1, :, 0].min() for name in fair) == 5)
assert gt.holds(max(found[name]["modes"][-1, :, 0].max() for name in ("DRAGAN", "WGAN-GP")) < 5)
flat = [np.median(h["at_data"][-1]) for h in controls.values()][:2]
assert gt.holds(max(flat) < 0.75 * slope["R1"] and abs(flat[1] / flat[0] - 1) < 0.3)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# R1, which pulls the slope *towards zero at the data*, covers all modes at weight 10 as it did at
# 0.05. DRAGAN and WGAN-GP, which pull it to 1, do not at weight 10 with one step; DRAGAN at weight
# 0.1 and WGAN-GP at its authors' toy settings (weight *and* steps) do, in three seeds of three. A
# table in which each method but one runs at its own settings says nothing about that one. Without
# the relativistic loss R1 + R2 makes $D$ as flat, and so nearly does one R1 of the same weight in
# all: in three seeds what flattens is the weight that the second penalty adds, more than the place
# where it acts.
#
# </details>
#
# **The target of 1 has a unit**, logits per unit of length. Multiply the data by ten: a $D$ that
# tells them apart equally well, $f(x / 10)$, has a tenth of the slope. So
# $\kappa\, (|\nabla f| - 1)^2$ is then what $\tfrac{\kappa}{100} (|\nabla f| - 10)^2$ was before.
# R1's target is 0 on every scale, but its weight has a unit, too.

# %% tags=["nbval-check-output"]
far = lambda points: f(points / 10)  # noqa: E731
pairs = {
    "DRAGAN": (penalties.dragan(10.0), penalties.dragan(0.1, target=10.0)),
    "WGAN-GP": (penalties.wgan_gp(10.0), penalties.wgan_gp(0.1, target=10.0)),
    "R1": (penalties.r1(1000.0), penalties.r1(10.0)),
}
for name, (penalty, same) in pairs.items():
    noise = penalty.draw(x, torch.Generator().manual_seed(1))
    scaled = penalty(far, 10 * x, 10 * fakes, noise).item()
    before = same(f, x, fakes, noise).item()
    print(f"{name:7} on data times ten {scaled:.4f}, its match on the data {before:.4f}")

# %% [markdown]
# ## DRAGAN's advice, tried
#
# The README of its authors says how to set it: a small $c$ performs better, a larger one is more
# stable; the perturbed points must not lie among the data; tune $\kappa$, leave the target $k$
# at 1. In 2017 it added that the penalty might be put on the fakes too, and a port to PyTorch takes
# the slope of the *probability* $\sigma(f)$ in place of the logit's. Each is a number in one
# penalty, so that all arms are **one stack**, eight seeds each. **Predict:** turned through the
# values below, which of the three numbers moves the quality most?

# %%
guess = gt.predict("the radius c", "the target k", "the weight κ")
guess

# %%
TRIED = {  # weight, c, k, lowest number in the noise, around the fakes, of the probability
    "no penalty": (0, 0.5, 1, -1, 0, 0),
    "weight 10, as published": (10, 0.5, 1, -1, 0, 0),
    "weight 1": (1, 0.5, 1, -1, 0, 0),
    "weight 0.1": (0.1, 0.5, 1, -1, 0, 0),
    "weight 0.1, c = 0.05": (0.1, 0.05, 1, -1, 0, 0),
    "weight 0.1, c = 4": (0.1, 4, 1, -1, 0, 0),
    "weight 0.1, k = 0": (0.1, 0.5, 0, -1, 0, 0),
    "weight 0.1, k = 3": (0.1, 0.5, 3, -1, 0, 0),
    "weight 0.1, published noise": (0.1, 0.5, 1, 0, 0, 0),
    "weight 0.1, around the fakes": (0.1, 0.5, 1, -1, 1, 0),
    "weight 0.1, of the probability": (0.1, 0.5, 1, -1, 0, 1),
    "weight 10, of the probability": (10, 0.5, 1, -1, 0, 1),
}

# %%
MANY = [*range(8)] * len(TRIED)
own = torch.tensor([row for row in TRIED.values() for _ in range(8)]).T
weight, c, k, low, at_fakes, of_sigma = own[..., None, None]  # each (members, 1, 1)


# %%
def tried(f, x, fakes, noise):
    """A value for each member of a stack; x and fakes are (members, n, 2)."""
    v, alpha = noise
    delta = c * x.std((1, 2), keepdim=True, correction=0) * alpha * (low + (1 - low) * v)
    points = (torch.where(at_fakes > 0, fakes, x) + delta).detach().requires_grad_()
    score = torch.where(of_sigma[..., 0] > 0, f(points).sigmoid(), f(points))
    (gradient,) = torch.autograd.grad(score.sum(), points, create_graph=True)
    slope = (gradient**2).sum(-1).clamp_min(1e-12).sqrt()  # no root of zero to differentiate
    return (weight[..., 0] * (slope - k[..., 0]) ** 2).mean(-1)


def draw(x, rng):
    return torch.rand(x.shape, generator=rng), torch.rand(len(x), 1, generator=rng)


tried.draw = draw

# %%
game = gt.stack([zoo.five_gaussians(seed, "js", 32) for seed in MANY])
game.penalties = (penalties.get(tried),)
run = zoo.FIVE_GAUSSIANS.train(game, steps=gt.budget(600), lr=2e-3, seed=MANY, batch_size=64)
advice = gt.record(run, every=gt.budget(600), modes=watch["modes"], at_data=watch["at_data"])
modes = advice["modes"][-1].reshape(len(TRIED), 8, 3)
slopes = np.median(advice["at_data"][-1], axis=1).reshape(len(TRIED), 8)


def interval(values, form="{:.2f} ± {:.2f}"):
    return form.format(values.mean(), t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8))


# %%
five, good = (modes[..., 0] == 5).sum(1), dict(zip(TRIED, modes[..., 1], strict=True))
rows = [
    [
        name, f"{n} of 8", "{:.0%} to {:.0%}".format(*gt.plots.wilson(n, 8)), interval(good[name]),
        interval(good[name] - good["weight 0.1"], "{:+.2f} ± {:.2f}"), interval(slope),
    ]
    for name, n, slope in zip(TRIED, five, slopes, strict=True)
]  # fmt: skip
columns = ["arm", "five modes", "95 % of seeds", "quality", "to weight 0.1, seed for seed"]
caption = "After 600 steps: means over eight seeds and 95 % intervals"
gt.Table([*columns, "slope at the data"], rows, caption=caption)

# %% tags=["nbval-check-output"]
quality = {name: values.mean() for name, values in good.items()}
TURNED = {
    "the radius c": ("weight 0.1", "weight 0.1, c = 0.05", "weight 0.1, c = 4"),
    "the target k": ("weight 0.1", "weight 0.1, k = 0", "weight 0.1, k = 3"),
    "the weight κ": ("weight 0.1", "weight 1", "weight 10, as published"),
}
moved = {name: np.ptp([quality[arm] for arm in arms]) for name, arms in TURNED.items()}
print("quality moves by:", ", ".join(f"{name} {by:.2f}" for name, by in moved.items()))
for arm in TURNED["the weight κ"]:
    less = interval(good[arm] - good["no penalty"], "{:+.2f} ± {:.2f}")
    print(f"{arm}, less no penalty, seed for seed: {less}")
guess.answer(max(moved, key=moved.get))

# %% tags=["hide-input"]
assert gt.holds(five[[1, 11]].max() == 0 and five[6] == 8)
assert gt.holds(
    quality["weight 0.1, k = 0"] > max(q for n, q in quality.items() if "k = 0" not in n)
)

# %% [markdown]
# **What you saw.** The **target** moves the quality most, and the README would leave it alone: with
# $k = 0$ all eight seeds have five modes and most of their samples on them, with 1 fewer, with 3
# next to none. A target of 1 has a unit, and these data are not those it was chosen for. **The
# weight** has a limit here: at 10 no seed of eight has five modes. With $k = 1$ the quality is
# lower than without a penalty by 0.44 at the weight 10, by 0.26 at 0.1 and by 0.23 at 1, where the
# paired interval holds 0. **The radius** moves no quality that eight seeds show: at 0.05 and at 4
# the paired intervals hold 0 (five modes in seven and in two of eight are a hint).
# And with $c = 0.05$ the points lie at most 0.035 from the data in each coordinate ($c$ times the
# deviation of the batch, about 0.7), inside a cluster of width 0.045: that they lie among the data
# does no harm that shows. Nor do eight seeds tell the two noises apart, or the fakes from the data
# as the place to ask. A slope of 1 of the *probability* asks for one of 4 or more of the logit, as
# $\sigma' \le \tfrac14$: at weight 10 nothing is found. (600 steps, one rate, $\tau = 1$, batches
# of 64. The rows `dragan.advice` of [the ledger](22_ledger.ipynb) have 16 seeds, 1500 steps, and
# $\tau = 8$ as well; those of `dragan.noise` are about the noise on digits.)
#
# ## An atlas of two knobs, and of two more
#
# `gan-teach study atlas` trained the five Gaussians at 48 pairs of $\tau$ (chapter 06) and $\gamma$
# of R1, twelve seeds each, 1000 steps at the rate 0.002 of $G$. A run *succeeds* if it covers all
# five modes at the last five of its eleven records and more than half of its samples in the end are
# of high quality. **Predict:** a slow $D$, $\tau = \tfrac18$, fails without a penalty. And with?

# %%
guess = gt.predict("worse: D gets even weaker", "better, at some weight", "no difference")
guess

# %%
atlas = gt.records.load("atlas")
success = gt.records.succeeded(atlas)
ax = gt.plots.phase_diagram(atlas, success, "tau", "gamma")
ax.set(xlabel="τ = learning rate of D / of G", ylabel="γ, the weight of R1")
gt.show(
    ax,
    alt="A map of 48 cells over tau from 1/8 to 16 and gamma from 0 to 100, each with its share of "
    "successful runs and an interval. A bright band leads from tau 1/8 and gamma 10 down to tau 16 "
    "and gamma 0.01 or 0.1. It is dark at small tau below it, at large tau above it, at gamma 100 "
    "nearly everywhere, and at tau 16 without a penalty.",
)


# %% tags=["hide-input"]
def cells(**where):
    chosen = np.all([np.isclose(atlas.static[knob], v) for knob, v in where.items()], axis=0)
    low, high = gt.plots.wilson(success[chosen].sum(), chosen.sum())
    covered = (atlas["covered"][-5:, chosen] == 5).all(0).sum()
    quality = np.median(atlas["high_quality"][-1, chosen])
    return success[chosen].sum(), chosen.sum(), low, high, covered, quality


# %% tags=["hide-input", "nbval-check-output"]
corners = [(1 / 8, 0), (1 / 8, 10), (1 / 8, 100), (1, 0), (1, 10), (16, 0), (16, 0.1), (16, 10)]
at = {pair: cells(tau=pair[0], gamma=pair[1]) for pair in corners}
for (tau, gamma), (k, n, low, high, covered, quality) in at.items():
    print(f"tau {tau:g}, gamma {gamma:g}: {k} of {n} ({low:.0%} to {high:.0%});", end=" ")
    print(f"five modes in {covered}, median quality {quality:.2f}")
guess.answer(guess.options[1 if at[1 / 8, 10][2] > at[1 / 8, 0][3] else 2])

# %% tags=["hide-input"]
assert at[1 / 8, 10][2] > at[1 / 8, 0][3]
assert at[16, 0.1][2] > max(at[16, 0][3], at[16, 10][3])
assert at[16, 10][4] > 6 > 10 * at[16, 10][5]

# %% [markdown]
# **Better, at one weight of five:** without a penalty this $D$ fails in all twelve runs, at $\gamma
# = 10$ in none. At $\tau = 16$ a small penalty helps as well, 12 of 12 at 0.1 against 4 without,
# and 10 is too much: eleven of twelve have all five modes, for which one sample within $3\sigma$ of
# each is enough, and next to none of the others is that near. No weight is good at every ratio and
# no ratio at every weight: the band of success lies *across* the map, smaller weights with larger
# ratios. (For this game, network, rate and length.)
#
# Two knobs more, `gan-teach study atlas-width`: the width of both networks and the learning rate of
# both, without a penalty, $\tau = 1$. **Predict:** a narrower network wants which rate?

# %%
guess = gt.predict("a slower one", "the same", "a faster one")
guess

# %%
by_width = gt.records.load("atlas-width")
good = gt.records.succeeded(by_width)
ax = gt.plots.phase_diagram(by_width, good, "lr", "width")
ax.set(xlabel="learning rate", ylabel="width of both networks")
gt.show(
    ax,
    alt="A map of 40 cells over rates from 0.00025 to 0.032 and widths from 4 to 64. In more "
    "than half of its runs width 64 succeeds from 0.0005 to 0.008, 32 from 0.002 to 0.008, 16 from "
    "0.004 to 0.016, 8 nowhere (at 0.016 in 42 %), 4 in no run. At 0.032 at most 17 % succeed.",
)

# %% tags=["nbval-check-output"]
best = {}
for width in (64, 32, 16, 8, 4):
    rates = by_width.static["lr"][by_width.static["width"] == width]
    had = {
        lr: good[by_width.static["width"] == width][rates == lr].sum() for lr in np.unique(rates)
    }
    best[width] = max(had, key=had.get)
    told = ", ".join(f"{lr:g}: {n}" for lr, n in had.items())
    print(f"width {width}, successes of 12 by rate: {told}")
guess.answer(guess.options[int(1 + np.sign(best[8] - best[64]))])

# %% tags=["hide-input", "nbval-check-output"]
corners = {"narrow and slow": (8, 0.001), "wide and fast": (64, 0.016)}
for name, (width, lr) in corners.items():
    own = (by_width.static["width"] == width) & np.isclose(by_width.static["lr"], lr)
    five_at = (by_width["covered"][-5:, own] == 5).sum(0)  # of the last five records
    quality_at = np.median(by_width["high_quality"][-1, own])
    print(f"{name}: five modes at so many of the last five records: {np.sort(five_at)},", end=" ")
    print(f"median quality {quality_at:.2f}")

# %% [markdown]
# **A faster one:** the rate with the most successes goes from 0.001 (or 0.002, a tie) to 0.016 as
# the width falls from 64 to 8. There 12, 12, 12 and 5 of 12 runs succeed, over all eight rates 60,
# 48, 36 and 9 of 96; width 4 has no good rate. The two edges of the map fail in different ways.
# Narrow and slow, next to no sample lies on a mode. Wide and fast, most of them do, and the modes
# come and go: each run has five at some of its last five records, two of twelve at all of them.
# (After 1000 steps: a slow run may be late, not lost.)

# %% [markdown]
# ## Which eigenvalue does a penalty damp?
#
# On the Dirac-GAN (chapter 05) R1 and R2 act on the slope $\psi$ of $D$ alone,
#
# $$J = \begin{pmatrix} 0 & \tfrac12 \\ -\tfrac12 & -(\gamma_1 + \gamma_2) \end{pmatrix}, \qquad
# \lambda_{1,2} = -\tfrac g2 \pm \tfrac12 \sqrt{g^2 - 1}, \quad g = \gamma_1 + \gamma_2.$$
#
# **Predict:** more and more $\gamma$: do both eigenvalues move to the left for ever?

# %%
GAMMAS = np.arange(0, 151) / 100
origin = torch.zeros(2, dtype=torch.float64)


def eigenvalues(*chosen):
    game = zoo.dirac_gan(penalties=chosen)
    J = gt.jacobian(game, game.draw(1, torch.Generator().manual_seed(0)), origin)
    return np.sort(gt.spectrum(J).real)


one = np.array([eigenvalues(penalties.r1(g)) for g in GAMMAS])
two = np.array([eigenvalues(penalties.r1(g), penalties.r2(g)) for g in GAMMAS])

# %%
real_parts = {
    "R1, slow": one[:, 1], "R1, fast": one[:, 0],
    "R1 + R2, slow": two[:, 1], "R1 + R2, fast": two[:, 0],
}  # fmt: skip

# %%
gt.show(
    gt.plots.compare(GAMMAS, real_parts, xlabel="γ of each penalty", ylabel="real part of λ"),
    alt="Real parts of the two eigenvalues over gamma: equal and falling up to gamma 1 for R1, 0.5 "
    "for R1 + R2; then they part, the fast one falls steeply, the slow one climbs back towards 0.",
)

# %% tags=["nbval-check-output"]
total = np.array([0.3, 0.6, 1.2, 2.4])
root = np.sqrt(np.maximum(total**2 - 1, 0)) / 2
for g, r in zip(total, root, strict=True):
    half = penalties.r1(g / 2), penalties.r2(g / 2)
    measured = [eigenvalues(*penalty) for penalty in (half, half[:1] * 2)]  # R1 + R2, R1 twice
    print(
        f"sum {g}: real parts {-g / 2 - r:.3f}, {-g / 2 + r:.3f}; measured", *np.round(measured, 3)
    )
print(f"-1 / (4 g) at 2.4: {-1 / (4 * 2.4):.3f}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Up to $g = 1$ the friction is shared: the pair turns, and both parts are $-g/2$. Beyond, the fast
# eigenvalue takes all that is added and the slow one, in the end $-1/(4g)$, gets **less**: $D$ is
# held so flat that it hardly tells $G$ where to go.
#
# </details>
#
# And the penalties with a target of 1? They have no such $J$: at $\psi = 0$ their pull is not
# differentiable, and it is directed *away* from the equilibrium.

# %%
METHODS = {
    "no penalty": zoo.DIRAC_METHODS["saturating"], "R1, γ = 0.3": zoo.DIRAC_METHODS["r1"],
    "DRAGAN": zoo.DIRAC_METHODS["dragan"], "WGAN-GP": zoo.DIRAC_METHODS["wgan_gp"],
}  # fmt: skip


def path(method, steps=500):
    states = gt.train(method.game(), method.rule(), steps=gt.budget(steps), lr=0.2, batch_size=1)
    return gt.record(states, w=gt.probes.params())["w"]


# %%
paths = {name: path(method) for name, method in METHODS.items()}
fields = {name: zoo.dirac_field(method) for name, method in METHODS.items()}
gt.show(
    gt.plots.portraits(fields, paths, names=("θ (generator)", "ψ (discriminator)")),
    alt="Four phase portraits. Without a penalty the path circles outwards and leaves the picture, "
    "with R1 it spirals into the origin, with DRAGAN and WGAN-GP it ends on a closed curve around "
    "the origin, on which D's slope swings beyond plus and minus one.",
)

# %%
late = {name: np.linalg.norm(way[-100:], axis=1) for name, way in paths.items()}
for name, far in late.items():
    print(f"{name:11} last 100 of 500 steps: {far.min():.2f} to {far.max():.2f} from", end=" ")
    print(f"the origin, |slope| up to {abs(paths[name][-100:, 1]).max():.2f}")
for name in ("DRAGAN", "WGAN-GP"):
    far = np.linalg.norm(path(METHODS[name], 1500)[-100:], axis=1)
    print(f"{name:11} last 100 of 1500 steps: {far.min():.2f} to {far.max():.2f}")

# %% tags=["hide-input"]
assert gt.holds(late["R1, γ = 0.3"].max() < 0.01)
assert gt.holds(min(late[name].min() for name in ("no penalty", "DRAGAN", "WGAN-GP")) > 1)

# %% [markdown]
# DRAGAN and WGAN-GP keep $D$ in motion where R1 lets it come to rest (Mescheder et al., 2018):
# their paths run on a closed curve, the same after 500 steps as after 1500. (Without a penalty the
# path grows because the steps are finite: chapter 05.) On the five Gaussians above that did not
# keep either of them from the modes at a light weight; but at the equilibrium $D$ should be flat,
# and a target of 1 forbids it.

# %% [markdown]
# ## Play
#
# DRAGAN on the five Gaussians, live. Turn *Penalty* to `r1` or `none` in mid-run and watch $D$'s
# field and the arrows, which show where each fake is pushed.

# %%
gt.Lab("dragan")

# %% [markdown]
# ## Exercises
#
# **1.** How different are two directions of the published DRAGAN noise, $v$ and $v'$, both
# $U(0, 1)^d$? In many dimensions the cosine of the angle between them is nearly the same for all
# such pairs. What is it?
#
# <details><summary>Hint</summary>
#
# In many dimensions sums are near their means: what is $\mathbb E\, v_i v'_i$, and what
# $\mathbb E\, v_i^2$?
#
# </details>

# %%
cosine = ...
gt.exercises.check_noise_cosine(cosine)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_noise_cosine((1 / 4) / (1 / 3))
# ```
#
# ```text
# Right: a product of two coordinates is 1/4 on average, a square 1/3.
# ```
#
# </details>

# %% [markdown]
# **2.** The *friction* of a linear game is $-\operatorname{Re}(\lambda_1 + \lambda_2)$. What is it
# for the Dirac-GAN with R1 and R2, both of weight $\gamma$?
#
# <details><summary>Hint</summary>
#
# The trace of $J$.
#
# </details>

# %%
friction = ...  # for instance: lambda gamma: ...
gt.exercises.check_friction(friction)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_friction(lambda gamma: 2 * gamma)
# ```
#
# ```text
# Right: the two penalties have the same curvature in psi there, so their weights add.
# ```
#
# </details>

# %% [markdown]
# **3.** (Code.) A flat $D$ needs no pull. Write the *one-sided* penalty that leaves it alone,
# $10\, \mathbb E \max(0, |\nabla f(x)| - 1)^2$ at the real points: a function of
# `(critic, real, fake, noise)`, the form that the library takes (`noise` is empty here). It then
# trains the five Gaussians, seed 0: does it cover more modes than DRAGAN at weight 10 did?
#
# <details><summary>Hint 1</summary>
#
# `slope_at` of the hood gives $|\nabla f|$ at each point.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `torch.relu` cuts at zero; the square and the mean come after it.
#
# </details>

# %%
penalty = ...  # for instance: lambda critic, real, fake, noise: ...
verdict = gt.exercises.check_one_sided(penalty)
verdict

# %%
if verdict:
    game = zoo.five_gaussians(0, "js", 32, penalty)
    run = zoo.FIVE_GAUSSIANS.train(game, steps=STEPS, lr=2e-3, seed=0)
    yours = gt.record(run, every=STEPS, **watch)
    covered, quality, _ = yours["modes"][-1]
    print(f"yours: slope at the data {np.median(yours['at_data'][-1]):.2f}, {covered:.0f} modes")
    print(f"covered, high quality {quality:.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def penalty(critic, real, fake, noise):
#     x = real.detach().requires_grad_()
#     (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
#     return 10 * (torch.relu(gradient.norm(dim=1) - 1) ** 2).mean()
#
#
# gt.exercises.check_one_sided(penalty)
# ```
#
# ```text
# Right: no pull where D is flatter than one, WGAN-GP's where it is steeper.
# ```
#
# </details>

# %% [markdown]
# **4.** (Code.) R1 flattens $D$ at the one end of the way from real to fake, R2 at the other. Write
# a penalty that does so *on* the way, at WGAN-GP's points and with R1's target:
# $0.05\, \mathbb E\, |\nabla f(ux + (1 - u)\, G(z))|^2$ as a function of
# `(critic, real, fake, noise)`. Here `noise` is `(u,)` with `u` of shape $(n, 1)$: a penalty draws
# nothing itself, so that a step can be repeated. The library asks its attribute `draw`, below.
#
# <details><summary>Hint 1</summary>
#
# `(u,) = noise`, then `slope_at` of the hood, at other points.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The square of each sample's norm, then the mean, then the weight.
#
# </details>

# %%
between = ...  # def between(critic, real, fake, noise): ...
verdict = gt.exercises.check_flat_between(between)
verdict


# %%
def trained_with(penalty):
    game = zoo.five_gaussians(0, "js", 32, penalty)
    run = zoo.FIVE_GAUSSIANS.train(game, steps=STEPS, lr=2e-3, seed=0)
    return gt.record(run, every=gt.budget(100), **watch)


if verdict:
    between.draw = lambda real, rng: (torch.rand(len(real), 1, generator=rng),)
    same = replace(penalties.wgan_gp(0.05, target=0.0), name=penalties.get(between).name)
    yours, library = trained_with(between), trained_with(same)  # of one name: the same draws
    for step, slope, (modes, quality, _) in zip(
        yours.steps, np.median(yours["at_data"], -1), yours["modes"], strict=True
    ):
        print(f"step {step}: your D's slope {slope:.2f}, {modes:.0f} modes, quality {quality:.2f}")
    gap = abs(yours["at_data"][1] - library["at_data"][1]).max()
    print(f"step {yours.steps[1]}: the slopes differ from the library's by at most {gap:.0e}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def between(critic, real, fake, noise):
#     (u,) = noise
#     points = (u * real + (1 - u) * fake).detach().requires_grad_()
#     (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
#     return 0.05 * (gradient**2).sum(1).mean()
#
#
# gt.exercises.check_flat_between(between)
# ```
#
# ```text
# Right: flat on the whole way from real to fake: R1 at its one end, R2 at the other.
# ```
#
# </details>

# %% [markdown]
# ## Where this bites in practice
#
# - A target slope of 1 has a unit: rescale the data, and the same $\kappa$ and $k$ are another
#   penalty. Normalize first. A target of 0 stays what it is, but its weight scales, too.
# - R1 asks for a flat $D$ at the data, R2 at the samples. Here, where the two come to lie together,
#   either one flattened it at the data (0.4 in place of 2.7).
# - Too large a $\gamma$ slows the game down: on the Dirac-GAN the slow eigenvalue is about
#   $-1/(4g)$. Check the slope at the data.
# - Conventions differ by factors of two ($\gamma/2$, $\mu$, $\kappa/2$): convert before you
#   compare.
#
# ## Further reading
#
# - N. Kodali, J. Abernethy, J. Hays, Z. Kira, *On Convergence and Stability of GANs*, 2017
#   (DRAGAN): algorithm 1. The correction of the noise stands in the history of their repository's
#   README.
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017, equation 3.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*,
#   2018: equations 9 and 10 (R1, R2), section 4; why a target of 1 need not converge.
# - H. Thanh-Tung, T. Tran, S. Venkatesh, *Improving Generalization and Stability of Generative
#   Adversarial Networks*, 2019: the flat penalty between real and generated points (exercise 4).
# - Y. Huang et al., *The GAN is dead; long live the GAN!*, 2024, section 2: RpGAN with R1 and R2.
# - What the authors say of their penalty, row by row, each with a verdict: `dragan.advice`,
#   `dragan.noise` and `dragan.statements` in [the ledger](22_ledger.ipynb).
