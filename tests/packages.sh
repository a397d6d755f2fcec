# Programs of others that some tests want, for the scripts of this folder, which source this file and have
# `heading`. Where one is not installed, Debian's package is unpacked into the user's cache, and none of
# its scripts is run; without it the tests that want it say so and pass.
# shellcheck shell=bash

# Exports TEST_SMTP_SINK, a command that runs Postfix's smtp-sink: a second opinion on what a relay does.
find_smtp_sink() {
    local cache found
    cache=$(cache_of postfix)
    found=$(PATH=$PATH:/usr/sbin command -v smtp-sink || true)
    [ -n "$found" ] || found=$cache/usr/sbin/smtp-sink
    [ -x "$found" ] || unpack postfix "$cache" || true
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

# Exports TEST_FAKETIME, the library that gives a program another clock than the machine's.
find_faketime() {
    local cache found
    cache=$(cache_of faketime)
    found=$(faketime_below /usr) || found=$(faketime_below "$cache/usr") || {
        unpack libfaketime "$cache" || true
        found=$(faketime_below "$cache/usr") || {
            heading 'libfaketime: not here; its tests are skipped (Debian: apt-get install libfaketime)'
            return 0
        }
    }
    export TEST_FAKETIME=$found
}

# faketime_below FOLDER
faketime_below() {
    local library
    for library in "$1"/lib/*/faketime/libfaketimeMT.so.1; do
        [ ! -e "$library" ] || { printf '%s' "$library"; return 0; }
    done
    return 1
}

# cache_of NAME
cache_of() {
    printf '%s/perennial/%s' "${XDG_CACHE_HOME:-$HOME/.cache}" "$1"
}

# unpack PACKAGE FOLDER
unpack() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    mkdir -p "$2"
    (cd "$2" && apt-get -qq download "$1" >/dev/null 2>&1 && dpkg -x "$1"_*.deb . && rm -f "$1"_*.deb)
}
