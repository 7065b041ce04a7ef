package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

const (
	mostAnswer  = 128 << 20        // bytes of one answer: Gitea sends all comments of a conversation at once
	mostListing = 256 << 20        // bytes of all pages of one list
	mostPages   = 5000             // of one list
	attempts    = 4                // of one request
	mostWait    = time.Minute      // that a forge may ask for at once
	patience    = 30 * time.Second // for one answer, its last byte included
	wholeOfWait = 2 * time.Minute  // that one request waits in all
)

// errEndless is said of an answer that nobody can mean to send.
var errEndless = fmt.Errorf("its answer is larger than %d MiB", mostAnswer>>20)

// carrier sends every request of an adapter.
type carrier struct {
	next   http.RoundTripper
	token  func() (string, error)
	kind   Kind
	host   string
	scheme string
	wait   func(context.Context, time.Duration) error
	now    func() time.Time
}

func newCarrier(c Config, at *url.URL) *http.Client {
	t := &carrier{c.Transport, c.Token, c.Kind, at.Host, at.Scheme, c.Wait, c.Now}
	if t.next == nil {
		t.next = http.DefaultTransport
	}
	if t.wait == nil {
		t.wait = port.Sleep
	}
	if t.now == nil {
		t.now = time.Now
	}
	return &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 || r.Method != http.MethodGet {
			return http.ErrUseLastResponse
		}
		return nil // the carrier refuses other hosts
	}}
}

// refusal is an answer that is none.
type refusal struct {
	status  int
	message string
	kind    error // of port; nil where none fits
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("it answers %d", r.status)
	if r.message != "" {
		text += ": " + r.message
	}
	return text
}

func (r *refusal) Unwrap() error { return r.kind }

// RoundTrip answers what the last attempt did: an answer that was read as a whole and
// is good, or an error.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != c.host || r.URL.Scheme != c.scheme {
		return nil, fmt.Errorf("it sends on to %s://%s, which is not asked: the token is for %s://%s", r.URL.Scheme, r.URL.Host, c.scheme, c.host)
	}
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	waited := time.Duration(0)
	for n := 1; ; n++ {
		began := c.now()
		res, err := c.once(r, token)
		c.heard(r, res, err, began)
		pause, again := c.pause(r, res, err, n)
		if err == nil && !again {
			err = c.judge(res, token)
		}
		if err != nil && !again {
			return nil, err
		}
		if !again {
			return res, nil
		}
		if waited += pause; n == attempts || pause > mostWait || waited > wholeOfWait {
			return nil, c.gaveUp(res, err, token, pause)
		}
		if err := c.wait(r.Context(), pause); err != nil {
			return nil, err
		}
	}
}

// heard tells of an attempt, and how many more the forge allows.
func (c *carrier) heard(r *http.Request, res *http.Response, err error, began time.Time) {
	call := port.Call{System: "forge", Operation: r.Method, Took: c.now().Sub(began), Failed: err != nil}
	if err == nil {
		call.Failed = res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized
		for _, name := range []string{"X-Ratelimit-Remaining", "Ratelimit-Remaining"} {
			if n, bad := strconv.ParseInt(res.Header.Get(name), 10, 64); bad == nil {
				call.Left, call.Host = &n, c.host
			}
		}
	}
	port.Heard(r.Context(), call)
}

// gaveUp is the error of a request that was repeated in vain.
func (c *carrier) gaveUp(res *http.Response, err error, token string, pause time.Duration) error {
	if err != nil {
		return err
	}
	if res.StatusCode >= 500 {
		return c.judge(res, token)
	}
	if pause < time.Second {
		return fmt.Errorf("%w: it limits how often it is asked; run again later", port.ErrThrottled)
	}
	return &port.Throttle{After: pause}
}

// once sends a request and reads its answer as a whole, within bounds.
func (c *carrier) once(r *http.Request, token string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	r = r.Clone(ctx)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	c.sign(r, token)
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, c.lost(r, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, c.lost(r, err)
	case len(body) > mostAnswer:
		return nil, errEndless
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// lost says what became of a request without an answer. The client's own text may
// hold the address with all that is in it.
func (c *carrier) lost(r *http.Request, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer in time: %w", context.DeadlineExceeded)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%s cannot be reached: %w", r.URL.Host, err)
}

// sign adds the token, as each forge reads it.
func (c *carrier) sign(r *http.Request, token string) {
	r.Header.Del("Private-Token")
	switch user, password, pair := strings.Cut(token, ":"); {
	case c.kind == Bitbucket && pair:
		r.SetBasicAuth(user, password)
	case c.kind == Gitea:
		r.Header.Set("Authorization", "token "+token)
	case c.kind == GitLab:
		r.Header.Set("Private-Token", token)
		r.Header.Del("Authorization")
	default:
		r.Header.Set("Authorization", "Bearer "+token)
	}
}

// pause is how long to wait before the request is sent again; not again: the answer
// stands. What was refused for its rate was not done and may be repeated; of all else
// only what reads.
func (c *carrier) pause(r *http.Request, res *http.Response, err error, n int) (time.Duration, bool) {
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return 0, false
	}
	usual := time.Second << (n - 1)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.Context().Err() != nil:
		return 0, false
	case err != nil:
		return usual, reads && n < attempts && !errors.Is(err, errEndless)
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusForbidden && limited(res.Header):
		return c.asked(res.Header, usual), true
	case reads && (res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusGatewayTimeout):
		return min(c.asked(res.Header, usual), mostWait), true
	}
	return 0, false
}

// limited says that a 403 is about rates, not rights.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func limited(h http.Header) bool {
	return h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0"
}

// asked reads for how long the forge wants to be left alone: seconds or a date
// (RFC 9110, 10.2.3), or the moment at which its window ends.
func (c *carrier) asked(h http.Header, usual time.Duration) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseInt(text, 10, 64); err == nil && s >= 0 {
		return time.Duration(min(s, int64(24*time.Hour/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(c.now()), 0)
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if s, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil && s > 0 {
			return max(time.Unix(s, 0).Sub(c.now()), usual)
		}
	}
	return usual
}

// judge makes an error of an answer that is none.
func (c *carrier) judge(res *http.Response, token string) error {
	if res.StatusCode < 300 || res.StatusCode < 400 && res.Header.Get("Location") != "" && res.Request.Method == http.MethodGet {
		return nil
	}
	body, _ := io.ReadAll(res.Body)
	r := &refusal{status: res.StatusCode, message: told(body, token)}
	switch res.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		r.kind = port.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		r.kind = port.ErrDenied
	}
	return r
}

// told is what a refusal says of itself, in one short line without the token.
func told(body []byte, token string) string {
	var said struct {
		Message json.RawMessage
		Error   json.RawMessage
	}
	text := ""
	if json.Unmarshal(body, &said) == nil {
		for _, raw := range []json.RawMessage{said.Message, said.Error} {
			var inner struct{ Message string }
			switch {
			case len(raw) == 0 || text != "":
			case json.Unmarshal(raw, &text) == nil:
			case json.Unmarshal(raw, &inner) == nil && inner.Message != "":
				text = inner.Message
			default:
				text = string(raw)
			}
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	_, password, _ := strings.Cut(token, ":")
	for _, secret := range []string{token, password} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if r := []rune(planner.Printable(text)); len(r) > 200 {
		text = string(r[:199]) + "…"
	} else {
		text = string(r)
	}
	return text
}
