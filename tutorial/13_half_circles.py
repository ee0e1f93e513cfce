# %% [markdown]
# # Mistrust flat losses
#
# *Both losses are at their theoretical values, and not one sample is right.*
#
# **You will do:** derive the equilibrium of a GAN with smoothed labels, collapse a generator *at*
# that equilibrium, then train the GAN of a university assignment and an improved one on an S of two
# half circles, and hold both against the noise of real data. **You will learn:** what flat losses
# say, what they cannot say, and a set of changes that mends this GAN. **You need:** chapters 01 and
# 11.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach import metrics as mt
from gan_teach import zoo

# %% [markdown]
# ## The data
#
# Radius $r \sim \mathcal N(10, 1)$, angle $\theta \sim U(0, 2\pi)$; the left half of the ring is
# moved up by 10, the right half down by 10. Standard deviations 7 and 12. We count each half as ten
# arcs, so that "how many modes?" has an answer here, too: 20.

# %%
ARCS = gt.data.half_circles()
REAL = ARCS.sample(2000, torch.Generator().manual_seed(0)).numpy()
middles = ARCS.modes.numpy()
gt.show(
    gt.plots.clouds({"real": REAL, "middles of the 20 arcs": middles}, REAL),
    alt="Points along an S of two half circles, and the middles of its twenty arcs.",
)

# %% [markdown]
# ## The rule
#
# The assignment smooths the labels: $D$'s target is $s = 0.9$ for real samples and 0 for fakes. At
# each point $D$ minimises $-p\,[s \log D + (1 - s) \log(1 - D)] - q \log(1 - D)$; the derivative is
# zero where $s\,p\,(1 - D) = \big((1 - s)\,p + q\big)\,D$, so
#
# $$D^* = \frac{s\,p}{p + q}, \qquad p = q:\quad D^* = \frac s2, \quad
#   L_D = -s \log \tfrac s2 - (2 - s) \log\!\big(1 - \tfrac s2\big), \quad L_G = -\log \tfrac s2.$$
#
# For $s = 0.9$: $D = 0.45$, $L_D = 1.3763$, $L_G = 0.7985$. (*Not* 0.5, which the report of one
# solution calls the ideal.) **Predict:** which $p$ and $q$ have these losses?


# %%
def constant_answer(s):
    """D's loss if it gives one answer to everything."""
    d = np.linspace(0.05, 0.95, 181)
    loss = -s * np.log(d) - (2 - s) * np.log(1 - d)
    ax = gt.plots.compare(
        d, {f"targets {s:g} and 0": loss}, xlabel="D's only answer", ylabel="D's loss",
        mark=(s / 2, f"D = {s / 2:g}"), level=(loss.min(), f"{loss.min():.4f}"),
    )  # fmt: skip
    ax.set_ylim(1.1, 2.5)
    return ax


gt.animation.chooser(constant_answer, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0], label="s", start=0.9)

# %%
gt.show(
    constant_answer(0.9),
    alt="D's loss over its only answer: a valley with its floor of 1.3763 at D = 0.45.",
)

# %% tags=["nbval-check-output"]
L_D, L_G = gt.plots.equilibrium_losses("non_saturating", 0.9)
print(f"s = 0.9: D = {0.9 / 2}, L_D = {L_D:.4f}, L_G = {L_G:.4f}")

# %% [markdown]
# **All of them.** If $D$ answers 0.45 to *everything*, $p$ and $q$ drop out: the losses are 1.3763
# and 0.7985 whatever $G$ does. So flat losses at these values say one thing: *D has stopped telling
# real from fake*. Because there is nothing to tell? Or because it cannot?
#
# ## Collapsed, at the equilibrium
#
# Take the assignment's two networks. $G$'s last layer is set to the single point $(-10, 10)$, $D$'s
# to $\log\tfrac{0.45}{0.55}$. **Predict** both losses.

