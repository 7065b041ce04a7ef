package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// groupWorld is a group of the file "aws.autoScalingGroups", by its fields beside the
// template, and a clock that the test moves.
type groupWorld struct {
	*testing.T
	*World
	now  time.Time
	file *Memory
}

const groupFile = `{"aws": {"account": "111122223333", "region": "us-west-2",
	"launchTemplates": {"lt-a": {"default": 1, "name": "a", "versions": [{"image": "ami-1", "instanceType": "m5.large", "number": 1}, {"image": "ami-2", "instanceType": "m5.large", "number": 2}]}},
	"nodeGroups": {"acme": {"ng": {"amiType": "CUSTOM", "desired": 2, "max": 4, "min": 0, "groups": ["g"], "template": "lt-a", "version": 1}}},
	"autoScalingGroups": {"g": {"template": "lt-a", "version": "1", "min": 0, %s}}}}`

func newGroup(t *testing.T, fields string) *groupWorld {
	t.Helper()
	g := &groupWorld{T: t, now: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}
	var err error
	if g.file, err = NewMemory("memory", []byte(fmt.Sprintf(groupFile, fields))); err != nil {
		t.Fatal(err)
	}
	g.World = view(t, g.file, Options{Clock: func() time.Time { return g.now }})
	return g
}

func (g *groupWorld) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

// shows is what stands after a while: lifecycle states and versions, sorted.
func (g *groupWorld) shows(after time.Duration, want string) {
	g.Helper()
	g.now = g.now.Add(after)
	found, err := g.DescribeAutoScalingInstances(g.Context(), []string{"g"})
	g.must(err)
	var got []string
	for _, i := range found {
		text := i.Lifecycle + "/" + i.Version
		if !i.Healthy {
			text += "!"
		}
		got = append(got, text)
	}
	slices.Sort(got)
	if text := strings.Join(got, " "); text != want {
		g.Errorf("at %s: %s, want %s", g.now.Format(time.TimeOnly), text, want)
	}
}

func (g *groupWorld) members() []port.GroupInstance {
	g.Helper()
	found, err := g.DescribeAutoScalingInstances(g.Context(), []string{"g"})
	g.must(err)
	return found
}

func (g *groupWorld) desire(n int64) {
	g.Helper()
	g.must(g.UpdateAutoScalingGroup(g.Context(), port.GroupUpdate{Name: "g", Desired: &n}))
}

func (g *groupWorld) switches() {
	g.Helper()
	g.must(g.UpdateAutoScalingGroup(g.Context(), port.GroupUpdate{Name: "g", Template: "lt-a", Version: "2"}))
}

// change edits the file by hand.
func (g *groupWorld) change(f func(*state)) {
	g.Helper()
	g.must(g.backing.update(context.Background(), func(s *state) (*state, error) {
		n, err := decode("edit", string(g.built(s).encode()))
		if err == nil {
			f(n)
		}
		return n, err
	}))
}

func (g *groupWorld) changeGroup(f func(*group)) {
	g.Helper()
	g.change(func(s *state) {
		was := s.aws.AutoScalingGroups["g"]
		f(&was)
		s.aws.AutoScalingGroups["g"] = was
	})
}

func (g *groupWorld) refresh(r port.NewInstanceRefresh) {
	g.Helper()
	r.Group = "g"
	_, err := g.StartInstanceRefresh(g.Context(), r)
	g.must(err)
}

func (g *groupWorld) status(want string) port.InstanceRefresh {
	g.Helper()
	found, err := g.DescribeInstanceRefreshes(g.Context(), "g")
	g.must(err)
	if text := fmt.Sprintf("%s %d%%", found[0].Status, found[0].Percent); text != want {
		g.Errorf("at %s: refresh %s (%s), want %s", g.now.Format(time.TimeOnly), text, found[0].Reason, want)
	}
	return found[0]
}

