"""The page in a real browser: it learns as Python does, every control works, and nothing leaves the page.

Screenshots go to build/screenshots/. Skipped where there is no /usr/bin/chromium.
"""

import json
import re
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

import snnbp
from snnbp.training.train import initial_weights
from snnbp.widgets import playground
from tests.browser import BLACK_PIXELS, DIGEST, PLAYGROUND_CUT_OFF

NARROW = {"width": 390, "height": 844}
AXE = "axe-core@4.10.3"
DIGITS = "#data=digits"
SEVEN = (40, 30), (100, 30), (80, 70), (60, 115)


def has_mnist(built):
    sets = json.loads((built / "sets.json").read_text(encoding="utf-8"))
    if sets[0]["name"] != "mnist":
        pytest.skip("the page was built without MNIST's files")
    return True


def score_shown(visit):
    return float(re.search(r"([\d.]+) %", visit.text("score"))[1])


def give(folder, weights):
    """Put initial weights next to the page, as its address can ask for: ?weights=initial.json."""
    (folder / "initial.json").write_bytes(playground.packed_weights(weights))


@pytest.mark.minutes
def test_playground_of_a_new_site_trains_an_epoch_of_mnist_as_python_does(visit, browser, site, site_address):
    assert has_mnist(site / "playground")
    data, config = snnbp.load_dataset("mnist"), snnbp.Config(epochs=1, seed=1)
    run = snnbp.train(data, config, progress=False)
    give(site / "playground", initial_weights(config, data))
    contents = browser.new_page()
    contents.goto(f"{site_address}index.html")
    contents.get_by_role("link", name="Playground", exact=True).click()
    address = contents.url
    contents.close()
    page = visit("?weights=initial.json#epochs=1&seed=1", at=address)
    assert f"{site_address}playground/initial.json" in page.requests
    digest, shown = page.train(), score_shown(page)
    print(f"{shown} % after one epoch, digest {digest[:12]}")
    assert digest == run.digest
    assert shown == round(100 * run.history.spikes.iloc[-1], 2)
    page.page.get_by_role("link", name="Notebooks").click()
    page.page.wait_for_url("**/notebooks/00_start_here.html")


@pytest.mark.parametrize(
    ("query", "config"),
    [
        (
            "#data=digits&hidden=60-40&seed=9&epochs=2&step=8&threshold=768",
            snnbp.Config(hidden=(60, 40), seed=9, epochs=2, step=8, threshold=768),
        ),
        (
            "#data=digits&hidden=80&epochs=3&off=feedback",
            snnbp.Config(hidden=80, epochs=3, feedback="cut"),
        ),
    ],
    ids=["digits", "feedback"],
)
def test_playground_repeats_a_configuration_of_python(visit, query, config):
    run = snnbp.train(snnbp.load_dataset("digits"), config, progress=False)
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
        page.wait_for_text("phase", f"Phase {number} of 11.")
        sentences.add(page.text("what"))
        spiking.add(page.label("circuit"))
    assert len(sentences) == len(spiking) == 12
    assert not any("*" in text for text in sentences)
    page.shot("step")
    page.page.click("#next")
    page.wait_for_text("phase", "Phase 0 of 11.")
    page.page.locator("#speed").select_option("quick")
    page.page.click("#play")
    page.wait_for_text("phase", "Phase 8 of 11.")
    page.page.click("#play")
    page.page.locator("#speed").select_option("full")
    assert (
        page.train()
        == snnbp.train(snnbp.load_dataset("digits"), snnbp.Config(epochs=1), progress=False).digest
    )


