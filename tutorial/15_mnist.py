# %% [markdown]
# # Draw digits
#
# *The same game with three million parameters: everything you can read off the losses, and
# everything you cannot.*
#
# **You will do:** train the fully connected GAN of MNIST, watch it draw, hold its losses and scores
# against theory, and measure its distance from the data along a run of the published length. **You
# will learn:** what is like the GAN with four parameters of chapter 01, what $D(x) = 0.63$ and
# $D(G(z)) = 0.36$ say, and what an average of generators is for. **You need:** chapters 01, 13 and
# 14.

# %%
from dataclasses import replace

import gan_teach as gt
import numpy as np
import torch
from gan_teach.metrics import features
from gan_teach.studies import image_records, image_runs
from gan_teach import metrics

# %% [markdown]
# ## The data
#
# 5,000 digits of MNIST that come with a package, so that nothing is downloaded: 28 x 28 pixels,
# grey, 500 of each. A point of the data is a vector of 784 numbers in $[-1, 1]$.

# %%
config = gt.zoo.IMAGE_GANS["mnist-vanilla"]
images = gt.data.small_mnist()
mixed = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
train, held_out = mixed[:4000], mixed[4000:]
gt.show(
    gt.plots.image_grid(train[:60].floats(), columns=15),
    alt="Sixty handwritten digits in four rows.",
)

# %% [markdown]
# ## The rule
#
# Nothing new. The networks and settings are those of a university assignment, after Goodfellow et
# al. (2014): $G$ 100-256-512-1024-784 ending in tanh, $D$ 784-1024-512-256-1 with dropout 0.3,
# non-saturating loss, Adam $(0.5, 0.999)$ with rate $0.0002$ for both, one update each, batches of
# 100. $D$'s target for real images is $s = 0.9$, so the theory of chapter 13 holds:
#
# $$q = p \quad\Rightarrow\quad D = \tfrac s2 = 0.45, \qquad L_D = 1.376, \qquad L_G = 0.799.$$
#
# Theory says where the *losses* are when $G$ is right. Chapter 13 showed that they can be there
# when it is not. **Predict:** after 30 epochs, where is $D(x)$? Below, near or above 0.45?

# %%
game = config.game(train)
print(f"published width: G has {game.n_g:,} parameters, D {game.n_d:,}")
narrow = replace(config, features=64)
game = narrow.game(train)
print(f"here, a quarter: G has {game.n_g:,} parameters, D {game.n_d:,}")

# %% [markdown]
# ## A short run
#
# A quarter of the width and 2000 updates. The probes are those of chapter 01; only the samples have
# more pixels. **Predict:** what do the first "digits" look like: noise, one digit, or ten?

# %%
STEPS = gt.budget(2000, 60)
history = image_runs.watch(narrow, game, steps=STEPS, n=36, scored=500)

# %%
gt.film_strip(
    history,
    [gt.plots.images_panel],
    n=5,
    alt="Five moments of 2000 updates: grey noise, then blobs of one shape repeated, then strokes "
    "that differ, some of which can be read as digits, with salt-like noise.",
)

# %%
gt.player(history, [gt.plots.images_panel, gt.plots.scores_panel])

# %%
figure, draw = gt.plots.stage(history, [gt.plots.losses_panel, gt.plots.scores_panel])
draw(-1)
gt.show(
    figure,
    alt="Left: the loss of D over 2000 updates lies below its level 1.38, that of G far above its "
    "level 0.799. Right: D says more for real images and less for generated ones than the level "
    "0.45; the two curves stay apart.",
)

# %% tags=["nbval-check-output"]
end = {k: float(history[k][-5:].mean()) for k in ("d_loss", "g_loss", "d_real", "d_fake")}
print("D still tells real from fake:", gt.holds(end["d_real"] > 0.45 > end["d_fake"]))
print("so its loss is below 1.376, and G's above 0.799:",
      gt.holds(end["d_loss"] < 1.376 and end["g_loss"] > 0.799))  # fmt: skip

