# %% [markdown]
# # Read an image run before it ends
#
# *Wrap-up of chapters 15 to 20: what they have shown, and a run whose name and settings you are not
# told.*
#
# **You will do:** read two thirds of a run on images, foretell the last third, turn the knob that
# was turned, and design a comparison of two generators. **You will learn:** to say from the first
# part of a run where it goes, and to compare two generators with their noise. **You need:**
# chapters 15 to 20.
#
# ## What this part has shown
#
# - Losses are a poor measure of a generator of images: along one run $G$'s loss and the distance
#   fall together (rank correlation 0.95), and yet 1.6 to 1.7 (a mean over 900 updates) stands for
#   distances of 141 to 266. And two numbers are two questions: by the
#   distance the DCGAN is ahead, 53.5 to 98.4, by the score the other one. [Chapter
#   15](15_mnist.ipynb)
# - Ask whether images can be read before you count classes: without that test, nearly 600 of 1000
#   pictures of salt, a quarter of it white, would be 3s. [Chapter 15](15_mnist.ipynb)
# - A run pinned at its equilibrium values need not have converged: in the rows shown of the
#   published log all four numbers are within 0.12 of their levels from epoch 3 to 22, and then
#   leave. On digits, with two seeds, the slow $D$ was pinned and the fast one never. [Chapter
#   16](16_dcgan_cifar.ipynb)
# - Losses with different levels, 1.386 and 0.693, are not compared by their values, and one pair of
#   curves decides nothing. [Chapter 17](17_rsgan_cifar.ipynb)
# - Grey is near to everything: before you call a generated face a copy, compare contrasts; a face
#   moved by two pixels is as far from itself (0.30) as from another one (0.29). [Chapter
#   18](18_faces.ipynb)
# - A long average of weights is behind while much of it is the start: after 1,200 updates that is
#   0.89 of one with decay 0.9999. In the paper's four rows, by that average, $\tau = 4$ has
#   the best mean.
#   [Chapter 19](19_timescale_images.ipynb)
# - A count of modes needs a reader that can refuse: noise shows 951 of the 1000 combinations. R1
#   and R2 gained most at this scale; in one pair of longer runs the recipe bought speed. [Chapter
#   20](20_r3gan.ipynb)

# %% [markdown]
# ## The run
#
# The first two thirds of a record of this part. You see its losses, some of its sheets, and the
# distance from the data of $G$ itself and of one average of its weights (a Fréchet distance in the
# features of some small network, or a KL of modes; smaller is nearer). In all, eight records lie
# behind the seeds. Each has siblings that differ in one knob, which is named. The answers that are
# shown belong to seed 1.

# %%
import gan_teach as gt
import numpy as np

run = gt.exercises.unseen_images(seed=1)
history = run.history
print(f"{run}; the knob: {history.meta['knob']}, of {', '.join(history.meta['values'])}")

