"""The ledger of published claims: the rules, the list, the table that is shipped, the command."""

import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import gan_teach as gt
from gan_teach import cli
from gan_teach._files import read_csv
from gan_teach.course import exercises as ex, ledger, tutorial_folder
from gan_teach.plots import wilson

rules = ledger.rules
AGREES, DIFFERS, UNDER = rules.AGREES, rules.DIFFERS, rules.UNDER
OPEN, UNDECIDED = rules.OPEN, rules.UNDECIDED
Ask, Found, Row, judge = rules.Ask, rules.Found, rules.Row, rules.judge


def row(kind, published="", error="", made="by hand", id="work.maker.key"):
    return Row(id, kind, published, error, "somewhere", "something", made)


# -- the rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "error", "ours", "word"),
    [
        ("0.74", "", 17 / 23, AGREES),
        ("0.74", "", 0.7451, DIFFERS),
        ("1.35", "", 23 / 17, AGREES),
        ("2", "", 2.5, AGREES),  # half a unit of the last digit, whichever way it is rounded
        ("1.75e-12", "", 1.7503e-12, AGREES),
        ("1.75e-12", "", 1.76e-12, DIFFERS),
        ("-2.5 1.25", "", [-2.5, 1.25], AGREES),
        ("-2.5 1.25", "", [-2.5, 1.26], DIFFERS),
        ("11.1", "0.2", 11.25, AGREES),
        ("0.74", "", math.nan, DIFFERS),
    ],
)
def test_digits(published, error, ours, word):
    assert judge(row("digits", published, error), Found(ours)).word == word


def test_as_many_digits_as_are_printed():
    with pytest.raises(ValueError, match="2 numbers, and 1"):
        judge(row("digits", "1 2"), Found([1.0]))


def test_the_interval_of_few_is_students():
    low, high = rules.prediction_interval([0.0, 1.0, 2.0])
    assert high - 1 == pytest.approx(4.302653 * math.sqrt(4 / 3), rel=1e-6)  # from a table of t
    assert low == pytest.approx(2 - high)


def test_the_interval_of_many_is_of_ranks():
    x = np.random.default_rng(0).permutation(200).astype(float)
    assert rules.prediction_interval(x) == (4.0, 195.0)  # 191 of the 201 gaps lie between
    assert rules.prediction_interval(np.append(x[:38], np.inf))[1] == np.inf


def test_one_more_run_lies_inside_as_often_as_promised():
    rng = np.random.default_rng(1)
    for draw, n in ((rng.normal, 4), (rng.exponential, 64)):
        tries = draw(size=(3000, n + 1))
        ends = np.array([rules.prediction_interval(x[:-1]) for x in tries])
        inside = (ends[:, 0] <= tries[:, -1]) & (tries[:, -1] <= ends[:, 1])
        assert inside.mean() == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, math.nan, 2.0], [[1.0, 2.0, 3.0]]])
def test_an_interval_needs_three_numbers(values):
    with pytest.raises(ValueError, match="three or more"):
        rules.prediction_interval(values)


def test_a_run_is_judged_with_the_error_of_reading_it():
    ours = np.linspace(0.0, 1.0, 101)
    assert judge(row("run", "0.5", "0.01"), Found(ours)).word == AGREES
    assert judge(row("run", "1.05", "0.1"), Found(ours)).word == AGREES
    verdict = judge(row("run", "1.05", "0.01"), Found(ours, "the reason"))
    assert verdict.word == DIFFERS
    assert verdict.why == "above 100% of our runs; the reason"


@pytest.mark.parametrize(
    ("said", "ours", "word"),
    [
        ("most", (51, 64), AGREES), ("most", (33, 64), UNDECIDED), ("most", (20, 64), DIFFERS),
        ("all", (64, 64), AGREES), ("all", (63, 64), UNDER), ("all", (3, 64), DIFFERS),
        ("one", (51, 64), AGREES), ("one", (33, 64), UNDECIDED),
        ("one", (1, 64), UNDER), ("one", (0, 64), DIFFERS),
    ],
)  # fmt: skip
def test_shares(said, ours, word):
    assert judge(row("share", said), Found(ours)).word == word


