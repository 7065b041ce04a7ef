package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
	"domctl.dev/internal/state/statetest"
)

// quiet drops the server's log.
type quiet struct{}

func (quiet) Print(gofakes3.LogLevel, ...any) {}

// s3Server gives a bucket "acme" on a server in this process; wrap stands before it.
func s3Server(t *testing.T, wrap func(http.Handler) http.Handler) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("acme"); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(backend, gofakes3.WithLogger(quiet{})).Server()
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	environment(t, server.URL)
}

func mustOpen(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestS3Contract(t *testing.T) {
	statetest.Run(t, 60, func(t *testing.T) applier.Store {
		s3Server(t, nil)
		return state.S3(mustOpen(t, Config{PageSize: 25}).Bucket(BucketConfig{Bucket: "acme"}), "prod")
	})
}

func TestAMissingBucketIsNotAnAbsentKey(t *testing.T) {
	s3Server(t, nil)
	s := state.S3(mustOpen(t, Config{}).Bucket(BucketConfig{Bucket: "none"}), "")
	_, _, getErr := s.Get(t.Context(), "k")
	_, listErr := s.List(t.Context(), "")
	_, putErr := s.PutIfNone(t.Context(), "k", nil)
	for _, err := range []error{getErr, listErr, putErr} {
		if err == nil || errors.Is(err, applier.ErrNoKey) || !strings.Contains(err.Error(), "NoSuchBucket") {
			t.Errorf("%v", err)
		}
	}
}

func TestOnlyThePrefixIsSeen(t *testing.T) {
	s3Server(t, nil)
	b := mustOpen(t, Config{}).Bucket(BucketConfig{Bucket: "acme"})
	prod, production := state.S3(b, "prod"), state.S3(b, "production")
	for _, s := range []applier.Store{prod, production} {
		if _, err := s.PutIfNone(t.Context(), "lock", nil); err != nil {
			t.Fatal(err)
		}
		if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 || keys[0] != "lock" {
			t.Fatalf("%q, %v", keys, err)
		}
	}
	if _, _, err := b.PutObject(t.Context(), "prod/folder/", nil, ""); err != nil {
		t.Fatal(err)
	}
	if keys, err := prod.List(t.Context(), ""); err == nil {
		t.Errorf("a stranger's object is listed with %q", keys)
	}
}

func TestPutsSayWhatTheyNeed(t *testing.T) {
	var mu sync.Mutex
	var headers []http.Header
	s3Server(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			headers = append(headers, r.Header.Clone())
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	})
	s := state.S3(mustOpen(t, Config{}).Bucket(BucketConfig{Bucket: "acme", KMSKey: "alias/domctl", Owner: "111122223333"}), "")
	etag, err := s.PutIfNone(t.Context(), "k", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutIfMatch(t.Context(), "k", []byte("2"), etag); err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]string{{"If-None-Match": "*", "If-Match": ""}, {"If-None-Match": "", "If-Match": etag}} {
		want["X-Amz-Server-Side-Encryption"], want["X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"], want["X-Amz-Expected-Bucket-Owner"] = "aws:kms", "alias/domctl", "111122223333"
		for name, value := range want {
			if got := headers[i].Get(name); got != value {
				t.Errorf("put %d has %s %q; want %q", i, name, got, value)
			}
		}
	}
}

// TestAConflictIsUnclear: S3 answers 409 when two conditional writes meet, and
// one of them may have been this one.
func TestAConflictIsUnclear(t *testing.T) {
	sent := 0
	s3Server(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent++
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`<Error><Code>ConditionalRequestConflict</Code><Message>meet</Message></Error>`))
		})
	})
	s := state.S3(mustOpen(t, Config{}).Bucket(BucketConfig{Bucket: "acme"}), "")
	_, err := s.PutIfNone(t.Context(), "k", nil)
	if err == nil || errors.Is(err, applier.ErrExists) || sent != 1 {
		t.Errorf("%v after %d requests", err, sent)
	}
}

