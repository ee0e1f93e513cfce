# %% [markdown]
# # Watch a balanced GAN spiral in
#
# *One discriminator step, one generator step, 1500 times: a damped oscillation around $-2\log 2$.*
#
# **You will do:** run the tutorial's balanced GAN, compare it with three things that theory says,
# and try it on 64 seeds. **You will learn:** why $V$ oscillates, what the Hessian's signs mean for
# a game, and what this discriminator can never see. **You need:** chapter 00; for one section,
# eigenvalues of a symmetric matrix.

# %%
import gan_teach as gt
import numpy as np
import torch

# %% [markdown]
# ## The rule
#
# Data $x \sim \mathcal N(5, 1)$ (ten points, drawn once), $z \sim U(0, 1)$, $G(z) = wz + b$,
# $D(x) = \sigma(ax + c)$. Both players take plain gradient steps of length 0.1:
#
# $$(a, c) \leftarrow (a, c) + 0.1\, \nabla_{a,c} V, \qquad
#   (w, b) \leftarrow (w, b) - 0.1\, \nabla_{w,b} V.$$
#
# One round of this is a *game* in the tutorial's words.
#
# **Three predictions of theory.**
#
# 1. Against any generator with density $q$ the best discriminator is
#    $D^*(x) = p(x) / (p(x) + q(x))$ (Goodfellow et al., 2014, proposition 1).
# 2. At the equilibrium $D = 1/2$ and $V = -2 \log 2$ (theorem 1).
# 3. There the Hessian of $V$ has the eigenvalues of a *saddle*: $D$ maximises, $G$ minimises. Its
#    entries have a closed form, `gt.zoo.line.equilibrium_hessian`.

# %% [markdown]
# ## Predict
#
# $D$ starts at $1/2$ everywhere, so $V$ starts near $-1.386$, which is also where it ends. **Does
# $V$ stay there, rise first, or fall first?** Decide, then run.

# %%
guess = gt.predict("it stays", "it rises first", "it falls first")
guess

# %%
history = gt.experiments.run("normal", games=gt.budget(1500))
gt.show(
    gt.plots.summary(history),
    alt="Left: at game 1500 the generated points lie among the real ones, D is flat at one half. "
    "Right: V rises to about -0.6, then oscillates with shrinking swings around -1.386; the "
    "gradient norms of both players oscillate with it.",
)

# %% tags=["nbval-check-output"]
v = history["objective"]
print(f"V begins at {v[1]:.3f}")
left = np.flatnonzero(abs(v - v[1]) > 0.1)  # the games at which it is away from there
away = "it stays" if not len(left) else "it rises first" if v[left[0]] > v[1] else "it falls first"
guess.answer(away)

# %% [markdown]
# $V$ rises first: $D$ needs only to lean to tell points near 0 from points near 5. The generator
# follows the slope of $D$, arrives with momentum of a kind (the slope is still there when it
# arrives, since $D$ has not forgotten), overshoots, and $D$ has to lean the other way. Each swing
# is smaller than the last one. **That is the signature of a balanced GAN: not a loss that goes
# down, but an oscillation that dies out around the theoretical level.**

# %%
gt.player(history)

# %% [markdown]
# **Open the hood.** This is the update that ran, as the library has it (here in the general form,
# for any GAN): $D$ moves with $G$ frozen, then $G$ at $D$'s new point.

# %%
gt.source(gt.alternating(d_steps=1, redraw="latents"))

# %% tags=["nbval-check-output"]
print("first swing goes up:", gt.holds(v[1:60].max() > -0.8))
print("then below the target:", gt.holds(v[60:300].min() < -1.6))
end = v[-100:].mean()
print("mean of the last 100 games within 0.05:", gt.holds(abs(end + 2 * np.log(2)) < 0.05))

# %% [markdown]
# ## Scores
#
# $D(x)$ on real samples and $D(G(z))$ on generated ones, with the level $1/2$ at which both should
# end. **Predict:** do they swing together or in opposite directions, and does one lead?

# %%
gt.show(
    gt.plots.scores(history),
    alt="Mean D on real and on generated samples over 1500 games, two curves that swing around one "
    "half together, one close to the other, and end there.",
)

# %% [markdown]
# Together. Near the equilibrium $D(x) \approx \tfrac12 + \tfrac14 (ax + c)$, and real and generated
# points lie around nearly the same place: each swing of $D$ lifts or lowers both answers. What
# tells them apart, $\tfrac a4$ times the difference of the means, is smaller than that.

# %% tags=["nbval-check-output"]
half = len(history) // 2  # the second half of the run
real, fake = (history[name][half:] - history[name][half:].mean() for name in ("d_real", "d_fake"))
together = np.correlate(real, fake, "full")  # for each shift of one against the other
print("correlation above 0.8:", gt.holds(np.corrcoef(real, fake)[0, 1] > 0.8))
print("largest at a shift of", int(np.argmax(together)) - len(real) + 1, "games")