def test_statements():
    assert judge(row("statement"), Found({"here": True, "there": True})).word == AGREES
    verdict = judge(row("statement"), Found({"here": True, "there": False}))
    assert (verdict.word, verdict.why) == (UNDER, "here")
    assert judge(row("statement"), Found({"here": False, "there": False})).word == DIFFERS


def test_a_statement_that_no_run_decides_does_not_differ():
    verdict = judge(row("statement"), Found({"here": None, "there": np.False_}))
    assert (verdict.word, verdict.ours) == (UNDECIDED, "no: there; undecided: here")
    assert "more runs" in verdict.why
    verdict = judge(row("statement"), Found({"here": np.True_, "there": None}))
    assert (verdict.word, verdict.ours) == (UNDER, "yes: here; undecided: there")


@pytest.mark.parametrize(("had", "shown"), [(40, True), (32, None), (24, False)])
def test_most_of_64_runs(had, shown):
    """By the normal approximation, 1.96 * 8 / 2 = 7.84 runs to either side of one half."""
    assert abs(had - 32) > 7.84 or shown is None
    assert rules.most(np.arange(64) < had) is shown


@pytest.mark.parametrize(
    ("difference", "lower"), [((-1, -2, -0.1), True), ((1, 0.1, 2), False), ((0, -1, 1), None)]
)
def test_a_paired_difference_tells_only_where_its_interval_has_one_sign(difference, lower):
    dragan = import_module(f"{ledger.__name__}.dragan")
    assert dragan._lower(difference) is lower
    mean = np.array([-1.0, 1.0, -1.0, 1.0])
    assert [*dragan._more(mean - 9.0, 0 * mean, "").values()] == [False]
    assert [*dragan._more(mean + 9.0, 0 * mean, "").values()] == [True]


def test_what_is_not_made_says_why():
    assert judge(row("run", "1", made="not run: GPU (a week)"), None).word == "not run"
    assert judge(row("run", "1", made="not comparable: another machine"), None).why
    assert judge(row("run", "1"), None).word == OPEN
    with pytest.raises(ValueError, match="GPU, data or hours"):
        judge(row("run", "1", made="not run: no time"), None)


# -- the list and the table -----------------------------------------------------------------------

ROWS = ledger.rows()
line = import_module(f"{ledger.__name__}.line")


def test_the_list_is_whole():
    assert len(ROWS) == len({r.id for r in ROWS}) >= 150
    assert {r.work for r in ROWS} == set(ledger.WORKS)
    makers = ledger.makers()
    for r in ROWS:
        assert r.claim, r.id
        assert r.place, r.id
        if r.kind in ("digits", "run"):
            assert r.published == "" or len(r.numbers()[0]), r.id
        unmade = r.made.startswith(("not run: ", "not comparable: "))
        assert unmade or r.maker in makers or judge(r, None).word == OPEN, r.id
    assert set(ledger.MINUTES) <= set(makers)


def test_the_table_is_of_this_list():
    table = {entry["id"]: entry for entry in ledger.table()}
    assert set(table) == {r.id for r in ROWS}
    for r in ROWS:
        entry = table[r.id]
        told = (entry["claim"], entry["published"], entry["place"], entry["made"])
        assert told == (r.claim, r.published, r.place, r.made), f"run gan-teach reproduce: {r.id}"
        assert entry["verdict"] in rules.VERDICTS
        assert bool(entry["ours"]) == bool(entry["date"])


def test_few_rows_are_left_out():
    words = [entry["verdict"] for entry in ledger.table()]
    assert sum(w in ("not run", "not comparable") for w in words) <= 0.3 * len(words)


def test_what_differs_comes_first_and_has_a_reason():
    places = [rules.VERDICTS.index(entry["verdict"]) for entry in ledger.table()]
    assert places == sorted(places)
    assert all(e["why"] for e in ledger.table() if e["verdict"] in (DIFFERS, UNDER, "not run"))