// fakeKMS wraps a key as the context and the key, in the clear.
func fakeKMS(q request) (int, string) {
	var in struct {
		KeyId             string
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal([]byte(q.body), &in); err != nil {
		return http.StatusBadRequest, refusal(q, "SerializationException", "x")
	}
	bound := in.KeyId + in.EncryptionContext["domctl:deployment"]
	if q.action == "GenerateDataKey" {
		key := []byte(strings.Repeat("k", 32))
		out, _ := json.Marshal(map[string]any{"KeyId": in.KeyId, "Plaintext": key, "CiphertextBlob": []byte(bound + string(key))})
		return http.StatusOK, string(out)
	}
	key, ok := strings.CutPrefix(string(in.CiphertextBlob), bound)
	if !ok {
		return http.StatusBadRequest, refusal(q, "InvalidCiphertextException", "")
	}
	return http.StatusOK, `{"KeyId":"` + in.KeyId + `","Plaintext":"` + base64.StdEncoding.EncodeToString([]byte(key)) + `"}`
}

func TestKeeper(t *testing.T) {
	f := startFake(t, fakeKMS)
	c := f.open(Config{})
	var keeper state.Keeper = c.Keeper("alias/domctl", "acme-prod")
	key, wrapped, err := keeper.NewKey(t.Context())
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	if again, err := keeper.OpenKey(t.Context(), wrapped); err != nil || string(again) != string(key) {
		t.Errorf("%q, %v", again, err)
	}
	if _, err := c.Keeper("alias/domctl", "acme-test").OpenKey(t.Context(), wrapped); err == nil || !strings.Contains(err.Error(), "InvalidCiphertextException") {
		t.Errorf("another deployment's key: %v", err)
	}
	m := state.Memory()
	sealed := state.Sealed(m, keeper, "acme-prod")
	if _, err := sealed.PutIfNone(context.Background(), "applied", []byte("canary")); err != nil {
		t.Fatal(err)
	}
	if body, _, err := sealed.Get(t.Context(), "applied"); err != nil || string(body) != "canary" || strings.Contains(string(m.Bodies()["applied"]), "canary") {
		t.Errorf("%q, %v", body, err)
	}
}

func TestTheTemplateOfAMixedPolicy(t *testing.T) {
	var update request
	f := startFake(t, func(q request) (int, string) {
		if q.action == "UpdateAutoScalingGroup" {
			update = q
			return http.StatusOK, result(q, "")
		}
		return http.StatusOK, result(q, `<AutoScalingGroups><member><AutoScalingGroupName>a</AutoScalingGroupName><MixedInstancesPolicy>`+
			`<InstancesDistribution><OnDemandBaseCapacity>1</OnDemandBaseCapacity></InstancesDistribution><LaunchTemplate>`+
			`<LaunchTemplateSpecification><LaunchTemplateId>lt-1</LaunchTemplateId><LaunchTemplateName>n</LaunchTemplateName><Version>1</Version></LaunchTemplateSpecification>`+
			`<Overrides><member><InstanceType>g5.2xlarge</InstanceType><WeightedCapacity>2</WeightedCapacity></member><member><InstanceType>g5.4xlarge</InstanceType>`+
			`<LaunchTemplateSpecification><LaunchTemplateId>lt-2</LaunchTemplateId><LaunchTemplateName>m</LaunchTemplateName><Version>3</Version></LaunchTemplateSpecification></member></Overrides>`+
			`</LaunchTemplate></MixedInstancesPolicy></member></AutoScalingGroups>`)
	})
	c := f.open(Config{})
	if err := c.UpdateAutoScalingGroup(t.Context(), port.GroupUpdate{Name: "a", Template: "lt-1", Version: "2", Mixed: true}); err != nil {
		t.Fatal(err)
	}
	const policy = "MixedInstancesPolicy.LaunchTemplate."
	for name, want := range map[string]string{
		policy + "LaunchTemplateSpecification.LaunchTemplateId": "lt-1", policy + "LaunchTemplateSpecification.Version": "2",
		policy + "LaunchTemplateSpecification.LaunchTemplateName": "", policy + "Overrides.member.1.WeightedCapacity": "2",
		policy + "Overrides.member.2.LaunchTemplateSpecification.LaunchTemplateId": "lt-2", policy + "Overrides.member.2.LaunchTemplateSpecification.LaunchTemplateName": "",
		"MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity": "", "LaunchTemplate.LaunchTemplateId": "",
	} {
		if got := update.form.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	for _, u := range []port.GroupUpdate{{Name: "a", Version: "2"}, {Name: "a", Mixed: true}, {Name: "a", Min: new(int64(-1))}, {Name: "a", Max: new(int64(1) << 40)}} {
		before := len(f.requests())
		if err := c.UpdateAutoScalingGroup(t.Context(), u); err == nil || len(f.requests()) != before {
			t.Errorf("%+v: %v", u, err)
		}
	}
}

func TestUnknownIdsAreLeftOut(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		if q.form.Has("LaunchTemplateId.1") || q.form.Has("LaunchTemplateVersion.1") {
			return http.StatusBadRequest, refusal(q, "InvalidLaunchTemplateId.NotFound", "lt-9 does not exist")
		}
		if q.action == "DescribeLaunchTemplates" {
			return http.StatusOK, result(q, `<launchTemplates><item><launchTemplateId>lt-1</launchTemplateId></item><item><launchTemplateId>lt-2</launchTemplateId></item></launchTemplates>`)
		}
		return http.StatusOK, result(q, `<launchTemplateVersionSet><item><versionNumber>1</versionNumber></item><item><versionNumber>2</versionNumber></item></launchTemplateVersionSet>`)
	})
	c := f.open(Config{})
	templates, err := c.DescribeLaunchTemplates(t.Context(), []string{"lt-2", "lt-9"})
	if err != nil || len(templates) != 1 || templates[0].ID != "lt-2" {
		t.Errorf("%+v, %v", templates, err)
	}
	versions, err := c.DescribeLaunchTemplateVersions(t.Context(), "lt-1", []int64{2, 9})
	if err != nil || len(versions) != 1 || versions[0].Number != 2 {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestImagesAreAskedForByFilter(t *testing.T) {
	f := startFake(t, func(q request) (int, string) { return http.StatusOK, result(q, `<imagesSet/>`) })
	c := f.open(Config{})
	ids := make([]string, 0, 450)
	for i := range 450 {
		ids = append(ids, "ami-"+strings.Repeat("0", i%10)+string(rune('a'+i%26))+strings.Repeat("1", i/26))
	}
	if _, err := c.DescribeImages(t.Context(), port.ImageQuery{IDs: append(ids, ids[0]), Owners: []string{"self"}}); err != nil {
		t.Fatal(err)
	}
	sent := f.requests()
	if len(sent) != 3 {
		t.Fatalf("%d calls for 450 ids", len(sent))
	}
	if q := sent[0].form; q.Has("ImageId.1") || q.Get("Filter.1.Name") != "image-id" || q.Get("Filter.1.Value.200") == "" || q.Get("IncludeDeprecated") != "true" || q.Get("Owner.1") != "self" {
		t.Errorf("asked %v", q.Get("Filter.1.Name"))
	}
	if got, err := c.DescribeImages(t.Context(), port.ImageQuery{IDs: []string{}}); err != nil || got != nil || len(f.requests()) != 3 {
		t.Errorf("no ids: %v, %v", got, err)
	}
}

func TestProbe(t *testing.T) {
	denied := map[string]bool{"DescribeLaunchConfigurations": true, "ModifyLaunchTemplate": true}
	f := startFake(t, func(q request) (int, string) {
		switch {
		case denied[q.action]:
			return http.StatusForbidden, refusal(q, "AccessDenied", "no")
		case q.form.Get("DryRun") == "true":
			return http.StatusPreconditionFailed, refusal(q, "DryRunOperation", "would have succeeded")
		case q.service == "ssm":
			return http.StatusOK, "{}"
		case strings.HasPrefix(q.action, "Describe"), strings.HasPrefix(q.action, "Get"):
			return http.StatusOK, result(q, "")
		}
		t.Errorf("%s is called for real", q.action)
		return http.StatusOK, "{}"
	})
	verdict := f.open(Config{}).Probe(t.Context(), Apply, Scope{Bakes: true, Rolls: true, Alarms: true, Moves: true})
	for _, p := range Permissions(Apply) {
		service, operation, _ := strings.Cut(p.Call, ":")
		err, tried := verdict[p.Call]
		switch {
		case denied[operation] && !errors.Is(err, port.ErrDenied), errors.Is(err, ErrUnprobed) && service == "ec2":
			t.Errorf("%s: %v", p.Call, err)
		case tried && err != nil && !denied[operation] && !errors.Is(err, ErrUnprobed):
			t.Errorf("%s: %v", p.Call, err)
		case !tried && (service == "ec2" || service == "autoscaling"):
			t.Errorf("%s is not tried", p.Call)
		}
	}
	if plan := f.open(Config{}).Probe(t.Context(), Plan, Scope{}); len(plan) != 9 {
		t.Errorf("a plan tries %v", plan)
	}
}

func TestWarningsAreHeard(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		return http.StatusOK, result(q, `<launchTemplateVersion><versionNumber>3</versionNumber></launchTemplateVersion>`+
			`<warning><errorSet><item><code>InvalidAMIID.NotFound</code><message>no such image</message></item></errorSet></warning>`)
	})
	var heard []string
	c := f.open(Config{Warn: func(operation, text string) { heard = append(heard, operation+" "+text) }})
	n, err := c.CreateLaunchTemplateVersion(t.Context(), port.NewLaunchTemplateVersion{Template: "lt-1", Source: 1, Token: "apply-1/step-1"})
	if n != 3 || err != nil || len(heard) != 1 || heard[0] != "ec2:CreateLaunchTemplateVersion InvalidAMIID.NotFound: no such image" {
		t.Errorf("%d, %v, %v", n, err, heard)
	}
	if q := f.requests()[0].form; q.Get("ClientToken") != "apply-1/step-1" || q.Get("SourceVersion") != "1" {
		t.Errorf("sent %v", q)
	}
}
