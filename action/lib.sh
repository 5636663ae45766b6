# shellcheck shell=bash
# What install.sh and gate.sh share. Both are run by action.yml, as steps of somebody's workflow: all that comes from there
# comes in variables.

# complain writes an annotation, which also stands in the log. Its text is our own, or made harmless by plain.
complain() { printf '::%s title=Tidewaiter::%s\n' "$1" "$2"; }

# fail ends the step with the code of a wrong command line: nothing was judged.
fail() {
	complain error "nothing was judged: $1"
	exit 64
}

# plain quotes text of a workflow for a message: printable ASCII, in one line, that starts no workflow command.
plain() {
	local LC_ALL=C
	local text=${1//[^ -~]/?}
	text=${text//%/%25}
	text=${text//\#[/?[}
	printf '"%.200s"' "$text"
}

# Programs come from the runner, never from the repository that is judged: a folder of PATH that is relative or in the
# workspace is left out.
trusted_path() {
	local folder real kept='' workspace
	workspace=$(cd -P -- "$GITHUB_WORKSPACE" && pwd)
	while IFS= read -r -d : folder; do
		[[ $folder == /* ]] || continue
		real=$(cd -P -- "$folder" 2>/dev/null && pwd) || continue
		[[ $real == "$workspace" || $real == "$workspace"/* ]] || kept+=${kept:+:}$folder
	done <<<"$PATH:"
	printf '%s' "$kept"
}

: "${GITHUB_WORKSPACE:?}" "${GITHUB_ACTION_PATH:?}" "${RUNNER_TEMP:?}" "${GITHUB_OUTPUT:?}" "${GITHUB_STEP_SUMMARY:?}"
[[ ${RUNNER_OS:-} != Windows ]] || fail 'runners with Windows are not supported: use Linux or macOS'
unset CDPATH
PATH=$(trusted_path)
export PATH
