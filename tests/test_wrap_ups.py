"""The wrap-ups: their take-aways are the chapters', their runs hidden, their verdicts the run's."""

import inspect
import re
from itertools import product

import jupytext
import nbformat
import numpy as np
import pytest

from gan_teach import metrics
from gan_teach.course import chapters, exercises as ex
from gan_teach.course.answers import Verdict
from gan_teach.zoo import experiments

WRAP_UPS = [chapter for chapter in chapters() if not chapter.number.isdecimal()]
UNSEEN = {"line": 6, "plane": 6, "images": 10}  # settings behind the seeds; "modes" takes longer
QUESTIONS = {
    "line": [ex.check_line_state, ex.check_ahead, ex.check_line_rest],
    "plane": [ex.check_plane_way, ex.check_plane_kind],
    "images": [ex.check_image_loss, ex.check_image_shown, ex.check_image_future],
}


@pytest.fixture(params=WRAP_UPS, ids=lambda chapter: chapter.name)
def wrap_up(request):
    return request.param


@pytest.fixture(scope="module")
def runs():
    make = {part: getattr(ex, f"unseen_{part}") for part in UNSEEN}
    return {part: [make[part](seed) for seed in range(n)] for part, n in UNSEEN.items()}


# -- the pages ------------------------------------------------------------------------------------


def said(chapter) -> str:
    """The text, code and outputs of a chapter."""
    cells = nbformat.read(chapter.source.with_suffix(".ipynb"), as_version=4).cells
    outputs = [o for cell in cells for o in cell.get("outputs", [])]
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return " ".join([*(cell.source for cell in cells), *texts])


def numbers(text: str) -> set[str]:
    return {n.rstrip(".,") for n in re.findall(r"\d[\d.,]*", text)}


def test_there_is_a_wrap_up_for_each_part():
    assert [chapter.number for chapter in WRAP_UPS] == ["04b", "08b", "14b", "20b"]


def test_each_number_of_the_take_aways_stands_in_the_chapter_that_is_named(wrap_up):
    cell = jupytext.read(wrap_up.source, fmt="py:percent").cells[0].source
    *_, points = cell.partition("has shown\n\n")
    named = {chapter.name: chapter for chapter in chapters()}
    bullets = re.split(r"^- ", points, flags=re.M)[1:]
    assert len(bullets) >= 5
    for bullet in bullets:
        *parts, rest = re.split(r"\[[Cc]hapter\s+\d\d\]\((\w+)\.ipynb\)", bullet)
        assert not numbers(rest), "these numbers name no chapter"
        for claim, name in zip(parts[::2], parts[1::2], strict=True):
            missing = numbers(claim) - numbers(said(named[name]))
            assert not missing, f"{name} does not say {missing}: {claim}"


def test_it_asks_as_much_as_a_quiz_and_has_a_design_and_a_dispute(wrap_up):
    text = wrap_up.source.read_text("utf-8")
    assert 5 <= len(re.findall(r"^# \*\*\d\.\*\*", text, re.M)) <= 8
    assert len(re.findall(r"^gt.exercises.check_\w+_design\(\w+\)", text, re.M)) == 1
    assert text.count("<summary>Model answer</summary>") == 1


# -- the runs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [ex.unseen.LINE, ex.unseen.PLANE, ex.unseen.MODES])
def test_seeds_in_a_row_show_all_settings_in_orders_that_differ(settings):
    n = len(settings)
    blocks = [[settings.index(ex.unseen.drawn(settings, b * n + k)) for k in range(n)]
              for b in range(4)]  # fmt: skip
    assert all(sorted(block) == list(range(n)) for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1


@pytest.mark.slow
@pytest.mark.parametrize("part", UNSEEN)
def test_a_run_does_not_tell_its_settings_and_can_be_repeated(part, runs):
    allowed = {"title", "unit", "level", "real", "knob", "values"}
    for run in runs[part]:
        assert set(run.history.meta) <= allowed
        again = run.turn()
        for name in run.history:
            assert np.array_equal(
                again[name][: len(run.history)], run.history[name], equal_nan=True
            )


@pytest.mark.parametrize("part", UNSEEN)
def test_of_each_question_one_answer_is_right_and_all_say_the_runs_numbers(part, runs):
    seen = {check: set() for check in QUESTIONS[part]}
    for check, run in product(QUESTIONS[part], runs[part]):
        verdicts = {option: check(option, run) for option in check.options}
        (right,) = (option for option, verdict in verdicts.items() if verdict)
        seen[check].add(right)
        assert all(numbers(verdict.message) for verdict in verdicts.values())
        assert "is wanted" in check("perhaps", run).message
    assert all(len(answers) > 1 for answers in seen.values()), "always the same answer"


def test_states_of_the_line_by_their_definitions(runs):
    for run in runs["line"]:
        v = run.history["objective"]
        near = np.all(np.abs(v[401:] - experiments.TARGET) < 0.1)
        assert bool(ex.check_line_state("steady", run)) == near
        assert bool(ex.check_line_state("saturated", run)) == np.all(v[401:] > -0.1)
    states = [ex.check_line_state.rule(run)[0] for run in runs["line"]]
    assert sorted(states) == sorted(
        ["steady"] * 2 + ["swinging"] * 2 + ["saturated", "none of these"]
    )


def test_tau_of_a_path_and_its_mistakes(runs):
    told = [ex.unseen.drawn(ex.unseen.PLANE, seed)[3] for seed in range(6)]
    for tau, run in zip(told, runs["plane"], strict=True):
        assert ex.check_plane_tau(tau, run)
        assert not ex.check_plane_tau(1.1 * tau, run)
        assert "learning rate" in ex.check_plane_tau(0.02 * tau, run).message


# -- knobs and designs ----------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "cure"), [
    ({"d_steps": 40}, {"loss": "non_saturating"}), ({}, {"g_steps": 10}), ({"g_steps": 20}, {}),
    ({"tau": 4.0}, {"tau": 0.1}), ({"d_steps": 40, "noise": 1.0}, {}),
    ({"lr": 0.02}, {"g_steps": 10}),
])  # fmt: skip
def test_one_knob_mends_each_run_of_the_line(hidden, cure, runs):
    order = [ex.unseen.drawn(ex.unseen.LINE, seed) for seed in range(6)]
    run = runs["line"][order.index(hidden)]
    assert ex.check_line_knob(cure, run)
    if cure:
        assert not ex.check_line_knob({}, run)


