// Package kube reads secrets of a Kubernetes cluster, for references to them, keeps Leases
// there, by which controllers agree on who acts, reads its nodes and pods, cordons the one
// and evicts the other, and forwards connections to pods. It is the only importer of
// client-go, of which it uses the configuration and the transport: a few calls need no
// typed client, which is half as much memory again. No error of it holds anything of a
// secret.
package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxBody bounds what is read of an answer, in bytes: a secret holds at most
// 1 MiB, in base64 and with what was last applied beside it.
// https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size
const maxBody = 8 << 20

// Config says which cluster is meant. The zero value is the only context of the
// kubeconfig, else the cluster of the pod that this runs in.
type Config struct {
	// Context is a name in the kubeconfig. A pod without a kubeconfig reads from
	// its own cluster, whatever stands here.
	Context string
	// Timeout bounds one read, exec plugin included. 0 is 30 seconds.
	Timeout time.Duration
}

// Client is for one cluster. It is for use from several goroutines.
type Client struct {
	timeout  time.Duration
	pageSize int // objects of a list's page
	cluster  func() (cluster, error)
}

// Open neither reads files nor connects; the first Secret does.
func Open(c Config) *Client {
	return &Client{
		timeout:  cmp.Or(c.Timeout, 30*time.Second),
		pageSize: pageSize,
		cluster:  sync.OnceValues(func() (cluster, error) { return locate(c.Context) }),
	}
}

// Secret is the value of one key as it stands, named "namespace/name/key".
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
func (c *Client) Secret(ctx context.Context, name string) (string, error) {
	return within(ctx, c, func(ctx context.Context, at cluster) (string, error) { return at.secret(ctx, name) })
}

// within bounds what is asked of the cluster in time.
func within[T any](ctx context.Context, c *Client, ask func(context.Context, cluster) (T, error)) (none T, err error) {
	at, err := c.cluster()
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	// Exec plugins and upgrades know no context: what hangs is left behind.
	go func() {
		value, err := ask(ctx, at)
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		return none, at.unanswered(ctx.Err())
	}
}

func (c cluster) secret(ctx context.Context, ref string) (string, error) {
	namespace, rest, _ := strings.Cut(ref, "/")
	name, key, ok := strings.Cut(rest, "/")
	if !ok {
		return "", errors.New("a key of a Kubernetes secret is named namespace/name/key")
	}
	status, body, err := c.call(ctx, http.MethodGet, nil, "api", "v1", "namespaces", namespace, "secrets", name)
	if err != nil {
		return "", c.unanswered(err)
	}
	if status != http.StatusOK {
		return "", c.refusal(status, body, namespace, name)
	}
	var secret struct {
		Kind string
		Data map[string][]byte
	}
	if err := json.Unmarshal(body, &secret); err != nil || secret.Kind != "Secret" {
		return "", c.stranger(status) // the decoder's error could show what it read
	}
	value, ok := secret.Data[key]
	switch {
	case !ok:
		return "", fmt.Errorf("the secret at %s has no such key; %s lists its keys", c.where, c.kubectl("-n", namespace, "describe secret", name))
	case !utf8.Valid(value):
		return "", fmt.Errorf("the value at %s is not text in UTF-8; store text under this key, or name another", c.where)
	}
	return string(value), nil
}

// message is what is sent to the API server.
type message struct {
	method string
	query  url.Values
	kind   string // of body; "" is JSON
	body   []byte
	most   int64 // bytes of an answer that are read; 0 is maxBody
}

// call answers the status and the body, which may be that of an error.
func (c cluster) call(ctx context.Context, method string, send []byte, path ...string) (int, []byte, error) {
	return c.send(ctx, message{method: method, body: send}, path...)
}

func (c cluster) send(ctx context.Context, m message, path ...string) (int, []byte, error) {
	at := c.base.JoinPath(path...)
	at.RawQuery = m.query.Encode()
	req, err := http.NewRequestWithContext(ctx, m.method, at.String(), bytes.NewReader(m.body))
	if err != nil {
		return 0, nil, err
	}
	if len(m.body) > 0 {
		req.Header.Set("Content-Type", cmp.Or(m.kind, "application/json"))
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, cmp.Or(m.most, maxBody)))
	return res.StatusCode, body, err
}

// unanswered explains why nothing came back.
func (c cluster) unanswered(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	switch text := strings.Join(strings.Fields(err.Error()), " "); {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer in time (%w); check the way to it (VPN, security groups) and its credential plugin: %s", c.where, err, c.kubectl("get --raw /readyz"))
	case strings.HasPrefix(text, "getting credentials: "): // client-go has no type for it
		return fmt.Errorf("%s: %s; mend what the kubeconfig runs for credentials, until %s works", c.where, text, c.kubectl("auth whoami"))
	default:
		return fmt.Errorf("%s cannot be reached: %s; check the way to it (VPN, security groups, proxy) and its certificate: %s", c.where, text, c.kubectl("get --raw /readyz"))
	}
}

// refusal explains the API server's own answer, a Status that names the user and
// the object and holds nothing of it.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
func (c cluster) refusal(status int, body []byte, namespace, name string) error {
	says := c.says(body)
	if says.Kind != "Status" {
		return c.stranger(status)
	}
	switch {
	case status == http.StatusUnauthorized:
		return c.unauthorized()
	case status == http.StatusForbidden:
		return fmt.Errorf("%s refuses to show it: %s; have that user allowed to get this secret: domctl doctor --policies prints the role", c.where, says.Message)
	case status == http.StatusNotFound && says.Details.Kind == "secrets":
		return fmt.Errorf("%s has no secret %s in namespace %s; %s lists what there is", c.where, name, namespace, c.kubectl("-n", namespace, "get secrets"))
	}
	return c.unwell(status, says.Message)
}

// said is what an API server tells of a call that failed; of something else's answer it
// is empty.
type said struct {
	Kind, Message string
	Details       struct {
		Kind   string
		Causes []struct{ Reason, Message string }
	}
}

func (c cluster) says(body []byte) (s said) {
	if json.Unmarshal(body, &s) != nil {
		return said{}
	}
	return s
}

func (c cluster) unauthorized() error {
	return fmt.Errorf("%s does not accept these credentials; log in anew (on EKS, say, aws sso login) until %s works", c.where, c.kubectl("auth whoami"))
}

func (c cluster) unwell(status int, message string) error {
	return fmt.Errorf("%s answered %d: %s; run again once it is well: %s", c.where, status, message, c.kubectl("get --raw /readyz"))
}

// stranger is what answers and does not speak as an API server does.
func (c cluster) stranger(status int) error {
	return fmt.Errorf("%s answered %d with what no Kubernetes API server says; check the server that the kubeconfig names, and proxies on the way", c.where, status)
}
