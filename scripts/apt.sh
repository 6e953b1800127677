#!/usr/bin/env bash
# Makes sure that Debian packages are there:  scripts/apt.sh 'PACKAGE: COMMAND THAT SUCCEEDS ONCE IT IS' ...
# Installs only what is missing (with sudo when not root), and fails when it cannot.
set -euo pipefail

missing=()
for need in "$@"; do
    bash -c "${need#*:}" >/dev/null 2>&1 </dev/null || missing+=("${need%%:*}")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: something is missing that Debian's packages ${missing[*]} bring, and there is no apt-get here." >&2
    echo "       Install what your system calls them, then run make again." >&2
    exit 1
fi
run=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "error: these Debian packages are missing: ${missing[*]}" >&2
        echo "       You are not root and there is no sudo: have them installed, then run make again." >&2
        exit 1
    fi
    run=(sudo "${run[@]}")
fi
echo "==> installing Debian packages: ${missing[*]}"
# another apt (unattended upgrades, say) may be at work: its lists are as good as ours, and dpkg is waited for
apt=("${run[@]}" apt-get -o DPkg::Lock::Timeout=600)
"${apt[@]}" update -qq || echo "warning: apt-get update failed; trying with the package lists that are here" >&2
"${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
for need in "$@"; do
    if ! bash -c "${need#*:}" >/dev/null 2>&1 </dev/null; then
        echo "error: the Debian package ${need%%:*} is installed, and still this fails:${need#*:}" >&2
        exit 1
    fi
done
