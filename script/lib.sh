# Shared by script/run and script/test: what the system must have, and the virtual environment in the checkout.
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

# The first Python on PATH that is new enough, the unnumbered one before others; empty when there is none.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$name"
            return
        fi
    done
}

# Debian takes ensurepip, and with it `python3 -m venv`, out of the package python3.
python_makes_venvs() { [ -n "$1" ] && "$1" -c 'import ensurepip, venv' 2> /dev/null; }

has_library() {
    local file
    for file in /usr/lib/*/"$1"* /usr/lib/"$1"* /usr/lib64/"$1"* /lib/*/"$1"*; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}

# Ubuntu's kernel modules are compressed with zstd, and the demo guest's loader takes plain ones only.
is_ubuntu() { grep -qs -E '^ID(_LIKE)?=.*ubuntu' /etc/os-release; }

# missing_packages run|test: the Debian packages that are not here, one on each line.
missing_packages() {
    local python
    python=$(find_python)
    [ -n "$python" ] || echo python3
    python_makes_venvs "$python" || echo python3-venv
    have qemu-system-x86_64 || echo qemu-system-x86
    have qemu-img || echo qemu-utils
    ! is_ubuntu || have zstd || echo zstd
    [ "$1" = test ] || return 0
    have tmux || echo tmux                             # the end-to-end test types into a real terminal
    has_library libcairo.so.2 || echo libcairo2        # pictures of the screen
    PATH=$PATH:/usr/sbin:/sbin have sysctl || echo procps # hugepage pools are changed and put back
}

# apt has no package lists in a container's image or a fresh root.
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
    # Without a terminal nobody can type a password.
    sudo -n true 2> /dev/null || { [ -t 0 ] && sudo -v; }
}

# install_packages run|test: say what is missing, then install it, or tell the user what to install.
install_packages() {
    local missing
    # One line with spaces between: for people, and for apt-get as one argument each.
    missing=$(missing_packages "$1" | paste -s -d ' ' -)
    if [ -z "$missing" ]; then
        return
    fi
    if ! have apt-get; then
        fail "this system lacks what Debian calls: $missing" \
            "install those with this system's own package manager (Python 3.11 or newer with venv), then run $self again"
    fi
    say "will install these packages of the system with apt-get: $missing"
    may_be_root || fail "this user may not install packages" "let an administrator run: apt-get install $missing"
    refresh_package_lists
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2 \
        || fail "apt-get could not install: $missing" "its own words are above"
    [ -z "$(missing_packages "$1")" ] \
        || fail "these are still missing: $(missing_packages "$1" | paste -s -d ' ' -)" "Python 3.11 or newer is needed"
}

refresh_package_lists() {
    say "bringing apt's package lists up to date"
    as_root apt-get update -q >&2 || fail "apt-get update failed" "its own words are above; is there a network?"
}

# --- the virtual environment ----------------------------------------------------------------------------------------

# Whether the environment works here: not moved, its Python still there and of the version it was made with.
venv_works() {
    [ -x "$venv/bin/python" ] || return 1
    # A Python that another one replaced does not see the environment's packages, pip first of all.
    "$venv/bin/python" -I -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || return 1
    # Its programs name its place in their first lines: after a move they start another environment's Python, or none.
    grep -qsF "$venv/bin/python" "$venv/bin/pip"
}

# What the environment must hold: the locked dependencies, the package's own facts, this place and this Python.
fingerprint() {
    {
        cat "$root/requirements/$1.txt" "$root/pyproject.toml"
        printf '%s\n' "$venv"
        "$venv/bin/python" -I -c 'import sys; print(sys.version)'
    } | sha256sum | cut -d ' ' -f 1
}

# up_to_date run|test: nothing to do. The set-up for tests holds all that the one for running does.
up_to_date() {
    local kind
    for kind in "$1" test; do
        [ ! -e "$venv/.workbench-$kind" ] || [ "$(cat "$venv/.workbench-$kind")" != "$(fingerprint "$kind")" ] || return 0
    done
    return 1
}

make_venv() {
    if [ -e "$venv" ]; then
        say "making .venv anew: it was made by another Python, or elsewhere, or not to its end"
        rm -rf "$venv" || fail ".venv cannot be removed" "it may belong to another user: sudo rm -r $venv"
    else
        say "making a virtual environment in .venv"
    fi
    "$(find_python)" -m venv "$venv" >&2 || fail "no virtual environment could be made in $root" \
        "this user must be allowed to write there"
}

# install_python_packages run|test
install_python_packages() {
    [ -w "$venv" ] || fail ".venv is not up to date and belongs to another user" "remove it: sudo rm -r $venv"
    rm -f "$venv"/.workbench-*
    say "installing the locked dependencies ($(grep -c '^[a-z]' "$root/requirements/$1.txt") packages from requirements/$1.txt)"
    local pip=("$venv/bin/python" -I -m pip --disable-pip-version-check --no-input)
    # Wheels only: nothing is compiled here, and nothing runs a set-up script of its own.
    # Of pip's many lines, one for each package: progress.
    "${pip[@]}" install --require-hashes --only-binary :all: -r "$root/requirements/$1.txt" \
        | sed -u -n -e 's/^Collecting \([^ ]*\).*/    \1/p' -e 's/^Installing .*/    unpacking/p' >&2 \
        || fail "pip could not install the dependencies" "its own words are above; is there a network?"
    # Editable: the checkout is the package, changes in it are seen at once.
    "${pip[@]}" install --quiet --no-deps --no-build-isolation --no-index --editable "$root" >&2 \
        || fail "pip could not install the package"
    # Where PYTHONDONTWRITEBYTECODE is set, Python would compile every module again at each start.
    "$venv/bin/python" -m compileall -q "$root/workbench" >&2 || true
    # Written last: an interrupted set-up has none and is done again.
    fingerprint "$1" > "$venv/.workbench-$1"
}

# set_up run|test: everything that must be here before the workbench can start. Quick and offline when it is.
set_up() {
    install_packages "$1"
    # One set-up at a time: the lock is the checkout's own directory, and ends with this descriptor.
    exec 9< "$root"
    if have flock && ! flock -n 9; then
        say "waiting for another set-up in this checkout"
        flock 9
    fi
    if ! { venv_works && up_to_date "$1"; }; then
        venv_works || make_venv
        install_python_packages "$1"
        # The demo guest is downloaded with apt, which needs its lists; without them its own message says what to do.
        if have apt-get && lacks_package_lists && may_be_root; then
            say "the demo guest is downloaded with apt, and apt has no package lists yet"
            refresh_package_lists
        fi
    fi
    exec 9<&-
}
