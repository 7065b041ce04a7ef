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

	"domctl.dev/schema"
)

// schemaDir is where CUE finds domctl's copy of the schema: a folder of the
// module, since CUE loads no cue.mod/pkg from a file system of ours.
const schemaDir = schema.ModulePath

// Limits on what is read, bytes: no person writes more.
const (
	maxFile = 16 << 20
	maxTree = 256 << 20
)

// tree is the file system that CUE sees: the user's files, over which domctl
// lays its own copy of the schema and of kinds.cue. It follows no links, reads
// no more than people write, reads each file once, and notes every question it
// was asked: the answers are what a compile depends on.
type tree struct {
	files fs.FS
	dir   string
	own   map[string][]byte // path → text that stands instead of the file

	// evaluateAll has CUE read plain objects too, which a test compares.
	evaluateAll bool

	// alone hides the files that do not state the deployment.
	alone bool

	mu      sync.Mutex
	read    map[string][]byte
	size    int64
	solid   map[string]bool // folders known to be no links
	asked   map[question]answer
	refused map[string]schema.Finding
	ignored map[string]bool // files that were read and do not count: those of other packages, and what CUE asked for and passed over
	failure error           // of the disk, not of the files
}

func newTree(files fs.FS, dir string) *tree {
	t := &tree{files: files, dir: dir, own: map[string][]byte{}, read: map[string][]byte{}, solid: map[string]bool{".": true},
		asked: map[question]answer{}, refused: map[string]schema.Finding{}, ignored: map[string]bool{}}
	for name, text := range schema.Files() {
		t.own[path.Join(schemaDir, name)] = text
	}
	t.own[path.Join(dir, kindsName)] = schema.KindsFile()
	return t
}

// Open gives a file from memory, or a folder.
func (t *tree) Open(name string) (fs.File, error) {
	if fi, err := t.Stat(name); err != nil || fi.IsDir() {
		return &ownFile{ownInfo{path.Base(name), 0, true}, bytes.NewReader(nil)}, err
	}
	text, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &ownFile{ownInfo{path.Base(name), int64(len(text)), false}, bytes.NewReader(text)}, nil
}

// ReadFile reads a file, once: what CUE parses is what was digested.
func (t *tree) ReadFile(name string) ([]byte, error) {
	if text, ok := t.own[name]; ok {
		return text, nil
	}
	t.mu.Lock()
	text, ok := t.read[name]
	delete(t.ignored, name)
	t.mu.Unlock()
	if ok {
		return text, nil
	}
	text, err := t.readOnce(name)
	t.note(question{askFile, name}, digestOf(text), err)
	if err == nil {
		t.mu.Lock()
		t.read[name] = text
		t.mu.Unlock()
	}
	return text, err
}

func (t *tree) readOnce(name string) ([]byte, error) {
	var text bytes.Buffer
	err := t.readInto(&text, name)
	return text.Bytes(), err
}

// readInto replaces what the buffer holds by a file.
func (t *tree) readInto(text *bytes.Buffer, name string) error {
	text.Reset()
	if err := t.noLink(name); err != nil {
		return err
	}
	fi, err := fs.Stat(t.files, name)
	switch {
	case err != nil:
		return t.denied(name, err)
	case !fi.Mode().IsRegular():
		return t.refuse(name, codeLink, "not a regular file", "replace it by a file")
	case fi.Size() > maxFile:
		return t.refuse(name, codeSize, fmt.Sprintf("file of %d bytes, at most %d are read", fi.Size(), maxFile), "split the file, or leave data out of the tree")
	}
	f, err := t.files.Open(name)
	if err != nil {
		return t.denied(name, err)
	}
	defer f.Close()
	text.Grow(int(fi.Size()) + bytes.MinRead)
	if _, err := text.ReadFrom(f); err != nil {
		return err
	}
	t.mu.Lock()
	t.size += int64(text.Len())
	full := t.size > maxTree
	t.mu.Unlock()
	if full {
		return t.refuse(name, codeSize, fmt.Sprintf("the files together exceed %d bytes", maxTree), "leave data out of the tree")
	}
	return nil
}

// beneath reads the user's file where domctl's own may stand instead.
func (t *tree) beneath(name string) ([]byte, error) {
	text, err := t.readOnce(name)
	t.note(question{askBeneath, name}, digestOf(text), err)
	return text, err
}

// Stat says whether there is a file or a folder.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if text, ok := t.own[name]; ok {
		return ownInfo{path.Base(name), int64(len(text)), false}, nil
	}
	fi, err := t.stat(name)
	if err == nil {
		t.note(question{askKind, name}, digestOf([]byte{byte(btoi(fi.IsDir()))}), nil)
	} else {
		t.note(question{askKind, name}, answer{}, err)
	}
	return fi, err
}

