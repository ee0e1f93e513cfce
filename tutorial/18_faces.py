# %% [markdown]
# # Are they in the training set?
#
# *A generator of faces, the ways between two of them, and the question that each gallery of
# generated faces should answer.*
#
# **You will do:** train a DCGAN on a hundred faces, walk between two latents in two ways, and look
# for each generated face among the real ones, by pixels and by features. **You will learn:** why
# the straight way between latents leaves the sphere, what a smooth walk shows and does not show,
# and how to test for learning by heart ([memorization](glossary.md#memorization)). **You need:**
# chapters 14 and 15.

# %%
import copy
from dataclasses import replace

import gan_teach as gt
import numpy as np
import torch
from gan_teach.games.corrupt import DiffAugment
from gan_teach.course.records import images as image_records
from gan_teach.studies import image_runs
from scipy import stats

# %% [markdown]
# ## The data
#
# The assignment that this chapter follows trained on CelebA, 202,599 faces. What comes without a
# download is small: scikit-image's 100 faces of Labeled Faces in the Wild, grey, 25 x 25 pixels,
# here scaled to 32. The question of the chapter: what do networks of 186,000 parameters do with a
# hundred faces, will they learn them by heart? Guess now; the section on nearest neighbours says
# what can be said.

# %%
faces = gt.data.faces(32)
REAL = faces.floats()
gt.show(
    gt.plots.image_grid(REAL[:60], columns=15),
    alt="Sixty small grey photographs of faces.",
)

# %% [markdown]
# ## The rule
#
# DCGAN (Radford et al., 2016): transposed convolutions in $G$, strided ones in $D$, with batch norm
# inside both, weights from $\mathcal N(0, 0.02^2)$. The assignment moves $D$ at *every second*
# batch, with labels smoothed to $\ell = 0.9$ (and computes $D$'s gradient at every batch all the
# same). For an optimal $D$ and a right $G$, chapter 13 gives $D = \ell/2$, $L_G = -\log D$ and $L_D
# = -\ell \log D - (2 - \ell) \log(1 - D)$.

# %% tags=["nbval-check-output"]
label = 0.9
level_d = -label * np.log(label / 2) - (2 - label) * np.log(1 - label / 2)
print(f"D = {label / 2}, L_D = {level_d:.3f}, L_G = {-np.log(label / 2):.3f}")

# %%
config = gt.zoo.IMAGE_GANS["faces-dcgan"]
slow = config.game(faces)
print(f"G has {slow.n_g:,} parameters, D {slow.n_d:,}; latents of {config.latent} numbers")

# %% [markdown]
# That takes long before there is a face. For a live run we let $D$ move at every batch, on hard
# labels, take five times the rate, $0.001$ for both, and 8 latents in place of 100; 1000 updates of
# batches of 32. It is watched through an average of $G$, as in chapter 15.

# %%
STEPS = gt.budget(1000, 20)
quick = replace(config, latent=8, lr=1e-3, batch_size=32, label_smoothing=1.0, steps=STEPS)
quick = replace(quick, d_every=1, redraw="none")
game = quick.game(faces.with_noise(False, flip=True))
mean = gt.EMA(game.generator, decay=0.995)
live = image_runs.watch(quick, game, n=36, records=20, scored=64, average=mean)

# %%
gt.player(
    live,
    [gt.plots.images_panel, gt.plots.losses_panel],
    n=[0, 100, 250, 500, 1000],
    alt="Five moments of 1000 updates, sheets above the losses. Steps 0 and 100: grey with a fine "
    "texture. Step 250: pale, blurred faces. Steps 500 and 1000: faces, light and dark, turned to "
    "either side, some smiling. D's loss stays below its level 2 log 2, G's far above log 2.",
)

# %% [markdown]
# At the end we would call most of them faces: light or dark, turned, some smiling. Are they those
# of the training set? We shall ask. `gan-teach study faces-dcgan` trained with the published rule,
# for longer; its losses, a few sheets and the weights of its generator (an average, decay 0.999)
# ship with the course. **Predict** where its losses are in the end: at their levels, or is $D$
# ahead?

# %%
long = gt.records.load("faces-dcgan")
print(f"{long.steps[-1]:,} updates, batches of {long.meta['batch_size']}")
gt.show(
    gt.plots.losses(image_records.losses(long)),
    alt="Losses of the long run. At steps 150 to 200 D's falls to 0.83 and G's peaks at 1.77. D's "
    "touches its level 1.38 once, at step 350, and sinks from about 1.15 around step 500 to about "
    "0.95 in the end; G's stays above 0.799 and climbs from about 1.2 to 1.45.",
)

