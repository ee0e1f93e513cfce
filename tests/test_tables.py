"""Tables as HTML and as text."""

from xml.etree import ElementTree

import pytest

from gan_teach.plots.text import Table


def test_cells_in_html_and_text():
    table = Table(["a", "b <c>"], [(1, 0.123456), ("x & y", True)], caption="What.")
    root = ElementTree.fromstring(table._repr_html_())
    assert [cell.text for cell in root.iter("th")] == ["a", "b <c>"]
    assert [cell.text for cell in root.iter("td")] == ["1", "0.123", "x & y", "yes"]
    assert root.findtext("caption") == "What."
    assert str(table).splitlines() == ["What.", "a      b <c>", "1      0.123", "x & y  yes"]
    assert repr(Table(["t"], [(False,), (float("nan"),)])) == "t\nNO\n-"


def test_a_row_of_another_length_is_named():
    with pytest.raises(ValueError, match="row 1 has 1 cells, but there are 2 columns"):
        Table(["a", "b"], [(1, 2), (3,)])