# %% [markdown]
# $D$ wins, as in chapter 02: nearly everything is named rightly, and $G$'s loss climbs. (Saturation
# does not stop $G$ here, because the non-saturating loss keeps its gradient alive.)
#
# **What does $G$ draw?** A small classifier, trained in seconds on 4,000 digits, names the samples.
# **Predict:** of 1000 images, how many are ones?

# %%
judge = features.digit_classifier()
z = torch.randn(1000, config.latent, generator=torch.Generator().manual_seed(1))
with torch.no_grad():
    fakes = game.generate(z)
named = judge.probabilities(fakes).argmax(1)
shares = [np.bincount(k, minlength=10) / len(k) for k in (named, mixed.labels.numpy())]
gt.Table(
    ["digit", *map(str, range(10))],
    [["generated", *shares[0]], ["real", *shares[1]]],
    caption=f"Share of each digit, named by a classifier that is right for {judge.accuracy:.1%}",
    digits=2,
)

# %% tags=["nbval-check-output"]
covered, kl = metrics.class_coverage(named, 10)
print("one digit has more than twice its share:", gt.holds(shares[0].max() > 0.2))
print("KL from ten equal shares above 0.1:", gt.holds(kl > 0.1))

# %% [markdown]
# Mode collapse, in data that nobody drew for the purpose. Neither loss names it: a low $L_D$ says
# *that* something is wrong, not what.
#
# ## The test loss that was asked for
#
# The assignment asks for a loss on test data; its solution computes none.
# A GAN can have one: hold real digits back, and ask $D$. **Predict:** does $D$ answer the same for
# digits that it has not seen?

# %%
with torch.no_grad(), gt.models.evaluating(game.discriminator):
    says = {
        name: torch.sigmoid(game.critic(x))
        for name, x in (
            ("seen digits", train.floats()),
            ("held out", held_out.floats()),
            ("generated", fakes),
        )
    }
rows = [[k, float(d.mean()), float((d > 0.5).float().mean())] for k, d in says.items()]
gt.Table(["images", "mean D", "share above 1/2"], rows)

# %% [markdown]
# If the first two rows differed, $D$ would know its digits by heart, and part of its lead over $G$
# would be memory. Not here: fakes as poor as these are told from *any* digit.

# %% tags=["nbval-check-output"]
gap = abs(float(says["seen digits"].mean() - says["held out"].mean()))
print("mean D of seen and of held-out digits within 0.05:", gt.holds(gap < 0.05))

# %% [markdown]
# ## At the published width
#
# What the assignment's log says, one line an epoch (600 updates; means of each):
#
# | epoch | $L_D$ | $L_G$ | $D(x)$ | $D(G(z))$ |
# | --- | --- | --- | --- | --- |
# | 0 | 0.905 | 1.914 | 0.768 | 0.423 |
# | 2 | 0.435 | 3.281 | 0.854 | 0.106 |
# | 4 | 0.193 | 3.125 | 0.943 | 0.054 |
# | 7 | 0.827 | 2.057 | 0.791 | 0.313 |
# | 15 | 1.092 | 1.595 | 0.728 | 0.436 |
# | 29 | 1.073 | 1.154 | 0.629 | 0.357 |
#
# $D$ wins early, then $G$ catches up. Its report calls the last line a Nash equilibrium. **Is it?**
# At an equilibrium $D$ cannot tell the two apart: the scores would be *equal*, at 0.45. They are
# not, and both losses are on the side where $D$ is ahead.
#
# We trained the same networks on the 10,000 test digits of MNIST with
# `gan-teach study mnist-vanilla --data FOLDER`; the chapter reads the file that it wrote.
# **Predict:** does the distance from the data fall as the losses approach their levels?

# %%
long = gt.records.load("mnist-vanilla")
print(f"{long.meta['images']:,} digits, {long.steps[-1]:,} of {config.steps:,} updates")
path = image_records.losses(long)
gt.show(
    gt.plots.losses(path),
    alt="Losses of the long run: D's lies below its level 1.38 and G's above its level 0.799, with "
    "spikes.",
)


# %%
def moment(step):
    k = list(long.static["sheet_steps"]).index(step)
    return gt.plots.image_grid(long.static["sheets"][k], columns=10, title=f"step {step}")