# %% tags=["nbval-check-output"]
path = image_records.losses(long)
D_LOSS, G_LOSS = (path[name].astype(float) for name in ("d_loss", "g_loss"))
for part in (slice(10, 30), slice(30, 50)):
    steps, d, g = path.steps[part], D_LOSS[part].mean(), G_LOSS[part].mean()
    print(f"steps {steps[0]} to {steps[-1]}: L_D = {d:.2f}, L_G = {g:.2f}")

# %% tags=["hide-input"]
assert D_LOSS[30:].mean() < D_LOSS[10:30].mean() < level_d
assert G_LOSS[30:].mean() > G_LOSS[10:30].mean() > -np.log(label / 2)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **$D$ is ahead, and its lead grows** as far as this run goes. The assignment's log of CelebA shows
# a larger lead: $L_D = 0.597$ and $L_G = 3.203$ in the last of 50 epochs, scores 0.788 and 0.082.
# (Its picture of the scores shows two identical curves: the run stored $D$ of the *fakes* as both.
# The log is right.)
#
# </details>
#
# ## Draw

# %%
G = image_records.generator_of(long)
Z = image_runs.fixed_latents(200, config.latent, seed=5)
made = image_runs.draw(G, Z)
gt.show(
    gt.plots.image_grid(made[:40], columns=10),
    alt="Forty generated faces, grey, faint and blurred.",
)

# %% [markdown]
# The sheet is **faint**. Why? `draw` uses $G$ in evaluation mode: batch norm with its running
# statistics. But the weights are an *average* over some thousand updates, and in this record the
# statistics are those of the last $G$. **Predict:** do they fit each other? Here new ones are
# collected, from ten batches of the averaged weights. (`gan-teach train` does that for each average
# that it saves; the records of chapters 15 to 20 were made before, with those of the last $G$.)

# %%
alive = image_runs.draw(mean.module, image_runs.fixed_latents(200, 8, seed=5))
fresh = image_runs.refresh(copy.deepcopy(G), config.latent)
clear = image_runs.draw(fresh, Z)
gt.show(
    gt.plots.image_grids({"as kept": made[:20], "statistics anew": clear[:20]}, columns=5),
    alt="Twenty faces of the same weights and latents twice: faint with the statistics as kept, "
    "with darker blacks and lighter whites with new ones.",
)

# %% tags=["nbval-check-output"]
contrast = {"as kept": made, "statistics anew": clear, "real faces": REAL.numpy()}
contrast = {name: float(np.median(x.std((1, 2, 3)))) for name, x in contrast.items()}
for name, value in contrast.items():
    print(f"{name}: standard deviation of the pixels of a face, median {value:.2f}")

# %% tags=["hide-input"]
assert contrast["as kept"] < 0.7 * contrast["real faces"]
assert abs(contrast["statistics anew"] / contrast["real faces"] - 1) < 0.05

# %% [markdown]
# <details><summary>What you saw</summary>
#
# They do not fit; with statistics of their own the weights have the contrast of real faces.
#
# </details>
#
# We keep both generators: the first one will be a suspect below.
#
# The assignment's script interpolates in *training* mode and one image at a time, so that each
# image is normalised **by itself**. **Predict:** what does that do to faces of different
# brightness?

# %% tags=["nbval-check-output"]
alone = image_runs.draw(G, Z, batch=1, batch_statistics=True)
spread = {"one at a time": alone, "statistics anew": clear, "real faces": REAL.numpy()}
spread = {name: float(x.mean((1, 2, 3)).std()) for name, x in spread.items()}
for name, value in spread.items():
    print(f"{name}: brightness differs from face to face by {value:.2f}")

# %% tags=["hide-input"]
assert spread["one at a time"] < 0.2 * min(spread["statistics anew"], spread["real faces"])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It takes nearly all of the difference away: 0.02 is left of 0.16, whatever $G$ meant.
#
# </details>
#
# ## Between two faces
#
# Straight: $z(t) = (1 - t)\, a + t\, b$. [Spherical](glossary.md#spherical-interpolation)
# (Shoemake, 1985), with $\varphi$ the angle between $a$ and $b$:
#
# $$z(t) = \frac{\sin((1 - t)\,\varphi)\, a + \sin(t\,\varphi)\, b}{\sin \varphi}.$$
#
# In NumPy, beside the library's way between two latents. Write $\sin(t)$ for $\sin(t\,\varphi)$:
# does the way still end at $b$?


# %% tags=["hood"]
def spherical(a, b, t):
    omega = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)


