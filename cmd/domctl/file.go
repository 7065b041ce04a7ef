package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"domctl.dev/planner"
)

// replaceFile writes a file whole or not at all, beside what it replaces; a link
// stays one. Its error names the file.
func replaceFile(name string, text []byte, mode fs.FileMode) error {
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = name, nil
	}
	if err == nil {
		err = replace(target, text, mode)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, without(err))
	}
	return nil
}

// rewriteFile replaces a file that is there, and keeps who may read it.
func rewriteFile(name string, text []byte) error {
	at, err := os.Stat(name)
	if err != nil {
		return err
	}
	return replaceFile(name, text, at.Mode().Perm())
}

// mayReplace refuses to write a plan over what is none: the files that state the
// deployment lie where one may be written. What is no file, or an empty one, holds
// nothing to lose.
func mayReplace(name string) error {
	at, err := os.Stat(name)
	if name == "" || err != nil || !at.Mode().IsRegular() || at.Size() == 0 {
		return nil // what cannot be written is told by who writes
	}
	var p struct {
		Hash, Effect string
		Recorded     *planner.Recorded
	}
	if b, err := readPlan(name); err != nil || json.Unmarshal(b, &p) != nil || p.Hash == "" || p.Effect == "" && p.Recorded == nil {
		return fmt.Errorf("%s is there and is no plan file; choose another name for --out", name)
	}
	return nil
}

func replace(name string, text []byte, mode fs.FileMode) error {
	if at, err := os.Stat(name); err == nil && !at.Mode().IsRegular() { // a pipe, a device: nothing to replace
		return os.WriteFile(name, text, mode)
	}
	in, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer in.Close()
	return replaceInside(in, filepath.Base(name), text, mode)
}

// replaceInside replaces a file below a folder whole or not at all.
func replaceInside(top *os.Root, name string, text []byte, mode fs.FileMode) error {
	beside := path.Join(path.Dir(name), ".domctl-"+rand.Text())
	f, err := top.OpenFile(beside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = top.Rename(beside, name)
	}
	if err != nil {
		_ = top.Remove(beside)
	}
	return err
}

// regular opens a file; a pipe or a device could be read without end, or never be opened.
func regular(name string) (*os.File, error) {
	at, err := os.Stat(name)
	if err == nil && !at.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// readRegular reads a file that is no larger than so many bytes.
func readRegular(name string, most int64) ([]byte, error) {
	f, err := regular(name)
	if err != nil {
		return nil, without(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it holds more than %d MiB", most>>20)
	}
	return text, without(err)
}

// readable says why a file could not be read, and reads nothing of it.
func readable(name string) error {
	f, err := regular(name)
	if err == nil {
		err = f.Close()
	}
	return without(err)
}

// without takes the name of a file that nobody asked for out of an error.
func without(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
