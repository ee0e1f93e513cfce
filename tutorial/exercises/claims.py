"""Questions of chapter 22: published claims."""

from functools import partial

import numpy as np

from gan_teach.course.answers import Function, Number, Values, random_cases


@partial(Number, atol=0.0, rtol=0.01)
def check_none_of_many() -> Values:
    """The upper end of Wilson's 95 % interval where none of 64 runs has an outcome."""
    z2, n = 1.959964**2, 64
    yield z2 / (n + z2), "z^2 / (n + z^2) = 0.057: one run in eighteen may have it all the same."
    yield 0.0, "that none was seen does not say that there are none."
    yield 100 * z2 / (n + z2), "a share is wanted, not a percentage."
    yield 1 / n, "with one of 64 to come you would see none in more than a third of all tries."
    yield 3 / n, "that is the rule of three, a bound of one side; Wilson's has two."
    yield 1.959964 / (n + 1.959964), "square z: the interval solves a quadratic equation."
    yield 1 - z2 / (n + z2), "that is the lower end for the opposite outcome."
    yield 1 - 0.025 ** (1 / n), "that is Clopper and Pearson's end, 1 - 0.025^(1/n), not Wilson's."


def _few(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.normal(rng.normal(), 1.0, int(rng.integers(3, 9))),)


@partial(Function, points=random_cases(_few), names=["low", "high"])
def check_one_more(values: np.ndarray) -> Values:
    """(low, high): the 95 % interval of one more run, from few values of a normal law."""
    from scipy.stats import t

    n, middle, s = len(values), values.mean(), values.std(ddof=1)
    student, plain = t.ppf(0.975, n - 1), t.ppf(0.975, n)

    def around(reach: float) -> np.ndarray:
        return np.array([middle - reach, middle + reach])

    yield (
        around(student * s * np.sqrt(1 + 1 / n)),
        "the spread of one run, and that of the mean it is measured from.",
    )
    yield (
        around(student * s / np.sqrt(n)),
        "that is where the mean lies; one run varies more.",
    )
    yield around(student * s), "the mean of few runs is uncertain, too: its 1 / n is missing."
    yield around(1.959964 * s * np.sqrt(1 + 1 / n)), "s is uncertain: Student's t, not 1.96."
    yield around(plain * s * np.sqrt(1 + 1 / n)), "n values have n - 1 degrees of freedom."
    yield (
        around(student * values.std() * np.sqrt(1 + 1 / n)),
        "the standard deviation of a sample divides by n - 1: ddof=1.",
    )
    yield (
        around(t.ppf(0.95, n - 1) * s * np.sqrt(1 + 1 / n)),
        "5 % on each side make 90 %: take the 97.5 % point.",
    )
    yield around(-student * s * np.sqrt(1 + 1 / n)), "the lower end comes first."
    yield (
        np.array([values.min(), values.max()]),
        "one more is often outside all of a few values.",
    )
