"""``gan-teach lab`` as a learner meets it."""

import pytest

from jupyter_servers import READY, course


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The address of the first chapter."""
    with course(tmp_path_factory.mktemp("course")) as server:
        yield f"{server.url}/lab/tree/00_start_here.ipynb?token={server.token}&reset"


def test_the_first_chapter_opens_unchanged_and_nothing_is_asked(page, start):
    page.goto(start)
    page.locator(".jp-Notebook").first.wait_for()
    page.locator(READY).wait_for()
    page.wait_for_timeout(3000)  # in which JupyterLab would ask
    assert page.locator(".jp-mod-dirty").count() == 0
    assert page.locator(".jp-Dialog").count() == 0
    assert page.locator(".Toastify__toast").all_inner_texts() == []
    page.locator("a[href*='teaching.md']").first.click()  # a page to read, not its source
    page.locator(".jp-RenderedMarkdown h1", has_text="For teachers").wait_for()


def test_an_answer_stays_closed_until_its_cell_is_run(page, start):
    page.goto(start)
    page.locator(READY).wait_for()
    film = page.locator("img[alt^='Five moments of training']")
    verdict = page.get_by_text('It was "pass 5 and come back".')
    page.get_by_role("heading", name="One picture").scroll_into_view_if_needed()
    beside = page.locator(".jp-OutputPlaceholder").last
    beside.wait_for()
    assert not film.is_visible()
    assert not verdict.is_visible()
    assert beside.inner_text() == ""
    page.locator(".jp-MarkdownCell").first.click()
    for _ in range(12):
        page.keyboard.press("Shift+Enter")
    verdict.wait_for()
    assert film.is_visible()
