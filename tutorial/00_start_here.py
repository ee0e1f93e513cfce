# %% [markdown]
# # Start here: two networks, one game
#
# *What a GAN is, in one picture and five lines of code, and how to read this course.*
#
# **For whom:** students who have heard of GANs, engineers whose GAN does not train, and teachers
# (who have [a page of their own](teaching.md)). The course asks one question: why does a GAN
# converge, circle or collapse? You run each experiment yourself, and predict it first.
#
# **You will do:** train a GAN with four parameters, watch it, and predict what it does next. **You
# will learn:** who plays, what each player wants, and what "converged" means here. **You need:** a
# little Python with NumPy, and the idea of a gradient. PyTorch helps, and so do eigenvalues, in
# places in chapters 01 to 04 and often from 05 on; game theory and a GPU are not needed: the toys
# train in seconds on one core of a laptop or on Binder.
#
# This page takes about three quarters of an hour. The map at its end says what each chapter is
# about and how long it takes, and names a short path through them.
#
# ## The game
#
# A **[generator](glossary.md#generator)** $G$ turns random numbers $z$, its
# [latents](glossary.md#latent), into samples $G(z)$. A
# **[discriminator](glossary.md#discriminator)** $D$ looks at a sample and says how likely it is to
# be real, a number between 0 and 1. They play a [game](glossary.md#game) for one
# [objective](glossary.md#objective) (Goodfellow et al., 2014, equation 1):
#
# $$\min_G \max_D \; V(D, G) = \mathbb{E}_{x}\left[\log D(x)\right]
#   + \mathbb{E}_{z}\left[\log\bigl(1 - D(G(z))\bigr)\right]$$
#
# $D$ wants $V$ large: $D(x)$ near 1 on real samples and $D(G(z))$ near 0 on generated ones. $G$
# wants $V$ small: it wants to be taken for real. Nobody minimises a loss alone; each player's
# landscape moves when the other one takes a step. **Whether this ends, and where, is the subject of
# the whole course.**

# %% [markdown]
# ## Five lines
#
# The real samples are ten points, drawn once from a bell curve around 5. The generator is a
# straight line, $G(z) = wz + b$ with $z$ uniform between 0 and 1; the discriminator is another one,
# bent by the [sigmoid](glossary.md#sigmoid) into an answer between 0 and 1,
# $D(x) = 1/(1 + e^{-(ax + c)})$. Four numbers in all: $w, b$ belong to $G$ and $a, c$ to $D$.

# %%
import gan_teach as gt

# %%
game = gt.zoo.line_gan(seed=0)
rule = gt.alternating(d_steps=1, g_steps=1, redraw="latents")
run = gt.train(game, rule, steps=gt.budget(1500), lr=0.1, batch_size=10)  # budget: fewer in tests
history = gt.record(run, params=gt.probes.params(), d_loss=gt.probes.loss("d"))
history

# %% [markdown]
# Read it from the top. A *game* says who owns which parameters and what each player minimises. A
# *[rule](glossary.md#update-rule)* says how they move: here one step of $D$, then one of $G$, which
# together are a [round](glossary.md#round); `redraw="latents"` gives $G$'s step new $z$, while the
# ten points stay. `train` is an ordinary Python iterator of states, before the first round and
# after each one. `record` runs it to the end and keeps what *probes* saw, as NumPy arrays with one
# row per state.

# %% [markdown]
# ## One picture
#
# **Predict before you run the cell after the next one.** The generated points start near 0, the
# real ones lie around 5, and $D$ soon sees the difference. What will the generator do? Press a
# button: the answer comes after the run.

# %%
guess = gt.predict("walk to 5 and stop", "pass 5 and go on", "pass 5 and come back")
guess

# %%
# The same run once more, ready-made, with more numbers kept; its games are rounds.
history = gt.experiments.run("normal", games=gt.budget(1500, 600))

# %%
gt.film_strip(
    history,
    n=[0, 143, 313, 615, 1500],
    alt="Five moments of training. The generated points start at 0, lie among the real points "
    "around 5 at round 143, beyond them around 7.6 at round 313, at their lower end around 3.3 at "
    "round 615, and among them, a little to the right, at round 1500, where D is close to one half.",
)