# %%
game = zoo.half_circles(seed=0)
with torch.no_grad():
    for net, value in ((game.generator, [-10, 10]), (game.discriminator, [np.log(0.45 / 0.55)])):
        net[-1].weight.zero_()
        net[-1].bias.copy_(torch.tensor(value))
losses = game.losses(game.draw(2000, torch.Generator().manual_seed(1)))
report = mt.mode_report(game.generate(torch.randn(2000, 100)), ARCS)

# %% tags=["nbval-check-output"]
print(f"L_D = {losses.d:.4f}, L_G = {losses.g:.4f}:", report)

# %% [markdown]
# Perfect losses, one arc of twenty. And it is *stationary for G*: the slope of $D$ is zero, so no
# gradient tells $G$ to move.
#
# "Nobody trains such a $D$." Let us see. A **linear** $D$ on the same data (in units of 10),
# trained in the ordinary way for a thousand steps. It compares means and nothing else. **Predict:**
# where do the losses end? Where the samples?

# %%
UNIT = gt.data.HalfCircles(1.0, 0.1, 1.0)
blind = gt.GAN(
    gt.models.MLP(2, 2, width=64, activation="leaky_relu", seed=1),
    gt.models.MLP(2, 1, depth=0, seed=51),
    data=UNIT, latent=gt.data.Normal(dim=2), label_smoothing=0.9,
)  # fmt: skip
run = zoo.HALF_CIRCLES.train(blind, steps=gt.budget(1000), lr=3e-3, seed=1, rule=gt.alternating())
flat = gt.record(
    run, every=10, d_loss=gt.probes.loss("d"), g_loss=gt.probes.loss("g"),
    fake=gt.probes.samples(1000), modes=gt.probes.mode_scores(1000),
)  # fmt: skip

# %%
flat = flat.describe(
    static={"real": REAL / 10},
    meta={"loss": "non_saturating", "label_smoothing": 0.9, "title": "A linear D", "unit": "step"},
)

# %%
figure, draw = gt.plots.stage(flat, [gt.plots.samples_panel, gt.plots.losses_panel])
draw(-1)
plane = figure.axes[0]
plane.plot(*flat["fake"][-20:].mean(1).T, color=gt.style.FAKE, linewidth=0.8)  # where the mean was
plane.set(xlim=(-17, 17), ylim=(-24, 10))
gt.show(
    figure,
    alt="Left: the generated points are a wedge to the lower right of the small S, none of them on "
    "it; the path of their mean over the last 200 steps is a loop around the S, many times its "
    "size. Right: after 150 steps both losses swing around the levels 1.38 and 0.799.",
)

# %% tags=["nbval-check-output"]
d, g = (flat[k][-10:].mean() for k in ("d_loss", "g_loss"))
print("D's mean loss within 0.02 of 1.3763:", gt.holds(abs(d - L_D) < 0.02))
print("G's mean loss within 0.02 of 0.7985:", gt.holds(abs(g - L_G) < 0.02))
on_the_s = np.median(flat["modes"][-50:, 1])
print("at most looks fewer than 5 % of the samples on the S:", gt.holds(on_the_s < 0.05))

# %% [markdown]
# Averaged over the last hundred steps both losses are where theory wants them, and the samples are
# nowhere. It is no rest: their mean circles around that of the data, the orbit of chapter 05, and
# the losses swing with it, by some 0.05. Nor does it happen in every run. Of the seeds 0 to 7 six
# have both mean losses within 0.02 of theory, in the other two the loop grows; in all eight fewer
# than 5 % of the samples lie on the S at more than half of the last fifty looks. A dropout of 0.3,
# unnormalised data and a $D$ that moves at every second step only blind a larger $D$ in the same
# way, if less completely. **Flat losses acquit nobody.** (Chapter 14 makes that a theorem: a low
# loss of $D$ convicts, a high one proves nothing.)
#
# ## The assignment's GAN, and four changes
#
# As handed in: $G$ 100-128-256-256-2, $D$ 2-128-256-128-1 with dropout 0.3, smoothing 0.9, Adam
# $(0.5, 0.999)$, $D$ at every second step. Improved, with the same hidden layers:
#
# | change | why |
# | --- | --- |
# | data divided by 10, latents $\mathcal N(0, I_2)$ | weights start for inputs of size 1 |
# | relativistic pairing | no bad basins, if the pairs are fixed (chapter 09) |
# | R1 + R2 in place of dropout and smoothing | friction, not blur (chapters 05, 11) |
# | Adam $(0, 0.99)$, $D$ at every step, an average of $G$ | less momentum, fewer swings |
#
# They are made together: two runs show what all of them do, not which of them does it. **Predict:**
# after 600 steps each, which arcs does either generator have?

