"""The explorers as a person meets them: in JupyterLab, in a real browser, with mouse and keys.

Screenshots go to build/screenshots/. Skipped where there is no /usr/bin/chromium.
"""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import yaml

import snnbp
from snnbp.widgets.settings import Settings
from snnbp.paper.results import ROOT

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
LAPTOP = {"width": 1366, "height": 768}
TOKEN = "explorer"
SHOTS = ROOT / "build" / "screenshots"

READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    const kernel = panel?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle"
        && panel.content.widgets.length > 5;
}"""
RAN = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(
    cell => cell.model.type !== "code" || cell.model.executionCount !== null)"""
PICTURE = """async name => {
    const response = await fetch(document.querySelector(`img.${name}-picture`).src);
    const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
    return Array.from(new Uint8Array(digest)).join();
}"""
STOP_SECONDS = """async () => {
    const start = performance.now();
    document.querySelector(".learning-stop").click();
    while (!document.querySelector(".learning-status").textContent.includes("kept after")) {
        if (performance.now() - start > 10000) break;
        await new Promise(resolve => setTimeout(resolve, 5));
    }
    return (performance.now() - start) / 1000;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab's address, serving the notebook on the digits, with settings of its own."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.read(ROOT / "notebooks" / "08_explore.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = cell.source.replace('dataset = "mnist"', 'dataset = "digits"')
    nbformat.write(notebook, folder / "explore.ipynb")
    settings = folder / "settings" / "@jupyterlab"
    for file, content in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        (settings / file).parent.mkdir(parents=True)
        (settings / f"{file}.jupyterlab-settings").write_text(json.dumps(content))
    names = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", "IPYTHONDIR": "ipython"}
    names |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"]
    command += [f"--ServerApp.root_dir={folder}"]
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **{name: str(folder / path) for name, path in names.items()}},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 60
        while not (found := list((folder / "runtime").glob("jpserver-*.json"))):
            assert process.poll() is None, (folder / "server.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield f"http://127.0.0.1:{json.loads(found[0].read_text())['port']}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def page(server):
    """The notebook, run from top to bottom, in a browser as wide as a laptop."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser tests without playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport=LAPTOP)
        page.set_default_timeout(30_000)
        page.goto(f"{server}/doc/tree/explore.ipynb?token={TOKEN}")
        page.wait_for_function(READY)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(RAN, timeout=120_000)
        page.wait_for_selector(".digit-box")
        SHOTS.mkdir(parents=True, exist_ok=True)
        yield page
        browser.close()


def patience():
    """How much longer things may take: processes that wait for each core."""
    return max(1, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until(page, condition, message):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, message
        page.wait_for_timeout(20)


def shot(page, name):
    page.locator(f".{name.split('_')[0]}-box").scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"{name}.png")


def wait_for_other_picture(page, name, old):
    changed = "the picture of the explorer does not change"
    wait_until(page, lambda: page.evaluate(PICTURE, name) != old, changed)
    return page.evaluate(PICTURE, name)


def turn(page, knob, value):
    field = page.locator(f".learning-{knob} input")
    field.fill(str(value))
    field.press("Tab")


def status(page, name):
    return page.locator(f".{name}-status").inner_text()


def wait_for_status(page, name, text):
    found = "([name, text]) => document.querySelector(`.${name}-status`).textContent.includes(text)"
    page.wait_for_function(found, arg=[name, text])


def test_the_explorers_open_with_no_error_in_any_cell(page):
    errors = page.locator('[data-mime-type="application/vnd.jupyter.error"], .jupyter-widgets-error')
    assert errors.count() == 0
    for name in ("learning", "circuit", "digit"):
        assert page.locator(f"img.{name}-picture").count() == 1
        shot(page, name)


@pytest.fixture
def training(page):
    """A training that would go on for minutes."""
    turn(page, "epochs", 100_000)
    turn(page, "hidden", 300)
    page.click(".learning-start")
    wait_for_status(page, "learning", "samples/s")
    yield
    page.evaluate(STOP_SECONDS)


