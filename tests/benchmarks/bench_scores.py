"""All scores of one generator against the published implementations on the same features.

python tests/benchmarks/bench_scores.py --quick    # features as wide as the small classifier's
python tests/benchmarks/bench_scores.py            # also as wide as Inception's: many minutes

Plain is pytorch-fid's distance (a matrix square root), torch-fidelity's KID in one subset, its
inception score in ten splits and its precision and recall, and PRD as its authors' code makes it:
ten clusterings, each with its curve, maxima over a grid of angles. Ours is ``scores.score``, what
``gan-teach evaluate`` calls for each generator and for each trial of real against real. Repeats
alternate; numbers are medians of processor time. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy.linalg
import torch
from pytorch_fid import fid_score
from sklearn.cluster import MiniBatchKMeans
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from gan_teach.metrics.scores import NEIGHBORS, score

# From SciPy 1.18 on sqrtm does not know the argument that pytorch-fid passes.
fid_score.linalg = SimpleNamespace(sqrtm=lambda a, disp: (scipy.linalg.sqrtm(a), None))


def plain(fake: np.ndarray, real: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    n = len(fake)
    moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in (fake, real)]
    a, b = torch.from_numpy(fake), torch.from_numpy(real)
    one = {"kid_subsets": 1, "kid_subset_size": n, "verbose": False}
    theirs = kid_features_to_metric(a, b, **one)
    theirs |= isc_features_to_metric(torch.from_numpy(logits), splits=10)
    theirs |= prc_features_to_metric(a[:NEIGHBORS], b[:NEIGHBORS], verbose=False)
    slopes = np.tan(np.linspace(1e-6, np.pi / 2 - 1e-6, 1001))
    precision, recall = np.zeros((2, 10, 1001))
    cluster: Any = MiniBatchKMeans
    for run in range(10):
        label = cluster(20, n_init=10).fit_predict(np.concatenate([fake, real]))
        p, q = (np.bincount(part, minlength=20) / n for part in (label[:n], label[n:]))
        precision[run] = np.minimum(slopes[:, None] * q, p).sum(1)
        recall[run] = precision[run] / slopes
    precision, recall = precision.mean(0), recall.mean(0)
    f_8 = (65 * precision * recall / (64 * precision + recall)).max()
    return {
        "frechet": float(fid_score.calculate_frechet_distance(*moments[0], *moments[1])),
        "kid": float(theirs["kernel_inception_distance_mean"]),
        "inception_score": float(theirs["inception_score_mean"]),
        "recall": float(theirs["recall"]), "prd_f_8": float(f_8),
    }  # fmt: skip


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name, n, d, repeats in [("cifar", 5000, 96, 3), ("inception", 5000, 2048, 1)][: 2 - quick]:
        rng = np.random.default_rng(0)
        mix = rng.normal(size=(d, d)) / d**0.5
        fake, real = (np.maximum(rng.normal(size=(n, d)) @ mix + s, 0) for s in (0.1, 0.0))
        logits = rng.normal(size=(n, 10)) * 3
        p = scipy.special.softmax(logits, 1)
        seconds: dict[str, list[float]] = {"plain": [], "ours": []}
        for _ in range(repeats):
            one, theirs = timed(lambda x=fake, y=real, z=logits: plain(x, y, z))
            two, (ours, _) = timed(lambda x=fake, y=real, z=p: score(x, y, z))
            seconds["plain"].append(one)
            seconds["ours"].append(two)
        plain_s, ours_s = (statistics.median(seconds[k]) for k in ("plain", "ours"))
        print(f"{name}, {n} x {d}: plain {plain_s:.1f} s, ours {ours_s:.1f} s", end="; ")
        print(f"{plain_s / ours_s:.2f} times as fast")
        for score_name, value in theirs.items():
            print(f"    {score_name}: plain {value:.6g}, ours {ours[score_name]:.6g}")


if __name__ == "__main__":
    main()