def test_every_row_is_named_where_its_subject_is_taught():
    sources = [s for s in tutorial_folder().glob("[0-9]*.py") if s.stem != "22_ledger"]
    texts = [source.read_text("utf-8") for source in sources]
    linked = [text for text in texts if "(22_ledger.ipynb)" in text]
    makers = {r.maker for r in ROWS}
    assert makers <= {name for text in linked for name in re.findall(r"`(\w+\.\w+)`", text)}


def test_rows_that_are_named_are_in_the_list():
    known = {r.id for r in ROWS} | {r.maker for r in ROWS}
    works = "|".join(ledger.WORKS)
    readme = Path(__file__).resolve().parent.parent / "README.md"
    for path in [*tutorial_folder().glob("[0-9]*.py"), readme]:
        named = re.findall(rf"`((?:{works})\.[\w.]+)`", path.read_text("utf-8"))
        assert set(named) <= known, path.name


QUICK = (
    "line.theory", "timescale.quadratic", "timescale.nn", "timescale.theory", "rsgan.states",
    "rsgan.networks", "rsgan.clusters", "rsgan.five", "timescale.gan", "dragan.bogonet",
    "dragan.statements", "dragan.digits", "assignment.networks", "assignment.log",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_rows_that_are_made_again_are_those_of_the_table(name, tmp_path):
    table = {entry["id"]: entry for entry in ledger.table()}
    found = ledger.makers()[name](Ask(None, tmp_path))
    for r in (r for r in ROWS if r.maker == name):
        value = found.get(r.key)
        ours = value if value is None or isinstance(value, Found) else Found(value)
        assert judge(r, ours).word == table[r.id]["verdict"], r.id
    assert set(found) <= {r.key for r in ROWS if r.maker == name}


def test_another_published_number_would_differ():
    (r,) = (r for r in ROWS if r.id == "timescale.quadratic.tau_star")
    wrong = Row(r.id, r.kind, "2.02", r.error, r.place, r.claim, r.made)
    found = ledger.makers()["timescale.quadratic"](Ask(None, None))  # pyright: ignore
    assert judge(r, Found(found["tau_star"])).word == AGREES
    assert judge(wrong, Found(found["tau_star"])).word == DIFFERS


def test_every_number_that_the_notebook_of_dragan_prints_is_in_the_list():
    """At each thousandth update it prints both losses, the score and the penalty."""
    listed = {r.key for r in ROWS if r.maker == "dragan.mnist"}
    names = ("d", "g", "score", "penalty")
    assert {f"{name}_{step}" for name in names for step in range(1000, 7001, 1000)} <= listed


def test_a_run_at_rest_where_d_has_won_is_not_unstable():
    steps = np.arange(300)
    won, swings, there = -0.001 + 0 * steps, -1 + np.sin(steps), -2 * np.log(2) + 0 * steps
    history = gt.History(steps, {"objective": np.stack([won, swings, there], 1)})
    assert line.settled(history).tolist() == [False, False, True]
    assert line.restless(history).tolist() == [False, True, False]


def test_gradients_on_the_line_by_finite_differences():
    """Both are of the weights, after the steps of the game: D's before G moves, G's after."""
    history = line.runs("strong-discriminator", 2, games=4)
    t, s, eps = 3, 1, 1e-5
    (x, z_d, _), (_, z_g, _) = (history[k][t, s].astype(float) for k in ("seen_d", "seen_g"))
    w, b, a, c = history["params"][t, s].astype(float)
    w_before, b_before = history["params"][t - 1, s, :2].astype(float)

    def v(w, b, a, z):
        real, fake = (1 / (1 + np.exp(-(a * x + c))) for x in (x, w * z + b))
        return np.mean(np.log(real)) + np.mean(np.log(1 - fake))

    by_a = v(w_before, b_before, a + eps, z_d) - v(w_before, b_before, a - eps, z_d)
    by_w = v(w + eps, b, a, z_g) - v(w - eps, b, a, z_g)
    assert history["d_gradient"][t, s] == pytest.approx(abs(by_a) / (2 * eps), rel=1e-4)
    assert history["g_gradient"][t, s] == pytest.approx(abs(by_w) / (2 * eps), rel=1e-4)


def test_runs_on_the_line_are_those_of_the_command():
    ours = line.runs("noisy", 3, games=30)
    theirs = gt.experiments.run_seeds("noisy", 3, games=30)
    np.testing.assert_array_equal(ours["params"], theirs["params"])


# -- making it ------------------------------------------------------------------------------------

CALLS: list[str] = []
TWO = [row("digits", "1.0", id="line.a.x"), row("digits", "2.0", id="line.b.x")]


def one(ask):
    CALLS.append("one")
    return {"x": 1.01}


def stopped(ask):
    raise KeyboardInterrupt


def other(ask):
    CALLS.append("other")
    return {"x": Found(2.2, "the reason")}


def absent(ask):
    raise FileNotFoundError("no such data")


def test_a_killed_run_loses_nothing(tmp_path):
    CALLS.clear()
    where = tmp_path / "out", tmp_path / "work"
    first = rules.reproduce(TWO, {"line.a": one, "line.b": stopped}, *where)
    assert {e["id"]: e["verdict"] for e in first} == {"line.a.x": AGREES, "line.b.x": OPEN}
    then = rules.reproduce(TWO, {"line.a": one, "line.b": other}, *where)
    assert [(e["id"], e["verdict"]) for e in then] == [("line.b.x", DIFFERS), ("line.a.x", AGREES)]
    assert then[0]["why"] == "off by 0.2; the reason"
    assert CALLS == ["one", "other"]
    assert read_csv(tmp_path / "out" / "ledger.csv") == then


def test_other_rows_stay_and_missing_data_change_nothing(tmp_path):
    where = tmp_path / "out", tmp_path / "work"
    rules.reproduce(TWO, {"line.b": other}, *where)
    after = rules.reproduce(TWO, {"line.a": one, "line.b": absent}, *where)
    assert {e["id"]: e["verdict"] for e in after} == {"line.a.x": AGREES, "line.b.x": DIFFERS}


def test_other_seeds_are_made_anew(tmp_path):
    CALLS.clear()
    for seeds in (None, None, 5):
        rules.reproduce(TWO, {"line.a": one}, tmp_path, tmp_path / "work", seeds=seeds)
    assert CALLS == ["one", "one"]


def test_the_command(tmp_path, monkeypatch, capsys):
    quick = {name: ledger.makers()[name] for name in ("rsgan.states", "line.theory")}
    asked = []
    monkeypatch.setattr(ledger, "makers", lambda *a: (asked.append(a), quick)[1])
    where = ["--out", str(tmp_path), "--work", str(tmp_path / "work")]
    assert cli.main(["reproduce", "rsgan", "line", "--quick", *where]) == 0
    assert asked == [(["rsgan", "line"], True)]
    assert "9 agrees" in capsys.readouterr().out
    assert len(read_csv(tmp_path / "ledger.csv")) == len(ROWS)
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "nothing", *where])
    assert "WORK must be one of" in capsys.readouterr().err