# %%
import numpy as np
import torch

mean = history["params"] @ [0.5, 1, 0, 0]  # of G(z): w/2 + b, since z is 1/2 on average
target = history.static["real"].mean()  # of the ten real points
passed = np.flatnonzero(np.diff(np.sign(mean - target))) + 1
guess.answer([*guess.options, guess.options[-1]][min(len(passed), 2)])
print(f"G's mean passes theirs, {target:.2f}, at the rounds {passed.tolist()}")
swings = [abs(way - target).max() for way in np.split(mean, passed)[1:-1]]
print("and goes as far beyond it as", np.round(swings, 1), "between these")

# %% tags=["hide-input"]
assert gt.holds(len(passed) >= 4 and np.all(np.diff(swings) < 0))

# %% [markdown]
# On the lower rail of each panel lie ten latent points $z$; an arrow takes each to $G(z)$ on the
# rail above, a cross. Filled circles are real points, the shaded curve is the density they come
# from. The thick line is $D(x)$. The dashed line is $D^*(x)$, the [best possible
# answer](glossary.md#best-discriminator) to *this* generator; our $D$ can only lean one way or the
# other, so it never reaches it. Where $G$ makes nothing the best answer is 1, hence the jumps.
#
# The generator overshoots and comes back, several times, and each time less far: an oscillation
# that dies out. Chapter 01 says why it oscillates and why it dies out.
#
# Play it: press the triangle, or drag the slider. (On GitHub and on paper you see five more
# moments.) Watch the picture on the left and the objective $V$; what *eigenvalues of the
# [Hessian](glossary.md#hessian)* are is told in chapter 01.

# %%
gt.player(history, n=[38, 508, 769, 905, 1210])

# %% [markdown]
# ## Open the hood
#
# What is a step? Here is one round with nothing but arithmetic. First $V$ on
# the points at hand, and its four derivatives, which say how fast it grows with each number; you
# can check them with the chain rule.


# %% tags=["hood"]
def look(x, z, w, b, a, c):
    """V on these points, and how fast it grows with w, b, a and c."""
    real = 1 / (1 + np.exp(-(a * x + c)))  # D(x)
    fake = 1 / (1 + np.exp(-(a * (w * z + b) + c)))  # D(G(z))
    value = np.log(real).mean() + np.log(1 - fake).mean()
    by_w, by_b = -(fake * a * z).mean(), -(fake * a).mean()
    by_a = ((1 - real) * x).mean() - (fake * (w * z + b)).mean()
    by_c = (1 - real).mean() - fake.mean()
    return value, np.array([by_w, by_b, by_a, by_c])


# %% [markdown]
# Then the round: $D$ takes a small step up, then $G$ a small step down, with new $z$ and at $D$'s
# new numbers. Of the library only the ten points and the random numbers. Change the four numbers to
# start from, or a sign, and see which player gains.

# %% tags=["hood"]
four = np.array([1.0, 2.0, 0.5, -2])  # w, b, a, c
eta = 0.1  # the learning rate
line = gt.zoo.line_gan(seed=0)
draw = gt.dynamics.streams.Stream(line, batch_size=10, seeds=0).at(0)
x, z, new_z = (t.numpy() for t in (draw("d").real, draw("d").latent, draw("g").latent))
before, slopes = look(x, z, *four)
after_d = four + eta * slopes * [0, 0, 1, 1]  # D climbs, with a and c
between, new_slopes = look(x, new_z, *after_d)
after = after_d - eta * new_slopes * [1, 1, 0, 0]  # then G descends, with w and b
print(f"V before the round {before:.4f}, after D's step {look(x, z, *after_d)[0]:.4f}")
print(f"V on the new z {between:.4f}, after G's step {look(x, new_z, *after)[0]:.4f}")

# %% tags=["hood-check", "hide-input"]
start = torch.tensor(four)
field = gt.vector_field(line, draw("d"), start).numpy()  # where each player wants to go
for p, number in zip((*line.g_params, *line.d_params), four, strict=True):
    torch.nn.init.constant_(p, number)