MOMENTS = [int(step) for step in long.static["sheet_steps"]]
gt.animation.chooser(moment, MOMENTS, label="step", start=MOMENTS[-1])

# %%
gt.show(
    gt.plots.image_grids(
        {f"step {MOMENTS[k]}": long.static["sheets"][k][:25] for k in (1, 3, 5)}, columns=5
    ),
    alt="Twenty-five samples at each of three moments of the long run. Step 3600: ones, and a few "
    "smeared fours and nines. Steps 10,800 and 18,000: many kinds of digits, most of them clear.",
)

# %% [markdown]
# The published width loses its digits, too, and finds them again. How far is it from the data? A
# distance needs features. We use the 64 that the classifier computes before it decides, fit a
# Gaussian to those of 5000 samples and one to those of the data, and take the Frechet distance of
# the two. It carries its network's name: **it is no FID**, and no number of a paper compares with
# it.

# %%
ax = gt.plots.compare(
    long.steps,
    {"G": long["frechet_raw"], f"average of G, {long.meta['average']}": long["frechet_0.999"]},
    xlabel="step", ylabel=long.meta["distance"],
    level=(long.meta["real_frechet"], "real against real"),
)  # fmt: skip
ax.set_yscale("log")
gt.show(
    ax,
    alt="Frechet distance of G and of its average over the steps, logarithmic, far above the level "
    "of real digits against real digits.",
)

# %%
rows = [
    [name, float(long[f"frechet_{key}"][-1]), float(long[f"inception_{key}"][-1])]
    for name, key in (("G", "raw"), ("average of G", "0.999"))
]
rows.append(["real digits", long.meta["real_frechet"], long.meta["real_inception"]])
gt.Table(["at the end", long.meta["distance"], "Inception Score (digits)"], rows)

# %% [markdown]
# The second row is the average of $G$'s weights over about the last thousand updates (`EMA`, decay
# 0.999). While $G$ still travels it lags behind; once $G$ circles, as in chapter 05, the swings
# average out. And the loss? It is measured by a $D$ that moves, so the same number means another
# thing at each step:

# %%
g_loss = np.interp(long.steps, path.steps, path["g_loss"])
ranks = [np.argsort(np.argsort(x)) for x in (g_loss, long["frechet_raw"])]
rho = np.corrcoef(*ranks)[0, 1]
print(f"rank correlation of G's loss with the distance: {rho:.2f} ({len(long)} snapshots)")

# %% [markdown]
# ## With convolutions
#
# A fully connected $G$ must learn for each pixel anew what a stroke is. The DCGAN of Radford et
# al. learns it once and moves it about. `gan-teach study mnist-dcgan --data FOLDER` trained one
# of half the published width in bfloat16, with hard labels. **Predict:** with a quarter of the
# weights and less than half of the images, is it nearer to the data than the network above?

# %%
both = {"vanilla": long, "DCGAN": gt.records.load("mnist-dcgan")}
gt.show(
    gt.plots.image_grids({k: h.static["sheets"][-1] for k, h in both.items()}, columns=8),
    alt="Forty samples each, at the end. Vanilla: digits of all kinds, some speckled or smeared. "
    "DCGAN: digits of all kinds in clean strokes, some of them bent between two digits.",
)

# %%
rows = [
    [k, h.meta["parameters"], int(h.steps[-1] * h.meta["batch_size"]), *(float(h[c][-1]) for c in
     ("frechet_raw", "frechet_0.999", "inception_raw", "inception_0.999"))]
    for k, h in both.items()
]  # fmt: skip
columns = ["G", "weights", "images seen", "distance", "of its average", "score", "of its average"]
gt.Table(columns, rows, caption="Frechet distance and Inception Score by the classifier of digits")

# %%
seen = {k: h.steps * h.meta["batch_size"] for k, h in both.items()}
at = seen["DCGAN"]
ax = gt.plots.compare(
    at, {k: np.interp(at, seen[k], h["frechet_raw"]) for k, h in both.items()},
    xlabel="images seen", ylabel=long.meta["distance"], log=True,
    level=(long.meta["real_frechet"], "real against real"),
)  # fmt: skip