# %% [markdown]
# ## The Hessian of V
#
# $V$ is a function of the four numbers $(w, b, a, c)$. The eigenvalues of its second derivatives,
# computed at *every* game, stand beside the closed form at the equilibrium (dashed). **Predict the
# signs:** how many are positive, how many negative?

# %%
gt.show(
    gt.plots.eigenvalues(history),
    alt="Four eigenvalues over 1500 games on a symmetric logarithmic axis: one near -13, one near "
    "-0.1, one near 0 and one near +0.1, each approaching its dashed theoretical level.",
)

# %% tags=["nbval-check-output"]
measured = history["eigenvalues"][-1]
theory = history.static["eigenvalues_theory"]
print("closed form:", np.round(theory, 2) + 0.0)
print("largest agrees within 0.03:", gt.holds(abs(measured[-1] - theory[-1]) < 0.03))
print("one eigenvalue is zero:", gt.holds(abs(measured[2]) < 1e-3))
print("the Hessian is a", gt.spectra.definiteness(theory).word)

# %% [markdown]
# One positive direction, two negative ones: a saddle, as a zero-sum equilibrium should be. **And
# one exact zero.** It belongs to the direction $(\mathrm dw, \mathrm db) = (1, -\tfrac12)$, which
# keeps the mean $\tfrac w2 + b$ and changes only the spread $|w|/\sqrt{12}$. Where the means agree
# the best linear logit is flat, $a = 0$, and there $V$ does not depend on the spread. (Where $a \ne
# 0$ it does, a little; what that adds up to is a section of chapter 03.)

# %% tags=["nbval-check-output"]
H = gt.zoo.line.equilibrium_hessian(w=2.0, mean=5.0, second_moment=26.0)
print(np.abs(H @ np.array([1.0, -0.5, 0.0, 0.0])).max())

# %% [markdown]
# Automatic differentiation gives the same matrix without a formula: 100,000 samples at the
# equilibrium $(2, 4, 0, 0)$. Beside it the blocks of the game's Jacobian, where $G$ descends on $V$
# and $D$ climbs.

# %% tags=["nbval-check-output"]
game = gt.zoo.line_gan(fresh_data=True)
batch = game.draw(100_000, torch.Generator().manual_seed(0))
w = torch.tensor([2.0, 4.0, 0.0, 0.0], dtype=torch.float64)
H, J = gt.hessian("value", game, batch, w), gt.jacobian(game, batch, w)
print("eigenvalues of V's Hessian:", np.round(np.linalg.eigvalsh(H), 1) + 0.0)
print("D on D:", np.round(J.dd, 1).tolist(), " G on G:", abs(J.gg).tolist())
print("G on D is minus D on G, transposed:", np.allclose(J.gd, -J.dg.T))

# %% [markdown]
# ## Why it swings, and why the swings shrink
#
# $G$'s mean moves along $D$'s slope, and the slope moves with the distance that is left: two
# quantities that drive each other in turn, as in a pendulum. What is the friction? $D$'s *own*
# curvature, the block of the Hessian with $-13$ and $-0.1$ in it: $D$ gives up a lean that nothing
# feeds. `gt.dynamics.step_spectrum` (explained in chapter 05) gives the factors by which one game
# multiplies a small deviation; a pair of complex ones is a rotation. Here at this run's
# equilibrium, and once more with $D$'s own block set to zero. **Predict** what is left of the
# damping.

# %%
points, w = history.static["real"], history["params"][-1, 0]
H = gt.zoo.line.equilibrium_hessian(w, points.mean(), (points**2).mean())
as_it_is = np.diag([-1, -1, 1, 1]) @ H  # G descends on V, D climbs
without = as_it_is.copy()
without[2:, 2:] = 0  # D's second derivatives by its own parameters
for name, matrix in {"as it is": as_it_is, "without D's curvature": without}.items():
    factors = gt.dynamics.step_spectrum(gt.alternating(), gt.spectra.GameJacobian(matrix, 2), 0.1)
    s = next(s for s in factors if s.imag > 1e-9)
    turn = gt.dynamics.rotation_period(s)
    print(f"{name}: {turn:.0f} games a turn, factor {abs(s) ** (turn / 2):.2f} in half a turn")

# %% [markdown]
# Without its own curvature $D$ would swing for ever: the factor is 1. With it every half turn
# leaves 0.61 of the swing. Beside that what the run did, from one passage of $G$'s mean through the
# data's to the next:

# %%
deviation = history["params"] @ [0.5, 1, 0, 0] - points.mean()
passages = np.flatnonzero(np.diff(np.sign(deviation)))
swings = [abs(d).max() for d in np.split(deviation, passages)[1:-1]]
turns, shares = 2 * np.diff(passages), np.divide(swings[1:], swings[:-1])
print("games a turn:", turns.tolist())
print("each swing as a share of the last:", np.round(shares, 2))