def test_quick_leaves_out_what_takes_long():
    assert set(ledger.makers()) - set(ledger.makers(quick=True)) == set(ledger.MINUTES)
    assert {name.split(".")[0] for name in ledger.makers(["rsgan"])} == {"rsgan"}


def test_changed_code_is_run_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for value, word in ((1.01, AGREES), (1.2, DIFFERS)):
        name = f"makers_of_{word}"
        (tmp_path / f"{name}.py").write_text(f"def maker(ask):\n    return {{'x': {value}}}\n")
        maker = import_module(name).maker
        lines = rules.reproduce(TWO[:1], {"line.a": maker}, tmp_path, tmp_path / "work")
        assert [entry["verdict"] for entry in lines] == [word]


def test_the_exercises_by_the_library():
    assert ex.check_none_of_many(wilson(0, 64)[1])
    assert "rule of three" in ex.check_none_of_many(3 / 64).message
    assert ex.check_one_more(rules.prediction_interval)
    narrow = ex.check_one_more(lambda x: (x.mean() - reach(x), x.mean() + reach(x)))
    assert "1 / n" in narrow.message


def reach(x):
    """Without the uncertainty of the mean, the half width from a table of t."""
    table = {2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624}
    return table[len(x) - 1] * x.std(ddof=1)
