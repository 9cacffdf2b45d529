"""Configuration of Sphinx for the site that `./reproduce.sh docs` builds."""

from pathlib import Path

import snnbp

project = "snnbp"
author = "The snnbp developers"
copyright = author
version = release = snnbp.__version__
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = [".doctrees", "benchmarks/results/simulators.md"]  # a table without a title

nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autosummary_generate = True
# Some file systems ignore case: there, snnbp.Trace and snnbp.trace would be one file.
autosummary_filename_map = {
    f"snnbp.{name}": f"snnbp.class.{name}" for name in snnbp.__all__ if name[0].isupper()
}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
numpydoc_show_class_members = False
templates_path = [str(Path(__file__).parent / "templates")]  # autosummary searches from the staged pages

language = "en"
html_theme = "furo"
html_title = f"snnbp {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
mathjax_path = "mathjax/tex-svg.js"
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "playground.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}


def skip_other(app, what, name, obj, skip, options):
    """Leave out what another package defined, and on a module's page what has a page as `snnbp.NAME`."""
    elsewhere = not str(getattr(obj, "__module__", None) or "snnbp").startswith("snnbp")
    return skip or elsewhere or (what == "module" and getattr(snnbp, name, None) is obj)


def setup(app):
    """Register the rule of the API reference."""
    app.connect("autodoc-skip-member", skip_other)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
