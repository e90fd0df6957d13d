#!/usr/bin/env bash
# Prepares a Debian 12 machine for Branchline: Debian packages and a Python
# virtual environment. It changes only what is missing and may be run again.
# It can be sourced: then it only defines its functions.
set -euo pipefail

BL_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly BL_ROOT
readonly BL_MIN_PYTHON="3.11"

# What the appliance needs. The compiler, the headers and libsystemd-dev are
# for systemd-python, which exists as source only; the wheels of all other
# dependencies bring their libraries along (libc, libstdc++ and zlib aside).
readonly BL_PACKAGES=(ca-certificates gcc libsystemd-dev pkg-config)
# What Debian's own Python lacks for it.
readonly BL_PYTHON_PACKAGES=(python3-dev python3-venv)
# What the tests need: sipp and baresip (telephone peers), espeak-ng (a voice
# independent of ours), Chromium (the page), shellcheck (this file),
# systemd-analyze (the units).
readonly BL_TEST_PACKAGES=(
    baresip-core chromium chromium-driver espeak-ng shellcheck sip-tester sox systemd)

# MB that must be free in the file system of the virtual environment.
readonly BL_SPACE_MB=2000

opt_venv="$BL_ROOT/.venv"
opt_tests=no
opt_packages=yes
opt_verbose=no
python=""

usage() {
    cat <<'TEXT'
Usage: ./install.sh [OPTION]...

Installs the Debian packages that Branchline needs and a virtual environment
with its Python packages. What is there already is left alone.

  --venv DIR      the virtual environment (default: .venv beside this file)
  --with-tests    also what the tests need: sipp, baresip, espeak-ng, sox, Chromium,
                  shellcheck, systemd-analyze, and the Python test tools
  --no-packages   install no Debian packages (they are there, or another tool
                  installs them)
  --python PROG   the Python to use (default: the first of $PYTHON, python3,
                  python3.13, python3.12, python3.11 that is 3.11 or newer)
  --verbose       show what apt-get and pip say
  -h, --help      this text

Needs root or sudo for the Debian packages only.

Example:
  ./install.sh --with-tests
  .venv/bin/branchline --help
TEXT
}

log() { printf 'install: %s\n' "$*" >&2; }

die() {
    printf 'install: error: %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf 'install:   %s\n' "$line" >&2; done
    exit 1
}

step_1_options() {
    while (($# > 0)); do
        case "$1" in
            --venv | --python)
                (($# > 1)) || die "$1 needs a value." "See ./install.sh --help."
                if [[ $1 == --venv ]]; then opt_venv="$2"; else PYTHON="$2"; fi
                shift
                ;;
            --with-tests) opt_tests=yes ;;
            --no-packages) opt_packages=no ;;
            --verbose) opt_verbose=yes ;;
            -h | --help)
                usage
                exit 0
                ;;
            *) die "unknown option: $1" "See ./install.sh --help." ;;
        esac
        shift
    done
}

# is_new_enough PROG: is it a Python of at least BL_MIN_PYTHON?
is_new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < (${BL_MIN_PYTHON/./, }))" >/dev/null 2>&1
}

step_2_find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if [[ -n $candidate ]] && command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            python="$(command -v "$candidate")"
            log "Python: $python ($("$python" -V))"
            return
        fi
        if [[ -n $candidate && $candidate == "${PYTHON:-}" ]]; then
            die "$candidate is not a Python $BL_MIN_PYTHON or newer."
        fi
    done
    die "no Python $BL_MIN_PYTHON or newer found." \
        "Debian 12 has it: apt-get install python3" \
        "Or name another one: ./install.sh --python /path/to/python3.11"
}

# free_mb DIR: free space there, MB; DIR need not exist yet.
free_mb() {
    local dir="$1"
    while [[ ! -d $dir ]]; do dir="$(dirname "$dir")"; done
    df -m --output=avail "$dir" | tail -n 1 | tr -d ' '
}

step_3_check_space() {
    # An environment that exists is only topped up.
    if [[ -x $opt_venv/bin/branchline ]]; then return; fi
    local free
    free="$(free_mb "$opt_venv")"
    if ((free < BL_SPACE_MB)); then
        die "only $free MB are free for $opt_venv; $BL_SPACE_MB MB are needed." \
            "Make room there, or choose another place with --venv DIR."
    fi
}