# %%
STEPS, SIDE = gt.budget(600, 40), np.linspace(-25, 25, 51)
PLANE = np.stack(np.meshgrid(SIDE, SIDE), -1).reshape(-1, 2).astype(np.float32)
Z = torch.Generator().manual_seed(1)


def watched(game, setup, unit, decay):
    """Train, and watch D's field and an average of G (decay 0: G itself) in the data's units."""
    mean, z = gt.EMA(game.generator, decay=decay), game.latent.sample(1000, Z)
    on_plane = gt.probes.discriminator_on(torch.from_numpy(PLANE / unit))
    return gt.record(
        gt.observe(setup.train(game, steps=STEPS, seed=0), mean), 20,
        fake=lambda _: unit * mean.module(z), d_field=lambda s: on_plane(s).reshape(51, 51),
        d_loss=gt.probes.loss("d"), g_loss=gt.probes.loss("g"),
    )  # fmt: skip


# %%
ways = {
    "as handed in": watched(zoo.half_circles(0), zoo.HALF_CIRCLES, 1.0, 0.0),
    "improved": watched(zoo.half_circles_improved(0), zoo.HALF_CIRCLES_IMPROVED, zoo.UNIT, 0.993),
}
facts = {"real": REAL[:500], "field_extent": [-25, 25, -25, 25]}
ways = {name: h.describe(static=facts, meta={"title": name}) for name, h in ways.items()}

# %%
gt.film_strip(
    ways["as handed in"],
    [gt.plots.samples_panel],
    alt="Five moments of 600 steps as handed in: a short bar of crosses turns and moves about "
    "between the arms of the S, at step 600 over four of its arcs; it never spreads along the S. "
    "D's field has a few large regions.",
)

# %%
gt.film_strip(
    ways["improved"],
    [gt.plots.samples_panel],
    alt="Five moments of 600 steps, improved: by step 160 the crosses fill the space between the "
    "arms, by step 440 they follow the S, by step 600 they lie along the whole of it; D's field "
    "fades to one half.",
)

# %%
gt.player(ways["improved"], [gt.plots.samples_panel, gt.plots.losses_panel])

# %% [markdown]
# ## Against the noise of real data
#
# A score needs its band (chapter 14): what do 1000 *real* samples score? The last column counts how
# far a score is from perfect, as a multiple of the band's worse end: up to 1 may be noise.
# **Predict:** which of the four numbers can the improved GAN bring below 2 in 600 steps?


# %%
def scored(samples, real):
    return {**mt.mode_report(samples, ARCS).scores, "sliced": mt.sliced_wasserstein(samples, real)}


def bands_of(n):
    return {
        **mt.mode_noise_bands(ARCS, n),
        "sliced": mt.noise_band(mt.sliced_wasserstein, ARCS, n, repeats=199),
    }


PERFECT = {"covered": 20, "high_quality": 0.9973, "reverse_kl": 0, "sliced": 0}
BANDS = bands_of(1000)

# %%
rows = []
for name, history in ways.items():
    found = scored(history.last("fake"), REAL[:1000])
    for metric, score in found.items():
        band = BANDS[metric]
        rows.append([name, metric, score, *band, band.misses(score, PERFECT[metric])])
gt.Table(["GAN", "score", "value", "band from", "to", "misses, in bands"], rows)

