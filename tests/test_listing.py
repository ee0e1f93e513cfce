"""gt.source: the code that runs is the code that is shown."""

import functools

import pytest

import gan_teach as gt
from gan_teach.dynamics import RULES
from gan_teach.games.losses import LOSSES
from gan_teach.games.penalties import PENALTIES


@pytest.mark.parametrize("name", RULES)
def test_a_rule_shows_its_formula_its_lines_and_its_numbers(name):
    rule = RULES[name]()
    text = str(gt.source(rule))
    assert "def __call__(self, game" in text
    assert str(type(rule).__doc__).strip().splitlines()[0] in text
    for key, value in vars(rule).items():
        assert isinstance(value, gt.dynamics.Rule) or f"{key}={value!r}" in text.splitlines()[0]
    assert str(gt.source(RULES[name])) in text  # the rule not called yet: the same, without numbers


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_shows_both_players_formulas(name):
    text = str(gt.source(LOSSES[name]))
    assert "L_G = " in text
    assert "L_D = " in text
    assert text.count("def ") == 2


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_shows_its_maker_and_its_weight(name):
    text = str(gt.source(PENALTIES[name](3.0)))
    assert f"def {name}(" in text
    assert "weight=3.0" in text


def test_probes_partials_and_methods():
    assert "def loss(player: str)" in str(gt.source(gt.probes.loss("d")))
    assert "key='d_loss'" in str(gt.source(gt.probes.loss("d")))
    text = str(gt.source(functools.partial(gt.alternating, d_steps=7)))
    assert text.startswith("# with d_steps=7\n\n\n")
    assert "class Alternating" in text
    assert str(gt.source(gt.GAN.loss_d)).startswith("def loss_d(self")
    assert "def smoothed(" in str(gt.source(gt.losses.smoothed(gt.losses.saturating, 0.9)))


def test_a_function_of_ones_own_is_shown_as_it_stands():
    def mine(game, draw, optims):
        return {"g_loss": 0.0, "d_loss": 0.0}  # nothing

    assert "# nothing" in str(gt.source(mine))


def test_the_parts_are_shown_too():
    assert "0.5 * " in str(gt.source(gt.penalties.r1(2.0)))  # the half of gamma / 2
    text = str(gt.source(gt.weight_clipping(1.0, gt.extragradient())))
    assert text.count("def __call__(") == 2
    assert "class Extragradient" in text


@pytest.mark.parametrize("name", ["saturating", gt.penalties])
def test_a_name_is_not_the_thing(name):
    with pytest.raises(TypeError, match="give the thing itself"):
        gt.source(name)


def test_what_has_no_text_is_refused():
    with pytest.raises(TypeError, match="has no readable text"):
        gt.source(len)


def test_a_notebook_folds_and_highlights():
    shown = gt.source(gt.alternating(d_steps=5))
    page = shown._repr_html_()
    assert page.startswith("<details><summary><code>Alternating</code>")
    assert "<span style=" in page
    assert repr(shown) == shown.text
