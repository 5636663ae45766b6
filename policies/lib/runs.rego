# What the rules on commands share: how they name a command, and how they quote what it does.
package tidewaiter.lib

# command names one of a container's commands as messages do.
command(container, run) := sprintf("%s of %s", [run.where, label(container)])

# steps says what an action does, on one line: its steps, else its source text.
steps(action) := line(concat(", ", action.steps)) if {
	action.steps[0]
} else := line(action.text)

# place says which file or variable a command leads to, where that is not the command itself.
place(action) := sprintf(" in %s", [action.origin.name]) if {
	action.origin
} else := ""

# shown is the evidence of an action.
shown(run, action) := object.union(
	object.filter(action, ["text", "line", "steps", "tool", "source", "path", "verified", "origin"]),
	{"where": run.where},
)

# weight is the severity of fetching something: less where what is fetched is checked before it runs, or is a manifest,
# which the cluster judges for itself.
weight(action) := "medium" if {
	action.verified == true
} else := "medium" if {
	action.applied == true
} else := "high"

# line makes one line of a text.
line(text) := trim_space(regex.replace(text, `[\s[:cntrl:]]+`, " "))
