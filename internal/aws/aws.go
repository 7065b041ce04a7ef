// Package aws is the part of AWS that domctl calls, and the only importer of
// aws-sdk-go-v2: EC2, Auto Scaling, EKS, SSM and STS behind the ports, the
// bucket of the state store, and the KMS key that seals records.
//
// A read is repeated by the SDK with back-off and pages to its end, or fails. A
// write is sent once: the applier records its beginning, looks, and decides
// itself whether to repeat it. User data of launch configurations passes
// through CopyLaunchConfiguration and reaches no answer, error or log.
package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"domctl.dev/internal/aws/whole"
	"domctl.dev/internal/port"
)

// Config says where to call and as whom. What it leaves empty comes from the
// environment, profiles and instance roles as for any AWS tool, AWS_ENDPOINT_URL
// included; zero numbers take the defaults in brackets.
type Config struct {
	Region  string
	Profile string
	Role    string // ARN to assume from there

	Timeout  time.Duration // of one API call with its retries [30 s]
	Attempts int           // of a read [8]
	Backoff  time.Duration // at most, between two attempts [5 s]
	Poll     time.Duration // between two looks at a command that runs [2 s]
	PageSize int32         // asked for, at most what each API allows [all of it]
	MaxPages int           // of one read, after which it fails [1000]

	// Wait passes the time between two looks. nil waits in real time.
	Wait func(context.Context, time.Duration) error
	// Now is the time by which tokens end. nil is the wall clock.
	Now func() time.Time
	// Observe hears of every attempt after it ended. It may be called concurrently.
	Observe func(Call)
	// Warn hears what AWS warned of in a call that succeeded.
	Warn func(operation, text string)
}

// Client calls AWS. Its methods may be called concurrently; nothing is asked of
// the network before the first of them.
type Client struct {
	cfg   Config
	sdk   aws.Config
	place string // " in eu-west-1" for messages; "" in the deployment's region

	ec2         func() *ec2.Client
	autoscaling func() *autoscaling.Client
	cloudwatch  func() *cloudwatch.Client
	eks         func() *eks.Client
	ssm         func() *ssm.Client
	sts         func() *sts.Client
	secrets     func() *secretsmanager.Client
	kms         func() *kms.Client
	logins      *logins
}

var (
	_ port.STS         = (*Client)(nil)
	_ port.EC2         = (*Client)(nil)
	_ port.AutoScaling = (*Client)(nil)
	_ port.EKS         = (*Client)(nil)
	_ port.SSM         = (*Client)(nil)
	_ port.CloudWatch  = (*Client)(nil)
	_ port.Shell       = (*Client)(nil)
	_ port.Secrets     = (*Client)(nil)
)

// Open reads the AWS configuration. It fails without a region.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	cfg.Attempts = cmp.Or(cfg.Attempts, 8)
	cfg.Backoff = cmp.Or(cfg.Backoff, 5*time.Second)
	cfg.Poll = cmp.Or(cfg.Poll, 2*time.Second)
	if cfg.Wait == nil {
		cfg.Wait = port.Sleep
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.MaxPages = cmp.Or(cfg.MaxPages, 1000)
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(cfg.retryer),
		config.WithAPIOptions(append(observing(cfg.Observe), remembering)),
		config.WithLogger(logging.Nop{}),
	}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	}
	if cfg.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(cfg.Profile))
	}
	sdk, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration cannot be used: %w: look at deployment.aws, AWS_PROFILE and ~/.aws", err)
	}
	if sdk.Region == "" {
		return nil, errors.New("no AWS region is known: set deployment.aws.region")
	}
	sdk.ClientLogMode = 0
	sdk.HTTPClient = whole.Answers{HTTPClient: sdk.HTTPClient}
	if cfg.Role != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(sdk), cfg.Role, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "domctl" })
		sdk.Credentials = aws.NewCredentialsCache(assume)
	}
	return newClient(cfg, sdk), nil
}

func newClient(cfg Config, sdk aws.Config) *Client {
	return &Client{
		cfg: cfg, sdk: sdk,
		ec2:         sync.OnceValue(func() *ec2.Client { return ec2.NewFromConfig(sdk) }),
		autoscaling: sync.OnceValue(func() *autoscaling.Client { return autoscaling.NewFromConfig(sdk) }),
		cloudwatch:  sync.OnceValue(func() *cloudwatch.Client { return cloudwatch.NewFromConfig(sdk, asQuery) }),
		eks:         sync.OnceValue(func() *eks.Client { return eks.NewFromConfig(sdk) }),
		ssm:         sync.OnceValue(func() *ssm.Client { return ssm.NewFromConfig(sdk) }),
		secrets:     sync.OnceValue(func() *secretsmanager.Client { return secretsmanager.NewFromConfig(sdk) }),
		sts:         sync.OnceValue(func() *sts.Client { return sts.NewFromConfig(sdk) }),
		kms:         sync.OnceValue(func() *kms.Client { return kms.NewFromConfig(sdk) }),
		logins:      &logins{known: map[string]login{}},
	}
}

// retryer waits twice as long each time, with jitter. How often it repeats is
// bounded by attempts and the deadline, not by a quota shared with other calls.
// The SDK's adaptive mode learns a rate from what was sent before; in a program
// that has only begun, one throttled call sets that to one call in two seconds.
func (cfg Config) retryer() aws.Retryer {
	return impatient{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = cfg.Attempts, cfg.Backoff, ratelimit.None
	}), cfg.Backoff}
}

// impatient gives up soon on an address that cannot be reached: a wrong endpoint
// or region, or a tunnel that is down, does not mend itself as a throttle does.
type impatient struct {
	aws.RetryerV2
	most time.Duration // between two attempts
}

// unreachedAttempts are a second and two apart, for what is just starting.
const unreachedAttempts = 3

func (r impatient) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch {
	case unreached(err) == nil:
		return r.RetryerV2.RetryDelay(attempt, err)
	case attempt >= unreachedAttempts:
		return 0, err
	}
	return min(r.most, time.Duration(attempt)*time.Second), nil
}

// unreached is the connection that was not made, nil where one was, or where
// time ran out.
func unreached(err error) *net.OpError {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" && !dial.Timeout() {
		return dial
	}
	return nil
}
