//go:build wire

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/wiretest"
)

// faulty is a deployment whose MongoDB stands behind a proxy.
type faulty struct {
	*wiretest.Acme
	t     *testing.T
	dir   string
	proxy *wiretest.FaultProxy
	env   []string // of the processes that are started; nil: as this one's
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	a, dir := onWire(t)
	host := strings.TrimPrefix(a.URI, "mongodb://")
	host, rest, _ := strings.Cut(host, "/")
	f := &faulty{Acme: a, t: t, dir: dir, proxy: wiretest.Proxy(t, host)}
	t.Setenv("DOMCTL_MONGO_URI", "mongodb://"+f.proxy.Addr+"/"+rest)
	return f
}

// edit replaces text in the deployment's file.
func (f *faulty) edit(old, text string) {
	f.t.Helper()
	f.editIn("acme.cue", old, text)
}

func (f *faulty) editIn(file, old, text string) {
	f.t.Helper()
	f.editFile(filepath.Join(f.dir, file), old, text)
}

func (f *faulty) editFile(name, old, text string) {
	f.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		f.t.Fatalf("%s has no %s", name, old)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(b, []byte(old), []byte(text)), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// at is a writer that does something once, when a text passes.
type at struct {
	io.Writer
	text string
	do   func()
	once *sync.Once
}

func (w at) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.once.Do(w.do)
	}
	return w.Writer.Write(b)
}

// applyUntil applies, one step at a time; break is called when the step named has
// been begun in the records and its write is to follow.
func (f *faulty) applyUntil(want int, step string, breaks func()) string {
	f.t.Helper()
	began := false
	var stdout, stderr bytes.Buffer
	hooked := at{&stdout, "  … " + step, func() { began = true; breaks() }, new(sync.Once)}
	got := run([]string{"apply", f.dir, "--auto-approve", "--parallelism", "1"}, strings.NewReader(""), hooked, &stderr)
	out := stdout.String() + stderr.String()
	if !began {
		f.t.Fatalf("the apply never began %s:\n%s", step, out)
	}
	if got != want {
		f.t.Fatalf("exit code %d, want %d:\n%s", got, want, out)
	}
	f.noSecret(out)
	f.t.Logf("stderr:\n%s", &stderr)
	return out
}

func (f *faulty) noSecret(out string) {
	f.t.Helper()
	for _, secret := range []string{canary, "live-canary-of-the-token"} {
		if strings.Contains(out, secret) {
			f.t.Errorf("the secret %s is shown:\n%s", secret, out)
		}
	}
}

// fails holds that a plan ends with 1 and says all of these.
func (f *faulty) fails(says ...string) {
	f.t.Helper()
	f.says(domctl(f.t, 1, "plan", f.dir), says...)
}

func (f *faulty) says(out string, says ...string) {
	f.t.Helper()
	for _, text := range says {
		if !strings.Contains(out, text) {
			f.t.Errorf("nothing says %q:\n%s", text, out)
		}
	}
}

// healed applies anew and holds that nothing is left to do.
func (f *faulty) healed() {
	f.t.Helper()
	domctl(f.t, 0, "apply", f.dir, "--auto-approve")
	f.nothing()
}

// resumed goes on with the apply that broke off.
func (f *faulty) resumed() {
	f.t.Helper()
	domctl(f.t, 0, "lock", "break", f.dir) // the process that holds it is this one, and lives
	f.says(domctl(f.t, 0, "apply", f.dir, "--resume", "last", "--auto-approve"), "Applied: ")
	f.nothing()
}

func (f *faulty) nothing() {
	f.t.Helper()
	f.says(domctl(f.t, 0, "plan", f.dir, "--detailed-exitcode"), "nothing to do")
}

// wrote counts the calls of one action that AWS did not refuse.
func (f *faulty) wrote(action string) (n int) {
	f.t.Helper()
	for _, c := range f.Account.Calls() {
		if c.Action == action && c.Status == 200 {
			n++
		}
	}
	return n
}

