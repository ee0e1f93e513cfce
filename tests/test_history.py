"""A History is dead (no shared memory), whole on disk, and sliced by member without mixing."""

import errno
import json
import os

import numpy as np
import pytest

from gan_teach.history import History


def small(**meta):
    t = np.arange(4)
    return History(
        t * 10,
        {"params": t[:, None] * np.array([1.0, -2.0]), "loss": t / 3},
        static={"grid": np.linspace(0, 1, 5)},
        meta={"title": "tiny", **meta},
    )


def test_it_shares_no_memory_with_what_it_was_made_of():
    params, grid = np.zeros((2, 3)), np.zeros(3)
    history = History([0, 1], {"params": params}, static={"grid": grid})
    longer = history.with_arrays(more=params)
    params += 1
    grid += 1
    longer["params"][:] = 7
    assert not history["params"].any()
    assert not history.static["grid"].any()
    assert not longer["more"].any()


def test_reading():
    history = small()
    assert len(history) == 4
    assert history.steps.tolist() == [0, 10, 20, 30]
    assert history.keys() == list(history) == ["params", "loss"]
    assert "loss" in history
    assert "grid" not in history
    assert history.last("params").tolist() == [3.0, -6.0]
    assert repr(history) == "History(4 records, steps 0-30: params(2,), loss())"
    assert repr(History([], {})) == "History(empty)"
    with pytest.raises(KeyError, match=r"'los'.*params, loss"):
        history["los"]


def test_describe_adds_and_changes_nothing_here():
    history = small()
    more = history.describe(static={"real": np.ones(2)}, meta={"seed": 3})
    assert set(more.static) == {"grid", "real"}
    assert more.meta == {"title": "tiny", "seed": 3}
    assert set(history.static) == {"grid"}
    assert history.meta == {"title": "tiny"}


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 2)), [r"arrays\['x'\]", r"\(3, 2\)", "4 recorded steps"]),
        (np.float64(1), [r"arrays\['x'\]", r"\(\)", "first axis must be time"]),
        (np.array([None] * 4), [r"arrays\['x'\]", "object", "None"]),
    ],
)
def test_an_array_that_does_not_fit_is_named(array, words):
    with pytest.raises(ValueError) as caught:
        small().with_arrays(x=array)
    for word in words:
        caught.match(word)


def test_save_and_load_give_the_same(tmp_path):
    history = small(nested={"a": [1, 2.5, None, True]}).with_arrays(
        eig=np.array([1 + 2j, np.nan, np.inf, 0]), flag=np.array([True, False, True, True])
    )
    path = history.save(tmp_path / "new folder" / "run.npz")
    again = History.load(path)
    assert again.steps.tolist() == history.steps.tolist()
    assert again.keys() == history.keys()
    for name in history:
        assert again[name].dtype == history[name].dtype
        np.testing.assert_array_equal(again[name], history[name])
    np.testing.assert_array_equal(again.static["grid"], history.static["grid"])
    assert again.meta == history.meta
    assert [p.name for p in path.parent.iterdir()] == ["run.npz"]  # nothing is left beside it


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = small().save(tmp_path / "run.npz")
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        small().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "another npz", "future"])
def test_a_bad_file_is_refused_by_name(tmp_path, damage):
    path = small().save(tmp_path / "run.npz")
    whole = path.read_bytes()
    if damage == "another npz":
        np.savez(path, x=np.zeros(3))
    elif damage == "future":
        np.savez(path, meta=np.array(json.dumps({"format": "gan_teach.History/99", "meta": {}})))
    else:
        middle = len(whole) // 3
        content = {
            "empty": b"",
            "cut": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
            "text": b"not a history",
        }[damage]
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.npz"):
        History.load(path)


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "no.npz")


def test_member_takes_one_run_out_of_an_ensemble():
    data = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    history = History(
        [0, 5],
        {"params": data, "time": np.array([0.1, 0.2])},
        static={"grid": np.arange(3), "real": np.arange(6).reshape(3, 2)},
        meta={"members": 3, "static_per_member": ["real"], "lr": [0.1, 0.2, 0.3], "title": "x"},
    )
    one = history.member(-1)
    np.testing.assert_array_equal(one["params"], data[:, 2])
    np.testing.assert_array_equal(one["time"], [0.1, 0.2])
    np.testing.assert_array_equal(one.static["grid"], [0, 1, 2])
    np.testing.assert_array_equal(one.static["real"], [4, 5])
    assert one.meta == {"lr": 0.3, "title": "x"}
    with pytest.raises(ValueError, match=r"0\.\.2 .*got 3"):
        history.member(3)
    with pytest.raises(ValueError, match="single run"):
        one.member(0)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_said_with_the_file_and_leaves_the_old_one(call, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    History([0], {"x": [1.0]}).save(path)
    before = path.read_bytes()

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"No space left on device: .*run\.npz"):
        History([0], {"x": [2.0]}).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
