package manifests

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// jsonNodes makes the tree that the YAML parser makes of YAML from a JSON value, which that parser does not
// always read (tabs, escapes). It returns nil if the text is no JSON.
func jsonNodes(text []byte) *yaml.Node {
	r := &jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	r.decoder.UseNumber()
	node, err := r.node()
	if err != nil {
		return nil
	}
	return node
}

type jsonReader struct {
	text         []byte
	decoder      *json.Decoder
	at           int // line and column are of text[at]
	line, column int
}

// next reads a token and makes an empty node at its place.
func (r *jsonReader) next() (json.Token, *yaml.Node, error) {
	start := int(r.decoder.InputOffset())
	token, err := r.decoder.Token()
	if err != nil {
		return nil, nil, err
	}
	for start < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[start]) >= 0 {
		start++
	}
	r.moveTo(start)
	return token, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Line: r.line, Column: r.column}, nil
}

func (r *jsonReader) moveTo(at int) {
	r.line, r.column = advance(r.text[r.at:at], r.line, r.column)
	r.at = max(r.at, at)
}

// node reads one value. Depth is bounded: the document was decoded before.
func (r *jsonReader) node() (*yaml.Node, error) {
	token, node, err := r.next()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		node.Value = token
	case json.Delim:
		node.Kind = yaml.SequenceNode
		if token == '{' {
			node.Kind = yaml.MappingNode
		}
		// Keys and values alternate in a map's content, as they do in the token stream.
		for r.decoder.More() {
			item, err := r.node()
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, item)
		}
		_, err = r.decoder.Token() // the closing bracket
	}
	return node, err
}