# %% tags=["hood-check"]
one, two = np.random.default_rng(0).normal(size=(2, 100))
library = image_runs.between(*torch.tensor(np.array([[one], [two]])), 11, spherical=True)[0]
by_hand = [spherical(one, two, t) for t in np.linspace(0, 1, 11)]
gap = abs(np.array(by_hand) - library.numpy()).max()
print(f"largest difference from the library's way: {gap:.0e}")
assert gap < 1e-12

# %% [markdown]
# <details><summary>What happens</summary>
#
# `np.sin(t * omega)` becomes `np.sin(t)`:
#
# ```python
# end = spherical(one, two, 1.0)
# print(f"the way ends at {end @ two / (two @ two):.2f} of b")
# ```
#
# ```text
# the way ends at 0.84 of b
# ```
#
# At $t = 1$ the first term is 0, and the second $\sin(1) / \sin\varphi$ of $b$, with $\varphi$ near
# a right angle.
#
# </details>
#
# **Predict:** $a, b \sim \mathcal N(0, I_{100})$ have length about $\sqrt{100} = 10$. How long is
# the middle of the straight way?

# %%
a, b = Z[0:6], Z[6:12]
T = np.linspace(0, 1, 11)
ways = {
    "straight": image_runs.between(a, b, 11),
    "spherical": image_runs.between(a, b, 11, spherical=True),
}
# %%
ax = gt.plots.compare(
    T, {name: way.norm(dim=-1).mean(0) for name, way in ways.items()}, xlabel="t",
    ylabel="length of z(t), mean of six ways", level=(100**0.5, "typical latent"),
)  # fmt: skip
gt.show(
    ax,
    alt="Length of the latent along six ways between two latents: the straight way dips to about "
    "seven tenths in the middle, the spherical way stays near 10.",
)

# %% tags=["nbval-check-output"]
middle = {name: float(way[:, 5].norm(dim=-1).mean()) for name, way in ways.items()}
print("length in the middle:", ", ".join(f"{name} {v:.1f}" for name, v in middle.items()))
for latent in (7, 9):
    print(f"probability of a latent shorter than {latent}: {stats.chi(100).cdf(latent):.1e}")

# %% tags=["hide-input"]
assert abs(middle["straight"] / 50**0.5 - 1) < 0.1
assert abs(middle["spherical"] / 10 - 1) < 0.1

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Two independent latents are nearly orthogonal in 100 dimensions, hence $10/\sqrt 2 = 7.1$. A
# latent of length 7 is practically never drawn: $\lvert z\rvert$ is 10, give or take 0.7, and $G$
# was not trained there.
#
# </details>
#
# At the middle $G$ was thus hardly ever trained. **Predict:** does it show in the faces?

# %%
for name, way in ways.items():
    frames = image_runs.draw(fresh, way.flatten(0, 1))
    gt.show(
        gt.plots.image_grid(frames, columns=11, title=name),
        alt=f"Six {name} ways between two generated faces, eleven images each: the faces change "
        "gradually" + (", and those in the middle are paler." if name == "straight" else "."),
    )

# %% tags=["nbval-check-output"]
paler, jump = {}, {}
for name in ways:
    way = image_runs.between(Z[:100], Z[100:], 11, spherical=name == "spherical")
    frames = image_runs.draw(fresh, way.flatten(0, 1)).reshape(100, 11, -1)
    c, step = frames.std(2), np.sqrt((np.diff(frames, axis=1) ** 2).mean(2))
    paler[name], jump[name] = 2 * c[:, 5] / (c[:, 0] + c[:, 10]), step.max(1) / step.mean(1)
    print(f"{name}: contrast in the middle {paler[name].mean():.2f} of that at the ends", end=", ")
    print(f"less in {(paler[name] < 1).sum()} of 100 ways;", end=" ")
    print(f"longest of ten steps at most {jump[name].max():.1f} times their mean")

# %% tags=["hide-input"]
assert (paler["straight"] < 1).mean() > 0.9
assert abs(paler["spherical"].mean() - 1) < 0.05
assert max(jump["straight"].max(), jump["spherical"].max()) < 2.5

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It shows, as a loss of contrast: halfway along a straight way faces are paler, halfway along a
# spherical one they are not.
#
# </details>


# %%
def step_between(t):
    """All six ways at t, the straight ones above the spherical ones."""
    k = int(np.argmin(abs(T - t)))
    z = torch.cat([way[:, k] for way in ways.values()])
    return gt.plots.image_grid(image_runs.draw(fresh, z), columns=6, title=f"t = {t:.1f}")


