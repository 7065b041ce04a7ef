package domino

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/internal/port"
)

const (
	theKey = "0123456789abcdef-the-key"
	job    = "65f000000000000000000001"
	pulled = `[{"checkpointName":"ImagesPulled","status":"Completed","timeSpentMillis":130000}]`
)

func key(context.Context) (string, error) { return theKey + "\n", nil }

// serve opens a client of a server; what it waits for is written down, not waited for.
func serve(t *testing.T, handle http.HandlerFunc) (c *Client, waited *[]time.Duration, asked *atomic.Int64) {
	t.Helper()
	waited, asked = new([]time.Duration), new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	c, err := Open(Config{URL: s.URL + "/", Key: key, Wait: func(_ context.Context, d time.Duration) error {
		*waited = append(*waited, d)
		return nil
	}, Now: func() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return c, waited, asked
}

// TestFaults: each is an error that says what to do and nothing of the key, and none
// is a time.
func TestFaults(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 50 {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20))
		}
	}
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"message": "\u001b[31m%s"}`, r.Header.Get("X-Domino-Api-Key"))
		}
	}
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		kind   error
		text   string
		asked  int64
		waited string
	}{
		"401":         {status(401), port.ErrDenied, "it does not accept the key of deployment.domino (401)", 1, "[]"},
		"403":         {status(403), port.ErrDenied, "use the key of a Domino administrator", 1, "[]"},
		"404":         {status(404), port.ErrNotFound, "it answers 404", 1, "[]"},
		"429":         {status(429, "Retry-After", "7"), port.ErrThrottled, "(429); run again later", 4, "[7s 7s 7s]"},
		"429 date":    {status(429, "Retry-After", "Tue, 31 Mar 2026 12:00:05 GMT"), port.ErrThrottled, "(429)", 4, "[5s 5s 5s]"},
		"429 hour":    {status(429, "Retry-After", "3600"), port.ErrThrottled, "(429)", 1, "[]"},
		"429 endless": {status(429, "Retry-After", "99999999999999999999"), port.ErrThrottled, "(429)", 1, "[]"},
		"429 odd":     {status(429, "Retry-After", "-1"), port.ErrThrottled, "(429)", 4, "[1s 2s 4s]"},
		"503":         {status(503), nil, "it answers 503", 4, "[1s 2s 4s]"},
		"500":         {status(500), nil, "it answers 500", 1, "[]"},
		"no content":  {status(204), nil, "it answers 204", 1, "[]"},
		"broken":      {says(`[{"checkpointName":"ImagesPulled","sta`), nil, "not what Domino's API documents", 1, "[]"},
		"another":     {says(`{"checkpoints": []}`), nil, "not what Domino's API documents", 1, "[]"},
		"null":        {says(`null`), nil, "not what Domino's API documents", 1, "[]"},
		"objects":     {says(`[{"name": "ImagesPulled"}]`), nil, "not what Domino's API documents", 1, "[]"},
		"text":        {says(`[{"checkpointName":"ImagesPulled","status":"Completed","timeSpentMillis":"9"}]`), nil, "not what Domino's API documents", 1, "[]"},
		"negative":    {says(strings.Replace(pulled, "130000", "-1", 1)), nil, "-1 milliseconds are no time", 1, "[]"},
		"overflow":    {says(strings.Replace(pulled, "130000", "9223372036854775807", 1)), nil, "are no time that a pull takes", 1, "[]"},
		"login page":  {says("<!doctype html><title>Log in"), nil, "not what Domino's API documents", 1, "[]"},
		"endless":     {endless, nil, "its answer is larger than 8 MiB", 1, "[]"},
		"cut off":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "it cannot be reached", 4, "[1s 2s 4s]"},
	} {
		t.Run(name, func(t *testing.T) {
			client, waited, asked := serve(t, c.handle)
			took, told, err := client.PullTime(t.Context(), job)
			if err == nil || told || took != 0 || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%s, %v, %v", took, told, err)
			}
			if strings.Contains(err.Error(), theKey) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("it repeats what was answered: %q", err)
			}
			if asked.Load() != c.asked || fmt.Sprint(*waited) != c.waited {
				t.Errorf("asked %d times, waited %v", asked.Load(), *waited)
			}
		})
	}
}

