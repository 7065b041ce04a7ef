package aws

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestUnreached: a wrong address is told of within seconds, and which it is.
func TestUnreached(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	for endpoint, want := range map[string]string{
		"http://" + nobody:        "AWS ec2:DescribeInstanceTypes: dial tcp " + nobody + ": connect: connection refused: look at deployment.aws.region, AWS_ENDPOINT_URL",
		"http://nowhere.invalid.": "lookup nowhere.invalid.",
	} {
		t.Run(endpoint, func(t *testing.T) {
			environment(t, endpoint)
			attempts := 0
			c, err := Open(t.Context(), Config{Backoff: time.Millisecond, Observe: func(Call) { attempts++ }})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.DescribeInstanceTypes(t.Context(), []string{"m5.large"})
			if err == nil || !strings.Contains(err.Error(), want) || attempts > unreachedAttempts {
				t.Errorf("after %d attempts: %v; want %s", attempts, err, want)
			}
		})
	}
	var took time.Duration
	for attempt := 1; ; attempt++ {
		d, err := Config{Attempts: 8, Backoff: 5 * time.Second}.retryer().RetryDelay(attempt, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
		if took += d; err != nil {
			break
		}
	}
	if took > 5*time.Second {
		t.Errorf("the pauses between attempts take %s", took)
	}
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusServiceUnavailable, refusal(q, "RequestLimitExceeded", "slow down")
	})
	c := f.open(Config{Attempts: 3})
	for name, err := range everything(t.Context(), c) {
		if !errors.Is(err, port.ErrThrottled) {
			t.Errorf("%s: %v; want ErrThrottled", name, err)
		}
	}
	attempts := map[string]int{}
	for _, call := range f.calls() {
		name := call.Service + ":" + call.Operation
		attempts[name] = max(attempts[name], call.Attempt)
	}
	for _, p := range Permissions(Apply) {
		want := 3
		if slices.ContainsFunc(writes(), func(w Permission) bool { return w.Call == p.Call }) && p.Call != "kms:GenerateDataKey" {
			want = 1
		}
		if n := attempts[p.Call]; n != want && p.Call != "sts:AssumeRole" && p.Call != createConfiguration && p.Call != createImage {
			t.Errorf("%s is attempted %d times; want %d", p.Call, n, want)
		}
	}
}

func TestEveryCallHasItsPermission(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		if q.action == "DescribeInstances" {
			return http.StatusOK, paged(q, "")
		}
		if q.action == "DescribeLaunchConfigurations" {
			return http.StatusOK, result(q, `<LaunchConfigurations><member><LaunchConfigurationName>lc</LaunchConfigurationName></member></LaunchConfigurations>`)
		}
		return http.StatusForbidden, refusal(q, "AccessDenied", "no")
	})
	c := f.open(Config{})
	errs := everything(t.Context(), c)
	delete(errs, "DescribeLaunchConfigurations")
	delete(errs, "DescribeInstances")
	_, errs["CreateImage"] = c.CreateImage(t.Context(), port.NewImage{Instance: "i-1", Name: "baked"})
	errs["CopyLaunchConfiguration"] = c.CopyLaunchConfiguration(t.Context(), "lc", "lc-2", "ami-2")
	for name, err := range errs {
		if !errors.Is(err, port.ErrDenied) {
			t.Errorf("%s: %v; want ErrDenied", name, err)
		}
	}
	made := map[string]bool{"sts:AssumeRole": true}
	for _, call := range f.calls() {
		made[call.Service+":"+call.Operation] = true
	}
	listed := map[string]bool{}
	for _, p := range Permissions(Apply) {
		listed[p.Call] = true
	}
	if !reflect.DeepEqual(made, listed) {
		t.Errorf("calls made   %v\nlisted for apply %v", schema.Sorted(made), schema.Sorted(listed))
	}
	for _, p := range Permissions(Plan) {
		if slices.ContainsFunc(writes(), func(w Permission) bool { return w.Call == p.Call }) {
			t.Errorf("a plan is given the write %s", p.Call)
		}
	}
}