def test_playground_says_pausing_until_it_is_paused(visit):
    page = visit(DIGITS + "&epochs=60&hidden=800-800-800")
    page.page.click("#play")
    page.wait_for_text("status", "images/s")
    page.page.evaluate(
        """() => {
            window.said = [];
            const status = document.getElementById("status");
            const noted = new MutationObserver(() => window.said.push(status.textContent));
            noted.observe(status, { childList: true });
            document.getElementById("play").click();
        }"""
    )
    page.wait(DIGEST)
    said = page.page.evaluate("() => window.said")
    assert said[0] == "pausing …"
    assert re.fullmatch(r"epoch [\d.]+, paused", said[1])
    assert len(said) == 2


EVERY_TILE = """async () => {
    const { tile } = await import("./words.js"), { readJson } = await import("./files.js");
    const circuits = Object.values(await readJson("circuits.json"));
    return circuits.flatMap(({ populations }) => populations)
        .filter(({ layer }) => layer !== "gate").map(({ name }) => tile(name));
}"""


def test_playground_says_what_a_tile_and_a_setting_is(visit):
    page = visit(DIGITS)
    assert all(len(words) > 20 for words in page.page.evaluate(EVERY_TILE))
    page.page.locator("#circuit").click(position={"x": 60, "y": 70})
    assert page.text("what").startswith("image: ")
    page.page.locator("#settings [name=threshold]").focus()
    assert "more than half" in page.text("hint")
    page.page.click("#about-open")
    assert page.page.locator("#tiles dt").count() > 15


def test_playground_learns_a_drawing(visit):
    page = visit(DIGITS + "&epochs=3")
    page.train()
    before = page.label("potentials")
    page.draw(*SEVEN)
    assert page.page.evaluate(BLACK_PIXELS, "#sheet") > 1500
    drawn = page.label("potentials")
    assert drawn != before
    potentials = [int(v) for v in re.findall(r"\d: (-?\d+)", drawn)]
    candidates = [k for k, v in enumerate(potentials) if 0 < v <= 512]
    page.shot("draw")
    label = candidates[0] if candidates else potentials.index(max(potentials))
    page.page.click(f"#labels button:nth-child({label + 1})")
    page.wait_for_text("answer", "changed")
    if candidates:
        old, new = map(int, re.search(r"(-?\d+) → (-?\d+)", page.text("answer")).groups())
        assert new > old == potentials[label]
    page.page.click("#clear")
    page.wait_for_text("answer", "Draw here")


def test_playground_draws_with_the_keyboard(visit):
    page = visit(DIGITS)
    page.page.locator("#sheet").focus()
    for key in ("Space", *["ArrowUp"] * 9, *["ArrowRight"] * 5, "Space"):
        page.page.keyboard.press(key)
    page.page.wait_for_timeout(200)
    assert "input: 0" not in page.label("circuit")
    assert "No output" in page.text("answer") or "spike" in page.text("answer")


def as_fractions(drawing, shape):
    """A drawing as the network sees it, in exact fractions: scaled to fit, centred by its centre of mass."""
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    drawn = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(int)
    factor = min(Fraction(cells, pixels) for cells, pixels in zip(shape, drawn.shape, strict=True))
    size = [max(1, round(factor * pixels)) for pixels in drawn.shape]

    def overlaps(pixels, cells):
        width = Fraction(pixels, cells)
        covered = [
            [max(0, min((c + 1) * width, p + 1) - max(c * width, p)) / width for p in range(pixels)]
            for c in range(cells)
        ]
        return np.array(covered, dtype=object)

    grey = overlaps(drawn.shape[0], size[0]) @ drawn @ overlaps(drawn.shape[1], size[1]).T
    image, shift = np.zeros(shape, bool), []
    for axis in (0, 1):
        centre = (grey.sum(axis=1 - axis) * np.arange(size[axis])).sum() / grey.sum()
        shift.append(round(Fraction(shape[axis] - 1, 2) - centre))
        if shape != (20, 20):
            shift[axis] = min(shape[axis] - size[axis], max(0, shift[axis]))
    for y, x in np.argwhere(grey > Fraction(1, 2)) + shift:
        if 0 <= y < shape[0] and 0 <= x < shape[1]:
            image[y, x] = True
    return image


