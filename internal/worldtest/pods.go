package worldtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// Budget is a disruption budget: so many pods with these labels stay healthy.
type Budget struct {
	Namespace, Name string
	Labels          map[string]string
	MinAvailable    int64
}

// replica is one of a ReplicaSet, whose name is its label app.
func replica(node, name, of string) port.Pod {
	p := run(node, name)
	p.Labels, p.OwnerKind, p.Owner = map[string]string{"app": of}, "ReplicaSet", of
	return p
}

func thePod(t *testing.T, w World, name string) port.Pod {
	t.Helper()
	p, there := findPod(t, w, name)
	if !there {
		t.Fatalf("no pod %s", name)
	}
	return p
}

func findPod(t *testing.T, w World, name string) (port.Pod, bool) {
	t.Helper()
	for _, p := range value(w.Nodes.ListPods(background(), ""))(t) {
		if p.Namespace == NodeSpace && p.Name == name {
			return p, true
		}
	}
	return port.Pod{}, false
}

func podsRead(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Node(t, NodeExample("b"))
	one, two, static, waits := run("a", "one"), replica("b", "two", "web"), run("a", "static"), run("", "waits")
	one.LocalData, static.Mirror, waits.Phase, waits.Unscheduled = true, true, "Pending", "0/2 nodes are available: 2 Insufficient cpu."
	for _, p := range []port.Pod{one, two, static, waits} {
		w.Put.Pod(t, p)
	}
	for _, want := range []port.Pod{one, two, static, waits} {
		got := thePod(t, w, want.Name)
		if got.UID == "" || got.Created.IsZero() {
			t.Errorf("%s: uid %q, created %v", want.Name, got.UID, got.Created)
		}
		for key, v := range want.Labels {
			if got.Labels[key] != v {
				t.Errorf("%s: label %s is %q, want %q", want.Name, key, got.Labels[key], v)
			}
		}
		want.UID, want.Created, want.Labels = got.UID, got.Created, got.Labels // a cluster adds its own
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	}
	names := func(node string) (all []string) {
		for _, p := range value(w.Nodes.ListPods(background(), node))(t) {
			all = append(all, p.Name)
		}
		slices.Sort(all)
		return all
	}
	for node, want := range map[string]string{"": "[one static two waits]", "a": "[one static]", "b": "[two]", "c": "[]", "a,b": "[]"} {
		if got := fmt.Sprint(names(node)); got != want {
			t.Errorf("pods of %q: %s, want %s", node, got, want)
		}
	}
}

// ended lets time pass until a pod is gone.
func ended(t *testing.T, w World, name string) {
	t.Helper()
	w.Settle(t)
	if p, there := findPod(t, w, name); there {
		t.Errorf("%s is there: %+v", name, p)
	}
}

func podsEvicted(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Pod(t, run("a", "two"))
	p := thePod(t, w, "one")
	if p.Ending {
		t.Error("it ends before it was evicted")
	}
	must(t, w.Nodes.EvictPod(background(), p))
	if p, there := findPod(t, w, "one"); there && !p.Ending {
		t.Errorf("its end has not begun: %+v", p)
	}
	ended(t, w, "one")
	if thePod(t, w, "two").Ending {
		t.Error("the other one ends too")
	}
}

func podsUnknown(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	p := thePod(t, w, "one")
	for name, other := range map[string]func(*port.Pod){
		"another UID":       func(p *port.Pod) { p.UID = "00000000-0000-0000-0000-000000000000" },
		"gone":              func(p *port.Pod) { p.Name = "two" },
		"another namespace": func(p *port.Pod) { p.Namespace = "domino-platform" },
		"no name":           func(p *port.Pod) { p.Name = "" },
		"no UID":            func(p *port.Pod) { p.UID = "" },
		"a path":            func(p *port.Pod) { p.Name = "../../nodes" },
	} {
		of := p
		other(&of)
		if err := w.Nodes.EvictPod(background(), of); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if thePod(t, w, "one").Ending {
		t.Error("it ends")
	}
}

// podsAgain: an eviction may be repeated, while its pod ends and when it has.
func podsAgain(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Budget(t, Budget{NodeSpace, "none", map[string]string{"app": "run"}, 0})
	p := thePod(t, w, "one")
	must(t, w.Nodes.EvictPod(background(), p))
	if err := w.Nodes.EvictPod(background(), p); err != nil && !errors.Is(err, port.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	ended(t, w, "one")
	if err := w.Nodes.EvictPod(background(), p); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("when it is gone: %v, want ErrNotFound", err)
	}
}

func budgetsAllow(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Pod(t, run("a", "two"))
	w.Put.Budget(t, Budget{NodeSpace, "half", map[string]string{"app": "run"}, 1})
	must(t, w.Nodes.EvictPod(background(), thePod(t, w, "one")))
	if err := w.Nodes.EvictPod(background(), thePod(t, w, "two")); !errors.Is(err, port.ErrBudget) {
		t.Errorf("the last one: %v, want ErrBudget", err)
	}
	ended(t, w, "one")
	if err := w.Nodes.EvictPod(background(), thePod(t, w, "two")); !errors.Is(err, port.ErrBudget) {
		t.Errorf("the last one, later: %v, want ErrBudget", err)
	}
	w.Put.Pod(t, run("a", "three"))
	until(t, w, func() error { return w.Nodes.EvictPod(background(), thePod(t, w, "two")) })
	ended(t, w, "two")
}

// until lets time pass until a budget allows what it forbade: it is reckoned anew after a
// pod is ready.
func until(t *testing.T, w World, evict func() error) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; w.Settle(t) {
		err := evict()
		if err == nil {
			return
		}
		if !errors.Is(err, port.ErrBudget) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func budgetsForbid(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Budget(t, Budget{NodeSpace, "all", map[string]string{"app": "run"}, 1})
	err := w.Nodes.EvictPod(background(), thePod(t, w, "one"))
	if !errors.Is(err, port.ErrBudget) || errors.Is(err, port.ErrThrottled) || !strings.Contains(err.Error(), "all") {
		t.Errorf("%v, want ErrBudget with the budget's name", err)
	}
	if thePod(t, w, "one").Ending {
		t.Error("it ends")
	}
}

func budgetsOthers(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Budget(t, Budget{NodeSpace, "another", map[string]string{"app": "web"}, 1})
	must(t, w.Nodes.EvictPod(background(), thePod(t, w, "one")))
}

func budgetsWaiting(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	p := run("", "waits")
	p.Phase = "Pending"
	done := run("a", "done")
	done.Phase = "Succeeded"
	w.Put.Pod(t, p)
	w.Put.Pod(t, done)
	w.Put.Budget(t, Budget{NodeSpace, "all", map[string]string{"app": "run"}, 5})
	must(t, w.Nodes.EvictPod(background(), thePod(t, w, "waits")))
	must(t, w.Nodes.EvictPod(background(), thePod(t, w, "done")))
}

func budgetsSeveral(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Pod(t, run("a", "one"))
	w.Put.Budget(t, Budget{NodeSpace, "one", map[string]string{"app": "run"}, 0})
	w.Put.Budget(t, Budget{NodeSpace, "two", map[string]string{"app": "run"}, 0})
	if err := w.Nodes.EvictPod(background(), thePod(t, w, "one")); !errors.Is(err, port.ErrBudget) {
		t.Errorf("%v, want ErrBudget", err)
	}
}
