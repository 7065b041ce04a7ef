package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

const faulty = `{
  "aws": {
    "account": "111122223333", "region": "us-west-2",
    "autoScalingGroups": {"acme-a": {"min": 0, "max": 4, "desired": 1}},
    "images": {"ami-1": {"architecture": "x86_64", "name": "one"}, "ami-2": {"architecture": "x86_64", "name": "two"}}
  },
  "mongo": {"c": [{"_id": 1, "n": 1}]},
  "faults": [FAULT]
}`

func faultWorld(t *testing.T, fault string, o Options) (*World, string) {
	t.Helper()
	return open(t, strings.Replace(faulty, "FAULT", fault, 1), o)
}

func set(w *World, n string) (bool, error) {
	return w.UpdateOne(context.Background(), "c", port.Document{"_id": number("1")}, port.Document{"n": number(n)}, nil)
}

func n(t *testing.T, w *World) string {
	t.Helper()
	s, err := w.backing.load()
	if err != nil {
		t.Fatal(err)
	}
	v, _ := s.mongo["c"].docs[0].body.get("n")
	return v.text
}

func TestFaultsOfReads(t *testing.T) {
	for fault, want := range map[string]string{
		`{"fault": "denied", "call": "DescribeImages"}`:     "access denied",
		`{"fault": "throttled", "call": "Describe*"}`:       "throttled",
		`{"fault": "expired"}`:                              "expired",
		`{"fault": "down"}`:                                 "connection refused",
		`{"fault": "lost", "call": "DescribeImages"}`:       "before the answer came",
		`{"fault": "partialPage"}`:                          "after the first page",
		`{"fault": "repeatedToken"}`:                        "page token repeats",
		`{"fault": "denied", "call": "Find"}`:               "",
		`{"fault": "notPrimary"}`:                           "",
		`{"fault": "readOnly"}, {"fault": "failover"}`:      "",
		`{"fault": "throttled", "after": 1}`:                "",
		`{"fault": "lag", "writes": 3}`:                     "",
		`{"fault": "slow", "delay": "1h", "call": "Desc*"}`: "waited",
	} {
		waited := errors.New("waited")
		w, _ := faultWorld(t, fault, Options{Wait: func(_ context.Context, d time.Duration) error {
			if d != time.Hour {
				t.Errorf("waits %v", d)
			}
			return waited
		}})
		images, err := w.DescribeImages(context.Background(), port.ImageQuery{})
		switch {
		case want == "" && (err != nil || len(images) != 2):
			t.Errorf("%s: %d images, %v", fault, len(images), err)
		case want != "" && (err == nil || images != nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %d images, %v, want %q", fault, len(images), err, want)
		}
	}
}

func TestFaultsOfWrites(t *testing.T) {
	for fault, effect := range map[string]bool{
		`{"fault": "notPrimary"}`: false, `{"fault": "readOnly"}`: false, `{"fault": "denied", "call": "UpdateOne"}`: false, `{"fault": "down"}`: false,
		`{"fault": "failover"}`: true, `{"fault": "lost", "call": "Update*"}`: true,
	} {
		w, _ := faultWorld(t, fault, Options{})
		matched, err := set(w, "2")
		if err == nil || matched {
			t.Errorf("%s: matched %v, %v", fault, matched, err)
		}
		if got := n(t, w) == "2"; got != effect {
			t.Errorf("%s: took effect: %v, want %v", fault, got, effect)
		}
	}
}

func TestFaultStrikesAsOftenAsAsked(t *testing.T) {
	w, _ := faultWorld(t, `{"fault": "throttled", "after": 1, "times": 2}`, Options{})
	var got []bool
	for range 5 {
		_, err := w.GetCallerIdentity(context.Background())
		got = append(got, errors.Is(err, port.ErrThrottled))
	}
	if want := []bool{false, true, true, false, false}; !equalBools(got, want) {
		t.Errorf("throttled %v, want %v", got, want)
	}
}

func equalBools(a, b []bool) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestHangEndsWithItsCaller(t *testing.T) {
	w, _ := faultWorld(t, `{"fault": "hang", "call": "Find"}`, Options{})
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() {
		_, err := w.Find(ctx, port.Query{Collection: "c"})
		done <- err
	}()
	cancel(nil)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestUnknownFaultOfOptions(t *testing.T) {
	_, err := NewMemory("memory", []byte(`{"faults": [{"fault": "slow", "delay": "soon"}]}`))
	if err == nil || !strings.Contains(err.Error(), `"soon" is not a time`) {
		t.Error(err)
	}
	m, err := NewMemory("memory", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Open(Options{Faults: []Fault{{Fault: "thunder"}}}); err == nil || !strings.Contains(err.Error(), "thunder") {
		t.Error(err)
	}
}

func TestHookStandsOnBothSidesOfTheEffect(t *testing.T) {
	died := errors.New("died")
	for _, phase := range []Phase{Before, After} {
		var calls []string
		w, _ := faultWorld(t, "", Options{Hook: func(call string, p Phase) error {
			calls = append(calls, call+" "+string(p))
			if p == phase {
				return died
			}
			return nil
		}})
		if _, err := set(w, "2"); !errors.Is(err, died) {
			t.Errorf("%s: %v", phase, err)
		}
		if effect := n(t, w) == "2"; effect != (phase == After) {
			t.Errorf("%s: took effect: %v", phase, effect)
		}
		if calls[len(calls)-1] != "UpdateOne "+string(phase) {
			t.Errorf("%s: %v", phase, calls)
		}
	}
}

func TestReadsOfAWSLagAndThoseOfMongoDoNot(t *testing.T) {
	lag := 0
	w, _ := faultWorld(t, "", Options{Lag: func(string) int { return lag }})
	grow := func(size int64) {
		if err := w.UpdateAutoScalingGroup(context.Background(), port.GroupUpdate{Name: "acme-a", Desired: &size}); err != nil {
			t.Fatal(err)
		}
	}
	grow(2)
	grow(3)
	if _, err := set(w, "2"); err != nil {
		t.Fatal(err)
	}
	for k, want := range []int64{3, 3, 2, 1, 1} {
		lag = k
		groups, err := w.DescribeAutoScalingGroups(context.Background(), nil)
		if err != nil || groups[0].Desired != want {
			t.Errorf("%d writes behind: %+v, %v, want %d", k, groups, err, want)
		}
		docs, err := w.Find(context.Background(), port.Query{Collection: "c"})
		if err != nil || docs[0]["n"] != number("2") {
			t.Errorf("%d writes behind: %v, %v", k, docs, err)
		}
	}
}

func TestEditByHandIsSeen(t *testing.T) {
	w, path := faultWorld(t, "", Options{})
	edit := func(old, young string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, young, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit(`"n": 1`, `"n": 17`)
	if got := n(t, w); got != "17" {
		t.Errorf("n is %s", got)
	}
	edit(`"n": 17}`, `"n": 17`)
	if _, err := w.Find(context.Background(), port.Query{Collection: "c"}); err == nil || !strings.Contains(err.Error(), path+":7:") {
		t.Errorf("a broken file: %v", err)
	}
	if _, err := set(w, "2"); err == nil {
		t.Error("a broken file was written over")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Find(context.Background(), port.Query{Collection: "c"}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "domctl sandbox reset") {
		t.Errorf("no file: %v", err)
	}
}

// TestWritersOfOneFileLoseNothing: handles of one file stand for processes.
func TestWritersOfOneFileLoseNothing(t *testing.T) {
	_, path := faultWorld(t, "", Options{})
	const writers, each = 4, 10
	var all sync.WaitGroup
	for i := range writers {
		w, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for j := range each {
				id := number(string(rune('1'+i)) + string(rune('0'+j)))
				if err := w.InsertOne(context.Background(), "d", port.Document{"_id": id}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	w, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	docs, err := w.Find(context.Background(), port.Query{Collection: "d"})
	if err != nil || len(docs) != writers*each {
		t.Errorf("%d documents, want %d: %v", len(docs), writers*each, err)
	}
	left, err := filepath.Glob(filepath.Dir(path) + "/*")
	if err != nil || len(left) != 2 {
		t.Errorf("files are %v, want the sandbox and its lock", left)
	}
}

func TestLockWaitEndsWithItsCaller(t *testing.T) {
	w, path := faultWorld(t, "", Options{})
	unlock, err := lock(context.Background(), path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.opts.Hook = func(_ string, p Phase) error {
		if p == Before {
			cancel()
		}
		return nil
	}
	_, err = w.UpdateOne(ctx, "c", port.Document{"_id": number("1")}, port.Document{"n": number("2")}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	unlock()
	w.opts.Hook = nil
	if ok, err := set(w, "3"); !ok || err != nil {
		t.Error(ok, err)
	}
}

// TestEveryCallHasItsName, by which faults, hooks and counts know it.
func TestEveryCallHasItsName(t *testing.T) {
	want := map[string]bool{"KubernetesSecret": true}
	for _, p := range []reflect.Type{reflect.TypeFor[port.Outside](), reflect.TypeFor[port.Shell](), reflect.TypeFor[port.Secrets](), reflect.TypeFor[port.Domino](), reflect.TypeFor[port.Grid]()} {
		for i := range p.NumMethod() {
			want[p.Method(i).Name] = true
		}
	}
	delete(want, "In") // asks nothing
	got := map[string]bool{}
	for _, name := range Calls() {
		got[name] = true
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("named are\n%v, the ports have\n%v", schema.Sorted(got), schema.Sorted(want))
	}
}
