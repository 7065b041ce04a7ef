package roll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// later is a call that is on its way.
type later struct {
	at   time.Time
	call func() error
}

// delayed has a call land later, where calls are lost.
func (w *town) delayed(call func() error) bool {
	if w.lost == 0 {
		return false
	}
	w.later = append(w.later, later{w.now.Add(w.lost), call})
	return true
}

// machine is an instance of the town, with its node.
type machine struct {
	port.GroupInstance
	image         string
	launched      time.Time
	ended         time.Time
	never         bool      // its node never gets ready
	taken         time.Time // when EC2 took it back, which its group hears of later
	unready       time.Time // since when its node is not ready, though it was
	since         time.Time // its node is as it is, for all that is told
	cordoned      bool
	by            string
	version       int
	pods          []port.Pod
	service, gone time.Duration // after launch, after its end
}

// run is an execution of Domino.
type run struct {
	id    string
	lasts time.Duration
	on    string    // instance; "" while it waits
	shows time.Time // when its pod is bound, which may be after its node was cordoned
	ends  time.Time
}

// town is an outside of one group whose time is a number.
type town struct {
	now      time.Time
	group    port.AutoScalingGroup
	image    map[int64]string // of template versions
	machines []*machine
	refresh  []port.InstanceRefresh
	runs     []*run
	next     int
	room     int   // runs that a node takes
	nameless bool  // nodes do not say what instance they are
	capacity int64 // instances that AWS can start; 0: any number
	budget   map[string]bool
	broken   map[string]error // by call
	dead     []string         // new images whose nodes never get ready
	boot     time.Duration
	service  time.Duration // after launch, until an instance serves
	listed   time.Duration // after launch, until AWS tells of an instance that counts already
	scaler   bool
	alarms   map[string]string // state by name
	reason   string            // that a ringing alarm gives; "": too many errors
	// activities that failed, as AWS tells them
	activities []port.FailedActivity
	nodegroup
	*karp // nil: the nodes are a group's
	// what happened
	killed, calls []string
	short, beside int64 // most nodes that were missing, and that stood beside
	chance        func(n int) int
	lost          time.Duration // calls land after so long, and nobody hears of it
	later         []later
	each          func() // second
}

func newTown(nodes int64) *town {
	w := &town{now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), image: map[int64]string{1: "ami-1", 2: "ami-2"}, room: 2, budget: map[string]bool{}, broken: map[string]error{}, boot: 90 * time.Second, service: 20 * time.Second, chance: func(int) int { return 0 }}
	w.group = port.AutoScalingGroup{Name: "gpu-a", Template: "lt-1", Version: "1", Min: 0, Max: nodes + 3, Desired: nodes}
	w.pass(5 * time.Minute)
	w.group.Version = "2"
	return w
}

func (w *town) launch() {
	w.next++
	v := w.group.Version
	id := fmt.Sprintf("i-%03d", w.next)
	image := w.image[number(v)]
	w.machines = append(w.machines, &machine{GroupInstance: port.GroupInstance{ID: id, Group: w.group.Name, Zone: "a", Lifecycle: "Pending", Healthy: true, Template: "lt-1", Version: v},
		image: image, launched: w.now, never: slices.Contains(w.dead, image), service: w.service, gone: 30 * time.Second})
}

func (m *machine) alive() bool { return m.ended.IsZero() }

func (w *town) alive() (all []*machine) {
	for _, m := range w.machines {
		if m.alive() && !strings.HasPrefix(m.Lifecycle, "Warmed") && m.Lifecycle != "Standby" {
			all = append(all, m)
		}
	}
	return all
}

func (w *town) ready(m *machine) bool {
	return m.alive() && m.Lifecycle == "InService" && !m.never && m.taken.IsZero() && m.unready.IsZero() && w.now.Sub(m.launched) >= w.boot
}

// end terminates a machine, whatever runs there.
func (w *town) end(m *machine, why string) {
	m.ended, m.Lifecycle = w.now, "Terminating"
	for _, r := range w.runs {
		if r.on == m.ID && (r.ends.IsZero() || r.ends.After(w.now)) {
			w.killed = append(w.killed, fmt.Sprintf("%s on %s at %s: %s", r.id, m.ID, w.now.Format("15:04:05"), why))
		}
	}
}

// pass lets time go by, in steps of a second.
func (w *town) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(time.Second)
		w.second()
	}
}