// TestNoKeyGoesElsewhere: a redirect is not followed, whoever it names.
func TestNoKeyGoesElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked, with %v", r.Host, r.Header)
	}))
	defer elsewhere.Close()
	for _, to := range []string{elsewhere.URL + "/v4/jobs?" + theKey, "/login?" + theKey, "//x:y@evil.example/" + theKey} {
		client, _, asked := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, _, err := client.PullTime(t.Context(), job)
		if err == nil || !strings.Contains(err.Error(), "it sends on to \"http") || strings.Contains(err.Error(), theKey) || asked.Load() != 1 {
			t.Errorf("%v, asked %d times", err, asked.Load())
		}
	}
}

// TestRepeated: what Domino asks to repeat is repeated, and then stands.
func TestRepeated(t *testing.T) {
	n := 0
	client, waited, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Method != http.MethodGet || r.URL.Path != "/v4/jobs/"+job+"/executionCheckpointStatuses" || r.Header.Get("X-Domino-Api-Key") != theKey || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		_, _ = io.WriteString(w, `[{"checkpointName":"New","status":"Odd"},{"checkpointName":"ImagesPulled","status":"Completed","timeSpentMillis":1},`+pulled[1:])
	})
	if took, told, err := client.PullTime(t.Context(), job); err != nil || !told || took != 130*time.Second || fmt.Sprint(*waited) != "[2s 2s]" {
		t.Errorf("%s, %v, %v, waited %v", took, told, err, *waited)
	}
}

// silent is a Domino that takes a request and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestSlow: four attempts of 15 s, and the pauses between; a caller's deadline counts.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := Open(Config{URL: "https://domino.acme.example", Token: key, Transport: silent{}})
		if err != nil {
			t.Fatal(err)
		}
		for limit, want := range map[time.Duration]time.Duration{time.Hour: 4*patience + 7*time.Second, 20 * time.Second: 20 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			began := time.Now()
			_, err := client.DominoUser(ctx)
			cancel()
			if took := time.Since(began); took != want || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it did not answer in time") {
				t.Errorf("after %s: %v, want it after %s", took, err, want)
			}
		}
	})
}

// TestDown: nobody listens.
func TestDown(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	client, err := Open(Config{URL: s.URL, Key: key, Wait: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DominoUser(t.Context()); err == nil || !strings.Contains(err.Error(), "it cannot be reached") {
		t.Error(err)
	}
}

// TestKey: it is read once, after a failure again, and what is none is not sent.
func TestKey(t *testing.T) {
	client, _, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"userName": "admin"}`) })
	reads, answers := 0, []string{"", "two\nlines", "ключ", "good"}
	client.read = func(context.Context) (string, error) {
		reads++
		if reads == 1 {
			return "", errors.New("secret env:X: the environment has no variable X")
		}
		return answers[reads-2], nil
	}
	for n := range 6 {
		user, err := client.DominoUser(t.Context())
		if good := n >= 4; good != (err == nil && user == "admin") || err != nil && strings.Contains(err.Error(), "two") {
			t.Errorf("%d: %q, %v", n, user, err)
		}
	}
	if reads != 5 || asked.Load() != 2 {
		t.Errorf("read %d times, asked %d times", reads, asked.Load())
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []Config{{}, {URL: "domino.acme.com", Key: key}, {URL: "ftp://x", Key: key}, {URL: "https://u:p@x", Key: key}, {URL: "https://x?a", Key: key},
		{URL: "https://x"}, {URL: "https://x", Key: key, Token: key}} {
		if _, err := Open(c); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", c.URL, err)
		}
	}
}

// FuzzPullTime: whatever is answered, a time is one that the answer holds, or an error.
func FuzzPullTime(f *testing.F) {
	f.Add([]byte(pulled))
	f.Add([]byte(`[{"checkpointName":"ImagesPulled","status":"Completed","timeSpentMillis":null}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client, err := Open(Config{URL: "https://x", Key: key, Transport: answer(body)})
		if err != nil {
			t.Fatal(err)
		}
		took, told, err := client.PullTime(t.Context(), job)
		if took < 0 || took > longest || told && err != nil || !told && took != 0 {
			t.Errorf("%s, %v, %v", took, told, err)
		}
	})
}

type answer []byte

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a)), Request: r}, nil
}