def some_drawings(rng):
    for _ in range(4):
        drawing = np.zeros((140, 140), bool)
        y, x = rng.integers(0, 90, 2)
        drawing[y : y + rng.integers(5, 50), x : x + rng.integers(5, 50)] = True
        drawing[rng.integers(0, 140), rng.integers(0, 140)] = True
        yield drawing
    ties = np.zeros((140, 140), bool)  # scaled to 20x20, cells of this border are black by just a half
    ties[20:60, 30:70] = True
    ties[21:59:2, 31:69] = False
    yield ties
    yield np.pad(np.ones((40, 6), bool), ((3, 97), (7, 127)))  # centred between two pixels


@pytest.mark.parametrize("shape", [(20, 20), (8, 8), (5, 12)])
def test_playground_sees_of_a_drawing_what_exact_fractions_say(visit, shape):
    page = visit(DIGITS)
    convert = """async ([ink, shape]) => [...(await import("./input.js")).asInput(ink, 140, shape)]"""
    for drawing in some_drawings(np.random.default_rng(0)):
        found = page.page.evaluate(convert, [drawing.ravel().astype(int).tolist(), shape])
        assert np.array_equal(found, as_fractions(drawing, shape).ravel())


REFUSED = """
    for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D])
        prototype.getImageData = () => { throw new Error("read back"); };
    history.replaceState = () => { throw new DOMException("refused", "SecurityError"); };
    delete globalThis.OffscreenCanvas;"""


def test_playground_does_without_what_a_browser_may_refuse(visit):
    page = visit(DIGITS, script=REFUSED)
    page.draw(*SEVEN)
    drawn = page.label("potentials")
    assert drawn != visit(DIGITS).label("potentials")
    page.choose("hidden", "50")
    config = snnbp.Config(hidden=50, epochs=3)
    assert page.train() == snnbp.train(snnbp.load_dataset("digits"), config, progress=False).digest


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


def test_playground_is_one_screen_on_a_laptop_and_fits_a_phone(visit):
    size = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    for scheme in ("light", "dark"):
        page = visit(DIGITS + "&epochs=1", scheme=scheme)
        page.train()
        page.shot(scheme)
        assert page.page.evaluate(size) == [1366, 768]
        assert page.page.evaluate(PLAYGROUND_CUT_OFF) == []
        page.choose("off", "upper")
        page.choose("hidden", "60-50-40")
        page.shot(f"off_{scheme}")
        assert page.page.evaluate(PLAYGROUND_CUT_OFF) == []
        page = visit(DIGITS, viewport=NARROW, scheme=scheme)
        page.shot(f"narrow_{scheme}", full_page=True)
        assert page.page.evaluate(size)[0] == NARROW["width"]
        for dialog in ("about", "notebook"):
            page.page.click(f"#{dialog}-open")
            assert page.page.evaluate(PLAYGROUND_CUT_OFF) == []
            page.page.keyboard.press("Escape")


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The script of axe-core, from npm's cache or its registry."""
    if shutil.which("npm") is None:
        pytest.skip(f"no npm to install {AXE} with")
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--prefix", str(folder), AXE]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm cannot install {AXE} within 120 s")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm cannot install {AXE}: {error.stderr.strip().splitlines()[-1]}")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("viewport", [{}, {"viewport": NARROW}], ids=["laptop", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_playground_has_no_serious_accessibility_fault(visit, axe, scheme, viewport):
    page = visit(DIGITS + "&off=window", scheme=scheme, **viewport)
    page.page.evaluate(axe)
    for dialog in (None, "about", "notebook"):
        if dialog:
            page.page.click(f"#{dialog}-open")
        found = page.page.evaluate("() => axe.run()")
        assert len(found["passes"]) > 10
        serious = [fault for fault in found["violations"] if fault["impact"] in ("serious", "critical")]
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in serious] == []
        if dialog:
            page.page.keyboard.press("Escape")


