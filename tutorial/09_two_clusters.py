# %% [markdown]
# # Fall into a bad basin, and get out of it
#
# *Two clusters of points, two losses: one landscape has traps, the other has none.*
#
# **You will do:** compute the whole landscape of a tiny GAN, train two losses on the same clusters,
# and hold $D$'s loss against the plateaus that theory predicts, over 200 seeds. **You will learn:**
# what mode collapse looks like in a loss curve, what the relativistic pairing changes, and what its
# theorem does not promise. **You need:** chapters 00 and 01.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach.analysis import landscape
from gan_teach import zoo

# %% [markdown]
# ## The rule
#
# $n$ real points $x_i$, $n$ fakes $y_i$, a discriminator $f$ (its logit) that may take any value
# anywhere, and $s(t) = \log(1 + e^t)$. The two losses of Sun, Fang and Schwing (2020):
#
# $$\text{JS:}\quad L(Y) = \min_f \tfrac1{2n} \sum_i s(-f(x_i)) + \tfrac1{2n} \sum_i s(f(y_i)),
# \qquad \text{RS:}\quad L(Y) = \min_f \tfrac1n \sum_i s(f(y_i) - f(x_i)).$$
#
# JS is the usual GAN with $D$'s loss halved; RS, the *relativistic* one, asks only that $x_i$ score
# higher than its partner $y_i$. $G$ maximises $L$. In both, $L = \log 2 = 0.693$ at the best.
#
# Against an optimal $f$ only one thing matters: **which fake sits on which point**. With
# two points A and B there are nine states. **Predict:** both fakes sit on A. One of them steps off
# A, towards B. Does $L$ rise, fall, or stay?

# %%
js, rs = (landscape.landscape(2, loss, "half") for loss in landscape.LANDSCAPES)
place = {-1: "nothing", 0: "A", 1: "B"}
rows = []
for k, (first, second) in enumerate(js.assignments):
    trap = "a trap" if js.strict[k] and not js.perfect[k] else ""
    rows.append([place[first], place[second], js.loss[k], trap, rs.loss[k]])
columns = ["y1 sits on", "y2 sits on", "L of JS", "for JS", "L of RS"]
gt.Table(columns, rows, caption="x1 = A, x2 = B; a trap: every single move lowers L")

# %% [markdown]
# Both on A: $L = 0.477$ for JS. If one of them steps off, $L$ falls to $0.347$ and only then, on
# arrival at B, rises to $0.693$: a **bad basin**. For RS, $L = 0.347$ in the collapse, and the fake
# whose partner is B (y2) leaves without any change: $0.347 \to 0.347 \to 0.693$, a flat way out.
# The formulas behind the table are in `landscape.assignment_loss`; for RS it counts the edges on
# cycles of the graph $x_i \to$ the point under $y_i$.

# %%
way = [(0, 0), (0, -1), (0, 1)]  # 0 is A, 1 is B, -1 is off the data
kinds = {"JS": "js", "RS": "relativistic"}
along = {name: landscape.assignment_loss(way, kind, "half") for name, kind in kinds.items()}
ax = gt.plots.compare(
    [0, 1, 2], along, xlabel="", ylabel="L, which G wants to raise", level=(np.log(2), "log 2")
)
ax.set_xticks([0, 1, 2], ["both on A", "y2 off the data", "y2 on B"])
gt.show(
    ax,
    alt="L along the way out of the collapse: JS starts at 0.477, dips to 0.347, rises to 0.693; "
    "RS is level at 0.347 and then rises to 0.693.",
)

# %% tags=["nbval-check-output"]
for name, path in along.items():
    print(name, np.round(path, 3), "falls on the way:", bool((np.diff(path) < -1e-12).any()))
for n in (2, 3, 4):
    counts = [len(landscape.landscape(n, loss).bad_basins) for loss in landscape.LANDSCAPES]
    print(f"{n} points: bad basins of JS {counts[0]:3}, of RS {counts[1]}")

# %% [markdown]
# 2, 21, 232: that is $n^n - n!$ for JS, every way to leave a point out (theorem 1), and none for RS
# (theorem 2).
#
# ## How deep is the trap?
#
# With a hundred points, a single fake more or less changes little. But $G$ is a network: nearby
# latents move together. **Drag** the share of the fakes that leave A for B *in one body*, and see
# how deep they have to go. Where is the valley deepest: a few, half, or all?