# %%
gt.animation.chooser(
    step_between,
    [round(float(t), 1) for t in T],
    label="t",
    start=0.5,
    alt="The six ways at t = 0.5: on the straight ones, above, the faces are paler than on the "
    "spherical ones below.",
)

# %% [markdown]
# The film of it is one command for any run of images: `gan-teach interpolate RUN --spherical`.
#
# A smooth walk is often shown as proof that a GAN "has not memorised". **Is it one?** $G$ is
# continuous: any $G$ must pass through images between two faces it knows by heart. How *sharp* the
# change is could tell more. A jump from face to face in one of ten steps would make that step ten
# times their mean; here no step reaches twice the mean. So on these ways $G$ does not jump. Whether
# the ends are copies, the walk does not say.
#
# ## Nearest neighbours
#
# So look for the copies, the sign of [memorization](glossary.md#memorization). For each generated
# face, the real face at the least distance per pixel, also among mirrored ones, which $G$ was
# shown. But near compared with *what*? With the distance of a real face from its nearest *other*
# real face (not from its own mirror image). **Predict:** are generated faces nearer to the training
# set than real faces are to each other?
#
# The search takes a few lines of NumPy. Leave out the line of `inf`: to whom is a real face nearest
# then?


# %% tags=["hood"]
def nearest(x, real, other=False):
    """Distance per pixel to, and row of, the nearest real image (``other``: of somebody else)."""
    x, real = (np.asarray(v).reshape(len(v), -1) for v in (x, real))
    d = np.sqrt(((x[:, None] - real[None]) ** 2).mean(-1))
    if other:  # row i of real, and the mirrored one after all of them, show who is in row i of x
        own = np.arange(len(x))
        d[own, own] = d[own, own + len(x)] = np.inf
    rows = d.argmin(1)
    return d[np.arange(len(x)), rows], rows


# %% tags=["hood-check"]
some, others = torch.rand(2, 30, 64, generator=torch.Generator().manual_seed(0)).double()
again = torch.cat([some, 0.9 * some, others])  # each one, itself a little paler, and strangers
table = torch.cdist(some, again) / 64**0.5  # 64 pixels
table[range(30), range(30)] = table[range(30), range(30, 60)] = torch.inf
gap = abs(nearest(some, again, other=True)[0] - table.min(1).values.numpy()).max()
print(f"largest difference from PyTorch's distances: {gap:.0e}")
assert gap < 1e-12

# %%
shown = torch.cat([REAL, REAL.flip(-1)])
d_fake, which = nearest(made, shown)
d_clear, which_clear = nearest(clear, shown)
d_live, which_live = nearest(alive, shown)
d_real, _ = nearest(REAL, shown, other=True)
kinds = {"as kept": d_fake, "statistics anew": d_clear, "live run": d_live}
kinds |= {"real, to another real": d_real}
rows = [[name, float(np.median(d)), float(d.min()), float(d.max()),
         f"{(d < np.median(d_real)).mean():.0%}"] for name, d in kinds.items()]  # fmt: skip
gt.Table(["faces", "median", "least", "largest", "below the real median"], rows,
         caption="Distance to the nearest training face, pixels")  # fmt: skip

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
gaps = {}
for name, d in (("as kept", d_fake), ("statistics anew", d_clear)):
    again = [np.median(rng.choice(d, 200)) - np.median(rng.choice(d_real, 100)) for _ in range(999)]
    gaps[name] = np.quantile(again, [0.025, 0.975])
    print(f"{name}: median minus that of real faces, 95 % from {gaps[name][0]:.2f} to", end=" ")
    print(f"{gaps[name][1]:.2f}")

# %% tags=["hide-input"]
assert gaps["as kept"][1] < 0
assert gaps["statistics anew"][0] > -0.05

# %%
both = ((rng.choice(d_live, 200), rng.choice(d_real, 100)) for _ in range(999))
low, high = np.quantile([np.median(x) - np.median(y) for x, y in both], [0.025, 0.975])
print(f"live run: median minus that of real faces, 95 % from {low:.2f} to {high:.2f}")

# %% tags=["hide-input"]
assert gt.holds(low < 0.03 and high > -0.02)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The faint faces are nearer to the training set, beyond doubt; those of the live run are about as
# far from it as real faces from each other.
#
# </details>
#
# **Guilty?** Look at the ten nearest pairs.

