package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLS serves with a certificate and its key from files as PEM. Files that change count
// from the next connection on; as long as they cannot be read, or do not belong together,
// those before do.
func TLS(cert, key string) (*tls.Config, error) {
	p := pair{cert: cert, key: key}
	if _, err := p.read(nil); err != nil {
		return nil, fmt.Errorf("page.tls: %w", err)
	}
	return &tls.Config{GetCertificate: p.read}, nil
}

type pair struct {
	cert, key string

	mu    sync.Mutex
	last  *tls.Certificate
	times [2]time.Time // of the files that last was read from
}

func (p *pair) read(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	times, err := changed(p.cert, p.key)
	if err == nil && (p.last == nil || times != p.times) {
		var c tls.Certificate
		if c, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
			p.last, p.times = &c, times
		}
	}
	if p.last != nil {
		return p.last, nil
	}
	return nil, err
}

// changed are the times at which two files were.
func changed(cert, key string) (times [2]time.Time, err error) {
	for i, name := range []string{cert, key} {
		f, err := os.Stat(name)
		if err != nil {
			return times, err
		}
		times[i] = f.ModTime()
	}
	return times, nil
}
