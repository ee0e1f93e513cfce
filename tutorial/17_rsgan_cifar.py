# %% [markdown]
# # Pair the images
#
# *One line of the loss, narrow networks, 50,000 photographs, and the weights that the authors
# published.*
#
# **You will do:** train the convolutional GAN of RS-GAN with the separable and with the paired
# loss, read both along a run on CIFAR-10, and put our networks beside published ones. **You will
# learn:** what the loss of chapters 09 and 10 is worth on images, why authors narrow a network to
# show it, and how a choice as small as the batch statistics changes a score. **You need:** chapters
# 09, 10 and 14.

# %%
import os
from dataclasses import replace
from pathlib import Path

import gan_teach as gt
import matplotlib.pyplot as plt
import numpy as np
import torch
from gan_teach.models import convnets
from gan_teach.studies import evaluation, image_runs

# %% [markdown]
# ## The rule
#
# The networks are those of SN-GAN: $G$ is a linear layer and three transposed convolutions with
# batch norm, $D$ seven convolutions whose weights are divided by their largest singular value
# ([spectral norm](glossary.md#spectral-norm)). Only
# the loss differs. With $f$ the output of $D$ and $s(t) = \log(1 + e^t)$,
#
# | | mean that $D$ minimizes | mean that $G$ minimizes | if $f$ is constant |
# | --- | --- | --- | --- |
# | separable | $s(-f(x)) + s(f(G(z)))$ | $s(-f(G(z)))$ | $2 \log 2 = 1.386$ and $0.693$ |
# | paired | $s(f(G(z)) - f(x))$ | $s(f(x) - f(G(z)))$ | $\log 2 = 0.693$ for both |
#
# The separable loss compares each image with a threshold, the paired one a fake with a real image.
# Sun, Fang & Schwing prove that the first has bad basins where modes are lost and the second has
# none (chapter 09 counts them). They expect the difference to show **where networks are narrow**: a
# wide one finds its way around. So they publish a quarter of the usual width.

# %%
base = gt.zoo.IMAGE_GANS["cifar-rsgan-cnn"]
rows = []
for width, called in ((64, "full"), (32, "half"), (16, "quarter"), (4, "here, at 16 pixels")):
    config = replace(base, features=width, size=32 if width > 4 else 16)
    game = config.game(gt.data.photographs(config.size))
    rows.append([called, width, game.n_g, game.n_d])
gt.Table(["width", "first maps", "parameters of G", "of D"], rows)

# %% [markdown]
# **Predict** before you divide: at half the width, is a network half as large?
#
# ## A short run
#
# 4,000 patches of two photographs, 16 pixels wide; four maps in the first layer; 250 updates, same
# seed, same batches. $D$'s learning rate is 0.0002 and $G$'s 0.0005, as published: $\tau = 0.4$.

# %%
patches = gt.data.photographs(16)
STEPS = gt.budget(250, 8)


def short_run(name, tau=0.4):
    config = replace(gt.zoo.IMAGE_GANS[name], size=16, features=4, tau=tau)
    watched = {"records": 25, "n": 30, "title": config.loss.name.replace("_", " ")}
    return image_runs.watch(config, config.game(patches), steps=STEPS, **watched)


# %%
NAMES = {"separable": "cifar-jsgan-cnn", "paired": "cifar-rsgan-cnn"}
short = {kind: short_run(name) for kind, name in NAMES.items()}
gt.show(
    gt.plots.image_grids(
        {"real": patches[:30].floats(), **{k: h["images"][-1] for k, h in short.items()}},
        columns=6,
    ),
    alt="Three sheets of thirty patches: real ones with petals, roof tiles and sky; those of the "
    "two generators are checkerboards of a few colours, nearly the same thirty times.",
)


# %%
def at(step):
    k = int(np.argmin(abs(short["paired"].steps - step)))
    return gt.plots.image_grids({kind: h["images"][k] for kind, h in short.items()}, columns=6)


gt.animation.chooser(at, [int(s) for s in short["paired"].steps[::5]], label="step", start=0)

# %%
figure, axes = gt.style.mosaic([["separable", "paired"]], (10.5, 4.0))
for kind, h in short.items():
    gt.plots.losses(h, ax=axes[kind])
    axes[kind].set_title(kind, loc="left")
gt.show(
    figure,
    alt="Losses over 250 updates, separable left, paired right, with their levels. Both start at "
    "the levels of a constant D; then D's loss falls below its level and G's rises above.",
)

# %% tags=["nbval-check-output"]
start = {kind: float(h["d_loss"][1]) for kind, h in short.items()}
print("at the start D is nearly constant, and its loss nearly at the level:")
for kind, level in (("separable", 1.386), ("paired", 0.693)):
    print(f"  {kind}:", gt.holds(abs(start[kind] - level) < 0.1))

