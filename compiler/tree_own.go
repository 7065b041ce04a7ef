package compiler

import (
	"bytes"
	"io/fs"
	"strings"
	"time"

	"domctl.dev/schema"
)

// owned says whether the text at this path is domctl's, not the user's.
func (t *tree) owned(name string) bool {
	_, ok := t.own[strings.TrimPrefix(name, "/")]
	return ok
}

// ownDir says whether domctl's files lie below a folder.
func (t *tree) ownDir(name string) bool {
	for p := range t.own {
		if strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

// ownEntries are domctl's files and folders right below a folder.
func (t *tree) ownEntries(name string) (entries []fs.DirEntry) {
	for _, p := range schema.Sorted(t.own) {
		rest, ok := strings.CutPrefix(p, name+"/")
		if name == "." {
			rest, ok = p, true
		}
		if base, _, below := strings.Cut(rest, "/"); ok {
			entries = append(entries, fs.FileInfoToDirEntry(ownInfo{base, 0, below}))
		}
	}
	return entries
}

// ownFile is a file in memory.
type ownFile struct {
	ownInfo
	*bytes.Reader
}

func (f *ownFile) Stat() (fs.FileInfo, error) { return f.ownInfo, nil }
func (f *ownFile) Close() error               { return nil }
func (f *ownFile) Size() int64                { return f.ownInfo.size }

type ownInfo struct {
	name string
	size int64
	dir  bool
}

func (i ownInfo) Name() string       { return i.name }
func (i ownInfo) Size() int64        { return i.size }
func (i ownInfo) ModTime() time.Time { return time.Time{} }
func (i ownInfo) IsDir() bool        { return i.dir }
func (i ownInfo) Sys() any           { return nil }
func (i ownInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
