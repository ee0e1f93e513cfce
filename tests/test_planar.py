"""Densities against their integrals, moments and the samples: data/planar.py."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from gan_teach import data

CASES = {  # name: (data set, low and high of a box with all but 1e-6 of the mass, cells per axis)
    "two clusters": (lambda: data.two_clusters(), [-1.0], [5.0], 6000),
    "square clusters": (lambda: data.UniformClusters([[0, 0], [2, 1]], 0.5), [-1, -1], [3, 3], 400),
    "two Gaussians": (lambda: data.two_gaussians(std=0.2), [-3, -3], [3, 3], 300),
    "ring": (lambda: data.ring(std=0.1), [-2, -2], [2, 2], 400),
    "grid": (lambda: data.grid(std=0.15), [-3.5, -3.5], [3.5, 3.5], 400),
    "unequal": (
        lambda: data.GaussianMixture([[0.0, 0.0], [2.0, 1.0]], [0.2, 0.4], [3.0, 1.0]),
        [-3, -3], [5, 5], 400,
    ),
    "spirals": (lambda: data.spirals(std=0.15), [-3.5, -3.5], [3.5, 3.5], 160),
    "half circles": (lambda: data.half_circles(), [-17, -27], [17, 27], 500),
    "drawing": (
        lambda: data.Drawing([[[0, 0], [1, 0], [1, 0], [1, 2]], [[3, 3]]], 0.2),
        [-2, -2], [5, 5], 360,
    ),
}  # fmt: skip


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def cells(low, high, count):
    """Midpoints (count^d, d) of a regular partition of a box, and the volume of one cell."""
    axes, volume = [], 1.0
    for a, b in zip(low, high, strict=True):
        step = (b - a) / count
        axes.append(a + step * (torch.arange(count, dtype=torch.float64) + 0.5))
        volume *= step
    return torch.cartesian_prod(*axes).reshape(-1, len(low)), volume


@pytest.fixture(scope="module", params=list(CASES.items()), ids=list(CASES))
def case(request):
    build, low, high, count = request.param[1]
    source = build()
    points, volume = cells(low, high, count)
    return source, low, high, count, points, source.density(points) * volume


def test_density_integrates_to_one(case):
    *_, mass = case
    assert float(mass.sum()) == pytest.approx(1, abs=2e-4)
    assert bool((mass >= 0).all())


def test_samples_have_the_moments_of_the_density(case):
    source, *_, points, mass = case
    n = 40_000
    x = source.sample(n, rng(1)).double()
    mean = mass @ points
    second = (points - mean).T @ ((points - mean) * mass[:, None])
    spread = second.diagonal().sqrt()
    assert bool(((x.mean(0) - mean).abs() < 5 * spread / math.sqrt(n) + 1e-3 * spread).all())
    error = (x.T.cov().reshape(second.shape) - second).abs()
    assert bool((error < 0.04 * spread[:, None] * spread).all())


def test_samples_follow_the_density(case):
    """Chi-square over 20 cells an axis; cells with fewer than ten expected points are pooled."""
    source, low, high, count, points, mass = case
    bins, n = min(20, count), 20_000
    span = torch.tensor(high, dtype=torch.float64) - torch.tensor(low, dtype=torch.float64)

    def cell(x):
        at = ((x - torch.tensor(low)) / span * bins).long().clamp(0, bins - 1)
        return at @ torch.tensor([bins**i for i in range(len(low))])

    expected = torch.zeros(bins ** len(low), dtype=torch.float64).index_add(0, cell(points), mass)
    x = source.sample(n, rng(2)).double()
    seen = torch.bincount(cell(x), minlength=len(expected)).double()
    expected *= n / expected.sum()
    big = expected >= 10
    observed = np.append(seen[big], seen[~big].sum())
    wanted = np.append(expected[big], expected[~big].sum())
    if wanted[-1] < 1:
        observed, wanted = observed[:-1], wanted[:-1] * observed[:-1].sum() / wanted[:-1].sum()
    assert stats.chisquare(observed, wanted).pvalue > 1e-3


def test_sampling_depends_on_the_generator_alone(case):
    source = case[0]
    torch.manual_seed(5)
    first = source.sample(50, rng(3))
    torch.manual_seed(6)
    assert torch.equal(first, source.sample(50, rng(3)))
    assert not torch.equal(first, source.sample(50, rng(4)))
    assert first.shape == (50, *source.shape)


def test_samples_have_the_default_dtype_and_densities_that_of_x(case):
    source = case[0]
    assert source.sample(3, rng()).dtype == torch.float32
    assert source.density(source.sample(3, rng())).dtype == torch.float32
    torch.set_default_dtype(torch.float64)
    try:
        assert source.sample(3, rng()).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_modes_hold_their_share_within_three_sigma():
    n = 20_000
    inside = {1: 0.9973002, 2: 1 - math.exp(-4.5)}
    for source, share in [
        (data.ring(8, std=0.05), inside[2]),
        (data.grid(), inside[2]),
        (data.half_circles(), inside[1]),
        (data.two_clusters(), 1.0),
    ]:
        mode, sigmas = source.locate(source.sample(n, rng(7)))
        k = len(source.modes)
        seen = torch.bincount(mode, minlength=k)
        assert seen.shape == (k,)
        chi = stats.chisquare(seen.numpy(), n * source.mode_weights.numpy())
        assert chi.pvalue > 1e-3, source
        error = 5 * math.sqrt(share * (1 - share) / n)
        assert float((sigmas <= 3).double().mean()) == pytest.approx(share, abs=error + 1e-12)
        mode, sigmas = source.locate(source.modes)
        assert torch.equal(mode, torch.arange(k))
        assert float(sigmas.max()) < 1e-6


def test_published_arrangements():
    five = data.ring()
    assert five.modes.norm(dim=1).allclose(torch.ones(5).double())
    assert float(five.mode_std[0]) ** 2 == pytest.approx(0.002)
    assert data.two_gaussians(3.0).modes.tolist() == [[-1.5, 0.0], [1.5, 0.0]]
    assert len(data.two_clusters().fixed().points) == 100
    assert {tuple(m) for m in data.grid().modes.tolist()} == {
        (x, y) for x in range(-2, 3) for y in range(-2, 3)
    }


def test_two_clusters_fixed_points_alternate_and_pair_by_index():
    fixed = data.two_clusters().fixed(100)
    x = fixed.sample(100, rng(0))
    assert torch.equal(x, fixed.sample(100, rng(1)))
    even, odd = x[::2], x[1::2]
    assert bool(((even >= 0) & (even <= 0.3)).all())
    assert bool(((odd >= 4) & (odd <= 4.3)).all())
    assert len(x.unique()) == 100
    assert float(fixed.density(torch.tensor([[0.1]])))  # pyright: ignore[reportAttributeAccessIssue] == pytest.approx(1 / 0.6)


def test_half_circles_closed_form_moments():
    x = data.half_circles().sample(200_000, rng(1)).double()
    np.testing.assert_allclose(x.std(0), [math.sqrt(50.5), math.sqrt(150.5)], rtol=0.01)
    np.testing.assert_allclose(x.std(0), [7.11, 12.27], rtol=0.01)  # as measured on the published
    covariance = float(((x - x.mean(0)).prod(1)).mean())
    assert covariance == pytest.approx(-200 / math.pi, rel=0.01)


def test_drawing_density_against_many_gaussians():
    """The closed form of each segment against a sum of 4000 Gaussians along the strokes."""
    strokes = [[[0.0, 0.0], [3.0, 1.0]], [[1.0, -1.0], [1.0, 1.5], [2.0, 1.5]]]
    lengths, places = [], []
    for stroke in strokes:
        for a, b in itertools.pairwise(stroke):
            a, b = torch.tensor([a, b], dtype=torch.float64)
            share = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
            places.append(a + share[:, None] * (b - a))
            lengths.append((b - a).norm().expand(4000))
    mixture = data.GaussianMixture(torch.cat(places), 0.1, torch.cat(lengths))
    x = torch.cat([mixture.sample(300, rng(3)).double(), torch.tensor([[4.0, 4.0]]).double()])
    drawing = data.Drawing(strokes, 0.1)
    # 30 widths away the density is 1e-200, and the sum of Gaussians is itself off by 1e-3.
    torch.testing.assert_close(drawing.density(x), mixture.density(x), rtol=2e-3, atol=0)
    torch.testing.assert_close(drawing.density(x), mixture.density(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [0.2, 2e-3])
def test_tiny_segments_and_dots_are_gaussians(width):
    dot = data.GaussianMixture([[1.0, 1.0]], width)
    x = 1 + width * torch.randn(50, 2, generator=rng(0), dtype=torch.float64)
    for end in (1.0, 1 + 5e-9 * width, 1 + 5e-5 * width):
        drawn = data.Drawing([[1.0, 1.0], [end, 1.0]], width).density(x)
        torch.testing.assert_close(drawn, dot.density(x), rtol=2e-4, atol=0)


def test_one_turn_of_a_spiral_of_radius_two():
    x, y = data.spirals(std=1e-6).sample(500, rng(1)).double().T
    r = torch.hypot(x, y)
    assert float(r.min()) == pytest.approx(0.2, abs=0.02)
    assert float(r.max()) == pytest.approx(2.0, abs=0.02)
    # r = 2 t at the angle 2 pi t on one arm, and on the other half a turn on: equal twice around
    away = torch.atan2(y, x) - math.pi * r
    assert float((2 * away).cos().min()) > 0.999
    assert float(away.cos().min()) < 0


def test_strokes_weigh_by_length():
    drawing = data.Drawing([[[0, 0], [3, 0]], [[10, 0], [11, 0]]], 0.1)
    share = (drawing.sample(20_000, rng())[:, 0] < 5).double().mean()
    assert float(share) == pytest.approx(0.75, abs=0.015)


def test_own_points_may_be_images_and_have_no_density():
    images = torch.arange(24.0).reshape(2, 3, 2, 2)
    source = data.Points(images.numpy())
    assert source.shape == (3, 2, 2)
    assert not hasattr(source, "density")
    drawn = source.sample(20, rng())
    assert all(any(torch.equal(d, image) for image in images) for d in drawn)
    assert data.Points([1.0, 2.0]).shape == (1,)


def test_names():
    assert repr(data.ring()) == "GaussianMixture(5 modes, std=0.0447)"
    assert (
        repr(data.GaussianMixture([[0.0], [1.0]], [1, 2])) == "GaussianMixture(2 modes, std=1..2)"
    )
    assert repr(data.half_circles()) == "HalfCircles(20 modes, std=1)"
    assert repr(data.spirals()) == "Drawing(200 pieces, width=0.05)"
    assert repr(data.Points([1.0, 2.0])) == "Points(2 points of shape (1,))"


NAN = float("nan")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: data.ring(0), ValueError, "modes must be at least 1"),
        (lambda: data.ring(True), TypeError, "modes must be a whole number"),
        (lambda: data.ring(std=0), ValueError, "std must be above 0"),
        (lambda: data.grid(spacing=-1), ValueError, "spacing must be above 0"),
        (lambda: data.GaussianMixture([0.0, 4.0], 1), ValueError, "rows of one number"),
        (lambda: data.GaussianMixture([], 1), ValueError, "modes is empty"),
        (lambda: data.GaussianMixture([[0.0, NAN]], 1), ValueError, "NaN"),
        (lambda: data.GaussianMixture([["a"]], 1), TypeError, "modes must be an array of numbers"),
        (lambda: data.GaussianMixture([[0.0]], [1, 2]), ValueError, "one number or 1"),
        (lambda: data.GaussianMixture([[0.0]], 1, [-1.0]), ValueError, "weights must be above 0"),
        (lambda: data.two_clusters(width=0), ValueError, "width must be above 0"),
        (lambda: data.two_clusters().fixed(0), ValueError, "n must be at least 1"),
        (lambda: data.HalfCircles(std=-1), ValueError, "std must be above 0"),
        (lambda: data.spirals(arms=0), ValueError, "arms must be at least 1"),
        (lambda: data.Points([]), ValueError, "points is empty"),
        (lambda: data.Points([[NAN, 0]]), ValueError, "NaN"),
        (lambda: data.Points("ab"), TypeError, "array of numbers"),
        (lambda: data.Drawing([], 1), ValueError, "none empty"),
        (lambda: data.Drawing([[0, 0, 0]], 1), ValueError, r"shape \(m, 2\)"),
        (lambda: data.Drawing([[]], 1), ValueError, "none empty"),
        (lambda: data.Drawing("circle", 1), TypeError, "pairs of numbers"),
        (lambda: data.Drawing(None, 1), TypeError, "pairs of numbers"),
        (lambda: data.Drawing([[0, NAN]], 1), ValueError, "NaN"),
        (lambda: data.Drawing([[0, 0]], 0), ValueError, "width must be above 0"),
    ],
)
def test_messages(call, error, words):
    with pytest.raises(error, match=words):
        call()