# %% [markdown]
# Both draw one checkerboard, again and again: the pattern in which the strokes of a transposed
# convolution overlap (Odena et al., 2016), before anything is learnt that hides it. Nothing is
# decided after 250 updates of so small a network, and we claim nothing. **What can be learnt here
# is how not to compare:** the two losses have different levels. A loss of 0.69 is that of a $D$
# that knows nothing in one game, and of a $D$ far ahead in the other; and no eye will rank these
# sheets. Distances on thousands of images, and hours, are needed.
#
# ## 50,000 photographs
#
# `gan-teach study cifar-rsgan-quarter --data FOLDER` trains the quarter width on the training
# images of CIFAR-10, and `cifar-jsgan-quarter` the same with the separable loss. The published
# length is 100,000 updates; ours is 12,000, with the schedule of a run of that length, in
# bfloat16. The progress bars of the paired run, on two cores that other work shared, add up to an
# hour and a half.

# %%
long = {
    kind: gt.records.load(f"cifar-{loss}-quarter")
    for kind, loss in (("separable", "jsgan"), ("paired", "rsgan"))
}
for kind, h in long.items():
    print(f"{kind}: {h.steps[-1]:,} updates of {h.meta['batch_size']} images")

# %%
sheets = {
    f"{kind}, step {h.static['sheet_steps'][-1]}": h.static["sheets"][-1]
    for kind, h in long.items()
}
gt.show(
    gt.plots.image_grids(sheets, columns=4),
    alt="Sixteen generated images each after 12,000 steps. Separable: patches of colour with a "
    "lattice of fine squares; paired: smoother scenes with grounds and horizons. None can be "
    "named.",
)


# %%
def moment(share):
    picked = {kind: round(share * (len(h.static["sheets"]) - 1)) for kind, h in long.items()}
    return gt.plots.image_grids(
        {f"{k}, step {long[k].static['sheet_steps'][i]}": long[k].static["sheets"][i]
         for k, i in picked.items()}, columns=4,
    )  # fmt: skip


gt.animation.chooser(moment, [0, 0.2, 0.4, 0.6, 0.8, 1], label="share of the run", start=1)

# %% [markdown]
# **Predict:** which of the two is nearer to the data after the same number of updates, and by how
# much? The distance is Frechet's, in the 96 features of a small classifier of CIFAR-10, from 2,000
# generated to 5,000 real images. **It is not the FID**: the Inception network's 2,048 features give
# other numbers. Its own noise is the distance from real images to other real images.

# %%
steps = long["paired"].steps
curves = {
    f"{kind}, {name}": np.interp(steps, h.steps, h[f"frechet_{key}"])
    for kind, h in long.items()
    for name, key in (("G", "raw"), ("average 0.9999", "0.9999"))
}

# %%
some = long["paired"].meta
ax = gt.plots.compare(
    steps, curves, xlabel="step", ylabel=some["distance"],
    level=(some["real_frechet"], "real against real"), log=True,
)  # fmt: skip
gt.show(
    ax,
    alt="Frechet distance over the steps, logarithmic, both losses, each for G and its average. "
    "G's distance falls from above 20 to 7 (separable) and 5 (paired), with swings; the averages "
    "stay near 60 until step 9000; all stay far above the level of real images.",
)

# %%
for name, values in curves.items():
    print(f"{name}: {values[-1]:.1f} at step {steps[-1]:,}")

# %% [markdown]
# *How to read it.* This is **one seed of each**, and an eighth of the published length. The
# paired run ends nearer; the learning rates of both fall to zero from step 6000 on. Chapter 10
# needed 200 seeds and 20,000 steps to find a small difference of these losses on five Gaussians:
# one pair of curves decides nothing about the losses. (Nor is pairing free: $G$'s loss needs $D$ on
# the real images as well.) What it does show: an average of decay 0.9999 needs far longer than this
# to be of use.
#
# ## The published weights
#
# The authors offer generators trained for 100,000 updates. Those files are not part of this course;
# where you have them (`github.com/AilsaF/RS-GAN`), name their folder in `GAN_TEACH_RSGAN` and the
# next cell draws from one. Otherwise it shows the sheet that `gan-teach sample` drew for us.

# %%
found = sorted(Path(os.environ.get("GAN_TEACH_RSGAN", "absent")).glob("*CNN-quater-cifar.pth"))
ax = gt.style.axes(None, (6.0, 6.0))
ax.set_axis_off()
if found:
    g, z = convnets.load_rsgan_generator(found[0]), torch.randn(500, 128)
    with torch.no_grad():
        gt.plots.image_grid(g(z)[:49].numpy(), columns=7, ax=ax)
else:
    ax.imshow(plt.imread(gt.records.folder() / "rsgan-published.png"))

# %%
gt.show(
    ax,
    alt="Forty-nine images of the published generator: a lorry, ships, an airplane and animals in "
    "grass can be made out in many of them, with smeared outlines.",
)

# %% [markdown]
# One trap lies in drawing them: `load_rsgan_generator` leaves batch norm in **training mode**,
# and the images are drawn 500 at a time. The published average was taken of the weights but not
# of batch norm's running statistics, so only the statistics of a batch fit the weights. An image
# then depends on the 499 others in its batch.
#
# **Predict** the order: untrained, ours, published.