# %% tags=["nbval-check-output"]
miss = {(name, metric): value for name, metric, *_, value in rows}
poor = miss["as handed in", "sliced"]
print("as handed in: sliced Wasserstein beyond 5 bands:", gt.holds(poor > 5))
within = [miss["improved", metric] < 2 for metric in ("covered", "sliced")]
print("improved: modes and sliced Wasserstein within 2 bands:", gt.holds(all(within)))

# %% [markdown]
# ## More seeds, more steps
#
# The command `gan-teach study half-circles-improved --seeds 4` trained four seeds for 2000 steps
# (an eighth of the assignment's 15,800) and scored 5000 samples every 100. It took about three
# minutes of one core; the chapter reads the file. **Predict:** does $D$'s loss show when the
# generator is good?

# %%
long = gt.records.load("half-circles-improved")
loss, level = {"improved": long["d_loss"]}, (np.log(2), "log 2")
gt.show(
    gt.plots.compare(long.steps, loss, xlabel="step", ylabel="loss of D", level=level),
    alt="D's loss of four improved runs over 2000 steps: within 0.02 of log 2 from step 100 on.",
)

# %%
FINE = bands_of(5000)
ax = gt.plots.compare(
    long.steps, {"improved": long["sliced"]}, xlabel="step", ylabel="sliced Wasserstein",
    level={"best real": FINE["sliced"].low, "worst real": FINE["sliced"].high}, log=True,
)  # fmt: skip
ax.set_ylim(0.05, 12)
gt.show(
    ax,
    alt="Sliced Wasserstein distance of four improved runs over 2000 steps, logarithmic: from 8 "
    "down into the band of real data between 0.08 and 0.46.",
)

# %%
names = [f"seed {seed}" for seed in long.static["seed"]]
ends = dict(zip(names, long.static["samples"], strict=True))
last = dict(zip(names, long["sliced"][-1], strict=True))
notes = {name: f"distance {value:.2f}" for name, value in last.items()}
gt.show(
    gt.plots.clouds(ends, REAL, notes=notes),
    alt="The samples of four seeds after 2000 steps: each lies along the whole S, as a line "
    "thinner than the real S beneath it.",
)

# %% tags=["nbval-check-output"]
scores = dict(zip(PERFECT, [*long["modes"][-1].T, long["sliced"][-1]], strict=True))
for metric, perfect in PERFECT.items():
    missed = [FINE[metric].misses(value, perfect) for value in scores[metric]]
    print(f"{metric}: all seeds within twice the band: {max(missed) <= 2}")

# %% [markdown]
# All four numbers pass, for every seed. **Now look at the picture.** The S is too thin. How wide is
# it across, where the data have 1?

# %% tags=["nbval-check-output"]
for name, x in ends.items():
    r = np.hypot(x[:, 0], x[:, 1] - np.where(x[:, 0] <= 0, 10, -10))
    print(f"{name}: std across the arc {r.std():.2f}")
print("quality of the best seed", max(scores["high_quality"]), "- real data: at most", end=" ")
print(f"{FINE['high_quality'].high:.3f}")

# %% [markdown]
# A *quality of 1.000 is outside the band*, on the good side: real data have outliers beyond three
# sigmas, and a generator without any is too narrow. Modes, reverse KL and the sliced distance look
# along the arc, where this generator is right, and hardly across. Which metric would have noticed
# is the subject of chapter 14.
#
# And the loss? It is at its level after a few hundred steps, when the distance is still several
# times the noise, and it stays there while the S is thin. It was never the loss that said how good
# the generator is.
#
# ## As handed in, to the end
#
# Four seeds of the published settings for all 15,800 steps (`gan-teach study
# half-circles-published --seeds 4`). **Predict:** after 200 epochs, who is nearer to the data:
# they, or the improved settings after an eighth of the steps?

