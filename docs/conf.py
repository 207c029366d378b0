"""The site, built by `make docs`: see https://www.sphinx-doc.org/en/master/usage/configuration.html for the names."""

from pathlib import Path

import tomllib

_ROOT = Path(__file__).parent.parent

project = "Fastest"
version = release = tomllib.loads((_ROOT / "Cargo.toml").read_text("utf-8"))["workspace"]["package"]["version"]
copyright = "the authors of Fastest"
html_title = f"{project} {version}"

extensions = ["myst_parser", "sphinx_copybutton"]
# A link to a page or a heading that is not there is a warning, and `make docs` makes errors of those.
nitpicky = True
# Headings have the anchors that they have on GitHub, so that one link works in both.
myst_heading_anchors = 4
# Options begin with two hyphens, not with a dash.
smartquotes = False

html_theme = "furo"
html_show_sourcelink = False
html_copy_source = False
# Commands are copied, not what they print.
copybutton_prompt_text = "$ "
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(_ROOT / "docs/tools/search.js")
