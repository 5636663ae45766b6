#!/bin/sh
# Makes real images for the tests, as archives of docker save, in the folder that is the only argument:
#
#   debian.tar      what debootstrap calls minbase, with bash, curl and wget
#   busybox.tar     one static busybox with its applets as links
#   distroless.tar  one static Go program and nothing else, as distroless/static would hold it
#
# It needs Debian or Ubuntu with the network for apt-get, Go, and the right to mount nothing: packages are
# unpacked, not installed, and their status is written from their own control files.
set -eu

out=${1:?usage: build.sh FOLDER}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# archive NAME ROOT makes an archive of docker save with one layer, of the files below ROOT.
archive() {
	name=$1 root=$2 dir=$work/archive-$1
	mkdir -p "$dir"
	tar --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 -C "$root" -cf "$dir/layer.tar" .
	diff=$(sha256sum "$dir/layer.tar" | cut -d' ' -f1)
	printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/bin/sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"build.sh %s"}]}' \
		"$(dpkg --print-architecture)" "$diff" "$name" >"$dir/config.json"
	printf '[{"Config":"config.json","RepoTags":["tidewaiter.test/%s:1"],"Layers":["layer.tar"]}]' "$name" >"$dir/manifest.json"
	tar -C "$dir" -cf "$out/$name.tar" manifest.json config.json layer.tar
}

. "$(dirname "$0")/debian.sh"

libraries=$(apt-get install -s --no-install-recommends --reinstall curl wget bash 2>/dev/null | awk '/^Inst/ {print $2}')
merged "$work/debian"
# shellcheck disable=SC2046,SC2086
unpack "$work/debian" $(essential) $libraries base-files curl wget bash dash libcurl4 libssl3 perl-base python3-minimal
archive debian "$work/debian"

mkdir -p "$work/busybox"
unpack "$work/busybox-package" busybox-static
mkdir -p "$work/busybox/bin"
cp "$work/busybox-package/bin/busybox" "$work/busybox/bin/busybox"
"$work/busybox/bin/busybox" --list | while read -r applet; do
	[ "$applet" = busybox ] || ln -s busybox "$work/busybox/bin/$applet"
done
archive busybox "$work/busybox"

mkdir -p "$work/distroless/etc" "$work/program"
printf 'PRETTY_NAME="Distroless"\nNAME="Debian GNU/Linux"\nID="debian"\nVERSION_ID="12"\n' >"$work/distroless/etc/os-release"
cat >"$work/program/main.go" <<'GO'
// Program server is what the image is for.
package main

import (
	"fmt"
	"net/http"
)

func main() {
	fmt.Println(http.ListenAndServe(":8080", http.NotFoundHandler()))
}
GO
(cd "$work/program" && go mod init example.com/server >/dev/null 2>&1 && CGO_ENABLED=0 go build -o "$work/distroless/server" .)
archive distroless "$work/distroless"