# %%
handed = gt.records.load("half-circles-published")
names = [f"seed {seed}" for seed in handed.static["seed"]]
last = dict(zip(names, handed["sliced"][-1], strict=True))
gt.show(
    gt.plots.clouds(
        dict(zip(names, handed.static["samples"], strict=True)), REAL,
        notes={name: f"distance {value:.2f}" for name, value in last.items()},
    ),
    alt="The samples of four seeds of the settings as handed in, after 15,800 steps: nearly the "
    "whole S, unevenly filled and frayed, with points off the arcs.",
)  # fmt: skip

# %% tags=["nbval-check-output"]
for name, history in (("handed in", handed), ("improved", long)):
    values = dict(zip(PERFECT, [*history["modes"][-1].T, history["sliced"][-1]], strict=True))
    for metric, perfect in PERFECT.items():
        inside = sum(FINE[metric].misses(v, perfect) <= 2 for v in values[metric])
        print(f"{name:9} {metric:12} median {np.median(values[metric]):6.3f}", end="")
        print(f"   within twice the band: {inside} of {len(values[metric])}")
ends = handed["d_loss"][-5:].mean(), handed["g_loss"][-5:].mean()
print(f"handed in: loss of D {ends[0]:.3f} (theory 1.376), of G {ends[1]:.3f} (theory 0.799)")

# %% [markdown]
# In the end the assignment's GAN does find the S, or nearly: its losses had been at the values of a
# perfect generator for thousands of steps before. The improved settings are closer in all four
# numbers after an eighth of the steps.

# %% [markdown]
# ## Play
#
# The same S, live, with labels smoothed to 0.9. Hold the losses and $D$'s mean against their dashed
# levels, then look at the fakes, and show the chart *Distance to the data* with its noise band.
# *Draw the data* yourself to see which shapes are easy.

# %%
gt.Lab("half-circles")

# %% [markdown]
# ## Exercises
#
# **1.** Labels smoothed to $s = 0.8$: what is $D$'s loss at the equilibrium? *Hint: $D = 0.4$.*

# %%
loss = ...
gt.exercises.check_smoothed_loss(loss)

# %% [markdown]
# **2.** Smooth both sides: target 0.9 for real samples, 0.1 for fakes. What is $D^*$, and what does
# it say where there are no data? *Hint: replace $p$ and $q$ above by masses of the two answers.*

# %%
best = ...  # for instance: lambda p, q: ...
gt.exercises.check_two_sided(best)

# %% [markdown]
# **3.** For a thousand steps $D(x) = D(G(z)) = 0.45$ on average. Which of these can be the case?
# a) $G$ is perfect. b) $G$ emits one point. c) $D$ is linear and the means agree. d) $D$ tells real
# from fake. Answer with letters, such as `"ad"`.

# %%
letters = ...
gt.exercises.check_what_flat_means(letters)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_smoothed_loss(-0.8 * np.log(0.4) - 1.2 * np.log(0.6)))
print(gt.exercises.check_two_sided(lambda p, q: (0.9 * p + 0.1 * q) / (p + q)))
print(gt.exercises.check_what_flat_means("abc"))

# %% [markdown]
# ## Where this bites in practice
#
# - "Losses flat, scores at the ideal: trained" is a common sentence in reports. Ask for a picture,
#   a distance, and its noise band.
# - With smoothed labels the level is $s / 2$. A run pinned there has a $D$ without information;
#   look at the slope of $D$ around the data before you celebrate.
# - Two arms that differ in four things compare four things. Take a recipe apart before you pass it
#   on.
#
# The settings as handed in, to their end, are one command away: `gan-teach study
# half-circles-published` (8 seeds, 15,800 steps; about 20 minutes of one core).
#
# ## Further reading
#
# - T. Salimans et al., *Improved Techniques for Training GANs*, 2016, section 3.4: one-sided label
#   smoothing, and why not two-sided.
# - Y. Huang et al., *The GAN is dead; long live the GAN!*, 2024, section 2: relativistic pairing
#   with R1 and R2. R. Sun, T. Fang, A. Schwing, *Towards a Better Global Loss Landscape of GANs*,
#   2020: theorems 1 and 2.
# - Y. Yazıcı et al., *The Unusual Effectiveness of Averaging in GAN Training*, 2019.