# %%
def valley(share):
    """L with all fakes on A, with a share of them off the data, with that share on B."""
    ways = [[1, 0], [1 - share, 0], [1 - share, share]]
    ends = {
        "JS": [landscape.mass_loss([0.5, 0.5], q, "js", "half") for q in ways],
        "RS, random pairs": [landscape.mass_loss([0.5, 0.5], q, "relativistic") for q in ways],
    }
    free = min(share, 0.5)  # of the fakes whose partners lie on B: leaving costs them nothing
    ends["RS, fixed pairs"] = [np.log(2) * level for level in (0.5, 0.5, 0.5 + free)]
    return ends


# %%
def draw_valley(share):
    ax = gt.plots.compare(
        [0, 1, 2], valley(share), xlabel="", ylabel="L", level=(np.log(2), "log 2")
    )
    ax.set(ylim=(0, 0.75), title=f"{share:.0%} of the fakes move together")
    ax.set_xticks([0, 1, 2], ["all on A", "off the data", "on B"])
    return ax


gt.animation.chooser(draw_valley, [k / 20 for k in range(1, 15)], label="share that moves")

# %%
gt.show(
    draw_valley(0.5),
    alt="L while half of the fakes move from A to B: JS falls from 0.48 to 0.35 and rises to 0.69, "
    "RS with random pairs falls from 0.35 to 0.17, RS with fixed pairs stays at 0.35; both end at "
    "0.69.",
)

# %% [markdown]
# **Mind the pairs.** The theorem is about *fixed* pairs, in which the fakes whose partners lie on B
# can leave for nothing. With pairs drawn anew in each batch, as in chapter 10, every fake meets
# both clusters, half of its pairs hold it back, and the flat way is gone: RS has a valley then,
# too. So the theorem by itself explains only the experiment of this chapter.
#
# ## Put them into the trap
#
# The published setting: a hundred points, alternately in $[0, 0.3]$ and $[4, 4.3]$, each paired
# for ever with one of a hundred latents of $U(-5, 5)$; in an epoch ten steps of $D$, then ten of
# $G$, SGD with momentum 0.9. $D$ has 141 parameters, $G$ 46. We start in the collapse, all fakes
# within the first cluster, and train four seeds with each loss as one stack: first $D$ alone, then
# both. **Predict:** where does $D$'s loss settle while $G$ is frozen? And when $G$ is released,
# which loss keeps its fakes in the trap?

# %%
SEEDS = [0, 1, 2, 3]
GRID = np.linspace(-3.0, 7.5, 211)
FROZEN, FREE = gt.budget(100), gt.budget(200)


def collapsed(seed, loss):
    """The game of that seed, with the last layer of G such that all fakes lie near 0.15."""
    game = zoo.two_clusters(seed, loss)
    with torch.no_grad():
        weight, bias = game.g_params[-2:]
        weight *= 0.05
        bias.fill_(0.15)
    return game


# %%
def train(loss):
    games = gt.stack([collapsed(seed, loss) for seed in SEEDS])
    watch = {
        "d_loss": gt.probes.loss("d"), "fake": gt.probes.samples(100),
        "d_grid": gt.probes.discriminator_on(GRID),
    }  # fmt: skip
    d_alone = gt.alternating(20, 0, redraw="none")
    first = zoo.TWO_CLUSTERS.train(games, steps=FROZEN, seed=SEEDS, rule=d_alone)
    frozen = gt.record(first, every=2, **watch)
    both = zoo.TWO_CLUSTERS.train(games, steps=FREE, seed=SEEDS)
    return frozen, gt.record(both, every=2, **watch)


live = {name: train(loss) for name, loss in [("JS", "js"), ("RS", "relativistic")]}

# %%
LEVELS = {
    "perfect, log 2": landscape.plateau(2, 2, "js", "half"),
    "JS collapse": landscape.plateau(1, 2, "js", "half"),
    "RS collapse": landscape.plateau(1, 2, "relativistic"),
}

# %%
look = {"level": LEVELS, "ylabel": "loss of D"}
groups = {name: frozen["d_loss"] for name, (frozen, _) in live.items()}
ax = gt.plots.compare(live["JS"][0].steps, groups, xlabel="epoch, D alone", **look)
ax.set_ylim(0.2, 1.0)
gt.show(
    ax,
    alt="D's loss over 100 epochs, G frozen in the collapse: four JS runs fall to the dashed "
    "line at 0.477, four RS runs to the one at 0.347.",
)

# %% tags=["nbval-check-output"]
for name, (frozen, _) in live.items():
    level, last = LEVELS[f"{name} collapse"], frozen["d_loss"][-1]
    print(f"{name}: theory {level:.4f}; all four within 0.02:", end=" ")
    print(gt.holds((abs(last - level) < 0.02).all()))

# %% [markdown]
# Theory and training agree: a small network already plays the optimal $D$. Now release $G$.

