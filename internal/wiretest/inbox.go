//go:build linux

package wiretest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// Inbox is an address that keeps what webhooks post to it.
type Inbox struct {
	URL string

	posts chan Post
}

// Post is one delivery of a webhook.
type Post struct {
	Header http.Header
	Body   []byte
}

// NewInbox opens one, until the test ends.
func NewInbox(t testing.TB) *Inbox {
	t.Helper()
	i := &Inbox{posts: make(chan Post, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a delivery is cut off: %v", err)
		}
		i.posts <- Post{r.Header, body}
	}))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Next waits for the next delivery whose header has one of the values, and drops those
// before it.
func (i *Inbox) Next(t testing.TB, header string, values ...string) Post {
	t.Helper()
	late := time.After(startTimeout)
	for {
		select {
		case p := <-i.posts:
			if slices.Contains(values, p.Header.Get(header)) {
				return p
			}
		case <-late:
			t.Fatalf("no delivery with %s: %s within %v", header, values, startTimeout)
		}
	}
}
