"""Each chapter shows its algorithm as plain code, and proves it equal to the library's.

A cell tagged ``hood`` needs nothing but the chapter's imports and the hoods before it; the cell
tagged ``hood-check`` after it compares. The comparison must notice any changed sign in the hood.
"""

import ast
import contextlib
import copy
import re

import jupytext
import pytest

from gan_teach.course import chapters

LONGEST = 15  # lines: a screen that a learner can change
TOLD = re.compile(r"<details><summary>What happens</summary>\n\n(.+?)\n\n</details>", re.S)
CHANGE = re.compile(r"`([^`]+)`\s+becomes\s+`([^`]*)`")
SHOWN = re.compile(r"```text\n(.+?)\n```", re.S)
CODE = re.compile(r"```python\n(.+?)\n```", re.S)
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]\d+)?")


class Flip(ast.NodeTransformer):
    """Changes the ``k``-th plus or minus of a program into the other one."""

    def __init__(self, k):
        self.left = k

    def here(self):
        self.left -= 1
        return self.left == -1

    def visit_BinOp(self, node):
        return self.swapped(node)

    def visit_AugAssign(self, node):
        return self.swapped(node)

    def swapped(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Sub) and self.here():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        value = getattr(node.operand, "value", None)
        index = isinstance(value, int)  # x[-1], dim=-1: no sign of a formula
        flip = isinstance(node.op, ast.USub) and not index and self.here()
        return node.operand if flip else node


def parts(chapter):
    """The chapter's imports, its hoods and its checks, as programs in their order."""
    imports, found = [], []
    for cell in jupytext.read(chapter.source, fmt="py:percent").cells:
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            imports += [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            tags = cell.metadata.get("tags", [])
            found += [(kind, tree, cell.source) for kind in ("hood", "hood-check") if kind in tags]
    return ast.Module(imports, []), found


def run(programs):
    names = {}
    for program in programs:
        exec(compile(ast.fix_missing_locations(program), "hood", "exec"), names)


def signs(tree):
    """How many there are to flip."""
    flip = Flip(10**9)
    flip.visit(copy.deepcopy(tree))
    return 10**9 - flip.left


HOODS = [
    (chapter, k)
    for chapter in chapters()
    for k, (kind, *_) in enumerate(parts(chapter)[1])
    if kind == "hood-check"
]


@pytest.mark.parametrize(("chapter", "k"), HOODS, ids=[f"{c.name}-{k}" for c, k in HOODS])
def test_the_algorithm_by_hand_equals_the_librarys_and_a_changed_sign_does_not(
    chapter, k, monkeypatch
):
    monkeypatch.setenv("GAN_TEACH_SMOKE", "1")  # fewer steps
    imports, found = parts(chapter)
    before = [(kind, tree) for kind, tree, _ in found[: k + 1]]
    run([imports, *(tree for kind, tree in before[:-1] if kind == "hood"), before[-1][1]])
    first = max((i for i, (kind, _) in enumerate(before[:-1]) if kind == "hood-check"), default=-1)
    own = range(first + 1, k)  # the hoods that this check is about
    assert sum(signs(before[i][1]) for i in own) > 0
    for i in own:
        for sign in range(signs(before[i][1])):
            changed = [
                Flip(sign).visit(copy.deepcopy(tree)) if j == i else tree
                for j, (kind, tree) in enumerate(before[:-1])
                if kind == "hood"
            ]
            try:
                run([imports, *changed, before[-1][1]])
            except Exception:  # whatever notices it
                continue
            pytest.fail(f"{chapter.name}: nothing notices sign {sign} of cell {i}")


def test_hoods_fit_a_screen():
    for chapter in chapters():
        for _, _, source in parts(chapter)[1]:
            assert len([line for line in source.splitlines() if line.strip()]) <= LONGEST


def test_every_chapter_opens_its_hood():
    without = {chapter.name for chapter in chapters()} - {chapter.name for chapter, _ in HOODS}
    assert {name for name in without if name[2] != "b"} == set()  # a wrap-up has none


def told():
    """(chapter, which of its hoods' checks stands before it, what a changed line is said to do)."""
    for chapter in chapters():
        checks = -1
        for cell in jupytext.read(chapter.source, fmt="py:percent").cells:
            checks += "hood-check" in cell.metadata.get("tags", [])
            for text in TOLD.findall(cell.source) if cell.cell_type == "markdown" else ():
                yield chapter, checks, text


ASIDES = list(told())


@pytest.mark.parametrize(
    ("chapter", "check", "text"), ASIDES, ids=[f"{c.name}-{k}" for c, k, _ in ASIDES]
)
def test_a_changed_line_does_what_the_closed_answer_says(chapter, check, text, capsys, monkeypatch):
    monkeypatch.delenv("GAN_TEACH_SMOKE", raising=False)  # what it says is of the full length
    imports, found = parts(chapter)
    checks = [i for i, (kind, *_) in enumerate(found) if kind == "hood-check"]
    source = "\n\n".join(code for kind, _, code in found[: checks[check]] if kind == "hood")
    for old, new in CHANGE.findall(text):
        assert old in source
        source = source.replace(old, new)
    names = {}
    exec(compile(imports, "imports", "exec"), names)
    exec(source, names)
    with contextlib.suppress(Exception):  # what it says of the change
        exec(found[checks[check]][2], names)
    for code in CODE.findall(text):
        exec(code, names)
    (shown,) = SHOWN.findall(text)
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for line in shown.splitlines():
        assert any(alike(line.strip(), other) for other in printed), (line, printed)


def alike(one, other):
    """The same words, and numbers within 5 %, as on another machine."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=0.05, abs=0.02) for a, b in pairs)


def test_a_question_about_a_hood_has_a_closed_answer():
    asking = {chapter.number for chapter, _ in HOODS if chapter.number < "15"}
    assert asking == {chapter.number for chapter, *_ in ASIDES if chapter.number < "15"}
