// Package sbom says what is inside one platform of an image: the packages that syft finds, and for every
// file that matters what it is by content: a miner, a shell, a download tool. A package only corroborates;
// deleting the package database hides nothing.
package sbom

import "os"

// Package is an installed package.
type Package struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Type    string   `json:"type"` // syft's package type: deb, apk, rpm, npm, python, go-module, rust-crate ...
	PURL    string   `json:"purl,omitempty"`
	Paths   []string `json:"paths,omitempty"` // of the files that show it
	Classes []Class  `json:"classes,omitempty"`
}

// File is a file that has at least one class, or a mode that matters.
type File struct {
	Path string `json:"path"`
	// Layer is the 0-based index of the layer that holds it, LayerDigest the layer's digest, and CreatedBy
	// the history entry of that layer (the author's text, for display only).
	Layer       int    `json:"layer"`
	LayerDigest string `json:"layerDigest"`
	CreatedBy   string `json:"createdBy,omitempty"`
	// DeletedIn is the index of the later layer that deletes or replaces it, -1 if it is visible.
	DeletedIn int    `json:"deletedIn"`
	Size      int64  `json:"size"`
	Mode      string `json:"mode"` // as ls prints it: -rwsr-xr-x
	UID       int    `json:"uid"`
	GID       int    `json:"gid"`
	Setuid    bool   `json:"setuid,omitempty"`
	Setgid    bool   `json:"setgid,omitempty"`
	// Capabilities tells that the file carries a security.capability attribute.
	Capabilities bool    `json:"capabilities,omitempty"`
	SHA256       string  `json:"sha256,omitempty"`
	Classes      []Class `json:"classes,omitempty"`
	// Recorded is what a package's database says of the file, if it is of the class Tampered.
	Recorded *Recorded `json:"recorded,omitempty"`

	mode   os.FileMode
	diffID string // of the layer, which is what syft's formats name layers by
}

// Class is what a file or a package is good for.
type Class struct {
	// Class is "miner", "suspicious-miner" (one indicator only, or a program that is about many), "shell",
	// "download-tool", "package-manager", "interpreter", "recon-tool", "escape-tool", "cluster-client", "tunnel",
	// "remote-access", "packed" (its content is compressed or encrypted and says nothing), "preload" (a list of
	// libraries that every program loads), "authorized-keys", "private-key", "device", Tampered, Unowned, or Unscanned.
	Class string `json:"class"`
	// Tool is the program it was recognised as ("xmrig", "busybox", "curl").
	Tool string `json:"tool"`
	// Marks say why: each is an independent indicator.
	Marks []Mark `json:"marks"`
}

// Mark is one indicator of a class.
type Mark struct {
	// By is "name", "content", "package", "applet", "buildinfo" or "layout" (how the file of a program
	// is made), "path" or "layer".
	By string `json:"by"`
	// Text is what was seen: the file name, the string, the package as type:name.
	Text string `json:"text"`
	// Offset is where in the file, in bytes; -1 where that has no meaning.
	Offset int64 `json:"offset"`
	// In is the path of what was seen inside the file, if that is an archive or hides something: a.jar!/b/c, or
	// +1234 for what begins at that place. Offset is then from its start, and SHA256 its digest.
	In     string `json:"in,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}