def test_one_knob_mends_each_path_and_image_run(runs):
    for run in runs["plane"]:
        assert ex.check_plane_knob(5.0, run)
    for run in runs["images"]:
        best = [value for value in run.history.meta["values"] if ex.check_image_knob(value, run)]
        assert len(best) == 1


def test_at_the_border_a_path_neither_arrives_nor_leaves():
    """There the trace -(A + tau D) is 0, and the run circles."""
    games = [ex.unseen.drawn(ex.unseen.PLANE, seed) for seed in range(6)]
    borders = {seed: -A / D for seed, (A, _, D, _) in enumerate(games) if A / D < 0}
    assert len(borders) > 3
    for seed, tau in borders.items():
        assert not ex.check_plane_knob(tau, ex.unseen_plane(seed))


@pytest.mark.slow
def test_six_gans_of_one_setting_are_read_and_mended():
    run = ex.unseen_modes(5)  # five steps of G
    covered = run.history["modes"][-1, :, 0]
    assert not ex.check_modes_state("all five", run)
    assert sum(bool(ex.check_modes_state(o, run)) for o in ex.check_modes_state.options) == 1
    assert sum(bool(ex.check_modes_motion(o, run)) for o in ex.check_modes_motion.options) == 1
    assert sum(covered == 5) < 5
    assert ex.check_modes_knob({"g_steps": 1}, run)
    assert not ex.check_modes_knob({"loss": "no such loss"}, run)


WRONG = (
    float("nan"),
    float("inf"),
    -1,
    "perhaps",
    [],
    {},
    (1, 2, 3),
    {"lr": "much"},
    lambda *_: 1 / 0,
)


def test_no_answer_raises_and_none_of_these_is_right(runs):
    about = {"line": runs["line"][0], "plane": runs["plane"][1], "image": runs["images"][0]}
    for name, check in vars(ex.wrap_ups).items():
        if not name.startswith("check_") or "modes" in name:
            continue
        part = next((run for word, run in about.items() if word in name), about["line"])
        takes_run = "run" in inspect.signature(check.rule).parameters
        for answer in WRONG:
            verdict = check(answer, part) if takes_run else check(answer)
            assert isinstance(verdict, Verdict)
            assert not verdict, (name, answer)


@pytest.mark.parametrize("knob", [{"games": 5000}, {"d_steps": 10**6}, {"lr": 0.1, "tau": 1.0}])
def test_a_knob_that_is_none_is_named(knob, runs):
    verdict = ex.check_line_knob(knob, runs["line"][0])
    assert not verdict
    assert "knob" in verdict.message


@pytest.mark.parametrize(("fade", "says"), [
    (lambda game: 1.0, "costs 500 rounds"), (lambda game: 2.0, "between 0 and 1"),
    (lambda game: 0.3, "of 64 seeds settled"), (lambda game: max(0, 1 - game / 300), "55 of 64"),
    (lambda game: float("nan"), "between 0 and 1"),
])  # fmt: skip
def test_a_fade_is_judged_by_its_cost_and_its_runs(fade, says):
    verdict = ex.check_fade_design(fade)
    assert not verdict
    assert says in verdict.message


def test_a_full_noise_that_stops_is_right():
    assert ex.check_fade_design(lambda game: game < 150)


def test_forty_steps_of_the_dirac_gan():
    assert ex.check_dirac_design([0.25, 16])
    for mu, tau in ((1, 1), (0, 1), (0.15, 44), (0.3, 1)):
        assert not ex.check_dirac_design((mu, tau))