# %%
gt.show(
    ax,
    alt="Frechet distance over the images seen, logarithmic: that of the DCGAN falls from 121 to "
    "53, that of the vanilla GAN from above 1000 to 180; both stay far above the level of real "
    "digits.",
)

# %% tags=["nbval-check-output"]
near, far = (float(both[k]["frechet_raw"][-1]) for k in ("DCGAN", "vanilla"))
sure, surer = (float(both[k]["inception_raw"][-1]) for k in ("DCGAN", "vanilla"))
print(f"distance {near:.1f} against {far:.1f}, score {sure:.2f} against {surer:.2f}")

# %% [markdown]
# **The distance names the DCGAN, the score the vanilla GAN.** The score asks whether the
# classifier is sure of each image and finds all ten digits; the distance asks whether the images
# lie where the data lie. Two questions, two numbers: say which one you mean (chapter 14).
#
# ## What else to know about the published run
#
# - The report's curves show the *last batch* of each epoch, not the mean: read single values as
#   noise.
# - Its picture grids stretch each image to full contrast. A weak image then looks like a bold one;
#   ours share one scale.
# - It calls 0.5 the ideal score. With labels smoothed to 0.9 it is 0.45.
# - No seed is varied and no distance is measured. The digits are recognisable, and that is what can
#   be said.

# %% [markdown]
# ## Play
#
# Digits do not fit a plane, but the same loss with labels smoothed to 0.9 does: eight Gaussians,
# live. Hold both losses and $D$'s means against their dashed levels, as above. Is $D$ ahead here,
# too? And after how many rounds are there points on all eight modes?

# %%
gt.Lab("eight-gaussians", smoothing=0.9)

# %% [markdown]
# ## Exercises
#
# **1.** How many weights and biases has a generator 100-256-512-1024-784? *Hint: a layer from $m$
# to $n$ has $m n + n$.*

# %%
count = ...
gt.exercises.check_parameter_count(count)

# %% [markdown]
# **2.** Suppose $D$ answered 0.629 to each real digit and 0.357 to each fake, as the mean of the
# last epoch. What would its loss be, with $s = 0.9$? (The log says 1.073. Answers vary, and $-\log$
# is convex.) *Hint: $-s \log a - (1 - s) \log(1 - a) - \log(1 - b)$.*

# %%
loss = ...
gt.exercises.check_scores_to_loss(loss)

# %% [markdown]
# **3.** The published run sees $18{,}000 \times 100$ images. How often is each of our 5,000 digits
# seen in a run of that length? *Hint: batches are drawn with replacement; the mean is meant.*

# %%
times = ...
gt.exercises.check_times_seen(times)

# %% [markdown]
# **4.** (Open.) `narrow.train(game, steps=2000, tau=0.25)` gives $D$ a quarter of $G$'s rate. Does
# it keep the ten digits? Count with `class_coverage`, over three seeds: `narrow.game(train,
# seed=1)`.
#
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_parameter_count(sum(m * n + n for m, n in
      [(100, 256), (256, 512), (512, 1024), (1024, 784)])))  # fmt: skip
a, b = 0.629, 0.357
print(gt.exercises.check_scores_to_loss(-0.9 * np.log(a) - 0.1 * np.log(1 - a) - np.log(1 - b)))
print(gt.exercises.check_times_seen(18_000 * 100 / 5_000))

# %% [markdown]
# ## Where this bites in practice
#
# - Look at the samples, all at one scale, and count the classes. Losses come after that.
# - Keep an average of $G$. It costs a copy of the weights and helps where its memory is short
#   beside the run: a decay of 0.999 remembers a thousand steps, and in the longer runs of this
#   course it has mostly lagged behind (chapters 17 and 19).
# - Hold real data back and ask $D$ about it: the cheapest test for overfitting that a GAN has.
# - Name the network with each distance, and give the distance of real data beside it.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014.
# - T. Salimans et al., *Improved Techniques for Training GANs*, 2016: label smoothing.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017: the Frechet distance.
# - The assignment is A5 of github.com/aryashah2k/RTML.
