# %% [markdown]
# # Diagnose a run on the line
#
# *Wrap-up of chapters 00 to 04: what they have shown, and a run whose settings you are not told.*
#
# **You will do:** read a run from its curves, say who is ahead and whether it has arrived, turn one
# knob, and design a fade of the noise. **You will learn:** to tell a steady, a swinging and a
# saturated run apart, and what mends each. **You need:** chapters 00 to 04.
#
# ## What this part has shown
#
# - Balanced play is a swing that dies out, not a loss that goes down: $V$ ends near $-2 \log 2$,
#   $-1.386$. Small swings keep 0.61 of their size in half a turn, and the friction is $D$'s own
#   curvature. [Chapter 01](01_normal.ipynb)
# - A strong $D$ with the saturating loss starves $G$: 50 steps to one, and after 500 rounds most of
#   64 seeds are saturated. But that is slow, not the end: 43 of 51 arrive by round 3000. And $-\log
#   D$ in place of $\log(1 - D)$ lets all settle within 500. [Chapter
#   02](02_strong_discriminator.ipynb)
# - A strong $G$ is quick: with 50 steps of $G$, $V$ settles for good within five rounds in most
#   seeds, while the mean is still wrong. A linear $D$ does not see the spread, and what nobody
#   holds drifts: eleven of 16 runs have blown up by round 60,000. [Chapter
#   03](03_strong_generator.ipynb)
# - With instance noise all 64 seeds settle within 500 rounds; it hardly weakens $D$, but it makes
#   $G$'s gradient seven times as large at round 50. Fade it out too soon and the plateau is back.
#   [Chapter 04](04_noisy_gan.ipynb)
# - Two cautions. "Settled" is a statement about the number that you watch ([chapter
#   03](03_strong_generator.ipynb)). And one seed is an anecdote: a count of 64 comes with its
#   interval ([chapter 02](02_strong_discriminator.ipynb)).

# %% [markdown]
# ## The run
#
# 500 rounds of a GAN on the line. You know the game, and that none, one or two of these knobs are
# not where chapter 01 had them: `d_steps`, `g_steps`, `noise`, `loss`, `lr` and `tau`, $D$'s
# learning rate over $G$'s ([tau](glossary.md#tau)). Six settings lie behind the seeds; take another
# seed, and it is another run: all questions, hints and checks stay true, only the answers that are
# shown belong to seed 4.

# %%
import gan_teach as gt
import numpy as np

run = gt.exercises.unseen_line(seed=4)
run

# %%
history = run.history
v, mean = history["objective"], gt.experiments.means(history)
moments = [20, 100, 250, 400, 500]
told = "; ".join(f"round {n}: V {v[n]:.2f}, G's mean {mean[n]:.2f}" for n in moments)
gt.show(
    gt.plots.summary(history),
    alt="Left: the generated and the real points at round 500, D and its best answer. Right: V "
    f"beside its level, and the norms of both players' gradients. In numbers: {told}.",
)

# %%
gt.film_strip(
    history,
    n=moments,
    alt="Five moments of the unseen run: the latents on the lower rail, the generated and the real "
    f"points on the upper one, D and its best answer. In numbers: {told}.",
)

# %% tags=["nbval-check-output"]
print(f"the level of V: {gt.experiments.TARGET:.3f}; columns of params: w, b, a, c")

# %% [markdown]
# ## Read it

# %% [markdown]
# **1.** In which state is $V$ at the end? `"steady"`: within 0.1 of its level in all of the last
# 100 rounds. `"saturated"`: above $-0.1$ in all of them. `"swinging"`: more than 0.1 above the
# level and more than 0.1 below it, both within the last 200. Or `"none of these"`.
#
# <details><summary>Hint</summary>
#
# The picture shows it; `history["objective"][-100:]` has the numbers.
#
# </details>

