"""The documentation: MyST Markdown, the furo theme, reference pages read from the tables of rows."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "chainrule"
author = "the chainrule authors"
copyright = f"2026, {author}"  # noqa: A001 - the name that Sphinx reads
release = version = version_of("chainrule")

extensions = ["myst_parser", "rows"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"chainrule {release}"
nitpicky = True
