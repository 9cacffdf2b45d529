#!/usr/bin/env bash
# Reproduce the paper from a fresh clone: makes the Python environment, then hands over to `python -m snnbp`.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME JUPYTER_PATH # the user's own would bring in other code and kernels
cd "$(dirname "${BASH_SOURCE[0]}")"
# Sockets of processes that talk to each other lie in TMPDIR; their paths hold 108 characters at most.
tmp=${TMPDIR:-}
[ "${#tmp}" -le 60 ] || export TMPDIR=/tmp

say() { printf '%s\n' "$*" >&2; }

version_of() { # prints "3.10" if $1 runs at all; a shim may exist and still fail
    "$1" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

find_python() { # prints the interpreter to use; sets nothing
    local candidate version fallback="" candidates=()
    if [ -n "${SNNBP_PYTHON:-}" ]; then
        candidates=("$SNNBP_PYTHON")
    else
        [ -n "${CONDA_PREFIX:-}" ] && candidates+=("$CONDA_PREFIX/bin/python")
        candidates+=(python3.10 python3 python "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.10.*/bin/python)
        candidates+=(python3.13 python3.12 python3.11)
        candidates+=("${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.1[123].*/bin/python)
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

guarded() { # runs a command in a process group of its own, which ends with this script
    set -m
    "$@" &
    local job=$!
    set +m
    trap 'kill -TERM -- "-$job" 2>/dev/null || true; say "set-up interrupted"; exit 130' INT TERM HUP
    wait "$job"
    trap - INT TERM HUP
}

install() {
    local total
    if command -v uv >/dev/null; then
        uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
        uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
        return
    fi
    total=$(grep -c '^[a-z0-9].*==' requirements.lock)
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes \
        -r requirements.lock | awk -v total="$total" '
            /^Collecting/ { printf "\r  %d of at most %d packages", ++n, total; fflush() }
            /^Installing/ { printf "\n  installing ..."; fflush() }
            END { print "" }' >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

verified() { # every file of every installed package is there
    .venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import distributions

broken = [d.name for d in distributions() if not d.files or not all(f.locate().exists() for f in d.files)]
if broken:
    sys.exit(f"incomplete packages: {', '.join(sorted(broken))}")
PYTHON
    .venv/bin/python -m pip check >/dev/null && (cd / && "$OLDPWD"/.venv/bin/python -c 'import snnbp')
}

setup() { # .venv/installed says for which packages, and which folder, .venv is complete
    local stamp=.venv/installed wanted python version
    wanted="$(cat requirements.lock pyproject.toml | cksum) $PWD"
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && [ -n "$(version_of .venv/bin/python)" ] && return

    case "$(cat "$stamp" 2>/dev/null)" in
        *" $PWD") ;; # complete, for other packages: update it
        *) rm -rf .venv ;; # interrupted, or made for another folder
    esac
    if [ -z "$(version_of .venv/bin/python)" ]; then
        python=$(find_python)
        rm -rf .venv
        say "creating .venv with $python ..."
        "$python" -m venv .venv
    fi
    rm -f "$stamp"
    version=$(version_of .venv/bin/python)
    say "installing the locked packages into .venv (Python $version) ..."
    install
    verified || { say "set-up failed: delete .venv and try again"; return 1; }
    [ "$version" = 3.10 ] || say "Python $version: set-up without Lava, which needs Python 3.10"
    echo "$wanted" >"$stamp"
    say "set-up complete after $SECONDS s"
}

case "$(uname -s)" in
    MINGW* | MSYS* | CYGWIN*) say "on Windows this runs in WSL: https://learn.microsoft.com/windows/wsl"; exit 1 ;;
esac
case "${1:-}" in
    -h | --help | help) cat snnbp/paper/help.txt ;;
    setup)
        [ $# -eq 1 ] || { say "reproduce: setup takes no options (see ./reproduce.sh --help)"; exit 2; }
        guarded setup
        ;;
    lab)
        guarded setup
        exec .venv/bin/python -m jupyter lab "${@:2}" notebooks
        ;;
    explore)
        guarded setup
        say "in JupyterLab: Run > Run All Cells"
        exec .venv/bin/python -m jupyter lab "${@:2}" notebooks/08_explore.ipynb
        ;;
    "" | all | quick | test | docs | -*)
        guarded setup
        exec .venv/bin/python -m snnbp "$@"
        ;;
    *)
        say "reproduce: unknown command '$1': choose one of all, quick, test, docs, lab, explore, setup (see --help)"
        exit 2
        ;;
esac
