#!/bin/sh
# Install both services on this machine, or bring them up to date: sudo deploy/systemd/install.sh
#
# Doing it twice is harmless. Each version of the code gets a folder of its own under
# /opt/smart-money/releases; `current` points at the one that runs, and the one before it stays.
set -eu
WORKSPACE=$(dirname -- "$0")/../..
. "$WORKSPACE/scripts/_bootstrap"

HOME_FOLDER=/opt/smart-money
SETTINGS=/etc/smart-money
UNITS=/etc/systemd/system
HERE=$ROOT/deploy/systemd
MEMBERS="shared-events smart-money-client market-scraper smart-money-signal-system"

main() {
    [ "$(id -u)" = 0 ] || die "run it as root: sudo deploy/systemd/install.sh"
    need_packages
    need_uv
    make_user
    build_release
    write_settings
    switch
    say "Installed. Settings: $SETTINGS. Follow it: journalctl -f -u market-scraper -u smart-money-signal-system"
}

need_packages() {
    command -v redis-server >/dev/null && return
    say "Installing redis-server"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server
    keep_events
}

# The bus holds what a service has not read yet: without the append-only file a power cut loses it, and
# with a lazier fsync than "always" Redis may answer before it has written.
keep_events() {
    for _ in 1 2 3 4 5; do
        redis-cli config set appendonly yes >/dev/null 2>&1 \
            && redis-cli config set appendfsync always >/dev/null \
            && redis-cli config rewrite >/dev/null && return
        sleep 1
    done
    say "Redis does not answer yet: set 'appendonly yes' and 'appendfsync always' in /etc/redis/redis.conf"
}

make_user() {
    getent passwd smart-money >/dev/null && return
    useradd --system --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin smart-money
}

build_release() {
    version=$(version_of_checkout)
    release=$HOME_FOLDER/releases/$version
    [ -f "$release/share/smart-money/complete" ] && return
    say "Building $release"
    rm -rf "$release"
    mkdir -p "$HOME_FOLDER/releases"
    UV_PYTHON_INSTALL_DIR=$HOME_FOLDER/python
    export UV_PYTHON_INSTALL_DIR # a Python that uv has to fetch must be readable by the services
    "$UV" venv --quiet --python '>=3.11' "$release"
    # Exactly what was resolved, byte for byte; then our own code, which depends on nothing else.
    "$UV" pip install --quiet --python "$release" --require-hashes -r "$HERE/requirements.txt"
    wheels=$(mktemp -d)
    for member in $MEMBERS; do
        "$UV" build --quiet --wheel --package "$member" --out-dir "$wheels"
    done
    "$UV" pip install --quiet --python "$release" --no-deps "$wheels"/*.whl
    rm -rf "$wheels"
    for command in market-scraper signal-system; do
        "$release/bin/$command" --help >/dev/null || die "$command does not start; its reason is above"
    done
    mkdir -p "$release/share/smart-money"
    cp "$HERE/README.md" "$release/share/smart-money/"
    chmod -R a+rX "$release"
    touch "$release/share/smart-money/complete"
}

# The same code has the same name, so installing it again builds nothing.
version_of_checkout() {
    # shellcheck disable=SC2086 # a list of words
    find $MEMBERS "$HERE" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z \
        | xargs -0 sha256sum | sha256sum | cut -c1-12
}

# What somebody has set stays as it is.
write_settings() {
    for service in market-scraper signal-system; do
        install -d -m 755 "$SETTINGS"
        install -d -m 700 "$SETTINGS/credentials" "$SETTINGS/credentials/$service"
        [ -e "$SETTINGS/$service.env" ] || install -m 644 "$HERE/$service.env" "$SETTINGS/"
    done
}

switch() {
    before=$(readlink "$HOME_FOLDER/current" || :)
    install -m 644 "$HERE"/*.service "$HERE"/*.timer "$HERE"/*.target "$UNITS/"
    ln -sfn "$release" "$HOME_FOLDER/current.new"
    mv -T "$HOME_FOLDER/current.new" "$HOME_FOLDER/current"
    forget_old_releases "$before"
    if [ ! -d /run/systemd/system ]; then
        say "systemd does not run here: the units are in $UNITS, nothing was started"
        return
    fi
    systemctl daemon-reload
    systemctl enable --quiet smart-money.target
    systemctl restart smart-money.target
}

forget_old_releases() {
    [ "${1:-}" != "$release" ] || return 0 # installed again: the one before is still the one to go back to
    for each in "$HOME_FOLDER"/releases/*; do
        case $each in "$release" | "${1:-}") ;; *) rm -rf "$each" ;; esac
    done
}

main "$@"
