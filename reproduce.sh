#!/usr/bin/env bash
# Reproduce the paper from a fresh clone: makes the Python environment, then hands over to `python -m snnbp`.
set -euo pipefail
unset CDPATH PYTHONPATH PYTHONHOME JUPYTER_PATH # the user's own would bring in other code and kernels
unset PYTHONDONTWRITEBYTECODE                   # each of many processes would compile the same packages again
for name in $(git rev-parse --local-env-vars 2>/dev/null); do unset "$name"; done # a hook's lead to its repository
cd "$(dirname "${BASH_SOURCE[0]}")"
# Sockets of processes that talk to each other lie in TMPDIR; their paths hold 108 characters at most.
tmp=${TMPDIR:-}
[ "${#tmp}" -le 60 ] || export TMPDIR=/tmp

say() { printf '%s\n' "$*" >&2; }

version_of() { # prints "3.12" if $1 runs at all; a shim may exist and still fail
    "$1" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

supported() {
    case "$(version_of "$1")" in 3.11 | 3.12 | 3.13) ;; *) return 1 ;; esac
}

refuse_slips() { # before set-up, with any Python; without one, set-up says so
    local python
    for python in .venv/bin/python python3 python; do
        if "$python" -c '' 2>/dev/null; then
            "$python" -I snnbp/paper/options.py "$@" || exit 2
            return
        fi
    done
}

find_python() { # prints the interpreter to use; sets nothing
    local candidate versions="${PYENV_ROOT:-${HOME:-}/.pyenv}/versions" candidates=()
    if [ -n "${SNNBP_PYTHON:-}" ]; then
        candidates=("$SNNBP_PYTHON")
    else
        candidates=(python3.12 "$versions"/3.12.*/bin/python ${CONDA_PREFIX:+"$CONDA_PREFIX/bin/python"})
        candidates+=(python3 python python3.13 python3.11 "$versions"/3.1[13].*/bin/python)
    fi
    for candidate in "${candidates[@]}"; do
        supported "$candidate" && { echo "$candidate"; return; }
    done
    if [ -n "${SNNBP_PYTHON:-}" ]; then
        say "SNNBP_PYTHON=$SNNBP_PYTHON is not a working Python 3.11 to 3.13"
        return 1
    fi
    for candidate in mamba micromamba conda; do
        command -v "$candidate" >/dev/null || continue
        say "no Python 3.11 to 3.13 found: creating one with $candidate in .python ..."
        if "$candidate" create --yes --quiet --prefix "$PWD/.python" --channel conda-forge python=3.12 pip >&2; then
            echo "$PWD/.python/bin/python"; return
        fi
    done
    if uv python install 3.12 >&2 2>/dev/null; then
        uv python find 3.12 && return
    fi
    say "no Python 3.11 to 3.13 found. Install one (python.org, conda, uv), or name it: SNNBP_PYTHON=/path/to/python3.12 ./reproduce.sh"
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

in_one_line() { # what an installer is doing, each message in place of the one before
    awk '/^Collecting|^ ?Download/ { printf "\r  %-60.60s", $0; fflush() }
        /^Installing/ { printf "\r  %-60s", "unpacking, for one to three minutes ..."; fflush() }
        END { printf "\r%62s\r", "" }' >&2
}

install() { # by uv in seconds; where uv does not get through, by pip in minutes
    local pip=(.venv/bin/python -m pip install --disable-pip-version-check --require-hashes)
    awk '/^[^ ]/ { on = /^uv==/ } on' requirements.lock >.venv/uv.lock
    if ! { "${pip[@]}" --progress-bar off -r .venv/uv.lock | in_one_line &&
        .venv/bin/uv pip sync --python .venv/bin/python --require-hashes requirements.lock 2>&1 | in_one_line; }; then
        # The lock holds every dependency; Lava's metadata asks for Python 3.10.
        "${pip[@]}" --no-deps --ignore-requires-python --progress-bar off -r requirements.lock | in_one_line
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
}

verified() { # every file of every installed package is there
    .venv/bin/python - <<'PYTHON' || return 1
import sys
from importlib.metadata import distributions

broken = [d.name for d in distributions() if not d.files or not all(f.locate().exists() for f in d.files)]
if broken:
    sys.exit(f"incomplete packages: {', '.join(sorted(broken))}")
PYTHON
    local wrong # Lava runs with newer packages than its metadata asks for: docs/lava_reports.md
    wrong=$(.venv/bin/python -m pip check | grep -v '^lava-nc \|^No broken' || true)
    [ -z "$wrong" ] || { say "$wrong"; return 1; }
    (cd / && "$OLDPWD"/.venv/bin/python -c 'import snnbp')
}

setup() { # .venv/installed says for which packages, and which folder, .venv is complete
    local stamp=.venv/installed wanted python
    wanted="$(cat requirements.lock pyproject.toml | cksum) $PWD"
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && supported .venv/bin/python && return

    case "$(cat "$stamp" 2>/dev/null)" in
        *" $PWD") ;; # complete, for other packages: update it
        *) rm -rf .venv ;; # interrupted, or made for another folder
    esac
    if ! supported .venv/bin/python; then
        python=$(find_python)
        rm -rf .venv
        say "creating .venv with $python ..."
        "$python" -m venv .venv
    fi
    rm -f "$stamp"
    say "installing the locked packages into .venv (Python $(version_of .venv/bin/python)) ..."
    install
    verified || { say "set-up failed: delete .venv and try again"; return 1; }
    echo "$wanted" >"$stamp"
    say "set-up complete after $SECONDS s"
}

case "$(uname -s)" in
    MINGW* | MSYS* | CYGWIN*) say "on Windows this runs in WSL: https://learn.microsoft.com/windows/wsl"; exit 1 ;;
esac
case "${1:-}" in
    -h | --help | help) exec cat snnbp/paper/help.txt ;;
esac
refuse_slips "$@"
guarded setup
case "${1:-}" in
    setup) ;;
    lab) exec .venv/bin/python -m jupyter lab "${@:2}" notebooks ;;
    explore)
        say "in JupyterLab: Run > Run All Cells"
        exec .venv/bin/python -m jupyter lab "${@:2}" notebooks/08_explore.ipynb
        ;;
    *) exec .venv/bin/python -m snnbp "$@" ;;
esac
