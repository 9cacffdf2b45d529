"""Links of a built site: each must lead to a file and an anchor of the site, or to another web page."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


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
