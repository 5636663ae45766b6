package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// knownKeys are the names that mean something in a manifest, an index or a configuration. encoding/json, which
// the runtimes use, takes "Layers" for "layers" and the last of two; other readers do not. A document that
// plays on that is refused.
var knownKeys = []string{
	"mediaType", "config", "layers", "manifests", "fsLayers", "blobs", "digest", "size", "urls",
	"platform", "subject", "artifactType", "annotations", "schemaVersion",
	"os", "architecture", "variant", "rootfs", "diff_ids", "history", "empty_layer",
	"User", "Entrypoint", "Cmd", "Env", "WorkingDir", "Shell", "OnBuild", "Healthcheck", "Test",
	"ExposedPorts", "Volumes", "Labels",
}

// freeMaps are the objects whose keys are the author's own.
var freeMaps = []string{"annotations", "Labels", "Volumes", "ExposedPorts", "labels"}

// maxDepth bounds the nesting of a JSON document.
const maxDepth = 64

// checkKeys refuses JSON that readers disagree about: a key twice in one object (by exact spelling or, where
// keys have a meaning, by case), a known key in another case, anything after the document, or deep nesting.
func checkKeys(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := checkValue(d, 0, false); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("data after the JSON document")
	}
	return nil
}

// checkValue reads one value; with free, it is an object with keys of the author's.
func checkValue(d *json.Decoder, depth int, free bool) error {
	token, err := d.Token()
	if err != nil {
		return fmt.Errorf("not valid JSON")
	}
	if depth > maxDepth {
		return fmt.Errorf("JSON nested more than %d levels deep", maxDepth)
	}
	switch token {
	case json.Delim('{'):
		return checkObject(d, depth, free)
	case json.Delim('['):
		for d.More() {
			if err := checkValue(d, depth+1, false); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("not valid JSON")
		}
	}
	return nil
}

func checkObject(d *json.Decoder, depth int, free bool) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return fmt.Errorf("not valid JSON")
		}
		folded := key
		if !free {
			folded = strings.ToLower(key)
			if !wellSpelled(key) {
				return fmt.Errorf("the key %s is spelled like a known one in another case", quote(key))
			}
		}
		if seen[folded] {
			return fmt.Errorf("the key %s stands twice in one object", quote(key))
		}
		seen[folded] = true
		if err := checkValue(d, depth+1, slices.Contains(freeMaps, key)); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("not valid JSON")
	}
	return nil
}

// wellSpelled tells that key is either no known key in any case, or spelled as it should be.
func wellSpelled(key string) bool {
	return slices.Contains(knownKeys, key) ||
		!slices.ContainsFunc(knownKeys, func(known string) bool { return strings.EqualFold(key, known) })
}
