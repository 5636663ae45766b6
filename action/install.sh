#!/usr/bin/env bash
# The first step of action.yml: get the program, and say where it is. INPUT_INSTALL is source, which builds the very commit of
# the action, or release, which takes the binary whose checksum that commit holds and whose signature is by our release
# workflow. There is no way to the program around either.
set -euo pipefail
# shellcheck source=action/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh" # no program until that has cleaned PATH

repository=https://github.com/tidewaiter/tidewaiter
folder=$(mktemp -d "$RUNNER_TEMP/tidewaiter.XXXXXX")
program=$folder/tidewaiter

from_source() {
	local version=${GITHUB_ACTION_REF:-}
	[[ $version =~ ^[A-Za-z0-9._-]+$ ]] || version=action
	command -v go >/dev/null || fail 'there is no Go to build with (install: source)'
	"$BASH" "$GITHUB_ACTION_PATH/action/build.sh" "$program" "$version" || fail 'the program could not be built: the log says why'
}

# platform is this runner's, as names of releases have it.
platform() {
	case ${RUNNER_OS:-}/${RUNNER_ARCH:-} in
	Linux/X64) echo linux_amd64 ;;
	Linux/ARM64) echo linux_arm64 ;;
	macOS/X64) echo darwin_amd64 ;;
	macOS/ARM64) echo darwin_arm64 ;;
	esac
}

sha256() {
	if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi
}

# download LOCAL URL; 256 MiB is twice what the program takes.
download() {
	curl --fail --silent --show-error --location --proto '=https' --proto-redir '=https' --max-filesize 268435456 \
		--max-time 300 --retry 3 --output "$1" -- "$2" || fail "a file of the release could not be had: $(plain "$2")"
}

from_release() {
	local this want='' name='' version got
	this=$(platform)
	while read -r want name; do
		[[ $name != tidewaiter_v*_"$this" || -z $this ]] || break
		name=''
	done <"$GITHUB_ACTION_PATH/action/checksums.txt"
	version=${name#tidewaiter_}
	version=${version%_"$this"}
	[[ $version =~ ^v[A-Za-z0-9.-]+$ && $want =~ ^[0-9a-f]{64}$ ]] ||
		fail "this commit of the action names no released program for this runner: use a tagged commit, or install: source"
	download "$program" "$repository/releases/download/$version/$name"
	read -r got _ < <(sha256 "$program")
	[[ $got == "$want" ]] || fail "$name is not what was released: its SHA-256 is $(plain "$got"), not $want"
	download "$folder/bundle.json" "$repository/releases/download/$version/$name.sigstore.json"
	command -v cosign >/dev/null || fail 'there is no cosign to verify the signature with (install: release)'
	cosign verify-blob --bundle "$folder/bundle.json" --certificate-oidc-issuer https://token.actions.githubusercontent.com \
		--certificate-identity "$repository/.github/workflows/release.yml@refs/tags/$version" "$program" ||
		fail "$name is not signed by the workflow that releases it: the log says why"
	chmod 0755 "$program"
}

case ${INPUT_INSTALL:-} in
source) from_source ;;
release) from_release ;;
*) fail "install: use source or release, not $(plain "${INPUT_INSTALL:-}")" ;;
esac
printf 'program=%s\n' "$program" >>"$GITHUB_OUTPUT"
