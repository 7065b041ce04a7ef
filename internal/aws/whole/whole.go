// Package whole sends the requests of the AWS SDK: for internal/aws, and for the tests'
// servers, which call by the SDK too. It stands apart from internal/aws, whose tests use
// those servers.
package whole

import (
	"io"
	"net/http"
)

// Answers sends requests whose bodies can only be read. The SDK closes a
// request's body as soon as an answer begins (smithy-go v1.28.9, ClientHandler), and
// its WriteTo says io.EOF from then on. Where net/http is still looking whether the
// body has ended, as on a busy machine, it takes that for a failure and cuts the
// connection: the answer to a write that was done is lost. A Read after Close is
// an end.
type Answers struct {
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
}

// Do is aws.HTTPClient's.
func (a Answers) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return a.HTTPClient.Do(r)
}