func (w *town) second() {
	w.later = slices.DeleteFunc(w.later, func(l later) bool {
		if l.at.After(w.now) {
			return false
		}
		_ = l.call()
		return true
	})
	w.machines = slices.DeleteFunc(w.machines, func(m *machine) bool { return !m.alive() && w.now.Sub(m.ended) > m.gone })
	for _, m := range w.machines {
		if m.alive() && m.Lifecycle == "Pending" && w.now.Sub(m.launched) >= m.service {
			m.Lifecycle = "InService"
		}
		if m.alive() && !m.taken.IsZero() && w.now.Sub(m.taken) > 2*time.Minute {
			w.end(m, "interrupted")
		}
		m.pods = slices.DeleteFunc(m.pods, func(p port.Pod) bool { return p.Ending })
	}
	if w.karp != nil {
		w.karp.lives(w)
		if w.each != nil {
			w.each()
		}
		w.schedule()
		return
	}
	suspended := func(what string) bool { return slices.Contains(w.group.SuspendedProcesses, what) }
	if n := int64(len(w.alive())); n < w.group.Desired && !suspended("Launch") && (w.capacity == 0 || n < w.capacity) {
		w.launch()
	} else if n > w.group.Desired && !suspended("Terminate") {
		all := w.alive()
		w.end(all[w.chance(len(all))], "scaled in")
	}
	if w.each != nil {
		w.each()
	}
	w.schedule()
	w.refreshing()
	w.updating()
}

func (w *town) on(id string) (n int) {
	for _, r := range w.runs {
		if r.on == id && (r.ends.IsZero() || r.ends.After(w.now)) {
			n++
		}
	}
	return n
}

func (w *town) schedule() {
	waits, open := false, true
	w.runs = slices.DeleteFunc(w.runs, func(r *run) bool { return r.on != "" && !r.ends.After(w.now) })
	for _, r := range w.runs {
		if r.on != "" || !open {
			continue
		}
		for _, m := range w.machines {
			if w.ready(m) && !m.cordoned && w.on(m.ID) < w.room {
				r.on, r.shows = m.ID, w.now.Add(time.Duration(w.chance(10))*time.Second)
				r.ends = r.shows.Add(r.lasts)
				break
			}
		}
		waits = waits || r.on == ""
		open = !waits // who comes later waits behind
	}
	if waits && w.scaler && w.group.Desired < w.group.Max && int64(len(w.alive())) >= w.group.Desired && w.chance(20) == 0 {
		w.group.Desired++
	}
}

func (w *town) refreshing() {
	if len(w.refresh) == 0 || !slices.Contains([]string{"Pending", "InProgress", "Cancelling"}, w.refresh[0].Status) {
		return
	}
	r := &w.refresh[0]
	if r.Status == "Cancelling" {
		r.Status = "Cancelled"
		return
	}
	r.Status = "InProgress"
	left := 0
	for _, m := range w.alive() {
		if m.image != w.image[number(w.group.Version)] {
			left++
		}
	}
	ready := 0
	for _, m := range w.machines {
		if w.ready(m) {
			ready++
		}
	}
	switch {
	case slices.Contains(w.dead, w.image[number(w.group.Version)]) && w.now.Sub(r.Started) > 20*time.Minute:
		r.Status, r.Reason = "Failed", "instances did not get healthy"
	case left == 0 && int64(ready) >= w.group.Desired:
		r.Status, r.Percent = "Successful", 100
	case int64(ready) >= w.group.Desired:
		for _, m := range w.alive() {
			if m.image != w.image[number(w.group.Version)] {
				w.end(m, "refreshed")
				r.Percent++
				return
			}
		}
	}
}

func (w *town) fails(call string) error { return w.broken[call] }

func (w *town) DescribeAutoScalingGroups(context.Context, []string) ([]port.AutoScalingGroup, error) {
	g := w.group
	g.Instances = 0
	for _, m := range w.alive() {
		g.Instances += one(w.lists(m))
	}
	return []port.AutoScalingGroup{g}, w.fails("DescribeAutoScalingGroups")
}

func (w *town) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	if w.delayed(func() error { return w.UpdateAutoScalingGroup(ctx, u) }) {
		return errDied
	}
	if err := w.fails("UpdateAutoScalingGroup"); err != nil {
		return err
	}
	w.calls = append(w.calls, fmt.Sprintf("desired %d", *u.Desired))
	w.group.Desired = *u.Desired
	return nil
}

