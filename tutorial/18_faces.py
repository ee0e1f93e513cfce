# %% [markdown]
# # Are they in the training set?
#
# *A generator of faces, the ways between two of them, and the question that each gallery of
# generated faces should answer.*
#
# **You will do:** train a DCGAN on a hundred faces, walk between two latents in two ways, and look
# for each generated face among the real ones, by pixels and by features. **You will learn:** why
# the straight way between latents leaves the sphere, what a smooth walk shows and does not show,
# and how to test for learning by heart. **You need:** chapters 14 and 15.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach.studies import image_records, image_runs

# %% [markdown]
# ## The data
#
# The assignment that this chapter follows trained on CelebA, 202,599 faces. What comes without a
# download is small: scikit-image's 100 faces of Labeled Faces in the Wild, grey, 25 x 25 pixels,
# here scaled to 32. **Predict:** what does a GAN of 140,000 parameters do with a hundred faces?

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
# DCGAN (Radford et al., 2016): transposed convolutions with batch norm in $G$, strided convolutions
# in $D$, weights from $\mathcal N(0, 0.02^2)$. The assignment moves $D$ at *every second* batch,
# with labels smoothed to $s = 0.9$ (and computes $D$'s gradient at every batch all the same). For
# an optimal $D$ and a right $G$, chapter 13 gives $D = 0.45$, $L_D = 1.376$, $L_G = 0.799$.

# %%
config = gt.zoo.IMAGE_GANS["faces-dcgan"]
game = config.game(faces.with_noise(False, flip=True))
print(f"G has {game.n_g:,} parameters, D {game.n_d:,}; latents of {config.latent} numbers")

# %%
STEPS = gt.budget(300, 20)
live = image_runs.watch(config, game, steps=STEPS, batch_size=32, records=10, scored=64)

# %%
gt.film_strip(
    live,
    [gt.plots.images_panel],
    alt="Five moments of 300 updates: grey noise, then darker and lighter blots in the places of "
    "hair, eyes and mouth.",
)

# %%
gt.player(live, [gt.plots.images_panel, gt.plots.losses_panel])

# %% [markdown]
# A start, no more. `gan-teach study faces-dcgan` went on for longer; its losses, a few sheets and
# the weights of its generator (an average, decay 0.999) ship with the course. **Predict** where its
# losses rest: at their levels, or is $D$ ahead?

# %%
long = gt.records.load("faces-dcgan")
print(f"{long.steps[-1]:,} updates, batches of {long.meta['batch_size']}")
gt.show(
    gt.plots.losses(image_records.losses(long)),
    alt="Losses of the long run: D's below its level 1.38 and falling, G's above 0.799 and rising.",
)

# %% tags=["nbval-check-output"]
path = image_records.losses(long)
d, g = (float(path[name][-20:].mean()) for name in ("d_loss", "g_loss"))
print("D is ahead in the end:", d < 1.376 and g > 0.799)

# %% [markdown]
# The assignment's log of CelebA tells the same, at its scale: $L_D = 0.597$ and $L_G = 3.203$ in
# the last of 50 epochs, scores 0.788 and 0.082. (Its picture of the scores shows two identical
# curves: the run stored $D$ of the *fakes* as both. The log is right.)
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
# `draw` uses $G$ in evaluation mode: batch norm with its running statistics. The assignment's
# script interpolates in training mode and one image at a time, so that each image is normalised *by
# itself*; brightness and contrast then change along the way for no reason but that.
#
# ## Between two faces
#
# Straight: $z(t) = (1 - t)\, a + t\, b$. Spherical (Shoemake, 1985), with $\omega$ the angle
# between $a$ and $b$:
#
# $$z(t) = \frac{\sin((1 - t)\,\omega)\, a + \sin(t\,\omega)\, b}{\sin \omega}.$$
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
print("straight: within 15 % of 10 / sqrt 2:", abs(middle["straight"] / 7.071 - 1) < 0.15)
print("spherical: within 15 % of 10:", abs(middle["spherical"] / 10 - 1) < 0.15)

# %% [markdown]
# Two independent latents are nearly orthogonal in 100 dimensions, hence $1/\sqrt 2$. A latent of
# length 7 is practically never drawn: the distance of $\lvert z\rvert$ from 10 has a standard
# deviation of only about 0.7. $G$ was not trained there. **Predict:** does it show?

