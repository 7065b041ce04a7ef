package domino

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"domctl.dev/internal/port"
)

const (
	mostAnswer = 8 << 20          // bytes of one answer
	mostPage   = 512 << 20        // bytes of a page, of which the last mostAnswer are kept
	attempts   = 4                // of one request
	patience   = 15 * time.Second // for one answer, its last byte included
	mostWait   = 20 * time.Second // that Domino may ask for at once
	beside     = 8                // connections that are kept
)

// carrier sends the requests of a client.
type carrier struct {
	client *http.Client
	header string // that the key goes into
	scheme string // that stands before it
	wait   func(context.Context, time.Duration) error
	now    func() time.Time
}

func newCarrier(c Config) carrier {
	t := carrier{header: "X-Domino-Api-Key", wait: c.Wait, now: c.Now}
	if c.Token != nil {
		t.header, t.scheme = "Authorization", "Bearer "
	}
	if t.wait == nil {
		t.wait = port.Sleep
	}
	if t.now == nil {
		t.now = time.Now
	}
	next := c.Transport
	if own, ok := http.DefaultTransport.(*http.Transport); ok && next == nil {
		own = own.Clone()
		own.MaxIdleConnsPerHost = beside
		next = own
	}
	t.client = &http.Client{Transport: next, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return t
}

// send answers the body of a good answer. What reads may be repeated: after a
// connection that failed, and when Domino asks for it. What writes is sent again only
// where Domino refused it for being one too many.
func (c carrier) send(r *http.Request, key string) ([]byte, error) {
	r.Header.Set(c.header, c.scheme+key)
	for n := 1; ; n++ {
		res, body, err := c.once(r)
		pause, again := c.pause(res, err, n)
		if r.Method != http.MethodGet && (err != nil || res.StatusCode != http.StatusTooManyRequests) {
			again = false // it may have been done
		}
		switch {
		case r.Context().Err() != nil:
			return nil, lost(r.Context().Err())
		case !again && err != nil:
			return nil, err
		case !again:
			return body, judge(res)
		case n == attempts || pause > mostWait:
			return nil, gaveUp(res, err)
		}
		if err := c.wait(r.Context(), pause); err != nil {
			return nil, lost(err)
		}
	}
}

// once sends a request and reads its answer as a whole, within bounds.
func (c carrier) once(r *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if r.GetBody != nil { // a former attempt read it
		r.Body, _ = r.GetBody()
	}
	res, err := c.client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, nil, lost(err)
	}
	defer res.Body.Close()
	if r.Header.Get("Accept") == page {
		body, err := last(io.LimitReader(res.Body, mostPage), mostAnswer)
		if err != nil {
			return nil, nil, lost(err)
		}
		return res, body, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, nil, lost(err)
	case len(body) > mostAnswer:
		return nil, nil, errEndless
	}
	return res, body, nil
}

// last is what a text ends with, of at most so many bytes.
func last(r io.Reader, most int) (kept []byte, err error) {
	part := make([]byte, 64<<10)
	for {
		n, err := r.Read(part)
		if kept = append(kept, part[:n]...); len(kept) > 2*most {
			kept = append(kept[:0], kept[len(kept)-most:]...)
		}
		if err == io.EOF {
			return kept[max(len(kept)-most, 0):], nil
		} else if err != nil {
			return nil, err
		}
	}
}

// errEndless is said of an answer that nobody can mean to send.
var errEndless = fmt.Errorf("its answer is larger than %d MiB", mostAnswer>>20)

// lost says what became of a request without an answer.
func lost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer in time: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("it cannot be reached: %w", err)
}

// pause is how long to wait before the request is sent again; not again: the answer
// stands.
func (c carrier) pause(res *http.Response, err error, n int) (time.Duration, bool) {
	usual := time.Second << (n - 1)
	switch {
	case err != nil:
		return usual, !errors.Is(err, errEndless)
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusServiceUnavailable:
		return c.asked(res.Header, usual), true
	case res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusGatewayTimeout:
		return usual, true
	}
	return 0, false
}

// asked reads for how long Domino wants to be left alone: seconds or a date (RFC
// 9110, 10.2.3).
func (c carrier) asked(h http.Header, usual time.Duration) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseUint(text, 10, 63); err == nil {
		return time.Duration(min(s, 24*60*60)) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return 24 * time.Hour
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(c.now()), 0)
	}
	return usual
}

// gaveUp is the error of a request that was repeated in vain.
func gaveUp(res *http.Response, err error) error {
	if err == nil && res.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: it limits how often it is asked (429); run again later", port.ErrThrottled)
	}
	if err == nil {
		err = judge(res)
	}
	return err
}

// judge makes an error of an answer that is none.
func judge(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusOK, res.Request != nil && res.Request.Method != http.MethodGet && (code == http.StatusCreated || code == http.StatusNoContent):
		return nil
	case code == http.StatusNoContent && res.Request != nil && res.Request.Header.Get("Accept") == page:
		return nil
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: Domino does not take what was sent (%d)", port.ErrInvalid, code)
	case code == http.StatusConflict:
		return fmt.Errorf("%w: it answers 409, something else is going on there", port.ErrState)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%w: it does not accept the key of deployment.domino (401); make a new one on the account page in Domino", port.ErrDenied)
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: whose key it is may not see this (403); use the key of a Domino administrator", port.ErrDenied)
	case code == http.StatusNotFound:
		return fmt.Errorf("it answers 404: %w", port.ErrNotFound)
	case code >= 300 && code < 400:
		to := "elsewhere"
		if at, err := res.Location(); err == nil {
			to = fmt.Sprintf("to %q", at.Scheme+"://"+at.Host)
		}
		return fmt.Errorf("it sends on %s (%d), and the key goes nowhere else: state that address as deployment.domino.url if it is Domino; if it is a page to log in, the key was not accepted", to, code)
	default:
		return fmt.Errorf("it answers %d", code)
	}
}
