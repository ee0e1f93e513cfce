"""Each check lets good values through and says, of bad ones, which argument, what, and why."""

import numpy as np
import pytest
import torch

from gan_teach import _checks

BAD = {
    "whole, negative": (lambda: _checks.whole("steps", -3), ValueError, ["steps", "-3", "least 0"]),
    "whole, fraction": (lambda: _checks.whole("steps", 1.5), TypeError, ["steps", "1.5", "whole"]),
    "whole, true": (lambda: _checks.whole("n", True), TypeError, ["n ", "True"]),
    "whole, hint": (lambda: _checks.whole("n", "3", hint="Why?"), TypeError, ["'3'", "Why?"]),
    "real, text": (lambda: _checks.real("lr", "fast"), TypeError, ["lr", "'fast'", "number"]),
    "real, NaN": (lambda: _checks.real("lr", float("nan")), ValueError, ["lr", "nan", "finite"]),
    "real, at the bound": (lambda: _checks.real("std", 0.0, above=0.0), ValueError, ["above 0"]),
    "real, outside": (
        lambda: _checks.real("p", 2, least=0, most=1), ValueError, ["at least 0", "at most 1", "2"],
    ),
    "choice": (
        lambda: _checks.choice("loss", "hing", ["hinge", "wasserstein"]),
        ValueError, ["loss", "'hing'", "hinge, wasserstein", "Did you mean 'hinge'?"],
    ),
    "instance": (lambda: _checks.instance("g", 3, str, "Hm."), TypeError, ["g must", "int", "Hm."]),
    "empty": (lambda: _checks.not_empty("x", torch.zeros(0, 2)), ValueError, ["x", "(0, 2)"]),
    "no axis": (lambda: _checks.not_empty("x", np.float64(1.0)), ValueError, ["x"]),
    "finite, array": (
        lambda: _checks.finite("x", np.array([[0, 1], [np.nan, np.inf]])),
        ValueError, ["x", "2 entries", "[1, 0]"],
    ),
    "finite, tensor": (
        lambda: _checks.finite("x", torch.tensor([0.0, -torch.inf])), ValueError, ["1 ent", "[1]"],
    ),
    "logits": (
        lambda: _checks.logits("critic", torch.zeros(4, 2), (4,)),
        ValueError, ["critic", "(4, 2)", "(4,) or (4, 1)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), BAD.values(), ids=BAD)
def test_a_bad_value_gets_one_clear_sentence(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_good_values_come_back():
    assert _checks.whole("n", np.int64(3)) == 3
    assert _checks.whole("n", torch.tensor(3)) == 3
    assert _checks.real("x", np.float32(0.5), least=0.5, most=0.5) == 0.5
    assert _checks.choice("loss", "b", {"a": 1, "b": 2}) == "b"
    x = torch.tensor([1, 2])  # whole numbers are finite
    assert _checks.finite("x", x) is x


def test_logits_lose_a_last_axis_of_one_and_nothing_else():
    assert _checks.logits("d", torch.zeros(3, 4, 1), (3, 4)).shape == (3, 4)
    # one sample: (1, 1) is (1,) with a last axis of one, (1,) is it already
    assert _checks.logits("d", torch.zeros(1, 1), (1,)).shape == (1,)
    assert _checks.logits("d", torch.zeros(1), (1,)).shape == (1,)


def test_a_long_value_is_cut_short():
    with pytest.raises(TypeError) as caught:
        _checks.whole("n", "x" * 1000)
    assert len(str(caught.value)) < 150
