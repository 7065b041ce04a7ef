// Package world maps the outside to the schema's words (Look) and lowers
// changes to concrete steps (View.Lower). It sees the outside through ports
// only, so that the sandbox exercises what production runs. What it knows of a
// kind stands in the kind table and in the kind's own file, what it knows of an
// operation in the operation table; it is also the Executor of every single-call
// operation.
package world

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// World is one deployment's outside. All fields but SSH, Held, Others, Domino,
// Nodes, Karpenter and Long are required.
type World struct {
	Outside    port.Outside
	Deployment schema.Deployment
	// Secret resolves a reference ("env:NAME") to a Known value.
	Secret func(ctx context.Context, ref string) (schema.Value, error)
	// SSH opens a way to instances, and fails where the key cannot be had or read. nil:
	// nobody looks, as in a test.
	SSH func(ctx context.Context, s schema.SSH) (port.Shell, error)
	// Key makes digests of what must not be shown: 32 random bytes, the same
	// for the life of the deployment.
	Key []byte
	Now func() time.Time
	// Held is what records and files say of images; an apply's own records are left
	// out by its id. nil: nothing is known to say anything, as in a test.
	Held func(ctx context.Context, except string) (Held, error)
	// Others reads what another deployment has applied; there is false where its
	// records are not at hand. nil: no records are.
	Others func(ctx context.Context, deployment string) (applied schema.Applied, there bool, err error)
	// Domino is its REST API; nil: the deployment does not state it.
	Domino Domino
	// Nodes are those of the cluster that runs executions; nil: none can be asked.
	Nodes LiveNodes
	// Karpenter starts and ends nodes of that cluster; nil: it cannot be asked.
	Karpenter port.Karpenter
	// Long are the rows of operations that take more than one call.
	Long applier.Operations
}

// Domino is what kinds are read from and written to by, of its REST API.
type Domino interface {
	port.Environments
	port.Tiers
	port.CentralConfig
	port.Routes
	port.Executions
}

// kind is one row of the kind table.
type kind struct {
	look     func(context.Context, *look) error
	lower    func(*View, planner.Change) (planner.Lowered, error)
	discover func(*finder, context.Context) error // nil: it does not live by itself
	uses     func(*World) []use                   // where Domino's documents name its objects; nil: nowhere
	// documents are the collections that it is read from and those of them that it
	// is written to, with the calls that write; nil: it has none.
	documents func(schema.Deployment) (reads []string, writes map[string][]string)
	// api is the type of its refs where deployment.backends has Domino's API keep it; "":
	// it never does.
	api string
}

func kinds() map[string]kind {
	return map[string]kind{
		"amis":                {look: lookAMIs, lower: lowerAMI},
		"baseImages":          {look: lookBaseImages, lower: lowerNothing},
		"defaultEnvironments": {look: lookDefaults, lower: lowerDefault, discover: (*finder).defaults, documents: defaultDocuments},
		"environments":        {look: lookEnvironments, lower: lowerEnvironment, discover: (*finder).environments, uses: environmentUses, documents: environmentDocuments},
		"hardwareTiers":       {look: lookTiersToRoll, lower: lowerTier, discover: (*finder).tiers, uses: tierUses, documents: tierDocuments, api: apiTiers},
		"nodePools":           {look: lookPoolsToRoll, lower: lowerPool, discover: (*finder).pools},
		"settings":            {look: lookSettings, lower: lowerSetting, discover: (*finder).settings, documents: settingDocuments, api: apiSettings},
	}
}

// View is one complete read: what the planner compares, and the raw objects
// that lowering needs beside it. It implements planner.View and planner.Past;
// both are pure.
type View struct {
	schema.Live
	Findings []schema.Finding
	desired  schema.Desired
	applied  schema.Applied
	world    *World
	raw      map[planner.Ref]planner.Raw
	refs     map[schema.Address]planner.Ref // the object an address lives in
	uses     map[planner.Ref][]planner.Use  // of what an apply made, in a look back
	weighing sync.Mutex                     // guards impact
	impact   map[schema.Address]*planner.Impact
	// followers are the Auto Scaling groups, declared or not, that follow a launch
	// template which gets a version, by template and word (see followed).
	followers map[string][]string
	unbaked   map[schema.Address]schema.Finding // why an AMI cannot be baked
	probed    map[schema.Address][]string       // the images that one is verified with
	claims    *claims                           // where some image is of an age to go
	live      map[string]map[string]schema.Room // of live nodes, by pool label and instance type; nil: not known
	unseen    string                            // why live nodes are not known; "" where they are, or nobody asked
	clusters  map[string]string                 // versions of EKS clusters, "1.31", as far as they are known
	executors []port.Executor                   // of all classic tiers, where some are to be rolled
	// unseenExecutors is why they, or what runs on them, are not known; "" where nobody asked, too.
	unseenExecutors string
	borrowed        map[schema.Address]port.Instance // what an AMI is made of, that is not domctl's
	// revisions are the environments' revisions, and names the environments of each name,
	// indexed when first asked for.
	revisions func() map[revisionKey]planner.Ref
	names     func() map[string][]planner.Ref
	spoken    func() spoken                     // of images, gathered when first asked for
	rollouts  func() map[schema.Address]rollout // of AMIs, read when first asked for
	// hidden are objects that a key which sees a part does not see, and tierLacks what
	// the API's dialect does not hold of a hardware tier.
	hidden    map[planner.Ref]bool
	unserved  bool // Karpenter's objects, so that what is not there of them is not absent
	tierLacks []string
	masked    map[schema.Address][]string // variables of an environment's active revision that the API masks
	twins     map[schema.Address][]twin
	started   map[planner.Ref][]string // images that the nodes of groups run, of pools that roll
	alarms    []port.Alarm             // those that rolls name and that are there
	anew      map[schema.Address]bool  // environments that are built again though nothing differs
	activates sync.Map                 // address of an environment → the step that makes its new revision active
}

