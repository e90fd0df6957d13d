#!/usr/bin/env bash
# Runs inside the container that boot.sh boots: the services, seen as branch IT sees them.
set -uo pipefail

readonly STATE=/var/lib/branchline
readonly PYTHON=/opt/branchline/.venv/bin/python
readonly BRANCHLINE=/opt/branchline/.venv/bin/branchline
failed=no

# check WHAT COMMAND...: note whether it succeeds.
check() {
    local what="$1"
    shift
    if "$@"; then
        echo "boot-trial: ok: $what"
    else
        echo "boot-trial: FAILED: $what"
        failed=yes
    fi
}

show() { systemctl show --value --property "$2" "$1"; }
is_shown() { [[ $(show "$1" "$2") == "$3" ]]; }
# page_answers: the page itself, and that it can read the database.
page_answers() {
    "$PYTHON" -c "
import urllib.request as u
for path in ('', 'healthz'):
    assert u.build_opener(u.ProxyHandler({})).open(
        'http://127.0.0.1:8080/' + path, timeout=20).status == 200" 2>/dev/null
}
# as_page COMMAND...: with the page's user, group and view of the disk.
as_page() {
    nsenter --target "$(show branchline-web MainPID)" --mount \
        setpriv --reuid=branchline-web --regid=branchline --clear-groups "$@"
}
page_user_reads() {
    as_page "$PYTHON" -c "
import sqlite3
assert sqlite3.connect('file:$STATE/branchline.db?mode=ro', uri=True).execute(
    'SELECT count(*) FROM sqlite_schema').fetchone()[0] > 0"
}
page_user_cannot() { ! as_page "$@" 2>/dev/null; }
journal_has() { journalctl --quiet --unit branchline --output json | grep -q "$1"; }

# within SECONDS COMMAND...: wait until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 1
    done
}
restarted() { [[ $(show branchline NRestarts) -ge 1 ]] && systemctl --quiet is-active branchline; }
killed_by_watchdog() { journalctl --quiet --unit branchline | grep -qi 'watchdog timeout'; }

start_both() {
    check "the daemon says that it is ready" systemctl start branchline
    sleep 3
    check "and stays up" systemctl --quiet is-active branchline
    echo "boot-trial: status: $(show branchline StatusText)"
    check "it runs as branchline" is_shown branchline User branchline
    check "its state is there" test -s "$STATE/branchline.db"
    check "the journal has our fields" journal_has '"LOGGER"'
    check "the page starts" systemctl start branchline-web
    check "the page answers" within 30 page_answers
}

rights() {
    check "the page's user reads the database" page_user_reads
    check "and may write requests" as_page test -w "$STATE/branchline.db"
    check "but no recording" page_user_cannot touch "$STATE/recordings/new"
    check "and no model" page_user_cannot touch "$STATE/models/new"
    check "nor the program" page_user_cannot touch /opt/branchline/new
    check "nor see a credential" page_user_cannot ls /etc/branchline/credentials
    check "others read nothing" \
        bash -c "! setpriv --reuid=nobody --regid=nogroup --clear-groups ls $STATE 2>/dev/null"
}

# as_daemon COMMAND...: as branch IT runs commands on the service's data.
as_daemon() {
    setpriv --reuid=branchline --regid=branchline --init-groups \
        env HOME=$STATE BRANCHLINE_STATE=$STATE "$@"
}

called() { as_daemon "$BRANCHLINE" leads list --json | grep -q '"outcome": *"accepted"'; }

# one_call: a simulated person is called by the service as it runs for a customer.
one_call() {
    local trial=/var/tmp/trial customer
    install -d -o branchline -g branchline "$trial"
    check "a person to call" as_daemon "$PYTHON" \
        /opt/branchline/tests/install/boot_people.py "$trial"
    install -m 640 -g branchline "$trial/branchline.toml" /etc/branchline/branchline.toml
    (cd /opt/branchline && exec "$PYTHON" -m hw.sim.customer --listen 127.0.0.1:5090 \
        --personas "$trial/people.yaml" --voices "$trial/voices" >"$trial/customer.log" 2>&1) &
    customer=$!
    check "a campaign is made" as_daemon "$BRANCHLINE" campaign create trial \
        --scenario finance/credit_card_installment --lang en
    check "leads are imported" as_daemon "$BRANCHLINE" leads import "$trial/leads.csv" \
        --campaign trial
    check "the configuration is read" systemctl reload branchline
    check "the campaign is started" as_daemon "$BRANCHLINE" campaign start trial
    check "she is called and accepts" within 180 called
    check "the call is recorded" bash -c "ls $STATE/recordings/*.wav || ls $STATE/recordings/*/*.wav"
    check "recordings are not for others" \
        bash -c "! find $STATE/recordings -type f -perm /007 | grep ."
    as_daemon "$BRANCHLINE" leads list
    kill "$customer" || cat "$trial/customer.log"
}

reload_and_recover() {
    local pid
    pid="$(show branchline MainPID)"
    if ((pid == 0)); then
        check "the daemon runs" false
        return
    fi
    check "reload" systemctl reload branchline
    sleep 2
    check "reload keeps the process" is_shown branchline MainPID "$pid"
    kill -STOP "$pid"
    check "a daemon that hangs is killed by the watchdog" within 90 killed_by_watchdog
    check "and started again" within 120 restarted
}

stop_both() {
    check "stop" systemctl stop branchline
    check "it ended well" is_shown branchline Result success
    check "and with exit code 0" is_shown branchline ExecMainStatus 0
    check "the page answers without the daemon" page_answers
    check "the page starts without the daemon" systemctl restart branchline-web
    check "and answers" within 30 page_answers
    check "the daemon starts after it" systemctl start branchline
    sleep 3
    check "and stays up" systemctl --quiet is-active branchline
    check "and stops again" systemctl stop branchline
    check "the page stops" systemctl stop branchline-web
    check "it ended well too" is_shown branchline-web Result success
}

start_both
rights
one_call
reload_and_recover
stop_both
if [[ $failed == yes ]]; then
    journalctl --quiet --no-pager --unit branchline --unit branchline-web | tail -n 60
    echo "boot-trial: failed"
    exit 1
fi
echo "boot-trial: passed"
