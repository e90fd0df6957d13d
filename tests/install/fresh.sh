#!/usr/bin/env bash
# Tries the checkout's last commit on a bare Debian 12: builds a minimal root
# file system with debootstrap, clones the repository into it, and runs make
# there. Needs root, debootstrap and git. It removes all it made.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/install/fresh.sh [--dir DIR] [--keep] [TARGET]...

Runs `make TARGET` for each TARGET (default: setup), twice, on a bare Debian 12
that has git, make, python3 and ca-certificates only, and says how long each
took. The Debian mirror, the certificates and pip's index are this machine's.
Network ports are shared with this machine.

  --dir DIR   where to build it (default: a new folder in /var/tmp, 6 GB)
  --keep      do not remove it at the end; with --dir it is used again

Example:
  sudo tests/install/fresh.sh setup demo
TEXT
}

say() { printf 'fresh: %s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

options() {
    dir=""
    keep=no
    targets=()
    while (($# > 0)); do
        case "$1" in
            --dir)
                (($# > 1)) || die "--dir needs a value"
                dir="$2"
                shift
                ;;
            --keep) keep=yes ;;
            -h | --help)
                usage
                exit 0
                ;;
            -*) die "unknown option: $1 (see --help)" ;;
            *) targets+=("$1") ;;
        esac
        shift
    done
    if ((${#targets[@]} == 0)); then targets=(setup); fi
    dir="${dir:-$(mktemp -d /var/tmp/branchline-fresh.XXXXXX)}"
    root="$dir/root"
}

# mirror: the first address from which apt fetches bookworm itself.
mirror() {
    # shellcheck disable=SC2016 # apt expands these
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' |
        awk '$2 == "bookworm" { print $1; exit }'
}

build() {
    if [[ -e $root/.built ]]; then
        say "using $root as it is"
        return
    fi
    command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
    local from
    from="$(mirror)"
    [[ -n $from ]] || die "apt's configuration names no mirror of Debian 12 (bookworm)"
    say "debootstrap from $from into $root"
    mkdir -p "$dir"
    debootstrap --variant=minbase --include=ca-certificates,git,make,python3 \
        bookworm "$root" "$from" >"$dir/debootstrap.log" 2>&1 ||
        die "debootstrap failed: $(tail -n 1 "$dir/debootstrap.log")"
    touch "$root/.built"
}

# like_here: the machine's way to its registries, which are no part of the project.
like_here() {
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    # Debian's own installer writes this one; debootstrap does not.
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    rm -f "$root/etc/apt/sources.list"
    cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2>/dev/null ||
        cp /etc/apt/sources.list "$root/etc/apt/sources.list"
    mkdir -p "$root/usr/local/share/ca-certificates"
    find /usr/local/share/ca-certificates -name '*.crt' \
        -exec cp {} "$root/usr/local/share/ca-certificates/" \;
    chroot "$root" update-ca-certificates >/dev/null 2>&1
}

clone() {
    local here
    here="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
    rm -rf "$root/root/branchline"
    git clone --quiet --no-local "$here" "$root/root/branchline"
    say "testing $(git -C "$root/root/branchline" log -1 --format='%h %s')"
}

# inside COMMAND...: run it in the new system, with processes and mounts of its
# own that end with it.
inside() {
    local name passed=()
    for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_DEFAULT_TIMEOUT; do
        if [[ -n ${!name:-} ]]; then passed+=("$name=${!name}"); fi
    done
    # shellcheck disable=SC2016 # the inner shell expands these
    unshare --mount --pid --fork --kill-child bash -c '
        set -e
        mount -t proc proc "$1/proc"
        mount -t sysfs -o ro sysfs "$1/sys"
        mount -t tmpfs tmpfs "$1/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
        exec chroot "$@"' inside "$root" \
        env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt "${passed[@]}" "$@" </dev/null
}

run_targets() {
    local round target start
    for round in first second; do
        for target in "${targets[@]}"; do
            start=$SECONDS
            inside make -C /root/branchline "$target" ||
                die "make $target failed ($round run, after $((SECONDS - start)) s)"
            say "make $target, $round run: $((SECONDS - start)) s"
        done
    done
    say "disk used: $(du -smx "$root" | cut -f 1) MB"
}

clean_up() {
    if [[ $keep == yes ]]; then
        say "kept: $root"
    else
        rm -rf --one-file-system "$root"
        rm -f "$dir"/{debootstrap,apt,boot}.log
        rmdir "$dir" 2>/dev/null || true
    fi
}

main() {
    options "$@"
    ((EUID == 0)) || die "needs root: sudo $0 $*"
    trap clean_up EXIT
    build
    like_here
    clone
    run_targets
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