func TestFaultMongoDown(t *testing.T) {
	f := newFaulty(t)
	f.proxy.Cut()
	f.fails("MongoDB", "no primary within", f.proxy.Addr, "connection refused")
	f.proxy.Heal()
	f.healed()
}

func TestFaultMongoHung(t *testing.T) {
	f := newFaulty(t)
	f.proxy.Blackhole()
	f.fails("MongoDB", "no primary within 10s")
	f.proxy.Heal()
	f.healed()
}

func TestFaultMongoDownHalfWay(t *testing.T) {
	f := newFaulty(t)
	out := f.applyUntil(1, "hardwareTiers.small", f.proxy.Cut)
	f.says(out, "hardwareTiers.small", "MongoDB", "domctl apply "+f.dir+" --resume ", " goes on")
	f.proxy.Heal()
	f.resumed()
}

// TestFaultMongoAnswerLost cuts the connection once an update was passed on.
func TestFaultMongoAnswerLost(t *testing.T) {
	f := newFaulty(t)
	out := f.applyUntil(1, "hardwareTiers.small", f.proxy.CutAfterRequest)
	f.says(out, "hardwareTiers.small", "MongoDB", "domctl apply "+f.dir+" --resume ", " goes on")
	if !strings.Contains(database(t, f.Acme), `"resources":{"cores":{"$numberDouble":"2.0"}`) {
		t.Errorf("the update that was cut off did not arrive:\n%s", database(t, f.Acme))
	}
	f.proxy.Heal()
	f.resumed()
}

func TestFaultThrottledOnce(t *testing.T) {
	f := newFaulty(t)
	f.Account.Fail(wiretest.Fault{Service: "ec2", Action: "DescribeImages", Error: "RequestLimitExceeded"})
	f.Account.Fail(wiretest.Fault{Service: "ec2", Action: "CreateLaunchTemplateVersion", Error: "RequestLimitExceeded"})
	f.Account.Fail(wiretest.Fault{Service: "autoscaling", Action: "UpdateAutoScalingGroup", Error: "Throttling"})
	f.healed()
	if n := f.wrote("CreateLaunchTemplateVersion"); n != 2 {
		t.Errorf("%d template versions were made, want 2", n)
	}
}

func TestFaultThrottledForGood(t *testing.T) {
	f := newFaulty(t)
	f.Account.Fail(wiretest.Fault{Service: "autoscaling", Action: "DescribeAutoScalingGroups", Error: "Throttling", Times: -1})
	f.fails("autoscaling:DescribeAutoScalingGroups", "Throttling", "AWS throttles this account, try again later")
	f.Account.Reset()
	f.healed()
}

func TestFaultDenied(t *testing.T) {
	for action, call := range map[string]string{
		"CreateLaunchTemplateVersion": "ec2", "ModifyLaunchTemplate": "ec2", "UpdateAutoScalingGroup": "autoscaling", "CreateLaunchConfiguration": "autoscaling",
	} {
		t.Run(action, func(t *testing.T) {
			f := newFaulty(t)
			code := map[string]string{"ec2": "UnauthorizedOperation", "autoscaling": "AccessDenied"}[call]
			f.Account.Fail(wiretest.Fault{Service: call, Action: action, Error: code, Times: -1})
			out := domctl(t, 1, "apply", f.dir, "--auto-approve")
			f.says(out, "nodePools.", call+":"+action, code, "domctl doctor "+f.dir+" --policies", "domctl apply "+f.dir+" --resume ", "domctl rollback "+f.dir+" --to ")
			if n := f.wrote(action); n != 0 {
				t.Errorf("%s took effect %d times", action, n)
			}
			f.Account.Reset()
			f.resumed()
			if n := f.wrote(action); n == 0 {
				t.Errorf("%s was never made", action)
			}
		})
	}
}

