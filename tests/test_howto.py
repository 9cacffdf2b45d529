"""Each page of docs/howto is executed: its Python blocks in turn, as one program in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import snnbp

PAGES = sorted((Path(__file__).parents[1] / "docs" / "howto").glob("*.md"))


def blocks(page):
    text = (PAGES[0].parent / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_there_are_pages():
    pages = {page.stem for page in PAGES}
    named = {"csv_file", "dask", "event_data", "many_seeds", "own_circuit", "pandas_frame", "png_folder"}
    assert pages >= {*named, "trace_and_plot"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path):
    """What a page prints stands in its block of text, where it has one."""
    text, program = page.read_text(encoding="utf-8"), "\n".join(blocks(page.stem))
    assert program
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))


def test_events_of_every_kind_land_in_their_frame_or_are_refused():
    names = {}
    exec(blocks("event_data")[0], names)
    rng, n, end = np.random.default_rng(0), 3000, names["MICROSECONDS"]
    t, x, y = np.sort(rng.integers(0, end, n)), rng.integers(0, 16, n), rng.integers(0, 16, n)
    on = rng.random(n) < 0.5
    t[-1], t[0], x[:2], y[:2] = end - 1, 0, (0, 15), (0, 15)
    expected = np.zeros((4, 2, 16, 16), bool)
    expected[t * 4 // end, on.astype(int), y, x] = True
    for p in (on, on.astype(np.uint8), 2 * on.astype(np.int8) - 1, on.tolist()):
        for kind in (np.int64, np.uint32, np.float64):
            np.testing.assert_array_equal(names["frames"](t.astype(kind), x, y, p), expected.ravel())
    start = 2**32 - 50_000
    wrapping = (t + start).astype(np.uint32)
    assert (np.diff(wrapping.astype(int)) < 0).any()
    for wrong in ((t - 1, x, y), (t + 1, x, y), (wrapping, x, y), (t, x + 1, y), (t, x, y - 1)):
        with pytest.raises(ValueError, match=r"of 3000 events are outside$"):
            names["frames"](*wrong, on)
    continued = np.unwrap(wrapping.astype("int64"), period=2**32) - start  # as the page says
    np.testing.assert_array_equal(names["frames"](continued, x, y, on), expected.ravel())


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("300", "got 300"), ("-1", "got -1"), ("nan", "got nan"), ("", "got nan"), ("0.5", None)],
)
def test_a_csv_file_with_values_that_are_no_pixels(value, outcome, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [[n % 2, *(0, 255) * 31, n, 255 - n] for n in range(20)]
    rows[3][2] = value
    Path("digits.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="ascii")
    reading = "import snnbp\n" + blocks("csv_file")[1].partition("run = ")[0]
    names = {}
    if outcome is None:
        exec(reading, names)
        assert not names["data"].train.inputs[3, 1]
        assert names["data"].train.inputs[2, 1]
    else:
        with pytest.raises(ValueError, match=outcome):
            exec(reading, names)


def test_a_folder_of_images_of_every_depth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    for name in ("a", "b", ".ipynb_checkpoints"):
        Path("images/train", name).mkdir(parents=True)
        Image.fromarray(pixels).save(f"images/train/{name}/eight.png")
    Path("images/train/a/notes.txt").touch()
    Image.fromarray(pixels).save("images/train/a/.eight.png")
    Image.fromarray(pixels.astype(np.uint16) * 257).save("images/train/a/SIXTEEN.PNG", format="PNG")
    Image.fromarray(pixels > 127).save("images/train/b/one.png")
    names = {"Path": Path, "np": np}
    exec(blocks("png_folder")[1].partition("data = ")[0], names)
    images, labels = names["read"]("train")
    assert labels == ["a", "a", "b", "b"]
    for image, expected in zip(images, (pixels / 255, pixels / 255, pixels / 255, pixels > 127), strict=True):
        np.testing.assert_allclose(image, expected, atol=1e-7)
    data = snnbp.Dataset.from_images(images, labels, images[::-1], labels[::-1])
    np.testing.assert_array_equal(
        data.train.inputs, np.tile((pixels >= 129).ravel(), (4, 1)) | (images.reshape(4, -1) == 1)
    )