def test_start_grows_the_curves_and_stop_stops_at_once(page, training):
    start, seen = time.monotonic(), set()
    while time.monotonic() < start + 5:
        seen.add(page.evaluate(PICTURE, "learning"))
    shot(page, "learning_running")
    assert len(seen) > 10 / patience(), "fewer than two pictures a second"
    assert page.evaluate(STOP_SECONDS) < 0.5 * patience()
    shot(page, "learning_stopped")


def test_pause_pauses_and_resumes(page, training):
    page.click(".learning-pause")
    wait_for_status(page, "learning", "paused")
    page.wait_for_timeout(300)
    paused = status(page, "learning")
    page.wait_for_timeout(700)
    assert status(page, "learning") == paused
    page.click(".learning-pause")
    page.wait_for_function("() => !document.querySelector('.learning-status').textContent.includes('paused')")


def test_the_export_reproduces_the_digest(page):
    turn(page, "epochs", 3)
    turn(page, "hidden", 30)
    turn(page, "seed", 5)
    page.click(".learning-start")
    wait_for_status(page, "learning", "kept after 3 ")
    link = page.locator(".learning-links a[download='parameters.yaml']").get_attribute("href")
    text = base64.b64decode(link.partition("base64,")[2]).decode()
    found = yaml.safe_load(text)
    assert (found["hidden"], found["epochs"], found["seeds"]) == (30, 3, [5])
    config = snnbp.Config(
        **{name: found[name] for name in ("hidden", "epochs", "rule", "threshold", "step", "init_scale")},
        seed=found["seeds"][0],
    )
    data = Settings(found["dataset"], found["pixel_threshold"]).load()
    assert snnbp.train(data, config, progress=False).weights.digest in text
    shot(page, "learning_runs")


def test_an_impossible_setting_is_refused_in_a_sentence(page):
    turn(page, "threshold", 1023)
    page.click(".learning-start")
    wait_for_status(page, "learning", "Refused: threshold must be even")
    turn(page, "threshold", 1024)


def test_the_steps_follow_keys_and_the_next_mistake(page):
    old = page.evaluate(PICTURE, "circuit")
    assert "Step 5:" in status(page, "circuit")
    page.locator(".circuit-step .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    old = wait_for_other_picture(page, "circuit", old)
    assert "Step 6:" in status(page, "circuit")
    image = page.locator(".circuit-sample input").input_value()
    page.click(".circuit-next")
    wait_for_other_picture(page, "circuit", old)
    assert page.locator(".circuit-sample input").input_value() != image
    shot(page, "circuit_next")


def test_play_walks_through_the_steps(page):
    before = status(page, "circuit")
    page.locator(".circuit-play button").first.click()
    page.wait_for_function("b => document.querySelector('.circuit-status').innerText !== b", arg=before)
    page.locator(".circuit-play button").first.click()


def answer(page):
    """Outputs that fire, and potentials, as the page states them."""
    text = page.locator(".digit-answer").inner_text()
    fires, _, values = text.partition("; potentials in weight units: ")
    potentials = dict(re.findall(r"(\d): (-?\d+)", values))
    return re.findall(r"\d", fires), {int(label): int(value) for label, value in potentials.items()}


def test_a_drawn_digit_is_classified_and_learned(page):
    canvas = page.locator("canvas.digit-canvas, .digit-canvas canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at_first = answer(page)
    strokes = [(90, 60), (190, 60), (160, 130), (120, 230)]  # a 7
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    for x, y in strokes:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=6)
    page.mouse.up()
    wait_until(page, lambda: answer(page) != at_first, "a drawing is not classified")
    page.wait_for_timeout(1000 * patience())
    fires, potentials = answer(page)
    shot(page, "digit_drawn")
    candidates = {label: v2 for label, v2 in potentials.items() if str(label) not in fires and v2 > 0}
    label = max(candidates or {7: 0}, key=lambda label: potentials[label])
    page.click(f".digit-teach-{label}")
    wait_for_status(page, "digit", "moved")
    wait_until(page, lambda: answer(page)[1][label] > potentials[label], "the lesson does not help")
    page.wait_for_timeout(500 * patience())
    shot(page, "digit_learned")
    page.click(".digit-forget")
    wait_until(page, lambda: answer(page)[1] == potentials, "the lesson is not forgotten")