func TestARoleIsAssumed(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		if q.action == "AssumeRole" {
			return http.StatusOK, result(q, `<Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>`+
				`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`)
		}
		return http.StatusOK, result(q, `<Account>111122223333</Account><Arn>arn:aws:sts::111122223333:assumed-role/domctl/domctl</Arn>`)
	})
	who, err := f.open(Config{Role: "arn:aws:iam::111122223333:role/domctl", Region: "eu-west-1"}).GetCallerIdentity(t.Context())
	if err != nil || who.Account != "111122223333" || who.Region != "eu-west-1" {
		t.Fatalf("%+v, %v", who, err)
	}
	calls := f.calls()
	if len(calls) != 2 || calls[0].Operation != "AssumeRole" || f.requests()[0].form.Get("RoleArn") == "" {
		t.Errorf("calls %v", calls)
	}
}

// paged is a page of one item, and a token.
func paged(q request, token string) string {
	switch q.action {
	case "DescribeImages":
		return result(q, `<imagesSet><item><imageId>ami-1</imageId></item></imagesSet><nextToken>`+token+`</nextToken>`)
	case "DescribeInstances":
		return result(q, `<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></item></reservationSet><nextToken>`+token+`</nextToken>`)
	case "DescribeSnapshots":
		return result(q, `<snapshotSet><item><snapshotId>snap-1</snapshotId></item></snapshotSet><nextToken>`+token+`</nextToken>`)
	case "DescribeVolumes":
		return result(q, `<volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet><nextToken>`+token+`</nextToken>`)
	case "DescribeSecurityGroups":
		return result(q, `<securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo><nextToken>`+token+`</nextToken>`)
	case "DescribeLaunchTemplates":
		return result(q, `<launchTemplates><item><launchTemplateId>lt-1</launchTemplateId></item></launchTemplates><nextToken>`+token+`</nextToken>`)
	case "DescribeLaunchTemplateVersions":
		return result(q, `<launchTemplateVersionSet><item><launchTemplateId>lt-1</launchTemplateId><versionNumber>1</versionNumber></item></launchTemplateVersionSet><nextToken>`+token+`</nextToken>`)
	case "DescribeInstanceTypes":
		return result(q, `<instanceTypeSet><item><instanceType>m5.large</instanceType></item></instanceTypeSet><nextToken>`+token+`</nextToken>`)
	case "DescribeInstanceTypeOfferings":
		return result(q, `<instanceTypeOfferingSet><item><instanceType>m5.large</instanceType><location>us-west-2a</location></item></instanceTypeOfferingSet><nextToken>`+token+`</nextToken>`)
	case "DescribeAutoScalingGroups":
		return result(q, `<AutoScalingGroups><member><AutoScalingGroupName>a</AutoScalingGroupName></member></AutoScalingGroups><NextToken>`+token+`</NextToken>`)
	case "DescribeAlarms":
		return result(q, `<MetricAlarms><member><AlarmName>a</AlarmName></member></MetricAlarms><NextToken>`+token+`</NextToken>`)
	case "DescribeLaunchConfigurations":
		return result(q, `<LaunchConfigurations><member><LaunchConfigurationName>a</LaunchConfigurationName></member></LaunchConfigurations><NextToken>`+token+`</NextToken>`)
	}
	if q.service == "eks" {
		return `{"nodegroups":["a"],"nextToken":"` + token + `"}`
	}
	return `<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key></Contents><NextContinuationToken>` + token + `</NextContinuationToken></ListBucketResult>`
}

