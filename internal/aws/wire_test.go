//go:build wire

package aws

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
	"domctl.dev/internal/state/statetest"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
	"domctl.dev/schema"
)

func TestWireContract(t *testing.T) {
	var mu sync.Mutex
	made := map[string]bool{}
	worldtest.Run(t, func(t *testing.T) worldtest.World {
		return wireWorld(t, func(c Call) {
			mu.Lock()
			defer mu.Unlock()
			made[c.Service+":"+c.Operation] = true
		})
	})
	t.Run("Permissions", func(t *testing.T) {
		for _, p := range Permissions(Apply) {
			delete(made, p.Call)
		}
		if len(made) > 0 {
			t.Errorf("calls that no policy of doctor's allows: %v", schema.Sorted(made))
		}
	})
}

// wireWorld is an account of its own. The client under test asks for pages of
// two; what cases start from is put by another, whose calls are not observed.
func wireWorld(t *testing.T, observe func(Call)) worldtest.World {
	account := wiretest.AWS(t)
	account.Setenv()
	b := &breaker{account: account}
	plain := mustOpen(t, Config{})
	cfg := plain.cfg
	cfg.PageSize, cfg.Attempts, cfg.Backoff, cfg.Observe = 2, 3, time.Millisecond, observe
	sdk := plain.sdk
	sdk.Retryer = cfg.retryer
	sdk.APIOptions = append(observing(observe), b.install)
	c := newClient(cfg, sdk)
	s := seed{plain, account}
	return worldtest.World{
		EC2: c, AutoScaling: c, EKS: c, SSM: c, CloudWatch: c, Shell: c, STS: c, Secrets: c,
		Want:   worldtest.Identity{Account: account.ID, Region: account.Region},
		Many:   5,
		Settle: func(*testing.T) {},
		Break:  b.set,
		Put: worldtest.Put{
			Volume: s.volume, Snapshot: s.snapshot, SecurityGroup: s.securityGroup, KeyPair: s.keyPair,
			Image: s.image, Template: s.template, InstanceType: func(*testing.T, port.InstanceType) {},
			Configuration: s.configuration, Blocked: s.blocked, Group: s.group, NodeGroup: s.nodeGroup, Protected: s.protected, Suspended: s.suspended, Warm: s.warm, Alarm: s.alarm, Lacking: s.lacking, Parameter: s.parameter, Secret: s.secret,
		},
		Unproven: unproven(),
	}
}

func unproven() map[string]string {
	none := "moto runs no commands; needs instances that are real"
	return map[string]string{
		"RunScript/Output": none, "RunScript/Status": none, "RunScript/EndsAtItsTimeout": none, "RunScript/OutputIsCut": none, "RunScript/FilesStay": none,
		"DescribeImages/PendingThenAvailable": "moto's images are available at once; needs an AWS account",
		"Instances/TransitionsAreSeen":        "moto's instances change at once; needs an AWS account",
	}
}

// breaker makes calls fail: by faults of the server, or by a client that has
// lost its page token, to which the server gives the first page again.
type breaker struct {
	account *wiretest.Account
	how     atomic.Value
	service string
	action  string
}

func (b *breaker) set(t *testing.T, call string, how worldtest.Failure) {
	t.Helper()
	b.service, b.action = "ec2", strings.Replace(call, "DescribeDefaultVersions", "DescribeLaunchTemplateVersions", 1)
	b.action = strings.Replace(b.action, "DescribeAutoScalingInstances", "DescribeAutoScalingGroups", 1)
	b.action = strings.Replace(b.action, "FailedActivities", "DescribeScalingActivities", 1)
	switch {
	case strings.Contains(call, "AutoScaling"), strings.Contains(call, "LaunchConfigurations"), strings.Contains(call, "InstanceRefreshes"), strings.Contains(call, "Activities"):
		b.service = "autoscaling"
	case strings.Contains(call, "Nodegroups"):
		b.service = "eks"
	}
	codes := map[worldtest.Failure]map[string]string{
		worldtest.Denied:    {"ec2": "UnauthorizedOperation", "autoscaling": "AccessDenied", "eks": "AccessDeniedException"},
		worldtest.Throttled: {"ec2": "RequestLimitExceeded", "autoscaling": "Throttling", "eks": "ThrottlingException"},
	}
	if code := codes[how][b.service]; code != "" {
		b.account.Fail(wiretest.Fault{Service: b.service, Action: b.action, Error: code, Times: -1})
		return
	}
	b.how.Store(how)
}

