package gitops

import (
	"errors"
	"os"
	"sync"
	"time"
)

// shelf keeps the files of commits that several read, each once: those that somebody
// reads, and those that were taken last, for whoever comes next. Nobody may change them.
type shelf struct {
	mu    sync.Mutex
	trees map[string]*shelved
	last  string
}

type shelved struct {
	Tree
	readers int
	written time.Time
}

// fresh is how long after it was written whoever comes may still read a tree: one that
// has stood for days may lack what somebody tidied up, which would read as not stated.
const fresh = 10 * time.Minute

// take gives the tree of a key, which write writes into a new folder in room where it is
// not there. It is called by one at a time. Whoever took it calls back.
func (s *shelf) take(now time.Time, key, room string, write func(dir string) (Tree, error)) (t Tree, back func(), err error) {
	s.mu.Lock()
	one := s.trees[key]
	if one != nil && now.Sub(one.written) > fresh {
		delete(s.trees, key)
		s.drop(one)
		one = nil
	}
	if one != nil {
		one.readers++
		s.last = key
	}
	s.mu.Unlock()
	if one == nil {
		if one, err = s.put(now, key, room, write); err != nil {
			return t, func() {}, err
		}
	}
	return one.Tree, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		one.readers--
		if s.trees[key] != one {
			s.drop(one)
		}
		s.clear()
	}), nil
}

func (s *shelf) put(now time.Time, key, room string, write func(dir string) (Tree, error)) (*shelved, error) {
	if err := os.MkdirAll(room, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(room, "commit-")
	if err != nil {
		return nil, err
	}
	one := &shelved{readers: 1, written: now}
	if one.Tree, err = write(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trees == nil {
		s.trees = map[string]*shelved{}
	}
	s.trees[key], s.last = one, key
	s.clear()
	return one, nil
}

// clear removes what nobody reads and nobody took last.
func (s *shelf) clear() {
	for key, one := range s.trees {
		if one.readers == 0 && key != s.last {
			delete(s.trees, key)
			s.drop(one)
		}
	}
}

// drop removes a tree, unless somebody reads it: then the last of them does.
func (s *shelf) drop(one *shelved) {
	if one.readers == 0 {
		_ = os.RemoveAll(one.Dir) // the next start does
	}
}
