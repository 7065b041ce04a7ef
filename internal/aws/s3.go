package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"domctl.dev/internal/port"
)

// BucketConfig names the bucket of the state store.
type BucketConfig struct {
	Bucket string
	Region string // "" is the client's
	KMSKey string // encrypts objects at rest beside what seals them; "" is the bucket's default
	Owner  string // account that must own the bucket; "" is not checked
}

// Bucket is the objects of one S3 bucket: what state.S3 is made of. A body is
// read whole; state bodies are small.
type Bucket struct {
	c   *Client
	cfg BucketConfig
	s3  *s3.Client
}

// maxObject bounds a body in bytes.
const maxObject = 80 << 20

// Bucket opens the bucket; nothing is asked of it.
func (c *Client) Bucket(cfg BucketConfig) *Bucket {
	client := s3.NewFromConfig(c.sdk, func(o *s3.Options) {
		if cfg.Region != "" {
			o.Region = cfg.Region
		}
		o.UsePathStyle = o.BaseEndpoint != nil // servers that are not AWS seldom have a host name a bucket
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &Bucket{c: c, cfg: cfg, s3: client}
}

func s3Once(o *s3.Options) { o.Retryer = once() }

// GetObject answers the body and its ETag. An absent key is port.ErrNotFound; a
// missing bucket, or a key that may not be listed, is another error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (b *Bucket) GetObject(ctx context.Context, key string) (body []byte, etag string, err error) {
	const name = "s3:GetObject"
	ctx, cancel := context.WithTimeout(ctx, b.c.cfg.Timeout)
	defer cancel() // after the body is read
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: &key, ExpectedBucketOwner: filled(b.cfg.Owner)})
	if err != nil {
		return nil, "", b.explain(ctx, name, key, err)
	}
	defer out.Body.Close()
	body, err = io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if err != nil {
		return nil, "", b.explain(ctx, name, key, err)
	}
	if len(body) > maxObject {
		return nil, "", fmt.Errorf("AWS %s: s3://%s/%s is larger than %d bytes", name, b.cfg.Bucket, key, maxObject)
	}
	return body, str(out.ETag), nil
}

// PutObject writes if the object's ETag is ifMatch, or if there is none for "".
// put is false when that did not hold; an error leaves open whether it was
// written, also S3's 409 for two writes at once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (b *Bucket) PutObject(ctx context.Context, key string, body []byte, ifMatch string) (etag string, put bool, err error) {
	in := &s3.PutObjectInput{Bucket: &b.cfg.Bucket, Key: &key, Body: bytes.NewReader(body), ExpectedBucketOwner: filled(b.cfg.Owner)}
	if in.IfMatch = filled(ifMatch); ifMatch == "" {
		in.IfNoneMatch = new("*")
	}
	if b.cfg.KMSKey != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled = types.ServerSideEncryptionAwsKms, &b.cfg.KMSKey, new(true)
	}
	ctx, cancel := context.WithTimeout(ctx, b.c.cfg.Timeout)
	defer cancel()
	out, err := b.s3.PutObject(ctx, in, s3Once)
	if refused(err, ifMatch != "") {
		return "", false, nil
	}
	if err != nil {
		return "", false, b.explain(ctx, "s3:PutObject", key, err)
	}
	return str(out.ETag), true, nil
}

// refused is S3's answer to a condition that does not hold: 412, or NoSuchKey
// for If-Match on an absent key.
func refused(err error, match bool) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "PreconditionFailed" || match && api.ErrorCode() == "NoSuchKey" || status(err) == http.StatusPreconditionFailed
}

func status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// ListObjects answers all keys that begin with prefix, in the order of their
// UTF-8 bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (b *Bucket) ListObjects(ctx context.Context, prefix string) ([]string, error) {
	const name = "s3:ListObjectsV2"
	return pages(b.c, name, itself, func(token *string) ([]string, *string, error) {
		in := &s3.ListObjectsV2Input{Bucket: &b.cfg.Bucket, Prefix: &prefix, ContinuationToken: token, MaxKeys: b.c.pageSize(1000), ExpectedBucketOwner: filled(b.cfg.Owner)}
		out, err := ask(ctx, b.c, name, b.s3.ListObjectsV2, in)
		if err != nil {
			return nil, nil, err
		}
		if out.IsTruncated != nil && *out.IsTruncated && str(out.NextContinuationToken) == "" {
			return nil, nil, fmt.Errorf("AWS %s: s3://%s/%s: the list is cut off without a token", name, b.cfg.Bucket, prefix)
		}
		var keys []string
		for _, o := range out.Contents {
			keys = append(keys, str(o.Key))
		}
		return keys, out.NextContinuationToken, nil
	})
}

// DeleteObject succeeds for an absent key.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
func (b *Bucket) DeleteObject(ctx context.Context, key string) error {
	in := &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: &key, ExpectedBucketOwner: filled(b.cfg.Owner)}
	_, err := ask(ctx, b.c, "s3:DeleteObject", b.s3.DeleteObject, in, s3Once)
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}

func (b *Bucket) explain(ctx context.Context, name, key string, err error) error {
	err = b.c.explain(ctx, name, err)
	return told{fmt.Sprintf("%s (s3://%s/%s)", err, b.cfg.Bucket, key), errors.Unwrap(err), ""}
}
