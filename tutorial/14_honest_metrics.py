# %% [markdown]
# # Break every metric on purpose
#
# *A perfect generator does not score 0, and a score of 0 does not make a generator perfect.*
#
# **You will do:** measure what a perfect generator scores, then build for each metric a generator
# that fools it. **You will learn:** what a noise band is, which metric is blind to what, and what
# the discriminator's own loss can prove. **You need:** chapters 00 and 13; means and quantiles.

# %%
import gan_teach as gt
import numpy as np
import torch
from gan_teach import metrics as mt

# %% [markdown]
# ## The rule
#
# A score of $n$ samples is a random number. Draw *real* samples twice, score one against the other,
# do so $R$ times and sort: $s_{(1)} \le \dots \le s_{(R)}$. If the generator is perfect, its score
# is one more draw of the same law, equally likely to fall into each of the $R + 1$ gaps. So
#
# $$P\big(s_{(j)} \le s \le s_{(R+1-j)}\big) = 1 - \frac{2j}{R+1} \qquad
#   \text{whatever the metric, whatever the data.}$$
#
# With $R = 199$ and $j = 1$ the **noise band** $[s_{(1)}, s_{(199)}]$ holds a perfect generator's
# score in 99 of 100 cases. A score inside the band says: *this metric, with so many samples, sees
# no difference*. It does not say that there is none.
#
# Our data are the S of chapter 13. **Predict:** 400 perfect samples, 400 real ones. Is their
# Fréchet distance 0? About 0.01? More?

# %%
ARCS, N = gt.data.half_circles(), 400


def draw(seed, n=N, source=ARCS):
    return source.sample(n, torch.Generator().manual_seed(seed)).double().numpy()


def modes(score, **options):
    return lambda fake, real: mt.mode_report(fake, ARCS, **options).scores[score]


# %%
METRICS = {
    "modes covered": modes("covered", least=3),
    **{name.replace("_", " "): modes(name) for name in ("high_quality", "reverse_kl")},
    "histogram JS": lambda fake, real: mt.histogram_js(fake, real, bins=10),
    "sliced Wasserstein": mt.sliced_wasserstein,
    "MMD, bandwidth 3": lambda fake, real: mt.rbf_mmd(fake, real, bandwidth=3.0),
    "Fréchet distance": mt.sample_frechet,
    "precision": lambda fake, real: mt.precision_recall(fake, real).precision,
    "recall": lambda fake, real: mt.precision_recall(fake, real).recall,
    "density": lambda fake, real: mt.density_coverage(fake, real).density,
    "coverage": lambda fake, real: mt.density_coverage(fake, real).coverage,
}

# %%
bands = {name: mt.noise_band(m, ARCS, N, repeats=199) for name, m in METRICS.items()}
SEEDS = range(10_000, 10_000 + 2 * 100, 2)
perfect = {k: [m(draw(s), draw(s + 1)) for s in SEEDS] for k, m in METRICS.items()}
inside = {k: sum(s in bands[k] for s in scores) for k, scores in perfect.items()}
rows = [[k, *bands[k], np.median(perfect[k]), inside[k]] for k in METRICS]
columns = ["metric", "band from", "to", "a perfect generator, median", "inside, of 100 seeds"]
gt.Table(columns, rows)

# %% tags=["nbval-check-output"]
print("each metric: at least 95 of 100 perfect generators inside:", min(inside.values()) >= 95)
print("the Frechet distance of a perfect generator reaches", end=" ")
print("1 and more:", bands["Fréchet distance"].high > 1)

# %% [markdown]
# The Fréchet distance between perfect and real samples is *anything up to about 8* here. Who
# reports "2.3" without the band has reported nothing.
#
# ## Six broken generators
#
# One loses an arc, one a whole half, one is too wide (radial std 1.5), one too thin (0.25, about as
# the improved GAN of chapter 13), one sends 5 % of its samples astray, one has 50 real points by
# heart and repeats them. **Predict:** which of the eleven metrics notices all six?