# %%
ALT = {
    "as kept": "nine of them have the same neighbour, one with little contrast",
    "statistics anew": "eight different neighbours, alike in light and pose, none a copy",
    "live run": "some share a neighbour, alike in light and pose, none a copy",
}
sources = zip(ALT, (made, clear, alive), (d_fake, d_clear, d_live), strict=True)
for (title, x, d), w in zip(sources, (which, which_clear, which_live), strict=True):
    closest = d.argsort()[:10]
    pairs, said = np.concatenate([x[closest], shown[w[closest]].numpy()]), ALT[title]
    gt.show(
        gt.plots.image_grid(pairs, columns=10, title=f"{title}; below: nearest training face"),
        alt=f"The ten generated faces nearest to the training set, {title}: {said}.",
    )

# %% tags=["nbval-check-output"]
most = {}
for name, w in (("as kept", which), ("statistics anew", which_clear)):
    count = np.bincount(w % len(REAL), minlength=len(REAL))
    most[name] = count.max() / len(w)
    low, high = gt.plots.wilson(int(count.max()), len(w))
    print(f"{name}: {count.max()} of {len(w)} faces have the same neighbour,", end=" ")
    print(f"95 % from {low:.0%} to {high:.0%}")
flat = REAL.std((1, 2, 3)).numpy()
popular = np.bincount(which % len(REAL)).argmax()
print(f"that neighbour of the faint ones has contrast {flat[popular]:.2f}; least {flat.min():.2f}")

# %% tags=["hide-input"]
assert most["as kept"] > 0.3 > 0.15 > most["statistics anew"]
assert flat[popular] == flat.min()

# %% [markdown]
# Of the faint fakes 86 in 200 have one and the same neighbour, the real face of least contrast.
# Ask who else would be convicted by this test. **Predict:** how far from the training set is the
# mean of all faces, which is nobody? And a real face, faded to the contrast of the fakes, from the
# other real ones?

# %% tags=["nbval-check-output"]
d_mean, _ = nearest(REAL.mean(0, keepdim=True), shown)
grey = REAL.mean((1, 2, 3), keepdim=True)
faded = grey + (REAL - grey) * contrast["as kept"] / contrast["real faces"]
d_faded, _ = nearest(faded, shown, other=True)
print(f"mean face: {d_mean[0]:.2f}, nearer than {(d_fake > d_mean[0]).sum()} of 200 faint fakes")
print(
    f"faded real faces: {np.median(d_faded):.2f}; the faint fakes: {np.median(d_fake):.2f}", end=""
)
print(f"; real faces: {np.median(d_real):.2f}")

# %% tags=["hide-input"]
assert d_mean[0] < np.median(d_fake)
assert np.median(d_faded) < 0.85 * np.median(d_real)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **Grey is near to everything.** A real face that is faded as much gets nearly as near (0.23) to
# faces that are not its own as the faint fakes do (0.22), and with a contrast that fits, the fakes
# of the very same weights are hardly nearer to the training set than real faces are to each other:
# the interval above reaches 0. Most of what looked like copying was batch norm.
#
# </details>
#
# **And copies can hide.** Move a face a little, and it is "new". **Predict:** how far, on this
# scale, is a training face from itself, moved two pixels to the right and two down?

# %% tags=["nbval-check-output"]
moved = torch.nn.functional.pad(REAL, (2, 0, 2, 0), mode="replicate")[..., :32, :32]
blurred = torch.nn.functional.avg_pool2d(REAL, 3, 1, 1, count_include_pad=False)
same, soft = (((x - REAL) ** 2).mean((1, 2, 3)).sqrt().numpy() for x in (moved, blurred))
print(f"moved by two pixels: {np.median(same):.2f}; blurred: {np.median(soft):.2f};", end=" ")
print(f"another face: {np.median(d_real):.2f}")

# %% tags=["hide-input"]
assert np.median(same) > 0.9 * np.median(d_real) > 3 * np.median(soft)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Moved by two pixels, a face is as far from itself as another face is; blurred, it is near. Pixels
# see brightness and blur, not who it is.
#
# </details>
#
# Compare *features*, too. Ours are those of the discriminator of the live run, 1000 updates old:
# what enters its last layer, averaged over the plane. **Predict:** is the moved face nearer to
# itself now?


# %%
@torch.no_grad()
def seen_by_d(x):
    with gt.models.evaluating(game.discriminator):
        h = torch.nn.Sequential(*list(game.discriminator)[:-2])(torch.as_tensor(x))
    return h.mean((2, 3)).numpy()  # over the plane: where it is does not count


f_shown, f_real = seen_by_d(shown), seen_by_d(REAL)
f_moved, f_soft = (np.sqrt(((seen_by_d(x) - f_real) ** 2).mean(1)) for x in (moved, blurred))
f_other, _ = nearest(f_real, f_shown, other=True)
f_fake, f_which = nearest(seen_by_d(made), f_shown)
f_clear, f_which_clear = nearest(seen_by_d(clear), f_shown)


