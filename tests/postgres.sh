# A throw-away PostgreSQL for the scripts of this folder, which source this file and have `heading` and
# `fail`. `start_postgres` starts it, `stop_postgres` leaves nothing behind.
# shellcheck shell=bash

home=''     # folder of the database cluster and of the script's notes
owner=()    # how to become the user that the cluster belongs to
bin=''      # folder of PostgreSQL's programs

find_postgres() {
    local found
    found=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || return 1
    bin=$(dirname "$(readlink -f "$found")")
}

install_postgres() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "PostgreSQL's initdb is missing; install the server (Debian: apt-get install postgresql)"
    fi
    heading 'installing PostgreSQL'
    # The package would start a server of its own; Debian asks this file whether it may.
    local policy=/usr/sbin/policy-rc.d ours=''
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        ours=$policy
    fi
    local installed=yes
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install postgresql; } ||
        installed=no
    [ -z "$ours" ] || rm -f "$ours"
    [ "$installed" = yes ] || fail 'apt-get could not install the package postgresql'
    find_postgres || fail "the package postgresql is installed and has no initdb"
}

as_owner() {
    (cd "$home" && "${owner[@]}" "$@")
}

# Starts a cluster that only this script can log in to, and exports TEST_POSTGRES_URL.
start_postgres() {
    if ! find_postgres; then
        install_postgres
    fi
    if [ "$(id -u)" -eq 0 ]; then
        # The server refuses to run as root, and its user cannot enter root's own TMPDIR.
        home=$(mktemp -d /tmp/perennial-tests.XXXXXX)
        local user=nobody
        ! id -u postgres >/dev/null 2>&1 || user=postgres
        chown "$user" "$home"
        if command -v runuser >/dev/null; then
            owner=(runuser -u "$user" --)
        else
            owner=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
        fi
    else
        home=$(mktemp -d -t perennial-tests.XXXXXX)
        owner=(env)
    fi
    local password
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    # printf is the shell's own: the password is in no list of processes.
    as_owner sh -c 'umask 077 && cat >password' < <(printf '%s' "$password")
    as_owner "$bin/initdb" --pgdata="$home/cluster" --username=postgres --auth=password \
        --pwfile="$home/password" --encoding=UTF8 --locale=C --no-sync >"$home/initdb.log" 2>&1 ||
        fail "initdb failed: $(tail -n 3 "$home/initdb.log")"
    local port
    for _ in 1 2 3 4 5; do
        port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        if as_owner "$bin/pg_ctl" --pgdata="$home/cluster" --log="$home/cluster/log" --silent -w start \
            -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' \
                -c fsync=off -c full_page_writes=off -c max_connections=400" >/dev/null 2>&1; then
            export TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    fail "PostgreSQL did not start: $(tail -n 3 "$home/cluster/log")"
}

# Stops the cluster and removes its folder, if there is one.
stop_postgres() {
    [ -n "$home" ] || return 0
    if [ -f "$home/cluster/postmaster.pid" ]; then
        as_owner "$bin/pg_ctl" --pgdata="$home/cluster" --silent -m immediate stop >/dev/null 2>&1 || true
    fi
    rm -rf "$home"
    home=''
}
