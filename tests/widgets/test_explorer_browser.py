"""Notebooks as a person meets them: in JupyterLab, in a real browser, with mouse and keys.

Screenshots go to build/screenshots/. Skipped where there is no /usr/bin/chromium.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from snnbp.paper import ROOT
from tests.browser import BLACK_PIXELS

LAPTOP, NARROW = {"width": 1366, "height": 768}, {"width": 1000, "height": 768}
TOKEN = "explorer"
SHOTS = ROOT / "build" / "screenshots"
NAMES = ("learning", "circuit", "digit")

READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle"
        && panel.content.widgets.length > 5;
}"""
ERRORS = """() => [
    ...window.jupyterapp.shell.currentWidget.content.widgets
        .flatMap(cell => cell.model.sharedModel.outputs ?? [])
        .filter(output => output.output_type === "error").map(output => `${output.ename}: ${output.evalue}`),
    ...[...document.querySelectorAll(".jupyter-widgets-error")].map(part => part.innerText)]"""
RAN = f"""() => ({ERRORS})().length || window.jupyterapp.shell.currentWidget.content.widgets.every(
    cell => cell.model.type !== "code" || cell.model.executionCount !== null)"""
VISIBLE_IMAGES = """() => [...document.querySelectorAll(".jp-OutputArea-output img")].filter(
    image => image.complete && image.naturalWidth > 100 && image.clientWidth > 100).length"""
CUT_OFF = """name => {
    const box = document.querySelector(`.${name}-box`);
    const right = box.getBoundingClientRect().right + 1;
    return [...box.querySelectorAll("button, label, input, select, canvas, img")].filter(part =>
        part.getBoundingClientRect().right > right
        || (["BUTTON", "LABEL"].includes(part.tagName) && part.scrollWidth > part.clientWidth + 1)
    ).map(part => part.outerHTML.slice(0, 120));
}"""
UNNAMED = """() => [...document.querySelectorAll(
    ".jp-OutputArea-output img, .jp-OutputArea-output canvas, .jp-OutputArea-output button")].filter(part =>
    !(part.alt || part.ariaLabel || part.title || part.innerText.trim())).map(part => part.outerHTML)"""
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
STOP_SECONDS = """async () => {
    const start = performance.now();
    document.querySelector(".learning-stop").click();
    while (!document.querySelector(".learning-status").textContent.includes("kept: ")) {
        if (performance.now() - start > 20000) break;
        await new Promise(resolve => setTimeout(resolve, 5));
    }
    return (performance.now() - start) / 1000;
}"""


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory):
    """JupyterLab's address, serving two notebooks without outputs, with settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "notebooks").mkdir()
    for name in ("01_circuit", "08_explore"):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                cell.source = cell.source.replace('dataset = "mnist"', 'dataset = "digits"')
        nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
    settings = folder / "settings" / "@jupyterlab"
    for file, content in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        (settings / file).parent.mkdir(parents=True)
        (settings / f"{file}.jupyterlab-settings").write_text(json.dumps(content), encoding="utf-8")
    names = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", "IPYTHONDIR": "ipython"}
    names |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"]
    command += [f"--ServerApp.root_dir={folder / 'notebooks'}"]
    with open(folder / "server.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **{name: str(folder / path) for name, path in names.items()}},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 90
        while not (found := list((folder / "runtime").glob("jpserver-*.json"))):
            assert process.poll() is None, (folder / "server.log").read_text(encoding="utf-8")
            assert time.monotonic() < end
            time.sleep(0.1)
        yield f"http://127.0.0.1:{json.loads(found[0].read_text(encoding='utf-8'))['port']}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def opened(browser, server, name):
    """A notebook, run from top to bottom, beside the file browser in a window as wide as a laptop."""
    page = browser.new_page(viewport=LAPTOP)
    page.set_default_timeout(60_000)
    page.goto(f"{server}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_function(READY)
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(RAN, timeout=180_000)
    assert page.evaluate(ERRORS) == []
    return page


@pytest.fixture(scope="module")
def page(browser, server):
    page = opened(browser, server, "08_explore")
    page.wait_for_selector(".digit-picture img")
    return page


def patience():
    """How much longer things may take: processes that wait for each core."""
    return max(1, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until_idle(page):
    """Wait until the kernel has been idle for a second: ink that is still on its way makes it busy."""
    end, idle = time.monotonic() + 60 * patience(), 0
    while idle < 10:
        assert time.monotonic() < end, "the kernel stays busy"
        idle = idle + 1 if page.evaluate(IDLE) else 0
        page.wait_for_timeout(100)


def shot(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate(f"() => document.querySelector('.{name.split('_')[0]}-box').scrollIntoView()")
    page.screenshot(path=SHOTS / f"{name}.png")


def turn(page, field, value):
    box = page.locator(f".learning-{field} input")
    box.fill(str(value))
    box.press("Tab")


def text(page, css_class):
    return page.locator(f".{css_class}").inner_text()


def wait_for_text(page, css_class, part):
    found = "([name, part]) => document.querySelector(`.${name}`).textContent.includes(part)"
    page.wait_for_function(found, arg=[css_class, part])


def source(page, name):
    """The picture's address: another one for each picture."""
    return page.locator(f".{name}-picture img").get_attribute("src")


def wait_for_other_picture(page, name, old):
    changed = "([name, old]) => document.querySelector(`.${name}-picture img`).src !== old"
    page.wait_for_function(changed, arg=[name, old])


