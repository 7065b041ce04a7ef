package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"domctl.dev/internal/aws/whole"
)

// closing is what the SDK does to a body when an answer begins, at the moment when
// net/http looks whether the body has ended.
type closing struct{ body, end string }

func (c *closing) Do(r *http.Request) (*http.Response, error) {
	all := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, all); err != nil {
		return nil, err
	}
	c.body = string(all)
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		c.end = err.Error()
	}
	return nil, errors.New("that was all")
}

// TestABodyEnds: what the SDK sends ends without an error after the SDK closed it.
func TestABodyEnds(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c, err := Open(t.Context(), Config{Region: "us-west-2", Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	seen := &closing{}
	sends, ok := c.sdk.HTTPClient.(whole.Answers)
	if !ok {
		t.Fatalf("requests go through %T", c.sdk.HTTPClient)
	}
	sends.HTTPClient = seen
	sdk := c.sdk
	sdk.HTTPClient = sends
	_, err = ec2.NewFromConfig(sdk).DescribeRegions(context.Background(), &ec2.DescribeRegionsInput{})
	if err == nil || seen.body == "" || seen.end != "" {
		t.Errorf("sent %q, ended with %q, answered %v", seen.body, seen.end, err)
	}
}