# wanted_packages: names of the Debian packages, one a line.
wanted_packages() {
    printf '%s\n' "${BL_PACKAGES[@]}"
    # Another Python than Debian's brings venv and headers itself.
    if [[ $("$python" -c 'import sys; print(sys.base_prefix)') == /usr ]]; then
        printf '%s\n' "${BL_PYTHON_PACKAGES[@]}"
    fi
    if [[ $opt_tests == yes ]]; then printf '%s\n' "${BL_TEST_PACKAGES[@]}"; fi
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

is_root() { ((EUID == 0)); }

# apt_get ARGUMENT...: as root, asks nothing, tries again, waits for a lock.
apt_get() {
    local command=(env DEBIAN_FRONTEND=noninteractive apt-get -y
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0
        -o APT::Install-Recommends=false)
    if ! is_root; then command=(sudo "${command[@]}"); fi
    if [[ $opt_verbose == yes ]]; then
        "${command[@]}" "$@" </dev/null >&2
    else
        "${command[@]}" -qq "$@" </dev/null >/dev/null
    fi
}

step_4_debian_packages() {
    if [[ $opt_packages == no ]]; then
        log "Debian packages: left alone (--no-packages)"
        return
    fi
    local missing=() name
    command -v dpkg-query >/dev/null || die "this is not a Debian system." \
        "Install what these Debian packages hold by other means:" \
        "$(wanted_packages | xargs)" "Then run: ./install.sh --no-packages"
    while read -r name; do
        is_installed "$name" || missing+=("$name")
    done < <(wanted_packages)
    if ((${#missing[@]} == 0)); then
        log "Debian packages: all there"
        return
    fi
    log "Debian packages: installing ${missing[*]}"
    if ! is_root && ! command -v sudo >/dev/null; then
        die "installing Debian packages needs root, and there is no sudo." \
            "Ask an administrator to run: apt-get install ${missing[*]}" \
            "Then run this again."
    fi
    apt_get update || log "apt-get update failed; trying with the lists that are there"
    apt_get install "${missing[@]}" || die "apt-get could not install: ${missing[*]}" \
        "Is the network up, and does /etc/apt name a Debian mirror it reaches?" \
        "Is there room (df -h /)? Details: ./install.sh --verbose"
}

step_5_virtual_environment() {
    # Its pip is a script that names its Python by full path: it does not start
    # when the folder was moved or that Python is gone.
    if [[ -x $opt_venv/bin/python ]] && is_new_enough "$opt_venv/bin/python" &&
        "$opt_venv/bin/pip" --version >/dev/null 2>&1; then
        log "virtual environment: $opt_venv is there"
        return
    fi
    log "virtual environment: making $opt_venv"
    "$python" -m venv --clear "$opt_venv" || die "$python cannot make a virtual environment." \
        "On Debian: apt-get install python3-venv"
}

# pip_install ARGUMENT...: pip install into the virtual environment.
pip_install() {
    local quiet=(--quiet)
    if [[ $opt_verbose == yes ]]; then quiet=(); fi
    # Debian's pip else builds old source packages in a way that it warns about.
    PIP_USE_PEP517=1 "$opt_venv/bin/python" -m pip install "${quiet[@]}" --disable-pip-version-check \
        --no-input --retries 5 "$@" >&2
}

step_6_python_packages() {
    local extras=""
    if [[ $opt_tests == yes ]]; then extras="[test]"; fi
    log "Python packages: installing (some 250 MB to fetch the first time)"
    pip_install --editable "${BL_ROOT}${extras}" || die "pip could not install the Python packages." \
        "Is the Python package index reachable (pip config list shows which one)?" \
        "Free space: $(free_mb "$opt_venv") MB. Details: ./install.sh --verbose"
    # Apart from the rest: it is compiled here, and the daemon can do without.
    pip_install --editable "${BL_ROOT}[service]" || log "warning: systemd-python could not be built." \
        "Branchline still tells systemd when it is ready, but its journal entries lack" \
        "their own fields. It needs: gcc, libsystemd-dev, pkg-config, python3-dev."
}

step_7_check() {
    "$opt_venv/bin/branchline" --version >/dev/null || die "$opt_venv/bin/branchline does not start." \
        "Remove $opt_venv and run this again."
    log "done in $SECONDS s: $opt_venv/bin/branchline --help"
}

main() {
    step_1_options "$@"
    step_2_find_python
    step_3_check_space
    step_4_debian_packages
    step_5_virtual_environment
    step_6_python_packages
    step_7_check
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