run = gt.train(line, gt.alternating(redraw="latents"), steps=1, lr=0.1, batch_size=10)
library = gt.record(run, params=gt.probes.params(), d_loss=gt.probes.loss("d"))
gaps = {
    "V": before + library["d_loss"][1],
    "its derivatives": slopes - field * [-1, -1, 1, 1],  # G goes down, D up
    "the round": after - library["params"][1],
}
for name, gap in gaps.items():
    print(f"{name}: differs from the library's by at most {abs(gap).max():.0e}")
    assert abs(gap).max() < 1e-6

# %% [markdown]
# <details><summary>What happens</summary>
#
# `after = after_d - eta` becomes `after = after_d + eta`, a generator that climbs with $D$:
#
# ```text
# V before the round -0.8860, after D's step -0.8289
# V on the new z -0.7987, after G's step -0.7926
# ```
#
# Now both players push $V$ up, and nobody is there to pull it down.
#
# </details>

# %% [markdown]
# `gt.train` does this for any two networks, with derivatives from PyTorch; chapter 01 does it 1500
# times.

# %% [markdown]
# ## What "converged" means
#
# When generated and real samples cannot be told apart, the best $D$ is $1/2$ everywhere and
# $V = \log\tfrac12 + \log\tfrac12 = -2\log 2 \approx -1.386$: the game is at its
# [equilibrium](glossary.md#equilibrium). That is the level to watch, and the course draws it beside
# $V$. **A small discriminator loss is not success**: the loss is $-V$, and it is small where $D$
# wins.

# %% tags=["nbval-check-output"]
import math

answers = {"one half everywhere": (0.5, 0.5), "0.99 on real, 0.01 on generated": (0.99, 0.01)}
for words, (real, fake) in answers.items():
    v = math.log(real) + math.log(1 - fake)
    print(f"D says {words}: V = {v:.3f}, D's loss {-v:.3f}")

# %%
v = history["objective"][-100:].mean()
print(f"V over the last 100 rounds: {v:.3f}, {abs(v + 2 * math.log(2)):.3f} from -2 log 2")
print(f"G's mean at the last round: {mean[-1]:.2f}, {abs(mean[-1] - target):.2f} from the data's")

# %% tags=["hide-input"]
assert gt.holds(abs(v + 2 * math.log(2)) < 0.02 and 0.2 < abs(mean[-1] - target) < 0.6)

# %% [markdown]
# $V$ has arrived before the generator has: at the equilibrium all slopes of $V$ are 0, so that a
# small deviation of the means changes $V$ only to second order, by products of two small numbers.
# And the level alone proves nothing: chapter 13 makes a GAN whose losses are where theory wants
# them and whose samples are wrong.

# %% [markdown]
# ## The lab
#
# A film shows what happened. The lab lets you change it while it happens: press Play, then turn a
# knob. It acts from the next round on. (On GitHub and on paper you see four moments instead.)
# Its chart of eigenvalues, too, is for chapter 01; the *nats* beside $V$ are its unit, since $V$ is
# made of natural logarithms.

# %%
gt.Lab("normal")

# %% [markdown]
# It can also say what is wrong with a run, put two runs side by side that differ in one knob, and
# repeat any run from a line of text: [the guide to the lab](lab.md). Most chapters open their own run
# there, under *Play*.

