#!/usr/bin/env bash
# Installs Branchline on a bare Debian 12 as README.md says, boots systemd there in
# a container, and watches both services start, answer, reload, recover and stop.
# Needs root, debootstrap, git and systemd-nspawn. It removes all it made.
set -euo pipefail
# shellcheck source=tests/install/fresh.sh
source "$(dirname "${BASH_SOURCE[0]}")/fresh.sh"

usage() {
    cat <<'TEXT'
Usage: tests/install/boot.sh [--dir DIR] [--keep] [--models DIR]

Installs the checkout's last commit into a bare Debian 12 and boots it in a
container that has a network of its own. The last line says passed or failed.

  --dir DIR      where to build it (default: a new folder in /var/tmp, 6 GB)
  --keep         do not remove it at the end; with --dir it is used again
  --models DIR   take the models from there (written by `branchline models
                 bundle`) instead of fetching them

Example:
  sudo tests/install/boot.sh
TEXT
}

take_models_option() {
    models=""
    rest=()
    while (($# > 0)); do
        if [[ $1 == --models ]]; then
            (($# > 1)) || die "--models needs a value"
            models="$(cd "$2" && pwd)"
            shift
        else
            rest+=("$1")
        fi
        shift
    done
}

install_like_readme() {
    local app=/opt/branchline
    say "installing systemd"
    inside env DEBIAN_FRONTEND=noninteractive bash -ec \
        'apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd-sysv' \
        >"$dir/apt.log" 2>&1 || die "apt-get failed: $(tail -n 2 "$dir/apt.log")"
    rm -rf "${root:?}$app"
    mv "$root/root/branchline" "$root$app"
    inside "$app/install.sh"
    inside install -Dm 644 "$app/systemd/branchline.sysusers" /etc/sysusers.d/branchline.conf
    inside install -Dm 644 "$app/systemd/branchline.tmpfiles" /etc/tmpfiles.d/branchline.conf
    inside install -m 644 "$app/systemd/branchline.service" \
        "$app/systemd/branchline-web.service" /etc/systemd/system/
    inside systemd-sysusers
    inside systemd-tmpfiles --create /etc/tmpfiles.d/branchline.conf
    local pull=(models pull)
    if [[ -n $models ]]; then
        cp -r "$models" "$root/opt/models"
        pull+=(--from /opt/models)
    fi
    inside setpriv --reuid=branchline --regid=branchline --init-groups \
        env HOME=/var/lib/branchline BRANCHLINE_STATE=/var/lib/branchline \
        "$app/.venv/bin/branchline" "${pull[@]}"
}

# plan_trial: what runs once the system is up, and switches it off at the end.
plan_trial() {
    cp "$(dirname "${BASH_SOURCE[0]}")/boot-trial.sh" "$root/opt/boot-trial.sh"
    cat >"$root/etc/systemd/system/boot-trial.service" <<'UNIT'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=600
ExecStart=/bin/bash /opt/boot-trial.sh
StandardOutput=file:/opt/boot-trial.log
StandardError=inherit
[Install]
WantedBy=multi-user.target
UNIT
    rm -f "$root/opt/boot-trial.log"
    inside systemctl enable --quiet boot-trial.service
    : >"$root/etc/machine-id"
}

boot() {
    command -v systemd-nspawn >/dev/null ||
        die "systemd-nspawn is missing: apt-get install systemd-container"
    say "booting"
    timeout --kill-after=10 900 systemd-nspawn --quiet --directory="$root" --boot \
        --private-network --register=no --keep-unit --resolv-conf=off \
        --console=read-only </dev/null >"$dir/boot.log" 2>&1 || true
    # Where no systemd runs, nspawn leaves its empty control groups behind.
    find /sys/fs/cgroup/*/payload /sys/fs/cgroup/*/supervisor -depth -type d \
        -exec rmdir {} \; 2>/dev/null || true
    [[ -e $root/opt/boot-trial.log ]] || die "it did not boot: $(tail -n 3 "$dir/boot.log")"
    cat "$root/opt/boot-trial.log"
    grep -qx 'boot-trial: passed' "$root/opt/boot-trial.log" || die "the trial failed"
}

boot_main() {
    take_models_option "$@"
    options "${rest[@]}"
    ((EUID == 0)) || die "needs root: sudo $0 $*"
    trap clean_up EXIT
    build
    like_here
    clone
    install_like_readme
    plan_trial
    boot
    say "passed"
}

boot_main "$@"
