"""Each page of docs/howto is executed: its Python blocks in turn, as one program in an empty folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[1] / "docs" / "howto").glob("*.md"))


def test_there_are_pages():
    pages = {page.stem for page in PAGES}
    assert pages >= {"csv_file", "event_data", "many_seeds", "pandas_frame", "png_folder"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path):
    """What a page prints stands in its block of text, where it has one."""
    text = page.read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
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