func (w *town) DescribeInstances(_ context.Context, q port.Select) (all []port.Instance, err error) {
	for _, m := range w.machines {
		if slices.Contains(q.IDs, m.ID) {
			state := "running"
			if !m.taken.IsZero() {
				state = "shutting-down"
			}
			all = append(all, port.Instance{ID: m.ID, State: state, Image: m.image, Launched: m.launched.Format(time.RFC3339)})
		}
	}
	return all, w.fails("DescribeInstances")
}

func (w *town) DescribeLaunchTemplates(context.Context, []string) ([]port.LaunchTemplate, error) {
	return []port.LaunchTemplate{{ID: "lt-1", Default: 1, Latest: 2}}, nil
}

func (w *town) DescribeLaunchTemplateVersions(_ context.Context, _ string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return []port.LaunchTemplateVersion{{Template: "lt-1", Number: numbers[0], Image: w.image[numbers[0]]}}, nil
}

func (w *town) DescribeAlarms(_ context.Context, names []string) (all []port.Alarm, err error) {
	for _, name := range names {
		if state, is := w.alarms[name]; is {
			all = append(all, port.Alarm{Name: name, State: state, Reason: cmp.Or(w.reason, "too many errors")})
		}
	}
	return all, w.fails("DescribeAlarms")
}

func (w *town) DescribeLaunchConfigurations(context.Context, []string) ([]port.LaunchConfiguration, error) {
	return nil, nil
}

func (w *town) DescribeAutoScalingInstances(context.Context, []string) (all []port.GroupInstance, err error) {
	for _, m := range w.machines {
		if w.lists(m) {
			all = append(all, m.GroupInstance)
		}
	}
	return all, w.fails("DescribeAutoScalingInstances")
}

func (w *town) lists(m *machine) bool { return w.now.Sub(m.launched) >= w.listed }

func (w *town) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	if w.delayed(func() error { return w.TerminateInstanceInGroup(ctx, id, smaller) }) {
		return errDied
	}
	if err := w.fails("TerminateInstanceInGroup"); err != nil {
		return err
	}
	w.calls = append(w.calls, fmt.Sprintf("terminate %s %v", id, smaller))
	for _, m := range w.machines {
		if m.ID != id || !m.alive() {
			continue
		}
		if smaller && w.group.Desired <= w.group.Min {
			return port.ErrState
		}
		if smaller {
			w.group.Desired--
		}
		w.end(m, "terminated")
		return nil
	}
	return port.ErrNotFound
}

func (w *town) StartInstanceRefresh(_ context.Context, r port.NewInstanceRefresh) (string, error) {
	if len(w.refresh) > 0 && w.refresh[0].Live() {
		return "", port.ErrInUse
	}
	id := fmt.Sprintf("refresh-%d", len(w.refresh)+1)
	w.calls = append(w.calls, fmt.Sprintf("refresh %d %d", r.MinHealthy, r.MaxHealthy))
	w.refresh = slices.Insert(w.refresh, 0, port.InstanceRefresh{ID: id, Group: r.Group, Status: "Pending", Started: w.now})
	return id, nil
}

func (w *town) DescribeInstanceRefreshes(context.Context, string) ([]port.InstanceRefresh, error) {
	return slices.Clone(w.refresh), w.fails("DescribeInstanceRefreshes")
}

func (w *town) FailedActivities(context.Context, string, time.Time) ([]port.FailedActivity, error) {
	return w.activities, w.fails("FailedActivities")
}

func (w *town) CancelInstanceRefresh(context.Context, string) error {
	if len(w.refresh) == 0 || !w.refresh[0].Live() {
		return port.ErrNotFound
	}
	w.refresh[0].Status = "Cancelling"
	return nil
}

func (w *town) ListNodes(context.Context) (all []port.Node, err error) {
	for _, m := range w.machines {
		if !m.alive() || w.now.Sub(m.launched) < w.boot/2 || strings.HasPrefix(m.Lifecycle, "Warmed") {
			continue
		}
		n := port.Node{Name: "ip-" + m.ID, UID: "uid-" + m.ID, Version: fmt.Sprint(m.version), Instance: m.ID, Cordoned: m.cordoned, CordonedBy: m.by, Ready: w.ready(m)}
		if !m.unready.IsZero() {
			n.Conditions = []port.Condition{{Type: "Ready", Status: "Unknown", Since: m.unready}}
		}
		if w.nameless {
			n.Instance = ""
		}
		if !m.since.IsZero() {
			n.Conditions = []port.Condition{{Type: "Ready", Status: "False", Since: m.since}}
		}
		all = append(all, n)
	}
	return all, w.fails("ListNodes")
}

