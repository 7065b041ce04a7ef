package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Environment is one compute environment of Domino as its database has it, and who uses
// it.
type Environment struct {
	Address  schema.Address // of the object in files; zero when it is in none
	ID       string         // 24 hexadecimal digits
	Name     string
	Owner    string // a login, or an organization's name
	Visible  string // "private", "organization", "global"
	Archived bool
	// Revisions are newest first.
	Revisions []Revision
	Active    string           // the id of the active one; "" where there is none
	Children  []schema.Address // that the files build on it
	Impact    planner.Impact
	People    []planner.Person // who uses it, by login
	Runs      int64            // that named it, at any time
	LastUsed  time.Time        // when the latest of them started; zero where there is none
}

// Revision of an environment, as Domino's database has it.
type Revision struct {
	ID      string
	Number  int64
	Created time.Time
	Author  string // a login
	Built   bool
	Image   string // as nodes name it; "" where its document names none
}

// ActiveRevision is the revision that runs use; ok is false where there is none.
func (e Environment) ActiveRevision() (r Revision, ok bool) {
	i := slices.IndexFunc(e.Revisions, func(r Revision) bool { return r.ID == e.Active })
	if i < 0 {
		return r, false
	}
	return e.Revisions[i], true
}

// Environments reads all there are, by name. Whoever fails
// to answer, nothing is told: what could not be counted is not none. Calls grow with
// pages alone.
func (w *World) Environments(ctx context.Context, d schema.Desired, a schema.Applied) ([]Environment, error) {
	r := roster{look: &look{w, d, func() schema.Applied { return a }, w.newView(d, a)}, byID: map[string]*Environment{}, uses: map[string]schema.Address{}}
	var docs, revisions []port.Document
	err := sideBySide(
		func() (err error) {
			docs, err = w.Outside.Find(ctx, port.Query{Collection: environmentsCollection})
			return err
		},
		func() (err error) {
			revisions, err = w.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Fields: []string{"environmentId", "metadata.number", "metadata.isBuilt", "metadata.created",
				"metadata.authorId", "metadata.dockerImageName"}})
			return err
		})
	if err == nil {
		err = r.read(ctx, docs, revisions)
	}
	if err != nil {
		return nil, fmt.Errorf("environments: %w", err)
	}
	return r.sorted(), nil
}

// roster gathers environments by their id.
type roster struct {
	*look
	byID map[string]*Environment
	uses map[string]schema.Address // an address for each id, as uses are counted by
	mu   sync.Mutex
}

func (r *roster) read(ctx context.Context, docs, revisions []port.Document) error {
	if len(docs) == 0 {
		if err := r.legacy(ctx); err != nil {
			return err
		}
	}
	if err := r.emptied("environments", "the collection "+environmentsCollection, len(docs)); err != nil {
		return err
	}
	d := r.directory(environmentsCollection, docs, func(_ planner.Ref, raw planner.Raw) []string { return []string{raw.At("name").Str()} })
	people := map[string]bool{}
	for id, ref := range d.byID {
		raw := r.view.raw[ref]
		r.byID[id] = &Environment{ID: id, Name: raw.At("name").Str(), Visible: strings.ToLower(raw.At("visibility").Str()), Archived: raw.At("isArchived").Bool(),
			Active: digits(standing(raw, "activeRevisionId").Text), Owner: raw["ownerId"].Text}
		people[raw["ownerId"].Text] = true
		for _, form := range forms(id) {
			r.uses[form] = schema.Address{Kind: "environments", Name: id}
		}
	}
	r.declared(d)
	for _, doc := range revisions {
		raw := rawOf(doc)
		if e := r.byID[digits(raw["environmentId"].Text)]; e != nil {
			e.Revisions = append(e.Revisions, revisionOf(doc, raw))
			people[raw["metadata.authorId"].Text] = true
		}
	}
	var names map[string]string
	err := sideBySide(
		func() (err error) { names, err = r.logins(ctx, people); return err },
		func() error { return r.count(ctx) },
		func() error { return r.ran(ctx) })
	for _, e := range r.byID {
		e.Owner = names[e.Owner]
		slices.SortFunc(e.Revisions, func(a, b Revision) int { return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.ID, b.ID)) })
		for i, rev := range e.Revisions {
			e.Revisions[i].Author = names[rev.Author]
		}
	}
	return err
}

