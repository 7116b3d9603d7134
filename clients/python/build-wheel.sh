#!/usr/bin/env sh
# Builds the wheel with a static binary in it: build-wheel.sh BINARY [FOLDER]
set -eu
binary=$(realpath "$1")
folder=$(realpath "${2:-.}")
cd "$(dirname "$0")"
mkdir -p gatepass/bin
trap 'rm -rf gatepass/bin build gatepass.egg-info' EXIT
cp "$binary" gatepass/bin/gatepass
python3 -m pip wheel --quiet --no-deps --wheel-dir "$folder" .