// TestGroupTakesTime: instances come and go on the clock, from the version that stands
// when they are launched.
func TestGroupTakesTime(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 2, "max": 4, "takes": "90s"`)
	g.shows(0, "InService/1 InService/1")
	g.switches()
	g.desire(3)
	g.shows(89*time.Second, "InService/1 InService/1 Pending/2")
	g.shows(time.Second, "InService/1 InService/1 InService/2")
	g.desire(2)
	g.shows(0, "InService/1 InService/2 Terminating/1")
	g.shows(90*time.Second, "InService/1 InService/2")
	found, err := g.DescribeInstances(t.Context(), port.Select{Filters: map[string][]string{"image-id": {"ami-2"}}})
	g.must(err)
	if len(found) != 1 || found[0].State != "running" || found[0].Keeper() != "Auto Scaling group g" {
		t.Errorf("instances of the new image are %+v", found)
	}
}

// TestGroupIsTheSameHoweverOftenItIsRead: what a file becomes does not depend on who
// looked when.
func TestGroupIsTheSameHoweverOftenItIsRead(t *testing.T) {
	var files [2]string
	for i := range files {
		g := newGroup(t, `"launches": true, "desired": 3, "max": 9, "takes": "30s"`)
		g.switches()
		g.refresh(port.NewInstanceRefresh{MinHealthy: 66, MaxHealthy: 100})
		for range 20 {
			g.now = g.now.Add(10 * time.Second)
			if i == 1 {
				g.members()
				g.must(g.ModifyLaunchTemplate(t.Context(), "lt-a", 1))
			}
		}
		g.must(g.ModifyLaunchTemplate(t.Context(), "lt-a", 1))
		text, err := Format(g.World)
		g.must(err)
		files[i] = string(text)
	}
	if files[0] != files[1] {
		t.Errorf("the file is\n%s\nafter many looks\n%s", files[0], files[1])
	}
}

// TestGroupOfANumber works as before, and launches once something is to be replaced.
func TestGroupOfANumber(t *testing.T) {
	g := newGroup(t, `"desired": 2, "max": 4`)
	g.shows(0, "InService/1 InService/1")
	g.desire(3)
	g.shows(0, "InService/1 InService/1 InService/1")
	if text, _ := Format(g.World); strings.Contains(string(text), "members") {
		t.Errorf("a group of a number has members:\n%s", text)
	}
	if found, _ := g.DescribeInstances(t.Context(), port.Select{}); len(found) != 0 {
		t.Errorf("EC2 has %+v", found)
	}
	g.must(g.TerminateInstanceInGroup(t.Context(), g.members()[0].ID, false))
	if found, _ := g.DescribeInstances(t.Context(), port.Select{}); len(found) != 4 {
		t.Errorf("EC2 has %+v", found)
	}
	g.shows(0, "InService/1 InService/1 InService/1")
}

// TestGroupLacks: EC2 has no more instances for it, or the quota is reached.
func TestGroupLacks(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "takes": "1m", "room": 2, "lacks": "VcpuLimitExceeded"`)
	g.desire(3)
	g.shows(time.Hour, "InService/1 InService/1")
	g.switches()
	g.refresh(port.NewInstanceRefresh{MinHealthy: 100, MaxHealthy: 150})
	g.shows(59*time.Minute, "InService/1 InService/1")
	g.status("InProgress 0%")
	g.now = g.now.Add(2 * time.Minute)
	if r := g.status("Failed 0%"); !strings.Contains(r.Reason, "VcpuLimitExceeded") {
		t.Errorf("refresh is %+v", r)
	}
	g.changeGroup(func(g *group) { g.Room = nil })
	g.shows(time.Minute, "InService/1 InService/1 InService/2")
}

func TestGroupHeals(t *testing.T) {
	t.Run("spot interruption", func(t *testing.T) {
		g := newGroup(t, `"launches": true, "desired": 1, "max": 9, "takes": "1m"`)
		g.changeGroup(func(of *group) {
			for id, m := range of.Members {
				m.Interrupted = "2026-03-31T12:05:00Z"
				of.Members[id] = m
			}
		})
		g.switches()
		g.shows(299*time.Second, "InService/1")
		g.shows(time.Second, "Pending/2 Terminating/1!")
		g.shows(time.Minute, "InService/2")
		found, err := g.DescribeInstances(t.Context(), port.Select{Filters: map[string][]string{"image-id": {"ami-1"}}})
		g.must(err)
		if len(found) != 1 || !strings.Contains(found[0].Reason, "Server.SpotInstanceTermination") {
			t.Errorf("the interrupted instance is %+v", found)
		}
	})
	t.Run("terminated by someone else", func(t *testing.T) {
		g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "takes": "1m"`)
		g.must(g.TerminateInstance(t.Context(), g.members()[0].ID))
		g.shows(time.Second, "InService/1 Pending/1 Terminating/1!")
		g.shows(2*time.Minute, "InService/1 InService/1")
	})
	t.Run("not while it is suspended", func(t *testing.T) {
		g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "suspendedProcesses": ["ReplaceUnhealthy"]`)
		g.must(g.TerminateInstance(t.Context(), g.members()[0].ID))
		g.shows(time.Hour, "InService/1 InService/1!")
	})
}

