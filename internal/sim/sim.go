// Package sim runs the whole pipeline in one process over the sandbox and a
// store in memory: processes that die, stall and lose answers on a machine whose
// outside and records stay. Tests of the engine and the simulation use it; it
// refuses nothing, and no verb calls it.
package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// ErrKilled is what every call of a process answers once it is dead.
var ErrKilled = errors.New("the process is dead")

// Machine is what outlives processes: the outside, the records, the time.
type Machine struct {
	Box     *sandbox.Memory
	Store   *state.InMemory
	Clock   applier.Clock
	Secrets map[string]string // by reference: "env:NAME"

	mu      sync.Mutex
	ids     int
	Effects []Effect // of every process, in the order they took effect
}

// Effect is one outside write that took effect.
type Effect struct {
	Call, Args string
	At         time.Time
	By         string // the holder
}

// NewMachine makes one from a sandbox file's content.
func NewMachine(content []byte, clock applier.Clock) (*Machine, error) {
	box, err := sandbox.NewMemory("sandbox.json", content)
	return &Machine{Box: box, Store: state.Memory(), Clock: clock, Secrets: map[string]string{}}, err
}

// Compile reads a deployment's folder, which must have no errors.
func Compile(ctx context.Context, dir string) (compiler.Result, error) {
	src, err := compiler.Find(dir)
	if err != nil {
		return compiler.Result{}, err
	}
	res, err := compiler.Compile(ctx, src)
	if err == nil && schema.Failed(res.Findings) {
		err = fmt.Errorf("%s: %v", dir, res.Findings)
	}
	return res, err
}

// next is 26 characters that no call answered before.
func (m *Machine) next() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids++
	return fmt.Sprintf("%012dAAAAAAAAAAAAAA", m.ids)
}

// Options make one process differ from the next.
type Options struct {
	Holder      string
	Gate        Gate
	Outside     sandbox.Options
	Parallelism int
	Report      func(applier.Event)
	Source      planner.Source
}

// Process opens an engine on the machine, as a command would.
func (m *Machine) Process(ctx context.Context, compiled compiler.Result, o Options) (*engine.Engine, error) {
	if o.Gate == nil {
		o.Gate = func(string, sandbox.Phase) error { return nil }
	}
	o.Outside.Hook = reads(o.Gate)
	o.Outside.Clock = m.Clock.Now
	o.Outside.Wait = m.Clock.Sleep
	box, err := m.Box.Open(o.Outside)
	if err != nil {
		return nil, err
	}
	all := outside{box, m, o.Holder, o.Gate}
	var api port.Domino
	var executions port.Executions
	if compiled.Desired.Deployment.Domino.URL != "" {
		api, executions = all, all
	}
	var nodes port.Grid
	if compiled.Desired.Deployment.Kubernetes.ReadsNodes() {
		nodes = all
	}
	return engine.Open(ctx, engine.Config{Compiled: compiled, Outside: all, Domino: api, Nodes: nodes, Executions: executions, Store: store{m.Store, o.Gate, m.Clock}, Secret: m.secret,
		Clock: m.Clock, Random: m.next, Salt: func() string { return "salt" }, Holder: o.Holder, Parallelism: o.Parallelism, Report: o.Report, Source: o.Source})
}

func (m *Machine) secret(_ context.Context, ref string) (schema.Value, error) {
	if s, ok := m.Secrets[ref]; ok {
		return schema.JSON(s), nil
	}
	return schema.Value{}, fmt.Errorf("secret %s is not set", ref)
}

// took notes an effect.
func (m *Machine) took(call, args, by string) {
	now := m.Clock.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Effects = append(m.Effects, Effect{call, args, now, by})
}

// Managed is the outside without what domctl and the real APIs remember beside
// it: idempotency tokens and the numbers that are used up.
func (m *Machine) Managed() (string, error) {
	w, err := m.Box.Open(sandbox.Options{Clock: m.Clock.Now})
	if err != nil {
		return "", err
	}
	b, err := sandbox.Format(w)
	if err != nil {
		return "", err
	}
	return managed(b)
}

func (m *Machine) content() string { return string(m.Box.Content()) }
