package compiler

import (
	"bytes"
	"io/fs"
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
// lays its own copy of the schema and of kinds.cue.
type tree struct {
	files fs.FS
	dir   string
	own   map[string][]byte // path → text that stands instead of the file

	mu   sync.Mutex
	read map[string]bool
}

func newTree(files fs.FS, dir string) *tree {
	t := &tree{files: files, dir: dir, own: map[string][]byte{}, read: map[string]bool{}}
	for name, text := range schema.Files() {
		t.own[path.Join(schemaDir, name)] = text
	}
	t.own[path.Join(dir, "kinds.cue")] = schema.KindsFile()
	return t
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
	f, err := t.files.Open(name)
	if err != nil {
		if t.ownDir(name) {
			return &ownFile{ownInfo{path.Base(name), 0, true}, bytes.NewReader(nil)}, nil
		}
		return nil, err
	}
	if fi, err := f.Stat(); err == nil && !fi.IsDir() {
		t.mu.Lock()
		t.read[name] = true
		t.mu.Unlock()
	}
	return f, nil
}

// ReadDir lists the user's folder with domctl's files among it.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.files, name)
	if err != nil && !t.ownDir(name) {
		return nil, err
	}
	seen := map[string]bool{}
	for _, e := range entries {
		seen[e.Name()] = true
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