func (t *tree) stat(name string) (fs.FileInfo, error) {
	if err := t.noLink(name); err != nil {
		return nil, err
	}
	fi, err := fs.Stat(t.files, name)
	if err != nil && t.ownDir(name) {
		return ownInfo{path.Base(name), 0, true}, nil
	}
	return fi, t.denied(name, err)
}

// ReadDir lists the user's folder with domctl's files among it. A link out of
// the tree is refused where it is seen, whether it is followed or not; one that
// CUE passes over by its name, as an editor's lock, only where it is followed.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if t.hidden(name) { // the pattern of an embed came by
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err := t.noLink(name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(t.files, name)
	err = t.denied(name, err)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), ".") && path.Ext(e.Name()) == ".cue" })
	t.note(question{askFolder, name}, digestOf(listing(entries)), err)
	if err != nil && !t.ownDir(name) {
		return nil, err
	}
	for _, e := range entries {
		if at := path.Join(name, e.Name()); e.Type()&fs.ModeSymlink != 0 && !t.alone && !passedOver(e.Name()) && t.leadsOut(at) {
			_ = t.refuse(at, codeLink, "link out of the tree", "replace the link by what it leads to")
		}
	}
	entries = append(slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return t.owned(path.Join(name, e.Name())) }), t.ownEntries(name)...)
	if t.alone && name != "cue.mod" && !strings.HasPrefix(name, "cue.mod/") {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
			at := path.Join(name, e.Name())
			return !e.IsDir() && path.Ext(at) == ".cue" && !t.owned(at) && !statesDeployment(t.files, at)
		})
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(entries, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() }), nil
}

// passedOver says that CUE takes no file of this name for a part of a package.
func passedOver(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

// onlyPackages has files that were read so far count only where they may be a
// part of a package. One that is embedded counts: it is read again.
func (t *tree) onlyPackages() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.read {
		if path.Ext(name) != ".cue" || passedOver(path.Base(name)) {
			t.ignored[name] = true
		}
	}
}

func listing(entries []fs.DirEntry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%s\x00%d\n", e.Name(), e.Type())
	}
	return b.Bytes()
}

// noLink refuses a path that is a link or leads through one, or into another
// repository, or into what is hidden.
func (t *tree) noLink(name string) error {
	t.mu.Lock()
	solid := t.solid[name]
	t.mu.Unlock()
	if solid {
		return nil
	}
	if err := t.noLink(path.Dir(name)); err != nil {
		return err
	}
	fi, err := fs.Lstat(t.files, name)
	if err == nil && t.hidden(name) {
		return t.refuse(name, codeHidden, "hidden, so it is not embedded", hiddenHint)
	}
	if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		target, _ := fs.ReadLink(t.files, name)
		return t.refuse(name, codeLink, strings.TrimSuffix("link to "+target, " to "), "replace the link by what it leads to")
	}
	if err == nil && fi.IsDir() {
		if _, err := fs.Lstat(t.files, path.Join(name, ".git")); err == nil {
			return t.refuse(name, codeLink, "folder of another repository", "replace the submodule by the files that are needed")
		}
		t.mu.Lock()
		t.solid[name] = true
		t.mu.Unlock()
	}
	return nil
}

// leadsOut says whether a link's target lies outside the tree.
func (t *tree) leadsOut(name string) bool {
	target, err := fs.ReadLink(t.files, name)
	return err != nil || path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target))
}

// textOf is a file that was read, else "".
func (t *tree) textOf(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.read[strings.TrimPrefix(name, "/")])
}

// conflicted says whether a file that was read holds the marks of a merge that
// git left to people.
func (t *tree) conflicted(name string) bool {
	return strings.Contains("\n"+t.textOf(name), "\n<<<<<<< ")
}

// errRefused marks what domctl does not read though it is there.
var errRefused = errors.New("refused")

// refuse keeps a finding about a file, once.
func (t *tree) refuse(name, code, message, hint string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[name] = schema.Finding{Code: code, Severity: schema.Error, Message: message, Hint: hint,
		Positions: []schema.Position{{File: t.relative(name), Line: 1, Col: 1}}}
	return &fs.PathError{Op: "open", Path: name, Err: errRefused}
}

// denied makes a finding of what may not be read; any other error, and none,
// stays as it is.
func (t *tree) denied(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return t.refuse(name, codeDenied, t.relative(name)+" may not be read: permission denied", "check its owner and mode")
	}
	return err
}

// refusals are the findings about files that were not read.
func (t *tree) refusals() []schema.Finding {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.refused))
}

// Files that were read and count, relative to the deployment's folder.
func (t *tree) Files() (files []string) {
	for name := range t.read {
		if !t.ignored[name] {
			files = append(files, t.relative(name))
		}
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