# %%
sheets, steps = history.static["sheets"][:, :16], history.static["sheet_steps"]
picked = {f"step {steps[k]}": sheets[k] for k in sorted({0, len(steps) // 2, len(steps) - 1})}
gt.show(
    gt.plots.image_grids(picked, columns=4),
    alt=f"Sixteen samples each at {', '.join(picked)} of the unseen run.",
)

# %%
figure, axes = gt.style.mosaic([["loss", "distance"]], (11, 4))
losses = {f"{p}'s loss": history.static[f"{p.lower()}_loss"] for p in "DG"}
level = (history.meta["level"], "D's level")
gt.plots.compare(history.static["loss_steps"], losses, ax=axes["loss"], level=level, xlabel="step")
near = {"G": history["distance"], "an average of G": history["average"]}
gt.plots.compare(history.steps, near, ax=axes["distance"], log=True, xlabel="step")
axes["loss"].set_ylabel("loss")
axes["distance"].set_ylabel("distance")
said = [f"{n} {', '.join(f'{x:.3g}' for x in c[:: max(len(c) // 5, 1)])}" for n, c in near.items()]
alt = f"Left: both losses and D's level, {level[0]:.3f}. Right, distances: {'; '.join(said)}."
gt.show(figure, alt=alt)

# %%
for name, curve in {**near, "D's loss": history.static["d_loss"]}.items():
    print(
        f"{name}: {curve[0]:.3g} at first, {curve.min():.3g} at least, {curve[-1]:.3g} at the end"
    )
print(f"real images from other real images: {history.meta['real']:.2g}")

# %% tags=["nbval-check-output"]
levels = [gt.plots.equilibrium_losses(loss)[0] for loss in ("non_saturating", "relativistic")]
print("D's level, separable and paired loss:", np.round(levels, 3))

# %% [markdown]
# ## Read it

# %% [markdown]
# **1.** Where is $D$'s mean loss in the last quarter of what you see: `"D is ahead"` (a twentieth
# or more below its level), `"at the level"` or `"D is behind"` (a twentieth or more above)? And
# what does that say about the images?
#
# <details><summary>Hint</summary>
#
# `history.static["d_loss"]` and `history.meta["level"]`.
#
# </details>

# %%
place = ...
gt.exercises.check_image_loss(place, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_images(seed=1)
# gt.exercises.check_image_loss("at the level", run)
# ```
#
# ```text
# Right: D's loss is 1.38 on average, its level 1.39.
# ```
#
# </details>

# %% [markdown]
# **2.** If it were stopped here, which generator would you show: `"G"` or `"the average"`?
#
# <details><summary>Hint</summary>
#
# The nearer one at the last step that is shown.
#
# </details>

# %%
shown = ...
gt.exercises.check_image_shown(shown, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_images(seed=1)
# gt.exercises.check_image_shown("G", run)
# ```
#
# ```text
# Right: at step 600 G is 6.7 from the data and the average 6.89; real images from real images
# 0.04.
# ```
#
# </details>

# %% [markdown]
# **3.** In code: write `rank_correlation(x, y)` for two arrays without ties, the correlation of
# their ranks. Does $D$'s loss go with the distance?
#
# <details><summary>Hint 1</summary>
#
# `np.argsort(np.argsort(x))` gives the rank of each entry.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.corrcoef(a, b)[0, 1]`.
#
# </details>


# %%
def rank_correlation(x, y):
    return ...


verdict = gt.exercises.check_rank_correlation(rank_correlation)
verdict

# %%
if verdict:
    rank_correlation = verdict.own  # yours, with NumPy arrays in and out
    for name in ("d_loss", "g_loss"):
        then = np.interp(history.steps, history.static["loss_steps"], history.static[name])
        together = rank_correlation(then, history["distance"])
        print(f"{name} and the distance of G at {len(then)} steps: {together:.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def rank_correlation(x, y):
#     ranks = [np.argsort(np.argsort(values)) for values in (x, y)]
#     return np.corrcoef(*ranks)[0, 1]
#
#
# gt.exercises.check_rank_correlation(rank_correlation)
# ```
#
# ```text
# Right: the correlation of the two arrays of ranks.
# ```
#
# </details>

# %% [markdown]
# **4.** Stop or go on? Foretell $G$'s own distance at the end of the record beside that at the last
# step shown: `"a fifth nearer"` (or more), `"about the same"` or `"a fifth farther"` (or more).
# Decide before you open anything.
#
# <details><summary>Hint</summary>
#
# The last point alone may be a bad moment. Look at the average, and at the way down so far.
#
# </details>

# %%
future = ...
verdict = gt.exercises.check_image_future(future, run)
verdict

# %%
if verdict:
    whole = run.turn()
    near = {"G": whole["distance"], "an average of G": whole["average"]}
    mark = (history.steps[-1], "seen until here")
    alt = f"Distances along the whole run. At the end G {near['G'][-1]:.3g}."
    labels = {"xlabel": "step", "ylabel": "distance"}
    gt.show(gt.plots.compare(whole.steps, near, log=True, mark=mark, **labels), alt=alt)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_images(seed=1)
# gt.exercises.check_image_future("a fifth nearer", run)
# ```
#
# ```text
# Right: G goes from 6.7 to 2.98, 0.44 times as far.
# ```
#
# </details>

# %% [markdown]
# ## Turn the knob

# %% [markdown]
# **5.** With which value of the knob is $G$ nearest to the data at the end of its record?
# `run.turn(**{history.meta["knob"]: value})` is the history of a sibling. **Predict** first; and
# say what one seed each is worth.
#
# <details><summary>Hint 1</summary>
#
# For `network` and `recipe` chapters 15 and 20 have told it. Of each `tau` chapter 19 had three
# seeds; this is the first.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `run.turn(...)["distance"][-1]` of each.
#
# </details>

# %%
value = ...
gt.exercises.check_image_knob(value, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_images(seed=1)
# value = 2
# gt.exercises.check_image_knob(value, run)
# ```
#
# ```text
# Right: at the end: 1 2.98, 2 1.63, 4 1.77, 8 3.39; one seed each.
# ```
#
# </details>

# %% [markdown]
# ## Design: compare two generators
#
# You are to say which of two generators is nearer to the data, or that you cannot tell. From each
# you may draw **2000 samples in all** (of 8 features), `draw_a(n)` and `draw_b(n)`, as often as you
# like; 2000 real ones are given.

# %% [markdown]
# **6.** Write `compare(draw_a, draw_b, real)` that answers `"a"`, `"b"` or `"neither"`. The check
# runs 20 trials where `a` is nearer, 20 where `b` is, and 20 where they are equally far from the
# data. It has to be right in 18 of each.
#
# <details><summary>Hint 1</summary>
#
# One Fréchet distance of all samples finds the nearer one, and never says `"neither"`: it has no
# noise to compare with.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Ten distances of 200 samples each, `gt.metrics.sample_frechet(draw_a(200), real)`, have a mean and
# a standard error. (Their bias is that of 200 samples; why does it not matter here?)
#
# </details>


# %%
def compare(draw_a, draw_b, real):
    return ...


gt.exercises.check_comparison_design(compare)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def compare(draw_a, draw_b, real):
#     a, b = (
#         np.array([gt.metrics.sample_frechet(draw(200), real) for _ in range(10)])
#         for draw in (draw_a, draw_b)
#     )
#     error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 10)
#     if abs(a.mean() - b.mean()) < 3 * error:
#         return "neither"
#     return "a" if a.mean() < b.mean() else "b"
#
#
# gt.exercises.check_comparison_design(compare)
# ```
#
# ```text
# Right: of 20 trials each, right where a is nearer 20, where b is 20, and where neither is 20.
# ```
#
# </details>

# %% [markdown]
# ## Dispute: 2.9 against 3.4
#
# *"Paper A reports an FID of 3.4, from 10,000 samples, the best of three seeds. Paper B reports
# 2.9, from 50,000 samples, one seed. B is better: its FID is smaller by 15 %."* — *"These two
# numbers cannot be compared."*

# %% [markdown]
# **7.** Who is right? What would you ask of either paper? Evidence: *one* generator, a little off,
# with 64 features, scored from two numbers of samples and by four samples each.

# %%
rng, d = np.random.default_rng(0), 64
real = rng.normal(size=(20_000, d))
scores = {}
for n in (1000, 5000):
    pairs = [gt.metrics.sample_frechet(0.05 + rng.normal(size=(n, d)), real) for _ in range(4)]
    scores[n] = pairs
    bias = d * (d + 5) / 4 * (1 / n + 1 / len(real))  # half of d (d + 5) / (2 n) for each sample
    print(f"n = {n}: {min(pairs):.2f} to {max(pairs):.2f}; in truth {d * 0.05**2:.2f},", end=" ")
    print(f"with the bias {d * 0.05**2 + bias:.2f}")

# %% tags=["hide-input"]
assert min(scores[1000]) > 1.5 * max(scores[5000])
assert abs(np.mean(scores[5000]) - d * 0.05**2 - bias) < 0.1

# %% [markdown] tags=["answer"]
# *Your answer* (double-click to write; three sentences, before you open the next cell):

# %% [markdown]
# <details><summary>Model answer</summary>
#
# The second. The Fréchet distance of $n$ samples is biased upwards, about as $1/n$: the same
# generator scores three times as much from a fifth of the samples in the cell above. Inception's
# 2048 features make the bias larger still, so that 10,000 against 50,000 samples may be worth more
# than the 0.5 between the papers, in B's favor. "The best of three" is a minimum, in A's favor. One
# seed has no interval. And it is not said whether the real images were the training images, how
# they were resized, which weights of Inception were used, and whether an average of $G$ was drawn
# from, chosen at which step. I would ask for $n$, the real set, the code of the features, the
# number of seeds with a mean and an error, and how the snapshot was chosen; better, for the samples
# or the weights, and score both with one program, in equal numbers. (Chapter 19 has three such
# differences in one paper's table, chapter 14 the bias.)
#
# </details>

# %% [markdown]
# ## Once more
#
# Take another seed at the top and run all. The same questions wait in your own runs: `gan-teach
# train` and `gan-teach evaluate` leave losses, sheets and Fréchet distances as you have read them
# here. And live, in the plane:

# %%
gt.Lab("rs-gan")