func TestGroupSuspended(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "suspendedProcesses": ["Launch", "Terminate"]`)
	g.desire(3)
	g.shows(time.Hour, "InService/1 InService/1")
	g.desire(1)
	g.shows(time.Hour, "InService/1 InService/1")
	g.must(g.TerminateInstanceInGroup(t.Context(), g.members()[0].ID, false)) // asked for by hand
	g.shows(time.Hour, "InService/1")
	g.switches()
	g.refresh(port.NewInstanceRefresh{MinHealthy: 0, MaxHealthy: 100})
	g.shows(61*time.Minute, "InService/1")
	g.status("Failed 0%")
}

// TestGroupRebalances ends an instance that nobody asked to end, unless it is suspended.
func TestGroupRebalances(t *testing.T) {
	for _, suspended := range []string{"", `, "suspendedProcesses": ["AZRebalance"]`} {
		g := newGroup(t, `"launches": true, "desired": 4, "max": 9, "takes": "1m", "zones": ["a", "b"]`+suspended)
		for _, i := range g.members() {
			if i.Zone == "b" {
				g.must(g.TerminateInstanceInGroup(t.Context(), i.ID, true))
			}
		}
		g.now = g.now.Add(time.Hour)
		zones := map[string]int{}
		for _, i := range g.members() {
			zones[i.Zone]++
		}
		if want := map[bool]string{true: "map[a:1 b:1]", false: "map[a:2]"}[suspended == ""]; fmt.Sprint(zones) != want {
			t.Errorf("suspended %q: zones are %v, want %s", suspended, zones, want)
		}
	}
}

// TestRefreshPace: bounds of health hold at every moment.
func TestRefreshPace(t *testing.T) {
	for _, c := range []struct{ desired, least, most, runsAtLeast, standAtMost int64 }{
		{4, 100, 125, 4, 5}, {4, 100, 100, 4, 5}, {4, 50, 100, 2, 4}, {4, 0, 100, 0, 4}, {1, 90, 100, 1, 2}, {10, 90, 120, 9, 12},
	} {
		g := newGroup(t, fmt.Sprintf(`"launches": true, "desired": %d, "max": 20, "takes": "1m"`, c.desired))
		g.switches()
		g.refresh(port.NewInstanceRefresh{MinHealthy: c.least, MaxHealthy: c.most})
		for range 400 {
			g.now = g.now.Add(10 * time.Second)
			runs, stands := int64(0), int64(0)
			for _, i := range g.members() {
				if i.Lifecycle == "InService" {
					runs++
				}
				if i.Lifecycle != "Terminating" {
					stands++
				}
			}
			if runs < c.runsAtLeast || stands > c.standAtMost {
				t.Fatalf("%+v: %d run, %d stand", c, runs, stands)
			}
		}
		g.status("Successful 100%")
		g.shows(0, strings.TrimSpace(strings.Repeat("InService/2 ", int(c.desired))))
	}
}

func TestRefreshCheckpoints(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 4, "max": 9, "takes": "1m"`)
	g.switches()
	g.refresh(port.NewInstanceRefresh{MinHealthy: 100, MaxHealthy: 125, Checkpoints: []int64{25, 100}, Delay: 30 * time.Minute})
	g.shows(5*time.Minute, "InService/1 InService/1 InService/1 InService/2")
	g.status("InProgress 25%")
	g.shows(25*time.Minute, "InService/1 InService/1 InService/1 InService/2")
	g.shows(15*time.Minute, "InService/2 InService/2 InService/2 InService/2")
	g.status("Successful 100%")

	g = newGroup(t, `"launches": true, "desired": 4, "max": 9`)
	g.switches()
	g.refresh(port.NewInstanceRefresh{MinHealthy: 100, MaxHealthy: 125, Checkpoints: []int64{50}, Delay: time.Minute})
	g.shows(time.Hour, "InService/1 InService/1 InService/2 InService/2")
	g.status("Successful 100%")
}

