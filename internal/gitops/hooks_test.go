package gitops_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
)

func hooks(looked *[]string) http.Handler { return loggedHooks(looked, io.Discard, time.Now) }

func loggedHooks(looked *[]string, log io.Writer, now func() time.Time) http.Handler {
	return gitops.Hooks{
		Log: slog.New(slog.NewTextHandler(log, nil)), Now: now,
		Takes: func(repository string) bool { return repository == "domino" },
		Parse: func(_ string, h map[string][]string, body []byte) ([]port.Hook, error) {
			if http.Header(h).Get("Signature") != "good" {
				return nil, errors.New("the secret is \x1b")
			}
			return []port.Hook{{Repo: "acme/domino", Branch: string(body)}, {Repo: "acme/domino"}, {Repo: "Acme/Domino", Branch: "same"}, {Repo: "acme/other", Branch: "main"}}, nil
		},
		Named: func(string) string { return "acme/domino" },
		Look:  func(repository, branch string) { *looked = append(*looked, repository+" "+branch) },
	}.Handler()
}

// TestHooks: a signed delivery is a hint about its own repository, and whatever else
// comes is told nothing but a number.
func TestHooks(t *testing.T) {
	for _, c := range []struct {
		method, path, signature, body string
		want                          int
		looked                        string
	}{
		{"POST", "/hooks/domino", "good", "main", 202, "domino main,domino ,domino same"},
		{"POST", "/hooks/domino", "forged", "main", 401, ""},
		{"POST", "/hooks/domino", "", "main", 401, ""},
		{"POST", "/hooks/other", "good", "main", 404, ""},
		{"POST", "/hooks/", "good", "main", 404, ""},
		{"POST", "/hooks/domino/more", "good", "main", 404, ""},
		{"GET", "/hooks/domino", "good", "", 405, ""},
		{"POST", "/hooks/domino", "good", strings.Repeat("x", gitops.MostHook+1), 413, ""},
	} {
		var looked []string
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Signature", c.signature)
		w := httptest.NewRecorder()
		hooks(&looked).ServeHTTP(w, r)
		if w.Code != c.want || strings.Join(looked, ",") != c.looked || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s %s %q: %d %q, looked at %s", c.method, c.path, c.signature, w.Code, w.Body, looked)
		}
	}
}

// TestHooksAreLogged: why nothing comes of a delivery is said, of a signed one for another
// repository once, of those that are refused once a minute.
func TestHooksAreLogged(t *testing.T) {
	var looked []string
	var log bytes.Buffer
	now := time.Unix(1800000000, 0)
	h := loggedHooks(&looked, &log, func() time.Time { return now })
	for _, c := range []struct {
		signature, want string
		after           time.Duration
	}{
		{"good", `msg="a webhook is of another repository, and ignored" repository=domino of=acme/other do="if it is the same, state its name as repositories.domino.name, which is acme/domino; else correct the webhook's address"`, 0},
		{"good", "", time.Hour},
		{"bad", `msg="a webhook is refused" repository=domino error="the secret is \\u001b"`, 0},
		{"bad", "", 59 * time.Second},
		{"bad", `msg="a webhook is refused"`, time.Second},
	} {
		now = now.Add(c.after)
		r := httptest.NewRequest("POST", "/hooks/domino", strings.NewReader("main"))
		r.Header.Set("Signature", c.signature)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got := log.String(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
		log.Reset()
	}
}

// TestLargeDeliveries are not read to their end: 50 MiB cost one.
func TestLargeDeliveries(t *testing.T) {
	read := 0
	body := io.TeeReader(io.LimitReader(zeros{}, 50<<20), counter{&read})
	w := httptest.NewRecorder()
	hooks(new([]string)).ServeHTTP(w, httptest.NewRequest("POST", "/hooks/domino", body))
	if w.Code != 413 || read > 2*gitops.MostHook {
		t.Errorf("%d after %d bytes", w.Code, read)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type counter struct{ n *int }

func (c counter) Write(p []byte) (int, error) { *c.n += len(p); return len(p), nil }

// TestSlowClients are hung up on: those that send a byte now and then, of the header
// or of the body.
func TestSlowClients(t *testing.T) {
	for what, head := range map[string]string{"header": "POST /hooks/domino HTTP/1.1\r\nHost: x\r\nX: ", "body": "POST /hooks/domino HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := gitops.Server(hooks(new([]string)))
			s.ReadHeaderTimeout, s.ReadTimeout = s.ReadHeaderTimeout/50, s.ReadTimeout/50 // 200 ms
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Serve(l) }()
			defer s.Close()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, head); err != nil {
				t.Fatal(err)
			}
			go func() {
				for range 1000 {
					if _, err := c.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			var told bytes.Buffer
			_, err = io.Copy(&told, c)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("it is still waited for after ten seconds")
			}
		})
	}
}
