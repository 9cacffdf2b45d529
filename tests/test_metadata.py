"""What others read about the project agrees with the package: citation, archive, CODECHECK, Binder, Pages."""

import json
import re
from pathlib import Path

import yaml

import snnbp
from snnbp.paper import settings

ROOT = Path(__file__).parents[1]
PROJECT = settings.read_toml(ROOT / "pyproject.toml")["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PAPER = CITATION["references"][0]


def test_citation_and_changelog_are_of_this_version():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == snnbp.__version__
    assert CITATION["license"] == PROJECT["license"]
    assert [author["name"] for author in CITATION["authors"]] == [one["name"] for one in PROJECT["authors"]]
    assert PROJECT["urls"]["Paper"] == f"https://doi.org/{PAPER['doi']}"
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest
    assert newest[1] == snnbp.__version__


def test_zenodo_describes_what_is_cited():
    described = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert described["upload_type"] == CITATION["type"]
    assert described["title"] == CITATION["title"]
    assert described["version"] == CITATION["version"]
    assert described["license"] == CITATION["license"].lower()
    assert described["creators"] == CITATION["authors"]
    assert described["description"] == PROJECT["description"]
    assert described["keywords"] == PROJECT["keywords"]
    assert [one["identifier"] for one in described["related_identifiers"]] == [
        PAPER["doi"],
        PROJECT["urls"]["Official code"],
    ]


def test_codecheck_lists_what_the_paper_s_notebooks_write():
    """Figures and tables of `./reproduce.sh` in the notebooks' order, each with its notebook."""
    checked = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf-8"))
    assert checked["version"] == "https://codecheck.org.uk/spec/config/1.0/"
    assert checked["paper"]["title"] == PAPER["title"]
    assert checked["paper"]["reference"] == PROJECT["urls"]["Paper"]
    names = [f"{author['given-names']} {author['family-names']}" for author in PAPER["authors"]]
    assert [author["name"] for author in checked["paper"]["authors"]] == names
    expected = [
        {"file": f"figures/{file}", "comment": f"notebooks/{name}.ipynb"}
        for name, notebook in settings.notebooks().items()
        if notebook.group == "paper"
        for file in json.loads((ROOT / "figures" / "records" / f"{name}.json").read_text(encoding="utf-8"))[
            "files"
        ]
        if file.endswith((".png", ".csv", ".md"))
    ]
    assert checked["manifest"] == expected, yaml.safe_dump({"manifest": expected}, sort_keys=False)
    assert all((ROOT / entry["file"]).is_file() for entry in expected)


def test_binder_has_the_locked_packages_and_the_package():
    python = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8").strip() == f"python-{python}"
    post_build = ROOT / ".binder" / "postBuild"
    assert post_build.stat().st_mode & 0o100
    installs = post_build.read_text(encoding="utf-8").splitlines()[-2:]
    assert installs == [
        "pip install --no-deps --ignore-requires-python --require-hashes -r requirements.lock",
        "pip install --no-deps --no-build-isolation --editable .",
    ]


def test_every_supported_python_is_tested_and_the_default_is_one_of_them():
    declared = [c.split(" :: ")[-1] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert jobs["platforms"]["strategy"]["matrix"]["python"] == declared
    default = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert default in declared
    assert f"python={default}" in (ROOT / "environment.yml").read_text(encoding="utf-8")
    first, last = min(declared), max(declared, key=lambda v: int(v.split(".")[1]))
    assert PROJECT["requires-python"] == f">={first},<3.{int(last.split('.')[1]) + 1}"


def test_the_published_site_is_the_one_that_is_built():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text(encoding="utf-8"))["jobs"]
    steps = jobs["build"]["steps"]
    assert {"run": "./reproduce.sh docs"} in steps
    (upload,) = (step for step in steps if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"] == {"path": "build/site"}
    assert jobs["publish"]["needs"] == "build"


def test_the_address_of_the_repository_is_named_everywhere_or_nowhere():
    address = PROJECT["urls"].get("Repository")
    readme, contributing = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
    )
    assert CITATION.get("repository-code") == address
    assert ("no public address yet" in contributing) == (address is None)
    for service in ("mybinder.org", "colab.research.google.com"):
        assert (service in readme) == (address is not None)
