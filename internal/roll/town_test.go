package roll

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

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
