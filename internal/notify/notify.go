// Package notify tells people what became of a deployment, at an address that takes
// what Slack's incoming webhooks take: Slack's own, Mattermost's, Rocket.Chat's, or a
// relay of somebody's. The controller alone calls it. It never repeats what may have
// arrived, and no error of it holds the address, which is a secret.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

const (
	attempts = 3
	patience = 10 * time.Second // for one answer
	mostWait = 30 * time.Second // that an address may ask for
	mostText = 3000             // bytes; Slack cuts at 40,000 characters, others before
	mostFact = 400              // runes of one fact
)

// Slack is a port.Notifier for one incoming webhook.
type Slack struct {
	// URL is asked for before each notice, so that a new one counts at once.
	URL func() (string, error)
	// Transport carries requests; nil is http.DefaultTransport. Wait is port.Sleep
	// unless a test passes time otherwise.
	Transport http.RoundTripper
	Wait      func(context.Context, time.Duration) error
}

// Notify posts a notice. What certainly did not arrive is sent again, a few times.
func (s Slack) Notify(ctx context.Context, n port.Notice) error {
	text, err := s.URL()
	if err != nil {
		return err
	}
	at, err := url.Parse(text)
	if err != nil || at.Host == "" || at.Scheme != "https" && (at.Scheme != "http" || !port.Loopback(at.Hostname())) {
		return errors.New("its url is no https address")
	}
	body, err := json.Marshal(map[string]string{"text": Text(n)})
	if err != nil {
		return err
	}
	wait := s.Wait
	if wait == nil {
		wait = port.Sleep
	}
	for try := 1; ; try++ {
		pause, err := s.post(ctx, at, body)
		if err == nil || pause == 0 || try == attempts {
			return err
		}
		if gone := wait(ctx, min(pause<<(try-1), mostWait)); gone != nil {
			return err
		}
	}
}

// post sends it once; a pause says that it did not arrive, and may be sent again then.
func (s Slack) post(ctx context.Context, at *url.URL, body []byte) (pause time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("its url is no https address")
	}
	r.Header.Set("Content-Type", "application/json")
	c := http.Client{Transport: s.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		var u *url.Error // whose text holds the address
		if errors.As(err, &u) {
			err = u.Err
		}
		if sent.Load() {
			return 0, fmt.Errorf("it did not answer: %w: %w", port.ErrLost, err)
		}
		return time.Second, fmt.Errorf("it cannot be reached: %w", err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10))
	_ = res.Body.Close()
	return judged(res)
}

// judged reads an answer's status. What was refused for its rate, or by who stands in
// front of it, was not taken.
func judged(res *http.Response) (pause time.Duration, err error) {
	err = fmt.Errorf("it answers %d", res.StatusCode)
	switch s := res.StatusCode; {
	case s >= 200 && s < 300:
		return 0, nil
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		if n, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && n > 0 {
			return time.Duration(min(n, int(mostWait/time.Second))) * time.Second, err
		}
		return time.Second, err
	case s >= 500:
		return 0, fmt.Errorf("%w: %w", port.ErrLost, err)
	}
	return 0, err
}

// Text is a notice in Slack's markup. What comes from elsewhere stands in code, where no
// markup, mention or link is read, and "@" is broken for those who read it even there.
// https://docs.slack.dev/messaging/formatting-message-text
func Text(n port.Notice) string {
	var b strings.Builder
	b.WriteString(code(n.Deployment) + ": *" + n.What + "*")
	for _, f := range n.Facts {
		if f.Text == "" {
			continue
		}
		line := "\n" + f.Name + " " + code(f.Text)
		if b.Len()+len(line) > mostText {
			b.WriteString("\n…")
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

func code(text string) string {
	r := []rune(planner.Printable(strings.Join(strings.Fields(text), " ")))
	if len(r) > mostFact {
		r = append(r[:mostFact-1], '…')
	}
	return "`" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "@", "@\u200b").Replace(string(r)) + "`"
}
