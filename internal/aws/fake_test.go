package aws

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// request is one call as it reached the fake.
type request struct {
	service, action string // as signed; "DescribeImages", or "GET /clusters/…"
	form            url.Values
	body            string
}

// fake answers AWS's HTTP protocols with what a test says.
type fake struct {
	t      *testing.T
	answer func(request) (status int, body string)

	mu   sync.Mutex
	got  []request
	seen []Call
}

func startFake(t *testing.T, answer func(request) (status int, body string)) *fake {
	t.Helper()
	f := &fake{t: t, answer: answer}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	environment(t, server.URL)
	return f
}

// environment keeps the tests away from whatever AWS the machine knows.
func environment(t *testing.T, endpoint string) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_REGION": "us-west-2", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, _ := url.ParseQuery(string(body))
	q := request{service: signedFor(r), action: form.Get("Action"), form: form, body: string(body)}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, q.action, _ = strings.Cut(target, ".")
	}
	if q.action == "" {
		q.action = r.Method + " " + r.URL.RequestURI()
	}
	f.mu.Lock()
	f.got = append(f.got, q)
	f.mu.Unlock()
	status, text := f.answer(q)
	if strings.HasPrefix(text, "{") {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// signedFor is the service in the credential scope of the signature.
func signedFor(r *http.Request) string {
	if parts := strings.Split(r.Header.Get("Authorization"), "/"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// open gives a client that hurries, and records its calls.
func (f *fake) open(cfg Config) *Client {
	f.t.Helper()
	cfg.Backoff = time.Millisecond
	cfg.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	cfg.Observe = func(c Call) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.seen = append(f.seen, c)
	}
	c, err := Open(f.t.Context(), cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fake) requests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]request{}, f.got...)
}

func (f *fake) calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call{}, f.seen...)
}

// refusal is an error in the protocol of the service.
func refusal(q request, code, text string) string {
	switch q.service {
	case "ec2":
		return fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`, code, text)
	case "eks", "ssm", "kms", "secretsmanager", "ecr":
		return fmt.Sprintf(`{"__type":"%s","message":"%s"}`, code, text)
	case "s3":
		return fmt.Sprintf(`<Error><Code>%s</Code><Message>%s</Message></Error>`, code, text)
	}
	return fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code, text)
}

// result is a query service's answer.
func result(q request, inner string) string {
	if q.service == "ec2" {
		return fmt.Sprintf(`<%[1]sResponse>%[2]s</%[1]sResponse>`, q.action, inner)
	}
	return fmt.Sprintf(`<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, q.action, inner)
}
