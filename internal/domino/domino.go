// Package domino asks Domino's REST API (v4): who the key belongs to, how long an
// execution waited for its images, and what builds revisions of environments.
//
// The key goes to the one address of the configuration. A redirect is not followed,
// an answer is read within bounds, and what Domino writes into an error is not
// repeated: messages are of domctl's own words, so that nothing of the key, and
// nothing that somebody wrote into a title, stands in them.
package domino

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Config is where Domino is, and as whom it is asked.
type Config struct {
	// URL is the address that people open, without a path as a rule:
	// "https://domino.acme.com".
	URL string
	// Key reads an API key, which goes into the header X-Domino-Api-Key; Token reads a
	// token, which goes into Authorization. One of them, asked for once it is needed.
	Key, Token func(context.Context) (string, error)
	// Transport, Wait and Now are those of the system where they are nil.
	Transport http.RoundTripper
	Wait      func(context.Context, time.Duration) error
	Now       func() time.Time
}

// Client asks one Domino. It is safe for concurrent use.
type Client struct {
	base *url.URL
	carrier

	mu     sync.Mutex
	secret string // once it was read
	read   func(context.Context) (string, error)
	speaks dialect  // of hardware tiers, once it answered
	builds sync.Map // of a revision: where the log of its build is
}

var _ port.Domino = (*Client)(nil)

// Open makes a client. It asks nobody, and reads no secret.
func Open(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("deployment.domino.url is no address of Domino; write it as https://domino.acme.com")
	}
	if (c.Key == nil) == (c.Token == nil) {
		return nil, fmt.Errorf("deployment.domino states %s; an administrator's API key is on their account page in Domino", schema.NotOne("apiKey", c.Key != nil, "token", c.Token != nil))
	}
	out := &Client{base: base, carrier: newCarrier(c), read: c.Key}
	if c.Token != nil {
		out.read = c.Token
	}
	return out, nil
}

// key is read once, and again after a failure.
func (c *Client) key(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secret != "" {
		return c.secret, nil
	}
	text, err := c.read(ctx)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the API key of deployment.domino is empty, or holds what no key does")
	}
	c.secret = text
	return text, nil
}

// DominoUser is the name of whose key it is (GET /v4/users/self).
func (c *Client) DominoUser(ctx context.Context) (string, error) {
	var self struct {
		UserName string `json:"userName"`
	}
	if err := c.get(ctx, "/v4/users/self", &self); err != nil {
		return "", err
	}
	if self.UserName == "" {
		return "", c.failed("/v4/users/self", errForeign)
	}
	return self.UserName, nil
}

// idForm is that of Domino's ids, so that none leads elsewhere in a path.
var idForm = regexp.MustCompile(`^[0-9a-f]{24}$`)

// longest is more than a pull can take, and less than a Duration can hold.
const longest = 30 * 24 * time.Hour

// PullTime is the time of the checkpoint ImagesPulled
// (GET /v4/jobs/{id}/executionCheckpointStatuses). Of several, the longest counts.
func (c *Client) PullTime(ctx context.Context, execution string) (took time.Duration, told bool, err error) {
	if !idForm.MatchString(execution) {
		return 0, false, fmt.Errorf("job %q: %w", execution, port.ErrNotFound)
	}
	path := "/v4/jobs/" + execution + "/executionCheckpointStatuses"
	var checkpoints []struct {
		CheckpointName  string `json:"checkpointName"`
		Status          string `json:"status"`
		TimeSpentMillis *int64 `json:"timeSpentMillis"`
	}
	if err := c.get(ctx, path, &checkpoints); err != nil {
		return 0, false, err
	}
	if checkpoints == nil {
		return 0, false, c.failed(path, errForeign)
	}
	for _, p := range checkpoints {
		if p.CheckpointName == "" {
			return 0, false, c.failed(path, errForeign)
		}
		if p.CheckpointName != "ImagesPulled" || p.Status != "Completed" || p.TimeSpentMillis == nil {
			continue
		}
		if *p.TimeSpentMillis < 0 || *p.TimeSpentMillis > longest.Milliseconds() {
			return 0, false, c.failed(path, fmt.Errorf("%d milliseconds are no time that a pull takes", *p.TimeSpentMillis))
		}
		took, told = max(took, time.Duration(*p.TimeSpentMillis)*time.Millisecond), true
	}
	return took, told, nil
}

// errForeign is said of an answer that the documents of the API do not know.
var errForeign = errors.New("its answer is not what Domino's API documents; is deployment.domino.url that of Domino itself?")

// get asks for a path and reads what is answered into a value.
func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.ask(ctx, http.MethodGet, path, nil, into)
}

// post writes once, whatever becomes of it. into nil: the answer says nothing more.
func (c *Client) post(ctx context.Context, path string, body, into any) error {
	return c.ask(ctx, http.MethodPost, path, body, into)
}

func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return c.failedTo(method, path, err)
		}
	}
	answer, err := c.answer(ctx, method, path, "application/json", sent)
	if err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.UseNumber() // what goes back stands as it came
	err = dec.Decode(into)
	if _, end := dec.Token(); err != nil || end != io.EOF {
		return c.failedTo(method, path, errForeign)
	}
	return nil
}

// answer is the body of what is answered to one request, of the type that is taken.
func (c *Client) answer(ctx context.Context, method, path, takes string, body []byte) ([]byte, error) {
	key, err := c.key(ctx)
	if err != nil {
		return nil, fmt.Errorf("domino: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, c.failedTo(method, path, err)
	}
	r.Header.Set("Accept", takes)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.send(r, key)
	if err != nil {
		return nil, c.failedTo(method, path, err)
	}
	return answer, nil
}

func (c *Client) failed(path string, err error) error { return c.failedTo(http.MethodGet, path, err) }

func (c *Client) failedTo(method, path string, err error) error {
	return fmt.Errorf("domino: %s %s%s: %w", method, c.base, path, err)
}
