"""The glossary: its terms are in order, each is told, and the chapters link to them."""

import re

import pytest

from gan_teach.course import chapters, copy_course, tutorial_folder

GLOSSARY = tutorial_folder() / "glossary.md"
LINK = re.compile(r"\]\(glossary\.md(#[^)]*)?\)")
TERMS = dict(re.findall(r"^## (.+)\n\n((?:.+\n)+)", GLOSSARY.read_text("utf-8"), re.MULTILINE))


def anchor(heading: str) -> str:
    """What follows # in a link to a heading, on GitHub."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def linked(text: str) -> set[str]:
    return set(LINK.findall(text)) - {""}


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_every_link_to_the_glossary_leads_to_a_term(chapter):
    strangers = linked(chapter.source.read_text("utf-8")) - {anchor(term) for term in TERMS}
    assert not strangers, f"tutorial/glossary.md has no heading for {strangers}"


def test_the_terms_are_in_the_order_of_the_alphabet_and_no_two_share_an_anchor():
    headings = re.findall(r"^## (.+)$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    assert headings == list(TERMS), "a heading stands twice, or without a text below it"
    assert headings == sorted(headings, key=str.lower)
    assert len({anchor(term) for term in TERMS}) == len(TERMS) >= 60


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_told_in_three_sentences_at_most_and_names_its_chapter(term):
    text, _, chapter = TERMS[term].strip().rpartition("Chapter&nbsp;")
    number, file = re.fullmatch(r"\[(\d\d)\]\((.+)\.ipynb\)\.", chapter).groups()  # pyright: ignore
    (named,) = (c for c in chapters() if c.name == file and c.number == number)
    assert anchor(term) in linked(named.source.read_text("utf-8")), f"{file} does not mark the term"
    assert 1 <= len(re.findall(r"[.?!](?=\s+[A-Z$]|\s*$)", text)) <= 3
    assert max(map(len, TERMS[term].splitlines())) <= 100


def test_it_travels_with_the_course(tmp_path):
    assert "glossary.md" in copy_course(tmp_path)
    first, *_ = chapters()
    assert "](glossary.md)" in first.source.read_text("utf-8")


EVERYDAY = {"game", "plateau", "settled", "spectrum"}  # words that a sentence may use as they are


@pytest.mark.parametrize("term", sorted(set(TERMS) - EVERYDAY))
def test_no_chapter_uses_a_term_before_it_is_explained_or_linked(term):
    (home,) = re.findall(r"Chapter&nbsp;\[(\w+)\]", TERMS[term])
    for chapter in chapters():
        if chapter.number >= home:
            break
        source = chapter.source.read_text("utf-8").split("# ## Further reading")[0]
        text = " ".join(line[2:] for line in source.splitlines() if line.startswith("# "))
        text = re.sub(r"`[^`]*`|<!-- map -->.*<!-- end of map -->", "", text)
        used = re.search(rf"\b{re.escape(term)}\b", text, re.IGNORECASE)
        assert not used or anchor(term) in linked(text), f"{chapter.name} does not link it"
