"""How the documentation is built: Markdown by MyST, no network, and every warning an error in CI."""

from importlib.metadata import version as installed_version

project = "estudio"
author = "the estudio contributors"
release = installed_version("estudio")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "estudio"
html_copy_source = False
nitpicky = True
