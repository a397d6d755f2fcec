# Postfix's smtp-sink as a second opinion, for the scripts of this folder, which source this file and have
# `heading`. It is a program by itself: Postfix is neither set up nor started.
# shellcheck shell=bash

# Exports TEST_SMTP_SINK, a command that runs smtp-sink; without one the tests that want it say so and
# pass. Where it is not installed, Debian's package is unpacked into the user's cache, and none of its
# scripts is run.
find_smtp_sink() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/perennial/postfix found
    found=$(PATH=$PATH:/usr/sbin command -v smtp-sink || true)
    if [ -z "$found" ] && [ ! -x "$cache/usr/sbin/smtp-sink" ]; then
        unpack_postfix "$cache" || true
    fi
    [ -n "$found" ] || found=$cache/usr/sbin/smtp-sink
    if [ ! -x "$found" ]; then
        heading 'smtp-sink: not here; its tests are skipped (Debian: apt-get install postfix)'
        return 0
    fi
    mkdir -p "$cache"
    local user=''
    # It refuses to run as root.
    [ "$(id -u)" -ne 0 ] || user='-u nobody'
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q %s "$@"\n' \
        "$cache/usr/lib/postfix" "$found" "$user" >"$cache/run"
    chmod +x "$cache/run"
    export TEST_SMTP_SINK=$cache/run
}

# unpack_postfix FOLDER
unpack_postfix() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    mkdir -p "$1"
    (cd "$1" && apt-get -qq download postfix >/dev/null 2>&1 && dpkg -x postfix_*.deb . && rm -f postfix_*.deb)
}
