package compiler

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
)

// question is what a compile asked of the tree: a file's content, what a folder
// lists, whether there is something at a path. Questions that found nothing
// count: a file that appears there changes the answer.
type question struct {
	what byte
	name string
}

const (
	askFile    = 'f'
	askFolder  = 'd'
	askKind    = 'k'
	askBeneath = 'b' // the user's file where domctl's own stands
	askBelow   = 's' // what lies below a deployment's folder and is not read
)

// answer is a digest of what the tree said; zero is "nothing there".
type answer [16]byte

func digestOf(text []byte) (a answer) {
	sum := sha256.Sum256(text)
	copy(a[:], sum[:])
	return a
}

// note keeps the answer to a question. A refusal is an answer too; a failing
// disk is none.
func (t *tree) note(q question, a answer, err error) {
	switch {
	case errors.Is(err, errRefused):
		a = digestOf([]byte("refused"))
	case isMissing(err):
		a = answer{}
	case err != nil:
		t.mu.Lock()
		t.failure = errors.Join(t.failure, err)
		t.mu.Unlock()
		return
	}
	t.mu.Lock()
	t.asked[q] = a
	t.mu.Unlock()
}

func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}

// same asks every question again and says whether all the answers are as they
// were.
func (t *tree) same(asked []question, answers []answer) bool {
	const sides = 4 // reading waits as often as it works
	var wait sync.WaitGroup
	var changed atomic.Bool
	for side := range sides {
		wait.Go(func() {
			var room bytes.Buffer
			for i := side; i < len(asked) && !changed.Load(); i += sides {
				if t.ask(asked[i], &room) != answers[i] {
					changed.Store(true)
				}
			}
		})
	}
	wait.Wait()
	return !changed.Load() && t.failure == nil
}

// ask asks once more; a file's text only passes through room.
func (t *tree) ask(q question, room *bytes.Buffer) answer {
	switch q.what {
	case askFile:
		err := t.readInto(room, q.name)
		t.note(q, digestOf(room.Bytes()), err)
	case askFolder:
		_, _ = t.ReadDir(q.name)
	case askKind:
		_, _ = t.Stat(q.name)
	case askBeneath:
		_, _ = t.beneath(q.name)
	case askBelow:
		t.below()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked[q]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
