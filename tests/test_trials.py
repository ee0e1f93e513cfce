"""What each chapter does with a learner's right code: its own experiment, run with the answer.

A trial is a chapter's ``if verdict:``. The answer is the one that stands closed below it, and of
the chapter before it only those statements run that the trial needs.
"""

# pyright: reportOptionalSubscript=false, reportAttributeAccessIssue=false

import ast
import re
import symtable
from itertools import pairwise

import jupytext
import numpy as np
import pytest

from gan_teach.course import chapters, exercises
from gan_teach.course.answers import Function

ANSWER = re.compile(r"<details><summary>Answer</summary>\n\n```python\n(.+?)\n```", re.S)


def statements(chapter):
    """The code of a chapter and its trials: where, the statement, and the answer it is about."""
    code, trials, unanswered = [], [], []
    for cell in jupytext.read(chapter.source, fmt="py:percent").cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.If) and ast.unparse(node.test) == "verdict":
                    unanswered.append((len(code), node))
                code.append(node)
        elif answer := ANSWER.search(cell.source):
            trials += [(k, node, with_names(answer[1], code[:k])) for k, node in unanswered]
            unanswered = []
    assert not unanswered
    return code, trials


def with_names(answer, code):
    """An answer that ends in a check, whose arguments get the names that the chapter gives them."""
    program = ast.parse(answer)
    check = program.body[-1].value
    calls = [node.value for node in code if isinstance(node, ast.Assign)]
    calls = [
        c for c in calls if isinstance(c, ast.Call) and ast.dump(c.func) == ast.dump(check.func)
    ]
    for name, value in zip(calls[-1].args, check.args, strict=True):
        program.body.append(ast.Assign([ast.Name(name.id, ast.Store())], value))
    program.body.append(ast.Assign([ast.Name("verdict", ast.Store())], check))
    return ast.fix_missing_locations(program)


def parts(node):
    """The simple statements within one, in their order; ``target = iter`` is the head of a loop."""
    inner = [getattr(node, "body", []), getattr(node, "orelse", [])]
    if isinstance(node, ast.For):
        head = [ast.Assign([node.target], node.iter, lineno=1)]
    elif isinstance(node, ast.If):
        head = [ast.Expr(node.test)]
    elif isinstance(node, ast.With):
        head = [ast.Expr(item.context_expr) for item in node.items]
    elif isinstance(node, ast.Module):
        head = []
    else:
        return [node]
    return head + [part for block in inner for own in block for part in parts(own)]


def names(part):
    """Those that a simple statement gives a value to; and those that it looks up, or a function in
    it when it is called."""
    tables = [symtable.symtable(ast.unparse(part), "part", "exec")]
    for table in tables:
        tables += table.get_children()
    own = tables[0].get_symbols()
    given = {s.get_name() for s in own if s.is_assigned() or s.is_imported()}
    found = {s.get_name() for s in own if s.is_referenced()}
    found |= {s.get_name() for table in tables[1:] for s in table.get_symbols() if s.is_global()}
    if isinstance(part, ast.AugAssign):
        found |= given
    return given, found


def gives_and_needs(node):
    given, needed = set(), set()
    for part in parts(node):
        own, found = names(part)
        needed |= found - given
        given |= own
    return given, needed


def changes(node):
    """Names whose entries or attributes a statement sets."""
    places = (p for p in ast.walk(node) if isinstance(p, ast.Subscript | ast.Attribute))
    stored = [p.value for p in places if isinstance(p.ctx, ast.Store)]
    return {p.id for p in stored if isinstance(p, ast.Name)}


def what_it_needs(code, trial, answer):
    """The statements of ``code`` without which a trial of an answer does not run."""
    functions = [node for node in code if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = {node.name: gives_and_needs(node)[1] for node in functions}
    chosen, wanted = [], set()

    def want(more):
        for name in more - wanted:
            wanted.add(name)
            want(calls.get(name, set()))

    own, needed = gives_and_needs(answer)
    want((needed | gives_and_needs(trial)[1]) - own - {"verdict"})
    for node in reversed(code):
        given, needed = gives_and_needs(node)
        if (given | changes(node)) & wanted:
            chosen.append(node)
            if isinstance(node, ast.Assign | ast.FunctionDef | ast.ClassDef):
                wanted -= given
            want(needed)
    return chosen[::-1]


TRIALS = [
    pytest.param(chapter, k, id=f"{chapter.name}-{k}")
    for chapter in chapters()
    for k in range(len(statements(chapter)[1]))
]


@pytest.mark.parametrize(("chapter", "k"), TRIALS)
def test_a_right_answer_runs_in_the_chapters_experiment(chapter, k, monkeypatch, capsys):
    monkeypatch.setenv("GAN_TEACH_SMOKE", "1")
    code, trials = statements(chapter)
    place, trial, answer = trials[k]
    own = "verdict.own" in ast.unparse(trial)
    if not own:  # the verdict itself is not looked at
        answer.body.pop()
    assert own or gives_and_needs(trial)[1] & gives_and_needs(answer)[0]  # it runs the answer
    before = ast.Module(what_it_needs(code[:place], trial, answer), [])
    scope = {"verdict": True}
    for program in (before, answer, ast.Module([trial], [])):
        capsys.readouterr()
        exec(compile(program, chapter.name, "exec"), scope)
    words = capsys.readouterr().out
    assert words or "gt.show(" in ast.unparse(trial)
    assert "nan" not in words
    for gap in re.findall(r"differ.* by at most (\S+)", words):
        assert float(gap) < 1e-5


ASKED = re.compile(r"verdict = gt\.exercises\.(check_\w+)\(\w+\)\nverdict$", re.M)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_a_trial_of_arrays_takes_an_answer_in_whatever_it_is_written(chapter):
    cells = jupytext.read(chapter.source, fmt="py:percent").cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    for source, trial in pairwise(sources):
        if found := ASKED.search(source):
            check = getattr(exercises, found[1])
            points = check.points[0] if isinstance(check, Function) else ()
            arrays = any(isinstance(x, np.ndarray | list) for x in points)
            if arrays and not check.gradient and not found[1].endswith("rule"):
                assert "verdict.own" in trial, found[1]


class Nameless:
    """A right answer as an object, which takes its arguments in their order alone."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *given):
        return self.answer(*given)


@pytest.mark.parametrize(
    ("start", "name"), [("11", "between"), ("15", "stamped"), ("12", "interval")]
)
def test_an_answer_may_be_an_object(start, name, monkeypatch, capsys):
    monkeypatch.setenv("GAN_TEACH_SMOKE", "1")
    (chapter,) = [c for c in chapters() if c.number == start]
    code, trials = statements(chapter)
    (found,) = [found for found in trials if name in gives_and_needs(found[2])[0]]
    place, trial, answer = found
    scope = {}
    for program in (ast.Module(what_it_needs(code[:place], trial, answer), []), answer):
        exec(compile(program, chapter.name, "exec"), scope)
    scope[name] = Nameless(scope[name])
    exec(compile(ast.Module([trial], []), chapter.name, "exec"), scope)
    (gap,) = re.findall(r"differ.* by at most (\S+)", capsys.readouterr().out)
    assert float(gap) < 1e-5