# %%
groups = {name: free["d_loss"] for name, (_, free) in live.items()}
ax = gt.plots.compare(live["JS"][1].steps, groups, xlabel="epoch, both players", **look)
ax.set_ylim(0.2, 1.0)
gt.show(
    ax,
    alt="D's loss over 200 epochs after G's release: it leaps from the two dashed lines at once, "
    "for JS as for RS, and swings around 0.69.",
)


# %%
def film(name, member):
    """One run after the release, as a history that the tutorial's pictures can show."""
    one = live[name][1].member(member)
    arrays = {"fake": one["fake"][..., 0], "d_grid": one["d_grid"], "d_loss": one["d_loss"]}
    density = gt.data.two_clusters().density(torch.as_tensor(GRID)[:, None])
    real = zoo.two_clusters(SEEDS[member]).data.points
    static = {"grid": GRID, "real": real[:, 0], "real_density": density}
    return gt.History(one.steps, arrays, static, {"title": name, "unit": "epoch"})


# %%
BANDS = [(0.0, 0.3), (4.0, 4.3)]
gt.show(
    gt.plots.positions(film("JS", 1), BANDS, ylim=(-3, 7)),
    alt="A hundred generated points over 200 epochs. They leave the lower cluster at once, all "
    "together, and then jump to and fro between the two bands and beyond them.",
)

# %%
panels = [gt.plots.picture_panel, gt.plots.level_panel("d_loss", LEVELS, label="loss of D")]
gt.player(film("JS", 1), panels)

# %%
gt.film_strip(
    film("JS", 1),
    n=4,
    alt="Four moments of the JS run: D's curve first peaks at the empty cluster; the fakes, all in "
    "one body, run after it; D turns round.",
)

# %%
gt.show(
    gt.plots.positions(film("RS", 2), BANDS, ylim=(-3, 7)),
    alt="The same for a relativistic run: after some jumps the points part into two bundles, which "
    "swing through the two bands and beyond them.",
)

# %%
last = film("RS", 2)["fake"][-1]
inside = [int(((low <= last) & (last <= high)).sum()) for low, high in BANDS]
print(f"at the end {int((last > 2).sum())} of 100 fakes lie above 2; in the two bands: {inside}")

# %% [markdown]
# **What you saw: nobody stays.** The basin is a basin for an *optimal* $D$, which moves along with
# every fake. This $D$ stands still during $G$'s ten steps, its slope points at the empty cluster,
# and momentum carries the fakes over the valley and past B. Then $D$ turns round, and the chase
# begins. A chase has $D$'s loss around $\log 2$, although no fake may lie on any data. It cannot
# end before the body of fakes has torn in two; in this RS run it has by epoch 200, though hardly a
# fake lies on the data yet.
#
# ## Is it the seed? 200 of them
#
# `gan-teach study two-clusters-js` and `two-clusters-rs` trained 200 seeds with each loss for the
# published 5000 epochs; what is left of them ships with the course: a record every 20 epochs. A run
# has *arrived* at the first record from which on each cluster holds at least 40 of the 100 fakes,
# to the end. **Predict** the two shares, and how many epochs it takes.

# %%
kept = {name: gt.records.load(f"two-clusters-{name.lower()}") for name in ("JS", "RS")}


def arrival(history, least=40):
    """The epoch from which on each cluster holds ``least`` fakes, for each run; inf for none."""
    there = (history["hits"] >= least).all(-1)  # (records, runs)
    return gt.experiments.settled_from(there, history.steps)


arrived = {name: arrival(history) for name, history in kept.items()}


# %%
def endings(history):
    """How each run ended, in words."""
    hits = history["hits"][-1].astype(int)  # fakes at the two clusters, (200, 2)
    alone = (hits.max(1) >= gt.records.COLLAPSED) & (hits.min(1) == 0)
    there = np.isfinite(arrival(history))
    return np.select([there, alone], ["arrived", "one cluster"], "unsettled")


ends = {name: endings(history) for name, history in kept.items()}
gt.show(
    gt.plots.outcomes(ends, classes=["arrived", "one cluster", "unsettled"]),
    alt="Bars of how 200 runs ended: nearly all have arrived, with RS a few more than with JS; one "
    "or two runs of each end with all fakes in one cluster.",
)

# %%
gt.show(
    gt.plots.arrivals(arrived, 5000, xlabel="epoch", ylabel="share of runs that have arrived"),
    alt="Share of runs that have arrived over 5000 epochs, with bands: RS begins at epoch 500 and "
    "has half of its runs by 1160, JS begins after 1000 and has half by 2380.",
)