# %%
def only(seed, keep):
    """N real samples for which ``keep`` says True."""
    points = draw(seed, 4 * N)
    return points[keep(points)][:N]


def arc(points):
    return ARCS.locate(torch.from_numpy(points))[0].numpy()


# %%
def broken(seed):
    """A sample of each broken generator."""
    wide, thin = (draw(seed, source=gt.data.HalfCircles(std=s)) for s in (1.5, 0.25))
    stray = np.random.default_rng(seed).uniform(-25, 25, (N // 20, 2))
    return {
        "one arc of 20 lost": only(seed, lambda x: arc(x) != 7),
        "right half lost": only(seed, lambda x: x[:, 0] < 0), "too wide": wide, "too thin": thin,
        "5 % astray": np.concatenate([draw(seed, N - len(stray)), stray]),
        "50 points, copied": np.repeat(draw(seed, 50), N // 50, 0),
    }  # fmt: skip


# %%
REAL, BROKEN = draw(0), broken(1)
gt.show(
    gt.plots.clouds({"real": REAL, **BROKEN}, REAL, columns=4),
    alt="Seven S shapes: real points, one with a gap, the left half alone, a wider one, a thin "
    "line, one with some points far from the S, and one of 50 separate points.",
)

# %%
across = {name: BROKEN[name][:, 0] for name in ("right half lost", "too wide")}
gt.show(
    gt.plots.densities({"real": REAL[:, 0], **across}, title="Horizontal coordinate"),
    alt="Densities of the horizontal coordinate. Real points: two humps, near -8 and 8. With the "
    "right half lost only the left hump is left; the too wide generator follows the real curve.",
)

# %%
scores = {g: {k: m(x, REAL) for k, m in METRICS.items()} for g, x in BROKEN.items()}
gt.show(
    gt.plots.noise_bands(bands, {"perfect, 100 seeds": perfect, **scores}),
    alt="A row per metric, the noise band in the middle. The dots of the perfect generator fill "
    "it. Right half lost: outside in most rows, inside for high quality, precision and density. "
    "The copies: outside in all rows but precision and density. The others are inside in most.",
)


# %%
def sees(metric, generator):
    return scores[generator][metric] not in bands[metric]


# %% tags=["nbval-check-output"]
print("lost half: recall", sees("recall", "right half lost"), end=", ")
print("precision", sees("precision", "right half lost"))
print("lost arc: modes", sees("modes covered", "one arc of 20 lost"), end=", ")
print("Frechet", sees("Fréchet distance", "one arc of 20 lost"))
print("too wide: quality", sees("high quality", "too wide"), end=", ")
print("sliced Wasserstein", sees("sliced Wasserstein", "too wide"))
print("too thin: quality", sees("high quality", "too thin"), end=", ")
print("recall", sees("recall", "too thin"))
print("copies: reverse KL", sees("reverse kl", "50 points, copied"), end=", ")
print("quality", sees("high quality", "50 points, copied"))
seen = {k: sum(sees(k, g) for g in BROKEN) for k in METRICS}
print("most that one metric sees:", max(seen.values()), "of", len(BROKEN))

# %% [markdown]
# **None does.** Precision, density and quality are content with half of the data; recall,
# coverage and the count do not mind stray samples; Fréchet and Wasserstein look at the whole
# and miss the arc. So take several. Two sets are common: *count, quality and reverse KL*, where the
# modes are known, and *precision and recall*, where they are not. A set raises the alarm if one of
# its scores is outside its band. How often, over 20 fresh samples of each generator? (A perfect one
# is among them: several bands are several tests, and each alarm there is a false one.)

# %%
SETS = {
    "count, quality, KL": ("modes covered", "high quality", "reverse kl"),
    "precision, recall": ("precision", "recall"),
}


# %%
def alarms(fake, real):
    return [any(METRICS[k](fake, real) not in bands[k] for k in names) for names in SETS.values()]


REPEATS = gt.budget(20, 3)
raised = {}
for seed in range(20_000, 20_000 + REPEATS):
    for name, fake in {"perfect": draw(seed), **broken(seed)}.items():
        raised.setdefault(name, []).append(alarms(fake, draw(seed + 50_000)))
rows = [[name, *np.sum(found, 0), int(np.any(found, 1).sum())] for name, found in raised.items()]
gt.Table(["generator", *SETS, "either"], rows, caption=f"Alarms in {REPEATS} samples")

# %% tags=["nbval-check-output"]
counts = {name: np.array(numbers) for name, *numbers in rows}
few, most = REPEATS // 2, REPEATS - 2
print("count, quality, KL miss a thin one:", gt.holds(counts["too thin"][0] < few), end="; ")
print("precision, recall a lost arc:", gt.holds(counts["one arc of 20 lost"][1] < few))
both = min(numbers[2] for name, numbers in counts.items() if name != "perfect")
print("either of the two finds each:", gt.holds(both >= most), end="; ")
print("and a perfect one seldom:", gt.holds(counts["perfect"][2] <= 4))

# %% [markdown]
# Each set is blind to a generator that the other one sees. Hence the rule of this course: **count
# *and* quality *and* reverse KL, *and* precision *and* recall**, each with its band, wherever they
# can be computed, and a word about how many bands there were. And none of the eleven would notice a
# generator that has *all* the training points by heart: copies of many points are real samples.
#
# ## Break the histogram
#
# Jensen-Shannon needs densities, and histograms have knobs. Three mistakes on the line, $p =
# \mathcal N(0, 1)$. **Predict:** what does "each set in a histogram of its own" say of a generator
# that is shifted by 5?

# %% tags=["nbval-check-output"]
rng = np.random.default_rng(0)
p, shifted = rng.normal(size=4000), rng.normal(5, 1, size=4000)
own = [np.histogram(x, bins=20)[0] for x in (shifted, p)]
print(f"each in its own range:   JS = {mt.js_divergence(*own):.2f}")
print(f"in the same cells:       JS = {mt.histogram_js(shifted, p):.2f}  (log 2 is the most)")
astray = np.concatenate([p[:2000], np.full(2000, 50.0)])
edges = np.histogram_bin_edges(p, bins=20)
kept, real = (np.histogram(x, edges)[0] for x in (astray, p))
print(f"half of it astray, dropped: JS = {mt.js_divergence(kept, real):.2f}", end=", ")
print(f"counted: {mt.histogram_js(astray, p):.2f}")

# %% [markdown]
# The third: too many cells. Two perfect samples of $n$ and $m$ points over $c$ occupied cells score
# about $\tfrac{c - 1}{8} (\tfrac1n + \tfrac1m)$ as long as a cell holds a few points, and on it
# goes until every point has a cell of its own and JS is $\log 2$ for *any* generator.

# %%
BINS = np.unique(np.geomspace(2, 90, 13).round().astype(int))
js = {
    "perfect": [mt.histogram_js(draw(8), REAL, int(b)) for b in BINS],
    "right half lost": [mt.histogram_js(BROKEN["right half lost"], REAL, int(b)) for b in BINS],
}
cells = [len(mt.shared_histogram(draw(8), REAL, int(b))[0]) for b in BINS]
js["perfect, predicted"] = [mt.histogram_js_bias(c, N, N) for c in cells]

# %%
ax = gt.plots.compare(
    BINS, js, xlabel="bins per axis", ylabel="Jensen-Shannon, nats", level=(np.log(2), "log 2")
)
ax.set_ylim(0, 0.75)
gt.show(
    ax,
    alt="JS over bins per axis from 2 to 90: the perfect generator rises from 0 to 0.56, up to 25 "
    "bins along the predicted bias; the one without the right half rises from 0.2 to 0.58.",
)

# %% tags=["nbval-check-output"]
at = list(BINS).index(10)
print(f"10 bins: perfect {js['perfect'][at]:.2f}, predicted {js['perfect, predicted'][at]:.2f}")
print(f"90 bins: perfect {js['perfect'][-1]:.2f}, right half lost {js['right half lost'][-1]:.2f}")

# %% [markdown]
# ### A KL below zero
#
# $\mathrm{KL}(p \| q) = \sum p \log(p / q) \ge 0$ for *probabilities*. Where a printed KL is
# negative, something was not normalised: counts that lost their stray half, or densities that
# are summed without the cell's width. The library normalises and cannot go below zero, by rounding
# either:

# %% tags=["nbval-check-output"]
q = real / real.sum()
lossy = kept / len(astray)  # sums to one half
on = (lossy > 0) & (q > 0)
print(f"without normalising: {np.sum(lossy[on] * np.log(lossy[on] / q[on])):.2f}")
tiny = [rng.dirichlet(np.full(9, 0.3)) for _ in range(2000)]
least = min(mt.kl_divergence(p, p * (1 + 1e-9 * rng.normal(size=9))) for p in tiny)
print("library, 2000 pairs that differ by rounding: least value", least >= 0)

# %% [markdown]
# ## Break the Fréchet distance
#
# $$\mathrm{FD} = |m_x - m_y|^2 + \mathrm{tr}\big(A + B - 2 (AB)^{1/2}\big)$$
#
# compares means and covariances, nothing else. **Predict:** the distance of the S from a *Gaussian
# blob* with the mean and covariance of the S.

# %%
half = np.linalg.cholesky([[50.5, -200 / np.pi], [-200 / np.pi, 150.5]])
blob = np.random.default_rng(6).normal(size=(N, 2)) @ half.T
frechet, sliced = mt.sample_frechet(blob, REAL), mt.sliced_wasserstein(blob, REAL)
gt.show(
    gt.plots.clouds({"real": REAL, "a blob": blob}, REAL),
    alt="The S of real points, and a tilted elliptic cloud that fills the space around it.",
)

# %% tags=["nbval-check-output"]
print("Frechet distance inside its band:", frechet in bands["Fréchet distance"])
quality, precision = (METRICS[k](blob, REAL) for k in ("high quality", "precision"))
print(f"high quality {quality:.1f}, precision {precision:.1f}, both outside:", end=" ")
print(quality not in bands["high quality"] and precision not in bands["precision"])

# %% [markdown]
# (On features of a network the blind spot has more dimensions, but the same shape: FID is this
# formula on 2048 Inception features.)
#
# **And it is biased.** Two samples of $n$ points of $\mathcal N(0, I_d)$ score $d (d + 5) / (2n)$
# on average. **Predict:** a perfect generator, judged with 500 samples, against one whose mean is
# off by 0.05 in each of 16 dimensions, judged with 5000. Who wins?

# %%
rng, D = np.random.default_rng(7), 16
reference = rng.normal(size=(20_000, D))
fake = {"perfect": rng.normal(size=(5000, D)), "mean off by 0.05": rng.normal(0.05, 1, (5000, D))}
lines = {name: mt.frechet_infinity(x, reference) for name, x in fake.items()}
sizes = lines["perfect"].sizes
distances = {name: line.distances for name, line in lines.items()}
distances["perfect, predicted"] = D * (D + 5) / 4 * (1 / sizes + 1 / len(reference))
gt.show(
    gt.plots.compare(1 / sizes, distances, xlabel="1 / number of fakes", ylabel="FD"),
    alt="Fréchet distance over 1/n: two parallel straight lines, the perfect generator's on the "
    "predicted bias, which starts near 0; the shifted generator's 0.04 above it.",
)  # fmt: skip

# %% tags=["nbval-check-output"]
few = mt.sample_frechet(fake["perfect"][:500], reference)
many = mt.sample_frechet(fake["mean off by 0.05"], reference)
print("the perfect one looks worse:", few > many)
gap = lines["mean off by 0.05"].value - lines["perfect"].value
print("extrapolated to infinitely many fakes, apart by 0.04:", abs(gap - D * 0.05**2) < 0.015)

# %% [markdown]
# Equal sample sizes, always. `metrics.frechet_infinity` fits the line and gives its intercept.
#
# ## Break the count of modes
#
# **Predict:** 100 equal modes, 100 samples of a *perfect* generator. How many modes does it cover?
# Each is missed with probability $(1 - 1/K)^n \approx e^{-n/K}$, so $K (1 - (1 - 1/K)^n)$ are hit.

# %%
GRID = gt.data.grid(10)
COUNTS = [25, 50, 75, 100, 150, 200, 300, 400, 600]
covered = [mt.mode_report(draw(11, n, GRID), GRID).covered for n in COUNTS]
curves = {"measured": covered, "predicted": [mt.expected_covered(100, n) for n in COUNTS]}
ax = gt.plots.compare(
    COUNTS, curves, xlabel="samples", ylabel="modes covered", level=(100, "all of them")
)
gt.show(
    ax,
    alt="Modes covered over samples: 19 of 100 with 25 samples, 61 with 100, all with 400, close "
    "to the predicted curve.",
)

# %% tags=["nbval-check-output"]
print("within 5 modes of the prediction:", np.abs(np.subtract(*curves.values())).max() < 5)
lost = np.random.default_rng(8).uniform(-5, 5, (3600, 2))
report = mt.mode_report(np.concatenate([lost, draw(12, 400, GRID)]), GRID)
print(f"nine tenths uniform noise: {report.covered} of 100 modes,", end=" ")
print("quality below 0.2:", report.high_quality < 0.2)

# %% [markdown]
# Too few samples look like collapse, and 4000 samples of which nine tenths are noise look complete.
# The count means something only beside the quality and the sample size.
#
# ## Break precision and recall
#
# Improved precision asks: does a fake lie within the distance of some real point to its third
# neighbor? One *outlier* among the real points has a huge ball. **Predict:** the generator is
# uniform noise over the square. What happens to its precision if 20 of 400 real points are
# outliers?

# %%
noise = np.random.default_rng(9).uniform(-25, 25, (N, 2))
far = np.random.default_rng(10).uniform(-25, 25, (20, 2))
OUTLIERS = [0, 2, 5, 10, 15, 20]
dirty = [np.concatenate([REAL[: N - k], far[:k]]) for k in OUTLIERS]
kinds = {
    "precision": [mt.precision_recall(noise, real).precision for real in dirty],
    "density": [mt.density_coverage(noise, real).density for real in dirty],
}

# %%
gt.show(
    gt.plots.compare(OUTLIERS, kinds, xlabel="outliers among 400 real points", ylabel="score"),
    alt="Precision of uniform noise rises from 0.2 to 0.96 with 20 outliers among 400 real points, "
    "its density from 0.2 to 0.5.",
)

# %% tags=["nbval-check-output"]
for name, found in kinds.items():
    print(f"{name} of pure noise: {found[0]:.1f} without outliers, {found[-1]:.1f} with 20")
x, y = draw(13), draw(14)
found = [mt.density_coverage(x, y, k).coverage for k in (1, 2, 5)]
print("coverage of a perfect generator for k = 1, 2, 5:", np.round(found, 1))

# %% [markdown]
# Density counts *how many* balls hold a fake, so one huge ball is one vote, and a perfect
# generator has 1.0: noise at 0.5 still looks bad. Its partner has a trap, too: a perfect
# generator's coverage is about $1 - 2^{-k}$, one half for $k = 1$.
#
# ## Bend the curve: PRD
#
# Precision and recall as a curve compare masses over the same states $i$ with a price $\lambda$:
# $\alpha(\lambda) = \sum_i \min(\lambda p_i, q_i)$, $\beta = \alpha / \lambda$. **Drag** how many
# of ten modes a generator covers. Which end of the curve moves?


# %%
def draw_curve(k):
    lost = mt.prd_discrete(np.arange(10) < k, np.ones(10))
    invented = mt.prd_discrete(np.ones(10), np.arange(10) < k)
    return gt.plots.prd_curves(
        {f"{k} of 10 modes covered": lost, f"10 modes where {k} are real": invented}
    )


gt.animation.chooser(draw_curve, range(1, 11), label="modes", start=4)

# %%
gt.show(
    draw_curve(4),
    alt="Two precision-recall curves: four of ten modes covered keeps precision 1 up to recall "
    "0.4; six invented modes keep recall 1 up to precision 0.4.",
)

# %% tags=["nbval-check-output"]
curve = mt.prd_discrete([0.7, 0.3], [0.3, 0.7])
print(f"at slope 1: precision = recall = {curve.precision[500]:.1f} = 1 - TV")
for clusters in (20, 120):
    same = mt.prd(draw(15), draw(16), clusters=clusters, runs=1)
    print(f"a perfect generator, {clusters} clusters: F_8 above 0.9: {same.f_8 > 0.9}")

# %% [markdown]
# Samples have no states; k-means invents them. PRD is less touchy about their number than a
# histogram (120 clusters of 800 points still say "perfect"), but with 200 the $F_8$ of a perfect
# generator falls below 0.9, too.
#
# ## Detune the kernel: MMD
#
# $\mathrm{MMD}^2$ with the kernel $e^{-|x-y|^2 / 2h^2}$ sees differences of the size $h$. Here
# it is in units of its own noise (the standard deviation of real against real). **Predict:** which
# $h$ see the lost half, and which see the blob of above, with its perfect mean and covariance?

# %%
H, few = np.geomspace(0.03, 300, 13), 250
PAIRS = [(draw(s, few), draw(s + 1, few)) for s in range(20, 50, 2)]
spread = [np.std([mt.rbf_mmd(x, y, h) for x, y in PAIRS]) for h in H]
power = {
    name: [mt.rbf_mmd(x[:few], REAL[:few], h) / s for h, s in zip(H, spread, strict=True)]
    for name, x in {"right half lost": BROKEN["right half lost"], "blob": blob}.items()
}

# %%
ax = gt.plots.compare(H, power, xlabel="bandwidth h", ylabel="MMD² / noise", level=(3, "3 sigma"))
ax.set(xscale="log", yscale="symlog")
gt.show(
    ax,
    alt="MMD squared over its noise against the bandwidth, both logarithmic: both generators are "
    "invisible at 0.03; the lost half stays visible up to 300, the blob only between 0.3 and 10.",
)

# %% tags=["nbval-check-output"]
seen = {name: np.array(values) > 3 for name, values in power.items()}
print("h = 0.03 sees neither:", not any(values[0] for values in seen.values()))
print("h = 3 sees both:", all(values[6] for values in seen.values()))
print("h = 300 sees the lost half, not the blob:", seen["right half lost"][-1], seen["blob"][-1])

# %% [markdown]
# A kernel wider than the data is a straight line over the data: it compares means, and the blob's
# is right. Try several bandwidths, or state the one you chose and why.

# %% [markdown]
# ## What D's loss tells
#
# For the best discriminator $L_D = 2 \log 2 - 2\, \mathrm{JS}(p, q)$, and its accuracy is
# $\tfrac12 (1 + \mathrm{TV}(p, q))$. Any other $D$ has a *larger* loss. So, on fresh samples,
#
# $$\mathrm{JS}(p, q) \;\ge\; \log 2 - \tfrac12 L_D :$$
#
# **a low loss convicts the generator; a loss of $2 \log 2$ acquits nobody.** If a generator
# covers $k$ of 8 modes evenly, chapter 09's plateau gives the best loss, and TV is $1 - k/8$:

# %%
rows = [
    [k, gt.landscape.plateau(k, 8), mt.js_divergence(np.arange(8) < k, np.ones(8)), 1 - k / 16]
    for k in (8, 7, 4, 1)
]
gt.Table(["modes covered, of 8", "best D's loss", "JS", "best D's accuracy"], rows)

# %% [markdown]
# One mode in eight is gone for good and *the best* discriminator is right in 56 % of its answers.
# "D is at 50 %, so the GAN has converged" is the most popular fallacy of the trade.
#
# Now real discriminators: the generator stands still and misses the first of 8 modes. **Predict:**
# which of a linear $D$, one with 8 and one with 64 units reaches the plateau 1.296?

# %%
RING = gt.data.ring(8, radius=2.0, std=0.1)
SEVEN = gt.data.planar.GaussianMixture(RING.modes[1:], 0.1)
STEPS = gt.budget(800)


def only_d(net, real, fake, laws=None, batch_size=256):
    """Train D alone; its loss on what it sees, and on fresh samples of the two ``laws``."""
    still = gt.GAN(torch.nn.Identity(), net, data=real, latent=fake)
    settings = {"lr": 5e-3, "optimizer": "adam", "batch_size": batch_size}
    run = gt.train(still, gt.alternating(1, 0), steps=STEPS, **settings)
    rng = torch.Generator().manual_seed(99)
    test = gt.Batch(*(law.sample(4000, rng) for law in laws or (real, fake)))
    return gt.record(run, 20, fresh=lambda _: still.loss_d(test), own=gt.probes.loss("d"))


# %%
nets = {
    "linear": gt.models.MLP(2, 1, depth=0),
    "8 units": gt.models.MLP(2, 1, width=8, depth=1),
    "64 + 64 units": gt.models.MLP(2, 1, width=64),
}
runs = {name: only_d(net, RING, SEVEN) for name, net in nets.items()}
level = gt.landscape.plateau(7, 8)

# %%
ax = gt.plots.compare(
    runs["linear"].steps, {k: h["fresh"] for k, h in runs.items()},
    xlabel="steps of D", ylabel="D's loss on fresh samples", level=(level, "best D"),
)  # fmt: skip
ax.set_ylim(1.25, 1.45)
gt.show(
    ax,
    alt="D's loss over 800 steps: the linear one comes to rest at 1.377, eight units come down to "
    "about 1.33, two layers of sixty-four nearly reach the predicted 1.296.",
)

# %% tags=["nbval-check-output"]
ends = {k: h["fresh"][-10:].mean() for k, h in runs.items()}
best = ends["64 + 64 units"]
print("64 + 64 units within 0.015 of the plateau:", gt.holds(abs(best - level) < 0.015))
print("linear: within 0.02 of 2 log 2:", gt.holds(abs(ends["linear"] - 2 * np.log(2)) < 0.02))

# %% [markdown]
# The linear $D$ rates a generator without one of its modes nearly perfect: it can only compare
# means. The opposite error needs no weak $D$ but a strong one with few points. Here both sides are
# the *same* law, $\mathcal N(0, I_{10})$, 60 points each. **Predict** both accuracies: on its own
# points, on fresh ones.

# %%
LAW = gt.data.Normal(dim=10)
own = [gt.data.Points.drawn(LAW, 60, seed=seed) for seed in (1, 2)]
taught = gt.models.MLP(10, 1, width=64, seed=3)
memory = only_d(taught, *own, laws=(LAW, LAW), batch_size=60)


def accuracy(real, fake):
    with torch.no_grad():
        right = torch.cat([taught(real).flatten() > 0, taught(fake).flatten() < 0])
    return float(right.double().mean())


# %%
curves = {"its own 120 points": memory["own"], "fresh points": memory["fresh"]}
ax = gt.plots.compare(
    memory.steps, curves, xlabel="steps of D", ylabel="D's loss", level=(2 * np.log(2), "2 log 2")
)
ax.set_ylim(0, 6)
gt.show(
    ax,
    alt="D's loss over 800 steps: on its own points it falls from 1.1 at step 20 to nearly 0 at "
    "step 100; on fresh points it climbs from 2 log 2 past 6, out of the picture, before step 200.",
)

# %% tags=["nbval-check-output"]
z = torch.Generator().manual_seed(98)
fresh = accuracy(LAW.sample(4000, z), LAW.sample(4000, z))
mine = accuracy(own[0].points, own[1].points)
print("accuracy on its own points above 0.95:", gt.holds(mine > 0.95))
print("on fresh ones within 0.03 of one half:", gt.holds(abs(fresh - 0.5) < 0.03))
print("loss on fresh points above 2 log 2:", gt.holds(memory["fresh"][-1] > 2 * np.log(2)))

# %% [markdown]
# A $D$ that is right every time "proves" here that a perfect generator is bad. So: **D's loss is a
# statement about D.** On fresh samples it is a lower bound of JS; on the points that it was trained
# on, and after a fixed number of steps against a moving $G$, it is not even that.

# %% [markdown]
# ## Play
#
# Eight modes, live. Among *Charts beside it*, show *Distance to the data*: the grey band is what
# real points score against real points. Which comes to rest first: the modes found, the points on
# one, or the distance?

# %%
gt.Lab("eight-gaussians")

# %% [markdown]
# ## Exercises
#
# **1.** A generator covers $k$ of $K$ equal modes evenly. How accurate is the best $D$?
# *Hint 1: $\tfrac12 (1 + \mathrm{TV})$.* *Hint 2: TV is the mass of the lost modes.*

# %%
accuracy_of_best = ...  # for instance: lambda k, K: ...
gt.exercises.check_best_accuracy(accuracy_of_best)

# %% [markdown]
# **2.** How many samples of a perfect generator hit 99 of 100 equal modes on average?
# *Hint: the probability to miss a given mode is $(1 - 1/K)^n$.*

# %%
samples = ...
gt.exercises.check_samples_for_modes(samples)

# %% [markdown]
# **3.** A generator emits two points only, $-a$ and $a$. For which $a$ is its Fréchet distance
# from $\mathcal N(0, 4)$ zero? *Hint: mean and variance.*

# %%
a = ...
gt.exercises.check_fooled_frechet(a)

# %% [markdown]
# **4.** $D$'s loss on fresh samples is 1.0. Which JS does that prove at least, in nats?
# *Hint: solve $L_D = 2 \log 2 - 2\, \mathrm{JS}$.*

# %%
proven = ...
gt.exercises.check_proof_by_loss(proven)

# %% [markdown]
# **Answers**

# %% tags=["hide-input"]
print(gt.exercises.check_best_accuracy(lambda k, K: 1 - k / (2 * K)))
print(gt.exercises.check_samples_for_modes(np.log(0.01) / np.log(0.99)))
print(gt.exercises.check_fooled_frechet(2))
print(gt.exercises.check_proof_by_loss(np.log(2) - 0.5))

# %% [markdown]
# ## Where this bites in practice
#
# - Report $n$, the band, and at least one number for quality *and* one for coverage. Two FIDs from
#   different sample sizes, or from different feature networks, cannot be compared at all.
# - A negative KL, a JS above $\log 2$, a FID of exactly 0: look for the bug first.
# - No score here sees copied training data. Look at nearest neighbors, or hold data out.
#
# ## Further reading
#
# - L. Theis, A. van den Oord, M. Bethge, *A Note on the Evaluation of Generative Models*, 2016:
#   scores that disagree, by construction.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule ...*, 2017: equation 6 (FID);
#   M. Chong and D. Forsyth, *Effectively Unbiased FID and Inception Score*, 2020: the line in 1/n.
# - M. Sajjadi et al., *Assessing Generative Models via Precision and Recall*, 2018, definition 3
#   and theorem 2 (the curve); T. Kynkäänniemi et al., *Improved Precision and Recall Metric*,
#   2019; M. Naeem et al., *Reliable Fidelity and Diversity Metrics*, 2020: section 3 (outliers).
# - A. Gretton et al., *A Kernel Two-Sample Test*, 2012: MMD and its bandwidth; D. Lopez-Paz and
#   M. Oquab, *Revisiting Classifier Two-Sample Tests*, 2017: accuracy, on held-out samples.
# - Z. Lin et al., *PacGAN*, 2018: modes, quality and reverse KL.