# %% [markdown]
# ## The map of the course
#
# <!-- map -->
# Times are estimated, but for the runs. *Read*: 100 words of text or 12 lines of code a minute,
# figures included. *Run*: seconds of one core, measured. *Exercises*: how many, and 3 for a number,
# 5 for a formula, 8 for code and 1 for each line of the answer, 10 for words in minutes.
#
# **The line**, about 6.5 hours: one GAN with four parameters settles, saturates, is rescued by noise.
#
# | | chapter | what you gain | read, min | run, s | exercises, min |
# |-|-|-|-|-|-|
# | [00](00_start_here.ipynb) | Start here: two networks, one game | who plays, what each player wants, and what "converged" means here | 20 | 6 | 25 for 2, 2 in code |
# | [01](01_normal.ipynb) | Watch a balanced GAN spiral in | why $V$ oscillates, what the signs of its second derivatives mean for a game, and what this discriminator can never see | 40 | 11 | 40 for 4, 2 in code |
# | [02](02_strong_discriminator.ipynb) | Watch a strong discriminator starve the generator | where the gradient goes when $D$ wins, why eigenvalues alone do not make a local maximum, and what $-\log D$ in place of $\log(1 - D)$ changes | 30 | 15 | 25 for 3, 2 in code |
# | [03](03_strong_generator.ipynb) | Let the generator run ahead | why this toy likes a strong generator, what the word "settled" hides, and what slowly moves a spread that $D$ cannot see | 40 | 19 | 35 for 3, 2 in code |
# | [04](04_noisy_gan.ipynb) | Blur what the discriminator sees | what overlap does to the best discriminator, what the noise costs, and how a hasty schedule loses most of it again | 30 | 13 | 40 for 4, 2 in code |
# | [04b](04b_wrap_up.ipynb) | Diagnose a run on the line | to tell a steady, a swinging and a saturated run apart, and what mends each | 15 | 6 | 45 for 7, 2 in code |
#
# **Games**, about 6 hours: what eigenvalues foretell where a formula is known: rules, $\tau$, regions.
#
# | | chapter | what you gain | read, min | run, s | exercises, min |
# |-|-|-|-|-|-|
# | [05](05_dirac_gan.ipynb) | Break and mend the smallest GAN | why plain descent cannot converge here, what "friction" a penalty adds, and how a step's eigenvalues give its speed *and* its rotation | 50 | 26 | 40 for 4, 2 in code |
# | [06](06_timescale.ipynb) | Find how much faster D must learn | what $\tau$ decides, what it does not, and when there is no $\tau^*$ | 60 | 40 | 40 for 4, 2 in code |
# | [07](07_regions_of_attraction.ipynb) | Map who ends where | that raising $\tau$ can move a start from one equilibrium to another, that an attractor need not be an equilibrium, and what alternating steps change | 40 | 19 | 30 for 4, 2 in code |
# | [08](08_covariance.ipynb) | Match a covariance, and meet equilibria that touch each other | why $\tau^* = \infty$ is not always bad news, what a zero mode is, and how to ask the question that has an answer | 30 | 16 | 30 for 3, 2 in code |
# | [08b](08b_wrap_up.ipynb) | Judge a path by its eigenvalues | to tell from a path which $\tau$ made it, and whether its end is a solution | 10 | 6 | 35 for 7, 1 in code |
#
# **Modes and measures**, about 9.5 hours: how modes are lost, what penalties do, and what scores can say.
#
# | | chapter | what you gain | read, min | run, s | exercises, min |
# |-|-|-|-|-|-|
# | [09](09_two_clusters.ipynb) | Fall into a bad basin, and get out of it | what [mode collapse](glossary.md#mode-collapse), all fakes in one part of the data, looks like in a loss curve, what the relativistic pairing changes, and what its theorem does not promise | 60 | 16 | 40 for 4, 2 in code |
# | [10](10_five_gaussians.ipynb) | Count modes, not losses | why one score is never enough, how a distribution over seeds differs from a picture of one run, and why a line of code in only one of two arms has no place in a comparison | 50 | 22 | 30 for 4, 2 in code |
# | [11](11_gradient_penalties.ipynb) | See what a gradient penalty does to D | what distinguishes the penalties, why a target slope of 1 has a unit, and what was wrong with DRAGAN's noise | 45 | 45 | 35 for 4, 2 in code |
# | [12](12_bogonet.ipynb) | Let chance choose the architecture | why a method is not judged on one architecture, what an Inception Score of digits means, and how to compare pairs | 45 | 16 | 40 for 4, 2 in code |
# | [13](13_half_circles.ipynb) | Mistrust flat losses | what flat losses say, what they cannot say, and which of eight changes mend this GAN | 40 | 20 | 35 for 4, 2 in code |
# | [14](14_honest_metrics.ipynb) | Break every metric on purpose | what a noise band is, which metric is blind to what, and what the discriminator's own loss can prove | 55 | 21 | 40 for 5, 2 in code |
# | [14b](14b_wrap_up.ipynb) | Find the lost modes | to tell clumps, clouds and lost modes apart, and to make one measure of two that are half blind | 15 | 8 | 45 for 7, 2 in code |
#
# **Images**, about 12 hours: the same questions with millions of parameters.
#
# | | chapter | what you gain | read, min | run, s | exercises, min |
# |-|-|-|-|-|-|
# | [15](15_mnist.ipynb) | Draw digits | what is like the GAN with four parameters of chapter 01, what $D(x) = 0.63$ and $D(G(z)) = 0.36$ say, and what an average of generators is for | 45 | 46 | 50 for 5, 2 in code |
# | [16](16_dcgan_cifar.ipynb) | Pinned, then unpinned | what "$D$ at every second batch, at half the rate" does to the scores, and that a run pinned at its equilibrium values need not have converged | 35 | 45 | 40 for 4, 2 in code |
# | [17](17_rsgan_cifar.ipynb) | Pair the images | what the loss of chapters 09 and 10 is worth on images, why authors narrow a network to show it, and what a choice as small as the batch statistics does to an image | 45 | 23 | 40 for 5, 2 in code |
# | [18](18_faces.ipynb) | Are they in the training set? | why the straight way between latents leaves the sphere, what a smooth walk shows and does not show, and how to test for learning by heart ([memorization](glossary.md#memorization)) | 45 | 14 | 40 for 4, 2 in code |
# | [19](19_timescale_images.ipynb) | Let the discriminator learn faster | what is left of $\tau^*$ when nobody can compute it, when an average of $G$ can score better than $G$, and how to read the paper's tables | 50 | 25 | 50 for 5, 2 in code |
# | [20](20_r3gan.ipynb) | Count to a thousand | what R3GAN is made of, which of its parts does what at this scale, and how to count modes honestly | 40 | 26 | 40 for 5, 2 in code |
# | [20b](20b_wrap_up.ipynb) | Read an image run before it ends | to say from the first part of a run where it goes, and to compare two generators with their noise | 15 | 5 | 50 for 7, 2 in code |
# | [21](21_conditional.ipynb) | Ask for a seven | what a conditional GAN plays for, why $D$ has to know the question, and what steering costs | 35 | 34 | 35 for 4, 2 in code |
# | [22](22_ledger.ipynb) | Hold five works to their numbers | what it takes to say that a published number was reproduced, and what "it differs" may mean | 25 | 8 | 25 for 3, 1 in code |
#
# All of it takes about 34 hours. **The short path**, about 9 hours: [00](00_start_here.ipynb) →
# [01](01_normal.ipynb) → [02](02_strong_discriminator.ipynb) → [05](05_dirac_gan.ipynb) →
# [09](09_two_clusters.ipynb) → [11](11_gradient_penalties.ipynb) → [15](15_mnist.ipynb).
# <!-- end of map -->
#
# Where a chapter of the short path needs one that it leaves out, follow the links to the glossary.
#
# ## How to read it
#
# A term is linked where the course defines it first; the [glossary](glossary.md) has all of them,
# each with its chapter, and with its formula where it has one. The [table of notation](notation.md)
# says what each letter means.
#
# Each chapter but the wrap-ups asks you to **predict before you run** and shows theory beside
# measurement. What follows from a run is mostly closed under *What you saw*: open it when you have
# seen it. (A double click on a text shows its source; Shift+Enter closes that.) Most end with
# exercises, of which all but the open ones check themselves, and where it bites in practice. The
# numbers of a run are printed by a cell beside it, and often a small folded cell after that asserts
# what the text says of them, as `assert gt.holds(...)` above: where the library ceases to agree,
# the tests of the project fail. Numbers that are the same on every machine the tests compare digit
# by digit.
#
# **Change things.** Every run is a function of its settings and its seed, so that you can have it
# again:
#
# - `gt.experiments.run("normal", seed=3, tau=2.0)` is another run in the same words;
# - `gan-teach run normal --d-steps 5 --out here` does it without a browser;
# - `gan-teach list` names all chapters and experiments.

