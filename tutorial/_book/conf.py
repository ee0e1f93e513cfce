"""The course as a site: what Sphinx is told. ``gan-teach book`` runs it; nothing is executed."""

import importlib.util
from pathlib import Path

from gan_teach import __version__
from gan_teach.course.book import REPOSITORY

here = Path(__file__).resolve().parent
project, author, release = "gan_teach", "The gan_teach authors", __version__
html_title = "Why GANs converge, cycle or collapse"
extensions = ["myst_nb", "sphinx.ext.mathjax"]
nb_execution_mode = "off"
nb_code_prompt_show, nb_code_prompt_hide = "Show the {type}", "Hide the {type}"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Formulas: the one file of MathJax that needs no fonts beside it, from a package that ships it.
spec = importlib.util.find_spec("sphinx-mathjax-offline")
if spec is None or spec.origin is None:
    raise ImportError("sphinx-mathjax-offline is missing: pip install 'gan-teach[book]'.")
mathjax_path = "tex-svg.js"
html_static_path = [
    str(here / "static"),
    str(Path(spec.origin).parent / "static" / "mathjax" / mathjax_path),
]

html_theme = "sphinx_book_theme"
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": f"https://github.com/{REPOSITORY}",
    "repository_branch": "HEAD",
    "path_to_docs": "tutorial",
    "use_repository_button": True,
    "navbar_persistent": [],  # the search stands in the side bar
    "show_toc_level": 2,
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
}
