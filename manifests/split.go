package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// chunk is one document's text, cut out exactly where kubectl cuts.
type chunk struct {
	// text is what kubectl's parser gets: CRLF is LF, and the last line ends in one.
	text []byte
	// line and column are the 1-based place of text's first byte in the file.
	line, column int
	json         bool
	// err is set instead of text where the stream itself is broken at line.
	err error
}

// sniffBytes is how far kubectl looks for the brace that makes a stream JSON.
const sniffBytes = 4096

// split cuts a file into documents as apimachinery's YAMLOrJSONDecoder does: a stream of JSON values if it
// begins with a brace, until one does not parse; YAML documents otherwise. Where that decoder gives up, the
// chunk with the error is followed by whatever can still be read. It stops cutting when there are more than
// most chunks, with the first most of them right.
func split(data []byte, most int) []chunk {
	if !startsWithBrace(data[:min(len(data), sniffBytes)]) {
		return splitYAML(data, 1, most)
	}
	chunks, rest, err := splitJSON(data, most)
	if err == nil {
		return chunks
	}
	line := 1 + bytes.Count(data[:rest], []byte("\n"))
	if len(chunks) > 1 {
		// Two values make it a JSON stream for good: there is no way back to YAML.
		return append(chunks, chunk{line: line, err: err})
	}
	for rest < len(data) {
		r, size := utf8.DecodeRune(data[rest:])
		if !unicode.IsSpace(r) {
			break
		}
		rest += size
		if r == '\n' {
			line++
			break
		}
	}
	return append(chunks, splitYAML(data[rest:], line, most)...)
}

func startsWithBrace(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(data, unicode.IsSpace), []byte("{"))
}

// splitJSON cuts a stream of JSON values. With an error it returns the values before it and where they end.
func splitJSON(data []byte, most int) (chunks []chunk, end int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	line, column, counted := 1, 1, 0
	for len(chunks) <= most {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err == io.EOF {
			return chunks, len(data), nil
		} else if err != nil {
			return chunks, end, fmt.Errorf("not valid JSON: %w", err)
		}
		end = int(decoder.InputOffset())
		start := end - len(raw)
		line, column = advance(data[counted:start], line, column)
		counted = start
		chunks = append(chunks, chunk{text: data[start:end], line: line, column: column, json: true})
	}
	return chunks, end, nil
}

// advance returns the line and column (in characters) after text.
func advance(text []byte, line, column int) (int, int) {
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		line += bytes.Count(text, []byte("\n"))
		text, column = text[i+1:], 1
	}
	return line, column + utf8.RuneCount(text)
}

var errSeparator = errors.New("text after the document separator --- on the same line: kubectl refuses it; only a comment may stand there")

// splitYAML cuts a stream of YAML documents as apimachinery's YAMLReader does: at every line that begins with
// "---", which belongs to a document only if nothing comes before it.
func splitYAML(data []byte, line, most int) []chunk {
	var chunks []chunk
	start, startLine := 0, line
	emit := func(end int) {
		if end > start {
			chunks = append(chunks, chunk{text: normalise(data[start:end]), line: startLine, column: 1})
		}
	}
	for at := 0; at < len(data) && len(chunks) <= most; line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if bytes.HasPrefix(data[at:], []byte("---")) {
			comment := strings.TrimSpace(string(data[at+3 : next]))
			wrong := comment != "" && comment[0] != '#'
			if wrong || at > start {
				emit(at)
				start, startLine = next, line+1
			}
			if wrong {
				chunks = append(chunks, chunk{line: line, err: errSeparator})
			}
		}
		at = next
	}
	emit(len(data))
	return chunks
}

// normalise ends every line of a document as YAMLReader does, which shows in block scalars at a file's end.
func normalise(text []byte) []byte {
	if bytes.Contains(text, []byte("\r\n")) {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text[:len(text):len(text)], '\n')
	}
	return text
}

// blank tells that a YAML document is nothing but comments and white space. It may miss one: then the parser
// says so. Text beyond ASCII and control characters are left to the parser, which knows more line breaks than
// \n and refuses some characters even in comments.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimPrefix(line, []byte("---"))
		for _, b := range line {
			if b >= 0x7f || b < ' ' && b != '\n' {
				return false
			}
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// firstLine returns how many lines of a document come before its first text.
func firstLine(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
		if len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("---")) {
			return n
		}
		n++
	}
	return 0
}
