"""Hints and answers stay closed until they are opened, and the answers are right."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false

import ast
import re

import jupytext
import nbformat
import pytest

from gan_teach.course import chapters

DETAILS = re.compile(r"<details><summary>([^<]+)</summary>\n\n(.+?)\n\n</details>", re.S)
ANSWER = re.compile(r"```python\n(.+?)\n```\n\n```text\n(.+?)\n```", re.S)
NUMBER = re.compile(r"\d[\d.e+-]*")  # of a run that the check makes: its last digits may differ
CHECK = re.compile(r"gt\.exercises\.(check_\w+)\(")


@pytest.fixture(params=chapters(), ids=lambda chapter: chapter.name)
def cells(request):
    return jupytext.read(request.param.source, fmt="py:percent").cells


def run(code, names):
    """The value of the last expression of ``code``."""
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(statements, []), "answer", "exec"), names)
    return eval(compile(ast.Expression(last.value), "answer", "eval"), names)


def test_each_exercise_has_a_closed_answer_that_is_right(cells):
    asked, answered = [], []
    names = {}
    for cell in cells:
        if cell.cell_type == "code":
            body = ast.parse(cell.source).body
            imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), "imports", "exec"), names)
            asked += CHECK.findall(cell.source)
    for cell in cells:
        if cell.cell_type == "markdown":
            for title, content in DETAILS.findall(cell.source):
                if title != "Answer":
                    assert re.fullmatch(r"Hint( \d)?|Model answer|What (happens|you saw)", title)
                    continue
                code, reply = ANSWER.fullmatch(content).groups()
                answered += CHECK.findall(code)
                result = str(run(code, dict(names)))
                assert result.startswith("Right")
                if re.search("unseen_|_design", code):
                    result, reply = (NUMBER.sub("#", said) for said in (result, reply))
                assert result.split() == reply.split()
    assert answered == asked
    assert asked


def test_nothing_of_it_lies_open(cells):
    for cell in cells:
        if cell.cell_type == "markdown":
            open_text = DETAILS.sub("", cell.source)
            assert "Hint" not in open_text
            assert not CHECK.search(open_text)
        else:
            for call in re.findall(r"gt\.exercises\.check_\w+\((.*)\)", cell.source):
                names = r"[A-Za-z_]\w*(, [A-Za-z_]\w*)*(, \w+=[\d.]+)*"
                assert re.fullmatch(names, call), f"an answer lies open: {call}"


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_no_output_tells_an_answer(chapter):
    notebook = nbformat.read(chapter.source.with_suffix(".ipynb"), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and CHECK.search(cell.source):
            assert "Not yet" in "".join(str(output) for output in cell.outputs)
