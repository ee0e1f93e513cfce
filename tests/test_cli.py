"""The command line: what is printed, the exit status, and one sentence for every mistake."""

import argparse
import inspect
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from gan_teach import History, __version__, cli, course, zoo
from gan_teach.lab import Session
from gan_teach.studies import bogonet


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lst"], "COMMAND must be one of list, lab, .*got 'lst'. Did you mean 'list'?"),
        (["lab", "noisy"], "'noisy' is a run for the lab alone: gan-teach lab --app 'noisy'"),
        (["lab", "--port", "70000"], "--port must be a whole number from 1 to 65535, got 70000"),
        (["run"], "EXPERIMENT is missing"),
        (["run", "normal", "--replay", "normal,draws=2/3"], "all settings in its text"),
        (["run", "--replay", "normal,draws=2/3", "--lr", "0.2"], "all settings in its text"),
        (["run", "--replay", "nomal/3"], "preset must be one of .* Did you mean 'normal'"),
        (["list", "--loud"], "unrecognized arguments: --loud"),
    ],
)
def test_bad_usage_is_one_sentence_and_status_2(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("gan-teach: ")
    assert error.count("\n") == 1
    assert re.search(sentence, error)


def test_a_failed_task_is_one_sentence_and_status_1(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["lab", "--copy-only", "--folder", str(tmp_path / "file")]) == 1
    assert re.fullmatch(r"gan-teach: .*file is a file, not a folder.*\n", capsys.readouterr().err)


def test_an_error_from_another_package_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(course, "chapters", lambda: json.loads("{"))
    with pytest.raises(ValueError, match="property name") as bug:
        cli.main(["list"])
    assert "json" in str(bug.traceback[-1].path)


def test_list_has_a_line_for_each_chapter(capsys):
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    for chapter in course.chapters():
        assert chapter.name in out
        assert chapter.summary in out


def test_no_arguments_print_the_help(capsys):
    assert cli.main([]) == 0
    assert "COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("command", cli.COMMANDS.values(), ids=list(cli.COMMANDS))
def test_every_parameter_of_a_command_is_a_flag_with_a_word_about_it(command):
    parser = argparse.ArgumentParser()
    command.add_to(parser)
    helps = {action.dest: action.help for action in parser._actions}
    own = inspect.signature(command.run).parameters.values()
    assert {p.name for p in own if p.kind is not p.VAR_KEYWORD} <= set(helps)
    assert all(helps.values())


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_every_setting_of_an_image_gan_is_a_flag_with_a_word_about_it(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    helps = capsys.readouterr().out.partition("options:")[2]
    for name in zoo.image_gan("mnist-dcgan").identity():
        assert re.search(rf"^  --{name.replace('_', '-')}\b.*\s+\w", helps, re.M), name


def test_a_flag_that_is_left_out_is_as_the_settings_class_has_it(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        cli.main(["bogonet", "--help"])
    assert re.search(r"--lr LR\s+Adam's rate; default: 0.003\n", capsys.readouterr().out)
    asked = []
    nothing = History([], {}, meta=dict.fromkeys(("architectures", "architectures_planned"), 0))
    nothing.meta["interrupted"] = False
    monkeypatch.setattr(bogonet, "run_study", lambda *how, **_: asked.append(how) or nothing)
    assert cli.main(["bogonet", "--batch-size", "16", "--lr", "0.1"]) == 0
    assert asked == [(100, bogonet.Budget(batch_size=16, lr=0.1))]


def test_a_setting_without_a_flag_of_its_own_before_is_said_by_its_flag(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "mnist-dcgan", "--d-every", "x"])
    assert "--d-every must be a whole number, got 'x'" in capsys.readouterr().err


def test_lab_copies_the_course_where_it_is_asked_to(tmp_path, capsys):
    target = tmp_path / "mine"
    assert cli.main(["lab", "--folder", str(target), "--copy-only"]) == 0
    assert str(target) in capsys.readouterr().out
    there = {path.name for path in target.glob("*.ipynb")}
    assert there == {f"{chapter.name}.ipynb" for chapter in course.chapters()}


def test_lab_started_in_the_course_folder_stays_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(["lab", "--copy-only"])
    monkeypatch.chdir(tmp_path / course.DEFAULT_FOLDER)
    cli.main(["lab", "--copy-only"])
    assert not (tmp_path / course.DEFAULT_FOLDER / course.DEFAULT_FOLDER).exists()


def test_lab_says_which_changed_notebooks_have_a_new_version(monkeypatch, capsys):
    offer = {"00_start_here.ipynb": "", "01_normal.ipynb": "01_normal.new.ipynb"}
    monkeypatch.setattr(course, "copy_course", lambda folder: offer)
    cli.main(["lab", "--copy-only"])
    out = capsys.readouterr().out
    assert "01_normal.ipynb holds your changes and stays; the new version is 01_normal.new" in out
    assert "00_start" not in out


def test_ctrl_c_ends_without_a_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "chapters", interrupted)
    assert cli.main(["list"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_the_module_is_the_command():
    command = [sys.executable, "-m", "gan_teach", "--version"]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == f"gan-teach {__version__}"


def test_lab_does_not_wait_for_torch(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from gan_teach.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "lab", "--copy-only", "--folder", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)


@pytest.mark.slow
def test_a_run_of_the_lab_is_repeated_from_its_text(tmp_path, capsys):
    session = Session("normal", seed=3, d_steps=2)
    session.tick(4)
    session.set(lr=0.05)
    session.tick(5)
    assert cli.main(["run", "--replay", session.replay, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert session.frame.narration in out
    assert f"d_loss     {session.history.last('d_loss'):.10g}" in out
    again = History.load(tmp_path / "run.npz")
    for key in session.history.keys():  # noqa: SIM118
        np.testing.assert_array_equal(again[key], session.history[key])
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.npz", "run.py", "run.png", "run.html", "run.gif",
    }  # fmt: skip