// TestFaultExpiredHalfWay: with the credentials the records are out of reach, too.
func TestFaultExpiredHalfWay(t *testing.T) {
	for _, step := range []string{"hardwareTiers.small", "nodePools."} {
		t.Run(step, func(t *testing.T) {
			f := newFaulty(t)
			out := f.applyUntil(1, step, func() { f.Account.Fail(wiretest.Fault{Error: "ExpiredToken", Times: -1}) })
			f.says(out, "ExpiredToken", "sign in again", "domctl apply "+f.dir+" --resume ")
			f.fails("ExpiredToken", "sign in again")
			f.Account.Reset()
			f.resumed()
		})
	}
}

func TestFaultWrongAccount(t *testing.T) {
	f := newFaulty(t)
	wiretest.AWS(t).Setenv()
	f.fails("DC601", f.Account.ID, "use the credentials of that account")
	f.Account.Setenv()
	f.healed()
}

func TestFaultWrongDatabase(t *testing.T) {
	f := newFaulty(t)
	f.healed()
	f.edit(f.Database, "another")
	f.fails("DC604", "is empty", "this looks like another database")
	f.edit("another", f.Database)
	f.nothing()
}

func TestFaultEmptyDatabase(t *testing.T) {
	f := newFaulty(t)
	f.healed()
	tiers := f.DB.Collection("hardware_tier")
	var docs []bson.D
	cursor, err := tiers.Find(context.Background(), bson.D{})
	if err == nil {
		err = cursor.All(context.Background(), &docs)
	}
	if err == nil {
		_, err = tiers.DeleteMany(context.Background(), bson.D{})
	}
	if err != nil {
		t.Fatal(err)
	}
	f.fails("DC604", "hardware_tier is empty")
	if _, err := tiers.InsertMany(context.Background(), docs); err != nil {
		t.Fatal(err)
	}
	f.nothing()
}

// TestFaultRecordLost: a record was written, and nobody was told.
func TestFaultRecordLost(t *testing.T) {
	lost := wiretest.Fault{Service: "s3", Action: "PutObject", After: true}
	t.Run("at the beginning", func(t *testing.T) {
		f := newFaulty(t)
		f.Account.Fail(lost)
		f.convergesAfter(domctlAny(t, "apply", f.dir, "--auto-approve"))
	})
	for _, step := range []string{"hardwareTiers.small", "nodePools."} {
		t.Run(step, func(t *testing.T) {
			f := newFaulty(t)
			f.convergesAfter(f.applyAnyhow(step, func() { f.Account.Fail(lost) }))
		})
	}
}

// convergesAfter goes on after a command that either ended well or said how.
func (f *faulty) convergesAfter(code int, out string) {
	f.t.Helper()
	f.noSecret(out)
	f.Account.Reset()
	switch {
	case code == 0:
		f.nothing()
	case strings.Contains(out, "domctl apply "+f.dir+" --resume "):
		f.resumed()
	default:
		f.says(out, "s3:PutObject", f.Bucket)
		f.healed()
	}
}

func domctlAny(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(args, strings.NewReader(""), &b, &b)
	t.Logf("exit code %d:\n%s", code, &b)
	return code, b.String()
}

func (f *faulty) applyAnyhow(step string, breaks func()) (code int, out string) {
	f.t.Helper()
	var b bytes.Buffer
	hooked := at{&b, "  … " + step, breaks, new(sync.Once)}
	code = run([]string{"apply", f.dir, "--auto-approve", "--parallelism", "1"}, strings.NewReader(""), hooked, hooked)
	f.t.Logf("exit code %d:\n%s", code, &b)
	return code, b.String()
}