func pagedReads(ctx context.Context, c *Client) map[string]func() (int, error) {
	count := func(n int, err error) (int, error) { return n, err }
	return map[string]func() (int, error){
		"images":    func() (int, error) { l, err := c.DescribeImages(ctx, port.ImageQuery{}); return count(len(l), err) },
		"instances": func() (int, error) { l, err := c.DescribeInstances(ctx, port.Select{}); return count(len(l), err) },
		"volumes":   func() (int, error) { l, err := c.DescribeVolumes(ctx, port.Select{}); return count(len(l), err) },
		"snapshots": func() (int, error) { l, err := c.DescribeSnapshots(ctx, port.Select{}); return count(len(l), err) },
		"secured":   func() (int, error) { l, err := c.DescribeSecurityGroups(ctx, port.Select{}); return count(len(l), err) },
		"templates": func() (int, error) { l, err := c.DescribeLaunchTemplates(ctx, nil); return count(len(l), err) },
		"versions": func() (int, error) {
			l, err := c.DescribeLaunchTemplateVersions(ctx, "lt-1", nil)
			return count(len(l), err)
		},
		"defaults": func() (int, error) { l, err := c.DescribeDefaultVersions(ctx); return count(len(l), err) },
		"types":    func() (int, error) { l, err := c.DescribeInstanceTypes(ctx, nil); return count(len(l), err) },
		"offerings": func() (int, error) {
			l, err := c.DescribeInstanceTypeOfferings(ctx, nil)
			return count(len(l), err)
		},
		"groups":     func() (int, error) { l, err := c.DescribeAutoScalingGroups(ctx, nil); return count(len(l), err) },
		"alarms":     func() (int, error) { l, err := c.DescribeAlarms(ctx, []string{"a"}); return count(len(l), err) },
		"configs":    func() (int, error) { l, err := c.DescribeLaunchConfigurations(ctx, nil); return count(len(l), err) },
		"nodegroups": func() (int, error) { l, err := c.ListNodegroups(ctx, "acme"); return count(len(l), err) },
		"objects": func() (int, error) {
			l, err := c.Bucket(BucketConfig{Bucket: "b"}).ListObjects(ctx, "")
			return count(len(l), err)
		},
	}
}

func TestAnAnswerThatNeverEndsIsAnError(t *testing.T) {
	f := startFake(t, func(q request) (int, string) { return http.StatusOK, paged(q, "again") })
	for name, read := range pagedReads(t.Context(), f.open(Config{})) {
		if n, err := read(); n != 0 || err == nil || !strings.Contains(err.Error(), "comes again") {
			t.Errorf("%s: %d items, %v", name, n, err)
		}
	}
	turn := 0
	f = startFake(t, func(q request) (int, string) { turn++; return http.StatusOK, paged(q, strings.Repeat("x", turn)) })
	for name, read := range pagedReads(t.Context(), f.open(Config{MaxPages: 5})) {
		if n, err := read(); n != 0 || err == nil || !strings.Contains(err.Error(), "more than 5 pages") {
			t.Errorf("%s: %d items, %v", name, n, err)
		}
	}
}

func TestAFailingPageIsAnError(t *testing.T) {
	seen := map[string]int{}
	f := startFake(t, func(q request) (int, string) {
		seen[q.service+q.action]++
		if strings.Contains(q.body+q.action, "second") {
			return http.StatusForbidden, refusal(q, "AccessDenied", "no")
		}
		return http.StatusOK, paged(q, "second")
	})
	for name, read := range pagedReads(t.Context(), f.open(Config{})) {
		if n, err := read(); n != 0 || !errors.Is(err, port.ErrDenied) {
			t.Errorf("%s: %d items, %v", name, n, err)
		}
	}
}