# %%
def ratio(x, y):
    return float(np.median(x) / np.median(y))


RATIOS = {
    "moved by two pixels": (ratio(same, d_real), ratio(f_moved, f_other)),
    "blurred": (ratio(soft, d_real), ratio(f_soft, f_other)),
    "generated, as kept": (ratio(d_fake, d_real), ratio(f_fake, f_other)),
    "generated, statistics anew": (ratio(d_clear, d_real), ratio(f_clear, f_other)),
}
caption = "Median distance to itself, or to the nearest training face; 1 is that of another face"
rows = [[name, *values] for name, values in RATIOS.items()]
gt.Table(["faces", "pixels", "features of D"], rows, caption=caption)

# %% tags=["hide-input"]
assert gt.holds(RATIOS["moved by two pixels"][1] > 1.1 and RATIOS["blurred"][1] > 1.1)
assert gt.holds(0.8 < RATIOS["generated, statistics anew"][1] < 1.1)

# %%
for name, w, f in (("as kept", which, f_which), ("anew", which_clear, f_which_clear)):
    w, f = w % len(REAL), f % len(REAL)
    chance = (np.bincount(w, minlength=100) * np.bincount(f, minlength=100)).sum() / len(w) ** 2
    print(f"{name}: pixels and features name the same neighbour for {(w == f).mean():.0%}", end="")
    print(f", by chance it would be {chance:.0%}")
for name, d in (("moved", f_moved), ("blurred", f_soft)):
    farther = (d > f_other).sum()
    print(f"{name}: {farther} of {len(d)} are farther off than the nearest other face")