# %% tags=["nbval-check-output"]
for name, epochs in arrived.items():
    k, n = int(np.isfinite(epochs).sum()), len(epochs)
    low, high = gt.plots.wilson(k, n)
    print(f"{name}: {k} of {n} arrive, {k / n:.1%} (95 %: {low:.1%} to {high:.1%});", end=" ")
    print("epochs, quartiles:", np.quantile(epochs, [0.25, 0.5, 0.75]))
    low, high = gt.plots.quantile_interval(epochs)
    early = int((epochs <= 1000).sum())
    print(f"    median within {low:.0f} to {high:.0f} epochs (95 %); by epoch 1000: {early}")
for least in (10, 20, 30, 40):
    js, rs = (np.median(arrival(history, least)) for history in kept.values())
    print(f"with {least} fakes at each cluster: {js:.0f} and {rs:.0f}, ratio {js / rs:.2f}")

# %% [markdown]
# **The shares differ little, the times by a factor of two.** 187 of 200 JS runs arrive within 5000
# epochs and 197 of 200 RS runs. But the median JS run takes 2380 epochs where RS takes 1160, and
# after 1000 epochs 80 RS runs have arrived and no JS run. The factor does not hang on the 40 fakes.
# The trap holds JS up; it rarely holds it for ever.
#
# **What does $D$'s loss say meanwhile?** It is *flat* from the epoch on from which it stays within
# 0.03 of $\log 2$. **Predict:** does it go flat when a run arrives, before, or after?

# %%
flat = {f"{name}: loss flat": h.static["settled"] for name, h in kept.items()}
both = {f"{name}: arrived": epochs for name, epochs in arrived.items()} | flat
gt.show(
    gt.plots.arrivals(both, 5000, xlabel="epoch", ylabel="share of runs"),
    alt="The two curves of arrivals, and to the left of each the share of runs whose loss is flat: "
    "half of the RS runs by epoch 450, half of the JS runs by 1400.",
)

# %% tags=["nbval-check-output"]
for name, history in kept.items():
    there = np.isfinite(arrived[name])
    epochs, members = history.static["settled"][there], np.flatnonzero(there)
    record = np.searchsorted(history.steps, epochs)  # the first record with a flat loss
    hits = history["hits"][record, members].astype(int)
    print(f"{name}: flat from epoch {np.median(epochs):.0f} on, a median of", end=" ")
    print(f"{np.median(arrived[name][there] - epochs):.0f} epochs before the arrival;")
    print(f"    at that record {(hits >= 40).all(1).sum()} of {len(hits)} have 40 fakes at each")
    print(f"    cluster; the emptier one holds {np.median(hits.min(1)):.0f} of 100 (median)")

# %% [markdown]
# **$D$'s loss is flat some 650 epochs before the fakes are right.** By its clock RS would be three
# times as fast, with nearly all runs "done" by epoch 1000, while the emptier cluster of a typical
# run holds one to three of 100 fakes. $\log 2$ is the loss of a perfect generator *and* of a $D$
# that cannot keep up with a moving one.
#
# The 13 JS runs that have not arrived: two rest in one cluster at epoch 5000, two are still on
# the way, three have split their fakes 39 : 61, and six have settled with some fakes just beyond
# 0.36 from a cluster's lower end. And RS is no guarantee: one run has all of its fakes in one
# cluster for 1800 epochs. "No bad basin" is about a $D$ that can be any function.
#
# ## Do they rest where theory says?
#
# A run *rests* while at least 95 of its fakes lie in one and the same cluster and none in the
# other. Below is each run's longest rest, if it lasts 50 epochs or more, and the median of $D$'s
# loss in its second half. **Predict:** do the points lie on the two dashed lines? All of them?

# %%
rest = {name: (h.static["rest"], h.static["plateau"]) for name, h in kept.items()}
collapse = {name: level for name, level in LEVELS.items() if "collapse" in name}
runs = {f"{name} ({np.isfinite(pair[1]).sum()} runs)": pair for name, pair in rest.items()}
look = {"xlabel": "length of the rest in epochs", "ylabel": "median loss of D during the rest"}
ax = gt.plots.scatter(runs, level=collapse, **look)
ax.set_xscale("log")
gt.show(
    ax,
    alt="D's loss during a rest against the length of the rest: short rests of 50 to 80 epochs lie "
    "around 0.68, the longer ones lie on the dashed lines, JS runs at 0.477 and RS runs at 0.347.",
)

# %% tags=["nbval-check-output"]
for name, (length, loss) in rest.items():
    level = LEVELS[f"{name} collapse"]
    for least in (50, 100, 200):
        chosen = loss[length >= least]
        close = int((abs(chosen - level) < 0.02).sum())
        print(f"{name}, rests of at least {least:3} epochs: {close} of {len(chosen)} within 0.02")

