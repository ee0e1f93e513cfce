"""Mode reports, noise bands, and precision and recall in their three versions."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from gan_teach import data, metrics as mt
from gan_teach.data.planar import GaussianMixture

RING = data.ring(8, radius=2.0, std=0.05)


def real(source, n, seed):
    return source.sample(n, torch.Generator().manual_seed(seed)).double().numpy()


def from_modes(k, n, seed=0, source=RING):
    """n samples spread evenly over the first k modes."""
    rng = np.random.default_rng(seed)
    centers = source.modes.numpy()[np.arange(n) % k]
    return centers + 0.05 * rng.standard_normal(centers.shape)


# Modes


@pytest.mark.parametrize("k", [1, 4, 8])
def test_mode_report_of_a_collapsed_generator(k):
    report = mt.mode_report(from_modes(k, 4000), RING)
    assert report.covered == k
    assert report.modes == 8
    assert report.n == 4000
    assert report.reverse_kl == pytest.approx(math.log(8 / k), abs=1e-12)
    share = 1 - math.exp(-4.5)
    assert report.high_quality == pytest.approx(share, abs=4 * math.sqrt(share / 90 / 4000))
    assert report.hits.sum() == round(report.high_quality * 4000)
    assert f"{k} of 8 modes" in str(report)


def test_full_count_with_most_samples_astray_shows_in_the_share():
    rng = np.random.default_rng(1)
    astray = rng.uniform(-3, 3, (9000, 2))
    report = mt.mode_report(np.concatenate([astray, from_modes(8, 1000)]), RING)
    assert report.covered == 8
    assert report.high_quality < 0.13
    strict = mt.mode_report(from_modes(8, 70), RING, least=10)
    assert strict.covered == 0


def test_mode_report_by_hand():
    samples = [[0.0], [0.29], [0.31], [4.0], [9.0]]
    report = mt.mode_report(samples, GaussianMixture([[0.0], [4.0]], [0.1, 1.0], [3, 2]))
    assert report.nearest.tolist() == [3, 2]
    assert report.hits.tolist() == [2, 1]  # 0.31 is 3.1 sigmas away, 9.0 five
    assert report.covered == 2  # one sample is enough
    assert report.high_quality == pytest.approx(0.6)
    assert report.reverse_kl == 0
    wider = mt.mode_report(samples, GaussianMixture([[0.0], [4.0]], 0.1), sigmas=60)
    assert wider.high_quality == 1
    assert wider.reverse_kl == pytest.approx(0.6 * math.log(1.2) + 0.4 * math.log(0.8))


def test_data_may_say_itself_which_mode_a_sample_belongs_to():
    arcs = data.half_circles()
    on_arcs = real(arcs, 4000, 1)
    report = mt.mode_report(on_arcs, arcs)
    assert report.covered == 20
    assert report.high_quality > 0.99
    left = mt.mode_report(on_arcs[on_arcs[:, 0] < 0], arcs)
    assert left.covered == 10
    assert left.reverse_kl == pytest.approx(math.log(2), abs=0.01)


@pytest.mark.parametrize(("k", "n"), [(1000, 1000), (1000, 26_000), (25, 100), (1, 3), (5, 0)])
def test_expected_number_of_covered_modes(k, n):
    rng = np.random.default_rng(k)
    seen = [len(np.unique(rng.integers(k, size=n))) for _ in range(40)]
    assert mt.expected_covered(k, n) == pytest.approx(np.mean(seen), abs=0.05 + float(np.std(seen)))
    if (k, n) == (1000, 1000):
        assert mt.expected_covered(k, n) == pytest.approx(632.3, abs=0.05)
    if (k, n) == (25, 100):
        assert mt.expected_covered(k, n) == pytest.approx(24.58, abs=0.005)


# Noise bands


def test_a_perfect_generator_lies_in_the_band_of_each_mode_score():
    n = 1000
    bands = mt.mode_noise_bands(RING, n)
    inside = dict.fromkeys(bands, 0)
    for seed in range(100):
        scores = mt.mode_report(real(RING, n, 10_000 + seed), RING).scores
        for name, band in bands.items():
            inside[name] += scores[name] in band
    assert min(inside.values()) >= 95, inside
    for name, score in mt.mode_report(from_modes(7, n), RING).scores.items():
        assert (score in bands[name]) == (name == "high_quality")


METRICS = {
    "js": mt.histogram_js,
    "sliced Wasserstein": mt.sliced_wasserstein,
    "kid": mt.kid,
    "mmd": lambda fake, true: mt.rbf_mmd(fake, true, 0.5),
    "frechet": mt.sample_frechet,
    "precision": lambda fake, true: mt.precision_recall(fake, true).precision,
    "recall": lambda fake, true: mt.precision_recall(fake, true).recall,
    "density": lambda fake, true: mt.density_coverage(fake, true).density,
    "coverage": lambda fake, true: mt.density_coverage(fake, true).coverage,
}
SEES_LOST_MODES = set(METRICS) - {"precision", "density"}  # which ask for quality alone


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_generator_lies_in_the_band_of_each_distance(name):
    n, metric = 150, METRICS[name]
    band = mt.noise_band(metric, RING, n)
    fresh = [metric(real(RING, n, 2 * i), real(RING, n, 2 * i + 1)) for i in range(5000, 5100)]
    assert sum(score in band for score in fresh) >= 95
    assert (metric(from_modes(2, n), real(RING, n, 1)) not in band) == (name in SEES_LOST_MODES)


def test_reverse_kl_of_samples_is_never_below_zero():
    uneven = GaussianMixture([[0.0], [4.0], [8.0]], 1.0, [0.2, 0.5, 0.3])
    for seed in range(200):
        for source, n in ((RING, 1 + seed % 40), (uneven, 10 * (1 + seed % 40))):
            report = mt.mode_report(real(source, n, seed), source)
            p, q = report.nearest / n, source.mode_weights.numpy()
            by_scipy = stats.entropy(p, q)
            assert report.reverse_kl >= 0
            assert report.reverse_kl == pytest.approx(by_scipy, abs=1e-12)
    exactly = np.repeat([0.0, 4.0, 8.0], [2, 5, 3])  # the data's own shares: zero, not below
    assert mt.mode_report(exactly, uneven).reverse_kl == pytest.approx(0, abs=1e-15)


def test_band_holds_the_next_score_with_the_stated_probability():
    """Exact for continuous scores: 1 - 2 j / (repeats + 1); here the score is a normal number."""

    def first(fake, _):
        return fake[0, 0]

    for repeats, level, exact in [(19, 0.9, 0.9), (40, 0.9, 37 / 41)]:
        source = data.Normal()
        hits = [
            float(real(source, 1, 90_000 + seed)[0, 0])
            in mt.noise_band(first, source, 1, repeats, level, seed)
            for seed in range(400)
        ]
        error = math.sqrt(exact * (1 - exact) / 400)
        assert np.mean(hits) == pytest.approx(max(exact, level), abs=4 * error)


def test_bands_hold_99_of_100_by_200_repeats():
    calls = []

    def first(fake, _):
        calls.append(fake)
        return float(fake[0, 0])

    band = mt.noise_band(first, RING, 1)
    assert len(calls) == 200
    assert [band] == mt.noise_bands(lambda fake, _: [first(fake, _)], RING, 1)
    assert band == mt.noise_band(first, RING, 1, repeats=200, level=0.99, seed=0)
    assert band != mt.noise_band(first, RING, 1, level=0.98)
    assert band != mt.noise_band(first, RING, 1, seed=1)


def test_band_of_an_array_splits_its_rows():
    rows = np.arange(40.0)

    def disjoint(fake, true):
        assert len({*fake[:, 0], *true[:, 0]}) == 40
        return fake.mean()

    assert np.float32(19.5) in mt.noise_band(disjoint, rows, 20, repeats=19, level=0.9)
    low, high = mt.noise_band(disjoint, rows, 20, repeats=19, level=0.9)
    assert low < 19.5 < high
    assert (low, high) == mt.noise_band(disjoint, rows, 20, repeats=19, level=0.9)
    assert (low, high) != mt.noise_band(disjoint, rows, 20, repeats=19, level=0.9, seed=1)


# Improved precision and recall, density and coverage


def test_precision_and_recall_by_hand():
    found = mt.precision_recall([0.5, 10.0], [0.0, 1.0, 2.0, 3.0], k=1)
    assert found == (0.5, 1.0)


def test_density_and_coverage_by_hand():
    # Real balls of radius 1 around 0, 1, 2, 3: the fake 0.5 lies in two, 3.9 in one, 10 in none.
    found = mt.density_coverage([0.5, 3.9, 10.0], [0.0, 1.0, 2.0, 3.0], k=1)
    assert found.density == pytest.approx(3 / 3)
    assert found.coverage == pytest.approx(3 / 4)


def test_repeated_points_count_as_neighbors():
    same = np.zeros((10, 2))
    assert mt.density_coverage(same, same, k=5) == (2.0, 1.0)  # each fake in all ten balls
    assert mt.precision_recall(same, same) == (1.0, 1.0)


def test_a_ball_holds_its_surface():
    # Real balls of radius 1 around 0 to 3 touch -1 and 4; those of the fakes, 5, 2 and 2, hold all.
    fake, true = [-1.0, 4.0, 6.0], [0.0, 1.0, 2.0, 3.0]
    assert mt.precision_recall(fake, true, k=1) == (pytest.approx(2 / 3), 1)
    assert mt.density_coverage(fake, true, k=1) == pytest.approx((2 / 3, 2 / 4))
    # Of the balls of radius 1 around 0 and 1, the one real point at 2 lies on the second's surface.
    assert mt.precision_recall([0.0, 1.0], [2.0, 9.0], k=1).recall == 0.5


def test_ring_with_lost_modes():
    n = 1000
    true = real(RING, n, 1)
    for k in (8, 4, 1):
        found = mt.precision_recall(from_modes(k, n), true)
        assert found.precision > 0.9
        assert found.recall == pytest.approx(k / 8, abs=0.06)
        assert mt.density_coverage(from_modes(k, n), true).coverage == pytest.approx(
            k / 8, abs=0.05
        )
    point = np.repeat(RING.modes.numpy()[:1], n, 0)
    assert mt.precision_recall(point, true) == (1.0, 0.0)
    assert mt.precision_recall(true + 50, true) == (0.0, 0.0)


def test_means_of_density_and_coverage_for_equal_laws():
    n, m, k, repeats = 60, 90, 4, 200
    rng = np.random.default_rng(0)
    scores = np.array(
        [
            mt.density_coverage(rng.standard_normal((m, 3)), rng.standard_normal((n, 3)), k)
            for _ in range(repeats)
        ]
    )
    uncovered = math.prod((n - 1 - i) / (n + m - 1 - i) for i in range(k))
    error = scores.std(0) / math.sqrt(repeats)
    assert scores[:, 0].mean() == pytest.approx(1, abs=4 * error[0])
    assert scores[:, 1].mean() == pytest.approx(1 - uncovered, abs=4 * error[1])


def test_neighbors_are_three_and_five_as_published():
    fake, true = from_modes(5, 60), real(RING, 80, 2)
    assert mt.precision_recall(fake, true) == mt.precision_recall(fake, true, k=3)
    assert mt.precision_recall(fake, true) != mt.precision_recall(fake, true, k=4)
    assert mt.density_coverage(fake, true) == mt.density_coverage(fake, true, k=5)
    assert mt.density_coverage(fake, true) != mt.density_coverage(fake, true, k=6)


def test_against_prdc_and_torch_fidelity():
    prdc = pytest.importorskip("prdc")
    prc = pytest.importorskip("torch_fidelity.metric_prc")
    rng = np.random.default_rng(5)
    fake, true = rng.standard_normal((80, 4)), 0.8 * rng.standard_normal((100, 4)) + 0.3
    for k in (1, 3, 5):
        theirs = prdc.compute_prdc(true, fake, k)
        ours = mt.precision_recall(fake, true, k)
        assert ours == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-12)
        assert mt.density_coverage(fake, true, k) == pytest.approx(
            (theirs["density"], theirs["coverage"]), abs=1e-12
        )
        options = {"prc_neighborhood": k, "verbose": False, "save_cpu_ram": False}
        second = prc.prc_features_to_metric(torch.tensor(fake), torch.tensor(true), **options)
        assert ours == pytest.approx((second["precision"], second["recall"]), abs=1e-6)


def test_blocks_do_not_change_the_numbers(monkeypatch):
    fake, true = from_modes(5, 100), real(RING, 130, 2)
    whole = mt.precision_recall(fake, true), mt.density_coverage(fake, true)
    monkeypatch.setattr("gan_teach.metrics.manifold._BLOCK", 400)
    assert (mt.precision_recall(fake, true), mt.density_coverage(fake, true)) == whole


# Precision-recall curves


def test_discrete_curve_in_closed_form():
    nothing = mt.prd_discrete([0, 1], [1, 0])
    assert nothing.precision.max() == nothing.recall.max() == nothing.f_8 == 0
    equal = mt.prd_discrete([0.2, 0.8], [1, 4])
    assert (equal.precision[500], equal.recall[500]) == pytest.approx((1, 1), abs=1e-12)
    assert equal.f_8 == pytest.approx(1, abs=1e-12)
    invented = mt.prd_discrete([0.5, 0.5], [1, 0])
    assert (invented.precision.max(), invented.recall.max()) == pytest.approx((0.5, 1), abs=1e-5)
    crossed = mt.prd_discrete([0.7, 0.3], [0.3, 0.7])  # 1 - TV at the slope one
    assert (crossed.precision[500], crossed.recall[500]) == pytest.approx((0.6, 0.6), abs=1e-12)
    three = mt.prd_discrete([0.7, 0.3], [0.3, 0.7], angles=3)
    assert (three.precision[1], three.recall[1]) == pytest.approx((0.6, 0.6), abs=1e-12)
    corner = mt.prd_discrete([1, 0], [0.5, 0.5])
    assert (corner.precision.max(), corner.recall.max()) == pytest.approx((1, 0.5), abs=1e-5)
    for k in (1, 4, 10):
        few = mt.prd_discrete(np.arange(10) < k, np.ones(10))
        assert few.recall.max() == pytest.approx(k / 10, abs=1e-5)
        assert few.precision.max() == pytest.approx(1, abs=1e-5)


def test_discrete_f_scores_are_exact():
    lost = mt.prd_discrete([1, 0], [0.5, 0.5])  # one corner, precision 1 and recall 1/2
    assert lost.f_8 == pytest.approx(65 * 0.5 / (64 + 0.5), abs=1e-14)
    assert lost.f_8 == pytest.approx(0.5038759689922481, abs=1e-14)
    assert lost.f_1_8 == pytest.approx(0.9848484848484849, abs=1e-14)
    rng = np.random.default_rng(2)
    for _ in range(20):
        p, q = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
        fine = mt.prd_discrete(p, q, angles=200_001)
        for beta, exact in ((8, fine.f_8), (1 / 8, fine.f_1_8)):
            w = beta**2
            grid = (1 + w) * fine.precision * fine.recall / (w * fine.precision + fine.recall)
            assert grid.max() <= exact + 1e-12
            assert grid.max() == pytest.approx(exact, abs=1e-4)


def test_the_weights_of_the_f_scores_are_eight_and_an_eighth():
    """With k states of K invented or lost the best point of the curve is a corner: by hand."""
    for k in (1, 2, 5):
        share = k / 7  # of recall (precision is 1), then the other way round
        lost = mt.prd_discrete(np.arange(7) < k, np.ones(7))
        invented = mt.prd_discrete(np.ones(7), np.arange(7) < k)
        for beta, name in ((8, "f_8"), (1 / 8, "f_1_8")):
            by_recall = (1 + beta**2) * share / (beta**2 + share)
            by_precision = (1 + beta**2) * share / (beta**2 * share + 1)
            assert getattr(lost, name) == pytest.approx(by_recall, abs=1e-13)
            assert getattr(invented, name) == pytest.approx(by_precision, abs=1e-13)
    # in between neither is 1: max over the corner l = fake / real of each state
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    found = mt.prd_discrete(p, q)
    for beta, value in ((8, found.f_8), (1 / 8, found.f_1_8)):
        scores = []
        for slope in p / q:
            precision = np.minimum(slope * q, p).sum()
            recall = precision / slope
            weight = beta**2
            scores.append((1 + weight) * precision * recall / (weight * precision + recall))
        assert value == pytest.approx(max(scores), abs=1e-13)


def test_one_to_as_many_clusters_as_samples_are_allowed():
    """One state is all shared; where each sample is a state of its own, nothing is."""
    apart = np.array([[0.0], [1.0], [2.0]])
    assert mt.prd(apart, apart + 10, clusters=1, runs=1).f_8 == pytest.approx(1)
    found = mt.prd(apart, apart + 10, clusters=6, runs=1)
    assert found.precision.max() == found.recall.max() == 0
    with pytest.raises(ValueError, match="clusters must be at most the 6 samples, got 7"):
        mt.prd(apart, apart + 10, clusters=7, runs=1)


def test_a_curve_compares_the_better_of_ten_clusterings_of_both_samples():
    cluster = pytest.importorskip("sklearn.cluster").MiniBatchKMeans
    rng = np.random.default_rng(1)
    fake, true = rng.standard_normal((2, 90, 2))
    found = mt.prd(fake, true, 12, runs=1, seed=3)
    by_starts = {}
    for starts in (9, 10, 11):
        label = cluster(12, n_init=starts, random_state=3).fit_predict(np.concatenate([fake, true]))
        p, q = (np.bincount(part, minlength=12) for part in (label[:90], label[90:]))
        by_starts[starts] = mt.prd_discrete(p, q).f_8
    assert found.f_8 == by_starts[10]
    assert len(set(by_starts.values())) == 3


def test_a_curve_is_the_mean_over_clusterings_from_seed_on():
    fake, true = from_modes(4, 60), real(RING, 60, 1)
    alone = [mt.prd(fake, true, 6, runs=1, seed=seed) for seed in (5, 6, 7)]
    assert len({curve.f_8 for curve in alone}) > 1
    together = mt.prd(fake, true, 6, runs=3, seed=5)
    for name in ("precision", "recall"):
        mean = np.mean([getattr(curve, name) for curve in alone], axis=0)
        np.testing.assert_allclose(getattr(together, name), mean, atol=1e-15)
    # F of the mean curve, as published (prd_to_max_f_beta_pair), not the mean of three F
    fine = [mt.prd(fake, true, 6, runs=3, seed=5, angles=a) for a in (1001, 100_001)]
    for beta, name in ((8, "f_8"), (1 / 8, "f_1_8")):
        w, exact = beta**2, getattr(together, name)
        coarse, close = (
            ((1 + w) * c.precision * c.recall / (w * c.precision + c.recall)).max() for c in fine
        )
        assert coarse <= exact + 1e-12
        assert close == pytest.approx(exact, abs=1e-4)
    assert together.f_8 < np.mean([curve.f_8 for curve in alone]) - 1e-4


def test_shares_do_not_exceed_one_by_rounding():
    """Sums of shares do: of some 7 weights over their sum it is one and a bit."""
    over = 0
    for seed in range(40):
        weights = np.random.default_rng(seed).integers(1, 100, 7)
        over += (weights / weights.sum()).sum() > 1
        curve = mt.prd_discrete(weights, weights)
        assert curve.precision.max() <= 1
        assert curve.recall.max() <= 1
        assert curve.f_8 == pytest.approx(1, abs=1e-15)
    assert over


def test_ten_clusterings_into_twenty_as_published():
    fake, true = from_modes(5, 60), real(RING, 60, 2)
    found = mt.prd(fake, true)
    assert len(found.precision) == 1001
    assert found.f_8 == mt.prd(fake, true, clusters=20, runs=10, seed=0).f_8
    others = [{"clusters": 21}, {"runs": 11}, {"seed": 1}]
    assert found.f_8 not in [mt.prd(fake, true, **other).f_8 for other in others]


def test_swapping_the_samples_swaps_precision_and_recall():
    p, q = [0.5, 0.2, 0.3, 0.0], [0.1, 0.2, 0.3, 0.4]
    there, back = mt.prd_discrete(p, q), mt.prd_discrete(q, p)
    np.testing.assert_allclose(there.precision, back.recall[::-1], atol=1e-9)
    assert there.f_8 == pytest.approx(back.f_1_8, abs=1e-12)


@pytest.mark.parametrize("k", [8, 4, 1])
def test_curve_of_samples_on_a_ring(k):
    found = mt.prd(from_modes(k, 1500), real(RING, 1500, 1), clusters=8, runs=3)
    assert found.recall.max() == pytest.approx(k / 8, abs=0.03)
    assert found.precision.max() > 0.85
    assert found.precision.shape == (1001,)
    again = mt.prd(from_modes(k, 1500), real(RING, 1500, 1), clusters=8, runs=3)
    assert again.f_8 == found.f_8


def test_curve_of_repeated_points_does_not_warn():
    same = np.zeros((30, 2))
    assert mt.prd(same, same, runs=1).f_8 == pytest.approx(1)


NAN = float("nan")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mt.precision_recall(np.ones(3), np.ones(9), k=3), "k = 3 and 3 rows in fake"),
        (lambda: mt.precision_recall(np.ones(9), np.ones(3), k=3), "3 rows in real"),
        (lambda: mt.density_coverage(np.ones(9), np.ones(1), k=5), "1 rows in real"),
        (lambda: mt.prd(np.ones(9), np.ones(8)), "one size, got 9 and 8"),
        (lambda: mt.prd(np.ones(9), np.ones(9)), "clusters must be at most the 18 samples"),
        (lambda: mt.prd_discrete([1, 2], [1]), "one length"),
        (lambda: mt.mode_report([[0.0, NAN]], RING), "samples has 1 entries that are NaN"),
        (lambda: mt.mode_report([[0.0]], RING), r"shape \(n, 2\), got \(1, 1\)"),
        (lambda: mt.mode_report(np.empty((0, 2)), RING), "at least 1 rows"),
        (lambda: mt.mode_report([[0.0, 1.0]], data.spirals()), "must have known modes"),
        (lambda: mt.mode_report([[0.0, 0.0]], RING, sigmas=0), "sigmas must be above 0"),
        (lambda: mt.noise_band(mt.kid, RING, 10, repeats=100), "at least 199 for the level 0.99"),
        (lambda: mt.noise_band(mt.kid, RING, 0), "n must be at least 1"),
        (lambda: mt.noise_band(mt.kid, np.ones(19), 10), "at least 2 n = 20 rows, got 19"),
        (lambda: mt.noise_band(mt.kid, RING, 10, level=1.0), "at least inf"),
        (lambda: mt.noise_band(mt.kid, RING, 10, level=1.5), "at most 1, got 1.5"),
    ],
)
def test_messages(call, words):
    with pytest.raises(ValueError, match=words):
        call()
