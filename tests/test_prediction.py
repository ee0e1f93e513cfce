"""A reader's prediction, made by the buttons that a notebook shows."""

import pytest

import gan_teach as gt
from gan_teach.course import prediction

pytest.importorskip("ipywidgets")
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def a_session_of_its_own(monkeypatch):
    monkeypatch.setattr(prediction, "_SAID", {})


@pytest.fixture
def guess():
    return gt.predict("settles", "saturates", "cycles")


def test_nothing_is_chosen_for_the_reader(guess, capsys):
    assert guess.buttons.value is None
    guess.answer("settles")
    assert capsys.readouterr().out == 'It was "settles".\n'


def test_the_reader_is_told_what_was_said_and_what_it_was(guess, capsys):
    guess.buttons.index = 2  # what a click on the third button sends
    guess.answer("settles")
    assert capsys.readouterr().out == 'You said "cycles"; it was "settles".\n'
    guess.buttons.index = 0  # another mind, and the same run once more
    guess.answer("settles")
    assert capsys.readouterr().out == 'You said "settles", and so it was.\n'


def test_a_screen_reader_hears_what_the_buttons_are_for_and_what_was_chosen(guess):
    assert guess.buttons.description == "I predict"
    assert guess.buttons.tooltips[1] == "I predict: saturates"
    assert guess.status.value == ""
    guess.buttons.index = 1
    assert guess.status.value == '<p role="status">I predict: saturates</p>'


def test_running_the_cell_once_more_keeps_what_was_said(guess):
    guess.buttons.index = 2
    again = gt.predict(*guess.options)
    assert again.buttons.value == "cycles"
    assert "cycles" in again.status.value
    assert gt.predict("yes", "no").buttons.value is None


def test_options_are_words_not_markup():
    guess = gt.predict("V < 0", "V > 0")
    guess.buttons.index = 0
    assert guess.status.value == '<p role="status">I predict: V &lt; 0</p>'


def test_a_notebook_shows_the_buttons_and_paper_the_question(guess):
    bundle = guess._repr_mimebundle_()
    assert bundle["text/plain"] == "Predict: settles, saturates or cycles?"
    assert bundle[WIDGET]["model_id"] == guess.box.model_id
    assert guess.buttons in guess.box.children
    assert repr(gt.predict("up", "down")) == "Predict: up or down?"


@pytest.mark.parametrize("options", [(), ("up",), ("up", "down", "up")])
def test_fewer_than_two_options_or_equal_ones_are_refused(options):
    with pytest.raises(ValueError, match="options must be at least two different ones, got"):
        gt.predict(*options)


def test_an_outcome_that_was_no_option_is_refused(guess, capsys):
    sentence = "outcome must be one of settles, saturates, cycles; .* Did you mean 'settles'"
    with pytest.raises(ValueError, match=sentence):
        guess.answer("settled")
    assert capsys.readouterr().out == ""
