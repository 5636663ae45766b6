#!/bin/sh
# Makes the images that cmd/bench measures scans on, as OCI layouts in the folder that is the only argument:
#
#   small   about  50 MB compressed: Debian with Python and a few of its packages
#   middle  about 285 MB compressed: Debian, tools, an npm and a Python tree
#   large   about 580 MB compressed: the same, and compilers
#
# It needs what build.sh needs, and npm. Versions are whatever is newest: compare only what ran on the same
# images.
set -eu

out=${1:?usage: bench.sh FOLDER}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/debian.sh"

# layer NAME packs what is below $work/NAME as a layer, and tells its two digests and its size.
layer() {
	dir=$work/layers/$1
	mkdir -p "$dir"
	tar --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 -C "$work/$1" -cf "$dir/tar" .
	sha256sum "$dir/tar" | cut -d' ' -f1 >"$dir/diff"
	gzip -n <"$dir/tar" >"$dir/gz"
	rm "$dir/tar"
	sha256sum "$dir/gz" | cut -d' ' -f1 >"$dir/digest"
}

# blob LAYOUT FILE puts a file into a layout and prints its digest and size as JSON.
blob() {
	digest=$(sha256sum "$2" | cut -d' ' -f1)
	cp "$2" "$1/blobs/sha256/$digest"
	printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$2")"
}

# image NAME LAYER... makes a layout of layers, lowest first.
image() {
	layout=$out/$1
	rm -rf "$layout"
	mkdir -p "$layout/blobs/sha256"
	shift
	diffs='' layers='' history=''
	for name in "$@"; do
		diffs="$diffs,\"sha256:$(cat "$work/layers/$name/diff")\""
		layers="$layers,{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",$(blob "$layout" "$work/layers/$name/gz")}"
		history="$history,{\"created_by\":\"bench.sh $name\"}"
	done
	printf '{"architecture":"%s","os":"linux","config":{"Cmd":["node","/app/server.js"]},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
		"$(dpkg --print-architecture)" "${diffs#,}" "${history#,}" >"$work/config.json"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[%s]}' \
		"$(blob "$layout" "$work/config.json")" "${layers#,}" >"$work/manifest.json"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' \
		"$(blob "$layout" "$work/manifest.json")" >"$layout/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	du -sm "$layout"
}

# closure PACKAGE... lists the packages and what they depend on, without what is no real package.
closure() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
		grep '^[a-z0-9]' | grep -v ':i386$' | sort -u
}

merged "$work/base"
# shellcheck disable=SC2046
unpack "$work/base" $(essential) bash curl wget libcurl4 libssl3 python3.11 libpython3.11-stdlib python3-minimal ca-certificates openssl git perl-modules-5.36

# python ROOT PACKAGE... makes a Python tree as pip would: of the modules of Debian packages, without the packages.
python() {
	tree=$1
	shift
	unpack "$work/modules" "$@"
	mkdir -p "$tree/opt/venv/lib/python3"
	mv "$work/modules/usr/lib/python3/dist-packages" "$tree/opt/venv/lib/python3/site-packages"
	rm -rf "$work/modules"
}

python "$work/python" python3-flask python3-requests python3-jinja2 python3-yaml
layer base
layer python
image small base python

# Packages of a database of their own: later layers replace it whole, as apt-get in a Dockerfile does.
mkdir -p "$work/tools/var/lib/dpkg"
cp "$work/base/var/lib/dpkg/status" "$work/tools/var/lib/dpkg/status"
# shellcheck disable=SC2046
unpack "$work/tools" $(closure git python3 openssh-client redis-tools | grep -v -x -F "$(essential)")
# npm_tree FOLDER PACKAGE... installs packages from npm into a folder.
npm_tree() {
	mkdir -p "$1"
	(cd "$1" && shift && npm init -y >/dev/null && npm install --silent --no-audit --no-fund --ignore-scripts "$@" 2>/dev/null)
}

npm_tree "$work/npm/app" react react-dom typescript@5 webpack webpack-cli eslint jest @angular/cli lodash express \
	mongoose vite @babel/preset-env mocha rxjs date-fns d3 aws-sdk
mkdir -p "$work/npm/usr/local/bin"
cp "$(command -v node)" "$work/npm/usr/local/bin/node"
python "$work/data" python3-numpy python3-pandas python3-pandas-lib python3-scipy python3-sklearn python3-sklearn-lib \
	python3-matplotlib python3-django python3-sqlalchemy python3-boto3 python3-botocore python3-cryptography
mkdir -p "$work/app/app"
printf 'require("http").createServer((q, s) => s.end("ok")).listen(8080)\n' >"$work/app/app/server.js"
for name in tools npm data app; do layer $name; done
image middle base python tools npm data app

npm_tree "$work/more/srv" next@15 @mui/material @mui/icons-material three storybook
mkdir -p "$work/compilers/var/lib/dpkg"
cp "$work/tools/var/lib/dpkg/status" "$work/compilers/var/lib/dpkg/status"
# shellcheck disable=SC2046
unpack "$work/compilers" $(closure g++ golang-go | grep -v -x -F "$(essential)")
layer more
layer compilers
image large base python tools npm data more compilers app
