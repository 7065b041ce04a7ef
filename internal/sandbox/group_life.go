package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// life is a group that launches, over time. What becomes of it follows from the file and
// the time alone, so that a read need not write it.
type life struct {
	*World
	*state
	group
	name string
}

// lived is the state with what became of all groups until now.
func (w *World) lived(s *state) *state {
	for _, name := range schema.Sorted(s.aws.AutoScalingGroups) {
		if s.aws.AutoScalingGroups[name].Launches {
			s = w.lives(s, name)
		}
	}
	return w.updated(s)
}

func (w *World) life(s *state, name string) *life {
	n := *s
	n.aws.Instances = maps.Clone(s.aws.Instances)
	if n.aws.Instances == nil {
		n.aws.Instances = map[string]instance{}
	}
	g := s.aws.AutoScalingGroups[name]
	g.Refreshes = slices.Clone(g.Refreshes)
	if g.Members = maps.Clone(g.Members); g.Members == nil && g.At != "" {
		g.Members = map[string]member{}
	}
	return &life{w, &n, g, name}
}

// kept is the state with the group as it is now.
func (l *life) kept() *state { return l.state.withGroup(l.name, l.group) }

// mostEvents of one group between two looks.
const mostEvents = 100_000

func (w *World) lives(s *state, name string) *state {
	l := w.life(s, name)
	now := w.opts.Clock().UTC().Truncate(time.Second)
	t := now
	if at := moment(l.At); !at.IsZero() {
		t = at
	}
	if l.Members == nil {
		l.first()
	}
	for range mostEvents {
		if l.step(t) {
			continue
		}
		next := l.next(t)
		if next.IsZero() || next.After(now) {
			break
		}
		t = next
	}
	l.At = now.Format(time.RFC3339)
	return l.kept()
}

