"""The metric, the layer and the loss that learners write in chapters 14 to 16."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false

import math

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from torch.nn import functional as F

import gan_teach as gt
from gan_teach import metrics
from gan_teach.course import exercises as ex


def one_by_one(fake, real):
    """Precision without arrays."""
    radii = [sorted(math.dist(x, y) for y in real)[3] for x in real]
    balls = list(zip(real, radii, strict=True))
    return sum(any(math.dist(x, y) <= r for y, r in balls) for x in fake) / len(fake)


def by_tree(fake, real, k=4, nearest=None):
    radius = KDTree(real).query(real, k)[0][:, -1]
    apart = torch.cdist(torch.from_numpy(fake), torch.from_numpy(real)).numpy()
    if nearest:
        apart = np.where(apart == apart.min(1, keepdims=True), apart, np.inf)
    return np.mean((apart <= radius).any(1))


@pytest.mark.parametrize(
    "answer", [one_by_one, by_tree, lambda x, y: metrics.precision_recall(x, y).precision]
)
def test_precision_counts_in_every_form(answer):
    assert ex.check_precision_code(answer)


def balls(fake, real, around=None):
    apart = np.linalg.norm(fake[:, None] - real, axis=2)
    among = np.linalg.norm(real[:, None] - real, axis=2)
    return apart <= (np.sort(among)[:, 3] if around is None else around)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda x, y: by_tree(x, y, k=3), "its own nearest"),
        (lambda x, y: by_tree(y, x), "recall"),
        (lambda x, y: balls(y, x).any(0).mean(), "the balls of the fakes"),
        (lambda x, y: metrics.precision_recall(x, y).recall, "recall"),
        (lambda x, y: metrics.density_coverage(x, y, 3).coverage, "coverage"),
        (lambda x, y: metrics.density_coverage(x, y, 3).density, "density"),
        (lambda x, y: balls(x, y).mean(), "share of pairs"),
        (lambda x, y: by_tree(x, y, nearest=True), "nearest real point alone"),
        (lambda x, y: balls(x, y).any(1), "is wanted"),
        (lambda x, y: math.nan, "nan"),
        (lambda x: 1.0, "TypeError"),
        (lambda x, y: ..., "replace the ..."),
    ],
)
def test_mistakes_with_precision_are_named(answer, word):
    assert not ex.check_precision_code(answer)
    assert word in ex.check_precision_code(answer).message


def norm(x, w, b, axes=(0, 2, 3), correction=0, root=np.sqrt, eps=1e-5, last=0.0):
    x, w, b = (t.numpy() for t in (x, w, b))
    spread = x.var(axes, ddof=correction, keepdims=True)
    scaled = (x - x.mean(axes, keepdims=True)) / (root(spread + eps) + last)
    return w[:, None, None] * scaled + b[:, None, None]


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: F.batch_norm(x.requires_grad_(), None, None, w, b, training=True),
    ],
)
def test_batch_norm_counts_in_every_form(answer):
    assert ex.check_batch_norm(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (norm, "its gradient is not"),
        (lambda x, w, b: norm(x, w, b).tolist(), "its gradient is not"),
        (lambda x, w, b: F.batch_norm(x, None, None, w.data, b, True), "its gradient is not"),
        (lambda x, w, b: norm(x, w**0, 0 * b), "are missing"),
        (lambda x, w, b: norm(x, w, b, axes=0), "each pixel"),
        (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), "instance norm"),
        (lambda x, w, b: norm(x, w, b, axes=(1, 2, 3)), "layer norm"),
        (lambda x, w, b: norm(x, w, b, axes=(0, 1, 2, 3)), "of its own"),
        (lambda x, w, b: norm(x, w, b, correction=1), "not by one less"),
        (lambda x, w, b: norm(x, w, b, root=lambda v: v), "the root"),
        (lambda x, w, b: norm(x, w, b, eps=0, last=1e-5), "under the root"),
        (lambda x, w, b: norm(x, w, b, eps=0), "missing"),
        (lambda x, w, b: w * x + b, "RuntimeError"),
        (lambda x, w, b: norm(x, w, b)[0], "is wanted"),
        (lambda x, w, b: ..., "replace the ..."),
    ],
)
def test_mistakes_with_batch_norm_are_named(answer, word):
    assert not ex.check_batch_norm(answer)
    assert word in ex.check_batch_norm(answer).message


cross = F.binary_cross_entropy_with_logits


def smooth(real, fake, a, b, **how):
    return cross(real, a + 0 * real, **how) + cross(fake, b + 0 * fake, **how)


def by_logarithms(real, fake, a, b):
    log = torch.nn.functional.logsigmoid
    on_real, on_fake = (t * log(f) + (1 - t) * log(-f) for t, f in ((a, real), (b, fake)))
    return -on_real.mean() - on_fake.mean()


@pytest.mark.parametrize("answer", [smooth, by_logarithms])
def test_smoothed_losses_count_in_every_form(answer):
    assert ex.check_smoothed_code(answer)


def test_without_a_target_for_fakes_it_is_the_librarys():
    real, fake = torch.randn(2, 50, generator=torch.Generator().manual_seed(0)).double()
    library = gt.losses.smoothed(gt.losses.non_saturating, 0.9).d(real, fake)
    assert float(library) == pytest.approx(float(smooth(real, fake, 0.9, 0.0)), abs=1e-12)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda x, y, a, b: smooth(x.detach(), y, a, b), "its gradient is not"),
        (lambda x, y, a, b: smooth(x, y, a, b).item(), "its gradient is not"),
        (lambda x, y, a, b: smooth(x, y, a, 0), "not 0"),
        (lambda x, y, a, b: smooth(x, y, 1, 0), "hard labels"),
        (lambda x, y, a, b: smooth(x, y, b, a), "exchanged"),
        (lambda x, y, a, b: smooth(-x, -y, a, b), "sign of the logit"),
        (lambda x, y, a, b: smooth(x.sigmoid(), y.sigmoid(), a, b), "sigmoid twice"),
        (lambda x, y, a, b: smooth(x, y, a, b) / 2, "not averaged"),
        (lambda x, y, a, b: smooth(x, y, a, b, reduction="sum"), "the loss is a mean"),
        (lambda x, y, a, b: a * cross(x, x**0) + (1 - b) * cross(y, 0 * y), "weigh the other"),
        (lambda x, y, a, b: smooth(x, y, a, b, reduction="none"), "is wanted"),
        (lambda x, y, a, b: cross(y, b + 0 * y), "is wanted"),
        (lambda x, y, a, b: ..., "replace the ..."),
    ],
)
def test_mistakes_with_smoothed_losses_are_named(answer, word):
    assert not ex.check_smoothed_code(answer)
    assert word in ex.check_smoothed_code(answer).message