@pytest.mark.parametrize(("measure", "fooled_by"), [
    (metrics.sliced_wasserstein, ("twice too wide", "width zero", "5 % astray")),
    (metrics.sample_frechet, ("twice too wide", "width zero", "a blob", "turned")),
    (lambda fake, real: np.random.default_rng(len(fake)).random(), ("one mode", "a blob")),
])  # fmt: skip
def test_a_measure_that_is_fooled_is_told_by_what(measure, fooled_by):
    verdict = ex.check_measure_design(measure)
    assert not verdict
    assert all(trick in verdict.message for trick in fooled_by)


@pytest.mark.slow
def test_nearest_neighbours_and_strays_make_a_right_measure():
    def measure(fake, real):
        both = np.concatenate([fake, real])
        apart = np.linalg.norm(both[:, None] - both, axis=2)
        np.fill_diagonal(apart, np.inf)
        nearest = apart.argmin(1) < len(fake)
        alike = (nearest == (np.arange(len(both)) < len(fake))).mean()
        return alike + 10 * (apart[: len(fake), len(fake) :].min(1) > 0.15).mean()

    assert ex.check_measure_design(measure)


def test_a_comparison_has_to_know_its_noise():
    def by_all(n):
        def compare(draw_a, draw_b, real):
            a, b = (metrics.sample_frechet(draw(n), real) for draw in (draw_a, draw_b))
            return "a" if a < b else "b"

        return compare

    assert "where neither is 0" in ex.check_comparison_design(by_all(2000)).message
    assert "no more" in ex.check_comparison_design(by_all(2001)).message
    assert not ex.check_comparison_design(lambda *_: "neither")


# -- code -----------------------------------------------------------------------------------------


def test_code_by_another_way():
    def settled(curve, level, within):
        good = (k for k in range(len(curve)) if all(abs(x - level) < within for x in curve[k:]))
        return next(good, float("inf"))

    def factor(J, tau, lr):
        step = np.eye(2) + lr * np.array([J[0], tau * J[1]])
        half, det = np.trace(step) / 2, np.linalg.det(step)
        root = np.emath.sqrt(half**2 - det)
        return max(abs(half + root), abs(half - root))

    def count(x, centers, sigma, least):
        found = [0] * len(centers)
        for point in x:
            apart = [np.hypot(*(point - center)) for center in centers]
            if min(apart) <= 3 * sigma:
                found[apart.index(min(apart))] += 1
        return sum(n >= least for n in found)

    def rank(x, y):
        n = len(x)
        places = [[sum(v < w for v in values) for w in values] for values in (x, y)]
        return 1 - 6 * sum((a - b) ** 2 for a, b in zip(*places, strict=True)) / (n**3 - n)

    assert ex.check_settled_from(settled)
    assert ex.check_step_factor(factor)
    assert ex.check_mode_count(count)
    assert ex.check_rank_correlation(rank)


@pytest.mark.parametrize(("check", "answer", "says"), [
    (ex.check_settled_from, lambda v, level, d: np.argmax(abs(v - level) < d), "leave again"),
    (ex.check_settled_from, lambda v, level, d: 0, "is wanted"),
    (ex.check_step_factor, lambda J, tau, lr: abs(np.linalg.eigvals(np.eye(2) + lr * J)).max(),
     "where is tau"),
    (ex.check_mode_count, lambda x, c, s, n: len(c), "is wanted"),
    (ex.check_rank_correlation, lambda x, y: np.corrcoef(x, y)[0, 1], "rank them"),
])  # fmt: skip
def test_mistakes_in_code_are_named(check, answer, says):
    assert not check(answer)
    assert says in check(answer).message


def last_outside(good):
    outside = np.flatnonzero(~good)
    first = outside[-1] + 1 if len(outside) else 0
    return first if first < len(good) else np.inf


@pytest.mark.parametrize(
    "wrong",
    [
        lambda v, level, within: last_outside(v - level < within),  # one side of the level only
        lambda v, level, within: last_outside(abs(v - level) < 0.3),
        lambda v, level, within: last_outside(abs(v - 2.0) < within),
        lambda v, level, within: (
            np.flatnonzero(abs(v - level) >= within)[-1] + 1
        ),  # if there is one
        lambda v, level, within: last_outside(abs(v - level) / abs(level) < within),
    ],
)
def test_a_place_found_by_luck_does_not_count(wrong):
    assert not ex.check_settled_from(wrong)
    assert ex.check_settled_from(lambda v, level, d: last_outside(abs(v - level) < d))


@pytest.mark.parametrize(
    "knob",
    [{1: 2}, {None: 1}, {"d_steps": 0}, {"d_steps": [1, 2]}, {"lr": 10**400}, {"lr": {}}, 3],
)
def test_a_knob_that_is_none_is_told_and_nothing_raises(knob):
    verdict = ex.check_line_knob(knob, ex.unseen_line(1))
    assert not verdict
    assert verdict.message