func TestFaultRecordsDenied(t *testing.T) {
	f := newFaulty(t)
	f.Account.Fail(wiretest.Fault{Service: "s3", Action: "PutObject", Error: "AccessDenied", Times: -1})
	before := database(t, f.Acme)
	out := domctl(t, 1, "apply", f.dir, "--auto-approve")
	f.says(out, "s3:PutObject", "AccessDenied", f.Bucket, "domctl doctor "+f.dir+" --policies")
	if after := database(t, f.Acme); after != before {
		t.Errorf("something was written without a record:\n%s", after)
	}
	f.Account.Reset()
	f.healed()
}

func TestFaultRecordsDeniedHalfWay(t *testing.T) {
	f := newFaulty(t)
	out := f.applyUntil(1, "hardwareTiers.small", func() {
		f.Account.Fail(wiretest.Fault{Service: "s3", Action: "PutObject", Error: "AccessDenied", Times: -1})
	})
	f.says(out, "s3:PutObject", "AccessDenied", f.Bucket, "domctl apply "+f.dir+" --resume ")
	f.Account.Reset()
	f.resumed()
}

func TestFaultBucketMissing(t *testing.T) {
	f := newFaulty(t)
	f.edit(f.Bucket, "nowhere-"+f.Account.ID)
	f.fails("NoSuchBucket", "s3://nowhere-"+f.Account.ID, "deployment.state.s3")
	f.edit("nowhere-"+f.Account.ID, f.Bucket)
	f.healed()
}

// TestFaultMongoSlow: late answers are waited for.
func TestFaultMongoSlow(t *testing.T) {
	f := newFaulty(t)
	f.proxy.Delay(150 * time.Millisecond)
	f.healed()
}

// TestFaultMongoReadOnly: the URI's user may read. The server has no users, so a
// member of a set refuses in its place.
func TestFaultMongoReadOnly(t *testing.T) {
	f, set := newSet(t)
	for _, command := range []string{"update", "insert"} {
		for range 8 {
			set.FailOver(command, false, wiretest.Refusal(13, "Unauthorized"))
		}
	}
	before := database(t, f.Acme)
	out := domctl(t, 1, "apply", f.dir, "--auto-approve", "--parallelism", "1")
	f.says(out, "hardwareTiers.small", "the URI's user may not do this (Unauthorized 13)", "domctl doctor "+f.dir+" --policies", "domctl apply "+f.dir+" --resume ")
	if after := database(t, f.Acme); after != before || strings.Contains(out, serversText) {
		t.Errorf("something was written or shown: %s\n%s", after, out)
	}
}

func TestFaultUnexpectedType(t *testing.T) {
	f := newFaulty(t)
	for value, says := range map[any]string{"two": "resources.cores holds a string where a number is expected", true: "resources.cores holds a truth value where a number is expected"} {
		setLive(t, f.Acme, "resources.cores", value)
		f.fails("DC146", "hardwareTiers.small", says)
	}
	setLive(t, f.Acme, "resources.cores", 1.0)
	f.healed()
}

func setLive(t *testing.T, a *wiretest.Acme, path string, value any) {
	t.Helper()
	_, err := a.DB.Collection("hardware_tier").UpdateByID(context.Background(), "small", bson.D{{Key: "$set", Value: bson.D{{Key: path, Value: value}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFaultRegistry: what a registry refuses is told by the image, and
// resolved.cue stays as it was.
func TestFaultRegistry(t *testing.T) {
	f := newFaulty(t)
	status := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(server.Close)
	image := strings.TrimPrefix(server.URL, "http://") + "/base/ded:1"
	f.edit("package domino\n", "package domino\n\nbaseImages: ded: image: \""+image+"\"\n")
	for code, says := range map[int]string{401: "docker login", 404: "not found", 429: "throttled", 500: "500"} {
		status = code
		f.says(domctl(t, 1, "update", f.dir), "baseImages.ded: "+image, says, "resolved.cue stays as it was")
		if _, err := os.Stat(filepath.Join(f.dir, "resolved.cue")); err == nil {
			t.Errorf("%d: resolved.cue was written", code)
		}
	}
}