# %%
rows = evaluation.read_rows(gt.records.folder() / "rsgan-scores.csv")
columns = {"frechet": "Frechet", "kid": "KID", "inception_score": "IS", "precision": "precision",
           "recall": "recall"}  # fmt: skip
gt.Table(
    ["generator", "step", "weights", *columns.values()],
    [[r.source, r.step if r.step is not None else "", r.average, *(r.scores[c] for c in columns)]
     for r in rows],
    caption=f"Frechet is {rows[0].features}; {rows[0].n} images each",
)  # fmt: skip

# %% tags=["nbval-check-output"]
distance = {(r.source, r.average): r.scores["frechet"] for r in rows}
best = min(v for (source, _), v in distance.items() if source.endswith(".pth"))
own = [v for (source, kind), v in distance.items() if source.startswith("cifar") and kind == "raw"]
blank = max(v for (_, kind), v in distance.items() if kind == "untrained")
print("published nearest, then ours, then untrained:", best < own[0] < blank)
print("and even the published ones are beyond the noise of real images:",
      best > 2 * distance["real images", "high"])  # fmt: skip

# %% [markdown]
# The first four rows have the same 437,000 parameters. What separates them is **time** before all:
# an eighth of the updates for ours. (It is not all: the published weights are averages, and were
# trained on the original files in single precision. The residual network had five updates of $D$
# for each of $G$.) Two lines need a word. The average of *our* run lags far behind it: with $\beta
# = 0.9999$ nearly a third of it, $0.9999^{12{,}000} = 0.30$, is still the start; chapter 19 does
# the sum. And a precision of 1 for the untrained network is the metric's failure: its images are
# all alike, and one lucky ball of a real image holds them all. Precision without recall says
# nothing.
#
# ## What the repository says, and what it does
#
# - Each proposed step normalizes $D$'s last layer once more. With spectral norm already on it, that
#   line changes nothing; in the script of the five Gaussians, which has no spectral norm, it does.
#   So the two experiments do not test quite the same thing (chapter 10).
# - The published loop moves $G$ before $D$; ours moves $D$ first. Over thousands of updates that is
#   an offset of one half step.
# - The command in its own README fails for the convolutional network: an initialization runs on a
#   $D$ that was not built.
# - FID for STL-10 is taken against the training images.

# %% [markdown]
# ## Play
#
# The paired loss where you can see every point. Run 1000 rounds, then *Compare with a twin* in
# which *Loss* is `non_saturating`. Change *Seed* under *More settings* and do it again, before you
# believe a difference.

# %%
gt.Lab("rs-gan")

# %% [markdown]
# ## Exercises
#
# **1.** A convolution from $c_1$ to $c_2$ maps has about $k^2 c_1 c_2$ weights. By which factor do
# a quarter of the maps shrink it? Compare with the table above.

# %%
factor = ...
gt.exercises.check_quarter_width(factor)

# %% [markdown]
# **2.** Suppose $f$ is 1.5 on every real and $-1.5$ on every generated image. What is $D$'s paired
# loss? And the separable one? *Hint: $s(-3)$, and $2 s(-1.5)$.*

# %%
paired, separable = ..., ...
gt.exercises.check_margin_losses(paired, separable)

# %% [markdown]
# **3.** Two sets of $n$ samples of the same Gaussian in $d$ dimensions have an expected Frechet
# distance of about $d (d + 5) / (2 n)$: not zero. What is it for $d = 96$ and $n = 5000$?

# %%
bias = ...
gt.exercises.check_frechet_bias(bias)

# %% [markdown]
# **4.** (Open.) `short_run("cifar-rsgan-cnn", tau=4)` lets $D$ learn ten times as fast as
# published. Which of the two losses bears it better? Three seeds before you believe it.
#
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_quarter_width(16))
print(gt.exercises.check_margin_losses(np.log1p(np.exp(-3.0)), 2 * np.log1p(np.exp(-1.5))))
print(gt.exercises.check_frechet_bias(96 * 101 / (2 * 5000)))

# %% [markdown]
# ## Where this bites in practice
#
# - Never compare two runs by the values of different losses. Compare distances on the same
#   features, from the same number of images.
# - If a result is for narrow networks, say so. At full width the same loss may gain nothing.
# - Write down how batch norm was used when images were drawn: it is part of the generator.
# - Averages of weights need averages, or new estimates, of the running statistics as well; `EMA`
#   copies the buffers.
#
# ## Further reading
#
# - R. Sun, T. Fang, A. Schwing, *Towards a Better Global Loss Landscape of GANs*, 2020: the
#   theorems, the narrow networks, the published generators.
# - A. Jolicoeur-Martineau, *The Relativistic Discriminator*, 2018: pairing as an idea.
# - T. Miyato et al., *Spectral Normalization for GANs*, 2018: the networks.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and Checkerboard Artifacts*, 2016.
# - M. Heusel et al., 2017, and M. Chong, D. Forsyth, 2020: the Frechet distance, and its bias.