# %% tags=["nbval-check-output"]
late = turns[1:]  # predicted: 595
print("turns after the first within 15 % of 595:", gt.holds((abs(late / 595 - 1) < 0.15).all()))
print("shares between 0.5 and 0.75, where 0.61 was predicted:", end=" ")
print(gt.holds((abs(shares - 0.625) < 0.125).all()))

# %% [markdown]
# The first swing is long and wide, far from where a linearisation holds; the later ones take 522 to
# 640 games a turn, where 595 were predicted, and shrink to 0.57 to 0.72 of the last, with the noise
# of ten samples in both.
#
# ## What the generator has learnt
#
# The published tutorial says that the generated data end up similar to the training data. Their
# *mean* does. Their spread is whatever the swings left behind. So draw both densities, of
# 2000 points each.

# %%
rng = np.random.default_rng(0)
w, b = history["params"][-1, :2]
points = {"real": rng.normal(5, 1, 2000), "generated": w * rng.uniform(size=2000) + b}
gt.show(
    gt.plots.densities(points, title="The last game"),
    alt="The density of the real points, a bell around 5, and around nearly the same mean that of "
    "the generated points: a block with a flat top and steep sides.",
)

# %% [markdown]
# ## Is it the seed?
#
# One run proves little. Here are 64 seeds (other starting weights, other ten points), trained as
# one stacked game. **Predict:** how many of them settle within 0.1 of $-2\log 2$, and how wide will
# the generators' spreads scatter around the true 1?

# %%
many = gt.experiments.run_seeds("normal", gt.budget(64, 8), games=gt.budget(1500))
gt.show(
    gt.plots.fan(many, "objective", level=(gt.experiments.TARGET, "-2 log 2")),
    alt="Median of V over 64 seeds with bands of the middle 50 and 90 percent: all rise, oscillate "
    "and close in on -2 log 2.",
)

# %%
w, b = many["params"][-1, :, 0], many["params"][-1, :, 1]
settled = gt.experiments.outcomes(many) == "settled"
print(f"settled: {settled.mean():.0%};  means {np.median(w / 2 + b):.2f},", end=" ")
print(f"spreads from {abs(w).min() / 12**0.5:.2f} to {abs(w).max() / 12**0.5:.2f} (true: 1)")

# %% tags=["nbval-check-output"]
print("at least 9 of 10 seeds settle:", gt.holds(settled.mean() > 0.9))
typical = np.median(gt.experiments.settling_game(many))
print("the median seed needs 500 to 900 games:", gt.holds(500 < typical < 900))
print("the typical spread is too small:", gt.holds(np.median(abs(w)) / 12**0.5 < 0.85))

# %% [markdown]
# **What is true, then.** Balanced training settles for nearly every seed (an independent simulation
# of 200 seeds finds 99 %), after about 700 games: $V$ has settled, while the means, which enter $V$
# to second order, still scatter by some tenths around the data's. It learns the mean. It does not
# learn the spread: the zero eigenvalue says that nothing near the equilibrium pulls it to the
# data's.

# %% [markdown]
# ## Play
#
# Move the sliders while it runs: steps per game, learning rates, noise. Numbers take hold at the
# next frame; the seed stays, so that a change of one knob is a fair comparison.

# %%
gt.Lab("normal")

# %% [markdown]
# ## Exercises
#
# **1.** What is $V$ when $D$ answers $1/2$ everywhere? *Hint: two terms, each a natural logarithm.*

# %%
target = ...
gt.exercises.check_target(target)

# %% [markdown]
# **2.** Write $D^*$ as a function of the two densities $p$ and $q$ at a point.
# *Hint 1: maximise $p \log D + q \log(1 - D)$ over $D$.* *Hint 2: set its derivative to zero.*

# %%
best = ...  # for instance: lambda p, q: ...
gt.exercises.check_optimal_discriminator(best)

# %% [markdown]
# **3.** Find a change of $(w, b)$ that alters the generator's spread and leaves $V$ alone.
# *Hint: $\mathbb E[z] = 1/2$.*

# %%
direction = ...  # two numbers: change of w, change of b
gt.exercises.check_blind_direction(direction)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_target(2 * np.log(0.5)))
print(gt.exercises.check_optimal_discriminator(lambda p, q: p / (p + q)))
print(gt.exercises.check_blind_direction((1.0, -0.5)))

# %% [markdown]
# ## Where this bites in practice
#
# - Curves that oscillate are not a failure, curves that stop oscillating because one player has won
#   are (chapter 02). Look at $V$ against $-2 \log 2$, not at whether a loss goes down.
# - A GAN learns what its discriminator can see, and nothing beyond. A blind spot of $D$ is a zero
#   eigenvalue: nothing holds the generator there, and small pushes add up (chapter 03).
# - Ten fixed points are an empirical distribution: the target mean is that of the ten, not 5.
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014, proposition 1 and theorem 1.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*,
#   2018: eigenvalues of the update decide; chapter 05.
# - E. Sansone, *Tutorial on GANs*: the experiment (1500 games, 1:1). Its ten points, too, are drawn
#   once; the code there counts 1500 games where its text says 1000.
