"""The documentation site: Sphinx over the README, docs/, the stored notebooks and the public names."""

import importlib.util
import pkgutil
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import snnbp
from snnbp.paper import ROOT, Failure

SITE = ROOT / "build" / "site"
CONFIGURATION = ROOT / "docs" / "site"
PLAYGROUND = ROOT / "docs" / "playground" / "build.py"
PACKAGES = ("circuit", "backends", "training", "plots", "interop")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
SHOWN_BELOW = {"__version__", *PACKAGES}
"""Public names without a page of their own: the packages have a chapter each."""
REQUIRED = ("sphinx", "myst_nb", "furo", "numpydoc")


def missing_packages() -> list[str]:
    """Return what the site needs and Python does not find."""
    return [name for name in REQUIRED if importlib.util.find_spec(name) is None]


def build(folder: Path = SITE) -> None:
    """Build the site from stored outputs; no notebook is executed.

    Parameters
    ----------
    folder : Path
        Where the site goes. Its pages are replaced.

    Raises
    ------
    Failure
        For a warning of Sphinx or a link inside the site that leads nowhere.
    """
    if missing := missing_packages():
        raise Failure(f"the site needs {', '.join(missing)}: run ./reproduce.sh setup")
    source = folder.with_name(f"{folder.name}-source")
    _stage(source)
    shutil.rmtree(folder, ignore_errors=True)
    command = ["-m", "sphinx", "-W", "--keep-going", "-c", str(CONFIGURATION)]
    done = subprocess.run(
        [sys.executable, *command, "-d", source / ".doctrees", source, folder], cwd=ROOT, check=False
    )
    if done.returncode:
        raise Failure("the site has the faults above")
    runpy.run_path(str(PLAYGROUND))["build"](folder / "playground")
    if broken := broken_links(folder):
        print("\n".join(broken), file=sys.stderr)
        raise Failure(f"{len(broken)} links of the site lead nowhere")


def _stage(source: Path) -> None:
    """Copy the pages into one folder laid out as the checkout is, so that their links hold."""
    shutil.rmtree(source, ignore_errors=True)
    ignore = shutil.ignore_patterns("site", "playground", ".*", "__pycache__")
    for name in ("docs", "notebooks", "figures", "snnbp", "benchmarks", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    linked = (*source.glob("snnbp/**/*.md"), source / "figures" / "README.md")
    for text in linked:  # by pages; not by the navigation
        text.write_text(f"---\norphan: true\n---\n{text.read_text(encoding='utf-8')}", encoding="utf-8")
    for name in ("CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff"):
        shutil.copy2(ROOT / name, source)
    parts = (ROOT / "README.md", CONFIGURATION / "contents.md")
    front = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    (source / "index.md").write_text(front, encoding="utf-8")
    shutil.copy2(CONFIGURATION / "notebooks.md", source / "notebooks" / "index.md")
    (source / "api").mkdir()
    (source / "api" / "index.md").write_text("\n".join(_reference()), encoding="utf-8")


def _reference() -> Iterator[str]:
    """Yield the lines of the API reference: the public names, then the modules of each package."""
    yield "# API reference\n"
    yield "The names of `import snnbp`; below, the modules behind them.\n"
    yield from _summary(f"~snnbp.{name}" for name in snnbp.__all__ if name not in SHOWN_BELOW)
    for package in PACKAGES:
        yield f"## snnbp.{package}\n"
        yield from _summary(_contents(package))


def _contents(package: str) -> list[str]:
    """Name the modules of a package, or its public names if it lists them."""
    module = importlib.import_module(f"snnbp.{package}")
    if hasattr(module, "__all__"):
        return [f"{module.__name__}.{name}" for name in module.__all__]
    found = {name for _, name, _ in pkgutil.iter_modules(module.__path__)}
    if not importlib.util.find_spec("lava"):
        found -= {"lava"}
    modules = [f"{module.__name__}.{name}" for name in sorted(found)]
    return [module.__name__, *modules] if module.__doc__ else modules


def _summary(names: Iterable[str]) -> Iterator[str]:
    yield "```{eval-rst}\n.. autosummary::\n   :toctree:\n   :nosignatures:\n"
    yield from (f"   {name}" for name in names)
    yield "```\n"


class _Page(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors = {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if (name := LOADED.get(tag)) in found and found.get("rel") not in ("canonical",):
            self.loads.append(found[name])


def broken_links(folder: Path) -> list[str]:
    """Check all pages of a site, without a network.

    Parameters
    ----------
    folder : Path
        The root of the site.

    Returns
    -------
    list of str
        One line for each link that leads nowhere, and for each script, style or image from elsewhere.
    """
    pages = {path.resolve(): _Page(path) for path in sorted(folder.rglob("*.html"))}
    complaints = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        complaints += [f"{name}: loads {link}" for link in page.loads if _elsewhere(link)]
        for link in [*page.links, *page.loads]:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file() or (
                target in pages and unquote(address.fragment) not in pages[target].anchors
            ):
                complaints.append(f"{name}: {link} leads nowhere")
    return complaints


def _elsewhere(link: str) -> bool:
    address = urlsplit(link)
    return address.scheme != "data" and bool(address.scheme or address.netloc)
