package sbom

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBenign: in the folder that TIDEWAITER_BENIGN names there are trees of files as images have them, none of
// which holds a miner (testdata/images/benign.sh makes some). What else is found there is logged, to be read.
func TestBenign(t *testing.T) {
	folder := os.Getenv("TIDEWAITER_BENIGN")
	if folder == "" {
		t.Skip("TIDEWAITER_BENIGN names no folder of benign trees: see testdata/images/benign.sh")
	}
	trees, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(trees) == 0 {
		t.Fatalf("%s is empty", folder)
	}
	all := map[string]int{}
	for _, tree := range trees {
		root := filepath.Join(folder, tree.Name())
		counts := map[string]int{}
		eachFile(t, root, func(name string, classes []Class) {
			for _, c := range classes {
				counts[c.Class]++
				all[c.Class]++
				if c.Class == "miner" {
					t.Errorf("%s: %s is taken for a miner: %+v", tree.Name(), name, c)
				}
				if strings.Contains(os.Getenv("TIDEWAITER_SHOW"), c.Class) {
					t.Logf("%s: %s: %+v", tree.Name(), name, c)
				}
			}
		})
		t.Logf("%s: %s", tree.Name(), summary(counts))
	}
	t.Logf("%d trees: %s", len(trees), summary(all))
}

func summary(counts map[string]int) string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", class, counts[class]))
	}
	return strings.Join(parts, ", ")
}

// eachFile classifies all regular files of a tree.
func eachFile(t *testing.T, root string, do func(name string, classes []Class)) {
	t.Helper()
	table := mustTable(t)
	bounds := newBounds(Limits{File: 1 << 30, Nested: 1 << 40})
	err := filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := os.Open(at)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		head, err := readHead(file, make([]byte, headSize))
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(at, root)
		c, err := table.inspect(name, info.Mode(), head, file, bounds)
		if err != nil {
			return err
		}
		if c != nil {
			do(name, table.classify(name, info.Mode(), c, nil))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