// TestRefreshWaits an hour for what is protected, or in Standby.
func TestRefreshWaits(t *testing.T) {
	for name, hold := range map[string]func(*member){
		"protected": func(m *member) { m.Protected = true },
		"standby":   func(m *member) { m.Lifecycle = standby },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "takes": "1m"`)
			held := g.members()[0].ID
			g.changeGroup(func(of *group) {
				m := of.Members[held]
				if hold(&m); m.is(standby) {
					of.Desired--
				}
				of.Members[held] = m
			})
			g.switches()
			g.refresh(port.NewInstanceRefresh{MinHealthy: 0, MaxHealthy: 100})
			g.now = g.now.Add(59 * time.Minute)
			g.status("InProgress 50%")
			g.now = g.now.Add(5 * time.Minute)
			if r := g.status("Failed 50%"); !strings.Contains(r.Reason, "Standby") {
				t.Errorf("refresh is %+v", r)
			}
		})
	}
}

func TestRefreshFailsOnRequest(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 2, "max": 9, "takes": "1m"`)
	g.World = view(t, g.file, Options{Clock: func() time.Time { return g.now }, Faults: []Fault{{Fault: "fails", Call: "StartInstanceRefresh"}}})
	g.refresh(port.NewInstanceRefresh{MinHealthy: 100, MaxHealthy: 150, Template: "lt-a", Version: "2"})
	g.now = g.now.Add(time.Minute)
	g.status("Failed 0%")
	if s, _ := g.DescribeAutoScalingGroups(t.Context(), []string{"g"}); s[0].Version != "1" {
		t.Errorf("the group moved to %+v", s[0])
	}
}

// TestNodegroupDrains one node after another, each once its successor is ready.
func TestNodegroupDrains(t *testing.T) {
	g := newGroup(t, `"launches": true, "desired": 2, "max": 4, "takes": "5m"`)
	id, err := g.UpdateNodegroupVersion(t.Context(), "acme", "ng", "t", 2, false)
	g.must(err)
	g.shows(time.Minute, "InService/1 InService/1 Pending/2")
	g.shows(5*time.Minute, "InService/1 InService/2 Pending/2 Terminating/1")
	if n, _ := g.DescribeNodegroup(t.Context(), "acme", "ng"); n.Status != "UPDATING" || n.Version != 1 {
		t.Errorf("node group is %+v", n)
	}
	g.shows(20*time.Minute, "InService/2 InService/2")
	if u, err := g.DescribeUpdate(t.Context(), "acme", "ng", id); u.Status != "Successful" || err != nil {
		t.Errorf("update is %+v, %v", u, err)
	}
	if n, _ := g.DescribeNodegroup(t.Context(), "acme", "ng"); n.Status != "ACTIVE" || n.Version != 2 || n.Release != "ami-2" {
		t.Errorf("node group is %+v", n)
	}
	if found, _ := g.DescribeInstanceRefreshes(t.Context(), "g"); len(found) != 0 {
		t.Errorf("EKS's update shows as refreshes: %+v", found)
	}
}

// TestNodegroupPodEvictionFailure: a budget keeps a pod, unless the update is forced.
func TestNodegroupPodEvictionFailure(t *testing.T) {
	for _, force := range []bool{false, true} {
		g := newGroup(t, `"launches": true, "desired": 2, "max": 4, "takes": "5m"`)
		g.World = view(t, g.file, Options{Clock: func() time.Time { return g.now }, Faults: []Fault{{Fault: "fails", Call: "UpdateNodegroupVersion"}}})
		id, err := g.UpdateNodegroupVersion(t.Context(), "acme", "ng", "t", 2, force)
		g.must(err)
		g.now = g.now.Add(time.Hour)
		u, err := g.DescribeUpdate(t.Context(), "acme", "ng", id)
		g.must(err)
		n, _ := g.DescribeNodegroup(t.Context(), "acme", "ng")
		if force && (u.Status != "Successful" || n.Version != 2) {
			t.Errorf("the forced update is %+v, the node group %+v", u, n)
		}
		if !force && (u.Status != "Failed" || !strings.HasPrefix(u.Errors[0], "PodEvictionFailure: ") || n.Version != 1 || n.Status != "ACTIVE") {
			t.Errorf("update is %+v, the node group %+v", u, n)
		}
	}
}

func TestGroupFileIsRefused(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{`"desired": 1, "max": 1, "takes": "soon"`, `takes: "soon" is not a time like "90s"`},
		{`"desired": 1, "max": 1, "launches": true, "members": {"i-1": {"settles": "soon"}}`, `i-1.settles: "soon" is not a time`},
	} {
		if _, err := NewMemory("memory", []byte(fmt.Sprintf(groupFile, c.fields))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.fields, err, c.want)
		}
	}
}