func TestADeadlineEndsEveryCall(t *testing.T) {
	done := make(chan struct{})
	f := startFake(t, func(request) (int, string) { <-done; return http.StatusOK, "" })
	t.Cleanup(func() { close(done) })
	for name, err := range everything(t.Context(), f.open(Config{Timeout: 50 * time.Millisecond})) {
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatStoodInTheWayIsSaid, when the deadline comes between two attempts, and
// only of a write that it may have been done.
func TestWhatStoodInTheWayIsSaid(t *testing.T) {
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			c, err := rude.Accept()
			if err != nil {
				return
			}
			// Hung up before it is asked, a client speaks of an idle connection instead.
			if q, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.Copy(io.Discard, q.Body)
			}
			c.Close()
		}
	}()
	environment(t, "http://"+rude.Addr().String())
	c := mustOpen(t, Config{Timeout: 300 * time.Millisecond, Attempts: 1000, Backoff: 20 * time.Millisecond})
	_, err = c.GetCallerIdentity(t.Context())
	want := regexp.MustCompile(`^AWS sts:GetCallerIdentity: no answer within 300ms: (EOF|connection reset by peer)$`)
	if err == nil || !want.MatchString(err.Error()) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %s", err, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for name, open := range map[string]bool{createVersion: true, describeGroups: false} {
		if err := c.explain(ctx, name, ctx.Err()); strings.Contains(err.Error(), "whether AWS did it is open") != open {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	f := startFake(t, func(q request) (int, string) { return http.StatusOK, paged(q, "") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range everything(ctx, f.open(Config{})) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestUserDataStaysInside(t *testing.T) {
	const canary = "Y2FuYXJ5" // base64 of "canary"
	made := request{}
	f := startFake(t, func(q request) (int, string) {
		if q.action == "CreateLaunchConfiguration" {
			made = q
			return http.StatusBadRequest, refusal(q, "ValidationError", "bad user data "+canary+" canary")
		}
		return http.StatusOK, result(q, `<LaunchConfigurations><member><LaunchConfigurationName>lc</LaunchConfigurationName><ImageId>ami-1</ImageId>`+
			`<KernelId></KernelId><KeyName></KeyName><UserData>`+canary+`</UserData><EbsOptimized>true</EbsOptimized></member></LaunchConfigurations>`)
	})
	c := f.open(Config{})
	err := c.CopyLaunchConfiguration(t.Context(), "lc", "lc-2", "ami-2")
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), canary) || strings.Contains(e.Error(), "canary") {
			t.Errorf("the error repeats it: %v", e)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "ValidationError") {
		t.Errorf("error %v", err)
	}
	form := made.form
	if form.Get("UserData") != canary || form.Get("ImageId") != "ami-2" || form.Get("LaunchConfigurationName") != "lc-2" || form.Get("EbsOptimized") != "true" || form.Has("KernelId") || form.Has("KeyName") {
		t.Errorf("created from %v", form)
	}
	found, err := c.DescribeLaunchConfigurations(t.Context(), nil)
	if err != nil || len(found) != 1 || found[0] != (port.LaunchConfiguration{Name: "lc", Image: "ami-1"}) {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestACopyKeepsEveryField fails when the SDK gains a field that copyOf does not know.
func TestACopyKeepsEveryField(t *testing.T) {
	var l types.LaunchConfiguration
	fill(reflect.ValueOf(&l).Elem())
	got := reflect.ValueOf(copyOf(l)).Elem()
	for i := range got.NumField() {
		if f := got.Type().Field(i); f.IsExported() && f.Name != "InstanceId" && got.Field(i).IsZero() {
			t.Errorf("%s is not copied", f.Name)
		}
	}
}

// fill sets every exported field to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	}
}

func TestBlocksAreRestatedWhole(t *testing.T) {
	var m ec2types.LaunchTemplateBlockDeviceMapping
	fill(reflect.ValueOf(&m).Elem())
	text, err := blocksText([]ec2types.LaunchTemplateBlockDeviceMapping{m, {DeviceName: new("/dev/sdb"), NoDevice: new("")}})
	if err != nil {
		t.Fatal(err)
	}
	back, err := blocksOf(text)
	if err != nil || len(back) != 2 {
		t.Fatalf("%s: %v, %v", text, back, err)
	}
	for v := range slices.Values([]reflect.Value{reflect.ValueOf(back[0]), reflect.ValueOf(*back[0].Ebs)}) {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && v.Field(i).IsZero() {
				t.Errorf("%s is not restated", f.Name)
			}
		}
	}
	if back[1].NoDevice == nil || back[1].Ebs != nil {
		t.Errorf("a device left out is restated as %+v", back[1])
	}
	want := `[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"SnapshotId":"snap-0123456789abcdef0","VolumeSize":1000,"VolumeType":"gp3"}}]`
	parsed, err := blocksOf(want)
	if err != nil || parsed[0].Ebs.VolumeType != "gp3" || *parsed[0].Ebs.VolumeSize != 1000 {
		t.Errorf("%+v, %v", parsed, err)
	}
	for _, bad := range []string{`x`, `{}`, `[{"Unknown":1}]`, `[] []`} {
		if got, err := blocksOf(bad); err == nil {
			t.Errorf("%s is read as %v", bad, got)
		}
	}
}

func TestErrorKinds(t *testing.T) {
	for code, want := range map[string]error{
		"InvalidLaunchTemplateId.NotFound": port.ErrNotFound, "InvalidLaunchTemplateId.VersionNotFound": port.ErrNotFound,
		"InvalidLaunchTemplateId.Malformed": port.ErrNotFound, "ResourceNotFoundException": port.ErrNotFound,
		"InvalidUserData.Malformed": nil, "AlreadyExists": port.ErrDuplicate, "InvalidAMIName.Duplicate": port.ErrDuplicate,
		"UnauthorizedOperation": port.ErrDenied, "ExpiredToken": port.ErrDenied, "RequestLimitExceeded": port.ErrThrottled,
		"Throttling": port.ErrThrottled, "IdempotentParameterMismatch": port.ErrMismatch, "ResourceInUse": port.ErrInUse,
		"IdempotentInstanceTerminated": port.ErrTerminated, "IncorrectInstanceState": port.ErrState, "InvalidAMIID.Unavailable": port.ErrNotFound,
		"InvalidInstanceID.NotFound": port.ErrNotFound, "InvalidInstanceId": port.ErrState, "InvalidSnapshot.InUse": port.ErrInUse, "VolumeInUse": port.ErrInUse,
		"DependencyViolation": port.ErrInUse, "InsufficientInstanceCapacity": nil, "InvocationDoesNotExist": port.ErrNotFound,
		"ResourceInUseException": port.ErrInUse, "NoSuchBucket": nil, "NoSuchKey": port.ErrNotFound, "InternalError": nil,
	} {
		if got := kindOf(&smithy.GenericAPIError{Code: code}); got != want {
			t.Errorf("%s is %v; want %v", code, got, want)
		}
	}
	for text, want := range map[string]error{
		"AutoScalingGroup name not found - AutoScalingGroup 'a' not found": port.ErrNotFound, "Launch configuration name not found - x": port.ErrNotFound,
		"The specified launch template version, 9, does not exist": port.ErrNotFound, "Min must be below max": nil,
		"You must use a valid fully-formed launch template. Could not find the specified version 9": port.ErrNotFound,
	} {
		if got := kindOf(&smithy.GenericAPIError{Code: "ValidationError", Message: text}); got != want {
			t.Errorf("%s is %v; want %v", text, got, want)
		}
	}
}

func TestWordsOfErrors(t *testing.T) {
	code, text := "UnauthorizedOperation", "You are not authorized. Encoded authorization failure message: abc"
	f := startFake(t, func(q request) (int, string) { return http.StatusForbidden, refusal(q, code, text) })
	c := f.open(Config{})
	_, err := c.DescribeLaunchTemplates(t.Context(), nil)
	want := "AWS ec2:DescribeLaunchTemplates: UnauthorizedOperation: You are not authorized.: domctl doctor --policies prints the permissions needed"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	code, text = "ExpiredToken", "The token is expired"
	if _, err = c.GetCallerIdentity(t.Context()); err == nil || !strings.Contains(err.Error(), "sign in again") {
		t.Errorf("%v", err)
	}
	environment(t, "http://127.0.0.1:1")
	c, err = Open(t.Context(), Config{Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.GetCallerIdentity(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if c, err = Open(t.Context(), Config{Attempts: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.GetCallerIdentity(t.Context()); err == nil || !strings.Contains(err.Error(), "no AWS credentials can be had") {
		t.Errorf("%v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err = Open(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "no AWS region") {
		t.Errorf("%v", err)
	}
	if _, err = Open(t.Context(), Config{Profile: "none"}); err == nil || !strings.Contains(err.Error(), "AWS_PROFILE") {
		t.Errorf("%v", err)
	}
}
