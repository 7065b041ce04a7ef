package compiler

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/schema"
)

// schemaDir is where CUE finds domctl's copy of the schema: a folder of the
// module, since CUE loads no cue.mod/pkg from a file system of ours.
const schemaDir = schema.ModulePath

// tree is the file system that CUE sees: the user's files, over which domctl
// lays its own copy of the schema and of kinds.cue. It follows no links, reads
// no file larger than people write, and notes all that it was asked, since the
// answers are what a compile depends on.
type tree struct {
	files fs.FS
	dir   string
	own   map[string][]byte // path → text that stands instead of the file

	mu      sync.Mutex
	read    map[string]bool
	refused map[string]schema.Finding
}

// maxFile is the largest file that is read, bytes.
const maxFile = 16 << 20

func newTree(files fs.FS, dir string) *tree {
	t := &tree{files: files, dir: dir, own: map[string][]byte{}, read: map[string]bool{}, refused: map[string]schema.Finding{}}
	for name, text := range schema.Files() {
		t.own[path.Join(schemaDir, name)] = text
	}
	t.own[path.Join(dir, "kinds.cue")] = schema.KindsFile()
	return t
}

// refuse keeps a finding about a file, once.
func (t *tree) refuse(name, code, message, hint string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[name] = schema.Finding{Code: code, Severity: schema.Error, Message: message, Hint: hint,
		Positions: []schema.Position{{File: t.relative(name), Line: 1, Col: 1}}}
	return &fs.PathError{Op: "open", Path: name, Err: errors.New(message)}
}

// refusals are the findings about files that were not read.
func (t *tree) refusals() []schema.Finding {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.refused))
}

// noLink refuses a path that is a link or leads through one.
func (t *tree) noLink(name string) error {
	for p := name; p != "."; p = path.Dir(p) {
		fi, err := fs.Lstat(t.files, p)
		if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
			return t.refuse(p, codeLink, "link", "replace the link by what it leads to")
		}
	}
	return nil
}

// Files that were read, relative to the deployment's folder.
func (t *tree) Files() (files []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.read {
		files = append(files, t.relative(name))
	}
	slices.Sort(files)
	return files
}

// relative writes a path of the tree as seen from the deployment's folder.
func (t *tree) relative(name string) string {
	name = strings.TrimPrefix(name, "/")
	up := ""
	for dir := t.dir; dir != "."; dir = path.Dir(dir) {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			return up + rest
		}
		up += "../"
	}
	return up + name
}

// owned says whether the text at this path is domctl's, not the user's.
func (t *tree) owned(name string) bool {
	_, ok := t.own[strings.TrimPrefix(name, "/")]
	return ok
}

func (t *tree) Open(name string) (fs.File, error) {
	if text, ok := t.own[name]; ok {
		return &ownFile{ownInfo{path.Base(name), int64(len(text)), false}, bytes.NewReader(text)}, nil
	}
	if err := t.noLink(name); err != nil {
		return nil, err
	}
	f, err := t.files.Open(name)
	if err != nil {
		if t.ownDir(name) {
			return &ownFile{ownInfo{path.Base(name), 0, true}, bytes.NewReader(nil)}, nil
		}
		return nil, err
	}
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case fi.IsDir():
		return f, nil
	case !fi.Mode().IsRegular():
		return nil, t.refuse(name, codeLink, "not a regular file", "replace it by a file")
	case fi.Size() > maxFile:
		return nil, t.refuse(name, codeSize, fmt.Sprintf("file of %d bytes, at most %d are read", fi.Size(), maxFile), "split the file, or leave data out of the tree")
	}
	t.mu.Lock()
	t.read[name] = true
	t.mu.Unlock()
	return f, nil
}

// ReadDir lists the user's folder with domctl's files among it. Links to CUE
// files are refused here, since CUE would follow them.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := t.noLink(name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(t.files, name)
	if err != nil && !t.ownDir(name) {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Name()] = true
		if e.Type()&fs.ModeSymlink != 0 && t.leadsOut(path.Join(name, e.Name())) {
			_ = t.refuse(path.Join(name, e.Name()), codeLink, "link out of the tree", "replace the link by what it leads to")
		}
	}
	for _, p := range schema.Sorted(t.own) {
		rest, ok := strings.CutPrefix(p, name+"/")
		if name == "." {
			rest, ok = p, true
		}
		if base, _, below := strings.Cut(rest, "/"); ok && !seen[base] {
			seen[base] = true
			entries = append(entries, fs.FileInfoToDirEntry(ownInfo{base, 0, below}))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// leadsOut says whether a link's target lies outside the tree.
func (t *tree) leadsOut(name string) bool {
	target, err := fs.ReadLink(t.files, name)
	return err != nil || path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target))
}

func (t *tree) ownDir(name string) bool {
	for p := range t.own {
		if strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

// ownFile is a file or folder that only domctl's text brings about.
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
