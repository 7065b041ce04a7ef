//go:build linux

package wiretest

import (
	"sync"
	"testing"
)

// shared is a server that lives as long as the test process. It starts at its
// first use and is never stopped: the kernel ends it with this process.
type shared struct {
	once   sync.Once
	server *Server
	err    error
}

// The servers of this test process. A start takes a second or two, so tests
// share them and keep to a database or an account of their own.
var sharedMongo, sharedAWS shared

func (s *shared) get(t testing.TB, make func() (program, error)) *Server {
	t.Helper()
	s.once.Do(func() {
		p, err := make()
		if err == nil {
			s.server, err = run(p)
		}
		s.err = err
	})
	check(t, s.err)
	showLog(t, s.server)
	return s.server
}
