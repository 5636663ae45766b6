package report

import (
	"encoding/json"
	"io"

	"github.com/tidewaiter/tidewaiter/gate"
)

// writeJSON writes the report itself (docs/report.schema.json), complete whatever its size.
func writeJSON(w io.Writer, r gate.Report, _ Options) error { return encode(w, r) }

// encode writes value as indented JSON, with the characters that only matter inside of HTML left readable.
func encode(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