# %% [markdown]
# ## Exercises
#
# **1.** Our $D$ can only lean one way or the other. Give it a bend, one number more:
# $D(x) = \sigma(k x^2 + a x + c)$ with the [sigmoid](glossary.md#sigmoid) $\sigma$. Write both
# networks in Python: a function of the five numbers, of real samples $x$ and of latents $z$, that
# gives $D$'s answers on both, $D(x)$ and $D(G(z))$. Replace the dots; the check says what is wrong.
# It tries random cases; `verdict.case` is one in which your function fails, and
# `answers(*verdict.case)` runs it there.
#
# <details><summary>Hint 1</summary>
#
# The second answer takes two steps: what $G$ makes of $z$, and what $D$ says of that.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `1 / (1 + np.exp(-logit))` is the sigmoid of each entry.
#
# </details>


# %%
def answers(w, b, a, c, k, x, z):
    return ..., ...


verdict = gt.exercises.check_two_networks(answers)
verdict

# %% [markdown]
# When it is right, the next cell computes $D$'s mean answers with it, in each round of the run
# above, where $k = 0$, and compares. Then it bends the last $D$ around $G$'s mean: is there a bend
# with which it sees more?

# %% tags=["hide-input"]
if verdict:
    answers = verdict.own  # yours, with NumPy arrays in and out
    x, z = history.static["real"], gt.zoo.line.LATENT.sample(200, gt.dynamics.streams.generator(2))
    numbers = history["params"].astype(float)
    said = [answers(*four, 0.0, x, z.numpy()) for four in numbers]  # of 10 and of 200 samples
    yours = np.array([[np.mean(np.asarray(d)) for d in both] for both in said])
    library = np.stack([history["d_real"], history["d_fake"]], axis=1)
    print(f"your D(x) and D(G(z)) at the last round: {np.round(yours[-1], 3)};", end=" ")
    print(f"all differ from the library's by at most {abs(yours - library).max():.0e}")
    (w, b, a, c), m = numbers[-1], mean[-1]
    for k in (-0.2, 0, 0.2, 0.4):
        real, fake = map(np.asarray, answers(w, b, a - 2 * k * m, c + k * m**2, k, x, z.numpy()))
        print(f"k = {k}: V = {np.log(real).mean() + np.log(1 - fake).mean():.3f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def answers(w, b, a, c, k, x, z):
#     def discriminator(sample):
#         return 1 / (1 + np.exp(-(k * sample**2 + a * sample + c)))
#
#     return discriminator(x), discriminator(w * z + b)
#
#
# gt.exercises.check_two_networks(answers)
# ```
#
# ```text
# Right: D sees x as it is, and of z what G makes of it.
# ```
#
# </details>

# %% [markdown]
# **2.** The hood's four derivatives come from the chain rule. Check them without it: write how fast
# a function $f$ of one number grows at $t$, from its values at a small distance $h$ to either side.
#
# <details><summary>Hint 1</summary>
#
# By how much does $f$ grow from $t - h$ to $t + h$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The two places lie $2h$ apart: divide by that, all of it.
#
# </details>


# %%
def slope(f, t, h):
    return ...


verdict = gt.exercises.check_slope(slope)
verdict

# %% [markdown]
# When it is right, the next cell asks with it how fast the hood's $V$ grows with each number.

# %% tags=["hide-input"]
if verdict:
    batch = [t.numpy() for t in (draw("d").real, draw("d").latent)]
    by_chain_rule = look(*batch, *four)[1]

    def value_along(k):  # V as a function of one of the four numbers
        return lambda t: look(*batch, *np.where(np.arange(4) == k, t, four))[0]

    for k, name in enumerate("wbac"):
        yours = slope(value_along(k), four[k], 1e-4)
        print(f"V grows with {name} by {yours:.6f}, by the chain rule {by_chain_rule[k]:.6f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def slope(f, t, h):
#     return (f(t + h) - f(t - h)) / (2 * h)
#
#
# gt.exercises.check_slope(slope)
# ```
#
# ```text
# Right: two values, 2 h apart: their difference over the distance.
# ```
#
# </details>

# %% [markdown]
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014: the game (equation 1), the best
#   discriminator (proposition 1), the value at the equilibrium (theorem 1).
# - E. Sansone, *Tutorial on GANs* (github.com/emsansone/GAN): the 1-D example of chapters 01 to 04.
