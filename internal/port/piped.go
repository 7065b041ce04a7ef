package port

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Piped gives deadlines to a stream that has none, as those of SSH and Kubernetes. When
// either end is closed, so is the other.
func Piped(stream io.ReadWriteCloser) net.Conn {
	near, far := net.Pipe()
	p := &piped{Conn: near}
	var once sync.Once
	end := func(err error) { // the first to end knows why
		once.Do(func() { p.why.Store(&err) })
		_ = far.Close()
		_ = stream.Close()
	}
	go func() { _, err := io.Copy(far, stream); end(err) }()
	go func() { _, err := io.Copy(stream, far); end(err) }()
	return p
}

// piped tells why the stream ended, where that is known.
type piped struct {
	net.Conn
	why atomic.Pointer[error]
}

// Read implements net.Conn.
func (p *piped) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if why := p.why.Load(); err == io.EOF && why != nil && *why != nil {
		return n, *why
	}
	return n, err
}