def test_every_figure_of_a_notebook_is_visible(browser, server):
    notebook = nbformat.read(ROOT / "notebooks" / "01_circuit.ipynb", as_version=4)
    expected = sum(cell.source.count("results.figure(") for cell in notebook.cells)
    page = opened(browser, server, "01_circuit")
    page.wait_for_function(f"() => ({VISIBLE_IMAGES})() >= {expected}")
    assert page.evaluate(VISIBLE_IMAGES) == expected >= 2
    page.close()


@pytest.mark.parametrize("window", [LAPTOP, NARROW], ids=["laptop", "narrow"])
def test_nothing_is_cut_off_and_everything_has_a_name(page, window):
    page.set_viewport_size(window)
    page.wait_for_timeout(500)
    for name in NAMES:
        shot(page, f"{name}_{window['width']}")
        assert page.evaluate(CUT_OFF, name) == []
        assert page.locator(f".{name}-picture img").get_attribute("alt")
    assert page.locator(".snnbp-sheet").bounding_box()["width"] == 280
    assert page.evaluate(UNNAMED) == []
    page.set_viewport_size(LAPTOP)


def test_training_grows_the_curves_pauses_and_stops_at_once(page):
    turn(page, "epochs", 100_000)
    turn(page, "hidden", "200-100")
    page.click(".learning-start")
    wait_for_text(page, "learning-status", "samples/s")
    start = time.monotonic()
    for _ in range(4):
        wait_for_other_picture(page, "learning", source(page, "learning"))
    assert time.monotonic() - start < 4 * patience(), "less than a picture a second"
    shot(page, "learning_running")
    page.click(".learning-pause")
    wait_for_text(page, "learning-status", "paused")
    paused = text(page, "learning-status")
    page.wait_for_timeout(500)
    assert text(page, "learning-status") == paused
    page.click(".learning-pause")
    wait_for_text(page, "learning-status", "training")
    assert page.evaluate(STOP_SECONDS) < 1.0 * patience()
    assert "hidden=(200, 100)" in text(page, "learning-export")
    shot(page, "learning_stopped")


def test_the_phases_follow_keys_play_and_the_number_of_layers(page):
    assert "Phase 5:" in text(page, "circuit-status")
    old = source(page, "circuit")
    page.locator(".circuit-phase .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    wait_for_other_picture(page, "circuit", old)
    wait_for_text(page, "circuit-status", "Phase 6:")
    image = page.locator(".circuit-sample input").input_value()
    page.click(".circuit-next")
    page.wait_for_function("old => document.querySelector('.circuit-sample input').value !== old", arg=image)
    page.click(".circuit-play")
    wait_for_text(page, "circuit-status", "Phase 8:")
    page.click(".circuit-play")
    shot(page, "circuit_playing")
    page.locator(".circuit-depth select").select_option("2")
    wait_for_text(page, "circuit-status", "W3")
    shot(page, "circuit_two_layers")
    page.locator(".circuit-depth select").select_option("1")


def answer(page):
    """Outputs that spike, and potentials, as the page states them."""
    spikes, _, values = text(page, "digit-answer").partition("Potentials (weight units): ")
    return re.findall(r"\d", spikes), {int(n): int(v) for n, v in re.findall(r"(\d): (-?\d+)", values)}


def wait_for_answer(page, condition, message):
    end = time.monotonic() + 60
    while not condition(*answer(page)):
        assert time.monotonic() < end, message
        page.wait_for_timeout(50)


def test_a_digit_is_drawn_classified_and_learned(page):
    box = page.locator(".snnbp-sheet").bounding_box()
    shot(page, "digit")
    box = page.locator(".snnbp-sheet").bounding_box()
    first = answer(page)
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    for x, y in ((190, 60), (160, 130), (120, 230)):  # a 7
        page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
    page.mouse.up()
    assert 1000 < page.evaluate(BLACK_PIXELS, ".snnbp-sheet") < 3500, "a drawing replaces the image"
    wait_for_answer(page, lambda *found: found != first, "a drawing is not classified")
    wait_until_idle(page)
    spikes, potentials = answer(page)
    shot(page, "digit_drawn")
    candidates = {n: v for n, v in potentials.items() if str(n) not in spikes and v > 0}
    label = max(candidates or {7: 0}, key=lambda n: potentials[n])
    page.click(f".digit-teach-{label}")
    wait_for_text(page, "digit-status", "Weights that changed" if candidates else "nothing changed")
    if candidates:
        wait_for_answer(page, lambda _, v: v[label] > potentials[label], "the lesson does not help")
        learned = answer(page)[1][label]
        shot(page, "digit_learned")
        page.click(".digit-forget")
        wait_for_answer(page, lambda _, v: v[label] < learned, "the lesson is not forgotten")


def test_a_digit_is_drawn_with_the_keyboard(page):
    page.click(".digit-example")
    wait_for_text(page, "digit-status", "test image 1")
    page.wait_for_function(f"() => ({BLACK_PIXELS})('.snnbp-sheet') > 1000")
    page.locator(".snnbp-sheet").focus()
    page.keyboard.press("Space")
    assert page.evaluate(BLACK_PIXELS, ".snnbp-sheet") < 400, "a drawing does not replace the image"
    page.keyboard.press("Space")
    page.keyboard.press("Delete")
    wait_for_answer(page, lambda spikes, _: not spikes, "the sheet is not cleared")
    old = source(page, "digit")
    for key in ("Space", *["ArrowUp"] * 12, "Space"):  # a 1
        page.keyboard.press(key)
    wait_for_other_picture(page, "digit", old)
    wait_until_idle(page)
    shot(page, "digit_keys")
    assert page.evaluate("() => document.activeElement.className") == "snnbp-sheet"
