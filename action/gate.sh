#!/usr/bin/env bash
# The step of action.yml that judges. Inputs come in variables INPUT_*, the program in PROGRAM; the exit code is the gate's.
# What the inputs hold is never code here, and nothing that begins with a dash is an option but those that we write.
# shellcheck disable=SC2317 # "each" calls functions by their names
set -euo pipefail
# shellcheck source=action/lib.sh
source "${BASH_SOURCE[0]%/*}/lib.sh" # no program until that has cleaned PATH

reports=$(mktemp -d "$RUNNER_TEMP/tidewaiter-reports.XXXXXX")
options=() targets=()
annotate='' summarise='' show=''

# each calls a function with each line of a text that is not blank.
each() {
	local line
	while IFS= read -r line || [[ -n $line ]]; do
		[[ $line =~ ^[[:space:]]*$ ]] || "$1" "$line"
	done <<<"$2"
}

target() { targets+=("$1"); }
platform() { options+=("--platform=$1"); }
policy() {
	options+=("--policy=$1")
	mind policies "$1"
}

# mind warns where a pull request changes what it is judged by.
mind() {
	[[ ${GITHUB_EVENT_NAME:-} == pull_request* ]] || return 0
	local folder workspace code=2
	if ! linked "$2"; then
		workspace=$(cd -P -- "$GITHUB_WORKSPACE" && pwd)
		folder=$(cd -P -- "$(dirname -- "$2")" 2>/dev/null && pwd) || return 0 # the program will say that it is not there
		[[ $folder/ == "$workspace"/* ]] || return 0
		code=0
		changed "$workspace" "$folder/$(basename -- "$2")" || code=$?
	fi
	case $code in
	0) complain warning "this pull request changes $(plain "$2"), which it is judged by (input $1): review that as you would review the gate being taken away" ;;
	2) complain notice "whether this pull request changes $(plain "$2"), which it is judged by (input $1), cannot be told: check it out with fetch-depth: 2, and name it without symbolic links" ;;
	esac
}

# linked tells whether a symbolic link in the workspace is part of a path, or lies below it: a pull request could turn it to what lies there
# already, or outside, and the file that it then leads to would be none that it changes.
linked() {
	local part path=$GITHUB_WORKSPACE
	[[ $1 != /* || $1 == "$path"/* ]] || return 1
	while IFS= read -r -d / part; do
		path+=/$part
		[[ ! -L $path ]] || return 0
	done <<<"${1#"$path"/}/"
	[[ -n $(find "$path" -type l 2>/dev/null) ]] # in a folder of rules
}

# changed tells whether the pull request that is checked out in a folder changes a path: 0 yes, 1 no, 2 nobody can tell. GitHub
# tries a pull request as a merge; its first parent is what it goes into.
changed() {
	local workspace=$1 path=${2#"$1"/} folder code=0
	[[ $(git -C "$workspace" rev-parse --verify --quiet HEAD 2>/dev/null) == "${GITHUB_SHA:-}" ]] || return 2
	git -C "$workspace" rev-parse --verify --quiet HEAD^2 >/dev/null 2>&1 || return 2
	# Of what is in a submodule, the commit of the submodule is what a pull request changes.
	folder=$path
	while [[ $folder == */* ]]; do
		folder=${folder%/*}
		[[ $(git --literal-pathspecs -C "$workspace" ls-tree HEAD -- "$folder") != 160000* ]] || path=$folder
	done
	git -C "$workspace" diff-tree -r --quiet --ignore-submodules=none HEAD^1 HEAD -- ":(top,literal)$path" 2>/dev/null || code=$?
	case $code in
	0) return 1 ;;
	1) return 0 ;;
	*) return 2 ;;
	esac
}

# format asks for a report. All are written outside of the workspace, where nobody waits with a symbolic link.
format() {
	case $1 in
	json | sarif | junit) options+=("--format=$1=$reports/$1") && printf '%s=%s\n' "$1" "$reports/$1" >>"$GITHUB_OUTPUT" ;;
	github) options+=(--format=github) && annotate=1 ;;
	markdown) options+=("--format=markdown=$reports/markdown") && summarise=1 ;;
	text) options+=("--format=text=$reports/text") && show=1 ;;
	*) fail "formats: there is no $(plain "$1"); use text, json, sarif, junit, github and markdown" ;;
	esac
}

# credentials turns a user and a password into what the program, and docker, read from the environment: they are no
# argument of any process, and in no file.
credentials() {
	local host=${TIDEWAITER_REGISTRY_HOST:-} user=${TIDEWAITER_USERNAME:-} password=${TIDEWAITER_PASSWORD:-}
	unset TIDEWAITER_REGISTRY_HOST TIDEWAITER_USERNAME TIDEWAITER_PASSWORD
	if [[ -z $host || -z $password ]]; then
		[[ -z $host ]] || complain notice "there is no password for $(plain "$host"), as in pull requests of forks: it is asked as nobody"
		return 0
	fi
	[[ -z ${DOCKER_AUTH_CONFIG:-} ]] || fail 'give DOCKER_AUTH_CONFIG or TIDEWAITER_REGISTRY_HOST, not both'
	[[ $host =~ ^[A-Za-z0-9.-]+(:[0-9]+)?$ ]] || fail "TIDEWAITER_REGISTRY_HOST: $(plain "$host") is no host"
	[[ $host != docker.io ]] || host=https://index.docker.io/v1/
	# shellcheck disable=SC2089 # the quotes are JSON's
	DOCKER_AUTH_CONFIG="{\"auths\": {\"$host\": {\"auth\": \"$(printf '%s:%s' "$user" "$password" | base64 | tr -d '\r\n')\"}}}"
	# shellcheck disable=SC2090
	export DOCKER_AUTH_CONFIG
}

# show_report prints the report as it is in a terminal. The runner takes nothing in it for a command.
show_report() {
	local stop
	stop=$(od -An -N16 -tx1 </dev/urandom | tr -d ' \n')
	printf '::group::Report\n::stop-commands::%s\n' "$stop"
	cat "$reports/text"
	printf '::%s::\n::endgroup::\n' "$stop"
}

# write_sboms writes an SBOM of each image that was judged, as it was judged.
write_sboms() {
	local image n=0
	mkdir "$reports/sbom"
	while IFS= read -r image; do
		n=$((n + 1))
		"$PROGRAM" sbom ${sbom_options[@]+"${sbom_options[@]}"} -- "$image" >"$reports/sbom/$n.cdx.json" </dev/null || return 1
	done < <(grep -E '@sha256:[0-9a-f]{64}$' "$reports/github-output")
	printf 'sbom=%s\n' "$reports/sbom" >>"$GITHUB_OUTPUT"
}

[[ -x ${PROGRAM:-} ]] || fail 'the program was not installed'
each target "${INPUT_TARGETS:-}"
[[ ${#targets[@]} -gt 0 ]] || fail 'targets: name files, folders or images, one a line'
options+=("--config=${INPUT_CONFIG:-$GITHUB_ACTION_PATH/action/defaults.yaml}")
[[ -z ${INPUT_CONFIG:-} ]] || mind config "$INPUT_CONFIG"
each platform "${INPUT_PLATFORM:-}"
case ${INPUT_OFFLINE:-false} in
true) options+=(--offline) ;;
false) ;;
*) fail "offline: use true or false, not $(plain "$INPUT_OFFLINE")" ;;
esac
case ${INPUT_SBOM:-false} in true | false) ;; *) fail "sbom: use true or false, not $(plain "$INPUT_SBOM")" ;; esac
sbom_options=("${options[@]}")
each policy "${INPUT_POLICIES:-}"
options+=("--images=${INPUT_IMAGES:-auto}" "--format=github-output=$reports/github-output")
[[ -z ${INPUT_FAIL_ON:-} ]] || options+=("--fail-on=$INPUT_FAIL_ON")
# shellcheck disable=SC2086 # words are what is wanted; a pattern would need a file of that name to be anything else
{
	set -f
	for name in ${INPUT_FORMATS:-}; do format "$name"; done
	set +f
}
credentials

export TIDEWAITER_CACHE=off
[[ ${INPUT_CACHE:-} != true ]] || TIDEWAITER_CACHE=$RUNNER_TEMP/tidewaiter-cache # which action.yml restores and saves

code=0
"$PROGRAM" check "${options[@]}" -- "${targets[@]}" </dev/null || code=$?

if [[ $code == 0 && ! -s $reports/github-output ]]; then code=2; fi # no report, no pass
if [[ -n $show && -s $reports/text ]]; then show_report; fi
if [[ $code == [01] && ${INPUT_SBOM:-false} == true ]] && ! write_sboms; then
	complain error 'an SBOM could not be written: the log says why'
	[[ $code != 0 ]] || code=2
fi
case $code in
0) verdict=allow said='the gate allows this' ;;
1) verdict=deny said='the gate denies this: the findings above say why' ;;
2) verdict=undecided said='the gate could not decide, which lets nothing through: the log of this step says what was not looked at' ;;
*) verdict=undecided said="nothing was judged: an input or the configuration is wrong (exit code $code), the log of this step says which" ;;
esac
# What the program ends with is the verdict, whatever was written before.
if [[ -s $reports/github-output ]]; then
	grep -v '^verdict=' "$reports/github-output" >>"$GITHUB_OUTPUT"
elif [[ -n $annotate ]]; then
	complain error "$said"
fi
printf 'verdict=%s\n' "$verdict" >>"$GITHUB_OUTPUT"
if [[ -s $reports/markdown ]]; then
	cat "$reports/markdown" >>"$GITHUB_STEP_SUMMARY"
elif [[ -n $summarise ]]; then
	printf '## ❔ Tidewaiter: %s\n\n**%s.**\n' "$verdict" "$said" >>"$GITHUB_STEP_SUMMARY"
fi
printf 'tidewaiter: %s\n' "$said"
exit "$code"