func (w *town) ListPods(_ context.Context, node string) (all []port.Pod, err error) {
	for _, m := range w.machines {
		if node == "" || node == "ip-"+m.ID {
			all = append(all, m.pods...)
		}
		for _, r := range w.runs {
			if r.on == m.ID && !r.shows.After(w.now) && r.ends.After(w.now) && (node == "" || node == "ip-"+m.ID) {
				all = append(all, port.Pod{Namespace: "compute", Name: r.id, UID: r.id, Node: "ip-" + m.ID, Phase: "Running", Labels: map[string]string{port.ExecutionLabel: r.id}})
			}
		}
	}
	return all, w.fails("ListPods")
}

func (w *town) SetCordoned(ctx context.Context, n port.Node, is bool, by string) error {
	if w.delayed(func() error { return w.SetCordoned(ctx, n, is, by) }) {
		return errDied
	}
	if err := w.fails("SetCordoned"); err != nil {
		return err
	}
	for _, m := range w.machines {
		if m.ID != n.Instance || !m.alive() {
			continue
		}
		if fmt.Sprint(m.version) != n.Version {
			return port.ErrState
		}
		w.calls = append(w.calls, fmt.Sprintf("cordon %s %v", m.ID, is))
		m.cordoned, m.by, m.version = is, by, m.version+1
		if is && w.scaler {
			w.watch(w.group.Desired)
		}
		return nil
	}
	return port.ErrNotFound
}

func (w *town) EvictPod(_ context.Context, p port.Pod) error {
	for _, m := range w.machines {
		for i := range m.pods {
			if m.pods[i].UID != p.UID {
				continue
			}
			if w.budget[p.Name] {
				return port.ErrBudget
			}
			w.calls = append(w.calls, "evict "+p.Name)
			m.pods[i].Ending = true
			return nil
		}
	}
	return port.ErrNotFound
}

func (w *town) ListExecutions(context.Context) ([]port.Execution, error) {
	return nil, w.fails("ListExecutions")
}

func (w *town) GetExecutor(context.Context, string) (string, error) { return "", nil }

// single has the one operation that switches the group.
func (w *town) single(op string) (applier.Executor, bool) {
	return switching{w}, op == "autoscaling.UpdateAutoScalingGroup"
}

type switching struct{ *town }

func (switching) Observe(context.Context, applier.Attempt) (applier.Status, error) {
	return applier.Status{}, errors.New("nobody asks")
}

func (w switching) Start(ctx context.Context, a applier.Attempt) error {
	if w.delayed(func() error { return w.Start(ctx, a) }) {
		return errDied
	}
	w.calls = append(w.calls, "switch to "+a.Step.Writes["version"].Str())
	w.group.Version = a.Step.Writes["version"].Str()
	return w.fails("switch")
}

// watch notes how far the group is from what it should be; base is its capacity before.
func (w *town) watch(base int64) {
	ready := int64(0)
	for _, m := range w.machines {
		if w.ready(m) && !m.cordoned {
			ready++
		}
	}
	w.short = max(w.short, base-ready)
	w.beside = max(w.beside, int64(len(w.alive()))-base)
}

// driver carries out one step as the applier does.
type driver struct {
	t      logger
	w      *town
	r      *Roller
	a      applier.Attempt
	asked  map[string]bool
	before map[string]bool
	since  time.Time
	crash  func() bool // before and after each call: the process dies
	loses  func() bool // with a call on its way
	each   func()      // between any two calls
	abort  bool
	roller func() *Roller
}

const testWindow = 60

var errDied = errors.New("died")

// logger is a test, of whatever kind.
type logger interface{ Logf(string, ...any) }

