# Shared by script/run and script/test: system packages, and the virtual environment in the checkout.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
self=script/$(basename "$0")

say() { printf '%s: %s\n' "$self" "$*" >&2; }

# fail MESSAGE [HINT]
fail() {
    say "$1"
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

have() { command -v "$1" > /dev/null 2>&1; }

# --- the system's packages ------------------------------------------------------------------------------------------

# The first Python on PATH that is new enough, python3 before python3.NN; empty if there is none.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$name"
            return
        fi
    done
}

# Debian ships ensurepip, which `python3 -m venv` needs, in a package of its own.
python_makes_venvs() { [ -n "$1" ] && "$1" -c 'import ensurepip, venv' 2> /dev/null; }

has_library() {
    local file
    for file in /usr/lib/*/"$1"* /usr/lib/"$1"* /usr/lib64/"$1"* /lib/*/"$1"*; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}

# Ubuntu compresses its kernel modules with zstd, and the demo guest can only load uncompressed ones.
is_ubuntu() { grep -qs -E '^ID(_LIKE)?=.*ubuntu' /etc/os-release; }

# missing_packages run|test: the Debian packages that are not installed, one per line.
missing_packages() {
    local python
    python=$(find_python)
    [ -n "$python" ] || echo python3
    python_makes_venvs "$python" || echo python3-venv
    have qemu-system-x86_64 || echo qemu-system-x86
    have qemu-img || echo qemu-utils
    ! is_ubuntu || have zstd || echo zstd
    [ "$1" = test ] || return 0
    have tmux || echo tmux                             # the end-to-end tests type into a real terminal
    has_library libcairo.so.2 || echo libcairo2        # screenshots
    PATH=$PATH:/usr/sbin:/sbin have sysctl || echo procps # tests resize hugepage pools and restore them
}

# A container image or a fresh root has no package lists.
lacks_package_lists() {
    local file
    for file in /var/lib/apt/lists/*Packages*; do
        [ ! -e "$file" ] || return 1
    done
}

# as_root COMMAND...
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

may_be_root() {
    [ "$(id -u)" -eq 0 ] && return
    have sudo || return 1
    # Without a terminal there is no way to ask for a password.
    sudo -n true 2> /dev/null || { [ -t 0 ] && sudo -v; }
}

# install_packages run|test: list what is missing, then install it, or tell the user what to install.
install_packages() {
    local missing
    # On one line, separated by spaces: for the message, and as arguments of apt-get.
    missing=$(missing_packages "$1" | paste -s -d ' ' -)
    if [ -z "$missing" ]; then
        return
    fi
    if ! have apt-get; then
        fail "missing packages (Debian names): $missing" \
            "install them with this system's package manager (Python 3.11 or newer with venv), then run $self again"
    fi
    say "will install with apt-get: $missing"
    may_be_root || fail "no permission to install packages" "as root, run: apt-get install $missing"
    refresh_package_lists
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 \
        || fail "apt-get failed to install: $missing" "see its output above"
    [ -z "$(missing_packages "$1")" ] \
        || fail "still missing: $(missing_packages "$1" | paste -s -d ' ' -)" "Python 3.11 or newer is needed"
}

refresh_package_lists() {
    say "updating apt's package lists"
    as_root apt-get update -q >&2 || fail "apt-get update failed" "see its output above; is the network up?"
}

# --- the virtual environment ----------------------------------------------------------------------------------------

# Whether the environment works: not moved, and its Python is still there in the same version.
venv_works() {
    [ -x "$venv/bin/python" ] || return 1
    # A Python of another version does not find the environment's packages, so importing pip fails.
    "$venv/bin/python" -I -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || return 1
    # The first line of each program is an absolute path: after a move it starts another environment's Python, or none.
    grep -qsF "$venv/bin/python" "$venv/bin/pip"
}

# Identifies the content of the environment: locked dependencies, package metadata, location and Python.
fingerprint() {
    {
        cat "$root/requirements/$1.txt" "$root/pyproject.toml"
        printf '%s\n' "$venv"
        "$venv/bin/python" -I -c 'import sys; print(sys.version)'
    } | sha256sum | cut -d ' ' -f 1
}

# up_to_date run|test: whether nothing has to be installed. The set-up for tests includes the one for running.
up_to_date() {
    local kind
    for kind in "$1" test; do
        [ ! -e "$venv/.workbench-$kind" ] || [ "$(cat "$venv/.workbench-$kind")" != "$(fingerprint "$kind")" ] || return 0
    done
    return 1
}

make_venv() {
    if [ -e "$venv" ]; then
        say "recreating .venv: it was made by another Python or in another place, or is incomplete"
        rm -rf "$venv" || fail "cannot remove .venv" "it may belong to another user: sudo rm -r $venv"
    else
        say "creating a virtual environment in .venv"
    fi
    "$(find_python)" -m venv "$venv" >&2 || fail "cannot create a virtual environment in $root" \
        "this user needs write permission there"
}

# install_python_packages run|test
install_python_packages() {
    [ -w "$venv" ] || fail ".venv is out of date and belongs to another user" "remove it: sudo rm -r $venv"
    rm -f "$venv"/.workbench-*
    say "installing the locked dependencies ($(grep -c '^[a-z]' "$root/requirements/$1.txt") packages from requirements/$1.txt)"
    local pip=("$venv/bin/python" -I -m pip --disable-pip-version-check --no-input)
    # Wheels only: nothing is compiled, and no set-up script runs.
    # Reduce pip's output to one line per package, as progress.
    "${pip[@]}" install --require-hashes --only-binary :all: -r "$root/requirements/$1.txt" \
        | sed -u -n -e 's/^Collecting \([^ ]*\).*/    \1/p' -e 's/^Installing .*/    unpacking/p' >&2 \
        || fail "pip failed to install the dependencies" "see its output above; is the network up?"
    # Editable: changes in the checkout take effect at once.
    "${pip[@]}" install --quiet --no-deps --no-build-isolation --no-index --editable "$root" >&2 \
        || fail "pip failed to install the package"
    # With PYTHONDONTWRITEBYTECODE set, Python would otherwise compile every module at each start.
    "$venv/bin/python" -m compileall -q "$root/workbench" >&2 || true
    # Written last: an interrupted set-up has no stamp and is repeated.
    fingerprint "$1" > "$venv/.workbench-$1"
}

# set_up run|test: install everything that the workbench needs. Quick and offline if it is installed already.
set_up() {
    install_packages "$1"
    # One set-up at a time: the lock is on the checkout's directory and is released with this descriptor.
    exec 9< "$root"
    if have flock && ! flock -n 9; then
        say "waiting for another set-up in this checkout"
        flock 9
    fi
    if ! { venv_works && up_to_date "$1"; }; then
        venv_works || make_venv
        install_python_packages "$1"
        # The demo guest is downloaded with apt, which needs package lists; without them it prints its own hint.
        if have apt-get && lacks_package_lists && may_be_root; then
            say "apt has no package lists yet, and the demo guest is downloaded with apt"
            refresh_package_lists
        fi
    fi
    exec 9<&-
}