both = ((rng.choice(f_clear, 200), rng.choice(f_other, 100)) for _ in range(999))
low, high = np.quantile([ratio(x, y) for x, y in both], [0.025, 0.975])
print(f"statistics anew, features of D: 95 % of that ratio from {low:.2f} to {high:.2f}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# No: to these features the moved face and the blurred one, near in pixels, are both stranger than
# another one, by about a third in the median and face by face for 88 and 90 of 100. They were made
# to tell real from fake, not who it is. "In feature space" is no argument by itself; ask what the
# features forgive.
#
# </details>
#
# **What we can say.** With a contrast that fits, the fakes are about as far from the training set
# as real faces are from each other, in pixels; in the features of this $D$, which are those of one
# run, they are a little nearer, by more than the error of these samples. No pair that we looked at
# is a copy. That does not rule copies out: by its distance a moved one passes for new.
#
# It says nothing about CelebA, either, where there are two thousand times as many faces for a
# generator 25 times as large; there you would have to look, in the same way. Nearest neighbours are
# a
# *search*: look at the pairs that it finds, with your eyes; beware of what is near to everything,
# and of what the features do not see.
#
# ## What $D$ sees, changed at random
#
# With a hundred images $D$ can learn them by heart, and its lead grows. Zhao et al. (2020) show it
# every image changed at random, $T(x)$, *and every generated one too*, in both players' losses:
#
# $$L_D = -\mathbb E \log D(T(x)) - \mathbb E \log\bigl(1 - D(T(G(z)))\bigr), \qquad
#   L_G = -\mathbb E \log D(T(G(z))).$$
#
# $T$ is differentiable, so $G$ learns through it. Were only the real images changed, $G$ would
# learn to draw changed faces. Here $T$ changes brightness and contrast, moves a face by up to 4
# pixels and cuts out a square:

# %%
T_D = DiffAugment()
numbers, _ = T_D.draw(REAL[:10], torch.Generator().manual_seed(0))
gt.show(
    gt.plots.image_grid(torch.cat([REAL[:10], T_D.apply(REAL[:10], numbers, 0)]), columns=10),
    alt="Ten faces, and below each what D may see of it: lighter or darker, moved by some pixels "
    "over a grey ground, with a grey square cut out.",
)

# %% [markdown]
# `gan-teach study faces-plain-1` and `gan-teach study faces-augmented-1` trained the live run's
# networks once more for 1000 updates, with seed 1 and fresh latents for $G$'s updates, without $T$
# and with it (`--augment color,translation,cutout` for any run). **Predict:** where is $D$'s loss
# in the end? Are the faces farther from the training set with $T$ than without?

# %%
arms = {name: gt.records.load(f"faces-{name}-1") for name in ("plain", "augmented")}
paths = {name: image_records.losses(run) for name, run in arms.items()}
ax = gt.plots.compare(
    paths["plain"].steps, {name: path["d_loss"] for name, path in paths.items()}, xlabel="step",
    ylabel="loss of D", level=(2 * np.log(2), "2 log 2"),
)  # fmt: skip
gt.show(
    ax,
    alt="D's loss over 1000 steps. Plain: above its level once, at step 150, then up and down to "
    "0.62 in the end. Augmented: within 0.11 of its level, 2 log 2, all the way.",
)

# %%
by_arm = {
    name: image_runs.draw(image_records.generator_of(run), image_runs.fixed_latents(200, 8, seed=5))
    for name, run in arms.items()
}
gt.show(
    gt.plots.image_grids({name: x[:20] for name, x in by_arm.items()}, columns=5),
    alt="Twenty generated faces of each run. Plain: blurred faces, light and dark, some clear. "
    "Augmented: faces under a rough texture, less clear.",
)

# %% tags=["nbval-check-output"]
again, medians = np.random.default_rng(1), {}
for name, x in by_arm.items():
    d, _ = nearest(x, shown)
    both = ((again.choice(d, 200), again.choice(d_real, 100)) for _ in range(999))
    medians[name] = np.quantile([np.median(f) - np.median(r) for f, r in both], [0.025, 0.975])
    end = paths[name]["d_loss"][-10:].mean()
    print(f"{name}: L_D = {end:.2f} in the second half,", end=" ")
    print(f"contrast {np.median(x.std((1, 2, 3))):.2f};")
    print(f"  nearest training face at {np.median(d):.2f}, minus that of real faces 95 %", end="")
    print(f" from {medians[name][0]:.2f} to {medians[name][1]:.2f}")

# %% tags=["hide-input"]
ends = {name: path["d_loss"][-10:].mean() for name, path in paths.items()}
assert ends["plain"] < 1.1 < ends["augmented"]
assert all(low < 0 < high for low, high in medians.values())

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **$D$ is held back; the distances hardly move.** Without $T$ $D$ is ahead, as before; with it its
# loss ends at the level of a $D$ that cannot tell. The nearest training face is as far as real
# faces are from each other up to 0.01 without $T$ and up to 0.03 with it (the intervals), and the
# contrast of both is about that of real faces (0.37), so that no faintness hides in them. So at
# this length there was nothing to repair in this test, and the faces are no better for $T$: to our
# eyes rougher. (Perhaps since $D$ has less to teach in a thousand updates; that we have not
# tested.) This is one seed and a short run. What Zhao et al. report is of long ones, where $D$
# without $T$ has learned the images by heart.
#
# </details>
#
# ## What else to know about the published run
#
# - Its interpolation is straight, with ten steps.
# - Its generator, too, is trained on the smoothed target 0.9: the level of its loss,
#   $-\ell \log D - (1 - \ell) \log(1 - D)$, is not that of ours.
# - Its analysis covers epochs 28 to 36 of 50, and no distance is measured.

# %% tags=["nbval-check-output"]
smoothed = -label * np.log(label / 2) - (1 - label) * np.log(1 - label / 2)
print(f"target 1: {-np.log(label / 2):.3f}; 0.9: {smoothed:.3f}")
print(f"faces of CelebA: {202_599 / len(faces):,.0f} times as many", end="; ")
print(f"G there: {3_576_704 / slow.n_g:.0f} times as large")

# %% [markdown]
# ## Play
#
# A walk between latents, all at once: let this one learn two spirals, then open *From latents to
# samples* and move the slider. Where the lattice is stretched thin, a small step of $z$ is a large
# step of the sample; points between the arms come from latents that lie there.

# %%
gt.Lab("spirals")

# %% [markdown]
# ## Exercises
#
# **1.** A gallery shows 16 fakes. A tenth of all fakes are copies. What is the chance that the
# gallery shows at least one?

# %%
chance = ...
gt.exercises.check_copy_in_gallery(chance)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_copy_in_gallery(1 - 0.9**16)
# ```
#
# ```text
# Right: 1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any.
# ```
#
# </details>

# %% [markdown]
# **2.** By its distance a face that is moved by two pixels passes for new in both searches above.
# Write one in which it does not: the distances of pictures $x$, $(n, h, h)$, from pictures $y$,
# $(m, h, h)$, as an array $(n, m)$. For each of the 25 moves by $-2$ to 2 pixels down and as many
# to the right, compare the two where both are (root of the mean of the squared differences); the
# least of the 25 distances counts.
#
# <details><summary>Hint 1</summary>
#
# With $i \ge 0$ rows down, the rows `i:` of $x$ stand beside the rows `:h - i` of $y$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# For any $i$ these are the rows `max(i, 0) : h + min(i, 0)` of $x$, and of $y$ the same with $-i$.
#
# </details>


# %%
def moved_distance(x, y):
    return ...


verdict = gt.exercises.check_moved_copies(moved_distance)
verdict

# %% [markdown]
# When it is right, the next cell looks for copies with it, for a few seconds. **Predict:** are the
# generated faces now nearer to the training set than real faces are to each other?

# %%
if verdict:
    moved_distance = verdict.own  # yours, with NumPy arrays in and out

    def search(x):
        pieces = np.array_split(np.asarray(x)[:, 0], 20)  # the differences of all take a gigabyte
        return np.concatenate([moved_distance(piece, shown[:, 0].numpy()) for piece in pieces])

    own = np.arange(len(REAL))
    found = search(moved)
    print(f"moved faces: {(found.argmin(1) == own).mean():.0%} found,", end=" ")
    print(f"at your distance {np.median(found[own, own]):.2f}")
    others = search(REAL)
    others[own, own] = others[own, own + len(REAL)] = np.inf
    for name, d in {"real, to another real": others, "statistics anew": search(clear)}.items():
        print(f"{name}: median {np.median(d.min(1)):.2f}, least {d.min():.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def moved_distance(x, y):
#     least, h = np.inf, x.shape[-1]
#     for i in range(-2, 3):
#         for j in range(-2, 3):
#             a = x[:, max(i, 0) : h + min(i, 0), max(j, 0) : h + min(j, 0)]
#             b = y[:, max(-i, 0) : h + min(-i, 0), max(-j, 0) : h + min(-j, 0)]
#             d = np.sqrt(((a[:, None] - b) ** 2).mean((2, 3)))
#             least = np.minimum(least, d)
#     return least
#
#
# gt.exercises.check_moved_copies(moved_distance)
# ```
#
# ```text
# Right: a copy that was moved by two pixels has the distance 0.
# ```
#
# </details>

# %% [markdown]
# **3.** (Open.) Train on 50 faces only (`quick.game(faces[:50])`) for as long as you like, and
# compare the distances of the fakes to the 50 with those to the *other* 50. Without memory they
# would agree, up to the noise of fifty faces.

# %% [markdown] tags=["answer"]
# *Your answer* (double-click to write; what you ran, on which seeds, and what it says):

# %% [markdown]
# **4.** (Code.) A third way: straight, but divided by a number such that $z(t)$ is
# $\mathcal N(0, I)$ again if $a$ and $b$ are independent. Write it as a function of two arrays and
# $t$. The generator then draws the middle of your way between each of a hundred pairs.
#
# <details><summary>Hint</summary>
#
# Which variance has $(1 - t)\, a_1 + t\, b_1$?
#
# </details>

# %%
way = ...  # for instance: lambda a, b, t: ...
verdict = gt.exercises.check_normal_way(way)
if verdict:
    way = verdict.own  # yours, with NumPy arrays in and out
    z = torch.as_tensor(way(Z[:100].numpy(), Z[100:].numpy(), 0.5), dtype=torch.float32)
    halfway = image_runs.draw(fresh, z).std((1, 2, 3))
    ends = clear.std((1, 2, 3)).reshape(2, 100).mean(0)
    print(f"contrast in the middle of your way: {(halfway / ends).mean():.2f} of that at its ends")
verdict

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def way(a, b, t):
#     return ((1 - t) * a + t * b) / np.sqrt((1 - t) ** 2 + t**2)
#
#
# gt.exercises.check_normal_way(way)
# ```
#
# ```text
# Right: the squares of both weights add up to 1, as variances do.
# ```
#
# </details>

# %% [markdown]
# ## Where this bites in practice
#
# - Show the nearest training images beside a gallery, in pixels *and* in features that ignore what
#   you want ignored, and the distance of real from real.
# - Keep a held-out set: copies are near the training half only.
# - Draw in evaluation mode with statistics that fit the weights: an average of weights needs new
#   ones. Compare contrast before you compare distances. Walk on the sphere.
#
# ## Further reading
#
# - A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with DCGAN*, 2016.
# - T. White, *Sampling Generative Networks*, 2016: spherical interpolation of latents.
# - R. Webster et al., *Detecting Overfitting of Deep Generative Networks via Latent Recovery*,
#   2019.
# - S. Zhao et al., *Differentiable Augmentation for Data-Efficient GAN Training*, 2020: equations 4
#   and 5.
# - What the assignment says, row by row, each with a verdict: `assignment.faces` in [the
#   ledger](22_ledger.ipynb).