# %%
for name, way in ways.items():
    frames = image_runs.draw(G, way.flatten(0, 1))
    gt.show(
        gt.plots.image_grid(frames, columns=11, title=name),
        alt=f"Six {name} ways between two generated faces, eleven images each: the faces change "
        "gradually.",
    )


# %%
def step_between(t):
    """All six ways at t, the straight ones above the spherical ones."""
    k = int(np.argmin(abs(T - t)))
    z = torch.cat([way[:, k] for way in ways.values()])
    return gt.plots.image_grid(image_runs.draw(G, z), columns=6, title=f"t = {t:.1f}")


gt.animation.chooser(step_between, [round(float(t), 1) for t in T], label="t", start=0.5)

# %% [markdown]
# The film of it is one command for any run: `gan-teach interpolate RUN --spherical`.
#
# A smooth walk is often shown as proof that a GAN "has not memorised". **Is it one?** $G$ is
# continuous: any $G$ must pass through images between two faces it knows by heart. Only how *sharp*
# the change is could tell.
#
# ## Nearest neighbours
#
# So look for the copies. For each generated face, the real face at the least distance per pixel,
# also among mirrored ones, which $G$ was shown. But near compared with *what*? With the distance of
# a real face from its nearest *other* real face. **Predict:** are generated faces nearer to the
# training set than real faces are to each other?


# %%
def nearest(x, real, other=False):
    """Distance per pixel to, and row of, the nearest real image (``other``: the second)."""
    x, real = (np.asarray(v).reshape(len(v), -1) for v in (x, real))
    d = np.sqrt(((x[:, None] - real[None]) ** 2).mean(-1))
    order = d.argsort(1)[:, int(other)]
    return d[np.arange(len(x)), order], order


shown = torch.cat([REAL, REAL.flip(-1)])
d_fake, which = nearest(made, shown)
d_real, _ = nearest(REAL, shown, other=True)

# %%
closest = d_fake.argsort()[:10]
pairs = np.concatenate([made[closest], shown[which[closest]].numpy()])
gt.show(
    gt.plots.image_grid(pairs, columns=10, title="generated; below: the nearest training face"),
    alt="The ten generated faces nearest to the training set, grey and faint; beneath nine of them "
    "the same training face, one with little contrast.",
)

# %%
rows = [[name, float(np.median(d)), float(d.min()), float(d.max())]
        for name, d in (("generated", d_fake), ("real, to another real", d_real))]  # fmt: skip
gt.Table(["faces", "median", "least", "largest"], rows, caption="Distance to the nearest, pixels")

# %% tags=["nbval-check-output"]
print("generated faces are nearer to the training set than real faces to each other:",
      float(np.median(d_fake)) < float(np.median(d_real)))  # fmt: skip

# %% [markdown]
# **Guilty?** Look at the pairs again: most of these fakes have the *same* neighbour. Ask who else
# would be convicted by this test. **Predict:** how far from the training set is the mean of all
# faces, which is nobody?

# %% tags=["nbval-check-output"]
d_mean, _ = nearest(REAL.mean(0, keepdim=True), shown)
print(
    "the mean face is nearer than half of the generated ones:", bool(d_mean[0] < np.median(d_fake))
)
print("generated images have less contrast:", bool(made.std() < REAL.std()))

# %% [markdown]
# Grey is near to everything. Part of what looked like copying is lack of contrast: our generator is
# too faint, as its sheet shows.
#
# **And copies can hide.** Move a face by two pixels, and it is "new". **Predict:** how far, on this
# scale, is a training face from itself, moved by two pixels?

# %%
moved = REAL.roll(2, -1)
same = ((moved - REAL) ** 2).mean((1, 2, 3)).sqrt().numpy()
blurred = torch.nn.functional.avg_pool2d(REAL, 3, 1, 1, count_include_pad=False)
soft = ((blurred - REAL) ** 2).mean((1, 2, 3)).sqrt().numpy()
print(f"moved by two pixels: {np.median(same):.2f}; blurred: {np.median(soft):.2f};", end=" ")
print(f"another face: {np.median(d_real):.2f}")

