#!/usr/bin/env bash
# Fetches the library that lays out the graph of `fsmlearn view` from the npm registry: a file of one release, unchanged.
# For a newer one, change the version and the sum here, and the version in viz.LICENSE.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.31.0
sum=c9e0b310f9883910e01c66054b48b7ff4be3d8695141116635e72b0af152692e

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm pack --silent --pack-destination "$place" "@viz-js/viz@$version" >/dev/null
tar -xzf "$place"/*.tgz -C "$place" package/dist/viz-global.js
echo "$sum  $place/package/dist/viz-global.js" | sha256sum --check --quiet
cp "$place/package/dist/viz-global.js" fsmlearn/view/parts/viz.js
