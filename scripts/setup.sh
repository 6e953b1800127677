#!/usr/bin/env bash
# Leaves .venv in the checkout with what the lock file says, `tongdai`, the media engine and the pages of web/. What is up to date is
# left alone: a second run takes a fraction of a second. PYTHON chooses the interpreter (3.11 or later).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamps=$venv/stamps
# cargo and rustup put themselves here, and not every shell has been told
PATH="$PATH:$HOME/.cargo/bin"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { echo "==> $*"; }
die() {
    echo "error: $1" >&2
    shift
    for line in "$@"; do echo "       $line" >&2; done
    exit 1
}
# usage: step NAME FINGERPRINT COMMAND...   runs the command unless it succeeded before with this fingerprint
step() {
    local name=$1 fingerprint=$2
    shift 2
    [ "$(cat "$stamps/$name" 2>/dev/null)" != "$fingerprint" ] || return 0
    "$@"
    printf '%s\n' "$fingerprint" >"$stamps/$name"
}
# usage: fingerprint PATH...   one hash over the names and contents of these files and folders
fingerprint() {
    find "$@" -type f -not -path '*/target/*' -not -path '*/node_modules/*' \
        -not -path '*/__pycache__/*' -not -path 'web/build/openapi.json' -not -path 'web/src/api/schema.d.ts' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# The distribution's own Python comes first where it can make environments: it is built to be fast (profile-guided, not as a
# shared library), those of pyenv as a rule are not, and a call takes a quarter more of the processor on them.
find_python() {
    local candidate
    if [ -z "${PYTHON:-}" ] &&
        /usr/bin/python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo /usr/bin/python3
        return
    fi
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "no Python 3.11 or later was found (looked for ${PYTHON:-python3})." \
        "Install one (Debian 12: apt-get install python3 python3-venv) or name one: make setup PYTHON=/path/to/python3.12"
}

make_venv() {
    local python
    python=$(find_python)
    say "making $venv with $("$python" --version)"
    # Debian keeps ensurepip, which venv cannot do without, in a package of its own
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        scripts/apt.sh "$(basename "$python")-venv: $python -c 'import ensurepip, venv'"
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

install_locked() {
    say "installing the locked Python packages"
    local locked=(--require-hashes --no-deps -r requirements/dev.txt)
    # uv, itself out of the lock file, takes a tenth of pip's time; pip knows mirrors and proxies that uv may not
    if awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements/dev.txt >"$venv/uv.txt" &&
        "$venv/bin/python" -m pip install -q --require-hashes --no-deps -r "$venv/uv.txt" &&
        UV_LINK_MODE=copy "$venv/bin/uv" pip install -q --python "$venv/bin/python" "${locked[@]}"; then
        return
    fi
    "$venv/bin/python" -m pip install -q "${locked[@]}"
}

install_project() {
    say "building the media engine and the grammar of SIP (release), and installing tongdai into $venv"
    command -v cargo >/dev/null 2>&1 || die "cargo is missing: the media engine is written in Rust." \
        "Install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later (see rustup.rs), then run make again."
    "$venv/bin/python" -m pip install -q --no-build-isolation --no-deps --force-reinstall -e .
}

install_web_packages() {
    say "installing the locked packages of the pages into web/node_modules"
    (cd web && npm ci --ignore-scripts --silent)
}

build_web() {
    say "building the pages of web/"
    "$venv/bin/python" -m tongdai.api.openapi >web/build/openapi.json
    (cd web && npm run --silent types >/dev/null && npm run --silent build)
}

scripts/apt.sh "build-essential: command -v cc && command -v make" "cmake: command -v cmake" \
    "pkg-config: command -v pkg-config" "espeak-ng: command -v espeak-ng" \
    "nodejs: command -v node" "npm: command -v npm"

# a checkout that was moved takes its .venv along, whose scripts point to where it was
if [ "$(cat "$stamps/place" 2>/dev/null || pwd)" != "$PWD" ] ||
    ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    make_venv
fi
mkdir -p "$stamps"
pwd >"$stamps/place"
step packages "$(fingerprint requirements/dev.txt)" install_locked
[ -x "$venv/bin/tongdai" ] && [ -x "$venv/bin/tongdai-media" ] && [ -f src/tongdai/sip/message/grammar.abi3.so ] || rm -f "$stamps/project"
[ -d web/node_modules ] || rm -f "$stamps/web-packages"
# beside the compiler, which leaves a core and the network free
step web-packages "$(fingerprint web/package.json web/package-lock.json)" install_web_packages &
step project "$(fingerprint pyproject.toml Cargo.toml Cargo.lock crates)" install_project
wait $!
[ -f src/tongdai/api/pages/index.html ] || rm -f "$stamps/web"
step web "$(fingerprint web src/tongdai/api/routes src/tongdai/api/*.py)" build_web
