package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/notify"
	"domctl.dev/internal/port"
)

// room is a server that takes notices, and answers what it is told to.
type room struct {
	*httptest.Server
	answers []int // of the next deliveries; 200 after that; 0: the connection is cut
	got     []string
}

func newRoom(t *testing.T, answers ...int) *room {
	r := &room{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var said struct{ Text string }
		if err != nil || json.Unmarshal(body, &said) != nil || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("it got %q, %v", body, err)
		}
		r.got = append(r.got, said.Text)
		status := http.StatusOK
		if len(r.answers) > 0 {
			status, r.answers = r.answers[0], r.answers[1:]
		}
		switch status {
		case 0:
			panic(http.ErrAbortHandler)
		case http.StatusFound:
			w.Header().Set("Location", "/elsewhere")
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestNotify(t *testing.T) {
	for _, c := range []struct {
		answers []int
		got     int
		waited  time.Duration
		want    string
		lost    bool
	}{
		{nil, 1, 0, "", false},
		{[]int{429, 200}, 2, 7 * time.Second, "", false},
		{[]int{503, 503, 503}, 3, 3 * time.Second, "it answers 503", false},
		{[]int{500}, 1, 0, "it answers 500", true}, // it may stand there
		{[]int{0}, 1, 0, "it did not answer", true},
		{[]int{404}, 1, 0, "it answers 404", false},
		{[]int{302}, 1, 0, "it answers 302", false}, // nobody else is sent to
	} {
		r := newRoom(t, c.answers...)
		var waited time.Duration
		s := notify.Slack{URL: func() (string, error) { return r.URL + "/sesame", nil },
			Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil }}
		err := s.Notify(t.Context(), port.Notice{Deployment: "prod", What: "applied"})
		if len(r.got) != c.got || waited != c.waited || (err != nil) != (c.want != "") || errors.Is(err, port.ErrLost) != c.lost {
			t.Errorf("%v: sent %d times, waited %s, %v", c.answers, len(r.got), waited, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("%v: %v", c.answers, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	r := newRoom(t)
	r.Close()
	n := 0
	s := notify.Slack{URL: func() (string, error) { return r.URL + "/sesame", nil },
		Wait: func(context.Context, time.Duration) error { n++; return nil }}
	if err := s.Notify(t.Context(), port.Notice{}); err == nil || n != 2 || errors.Is(err, port.ErrLost) || strings.Contains(err.Error(), "sesame") {
		t.Errorf("%v after %d pauses", err, n)
	}
}

func TestAddress(t *testing.T) {
	for _, at := range []string{"", "hooks.acme.example/x", "http://hooks.acme.example/x", "ftp://127.0.0.1/x", "https://%zz"} {
		err := notify.Slack{URL: func() (string, error) { return at, nil }}.Notify(t.Context(), port.Notice{})
		if err == nil || err.Error() != "its url is no https address" {
			t.Errorf("%q: %v", at, err)
		}
	}
}

// TestText: what others wrote is nothing but text.
func TestText(t *testing.T) {
	got := notify.Text(port.Notice{Deployment: "a`*b*<!channel>", What: "applied", Facts: []port.Fact{
		{Name: "why", Text: "x & <https://evil.example|click>\n@here \u202egnp \x1b[31m`"}, {Name: "none"}, {Name: "long", Text: strings.Repeat("ä", 5000)}}})
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || len(got) > 3100 {
		t.Fatalf("%q", got)
	}
	if want := "`a'*b*&lt;!channel&gt;`: *applied*"; lines[0] != want {
		t.Errorf("%q", lines[0])
	}
	for _, bad := range []string{"<", "@here", "@channel", "\x1b", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is in %q", bad, got)
		}
	}
	if strings.Count(lines[1], "`") != 2 {
		t.Errorf("%q", lines[1])
	}
}

func FuzzText(f *testing.F) {
	f.Add("prod", "`<!here>")
	f.Fuzz(func(t *testing.T, name, text string) {
		got := notify.Text(port.Notice{Deployment: name, What: "failed", Facts: []port.Fact{{Name: "why", Text: text}}})
		if strings.ContainsAny(got, "<>") || strings.Count(got, "`")%2 != 0 || strings.Count(got, "`") > 4 || strings.Count(got, "\n") > 1 || len(got) > 8000 {
			t.Errorf("%q", got)
		}
	})
}
