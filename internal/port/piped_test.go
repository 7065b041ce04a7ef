package port

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// broken ends with a reason.
type broken struct {
	net.Conn
	why error
}

func (b broken) Read([]byte) (int, error) { return 0, b.why }

// TestPiped: a stream gets deadlines, ends with either end, and tells why it ended.
func TestPiped(t *testing.T) {
	far, stream := net.Pipe()
	c := Piped(stream)
	go func() { _, _ = io.Copy(far, far); _ = far.Close() }()
	got := make([]byte, 4)
	if _, err := io.WriteString(c, "text"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "text" {
		t.Errorf("%q %v", got, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	_ = c.SetReadDeadline(time.Time{})
	_ = far.Close()
	if _, err := c.Read(got); err != io.EOF {
		t.Errorf("the other end went: %v", err)
	}
	why := errors.New("nobody listens there")
	_, near := net.Pipe()
	if _, err := Piped(broken{near, why}).Read(got); !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
}
