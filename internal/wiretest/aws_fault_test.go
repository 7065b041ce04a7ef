//go:build wire

package wiretest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func (c cloud) put(key, body string, change func(*s3.PutObjectInput)) error {
	in := &s3.PutObjectInput{Bucket: aws.String("state-" + c.ID), Key: &key, Body: strings.NewReader(body)}
	change(in)
	_, err := c.s3.PutObject(c.Context(), in)
	return err
}

func (c cloud) bucket() {
	c.Helper()
	_, err := c.s3.CreateBucket(c.Context(), &s3.CreateBucketInput{
		Bucket:                    aws.String("state-" + c.ID),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(c.Region)},
	})
	must(c.T, err)
}

func TestS3ConditionalWrites(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.bucket()
	ifNone := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	must(t, c.put("lock", "one", ifNone))
	refused(t, c.put("lock", "two", ifNone), "PreconditionFailed")
	head, err := c.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("state-" + c.ID), Key: aws.String("lock")})
	must(t, err)
	ifMatch := func(in *s3.PutObjectInput) { in.IfMatch = head.ETag }
	must(t, c.put("lock", "three", ifMatch))
	refused(t, c.put("lock", "four", ifMatch), "PreconditionFailed")
}

// sideBySide makes a call twenty times at once and counts those that worked.
func sideBySide(call func() error) int {
	results := make(chan error)
	for range 20 {
		go func() { results <- call() }()
	}
	worked := 0
	for range 20 {
		if <-results == nil {
			worked++
		}
	}
	return worked
}

func TestGuardsHoldSideBySide(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.bucket()
	equal(t, sideBySide(func() error {
		return c.put("lock", "mine", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	}), 1)
	equal(t, sideBySide(func() error {
		_, err := c.ec2.RegisterImage(t.Context(), &ec2.RegisterImageInput{Name: aws.String("taken")})
		return err
	}), 1)
	image := c.image("base")
	equal(t, sideBySide(func() error {
		_, err := c.run(ec2.RunInstancesInput{ImageId: image, ClientToken: aws.String("once")})
		return err
	}), 20)
	equal(t, c.instances(), 1)
}

// TestFaultCodes asks each service for an error in its own protocol.
func TestFaultCodes(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	ctx := t.Context()
	for _, test := range []struct {
		fault wiretest.Fault
		call  func() error
	}{
		{wiretest.Fault{Service: "ec2", Action: "DescribeImages", Error: "UnauthorizedOperation"}, func() error {
			_, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{})
			return err
		}},
		{wiretest.Fault{Service: "ec2", Error: "RequestExpired"}, func() error {
			_, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		}},
		{wiretest.Fault{Service: "autoscaling", Error: "AccessDenied"}, func() error {
			_, err := c.asg.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{})
			return err
		}},
		{wiretest.Fault{Service: "sts", Error: "ExpiredToken"}, func() error {
			_, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		}},
		{wiretest.Fault{Service: "ssm", Action: "GetParameter", Error: "AccessDeniedException"}, func() error {
			_, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/x")})
			return err
		}},
		{wiretest.Fault{Service: "eks", Action: "DescribeCluster", Error: "AccessDeniedException"}, func() error {
			_, err := c.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: aws.String("acme")})
			return err
		}},
		{wiretest.Fault{Service: "s3", Action: "GetObject", Error: "AccessDenied"}, func() error {
			_, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
			return err
		}},
	} {
		c.Fail(test.fault)
		refused(t, test.call(), test.fault.Error)
	}
}

func TestThrottlingPasses(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.Fail(wiretest.Fault{Service: "ec2", Action: "DescribeSubnets", Error: "RequestLimitExceeded", Times: 2})
	c.subnet()
	statuses := []int{}
	for _, call := range c.Calls() {
		statuses = append(statuses, call.Status)
	}
	equal(t, statuses, []int{503, 503, 200})
}

func TestFaultWithoutEnd(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.Fail(wiretest.Fault{Action: "DescribeSubnets", Error: "UnauthorizedOperation", Times: -1})
	for range 3 {
		_, err := c.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
		refused(t, err, "UnauthorizedOperation")
	}
	c.Reset()
	c.subnet()
	equal(t, len(c.Calls()), 1)
}

func noRetry(o *ec2.Options) { o.Retryer = aws.NopRetryer{} }

func TestCallTakesEffectAndTheConnectionDies(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := &ec2.RunInstancesInput{
		ImageId: c.image("base"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String("apply-1-step-1"),
	}
	c.Fail(wiretest.Fault{Service: "ec2", Action: "RunInstances", After: true})
	_, err := c.ec2.RunInstances(t.Context(), in, noRetry)
	unanswered(t, err)
	equal(t, c.instances(), 1)
	_, err = c.ec2.RunInstances(t.Context(), in)
	must(t, err)
	equal(t, c.instances(), 1)
}

func TestConnectionDiesBeforeTheCall(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := &ec2.RunInstancesInput{ImageId: c.image("base"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	c.Fail(wiretest.Fault{Action: "RunInstances", Error: "Disconnect"})
	_, err := c.ec2.RunInstances(t.Context(), in, noRetry)
	unanswered(t, err)
	equal(t, c.instances(), 0)
}

func TestErrorAfterTheEffect(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := &ec2.RunInstancesInput{ImageId: c.image("base"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	c.Fail(wiretest.Fault{Action: "RunInstances", Error: "InternalError", After: true})
	_, err := c.ec2.RunInstances(t.Context(), in, noRetry)
	refused(t, err, "InternalError")
	equal(t, c.instances(), 1)
}

// unanswered checks that the call failed and AWS answered nothing.
func unanswered(t *testing.T, err error) {
	t.Helper()
	var answered smithy.APIError
	if err == nil || errors.As(err, &answered) {
		t.Fatalf("got %v, want a dead connection", err)
	}
}

func TestDelayedCall(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.Fail(wiretest.Fault{Action: "DescribeSubnets", Delay: 200 * time.Millisecond})
	begun := time.Now()
	c.subnet()
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Fatalf("answered after %v", took)
	}
}

func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.bucket()
	must(t, c.put("lock", "one", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }))
	image := c.image("base")
	_, err := c.run(ec2.RunInstancesInput{ImageId: image, InstanceType: "g5.2xlarge"})
	must(t, err)
	_, err = c.eks.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: aws.String("acme"), NodegroupName: aws.String("gpu")})
	refused(t, err, "ResourceNotFoundException")
	names := []string{}
	calls := c.Calls()
	for _, call := range calls {
		names = append(names, call.Service+" "+call.Action)
	}
	equal(t, names, []string{"s3 CreateBucket", "s3 PutObject", "ec2 RegisterImage", "ec2 RunInstances", "eks DescribeNodegroup"})
	equal(t, calls[1].Parameters["If-None-Match"], any("*"))
	equal(t, calls[3].Parameters["InstanceType"], any("g5.2xlarge"))
	equal(t, calls[4].Parameters["nodegroupName"], any("gpu"))
	equal(t, calls[4].Status, 404)
}

func TestAccountThroughAProxy(t *testing.T) {
	t.Parallel()
	account := wiretest.AWS(t)
	proxy := wiretest.Proxy(t, strings.TrimPrefix(account.Endpoint, "http://"))
	c := newCloud(t, account.Via(proxy.Addr))
	in := &ec2.RunInstancesInput{ImageId: c.image("base"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	proxy.CutAfterRequest()
	_, err := c.ec2.RunInstances(t.Context(), in, noRetry)
	unanswered(t, err)
	proxy.Heal()
	equal(t, c.instances(), 1)
}