func (b *breaker) install(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("domctlBreak", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		token := reflect.ValueOf(in.Parameters).Elem().FieldByName("NextToken")
		if token.IsValid() && !token.IsNil() {
			switch b.how.Load() {
			case worldtest.PartialPage:
				b.account.Fail(wiretest.Fault{Service: b.service, Action: b.action, Error: "InternalError", Status: 500, Times: -1})
			case worldtest.RepeatedToken:
				token.SetZero()
			}
		}
		return next.HandleInitialize(ctx, in)
	}), middleware.After)
}

func TestWireS3(t *testing.T) {
	var buckets atomic.Int32
	statetest.Run(t, 60, func(t *testing.T) applier.Store {
		account := wiretest.AWS(t)
		account.Setenv()
		c := mustOpen(t, Config{PageSize: 25})
		b := c.Bucket(BucketConfig{Bucket: fmt.Sprintf("domctl-%s-%d", account.ID, buckets.Add(1))})
		_, err := b.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.cfg.Bucket,
			CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(account.Region)}})
		if err != nil {
			t.Fatal(err)
		}
		return state.S3(b, "prod")
	})
}

func TestWireKeeper(t *testing.T) {
	account := wiretest.AWS(t)
	account.Setenv()
	c := mustOpen(t, Config{})
	key, err := c.kms().CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	m := state.Memory()
	s := state.Sealed(m, c.Keeper(*key.KeyMetadata.KeyId, "acme-prod"), "acme-prod")
	if _, err := s.PutIfNone(t.Context(), "applied", []byte("canary")); err != nil {
		t.Fatal(err)
	}
	again := state.Sealed(m, mustOpen(t, Config{}).Keeper(*key.KeyMetadata.KeyId, "acme-prod"), "acme-prod")
	if body, _, err := again.Get(t.Context(), "applied"); err != nil || string(body) != "canary" {
		t.Errorf("%q, %v", body, err)
	}
	other := state.Sealed(m, c.Keeper(*key.KeyMetadata.KeyId, "acme-test"), "acme-prod")
	if body, _, err := other.Get(t.Context(), "applied"); err == nil {
		t.Errorf("another deployment's keeper opens %q", body)
	}
}

func TestWireProbe(t *testing.T) {
	account := wiretest.AWS(t)
	account.Setenv()
	account.Fail(wiretest.Fault{Service: "ec2", Action: "ModifyLaunchTemplate", Error: "UnauthorizedOperation", Times: -1})
	for call, err := range mustOpen(t, Config{}).Probe(t.Context(), Apply, Scope{Bakes: true, Rolls: true, Alarms: true, Moves: true}) {
		want := error(nil)
		if call == modifyTemplate {
			want = port.ErrDenied
		} else if !strings.HasPrefix(call, "ec2:") && !strings.Contains(call, ":Describe") && !strings.Contains(call, ":Get") {
			want = ErrUnprobed
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", call, err, want)
		}
	}
}

// TestWireWritesAreNotRepeated: the answer is lost after the call took effect.
func TestWireWritesAreNotRepeated(t *testing.T) {
	account := wiretest.AWS(t)
	account.Setenv()
	c := mustOpen(t, Config{})
	id := seed{c, account}.template(t, "acme", port.LaunchTemplateVersion{Image: "ami-0000000000000000a"})
	account.Reset()
	account.Fail(wiretest.Fault{Service: "ec2", Action: "CreateLaunchTemplateVersion", After: true})
	v := port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000b", Token: "apply-1/step-1"}
	if _, err := c.CreateLaunchTemplateVersion(t.Context(), v); err == nil {
		t.Fatal("the lost answer is none")
	}
	sent := slices.DeleteFunc(account.Calls(), func(call wiretest.Call) bool { return call.Action != "CreateLaunchTemplateVersion" })
	if len(sent) != 1 {
		t.Errorf("the call was sent %d times", len(sent))
	}
	n, err := c.CreateLaunchTemplateVersion(t.Context(), v)
	if n != 2 || err != nil {
		t.Errorf("repeated with its token it answers %d, %v", n, err)
	}
}