// moment is a time of the file, zero for none.
func moment(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

// takes is how long an instance takes to come or to go.
func (l *life) takes() time.Duration {
	if d, err := time.ParseDuration(l.Takes); err == nil {
		return d
	}
	return l.opts.Settle
}

// first makes the members of a group that had a number of instances: they run, from what
// the group launches from.
func (l *life) first() {
	n := l.Desired
	if l.group.Instances != nil {
		n = *l.group.Instances
	}
	l.Members, l.group.Instances = map[string]member{}, nil
	from, image, _ := l.source()
	for i := range n {
		id := "i-" + hashed("group instance", l.name, fmt.Sprint(i))[len("sha256:"):][:17]
		l.adds(id, from, image, member{}, instance{})
	}
}

// adds puts a member and its instance.
func (l *life) adds(id string, from source, image templateVersion, m member, i instance) {
	m.LaunchConfiguration, m.Template, m.Version = from.configuration, from.template, from.version
	i.Image, i.Type, i.Zone, i.Architecture = image.Image, image.InstanceType, l.freeZone(), l.state.aws.Images[image.Image].Architecture
	if len(l.InstanceTypes) > 0 {
		i.Type = l.InstanceTypes[0]
	}
	n := len(l.state.aws.Instances)
	i.PrivateIP = fmt.Sprintf("10.1.%d.%d", n/250%250, n%250+4)
	i.Tags = map[string]string{port.GroupNameTag: l.name}
	for k, v := range l.Tags {
		if !slices.Contains(l.TagsKept, k) {
			i.Tags[k] = v
		}
	}
	l.Members[id], l.state.aws.Instances[id] = m, i
}

// source is what the group launches from at this moment.
func (l *life) source() (source, templateVersion, error) {
	template, version := l.Template, l.Version
	if r := l.refreshing(); r != nil && r.Template != "" {
		template, version = r.Template, r.Version
	}
	if template == "" {
		c, ok := l.state.aws.LaunchConfigurations[l.LaunchConfiguration]
		if !ok && l.LaunchConfiguration != "" {
			return source{}, templateVersion{}, fmt.Errorf("launch configuration %s is not there", l.LaunchConfiguration)
		}
		return source{configuration: l.LaunchConfiguration}, templateVersion{Image: c.Image, InstanceType: c.InstanceType}, nil
	}
	t, err := l.template(template)
	if err != nil {
		return source{}, templateVersion{}, err
	}
	number, _ := strconv.ParseInt(version, 10, 64)
	switch version {
	case "", "$Default":
		number = t.Default
	case "$Latest":
		number = t.latest()
	}
	v, ok := t.version(number)
	if !ok {
		return source{}, v, fmt.Errorf("version %s of %s is not there", version, template)
	}
	return source{template: template, version: strconv.FormatInt(number, 10)}, v, nil
}

// count is how many members are in one of the lifecycle states.
func (l *life) count(states ...string) (n int64) {
	for _, m := range l.Members {
		if slices.ContainsFunc(states, m.is) {
			n++
		}
	}
	return n
}

func (l *life) suspended(process string) bool { return slices.Contains(l.SuspendedProcesses, process) }

// launches begins one instance, unless nothing can be launched.
func (l *life) launches(t time.Time) bool {
	from, image, err := l.source()
	if err != nil || l.suspended("Launch") {
		return false
	}
	if l.Room != nil && int64(len(l.Members)) >= *l.Room {
		l.fails(t)
		return false
	}
	if known, ok := l.state.aws.Images[image.Image]; ok && cmp.Or(known.State, "available") != "available" && known.Available == "" {
		return false
	}
	next, id := l.state.made("i")
	l.state = next
	settles := t.Add(l.takes()).Format(time.RFC3339)
	launched := t.Format(time.RFC3339)
	l.adds(id, from, image, member{Lifecycle: pending, Settles: settles, Launched: launched}, instance{State: "pending", Settles: settles, Launched: launched})
	return true
}

// end begins the end of a member; its instance ends with it.
func (l *life) end(id string, t time.Time, why string) {
	m := l.Members[id]
	m.Lifecycle, m.Settles = terminating, t.UTC().Add(l.takes()).Format(time.RFC3339)
	l.Members[id] = m
	l.shutDown(id, m.Settles, why)
}

func (l *life) shutDown(id, settles, why string) {
	i, ok := l.state.aws.Instances[id]
	if ok && l.runs(id) {
		i.State, i.Settles, i.Reason = "shutting-down", settles, why
		l.state.aws.Instances[id] = i
	}
}

// runs says whether the member's instance is there and comes up or runs.
func (l *life) runs(id string) bool {
	i, ok := l.state.aws.Instances[id]
	return ok && slices.Contains([]string{"", "pending", "running"}, i.State) && i.Fails == ""
}

// freeZone is the zone with the fewest members.
func (l *life) freeZone() string {
	if len(l.Zones) == 0 {
		return ""
	}
	n := l.zones()
	return slices.MinFunc(slices.Sorted(slices.Values(l.Zones)), func(a, b string) int { return n[a] - n[b] })
}

func (l *life) zones() map[string]int {
	n := map[string]int{}
	for id, m := range l.Members {
		if m.is(inService) || m.is(pending) {
			n[l.state.aws.Instances[id].Zone]++
		}
	}
	return n
}

// step makes what happens at a time; false when nothing does any more.
func (l *life) step(t time.Time) bool {
	for _, f := range []func(time.Time) bool{l.settle, l.interrupt, l.heal, l.scaleOut, l.refreshed, l.scaleIn, l.rebalance, l.stuck} {
		if f(t) {
			return true
		}
	}
	return false
}

// next is the earliest time after t at which something may happen.
func (l *life) next(t time.Time) (next time.Time) {
	earlier := func(text string) {
		if at := moment(text); at.After(t) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, m := range l.Members {
		earlier(m.Settles)
		earlier(m.Interrupted)
	}
	if l.Room != nil {
		earlier(l.retry())
	}
	if r := l.refreshing(); r != nil {
		for _, at := range r.times() {
			earlier(at)
		}
	}
	return next
}

// settle ends what is on its way.
func (l *life) settle(t time.Time) bool {
	for _, id := range schema.Sorted(l.Members) {
		m := l.Members[id]
		switch {
		case m.Settles == "" || moment(m.Settles).After(t):
		case m.is(terminating):
			delete(l.Members, id)
			return true
		case m.is(pending) && l.runs(id):
			m.Lifecycle, m.Settles = "", ""
			l.Members[id] = m
			return true
		}
	}
	return false
}

// interrupt takes spot instances back (EC2 User Guide, "Spot Instance interruptions").
func (l *life) interrupt(t time.Time) bool {
	for _, id := range schema.Sorted(l.Members) {
		m := l.Members[id]
		if m.Interrupted == "" || moment(m.Interrupted).After(t) {
			continue
		}
		l.shutDown(id, t.Add(l.takes()).Format(time.RFC3339), "Server.SpotInstanceTermination: Spot instance termination")
		m.Interrupted = ""
		l.Members[id] = m
		return true
	}
	return false
}

// heal replaces what does not run, whoever ended it (Auto Scaling User Guide, "Health
// checks for instances in an Auto Scaling group").
func (l *life) heal(t time.Time) bool {
	for _, id := range schema.Sorted(l.Members) {
		m := l.Members[id]
		switch {
		case !m.is(inService) && !m.is(pending):
		case !m.Unhealthy && !l.runs(id) && !l.suspended("HealthCheck"):
			m.Unhealthy = true
			l.Members[id] = m
			return true
		case m.Unhealthy && !l.suspended("ReplaceUnhealthy") && !l.suspended("Terminate"):
			l.end(id, t, "Server.InternalError: replaced by its Auto Scaling group")
			return true
		}
	}
	return false
}

func (l *life) scaleOut(t time.Time) bool {
	return l.count(pending, inService) < l.Desired && l.launches(t)
}

// scaleIn ends what is too much: of the fullest zone, what is not launched from what the
// group states, then the oldest (Auto Scaling User Guide, "Default termination policy").
func (l *life) scaleIn(t time.Time) bool {
	if l.count(inService) <= l.Desired || l.suspended("Terminate") || l.refreshing() != nil {
		return false
	}
	from, _, _ := l.source()
	n, victim := l.zones(), ""
	rank := func(id string) string {
		m := l.Members[id]
		return fmt.Sprintf("%06d %t %s %s", 999_999-n[l.state.aws.Instances[id].Zone], m.source() == from, m.Launched, id)
	}
	for _, id := range schema.Sorted(l.Members) {
		if m := l.Members[id]; m.is(inService) && !m.Protected && (victim == "" || rank(id) < rank(victim)) {
			victim = id
		}
	}
	if victim == "" {
		return false
	}
	l.end(victim, t, "Server.InternalError: ended by its Auto Scaling group")
	return true
}

// rebalance evens zones out: what it launches is more than is desired until scaleIn ends
// another (Auto Scaling User Guide, "Rebalancing activities").
func (l *life) rebalance(t time.Time) bool {
	if len(l.Zones) < 2 || l.suspended("AZRebalance") || l.suspended("Terminate") || l.refreshing() != nil || l.count(pending) > 0 || l.count(inService) != l.Desired {
		return false
	}
	n := l.zones()
	least, most := n[l.Zones[0]], n[l.Zones[0]]
	for _, z := range l.Zones {
		least, most = min(least, n[z]), max(most, n[z])
	}
	movable := slices.ContainsFunc(schema.Sorted(l.Members), func(id string) bool {
		return n[l.state.aws.Instances[id].Zone] == most && l.Members[id].is(inService) && !l.Members[id].Protected
	})
	return most-least >= 2 && movable && l.launches(t)
}