# %%
state = ...
gt.exercises.check_line_state(state, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_line(seed=4)
# gt.exercises.check_line_state("saturated", run)
# ```
#
# ```text
# Right: V is -0.00256 to -0.00158 in the last 100 rounds and -0.0027 to -0.00158 in the last 200,
# where the level is -1.39.
# ```
#
# </details>

# %% [markdown]
# **2.** Who is ahead in the last fifth of the run: `"D"`, `"G"` or `"nobody"`? A player is ahead if
# $D$'s mean scores of real and of generated samples differ by a tenth or more in its favor.
#
# <details><summary>Hint</summary>
#
# `history["d_real"]`, `history["d_fake"]`, or `gt.plots.scores(history)`. In a swing the two change
# places; the means decide.
#
# </details>

# %%
ahead = ...
gt.exercises.check_ahead(ahead, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_line(seed=4)
# gt.exercises.check_ahead("D", run)
# ```
#
# ```text
# Right: in the last fifth of the run D gives real samples 1.00 on average and generated ones 0.00.
# ```
#
# </details>

# %% [markdown]
# **3.** In code: write `settled_from(curve, level, within)`, the first place in the array `curve`
# from which it stays nearer than `within` to `level` *to the end*, and `np.inf` if it does not end
# there.
#
# <details><summary>Hint 1</summary>
#
# Which rounds are outside? The last of them decides.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.flatnonzero(abs(curve - level) >= within)`; it may be empty.
#
# </details>


# %%
def settled_from(curve, level, within):
    return ...


verdict = gt.exercises.check_settled_from(settled_from)
verdict

# %%
if verdict:
    settled_from = verdict.own  # yours, with NumPy arrays in and out
    v, target = history["objective"], gt.experiments.TARGET
    yours = {within: settled_from(v[1:], target, within) + 1 for within in (0.3, 0.1, 0.03)}
    print("your V has settled for good from round (within: round)", yours)
    print("the library, within 0.1:", gt.experiments.settling_game(history))

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def settled_from(curve, level, within):
#     outside = np.flatnonzero(abs(curve - level) >= within)
#     first = outside[-1] + 1 if len(outside) else 0
#     return first if first < len(curve) else np.inf
#
#
# gt.exercises.check_settled_from(settled_from)
# ```
#
# ```text
# Right: the place after the last round outside; none if that round is the last.
# ```
#
# </details>

# %% [markdown]
# **4.** What are the last 100 rounds: an `"equilibrium"` ($V$ steady, and $G$'s mean still), a
# `"plateau"` ($V$ saturated, and $G$'s mean still) or `"neither"`? *Still* means that the mean
# $\tfrac w2 + b$ moves by less than a half in these rounds.
#
# <details><summary>Hint 1</summary>
#
# `gt.experiments.means(history)[-101:]`
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A mean that stands still may stand in the wrong place: the data's is
# `history.static["real"].mean()`.
#
# </details>

# %%
rest = ...
gt.exercises.check_line_rest(rest, run)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_line(seed=4)
# gt.exercises.check_line_rest("plateau", run)
# ```
#
# ```text
# Right: in the last 100 rounds G's mean goes from 0.73 to 0.81, where the data's is 5.10, and the
# norm of G's gradient is 0.0076 on average.
# ```
#
# </details>

# %% [markdown]
# ## Turn a knob

# %% [markdown]
# **5.** Turn *one* knob, so that 60 of 64 seeds [settle](glossary.md#settled) within these 500
# rounds: in the last one $V$ is within 0.1 of its level. (If the run is good as it is: `{}`.) The
# check trains the 64 seeds. **Predict** the count first. `run.turn(lr=0.05)` is the history of this
# seed with a knob turned.
#
# <details><summary>Hint 1</summary>
#
# Which player limits the other? Is $G$ without a gradient, is a step of $D$ too long, or is
# everything just slow?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A state that saturates: chapters 02 and 04 have two cures, chapter 03 a third. One that swings and
# shrinks: chapter 03. One that swings and does not: the section on the thick bands in chapter 01,
# and a slower $D$, by [tau](glossary.md#tau) below 1.
#
# </details>

# %%
knob = ...  # such as {"lr": 0.05}
verdict = gt.exercises.check_line_knob(knob, run)
verdict

# %%
if verdict:
    turned = run.turn(**knob)
    curves = {"as it was": history["objective"], f"with {knob}": turned["objective"]}
    level = (gt.experiments.TARGET, "−2 log 2")
    ends = ", ".join(f"{name} {curve[-1]:.2f}" for name, curve in curves.items())
    alt = f"V of the run, as it was and with your knob turned. At the end: {ends}."
    gt.show(gt.plots.compare(history.steps, curves, ylabel="V", level=level), alt=alt)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# run = gt.exercises.unseen_line(seed=4)
# knob = {"loss": "non_saturating"}
# gt.exercises.check_line_knob(knob, run)
# ```
#
# ```text
# Right: 64 of 64 seeds settled (95 %: 94% to 100%); all did.
# ```
#
# </details>

# %% [markdown]
# ## Design: a fade of the noise
#
# Chapter 04 lost seeds when the noise faded in a straight line. You have the same GAN ($D$ makes 50
# steps, independent noise with $\sigma = 1$), 500 rounds, and **150 rounds of noise to spend**: the
# sum of your factor over all rounds is at most 150, and each factor lies between 0 and 1. A
# straight line over 300 rounds spends that, and half a round more, which the check lets pass.

# %% [markdown]
# **6.** Write `fade(game)` so that 60 of 64 seeds settle. The check runs them.
#
# <details><summary>Hint 1</summary>
#
# The noise has to last for the journey. How long is it with the noise kept (chapter 04)?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# What does half the noise do for a $G$ that is far away? Try a constant of 0.3, too.
#
# </details>


# %%
def fade(game):
    return ...


gt.exercises.check_fade_design(fade)

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def fade(game):
#     return 1.0 if game < 150 else 0.0  # all of it while G travels, none afterwards
#
#
# gt.exercises.check_fade_design(fade)
# ```
#
# ```text
# Right: 63 of 64 seeds settled (95 %: 92% to 100%); 1 on the way.
# ```
#
# </details>

# %% [markdown]
# ## Dispute: D is at 50 %
#
# *"$D$ answers one half to everything, real or generated. It cannot tell them apart, so $G$ has
# learnt the data: converged."* — *"$D$ at one half says something about $D$."*

# %% [markdown]
# **7.** Who is right, and what would you measure? Write three sentences below. Evidence: 16 seeds
# of chapter 03's strong generator after 500 rounds.

# %%
seeds = gt.experiments.run_seeds("strong-generator", 16, games=gt.budget(500), every=10)
w, b, a, c = seeds["params"][-1].T
scores = [1 / (1 + np.exp(-(a * x + c))) for x in (5.0, w / 2 + b)]
print("D at the data's mean and at G's:", *(f"{s.min():.2f} to {s.max():.2f}" for s in scores))
spread = abs(w) / 12**0.5
print(f"G's spread, where the data's is 1: {spread.min():.2f} to {spread.max():.2f}")

# %% tags=["hide-input"]
assert gt.holds(abs(np.array(scores) - 0.5).max() < 0.1 and spread.max() < 0.95)

# %% [markdown] tags=["answer"]
# *Your answer* (double-click to write; three sentences, before you open the next cell):

# %% [markdown]
# <details><summary>Model answer</summary>
#
# The second. $D = \tfrac12$ follows from $p = q$ for a $D$ that is the best of all functions; the
# reverse holds only for such a $D$. A linear one is at one half as soon as the *means* agree: in
# each of these 16 runs it is, and each spread is too small. Nor is it enough that $D$ *was* at one
# half: it passes that value in every swing. I would ask what this $D$ can see at all, look at the
# generator with something that is not $D$ (its spread, a histogram), let $D$ train on alone and see
# whether it finds a difference, and look at the gradients and at more rounds: has $G$ stopped, or
# is it turning round? A low loss of $D$ convicts a generator; a high one acquits nobody (chapter 14
# makes that a theorem).
#
# </details>

# %% [markdown]
# ## Once more
#
# Take another seed at the top, and run all: six settings, each with its own story. Then play
# against a friend: turn a knob in the lab, hide it, and let the other one find it.

# %%
gt.Lab("normal")
