"""The architecture, enforced: a module imports only from its own layer or from below."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import structure

LAYERS = [  # the floors of the house, from the ground up; whoever imports, imports downwards
    {"_checks", "_devices", "_files", "_identity", "_progress", "history"},
    {"data"},
    {"models"},
    {"games"},
    {"plots"},
    {"analysis"},
    {"dynamics"},
    {"metrics"},
    {"training"},
    {"zoo"},
    {"studies"},
    {"lab"},
    {"course"},
    {"cli"},
    {"__main__"},
]
LAYER_OF = {name: layer for layer, names in enumerate(LAYERS) for name in names}
WITHOUT_TORCH = ["plots", "plots.animation", "history", "course", "cli"]
# Heavy packages that a learner who only trains a GAN must not wait for.
LAZY = ["matplotlib", "scipy", "sklearn", "pandas", "seaborn", "ipywidgets", "tqdm", "numba"]
MAY_BE_EAGER = dict.fromkeys(["plots", "lab", "studies"], LAZY)
MAY_BE_EAGER["analysis"] = ["numba"]  # in flows/compiled.py, which is itself loaded late

MODULES = [p for p in structure.sources() if p != structure.PACKAGE / "__init__.py"]


def top_level(path: Path) -> str:
    """plots/samples.py belongs to the module plots."""
    return structure.inside(path).parts[0].removesuffix(".py")


class Imports(ast.NodeVisitor):
    """The names a file imports: ``eager`` on import, ``inner`` in functions; no type-only ones."""

    def __init__(self, path: Path):
        self.package = ["gan_teach", *structure.inside(path).parts[:-1]]
        self.eager: set[str] = set()
        self.inner: set[str] = set()
        self.depth = 0
        self.visit(ast.parse(path.read_text("utf-8")))

    def visit_If(self, node: ast.If) -> None:
        if not ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_Import(self, node: ast.Import) -> None:
        self._add(*(alias.name for alias in node.names))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        base = [*base, *([node.module] if node.module else [])]
        self._add(*(".".join([*base, alias.name]) for alias in node.names))

    def _add(self, *names: str) -> None:
        (self.inner if self.depth else self.eager).update(names)

    def ours(self, names: set[str]) -> set[str]:
        """The modules of gan_teach among ``names`` (not ``gan_teach.__version__``)."""
        parts = [name.split(".") for name in names]
        return {p[1] for p in parts if p[0] == "gan_teach" and len(p) > 1 and p[1] in LAYER_OF}


def name_of(path: Path) -> str:
    return structure.inside(path).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downwards(path):
    here = top_level(path)
    assert here in LAYER_OF, f"{here} has no layer: give it one in {Path(__file__).name}"
    found = Imports(path)
    above = {m for m in found.ours(found.eager | found.inner) if LAYER_OF[m] > LAYER_OF[here]}
    assert not above, f"{name_of(path)} (layer {LAYER_OF[here]}) imports {above} from above"


def test_imports_have_no_cycle():
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        found, here = Imports(path), top_level(path)
        graph.setdefault(here, set()).update(found.ours(found.eager) - {here})
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError and names the cycle


def file_of(name: str) -> Path | None:
    """The file of gan_teach that an imported name leads to."""
    places = {name_of(path): path for path in MODULES}
    parts = name.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = "/".join(parts[:length])
        for file in (f"{place}.py", f"{place}/__init__.py"):
            if file in places:
                return places[file]
    return None


def files_imported(path: Path) -> set[str]:
    """The files of gan_teach that a file imports, in functions too."""
    found = Imports(path)
    names = found.eager | found.inner
    paths = {file_of(name) for name in names if name.startswith("gan_teach.")}
    return {name_of(p) for p in paths if p is not None and p != path}


def test_no_file_imports_one_that_imports_it_back():
    """Nor in a circle, and a function hides none."""
    graph = {name_of(path): files_imported(path) for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_packages_wait_until_they_are_used(path):
    here = top_level(path)
    eager = {name.partition(".")[0] for name in Imports(path).eager}
    assert not (eager & set(LAZY)) - set(MAY_BE_EAGER.get(here, ()))


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_pictures_and_tools_work_where_torch_cannot_be_imported(module):
    run(f"import sys; sys.modules['torch'] = None; import gan_teach.{module}")


@pytest.mark.slow
def test_importing_everything_the_course_trains_with_stays_light():
    """Beyond what torch itself loads, ``import gan_teach`` and training bring in nothing heavy."""
    code = (
        "import sys, torch; before = set(sys.modules); import gan_teach as gt\n"
        "if {'train', 'GAN'} <= set(dir(gt)): gt.train, gt.GAN\n"
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before})"
    )
    assert not set(run(code).split()) & set(LAZY)


def test_the_rules_catch_what_they_are_for(tmp_path, monkeypatch):
    """The walker itself: relative, nested and type-only imports."""
    monkeypatch.setattr(structure, "PACKAGE", tmp_path)
    (tmp_path / "plots").mkdir()
    file = tmp_path / "plots" / "x.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nfrom ..training import train\nimport scipy.linalg\n"
        "if TYPE_CHECKING:\n    from gan_teach.cli import main\n"
        "def f():\n    from gan_teach import zoo\n"
    )
    found = Imports(file)
    assert found.ours(found.eager) == {"training"}
    assert found.ours(found.inner) == {"zoo"}
    assert "scipy.linalg" in found.eager


def test_a_circle_hidden_in_a_function_is_found(tmp_path, monkeypatch):
    texts = {
        "a.py": "from gan_teach.plots import b\n",
        "b.py": "def f():\n    from gan_teach.plots.a import g\n",
        "c.py": "from gan_teach.plots.a import b\n",
    }
    (tmp_path / "plots").mkdir()
    paths = [tmp_path / "plots" / name for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    monkeypatch.setattr(structure, "PACKAGE", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "MODULES", paths)
    with pytest.raises(graphlib.CycleError, match=r"plots/[ab]\.py"):
        test_no_file_imports_one_that_imports_it_back()
    paths[1].write_text("")
    assert files_imported(paths[0]) == {"plots/b.py"}
    assert files_imported(paths[2]) == {"plots/a.py"}
    test_no_file_imports_one_that_imports_it_back()