// look is what one kind's read adds to the view; kinds read side by side. What
// the last apply set is read beside them: who asks waits for it.
type look struct {
	*World
	desired schema.Desired
	applied func() schema.Applied
	view    *View
}

func (w *World) newView(d schema.Desired, a schema.Applied) *View {
	v := &View{Live: schema.Live{Objects: map[schema.Address]schema.Observed{}, Unread: map[schema.Address]schema.Finding{}}, desired: d, applied: a, world: w,
		raw: map[planner.Ref]planner.Raw{}, refs: map[schema.Address]planner.Ref{}, impact: map[schema.Address]*planner.Impact{}, unbaked: map[schema.Address]schema.Finding{}, probed: map[schema.Address][]string{}, followers: map[string][]string{}, borrowed: map[schema.Address]port.Instance{}, twins: map[schema.Address][]twin{}, started: map[planner.Ref][]string{}}
	v.revisions, v.names = sync.OnceValue(v.indexRevisions), sync.OnceValue(v.indexNames)
	v.spoken, v.rollouts = sync.OnceValue(v.speakOf), sync.OnceValue(v.readRollouts)
	return v
}

// Look reads what desired and applied speak of: *applied* and all kinds side by
// side. A read that fails is an error that names the kind; it never looks like
// absence.
func (w *World) Look(ctx context.Context, d schema.Desired, readApplied func() (schema.Applied, error)) (*View, error) {
	var applied schema.Applied
	known := make(chan struct{})
	byPool := tenants(d)
	var capacities map[string]schema.Capacity
	reads := []func() error{
		func() (err error) { defer close(known); applied, err = readApplied(); return err },
		func() (err error) { capacities, err = w.readCapacities(ctx, d, byPool); return err }}
	var clusters map[string]string
	var nodes, types lived
	if w.Nodes != nil && (len(byPool) > 0 || anyRolls(d)) {
		reads = append(reads, func() (err error) { nodes, err = w.lookLive(ctx); return err })
	}
	reads = append(reads, func() (err error) { types, err = w.lookOffered(ctx, d); return err })
	reads = append(reads, func() error { clusters = w.clusterVersions(ctx, d); return nil })
	stated := kindsOf(d.Objects)
	var parts []*View
	for _, name := range schema.Sorted(kinds()) {
		part := w.newView(d, schema.Applied{})
		parts = append(parts, part)
		reads = append(reads, func() error {
			l := &look{w, d, func() schema.Applied { <-known; return applied }, part}
			if !stated[name] && !kindsOf(l.applied().Entries)[name] {
				return nil
			}
			if err := kinds()[name].look(ctx, l); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	if err := sideBySide(reads...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(parts, func(a, b *View) int { return cmp.Compare(len(b.raw), len(a.raw)) })
	v := parts[0] // the rest is added to the largest
	v.applied, v.clusters, v.live, v.unseen = applied, clusters, nodes.rooms, nodes.unseen
	if len(byPool) == 0 {
		nodes.findings = nil // which are about tiers
	}
	v.Findings = slices.Concat(v.Findings, nodes.findings, types.findings)
	for _, p := range parts[1:] {
		v.add(p)
	}
	v.limits()
	v.unpromoted()
	if err := v.bakes(ctx); err != nil {
		return nil, err
	}
	if err := v.retire(ctx); err != nil {
		return nil, err
	}
	v.overdue()
	v.capacity(types.offered)
	return v, v.fit(ctx, byPool, capacities)
}

func kindsOf[V any](objects map[schema.Address]V) map[string]bool {
	names := map[string]bool{}
	for a := range objects {
		names[a.Kind] = true
	}
	return names
}

func (v *View) add(p *View) {
	maps.Copy(v.Objects, p.Objects)
	maps.Copy(v.raw, p.raw)
	maps.Copy(v.refs, p.refs)
	maps.Copy(v.impact, p.impact)
	maps.Copy(v.followers, p.followers)
	maps.Copy(v.unbaked, p.unbaked)
	maps.Copy(v.twins, p.twins)
	maps.Copy(v.started, p.started)
	v.unseenExecutors += p.unseenExecutors
	v.executors, v.alarms = append(v.executors, p.executors...), append(v.alarms, p.alarms...)
	maps.Copy(v.Unread, p.Unread)
	for ref := range p.hidden {
		v.hide(ref)
	}
	for a, names := range p.masked {
		v.mask(a, names)
	}
	v.tierLacks = append(v.tierLacks, p.tierLacks...)
	v.Findings = append(v.Findings, p.Findings...)
}

// Lower turns a change into steps.
func (v *View) Lower(c planner.Change) (planner.Lowered, error) {
	k, ok := kinds()[c.Address.Kind]
	if !ok {
		return planner.Lowered{}, fmt.Errorf("kind %q is not known here", c.Address.Kind)
	}
	return k.lower(v, c)
}

// Impact says who uses an address.
func (v *View) Impact(a schema.Address) *planner.Impact { return v.impact[a] }

func lowerNothing(_ *View, c planner.Change) (planner.Lowered, error) {
	return planner.Lowered{}, fmt.Errorf("%s: nothing of it is ever written", c.Address)
}

func blocked(code string, a schema.Address, message, hint string, at []schema.Position) planner.Lowered {
	return planner.Lowered{Blocked: &schema.Finding{Code: code, Severity: schema.Warning, Address: a, Message: message, Hint: hint, Positions: at}}
}

// Read answers every ref, read in batches by type, types side by side. What Domino's API
// does not answer is an applier.Unread; the rest is answered.
func (w *World) Read(ctx context.Context, refs []planner.Ref) (map[planner.Ref]planner.Raw, error) {
	byType := map[string][]string{}
	for _, r := range refs {
		if ids := byType[r.Type()]; !slices.Contains(ids, r.ID()) {
			byType[r.Type()] = append(ids, r.ID())
		}
	}
	types := schema.Sorted(byType)
	found := make([]map[planner.Ref]planner.Raw, len(types))
	reads, untold := make([]func() error, len(types)), make([]error, len(types))
	for i, t := range types {
		reads[i] = func() (err error) {
			if found[i], err = w.readType(ctx, t, byType[t]); err != nil {
				err = fmt.Errorf("%s: %w", t, err)
			}
			if strings.HasPrefix(t, "domino/") {
				untold[i], err = err, nil
			}
			return err
		}
	}
	if err := sideBySide(reads...); err != nil {
		return nil, err
	}
	out := make(map[planner.Ref]planner.Raw, len(refs))
	unread := &applier.Unread{Err: errors.Join(untold...)}
	for _, r := range refs {
		i := slices.Index(types, r.Type())
		if untold[i] != nil {
			unread.Refs = append(unread.Refs, r)
			continue
		}
		out[r] = found[i][r]
	}
	if len(unread.Refs) > 0 {
		return out, unread
	}
	return out, nil
}

// Same compares a wanted value with what stands; either may be a digest.
func (v *View) Same(want, got schema.Value) bool { return v.world.Same(want, got) }

// Same compares a wanted value with what stands; either may be a digest.
func (w *World) Same(want, got schema.Value) bool {
	if want.Is == schema.Digest && got.Is == schema.Known {
		got = w.digest(got)
	}
	if got.Is == schema.Digest && want.Is == schema.Known {
		want = w.digest(want)
	}
	return want == got
}

// Shown is World.Shown.
func (v *View) Shown(ref planner.Ref, path string, stands schema.Value) schema.Value {
	return v.world.Shown(ref, path, stands)
}

// Shown is a value that stands as a message may hold it. An undocumented setting
// may be a secret, also where the files state one that is not.
func (w *World) Shown(ref planner.Ref, path string, stands schema.Value) schema.Value {
	if (ref.Type() == "mongo/"+configCollection || ref.Type() == apiSettings) && path == "value" && stands.Is == schema.Known && !documentedSetting(ref) {
		return w.digest(stands)
	}
	return stands
}

// Digest is the keyed digest of a secret reference, resolved at this moment.
func (w *World) Digest(ctx context.Context, ref schema.Value) (schema.Value, error) {
	v, err := w.Secret(ctx, ref.Text)
	if err != nil {
		return schema.Value{}, err
	}
	return w.digest(v), nil
}

func (w *World) digest(v schema.Value) schema.Value {
	mac := hmac.New(sha256.New, w.Key)
	mac.Write([]byte(v.Text))
	return schema.Value{Is: schema.Digest, Text: hex.EncodeToString(mac.Sum(nil)[:16])}
}

var _ applier.World = (*World)(nil)