def test_playground_opened_as_a_file_leads_to_the_one_that_needs_no_server(browser, built):
    page = browser.new_page()
    page.goto((built / "index.html").as_uri())
    page.click("#status a")
    page.wait_for_function("() => document.getElementById('play')?.disabled === false")
    page.close()


def test_playground_refuses_weights_of_another_network(browser, built, address):
    give(built, snnbp.Weights.draw(np.random.default_rng(0), (64, 30, 10)))
    page = browser.new_page()
    page.goto(f"{address}?weights=initial.json{DIGITS}&hidden=40")
    sentence = "initial.json holds weights of a network 64-30-10; with these settings it is 64-40-10"
    page.wait_for_function("text => document.getElementById('status').textContent === text", arg=sentence)
    page.close()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("hidden", "99999", "hidden: 800 instead of 99999 (at most 3 layers of 1 to 800 neurons)"),
        ("hidden", "many", "hidden: 400 instead of many (at most 3 layers of 1 to 800 neurons)"),
        ("hidden", "10-10-10-10", "hidden: 10-10-10 instead of 10-10-10-10"),
        ("seed", "-1", "seed: 1 instead of -1 (a whole number up to 4294967295)"),
    ],
)
def test_playground_says_what_it_corrects(visit, name, text, said):
    page = visit(DIGITS)
    page.choose(name, text)
    assert said in page.text("status")
    page.choose("hidden", "20, 10")
    assert "instead" not in page.text("status")
    page.page.goto("about:blank")
    again = visit(f"{DIGITS}&{name}={text}")
    assert said in again.text("status")


TEST_IMAGES = """async () => {
    const answer = document.getElementById("answer"), found = [];
    for (let n = 0; n < 30; n++) {
        document.getElementById("example").click();
        await new Promise((done) => setTimeout(done, 100));
        found.push(answer.textContent);
    }
    return found;
}"""
SLOW = """
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message) {
        setTimeout(() => post.call(this, message), message.type === "answer" && globalThis.slow ? 600 : 0);
    };"""


def test_playground_s_answer_is_about_the_image_that_is_shown(visit):
    data, page = snnbp.load_dataset("digits"), visit(DIGITS, script=SLOW)
    weights = initial_weights(snnbp.Config(), data)
    spikes, potentials = snnbp.predict(weights, data.test.inputs[:30])
    for n, text in enumerate(page.page.evaluate(TEST_IMAGES)):
        shown, found = re.match(r"Test image (\d+), labelled \d\. (.*)", text).groups()
        named = [int(digit) for digit in re.findall(r"\d", found.partition(":")[0])]
        assert int(shown) == n
        assert named == (np.flatnonzero(spikes[n]).tolist() or [potentials[n].argmax()])
    page.page.evaluate("() => { slow = true; }")
    page.page.click("#example")
    page.wait_for_text("answer", "Test image 30, labelled")
    assert "is being computed" in page.text("answer")
    page.wait_for_text("answer", "utput")


def test_playground_shows_no_point_of_the_run_before(visit):
    page = visit(DIGITS + "&epochs=60&hidden=800-800")
    page.page.click("#play")
    page.wait_for_text("status", "images/s")
    page.choose("seed", 5)
    page.page.wait_for_timeout(500)
    assert "after 0 epochs" in page.label("curves")
    assert page.text("digest") == ""


def test_playground_single_file_opens_without_a_server(visit, built):
    page = visit(DIGITS + "&epochs=1", at=(built / "playground.html").as_uri())
    digest = page.train()
    assert digest == snnbp.train(snnbp.load_dataset("digits"), snnbp.Config(epochs=1), progress=False).digest
    offered = page.page.locator("#settings [name=data] option").all_inner_texts()
    assert ("MNIST 20x20" in offered) == (len(json.loads((built / "sets.json").read_bytes())) == 2)
    assert page.page.locator("a[href^='../']").count() == 0
