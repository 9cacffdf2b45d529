"""The documentation site: built once from stored outputs, then read as files and in a browser, offline.

Screenshots go to build/screenshots/. The browser's tests are skipped where there is no /usr/bin/chromium.
"""

import base64
import hashlib
import json
import re

import pytest

import snnbp
from snnbp import plots
from snnbp.paper import NOTEBOOKS, ROOT, Failure, commands

SCREENSHOTS = ROOT / "build" / "screenshots"
PAGES = ("index", "notebooks/00_start_here", "notebooks/05_fashion_mnist", "api/index", "docs/validity")
# Elements that stick out of the window and do not scroll by themselves.
CUT = """() => [...document.querySelectorAll("article *")].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) return false;
    for (let outer = element.parentElement; outer; outer = outer.parentElement)
        if (["auto", "scroll"].includes(getComputedStyle(outer).overflowX)) return false;
    return true;
}).map(element => element.outerHTML.slice(0, 100))"""


def text_of(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_each_notebook_s_page_shows_its_stored_figures(site, path):
    page = text_of(site, f"notebooks/{path.stem}")
    shown = {
        hashlib.sha256((site / "notebooks" / name).read_bytes()).hexdigest()
        for name in re.findall(r'<img[^>]* src="([^":]+)"', page)
    }
    notebook = json.loads(path.read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    pictures = [output["data"] for output in outputs if "image/png" in output.get("data", {})]
    stored = [data["image/png"] for data in pictures if "text/html" not in data]  # else that is shown
    assert {hashlib.sha256(base64.b64decode(image)).hexdigest() for image in stored} <= shown
    tables = sum("<table" in "".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert page.count('class="dataframe"') >= tables


def test_every_public_name_and_every_explanation_has_a_page(site):
    contents = text_of(site, "api/index")
    for name in set(snnbp.__all__) - {"__version__", "backends", "interop"}:
        (page,) = set(re.findall(rf'href="(snnbp\.[\w.]+)\.html#snnbp\.{name}"', contents))
        assert f'id="snnbp.{name}"' in text_of(site, f"api/{page}")
    for name in plots.__all__:
        assert f'#snnbp.plots.{name}"' in contents
    front = text_of(site, "index")
    for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/howto/*.md"), *NOTEBOOKS.glob("*.ipynb")]:
        assert f'href="{path.relative_to(ROOT).with_suffix("")}.html"' in front, path


def test_pages_have_names_that_differ_in_more_than_case(site):
    names = [path.relative_to(site).as_posix().lower() for path in site.rglob("*.html")]
    assert len(names) == len(set(names))


def test_a_fault_is_an_error(site_builder, monkeypatch, tmp_path, capfd):
    def stage(source):
        source.mkdir()
        (source / "index.md").write_text("# Title\n\n[gone](gone.md)\n", encoding="utf-8")

    monkeypatch.setattr(site_builder, "_stage", stage)
    with pytest.raises(Failure, match="faults above"):
        site_builder.build(tmp_path / "site")
    assert "gone" in capfd.readouterr().err


def test_links_that_lead_nowhere_are_found(site_builder, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text('<h1 id="here">title</h1>', encoding="utf-8")
    (tmp_path / "index.html").write_text(
        """<a href="other/#here">right</a> <a href="https://example.org/">right</a> <a href="#top">right</a>
        <a href="other/index.html#there">wrong</a> <a href="gone.html">wrong</a> <a href="#gone">wrong</a>
        <img src="gone.png"> <script src="https://example.org/x.js"></script> <img src="data:image/png,">""",
        encoding="utf-8",
    )
    assert site_builder.broken_links(tmp_path) == [
        "index.html: loads https://example.org/x.js",
        "index.html: other/index.html#there leads nowhere",
        "index.html: gone.html leads nowhere",
        "index.html: #gone leads nowhere",
        "index.html: gone.png leads nowhere",
    ]


def test_the_command_takes_no_options(capsys):
    assert commands.main(["docs", "--fast"]) == 2
    assert capsys.readouterr().err.startswith("reproduce: docs takes no options")


@pytest.mark.parametrize("width", [1366, 390])
def test_pages_fit_the_window_and_load_only_files_of_the_site(site, browser, width):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": width, "height": 844})
    requested, failures = [], []
    page.on("request", lambda request: requested.append(request.url))
    page.on("requestfailed", lambda request: failures.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(CUT) == [], name
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth)"), (
            name
        )
        page.screenshot(path=SCREENSHOTS / f"site_{name.replace('/', '_')}_{width}.png", full_page=True)
    assert all(url.startswith((site.as_uri(), "data:")) for url in requested)
    assert failures == []
    page.close()


def test_formulas_are_typeset(site, browser):
    page = browser.new_page()
    page.goto((site / "notebooks" / "00_start_here.html").as_uri())
    page.wait_for_selector("mjx-container[display='true'] svg")
    page.wait_for_function(
        "document.querySelectorAll('.math').length == document.querySelectorAll('.math mjx-container').length"
    )
    assert page.locator("mjx-container").count() > 50
    assert page.locator("[data-mjx-error]").count() == 0
    page.close()


def test_the_search_finds_a_notebook_and_a_function(site, browser):
    page = browser.new_page()
    for words, found in (
        ("synfire chain", "notebooks/00_start_here.html"),
        ("load_dataset", "api/snnbp.load_dataset.html"),
    ):
        page.goto(f"{(site / 'search.html').as_uri()}?q={words}")
        page.wait_for_selector(f"#search-results a[href*='{found}']", timeout=20_000)
    page.close()
