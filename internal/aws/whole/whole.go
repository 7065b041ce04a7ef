package aws

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// wholeAnswers sends requests whose bodies can only be read. The SDK closes a
// request's body as soon as an answer begins (smithy-go v1.28.9, ClientHandler), and
// its WriteTo says io.EOF from then on. Where net/http is still looking whether the
// body has ended, as on a busy machine, it takes that for a failure and cuts the
// connection: the answer to a write that was done is lost. A Read after Close is
// an end.
type wholeAnswers struct{ aws.HTTPClient }

func (w wholeAnswers) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return w.HTTPClient.Do(r)
}