func revisionOf(doc port.Document, raw planner.Raw) Revision {
	rev := Revision{ID: digits(doc["_id"]), Built: raw["metadata.isBuilt"].Bool(), Created: dateOf(doc["metadata.created"]), Author: raw["metadata.authorId"].Text}
	if n, err := readNumber(raw, "metadata.number"); err == nil {
		f, _ := n.Float()
		rev.Number = int64(f)
	}
	if repository, tag := raw.At("metadata.dockerImageName.repository").Str(), raw.At("metadata.dockerImageName.tag").Str(); repository != "" && tag != "" {
		rev.Image = repository + ":" + tag
	}
	return rev
}

// declared gives environments the addresses that they have in files, and the children
// that files build on them.
func (r *roster) declared(d directory) {
	found := map[schema.Address]*Environment{}
	for _, a := range r.wanted("environments") {
		_, stated := r.desired.Objects[a]
		if ref, ok := d.identify(a); ok && stated && r.byID[idPlain(ref)] != nil {
			found[a] = r.byID[idPlain(ref)]
			found[a].Address = a
		}
	}
	for _, a := range schema.Addresses(r.desired.Objects) {
		if to, _, based := r.desired.Objects[a].Fields["base.environment"].Target(); based && found[to] != nil {
			found[to].Children = append(found[to].Children, a)
		}
	}
}

// count asks each collection once, by environment and user.
func (r *roster) count(ctx context.Context) error {
	of := map[string]schema.Address{} // what Impact and People are keyed by
	for form, a := range r.uses {
		of[form] = a
	}
	used := map[string]map[schema.Address]bool{} // by the user's id
	ids := schema.Sorted(of)
	var reads []func() error
	for _, u := range environmentUses(r.World) {
		reads = append(reads, func() error {
			g := u.group(ids)
			if u.who != "" {
				g.By = append(g.By, u.who)
			}
			counts, err := r.Outside.Count(ctx, g)
			if err != nil {
				return fmt.Errorf("who uses them, counted in %s: %w", u.collection, err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, c := range counts {
				r.counted(u, c, of, used)
			}
			return nil
		})
	}
	if err := sideBySide(reads...); err != nil || len(used) == 0 {
		return err
	}
	people, err := r.named(ctx, used)
	for _, p := range people {
		for _, a := range p.Uses {
			e := r.byID[a.Name]
			e.People = append(e.People, planner.Person{Login: p.Login, Email: p.Email})
		}
	}
	return err
}

func (r *roster) counted(u use, c port.Count, of map[string]schema.Address, used map[string]map[schema.Address]bool) {
	if u.skip[0] != "" && slices.Contains(c.Key[1:], schema.JSON(u.skip[1]).Text) {
		return
	}
	e := r.byID[of[c.Key[0]].Name]
	if e == nil {
		return
	}
	u.count(&e.Impact, c.N)
	if u.who != "" {
		u.user(used, c, of)
	}
}

// ran reads how often each was run, and when last.
func (r *roster) ran(ctx context.Context) error {
	counts, err := r.Outside.Count(ctx, port.Group{Collection: "runs", By: []string{"environmentId"}, Last: "started"})
	if err != nil {
		return fmt.Errorf("when they ran: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range counts {
		if e := r.byID[digits(c.Key[0])]; e != nil {
			e.Runs += c.N
			if c.Last.After(e.LastUsed) {
				e.LastUsed = c.Last
			}
		}
	}
	return nil
}

func (r *roster) sorted() []Environment {
	out := make([]Environment, 0, len(r.byID))
	for _, id := range schema.Sorted(r.byID) {
		out = append(out, *r.byID[id])
	}
	slices.SortStableFunc(out, func(a, b Environment) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
