"""The page as built, served on this machine, and a browser that visits it."""

import contextlib
import functools
import http.server
import importlib.util
import threading
from urllib.parse import urlsplit

import pytest

from snnbp.paper import ROOT
from tests.browser import DIGEST

SHOTS = ROOT / "build" / "screenshots"
LAPTOP = {"width": 1366, "height": 768}
READY = "() => !document.getElementById('play').disabled"
# Milliseconds. Together the waits of a test stay below its 600 s, so that the wait that fails is named.
WAIT, TRAINED = 60_000, 200_000


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder that build.py writes."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "playground" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("site")
    module.build(folder)
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    timeout = 30  # a connection that a browser opened and does not use

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = (
        64  # a page asks for all its files at once; connections beyond 5 would wait for seconds
    )


@contextlib.contextmanager
def served(folder):
    handler = functools.partial(_Quiet, directory=folder)
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def address(built):
    with served(built) as root:
        yield f"{root}index.html"


@pytest.fixture(scope="session")
def site_address(site):
    with served(site) as root:
        yield root


class Visit:
    """A page, and what went wrong in it."""

    def __init__(self, browser, address, query="", viewport=LAPTOP, scheme="light", script=""):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.page.add_init_script(script)
        self.page.set_default_timeout(WAIT)
        self.faults, self.requests = [], []
        self.origin = "{0.scheme}://{0.netloc}/".format(urlsplit(address))
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address + query)
        self.wait(READY)

    def wait(self, condition, **options):
        """Wait, looking at a fixed rate: a machine under load may draw no frames for a while."""
        self.page.wait_for_function(condition, polling=50, **options)

    def _heard(self, kind, text):
        if kind in ("error", "warning"):
            self.faults.append(text)

    def text(self, name):
        return self.page.locator(f"#{name}").inner_text()

    def wait_for_text(self, name, part):
        found = "([name, part]) => document.getElementById(name).textContent.includes(part)"
        self.wait(found, arg=[name, part])

    def label(self, name):
        return self.page.locator(f"#{name}").get_attribute("aria-label")

    def choose(self, name, value):
        field = self.page.locator(f"#settings [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))
            field.press("Tab")
        self.wait(READY)
        self.wait_for_text("status", "random weights")

    def train(self):
        """Press play, wait for the end, return the digest of the weights."""
        self.page.click("#play")
        self.wait(DIGEST, timeout=TRAINED)
        return self.page.evaluate(DIGEST)

    def draw(self, *points):
        box = self.page.locator("#sheet").bounding_box()
        self.page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
        self.page.mouse.down()
        for x, y in points[1:]:
            self.page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
        self.page.mouse.up()
        self.page.wait_for_timeout(200)

    def shot(self, name, **options):
        self.page.screenshot(path=SHOTS / f"playground_{name}.png", **options)

    def close(self):
        """Close the page; it must have reported no error, and asked nobody else for anything."""
        self.page.close()
        assert self.faults == []
        assert [url for url in self.requests if not url.startswith((self.origin, "data:", "blob:"))] == []


@pytest.fixture
def visit(browser, address):
    """Open the page, or its copy `at` another address; close it with its checks."""
    visits = []

    def opened(query="", at=address, **options):
        visits.append(Visit(browser, at, query, **options))
        return visits[-1]

    yield opened
    for each in visits:
        each.close()