# %% [markdown]
# **Every rest of 200 epochs or more lies within 0.02 of its prediction** (within 0.003, to be
# precise: 51 JS and 3 RS runs), and so do all but one from 100 epochs on. The 14 short ones at 0.68
# do not, and should not: they are turning points of a chase, which $D$ has hardly noticed yet. A
# plateau is a statement about the *best* $D$, which needs some 60 epochs to form (see the frozen
# runs above).
#
# The theory also knows the runs that split unevenly: `landscape.mass_loss([0.5, 0.5], [0.39, 0.61],
# "js", "half")` is 0.687, and at 0.687 those three runs ended.
#
# **Look at single runs.** Choose a seed.


# %%
def one_seed(seed):
    curves = {name: history["d_loss"][:, seed] for name, history in kept.items()}
    ax = gt.plots.compare(kept["JS"].steps, curves, xlabel="epoch", ylabel="loss of D")
    for value in LEVELS.values():
        ax.axhline(value, color=gt.style.THEORY, linestyle="--", linewidth=1)
    words = ", ".join(f"{name} {end[seed]}" for name, end in ends.items())
    ax.set(ylim=(0.2, 1.0), title=f"seed {seed}: {words}")
    return ax


gt.animation.chooser(one_seed, range(200), label="seed")

# %%
gt.show(
    one_seed(3),
    alt="D's loss for seed 3: RS jumps about and is at log 2 from epoch 470 on; JS is caught at "
    "0.477 twice, for some 300 and 650 epochs, and then escapes to log 2.",
)

# %% [markdown]
# ## Play
#
# Two clusters in the plane, live, and a weak start: with ten $G$ steps a round the fakes run as one
# clump from cluster to cluster (play on to round 300). *Ask the doctor* what it sees, and follow
# its advice; then *Reset* and turn *Loss* to `relativistic` instead. Does either find both?
# (With seeds 0, 1 and 2, turned at round 200, neither did by round 800.)

# %%
gt.Lab("two-gaussians", width=16, lr=1e-3, g_steps=10)

# %% [markdown]
# ## Exercises
#
# **1.** All fakes sit on one of two clusters. What is the loss of the best $D$ (halved convention)?
# *Hint 1: on that cluster there are two fakes for one real point.* *Hint 2: $D = 1/3$ there, and
# the other cluster costs nothing.*

# %%
loss = ...
gt.exercises.check_collapse_loss(loss)

# %% [markdown]
# **2.** How many bad basins does JS have for $n$ points? Write a function of $n$. *Hint: count the
# maps from fakes to points, and those that leave none out; `math.factorial` may help.*

# %%
count = ...  # for instance: lambda n: ...
gt.exercises.check_bad_basins(count)

# %% [markdown]
# **3.** Write the way out of the collapse for RS as a list of states, from `(0, 0)` (both fakes on
# point 0) to one on each, along which $L$ never falls. One fake moves at a time; -1 is off the
# data. *Hint: the fakes' partners are the points 0 and 1, in this order.*

# %%
states = ...  # for instance: [(0, 0), ..., (0, 1)]
gt.exercises.check_way_out(states)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_collapse_loss((3 * np.log(3) - 2 * np.log(2)) / 4))
print(gt.exercises.check_bad_basins(lambda n: n**n - np.prod(np.arange(1, n + 1))))
print(gt.exercises.check_way_out([(0, 0), (0, -1), (0, 1)]))

# %% [markdown]
# ## Where this bites in practice
#
# - $D$'s loss at $\log 2$ is no certificate of success, but a long rest at another value is one of
#   failure, and the value says which: compare it with `landscape.plateau(covered, clusters)`.
# - A loss *at* $\log 2$ is ambiguous: an equilibrium or a chase. Look at the samples.
# - A basin slows training down more often than it stops it. Report times, not only shares.
# - A theorem about an all-powerful $D$ and fixed pairs guides; the seeds decide. Train several.
#
# ## Further reading
#
# - R. Sun, T. Fang, A. Schwing, *Towards a Better Global Loss Landscape of GANs*, 2020: theorems 1
#   and 2; section on the two clusters. Their code counts a point within 0.36 of 0 or 4 as a hit,
#   as here; its "Was" distance is a cross-entropy of sorted differences and not used here.
# - A. Jolicoeur-Martineau, *The Relativistic Discriminator*, 2019: where the pairing comes from.
# - I. Goodfellow et al., *Generative Adversarial Nets*, 2014, proposition 1: the optimal $D$.
