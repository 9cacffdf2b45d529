#!/usr/bin/env bash
# Reproduce the paper from a fresh clone. See usage() below, or README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'EOF'
usage: ./reproduce.sh [COMMAND] [OPTION ...]

  (none)   run all notebooks at the paper's settings, write figures/, print the verdicts
  quick    run all notebooks at small settings, write build/quick/ (under 2 minutes)
  test     check style and types, run all tests, re-execute the notebooks and compare their results
  lab      open the notebooks in JupyterLab
  explore  open the explorer in JupyterLab: train live, walk through the circuit, draw a digit
  setup    only make the Python environment in .venv

Options of the first two commands:
  --only NAME      run only this notebook, for example 04_mnist (may be repeated)
  -p NAME=VALUE    change a parameter of the notebooks run, for example -p epochs=5
                   (results go to build/custom/)
  --force          run everything; otherwise what is finished and unchanged is skipped
  --check          run nothing: name what is stale or edited by hand in figures/

Everything after `test` goes to pytest, everything after `lab` and `explore` to JupyterLab. `test` reads stored runs where a
notebook takes minutes, and repeats a few of them; `test --full` repeats all.

Environment variables:
  SNNBP_DATA       folder with mnist/ and fashion-mnist/ (default: ./data, then the cache, then a download)
  SNNBP_PYTHON     the Python interpreter to build .venv with (3.10 wanted; 3.11 to 3.13 go without Lava)
EOF
}

say() { printf '%s\n' "$*" >&2; }

version_of() {  # prints "3.10" if $1 runs at all; a shim may exist and still fail
    "$1" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

find_python() {  # prints the interpreter to use; sets nothing
    local candidate version fallback="" candidates=()
    if [ -n "${SNNBP_PYTHON:-}" ]; then
        candidates=("$SNNBP_PYTHON")
    else
        [ -n "${CONDA_PREFIX:-}" ] && candidates+=("$CONDA_PREFIX/bin/python")
        candidates+=(python3.10 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python)
        candidates+=(python3.13 python3.12 python3.11)
        candidates+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[123].*/bin/python)
    fi
    for candidate in "${candidates[@]}"; do
        version=$(version_of "$candidate")
        case "$version" in
            3.10) echo "$candidate"; return ;;
            3.11 | 3.12 | 3.13) [ -n "$fallback" ] || fallback=$candidate ;;
        esac
    done
    if [ -n "${SNNBP_PYTHON:-}" ]; then
        [ -z "$fallback" ] && { say "SNNBP_PYTHON=$SNNBP_PYTHON is not a working Python 3.10 to 3.13"; return 1; }
        echo "$fallback"; return
    fi
    for candidate in mamba micromamba conda; do
        command -v "$candidate" >/dev/null || continue
        say "no Python 3.10 found: creating one with $candidate in .python ..."
        if "$candidate" create --yes --quiet --prefix "$PWD/.python" --channel conda-forge python=3.10 pip >&2; then
            echo "$PWD/.python/bin/python"; return
        fi
    done
    if command -v uv >/dev/null && uv python install 3.10 >&2 2>/dev/null; then
        uv python find 3.10 && return
    fi
    [ -n "$fallback" ] && { echo "$fallback"; return; }
    say "no Python 3.10 to 3.13 found. Install one (python.org, conda, uv), or name it: SNNBP_PYTHON=/path/to/python3.10 ./reproduce.sh"
    return 1
}

setup() {
    local stamp=.venv/installed wanted python version
    wanted=$(cat requirements.lock pyproject.toml | cksum)
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi

    if [ -z "$(version_of .venv/bin/python)" ]; then
        python=$(find_python)
        rm -rf .venv
        say "creating .venv with $python ..."
        "$python" -m venv .venv
    fi
    version=$(version_of .venv/bin/python)
    say "installing the locked packages into .venv (Python $version) ..."
    if command -v uv >/dev/null; then
        uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
    else
        .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes \
            -r requirements.lock | awk '/^Collecting/ { printf "\r  %d packages", ++n; fflush() } END { print "" }' >&2
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    fi
    [ "$version" = 3.10 ] || say "Python $version: everything is set up but Lava, which needs Python 3.10"
    echo "$wanted" >"$stamp"
    say "set-up complete after $SECONDS s"
}

case "${1:-}" in
    -h | --help | help) usage ;;
    setup)
        [ $# -eq 1 ] || { say "setup takes no options"; usage >&2; exit 2; }
        setup
        ;;
    lab)
        setup
        exec .venv/bin/python -m jupyter lab "${@:2}" notebooks
        ;;
    explore)
        setup
        say "in JupyterLab: Run > Run All Cells"
        exec .venv/bin/python -m jupyter lab "${@:2}" notebooks/08_explore.ipynb
        ;;
    "" | quick | test | -*)
        setup
        exec .venv/bin/python -m snnbp.paper.pipeline "$@"
        ;;
    *)
        say "unknown command: $1"
        usage >&2
        exit 2
        ;;
esac
