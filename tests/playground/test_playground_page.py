"""The page in a real browser: it learns as Python does, every control works, and nothing leaves the page.

Screenshots go to build/screenshots/. Skipped where there is no /usr/bin/chromium.
"""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import snnbp
from snnbp import backends
from snnbp.paper import ROOT
from snnbp.training.train import initial_weights
from snnbp.widgets.sheet import as_input

SHOTS = ROOT / "build" / "screenshots"
LAPTOP, NARROW = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
AXE = "axe-core@4.10.3"
READY = "() => !document.getElementById('play').disabled"
DIGITS = "#data=digits"
DIGEST = "() => document.getElementById('digest').dataset.digest"
CUT_OFF = """() => [
    ...document.querySelectorAll("button, label, select, input, canvas, footer span")
].filter(part =>
    part.getBoundingClientRect().right > innerWidth
    || (part.tagName === "BUTTON" && part.scrollWidth > part.clientWidth + 1)
).map(part => part.outerHTML.slice(0, 120))"""


class Visit:
    """A page, and what went wrong in it."""

    def __init__(self, browser, address, query="", viewport=LAPTOP, scheme="light"):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.page.set_default_timeout(60_000)
        self.faults, self.requests = [], []
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address + query)
        self.page.wait_for_function(READY)

    def _heard(self, kind, text):
        if kind in ("error", "warning"):
            self.faults.append(text)

    def text(self, name):
        return self.page.locator(f"#{name}").inner_text()

    def wait_for_text(self, name, part):
        found = "([name, part]) => document.getElementById(name).textContent.includes(part)"
        self.page.wait_for_function(found, arg=[name, part])

    def label(self, name):
        return self.page.locator(f"#{name}").get_attribute("aria-label")

    def choose(self, name, value):
        field = self.page.locator(f"#settings [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))
            field.press("Tab")
        self.page.wait_for_function(READY)
        self.wait_for_text("status", "random weights")

    def train(self):
        """Press play, wait for the end, return the digest of the weights."""
        self.page.click("#play")
        self.page.wait_for_function(DIGEST, timeout=300_000)
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


SEVEN = (40, 30), (100, 30), (80, 70), (60, 115)


@pytest.fixture
def visit(browser, address):
    """Open the page; in the end it must have asked nobody else for anything, and reported no error."""
    visits = []

    def opened(query="", **options):
        visits.append(Visit(browser, address, query, **options))
        return visits[-1]

    yield opened
    for each in visits:
        each.page.close()
        assert each.faults == []
        own = (address.removesuffix("index.html"), "data:", "blob:")
        assert [url for url in each.requests if not url.startswith(own)] == []


def has_mnist(built):
    sets = json.loads((built / "sets.json").read_text(encoding="utf-8"))
    if sets[0]["name"] != "mnist":
        pytest.skip("the page was built without MNIST's files")
    return True


def score_shown(visit):
    return float(re.search(r"([\d.]+) %", visit.text("score"))[1])


def test_playground_epoch_of_mnist_from_pythons_weights_ends_with_pythons_digest(visit, built):
    assert has_mnist(built)
    data, config = snnbp.load_dataset("mnist"), snnbp.Config(seed=4, epochs=1)
    weights = initial_weights(snnbp.Config(seed=11), data)
    content = b"".join(matrix.astype("<i2").tobytes() for matrix in weights.matrices)
    given = {"shapes": [matrix.shape for matrix in weights.matrices]}
    given["data"] = base64.b64encode(content).decode("ascii")
    (built / "initial.json").write_text(json.dumps(given), encoding="utf-8")
    rng = np.random.Generator(np.random.PCG64(config.seed))
    snnbp.Weights.draw(rng, weights.sizes)
    learner = backends.learner("fused", weights, config.learning_rule, config.inhibition)
    learner.learn(data.train.inputs, data.train.labels, rng.permutation(len(data.train)))
    page = visit("?weights=initial.json#epochs=1&seed=4")
    assert page.train() == learner.weights.digest
    assert score_shown(page) == round(100 * snnbp.evaluate(learner.weights, data.test).spikes, 2)


@pytest.mark.parametrize(
    ("name", "query", "config"),
    [
        ("mnist", "#epochs=1", snnbp.Config(epochs=1)),
        (
            "digits",
            "#data=digits&hidden=60-40&seed=9&epochs=2&step=8&threshold=768",
            snnbp.Config(hidden=(60, 40), seed=9, epochs=2, step=8, threshold=768),
        ),
        (
            "digits",
            "#data=digits&hidden=80&epochs=3&off=feedback",
            snnbp.Config(hidden=80, epochs=3, feedback="cut"),
        ),
    ],
    ids=["mnist", "digits", "feedback"],
)
def test_playground_repeats_a_configuration_of_python(visit, built, name, query, config):
    assert name == "digits" or has_mnist(built)
    run = snnbp.train(snnbp.load_dataset(name), config, progress=False)
    page = visit(query)
    assert page.train() == run.digest
    assert score_shown(page) == round(100 * run.history.spikes.iloc[-1], 2)
    page.page.click("#notebook-open")
    shown = re.search(r"Config\(.*\)", page.text("code"))[0].removesuffix(")")
    assert eval(f"snnbp.{shown}", {"snnbp": snnbp}) == config


def test_playground_steps_through_the_circuit_with_a_sentence_each(visit):
    page = visit(DIGITS + "&epochs=1")
    sentences, spiking = set(), set()
    for number in range(12):
        page.page.click("#next")
        page.wait_for_text("phase", f"Step {number} of 11.")
        sentences.add(page.text("what"))
        spiking.add(page.label("circuit"))
    assert len(sentences) == len(spiking) == 12
    page.shot("step")
    page.page.click("#next")
    page.wait_for_text("phase", "Step 0 of 11.")
    page.page.locator("#speed").select_option("quick")
    page.page.click("#play")
    page.wait_for_text("phase", "Step 8 of 11.")
    page.page.click("#play")
    page.page.locator("#speed").select_option("full")
    assert (
        page.train()
        == snnbp.train(snnbp.load_dataset("digits"), snnbp.Config(epochs=1), progress=False).digest
    )


def test_playground_learns_a_drawing(visit):
    page = visit(DIGITS + "&epochs=3")
    page.train()
    before = page.label("potentials")
    page.draw(*SEVEN)
    drawn = page.label("potentials")
    assert drawn != before
    potentials = [int(v) for v in re.findall(r"\d: (-?\d+)", drawn)]
    candidates = [k for k, v in enumerate(potentials) if 0 < v <= 512]
    page.shot("draw")
    label = candidates[0] if candidates else potentials.index(max(potentials))
    page.page.click(f"#labels button:nth-child({label + 1})")
    page.page.wait_for_function(
        "() => /changed/.test(document.getElementById('answer').textContent)", timeout=30_000
    )
    if candidates:
        old, new = map(int, re.search(r"(-?\d+) → (-?\d+)", page.text("answer")).groups())
        assert new > old == potentials[label]
    page.page.click("#clear")
    page.wait_for_text("answer", "Draw here")


def test_playground_draws_with_the_keyboard_what_python_would_see(visit):
    page = visit(DIGITS)
    page.page.locator("#sheet").focus()
    for key in ("Space", *["ArrowUp"] * 9, *["ArrowRight"] * 5, "Space"):
        page.page.keyboard.press(key)
    page.page.wait_for_timeout(200)
    assert "input: 0" not in page.label("circuit")
    assert "No output" in page.text("answer") or "spike" in page.text("answer")
    rng = np.random.default_rng(0)
    convert = """async ([ink, shape]) => [...(await import("./draw.js")).asInput(ink, 140, shape)]"""
    for shape in ((20, 20), (8, 8)):
        for _ in range(6):
            drawing = np.zeros((140, 140), bool)
            y, x = rng.integers(0, 90, 2)
            drawing[y : y + rng.integers(5, 50), x : x + rng.integers(5, 50)] = True
            drawing[rng.integers(0, 140), rng.integers(0, 140)] = True
            found = page.page.evaluate(convert, [drawing.ravel().astype(int).tolist(), shape])
            assert np.array_equal(found, as_input(drawing, shape).ravel())


def test_playground_controls_change_the_run_and_the_address_keeps_them(visit, address):
    page = visit(DIGITS)
    for name, value in (("depth", 3), ("hidden", "50-40-30"), ("threshold", 768), ("step", 16), ("seed", 77)):
        page.choose(name, value)
    page.page.locator("#settings [name=epochs]").select_option("2")
    page.choose("off", "window")
    assert "Guess first" in page.text("guess")
    page.page.click("#guess button")
    assert "effect" in page.text("what")
    page.shot("off")
    first = page.train()
    query = page.page.url.removeprefix(address)
    again = visit(query)
    assert again.page.locator("#settings [name=hidden]").input_value() == "50-40-30"
    assert again.train() == first
    page.page.click("#reset")
    page.wait_for_text("status", "random weights")
    assert page.text("digest") == ""
    page.page.click("#share")
    assert page.page.locator("#about").is_hidden()
    page.page.click("#about-open")
    page.shot("about")
    assert "CC BY" in page.text("about")
    assert "Nothing ran on a chip" in page.text("about")


@pytest.mark.parametrize("off", ["window", "upper", "depression"])
def test_playground_trains_without_a_part_to_another_end(visit, off):
    whole = visit(DIGITS + "&epochs=1&hidden=60&step=32").train()
    assert visit(f"{DIGITS}&epochs=1&hidden=60&step=32&off={off}").train() != whole


def test_playground_is_one_screen_on_a_laptop_and_fits_a_phone(visit):
    size = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    for scheme in ("light", "dark"):
        page = visit(DIGITS + "&epochs=1", scheme=scheme)
        page.train()
        page.shot(scheme)
        assert page.page.evaluate(size) == [LAPTOP["width"], LAPTOP["height"]]
        assert page.page.evaluate(CUT_OFF) == []
    page = visit(DIGITS, viewport=NARROW)
    page.shot("narrow", full_page=True)
    assert page.page.evaluate(size)[0] == NARROW["width"]
    assert page.page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_playground_has_no_serious_accessibility_fault(visit, tmp_path, scheme):
    if shutil.which("npm") is None:
        pytest.skip(f"no npm to install {AXE} with")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), AXE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"npm cannot install {AXE}: {done.stderr.strip().splitlines()[-1]}")
    page = visit(DIGITS + "&off=window", scheme=scheme)
    page.page.evaluate((tmp_path / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    for dialog in (None, "about", "notebook"):
        if dialog:
            page.page.click(f"#{dialog}-open")
        found = page.page.evaluate("async () => (await axe.run()).violations")
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in serious] == []
        if dialog:
            page.page.keyboard.press("Escape")


def test_playground_single_file_opens_without_a_server(browser, built):
    page = Visit(browser, (built / "playground.html").as_uri(), "#epochs=1")
    digest = page.train()
    assert digest == snnbp.train(snnbp.load_dataset("digits"), snnbp.Config(epochs=1), progress=False).digest
    page.page.close()
    assert page.faults == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