func newDriver(t logger, w *town, roll schema.Roll) *driver {
	d := &driver{t: t, w: w, crash: func() bool { return false }, loses: func() bool { return false }, each: func() {}}
	d.roller = func() *Roller {
		return &Roller{Outside: w, Nodes: w, Karpenter: w, Census: w, Now: func() time.Time { return w.now }, Single: w.single}
	}
	d.a = applier.Attempt{Apply: "apply1", Began: w.now, Token: strings.Repeat("ab", 24), Begun: map[string]bool{}, Step: planner.Step{ID: "nodePools.gpu/roll.group/gpu-a", Op: Group, Object: "asg/group#gpu-a", Window: testWindow,
		Args: map[string]schema.Value{"image": schema.JSON("ami-2"), "from": schema.JSON("ami-1"), "roll": schema.JSON(roll), "switch": schema.JSON(planner.Step{Op: "autoscaling.UpdateAutoScalingGroup", Writes: map[string]schema.Value{"version": schema.JSON("1")}})}}}
	d.restart()
	return d
}

// restart is a new process: nothing of the last one's memory is left.
func (d *driver) restart() {
	d.r = d.roller()
	d.segment()
}

func (d *driver) segment() {
	d.asked, d.before, d.since = map[string]bool{}, map[string]bool{}, d.w.now
	for mark := range d.a.Begun {
		d.before[mark] = true
	}
}

func (d *driver) executor() applier.Executor { return d.r.Operations()[d.a.Step.Op].Executor }

// go carries the step on until it ends, or for so long.
func (d *driver) run(most time.Duration) (applier.Status, error) {
	tries := 0
	for end := d.w.now.Add(most); d.w.now.Before(end); {
		d.each()
		d.a.Abort = d.abort
		if d.crash() {
			d.restart()
		}
		st, err := d.executor().Observe(context.Background(), d.a)
		if err != nil {
			return st, err
		}
		late := d.w.now.Sub(d.since) < testWindow*time.Second
		if late && st.Doubt && len(d.a.Begun) > 0 {
			d.w.pass(time.Second)
			continue
		}
		switch st.State {
		case applier.Pending:
			d.w.pass(max(st.Wait, time.Second))
			d.segment()
			continue
		case applier.Undone:
			if late && len(d.a.Begun) > 0 && !st.Certain {
				d.w.pass(time.Second)
				continue
			}
			return st, nil
		case applier.Next:
		default:
			return st, nil
		}
		if late && d.a.Begun[st.Mark] && (st.Guard == planner.Absolute || d.asked[st.Mark]) {
			d.w.pass(time.Second)
			continue
		}
		if d.asked[st.Mark] {
			return st, fmt.Errorf("DC317: %s left no effect", st.Mark)
		}
		d.a.Begun[st.Mark], d.asked[st.Mark], d.a.Mark = true, true, st.Mark
		if d.crash() {
			d.restart()
			continue
		}
		d.each()
		if d.loses() {
			d.w.lost = time.Duration(1+d.w.chance(testWindow-5)) * time.Second
		}
		err = d.executor().Start(context.Background(), d.a)
		if d.w.lost > 0 {
			d.w.lost = 0
			d.restart()
			continue
		}
		d.since = d.w.now
		var no *applier.Refusal
		if errors.As(err, &no) {
			delete(d.asked, st.Mark)
			if !d.before[st.Mark] {
				delete(d.a.Begun, st.Mark)
			}
			if tries++; tries > 5 || !no.Retry {
				tries = 0
				// the applier fails a step whose refusals it repeated; looking again goes on
				if next, err := d.executor().Observe(context.Background(), d.a); err == nil && next.State == applier.Next && next.Mark == st.Mark {
					return next, no
				}
			}
			d.w.pass(2 * time.Second)
			continue
		}
		tries = 0
		d.before[st.Mark] = true
		if err != nil {
			d.t.Logf("%s: %v", st.Mark, err)
		}
		if d.crash() {
			d.restart()
		}
	}
	return applier.Status{State: applier.Pending, Why: "no time left"}, nil
}

func (w *town) images() string {
	var all []string
	for _, m := range w.alive() {
		all = append(all, m.image)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// busy puts a run on a machine.
func (w *town) busy(n int, lasts time.Duration) *run {
	r := &run{id: fmt.Sprintf("run%d", len(w.runs)+1), on: w.machines[n].ID, shows: w.now, lasts: lasts, ends: w.now.Add(lasts)}
	w.runs = append(w.runs, r)
	return r
}

func (w *town) cordons() (n int) {
	for _, m := range w.machines {
		if m.alive() && m.cordoned {
			n++
		}
	}
	return n
}
