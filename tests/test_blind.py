"""Two sets of images compared by eye: the sheets, their order, the interval, the command."""

import numpy as np
import pytest
from PIL import Image

from gan_teach import cli
from gan_teach.plots import wilson
from gan_teach.studies import evaluation


@pytest.fixture
def sets(tmp_path):
    """Sixty dark images and sixty light ones."""
    rng = np.random.default_rng(0)
    for name, least in (("dark", 0), ("light", 180)):
        images = rng.integers(least, least + 60, (60, 8, 8), dtype=np.uint8)
        np.save(tmp_path / f"{name}.npy", images)
    return tmp_path / "dark.npy", tmp_path / "light.npy"


def test_each_pair_holds_both_in_random_order(sets):
    shown = evaluation.pairs(*sets, count=15, n=4, seed=3)
    assert list(shown.sheets)[:3] == ["1 left", "1 right", "2 left"]
    dark = np.array([[shown.sheets[f"{k} {s}"].mean() < 0 for s in ("left", "right")]
                     for k in range(1, 16)])  # fmt: skip
    np.testing.assert_array_equal(dark[:, 0], shown.a_left)
    assert (dark.sum(1) == 1).all()
    assert 0 < shown.a_left.sum() < 15
    seen = np.concatenate(list(shown.sheets.values()))
    assert len(np.unique(seen.reshape(len(seen), -1), axis=0)) == 120  # none twice
    again = evaluation.pairs(*sets, count=15, n=4, seed=3)
    np.testing.assert_array_equal(again.a_left, shown.a_left)
    orders = {tuple(evaluation.pairs(*sets, count=15, n=4, seed=k).a_left) for k in range(4)}
    assert len(orders) == 4


def test_who_always_finds_a_is_told_so(sets):
    shown = evaluation.pairs(*sets, count=15, n=4)
    best = ["l" if left else "r" for left in shown.a_left]
    low, high = wilson(15, 15)
    assert f"in 15 of 15; 95 % interval of its share: {low:.0%} to {high:.0%}" in shown.verdict(
        best
    )
    assert shown.verdict(best).endswith("dark.npy (images) looks better.")
    worst = ["r" if left else "l" for left in shown.a_left]
    assert shown.verdict(worst).endswith("light.npy (images) looks better.")
    half = [*best[:7], *worst[7:14], "s"]
    assert "in 7 of 14" in shown.verdict(half)
    assert shown.verdict(half).endswith("no preference is shown.")
    assert shown.verdict(["s"]).endswith("no answer.")


@pytest.mark.slow
def test_the_command_asks_and_tells_only_at_the_end(sets, tmp_path, monkeypatch, capsys):
    keys = iter(["x", "L", "r", "s", "q"])
    asked = []

    def answer(prompt):
        asked.append(prompt)
        assert "dark" not in capsys.readouterr().out
        return next(keys)

    monkeypatch.setattr("builtins.input", answer)
    out = tmp_path / "pairs.png"
    arguments = ["blind", *map(str, sets), "--pairs", "5", "-n", "4", "--out", str(out)]
    assert cli.main(arguments) == 0
    assert [prompt.split()[0] for prompt in asked] == ["1", "1", "2", "3", "4"]
    shown = evaluation.pairs(*sets, count=5, n=4)
    assert shown.verdict(["l", "r", "s"]) in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.width > picture.height > 500

    def ends(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", ends)
    assert cli.main(arguments) == 0
    assert "no answer" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main([*arguments, "--pairs", "500"])
    error = capsys.readouterr().err
    assert "dark.npy holds 60 images, not 2000" in error
