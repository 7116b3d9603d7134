#!/usr/bin/env bash
# Builds a substitute for the Dockerfile's RUST_IMAGE on hosts that cannot pull public images:
# Debian installed with debootstrap, a C compiler, and the Rust toolchain of the host.
#
#   sudo -E e2e-tests/containers/make-build-base.sh [IMAGE]      (default: gatepass-build-base:local)
#   docker build --build-arg RUST_IMAGE=gatepass-build-base:local -t gatepass:local .
#
# Requires root, debootstrap, a container engine and rustc. The mirror is the host's, unless
# DEBIAN_MIRROR overrides it.
set -euo pipefail

image=${1:-gatepass-build-base:local}
# Determines the glibc of the build stage. The binary is static, so no other stage depends on it.
suite=bookworm

fail() { echo "make-build-base: $*" >&2; exit 1; }

require_tools() {
    [ "$(id -u)" = 0 ] || fail "debootstrap needs root: run it with sudo -E"
    local tool
    for tool in debootstrap docker rustc tar; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done
    docker version >/dev/null 2>&1 || fail "the container engine does not answer"
}

host_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" 2>/dev/null | head -n 1
}

install_debian() {
    local mirror=${DEBIAN_MIRROR:-$(host_mirror)}
    [ -n "$mirror" ] || fail "this host's apt has no $suite: set DEBIAN_MIRROR"
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev "$suite" "$root" "$mirror" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; fail "debootstrap failed"; }
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
}

# Copies the CA bundle of the host: in a network that inspects TLS, cargo in the build container
# must trust its CA, too.
install_host_ca_bundle() {
    local bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    if [ -r "$bundle" ]; then install -m 0644 "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"; fi
}

install_rust() {
    tar -C "$(rustc --print sysroot)" --exclude=share -cf - bin lib | tar -C "$root/usr/local" --no-same-owner -xf -
}

require_tools
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root log=$work/debootstrap.log
install_debian
install_host_ca_bundle
install_rust
tar -C "$root" --numeric-owner -cf - . |
    docker import --change 'ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$image" >/dev/null
echo "$image: Debian $suite, $(rustc --version)"
