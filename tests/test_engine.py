"""The engine of studies: each job once, kept as soon as it is finished, compared by content."""

import sys
from functools import partial

import numpy as np
import pytest

from gan_teach._progress import progress_bar
from gan_teach.history import History
from gan_teach.studies import engine
from gan_teach.studies.engine import HistoryFiles, JsonFiles, Study, content

JOBS = {f"job-{x}": {"x": x} for x in (3, 1, 2)}


def squared(job, tick, *, factor=1.0, asked=None):
    if asked is not None:
        asked.append(job["x"])
    tick(job["x"])
    return History([0], {"y": [factor * job["x"] ** 2]})


def values(results):
    return {key: float(history["y"][0]) for key, history in results.items()}


def interrupted(job, tick):
    if job["x"] == 2:
        raise KeyboardInterrupt
    return squared(job, tick)


def test_only_what_is_missing_is_done(tmp_path):
    asked = []
    files = HistoryFiles(tmp_path, content(factor=1.0))
    first = Study({"job-1": {"x": 1}}, squared, files).collect()
    run = partial(squared, asked=asked)
    whole = Study(JOBS, run, files)
    assert values(whole.collect()) == {"job-3": 9.0, "job-1": 1.0, "job-2": 4.0}
    assert asked == [3, 2]
    assert list(whole.collect()) == list(JOBS)  # in the order of the jobs, whoever was first
    assert asked == [3, 2]
    assert values(first) == {"job-1": 1.0}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job-1.npz", "job-2.npz", "job-3.npz"]


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_do_the_same_with_and_without_files(workers, tmp_path):
    for store in (None, HistoryFiles(tmp_path, content())):
        found = Study(JOBS, squared, store, workers).collect()
        assert values(found) == {"job-3": 9.0, "job-1": 1.0, "job-2": 4.0}


def test_an_interruption_keeps_what_was_finished(tmp_path):
    files = HistoryFiles(tmp_path, content())
    assert list(Study(JOBS, interrupted, files).collect()) == ["job-3", "job-1"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job-1.npz", "job-3.npz"]
    with pytest.raises(KeyboardInterrupt):
        list(Study(JOBS, interrupted, files).results())


def test_a_job_that_fails_is_not_kept(tmp_path):
    def failing(job, tick):
        raise ValueError("no such job")

    with pytest.raises(ValueError, match="no such job"):
        Study(JOBS, failing, HistoryFiles(tmp_path, content())).collect()
    assert not list(tmp_path.iterdir())


def test_another_content_is_refused_by_name(tmp_path):
    Study(JOBS, squared, HistoryFiles(tmp_path, content(factor=1.0, name="a"))).collect()
    other = HistoryFiles(tmp_path, content(factor=2.0, name="a"))
    with pytest.raises(ValueError, match=r"job-3\.npz belongs to another study: .* in factor\."):
        Study(JOBS, squared, other).collect()
    same = HistoryFiles(tmp_path, content(factor=1.0, name="a"))
    with pytest.raises(ValueError, match=r"job-3\.npz belongs to another study: .* in x\."):
        Study({"job-3": {"x": 4}}, squared, same).collect()
    loaded = Study(JOBS, squared, same).collect()["job-3"]
    assert loaded.meta == {}  # what the engine noted is its own


def test_plain_results_of_another_content_are_made_anew(tmp_path):
    asked = []

    def doubled(job, tick):
        asked.append(job["x"])
        return [2 * job["x"]] if job["x"] != 3 else []  # nothing came of it

    def of(factor):
        return JsonFiles(tmp_path, lambda job: content(factor=factor, x=job["x"]))

    for store in (of(1.0), of(1.0), of(2.0)):
        found = Study(JOBS, doubled, store).collect()
        assert found == {"job-3": [], "job-1": [2], "job-2": [4]}
    assert asked == [3, 1, 2, 3, 3, 1, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job-1.json", "job-2.json"]


def test_the_bar_counts_every_unit_once(tmp_path, capsys):
    files = HistoryFiles(tmp_path, content())
    Study({"job-3": JOBS["job-3"]}, squared, files).collect()
    counted = Study(JOBS, squared, files, size=lambda job: 2 * job["x"], unit="step")
    np.testing.assert_array_equal(counted.collect(progress=True)["job-2"]["y"], [4.0])
    assert "12/12" in capsys.readouterr().err  # the job itself counts only half of them


def test_what_was_finished_before_is_no_speed_of_a_study(tmp_path, monkeypatch):
    bars = []

    def kept(*args, **about):
        bars.append(progress_bar(*args, **about))
        return bars[-1]

    monkeypatch.setattr(engine, "progress_bar", kept)
    files = HistoryFiles(tmp_path, content())
    Study({"job-3": {"x": 3}}, squared, files).collect(progress=True)
    Study(JOBS, squared, files, size=lambda job: job["x"]).collect(progress=True)
    assert [(bar.initial, bar.n, bar.total) for bar in bars] == [(0, 1, 1), (3, 6, 6)]


def test_many_are_counted_in_thousands_and_what_was_done_before_is_no_speed(capsys):
    with progress_bar(200_000, "step", shown=True, done=150_000) as bar:
        bar.update(50_000)
    assert "200k/200k" in capsys.readouterr().err
    assert bar.initial == 150_000
    assert list(progress_bar(None, "step", shown=False, items=range(3))) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_what_is_not_installed_is_said_at_the_call(monkeypatch, tmp_path):
    for package in ("joblib", "submitit"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match="workers=2 needs joblib: pip install"):
        Study(JOBS, squared, workers=2).results()
    with pytest.raises(ValueError, match="cluster='slurm' needs submitit: pip install"):
        Study(JOBS, squared, cluster=("slurm", tmp_path)).results()