# %% [markdown]
# Moved by two pixels, a face is about as far from itself as another face is; blurred, it is near.
# Pixels see brightness and blur, not who it is. So compare *features*, too. Ours are those of the
# discriminator that was trained above: what enters its last layer. **Predict:** is the moved face
# nearer to itself now?


# %%
@torch.no_grad()
def seen_by_d(x):
    with gt.models.evaluating(game.discriminator):
        h = torch.nn.Sequential(*list(game.discriminator)[:-2])(torch.as_tensor(x))
    return h.mean((2, 3)).numpy()  # over the plane: where it is does not count


f_shown, f_real = seen_by_d(shown), seen_by_d(REAL)
f_moved = np.sqrt(((seen_by_d(moved) - f_real) ** 2).mean(1))
f_other, _ = nearest(f_real, f_shown, other=True)
f_fake, f_which = nearest(seen_by_d(made), f_shown)


# %%
def ratio(x, y):
    return float(np.median(x) / np.median(y))


rows = [
    ["moved by two pixels", ratio(same, d_real), ratio(f_moved, f_other)],
    ["generated", ratio(d_fake, d_real), ratio(f_fake, f_other)],
]
caption = "Median distance to itself, or to the nearest training face; 1 is that of another face"
gt.Table(["faces", "pixels", "features of D"], rows, caption=caption)

# %%
agree = float((which % len(REAL) == f_which % len(REAL)).mean())
print(f"pixels and features name the same training face for {agree:.0%} of the generated ones")

# %% [markdown]
# **What we can say.** Below 1, a fake is nearer to some training face than another real face would
# be; but so is a grey blur. Neither the pairs nor these numbers show a copy here, and they do not
# rule one out. $D$'s features even make the moved face a *stranger* (first row): they were made to
# tell real from fake, and the edge that moving brings in looks fake. "In feature space" is no
# argument by itself; ask what the features forgive.
#
# It says nothing about CelebA, either, where there are two thousand times as many faces for a
# network 25 times as large; there you would have to look, in the same way. Nearest neighbours are a
# *search*: look at the pairs that it finds, with your eyes; beware of what is near to everything,
# and of what the features do not see.
#
# ## What else to know about the published run
#
# - Its interpolation is straight, with ten steps.
# - Its generator, too, is trained on the smoothed target 0.9: the level of its loss is 0.778, not
#   0.799.
# - Its analysis covers epochs 28 to 36 of 50, and no distance is measured.

# %% [markdown]
# ## Play
#
# A walk between latents, all at once: let this one learn two spirals, then open *From latents to
# samples* and move the slider. Where the lattice is stretched thin, a small step of $z$ is a large
# step of the sample; latents that lie there give points between the arms, as they give faces
# between faces.

# %%
gt.Lab("spirals")

# %% [markdown]
# ## Exercises
#
# **1.** $a, b \sim \mathcal N(0, I_d)$, $d$ large. How long is the point at $t = 1/4$ of the
# straight way, as a multiple of $\sqrt d$? *Hint: $a$ and $b$ are nearly orthogonal.*

# %%
length = ...
gt.exercises.check_way_length(length)

# %% [markdown]
# **2.** A gallery shows 16 fakes. A tenth of all fakes are copies. What is the chance that the
# gallery shows at least one?

# %%
chance = ...
gt.exercises.check_copy_in_gallery(chance)

# %% [markdown]
# **3.** (Open.) Train on 50 faces only (`config.game(faces[:50])`) for as long as you like, and
# compare the distances of the fakes to the 50 with those to the *other* 50. Without memory they
# would agree.
#
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_way_length(np.hypot(3 / 4, 1 / 4)))
print(gt.exercises.check_copy_in_gallery(1 - 0.9**16))

# %% [markdown]
# ## Where this bites in practice
#
# - Show the nearest training images beside a gallery, in pixels *and* in features that ignore what
#   you want ignored, and the distance of real from real.
# - Keep a held-out set: copies are near the training half only.
# - Draw in evaluation mode, walk on the sphere.
#
# ## Further reading
#
# - A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with DCGAN*, 2016.
# - T. White, *Sampling Generative Networks*, 2016: spherical interpolation of latents.
# - R. Webster et al., *Detecting Overfitting of Deep Generative Networks via Latent Recovery*,
#   2019.
