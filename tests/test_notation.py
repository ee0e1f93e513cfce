"""The table of notation: a symbol stands where the table says, and nowhere else."""

import re

import pytest

from gan_teach.course import chapters, copy_course, tutorial_folder

PAGE = (tutorial_folder() / "notation.md").read_text("utf-8")
ROWS = re.findall(r"^\| \$(.+?)\$ \| (.+) \| (.+) \| (.+) \|$", PAGE, re.M)
SYMBOLS = {symbol: named for symbol, _, _, named in ROWS}
TOKEN = r"(?<![A-Za-z\\]){}(?![A-Za-z])"
_COMMAND = re.compile(
    r"\\(?:text|mathrm|operatorname|mathcal|mathbb|mathbf)\s*(?:\{[^{}]*\}|[A-Za-z])"
)


def formulas(source: str) -> str:
    """All mathematics of a chapter's text, the map and code left out."""
    text = "\n".join(line[2:] for line in source.splitlines() if line.startswith("#"))
    text = re.sub(r"```.*?```|`[^`]*`|<!-- map -->.*<!-- end of map -->", "", text, flags=re.S)
    return " ".join("".join(pair) for pair in re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", text, re.S))


ALL = {c.number: formulas(c.source.read_text("utf-8")) for c in chapters()}
MATHS = {number: text for number, text in ALL.items() if number.isdecimal()}


def users(symbol: str) -> list[str]:
    """The chapters whose formulas have ``symbol``; a letter within a word or a command is none."""
    pattern = TOKEN.format(re.escape(symbol)) if symbol[0].isalpha() else _exactly(symbol)
    plain = symbol if symbol.startswith("\\mathbf") else None
    return [n for n, text in MATHS.items() if re.search(pattern, _kept(text, plain))]


def _exactly(command: str) -> str:
    return re.escape(command) + ("(?![A-Za-z])" if command[-1].isalpha() else "")


def _kept(text: str, plain: str | None) -> str:
    return text if plain else _COMMAND.sub(" ", text)


def test_the_reading_of_formulas_tells_letters_from_words():
    source = (
        "# $\\text{w}$ `$w$` $\\mathbf w$ and $\\tau^*$\n#\n# $$\\gamma\n#   = 1$$\nw = '$w$'\n"
    )
    MATHS["?"] = formulas(source)
    try:
        assert "?" in users("\\gamma")
        assert "?" in users("\\mathbf w")
        assert "?" in users("\\tau^*")
        assert "?" not in users("w")
        assert "?" not in users("\\eta")
    finally:
        del MATHS["?"]


def test_no_symbol_stands_twice():
    assert len(SYMBOLS) == len(ROWS) >= 40


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_is_used_by_the_chapters_that_the_table_names(symbol):
    home, file, rest = re.fullmatch(r"\[(\w+)\]\((\w+)\.ipynb\)(.*)", SYMBOLS[symbol]).groups()  # pyright: ignore
    assert (home, file) in {(c.number, c.name) for c in chapters()}
    there = users(symbol)
    if rest == " on":
        assert home in there[:2]
        assert len(there) > 3
    else:
        assert there == [home, *re.findall(r"\w+", rest)], f"${symbol}$ is used in {there}"


@pytest.mark.parametrize("number", sorted(set(ALL) - set(MATHS)))
def test_a_wrap_up_uses_what_its_part_has_explained(number, monkeypatch):
    monkeypatch.setitem(MATHS, number, ALL[number])
    homes = {symbol: re.findall(r"\w+", named)[0] for symbol, named in SYMBOLS.items()}
    early = [symbol for symbol in SYMBOLS if number in users(symbol) and homes[symbol] > number]
    assert not early


def test_its_links_lead_somewhere_and_it_travels_with_the_course(tmp_path):
    links = set(re.findall(r"\]\(([^)#]+)\)", PAGE))
    assert links <= set(copy_course(tmp_path))
    assert "notation.md" in copy_course(tmp_path)
    assert "](notation.md)" in chapters()[0].source.read_text("utf-8")
