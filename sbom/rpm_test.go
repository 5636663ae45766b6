package sbom_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rpmDatabase is where Fedora has it.
const rpmDatabase = "usr/lib/sysimage/rpm/rpmdb.sqlite"

// rpm is the database that has packages of one file or more, and their files. A link has no digest.
func rpm(t *testing.T, packages ...deb) files {
	t.Helper()
	at := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", at)
	if err != nil {
		t.Fatal(err)
	}
	all := files{}
	_, err = db.Exec("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	for _, p := range packages {
		if err == nil {
			_, err = db.Exec("INSERT INTO Packages (blob) VALUES (?)", rpmHeader(p))
		}
		maps.Copy(all, p.files)
	}
	if err := errorsOf(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	return with(all, files{rpmDatabase: string(content)})
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// rpmHeader is a package as rpm stores it: an index of tags, and their data (rpm, lib/header.c).
func rpmHeader(p deb) []byte {
	const (
		int16s, int32s, text, texts = 3, 4, 6, 8
		regular, link               = 0o100755, 0o120777
	)
	var index, data []byte
	count := 0
	add := func(tag, kind, n int, value []byte) {
		if kind == int32s {
			data = append(data, make([]byte, (4-len(data)%4)%4)...)
		}
		for _, v := range []int{tag, kind, len(data), n} {
			index = binary.BigEndian.AppendUint32(index, uint32(v))
		}
		data = append(data, value...)
		count++
	}
	var modes, indexes, flags []byte
	var digests, bases, dirs string
	names := slices.Sorted(maps.Keys(p.files))
	for i, name := range names {
		mode, digest := regular, fmt.Sprintf("%x", sha256.Sum256([]byte(p.files[name])))
		if strings.HasPrefix(p.files[name], "-> ") {
			mode, digest = link, ""
		}
		flag := uint32(0)
		if strings.HasPrefix(name, "etc/") {
			flag = 1
		}
		modes = binary.BigEndian.AppendUint16(modes, uint16(mode))
		indexes = binary.BigEndian.AppendUint32(indexes, uint32(i))
		flags = binary.BigEndian.AppendUint32(flags, flag)
		digests += digest + "\x00"
		bases += path.Base(name) + "\x00"
		dirs += "/" + path.Dir(name) + "/\x00"
	}
	add(1000, text, 1, []byte(p.name+"\x00"))
	add(1001, text, 1, []byte(p.version+"\x00"))
	add(1002, text, 1, []byte("1\x00"))
	add(1022, text, 1, []byte("x86_64\x00"))
	data = append(data, make([]byte, len(data)%2)...)
	add(1030, int16s, len(names), modes)
	add(1035, texts, len(names), []byte(digests))
	add(1037, int32s, len(names), flags)
	add(1116, int32s, len(names), indexes)
	add(1117, texts, len(names), []byte(bases))
	add(1118, texts, len(names), []byte(dirs))
	add(5011, int32s, 1, []byte{0, 0, 0, 8})
	header := binary.BigEndian.AppendUint32(nil, uint32(count))
	header = binary.BigEndian.AppendUint32(header, uint32(len(data)))
	return slices.Concat(header, index, data)
}

func TestShippedRPM(t *testing.T) {
	sum := func(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }
	curl := deb{"curl", "7", files{"usr/bin/curl": genuine, "usr/lib64/libcurl.so.4": "-> libcurl.so.4.8", "usr/lib64/libcurl.so.4.8": genuine + "c", "etc/curlrc": "#a\n"}}
	newer := deb{"curl", "8", files{"usr/bin/curl": next, "usr/lib64/libcurl.so.4": "-> libcurl.so.4.9", "usr/lib64/libcurl.so.4.9": next + "c", "etc/curlrc": "#b\n"}}
	bash := deb{"bash", "5", files{"usr/bin/bash": genuine + "b"}}
	rewritten := deb{"curl", "7", with(curl.files, files{"usr/bin/curl": trojan})}
	first := rpm(t, curl, bash)
	tests := []struct {
		name   string
		layers []files
		want   []string
	}{
		{name: "as shipped, but for configuration", layers: []files{first, {"etc/curlrc": "#c\n"}}},
		{name: "an upgrade", layers: []files{first, with(rpm(t, newer, bash), files{"usr/lib64/.wh.libcurl.so.4.8": ""})}},
		{name: "a removal", layers: []files{first, with(rpm(t, bash), files{"usr/bin/.wh.curl": "", "usr/lib64/.wh.libcurl.so.4": "", "usr/lib64/.wh.libcurl.so.4.8": ""})}},
		{"a program is replaced", []files{first, {"usr/bin/curl": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7-1 program " + sum(genuine) + " " + sum(trojan)}},
		{"before an upgrade", []files{first, {"usr/bin/curl": trojan}, with(rpm(t, newer, bash), files{"usr/lib64/.wh.libcurl.so.4.8": ""})}, []string{
			"/usr/bin/curl layer 1: curl 7-1 program " + sum(genuine) + " " + sum(trojan)}},
		{"and recorded", []files{first, rpm(t, rewritten, bash)}, []string{
			"/usr/bin/curl layer 1: curl 7-1 program " + sum(genuine) + " " + sum(trojan),
			"/" + rpmDatabase + " edited in layer 1: 1 curl"}},
		{"a link is replaced by a library", []files{first, {"usr/lib64/libcurl.so.4": trojan}}, []string{
			"/usr/lib64/libcurl.so.4 layer 1: curl 7-1 program " + sum(trojan)}},
		{"a package is taken out", []files{first, {rpmDatabase: rpm(t, bash)[rpmDatabase]}}, []string{
			"/" + rpmDatabase + " lost in layer 1: 1 curl"}},
		{"the database is deleted", []files{first, {"usr/lib/sysimage/.wh.rpm": ""}}, []string{
			"/" + rpmDatabase + " removed in layer 1: 2 bash curl"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkShipped(t, test.layers, test.want)
		})
	}
}
