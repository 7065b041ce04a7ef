package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxCache bounds the cache, bytes; what was read longest ago goes first.
const maxCache = 256 << 20

// maxMemory bounds a cache without a folder, entries.
const maxMemory = 10_000

// cache keeps what a digest names, in a folder outside any tree that several
// processes may share. What it answers was compared with its digest; a cache
// that cannot be read or written is an empty one, never an error. The zero
// folder keeps things in memory.
type cache struct {
	dir   string
	limit int64
	now   func() time.Time

	mu     sync.Mutex
	memory map[string][]byte
	used   int64 // bytes in the folder, as last counted; -1 before
}

func newCache(dir string, now func() time.Time) *cache {
	return &cache{dir: dir, limit: maxCache, now: now, memory: map[string][]byte{}, used: -1}
}

// matches says whether the body is what a digest names.
func matches(digest string, body []byte) bool {
	sum := sha256.Sum256(body)
	return digest == "sha256:"+hex.EncodeToString(sum[:])
}

func (c *cache) object(digest string) ([]byte, bool) {
	body, ok := c.load(digest)
	return body, ok && matches(digest, body)
}

func (c *cache) keep(digest string, body []byte) { c.store(digest, body) }

// size is what was found of a layer's unpacked size. No digest vouches for it,
// so that it is kept with a sum of its own.
func (c *cache) size(digest string) (int64, bool) {
	body, ok := c.load(digest + ".size")
	number, sum, two := strings.Cut(string(body), " ")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, ok && two && err == nil && n >= 0 && sum == sizeSum(digest, number)
}

func (c *cache) keepSize(digest string, n int64) {
	number := strconv.FormatInt(n, 10)
	c.store(digest+".size", []byte(number+" "+sizeSum(digest, number)))
}

func sizeSum(digest, number string) string {
	sum := sha256.Sum256([]byte(digest + " " + number))
	return hex.EncodeToString(sum[:])
}

// suffix of the entries' names; no other file of the folder is touched.
const suffix = ".registry"

// path of an entry; false for a key that is no name of a file.
func (c *cache) path(key string) (string, bool) {
	algorithm, rest, ok := strings.Cut(key, ":")
	return filepath.Join(c.dir, algorithm+"-"+rest+suffix), ok && !strings.ContainsAny(key, `/\`)
}

// load reads an entry, and notes that it was of use.
func (c *cache) load(key string) ([]byte, bool) {
	if c.dir == "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		body, ok := c.memory[key]
		return body, ok
	}
	path, ok := c.path(key)
	if !ok {
		return nil, false
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxObject {
		return nil, false
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	_ = os.Chtimes(path, c.now(), c.now())
	return body, true
}

// store keeps an entry: whole or not at all.
func (c *cache) store(key string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" {
		if len(c.memory) >= maxMemory {
			clear(c.memory)
		}
		c.memory[key] = body
		return
	}
	path, ok := c.path(key)
	if !ok || os.MkdirAll(c.dir, 0o700) != nil || write(c.dir, path, body) != nil {
		return
	}
	_ = os.Chtimes(path, c.now(), c.now())
	if c.used >= 0 {
		c.used += int64(len(body))
	}
	if c.used < 0 || c.used > c.limit {
		c.used = c.shrink()
	}
}

func write(dir, path string, body []byte) error {
	f, err := os.CreateTemp(dir, "*.part")
	if err != nil {
		return fmt.Errorf("keep a manifest: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep a manifest: %w", err)
	}
	return nil
}

// shrink removes what was read longest ago until a tenth of the limit is free,
// and what killed processes left half written; it answers how many bytes are left.
func (c *cache) shrink() (used int64) {
	parts, _ := filepath.Glob(filepath.Join(c.dir, "*.part"))
	for _, name := range parts {
		if info, err := os.Lstat(name); err == nil && c.now().Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(name)
		}
	}
	type file struct {
		name string
		info fs.FileInfo
	}
	var files []file
	names, _ := filepath.Glob(filepath.Join(c.dir, "*"+suffix))
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil {
			files, used = append(files, file{name, info}), used+info.Size()
		}
	}
	if used <= c.limit {
		return used
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.name, b.name))
	})
	for _, f := range files {
		if used <= c.limit-c.limit/10 {
			break
		}
		if os.Remove(f.name) == nil {
			used -= f.info.Size()
		}
	}
	return used
}
