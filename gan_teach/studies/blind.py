"""Which of two sets of images looks better, to eyes that do not know which is which."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.plots.ensembles import wilson
from gan_teach.studies.evaluation import Named, candidates

KEYS = {"l": "left", "r": "right", "s": "neither"}


class Pairs(NamedTuple):
    """Pairs of sheets: ``sheets`` by "1 left", "1 right", ..., and in which of them A is left."""

    names: tuple[str, str]
    sheets: dict[str, NDArray[np.float32]]
    a_left: NDArray[np.bool_]

    def verdict(self, answers: Iterable[str]) -> str:
        """How often A was preferred, with Wilson's 95 % interval; "s" and no answer do not count.

        answers : keys of ``KEYS``, for the first pairs.
        """
        given = zip(answers, self.a_left, strict=False)
        chosen = [(key == "l") == left for key, left in given if key in ("l", "r")]
        a, b = self.names
        if not chosen:
            return f"{a} against {b}: no answer."
        low, high = wilson(sum(chosen), len(chosen))
        which = a if low > 0.5 else b
        says = "no preference is shown" if low <= 0.5 <= high else f"{which} looks better"
        return (
            f"A is {a}, B is {b}. A was preferred in {sum(chosen)} of {len(chosen)}; 95 % interval "
            f"of its share: {low:.0%} to {high:.0%}: {says}."
        )


def pairs(a: Named, b: Named, count: int = 20, n: int = 16, seed: int = 0, **how: Any) -> Pairs:
    """``count`` pairs of sheets of ``n`` images, one of a and one of b, either of them on the left.

    a, b : as in ``evaluation.candidates``, of a run the last step; ``how`` (averages, size, ...) as
    there. No image stands on two sheets. Raises ValueError for too few images in a folder.
    """
    count, n = _checks.whole("pairs", count, least=1), _checks.whole("n", n, least=1)
    both = [candidates(source, last=True, **how)[-1] for source in (a, b)]
    drawn = [list(one.batches(count * n, seed + k, "cpu")) for k, one in enumerate(both)]
    of_a, of_b = (np.concatenate(parts).reshape(count, n, *parts[0].shape[1:]) for parts in drawn)
    a_left = np.random.default_rng(seed).random(count) < 0.5
    sheets = {}
    for k, (one, other, first) in enumerate(zip(of_a, of_b, a_left, strict=True), 1):
        sheets |= {f"{k} left": one if first else other, f"{k} right": other if first else one}
    names = [f"{one.source} ({one.average})" for one in both]
    return Pairs((names[0], names[1]), sheets, a_left)
