"""Notebooks as a person meets them: in JupyterLab, in a real browser, with mouse and keys.

Screenshots go to build/screenshots/. Skipped where there is no /usr/bin/chromium.
"""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from snnbp.paper import ROOT
from tests.browser import BLACK_PIXELS, DIGEST, PLAYGROUND_CUT_OFF

LAPTOP, NARROW = {"width": 1366, "height": 768}, {"width": 1000, "height": 768}
TOKEN = "explorer"
IN_A_BOX = "import ipywidgets\nipywidgets.VBox([widgets.Playground(data, run.weights)])"
SHOTS = ROOT / "build" / "screenshots"

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
        if name == "08_explore":
            notebook.cells.append(nbformat.v4.new_code_cell(IN_A_BOX))
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
        process.wait(60)


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
    page.wait_for_selector(".learning-picture img")
    return page


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
    shot(page, f"learning_{window['width']}")
    assert page.evaluate(CUT_OFF, "learning") == []
    assert page.locator(".learning-picture img").get_attribute("alt")
    assert page.evaluate(UNNAMED) == []
    page.set_viewport_size(LAPTOP)


def test_training_grows_the_curves_pauses_and_stops(page):
    turn(page, "epochs", 100_000)
    turn(page, "hidden", "200-100")
    page.click(".learning-start")
    wait_for_text(page, "learning-status", "samples/s")
    for _ in range(4):
        wait_for_other_picture(page, "learning", source(page, "learning"))
    shot(page, "learning_running")
    page.click(".learning-pause")
    wait_for_text(page, "learning-status", "paused")
    paused = text(page, "learning-status")
    page.wait_for_timeout(500)
    assert text(page, "learning-status") == paused
    page.click(".learning-pause")
    wait_for_text(page, "learning-status", "training")
    page.click(".learning-stop")
    wait_for_text(page, "learning-status", "kept: ")
    assert "hidden=(200, 100)" in text(page, "learning-export")
    shot(page, "learning_stopped")


def framed(page, selector=".jp-OutputArea-output iframe"):
    """The playground in the notebook, ready."""
    frame = page.wait_for_selector(selector).content_frame()
    frame.wait_for_function("() => document.getElementById('play')?.disabled === false")
    return frame


def wait_for_step(frame, number):
    frame.wait_for_function(
        "number => document.getElementById('phase').textContent.startsWith(`Phase ${number} of 11.`)",
        arg=number,
    )


@pytest.mark.parametrize("window", [LAPTOP, NARROW], ids=["laptop", "narrow"])
def test_the_playground_fits_its_output(page, window):
    page.set_viewport_size(window)
    frame = framed(page)
    page.wait_for_timeout(500)
    page.locator(".jp-OutputArea-output iframe").first.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"playground_lab_{window['width']}.png")
    assert frame.evaluate(PLAYGROUND_CUT_OFF) == []
    assert frame.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    page.set_viewport_size(LAPTOP)


def test_the_playground_draws_steps_and_learns(page):
    frame = framed(page)
    assert "given weights" in frame.inner_text("#status")
    frame.locator("#sheet").focus()
    before = frame.get_attribute("#potentials", "aria-label")
    for key in ("Space", *["ArrowUp"] * 12, "Space"):  # a 1
        page.keyboard.press(key)
    assert frame.evaluate("() => document.activeElement.id") == "sheet"
    assert 400 < frame.evaluate(BLACK_PIXELS, "#sheet") < 2500, "a drawing replaces the image"
    frame.wait_for_function("old => document.getElementById('potentials').ariaLabel !== old", arg=before)
    frame.click("#mistake")
    for number in range(6):
        wait_for_step(frame, number)
        frame.click("#next")
    frame.click("#play")
    frame.wait_for_function(DIGEST)


def test_the_playground_is_a_widget_among_other_widgets(page):
    assert "given weights" in framed(page, ".widget-vbox iframe").inner_text("#status")


def test_the_playground_of_a_saved_notebook_works_without_a_kernel(page):
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.reload()
    frame = framed(page)
    frame.click("#next")
    wait_for_step(frame, 0)
