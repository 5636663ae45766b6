//go:build !unix

package cache

import "io/fs"

// private accepts every folder: where there are no modes, the user's own folders are kept by access control lists.
func private(fs.FileInfo) error { return nil }
