package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// limits bound the evaluation of files, which happens in a process of its own.
type limits struct {
	timeout spanFlag
	memory  bytesFlag
}

func (l *limits) flags(f *pflag.FlagSet) {
	l.timeout, l.memory = spanFlag(compiler.DefaultTimeout), compiler.DefaultMemory
	f.Var(&l.timeout, "eval-timeout", "longest time that evaluating the files may take")
	f.Var(&l.memory, "eval-memory", "most memory that evaluating the files may take")
}

// apply sets the limits, the program that keeps them, and where compiled
// deployments are kept. Without a cache folder nothing is kept.
func (l *limits) apply(src *compiler.Source) {
	src.Timeout, src.Memory = time.Duration(l.timeout), int64(l.memory)
	self, err := os.Executable()
	if err != nil {
		return
	}
	src.Self = self
	cache, err := os.UserCacheDir()
	if err != nil {
		return
	}
	if src.Program, err = compiler.Program(); err == nil {
		src.Cache = filepath.Join(cache, "domctl")
	}
}

// spanFlag is a time that something may take.
type spanFlag time.Duration

func (s spanFlag) String() string { return time.Duration(s).String() }

// Type names the flag's form in help.
func (s spanFlag) Type() string { return "duration" }

// Set reads "30s".
func (s *spanFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("want more than 0, such as 30s")
	}
	*s = spanFlag(d)
	return err
}

// bytesFlag is a size with its unit.
type bytesFlag int64

func (b *bytesFlag) String() string { return schema.CanonicalBytes(int64(*b)) }

// Type names the flag's form in help.
func (b *bytesFlag) Type() string { return "size" }

// Set reads "512MiB".
func (b *bytesFlag) Set(s string) error {
	n, err := schema.ParseBytes(s)
	if err == nil && n <= 0 {
		err = errors.New("want more than 0, such as 512MiB")
	}
	*b = bytesFlag(n)
	return err
}
