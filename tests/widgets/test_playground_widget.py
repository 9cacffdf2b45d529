"""The playground as a widget: what it holds and refuses, and how it works in a browser without a kernel."""

import dataclasses
import html
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest

import snnbp
from snnbp import widgets
from tests.browser import DIGEST

READY = "() => document.getElementById('play')?.disabled === false"


@pytest.fixture(scope="module")
def weights(digits):
    return snnbp.train(
        digits, snnbp.Config(hidden=(40, 30), epochs=2, threshold=1280), progress=False
    ).weights


def few(data, n, **changes):
    return dataclasses.replace(data, train=data.train[:n], test=data.test[:n], **changes)


def learned(weights, samples):
    """The digest after the page's epoch: the order follows its initial weights in the stream of seed 1."""
    rng = np.random.Generator(np.random.PCG64(1))
    snnbp.Weights.draw(rng, weights.sizes)
    return snnbp.learn(weights, samples[rng.permutation(len(samples))])[0].digest


def test_what_the_page_cannot_show_is_refused_in_one_line(digits, weights):
    with pytest.raises(ValueError, match="one bit a pixel: load the data without contrast"):
        widgets.Playground(snnbp.load_dataset("digits", contrast=(1, 64)), weights)
    for sizes, sentence in (
        ((64, 8, 8, 8, 8, 10), "the playground takes 1 to 3 hidden layers, got 4"),
        ((400, 8, 10), "the weights have 400 inputs and 10 outputs, the data 64 and 10"),
    ):
        with pytest.raises(ValueError, match=sentence):
            widgets.Playground(digits, snnbp.Weights.draw(np.random.default_rng(0), sizes))


def test_classes_that_do_not_fit_a_byte_are_refused(digits, weights):
    many = dataclasses.replace(digits, classes=tuple(map(str, range(300))))
    fitting = snnbp.Weights.draw(np.random.default_rng(0), (64, 8, 300))
    with pytest.raises(ValueError, match="at most 256 classes, got 300"):
        widgets.Playground(many, fitting)
    with pytest.raises(ValueError, match="n_samples must be positive, got 0"):
        widgets.Playground(digits, weights, 0)


def test_only_the_first_samples_are_in_the_page(digits, weights):
    pages = [widgets.Playground(few(digits, n), weights, 50).page for n in (50, 60)]
    assert pages[0] == pages[1] != widgets.Playground(digits, weights, 60).page


@pytest.fixture
def alone(browser, tmp_path):
    """Open an output as a page of its own, without server and kernel; return it and the frame in it."""
    faults = []

    def opened(output):
        path = tmp_path / "output.html"
        path.write_text(output, encoding="utf-8")
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith("http") and faults.append(request.url))
        page.goto(path.as_uri())
        frame = page.wait_for_selector("iframe").content_frame()
        frame.wait_for_function(READY)
        return page, frame

    yield opened
    assert faults == []


def test_the_output_steps_learns_and_answers_from_the_given_weights(digits, weights, alone):
    names = ("<b>nought</b>", "$x^2$", "_a_", *digits.classes[3:9], "</script>")
    data = few(digits, 300, classes=names)
    page, frame = alone(widgets.Playground(data, weights)._repr_mimebundle_()[0]["text/html"])
    assert page.locator("img").count() == 0, "the still stays beside the page"
    assert "300 images, given weights" in frame.inner_text("#status")
    _, potentials = snnbp.predict(weights, data.test.inputs)
    for n in (0, 1):
        if n:
            frame.click("#example")
        frame.wait_for_function(f"() => document.getElementById('answer').textContent.includes('image {n},')")
        shown = ", ".join(f"{name}: {v}" for name, v in zip(names, potentials[n], strict=True))
        frame.wait_for_function(
            "text => document.getElementById('potentials').ariaLabel.includes(text)", arg=shown
        )
    assert frame.locator("#labels button").all_inner_texts() == list(names)
    frame.click("#mistake")
    frame.wait_for_function("() => document.getElementById('phase').textContent.includes('Phase 0 of')")
    frame.select_option("#settings [name=epochs]", "1")
    frame.click("#play")
    frame.wait_for_function(DIGEST)
    assert frame.evaluate(DIGEST) == learned(weights, data.train)
    frame.select_option("#settings [name=depth]", "1")
    frame.wait_for_function("() => document.getElementById('status').textContent.includes('random weights')")
    page.close()


def test_a_page_that_a_notebook_loads_again_says_what_is_lost(digits, weights, alone):
    """As where a notebook takes an output that is out of sight away and puts it back."""
    page, frame = alone(widgets.Playground(few(digits, 100), weights)._repr_mimebundle_()[0]["text/html"])
    assert "gone" not in frame.inner_text("#status")
    page.evaluate("() => document.body.append(document.querySelector('iframe'))")
    page.wait_for_timeout(500)
    frame = page.wait_for_selector("iframe").content_frame()
    frame.wait_for_function(READY)
    assert "loaded again: what was drawn and learned before is gone" in frame.inner_text("#status")
    page.close()


def test_a_notebook_exported_as_html_is_alive(digits, alone, tmp_path):
    """Run without a front end, exported with widget state; as a notebook that nobody runs again."""
    source = """import snnbp
from snnbp import widgets
data = snnbp.load_dataset("digits")
widgets.Playground(data, snnbp.train(data, snnbp.Config(hidden=30, epochs=1), progress=False).weights)"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "own.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", tmp_path / "own.ipynb"]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    exported = (tmp_path / "own.html").read_text(encoding="utf-8")
    [output] = re.findall(r"<div><img .*?</iframe></div>", exported, re.S)
    assert "const module_kernel" in html.unescape(output)
    page, frame = alone(output)
    frame.click("#play")
    frame.wait_for_function(DIGEST)
    page.close()
