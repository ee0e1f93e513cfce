"""Samplers against scipy's distributions (Kolmogorov-Smirnov), densities against their formulas."""

# pyright: reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import numpy as np
import pytest
import torch
from scipy import stats

from cases import rng
from gan_teach.data import Fixed, Normal, Points, Source, Uniform

LINE = [
    (Normal(5, 2), stats.norm(5, 2)),
    (Normal(), stats.norm()),
    (Uniform(-1, 3), stats.uniform(-1, 4)),
    (Uniform(), stats.uniform()),
]


@pytest.mark.parametrize(("ours", "scipys"), LINE, ids=[str(ours) for ours, _ in LINE])
def test_samples_and_density_are_scipys(ours, scipys):
    x = ours.sample(20_000, rng(1))
    assert x.shape == (20_000, 1)
    assert stats.kstest(x[:, 0].numpy(), scipys.cdf).pvalue > 1e-3
    grid = torch.linspace(-4, 9, 301, dtype=torch.float64)[:, None]
    np.testing.assert_allclose(ours.density(grid), scipys.pdf(grid[:, 0]), rtol=1e-12)


@pytest.mark.parametrize("source", [Normal(1, 0.5, dim=3), Uniform(-1, 1, dim=3)], ids=str)
def test_coordinates_are_independent(source):
    x = source.sample(40_000, rng(2))
    assert source.shape == x.shape[1:] == (3,)
    one = type(source)(*list(vars(source).values())[:2])  # its density on the line
    product = torch.stack([one.density(x[:50, i : i + 1].double()) for i in range(3)]).prod(0)
    torch.testing.assert_close(source.density(x[:50].double()), product)
    off_diagonal = np.corrcoef(x.T.numpy())[np.triu_indices(3, 1)]
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(len(x))  # five standard errors


@pytest.mark.parametrize("source", [Normal(), Uniform(dim=2), Points(torch.arange(9.0))], ids=repr)
def test_samples_are_a_function_of_the_generator_alone(source):
    assert isinstance(source, Source)
    state = torch.get_rng_state()
    assert torch.equal(source.sample(7, rng(3)), source.sample(7, rng(3)))
    assert not torch.equal(source.sample(7, rng(3)), source.sample(7, rng(4)))
    assert torch.equal(torch.get_rng_state(), state)


def test_fixed_hands_out_its_points_in_order_and_again():
    fixed = Fixed(torch.tensor([1.0, 2.0, 3.0]))
    assert fixed.shape == (1,)
    assert fixed.sample(6, rng())[:, 0].tolist() == [1, 2, 3, 1, 2, 3]
    firsts = set()
    for seed in range(20):  # where they do not go evenly into it, the first is random
        drawn = fixed.sample(4, rng(seed))[:, 0].tolist()
        firsts.add(drawn[0])
        assert drawn in ([1, 2, 3, 1], [2, 3, 1, 2], [3, 1, 2, 3])
    assert firsts == {1, 2, 3}
    assert repr(fixed) == "Fixed(3 points of shape (1,))"


def test_fixed_drawn_draws_once_and_keeps_the_density():
    source = Normal(5, 1)
    fixed = Fixed.drawn(source, 10, seed=4)
    assert torch.equal(fixed.points, source.sample(10, rng(4)))
    assert torch.equal(fixed.sample(10, rng(1)), fixed.points)
    x = torch.tensor([[4.0], [5.0]])
    assert torch.equal(fixed.density(x), source.density(x))
    assert not hasattr(Fixed.drawn(Fixed(torch.zeros(2)), 3), "density")


def test_points_are_drawn_uniformly_with_replacement():
    points = Points(torch.tensor([[0.0], [1.0], [2.0], [3.0]]))
    drawn = points.sample(8_000, rng(5))[:, 0]
    counts = torch.bincount(drawn.long(), minlength=4).numpy()
    assert stats.chisquare(counts).pvalue > 1e-3
    assert points.sample(9, rng()).shape == (9, 1)


BAD = {
    "std": (lambda: Normal(0, 0), "std must be above 0, got 0"),
    "mean": (lambda: Normal(float("inf")), "mean must be finite, got inf"),
    "dim": (lambda: Normal(dim=0), "dim must be at least 1, got 0"),
    "order": (lambda: Uniform(2, 1), "high must be above 2, got 1"),
    "fixed, empty": (lambda: Fixed(torch.zeros(0, 1)), "points is empty"),
    "fixed, NaN": (
        lambda: Fixed(torch.tensor([0.0, torch.nan])),
        "points has 1 .* Clean the data",
    ),
    "points, empty": (lambda: Points(torch.zeros(0, 3)), "points is empty"),
    "points, inf": (lambda: Points(torch.tensor([[torch.inf]])), "points has 1 ent"),
    "drawn": (lambda: Fixed.drawn(Normal(), 0), "n must be at least 1, got 0"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("labelled", [False, True])
def test_points_take_a_map_style_dataset(labelled):
    class Squares(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            row = [float(i), float(i * i)]
            return (row, "a label") if labelled else torch.tensor(row)

    points = Points(Squares())
    assert points.points.tolist() == [[0, 0], [1, 1], [2, 4]]
    assert points.shape == (2,)


def test_an_empty_dataset_is_refused():
    class Nothing(torch.utils.data.Dataset):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="at least one row"):
        Points(Nothing())
