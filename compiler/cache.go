package compiler

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// maxCache bounds the cache folder, bytes. Entries written longest ago go
// first.
const maxCache = 256 << 20

// suffix of the entries' names; no other file of the folder is touched.
const suffix = ".compiled"

// cache is a folder of entries, one for each deployment, set of tags, schema
// and program. An entry answers only while every question it rests on has the
// same answer. It lies outside any tree: a tree must not be able to bring its
// own answers.
type cache struct {
	dir string
	key string
}

func cacheOf(src Source) (cache, bool) {
	if src.Cache == "" || src.Program == "" {
		return cache{}, false
	}
	if rel, err := filepath.Rel(src.Root, src.Cache); err == nil && filepath.IsLocal(rel) {
		return cache{}, false
	}
	sum := digestOf([]byte(strings.Join(append([]string{cmp.Or(src.Name, src.Root), src.Dir, src.Program, schema.Version(), magic}, src.Tags...), "\x00")))
	return cache{src.Cache, hex.EncodeToString(sum[:])}, true
}

// Program tells this build of the program from others by its executable's size
// and date, for Source.Program: two builds that compile differently must not
// answer for one another.
func Program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano()), nil
}

func (c cache) path() string { return filepath.Join(c.dir, c.key+suffix) }

// load answers from the cache. What is not there, no longer holds or cannot be
// read is no answer, and never an error.
func (c cache) load(t *tree) (Result, bool) {
	text, err := readText(c.path())
	if err != nil {
		return Result{}, false
	}
	en, d, err := decodeHead(text)
	if err != nil {
		return Result{}, false
	}
	decoded := make(chan error, 1)
	var r Result
	go func() {
		var err error
		r, err = d.result()
		decoded <- err
	}()
	same := t.same(en.asked, en.answers)
	return r, <-decoded == nil && same
}

// readText reads an entry. What is no file would be waited for without end, and
// an entry beyond the folder's bound is none that was kept here.
func readText(path string) (string, error) {
	at, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !at.Mode().IsRegular() || at.Size() > maxCache {
		return "", errFormat
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	_, err = io.Copy(&text, f)
	return text.String(), err
}

// store keeps an entry: whole or not at all. Who calls it says so in the error.
func (c cache) store(text string) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, "*.part")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.path())
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return c.shrink()
}

// shrink removes the oldest entries until the folder is within its bound. The
// entry just written stays.
func (c cache) shrink() error {
	type file struct {
		name string
		info fs.FileInfo
	}
	var files []file
	var size int64
	names, _ := filepath.Glob(filepath.Join(c.dir, "*"+suffix))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			files, size = append(files, file{name, info}), size+info.Size()
		}
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.name, b.name))
	})
	for _, f := range files {
		if size <= maxCache {
			return nil
		}
		if f.name == c.path() {
			continue
		}
		if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("shrink the cache: %w", err)
		}
		size -= f.info.Size()
	}
	return nil
}
