package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// tierList is what the API shows of hardware tiers, and what the database alone does:
// the key sees a part.
type tierList struct {
	port.TierList
	hidden []port.Document // in the paths of the API
	unread error           // why the API did not answer; then nothing is known of any
}

// wholeTiers reads all tiers where they live; those of the API it compares with the
// database's.
func (w *World) wholeTiers(ctx context.Context) (tierList, error) {
	if !tiersByAPI(w.Deployment) {
		list, err := w.allTiers(ctx)
		return tierList{TierList: list}, err
	}
	if w.Domino == nil {
		return tierList{}, errNoAPI
	}
	var list tierList
	var docs []port.Document
	collection, paths := tierPaths(w.Deployment.Mongo.Mapping.HardwareTiers)
	err := sideBySide(
		func() (err error) {
			list.unread, err = within(ctx, func(ctx context.Context) (err error) { list.TierList, err = w.allTiers(ctx); return err })
			return err
		},
		func() (err error) { docs, err = w.Outside.Find(ctx, port.Query{Collection: collection}); return err })
	if err != nil || list.unread != nil {
		return list, err
	}
	shown := map[string]bool{}
	for _, d := range list.Tiers {
		shown[idPlain(docRef(apiTiers, idText(d["_id"])))] = true
	}
	for _, d := range docs {
		if !shown[idPlain(docRef(apiTiers, idText(d["_id"])))] {
			list.hidden = append(list.hidden, asOfAPI(d, paths))
		}
	}
	return list, nil
}

// asOfAPI is a document of the database as the API would show it.
func asOfAPI(d port.Document, mapped map[string]string) port.Document {
	out := port.Document{"_id": d["_id"]}
	_, paths := tierPaths(schema.Collection{})
	_, from := tierFields(mapped)
	_, to := tierFields(paths)
	for path, at := range from {
		for p, text := range d {
			if p == at || strings.HasPrefix(p, at+".") {
				out[to[path]+p[len(at):]] = text
			}
		}
	}
	return normalTier(out)
}

// partTiers notes what a key that sees a part does not see: it stands as the database has
// it, and nothing of it is written.
func (l *look) partTiers(list *tierList) {
	l.view.tierLacks = list.Lacks
	if len(list.hidden) == 0 {
		return
	}
	ids := []string{}
	for _, d := range list.hidden {
		ref := docRef(apiTiers, idText(d["_id"]))
		l.view.hide(ref)
		ids = append(ids, idPlain(ref))
	}
	slices.Sort(ids)
	l.find("DC381", schema.Warning, schema.Address{}, fmt.Sprintf("Domino's API shows %d of %s that its database holds; it does not show %s: no hardware tier is made or archived",
		len(list.Tiers), planner.Plural(len(list.Tiers)+len(ids), "hardware tier"), few(ids)), "use an administrator's key; domctl doctor says whose it is")
	list.Tiers = append(list.Tiers, list.hidden...)
}

// overTierAPI takes out of a change what no call of the API does, and says why; or what
// forbids all of it.
func (v *View) overTierAPI(c planner.Change, ref planner.Ref) (rest planner.Change, left []planner.Left, why *schema.Finding) {
	if ref.Type() != apiTiers {
		return c, nil, nil
	}
	raw, o := v.raw[ref], v.desired.Objects[c.Address]
	archives := slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return d.Path == "archived" && d.After.Bool() })
	gains := slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return d.Path == "isDefault" && d.After.Bool() }) // from one that may be hidden
	if v.hidden[ref] || v.partial(apiTiers) && (raw == nil || archives || gains) {
		return c, nil, blocked("DC381", c.Address, "Domino's API shows a part of the hardware tiers only, so that none is made or archived, and none that it does not show is changed",
			"use an administrator's key; domctl doctor says whose it is", c.Positions).Blocked
	}
	_, paths := tierPaths(schema.Collection{})
	_, doc := tierFields(paths)
	fields := c.Fields
	rest, rest.Fields = c, nil
	for _, d := range fields {
		lacks := slices.ContainsFunc(v.tierLacks, func(path string) bool { return doc[d.Path] == path || strings.HasPrefix(doc[d.Path], path+".") })
		if lacks || d.Path == "archived" && !d.After.Bool() && raw.At(paths["archived"]).Bool() {
			left = append(left, planner.Left{Fields: []string{d.Path}, Why: *blocked("DC382", c.Address, "states "+d.Path+", which no call of Domino's API changes as it is stated",
				"change it in Domino, and leave it out of the files", o.Positions(d.Path)).Blocked})
			continue
		}
		if all := v.claimants(c.Address); d.Path == "isDefault" && d.After.Is == schema.Known && !d.After.Bool() && len(all) > 1 {
			left = append(left, planner.Left{Fields: []string{d.Path}, Why: *blocked("DC103", c.Address, "stays the default tier, since the files want several to follow it, of which Domino's API keeps one",
				"state isDefault: true on one tier, which is in use", o.Positions(d.Path)).Blocked})
			continue
		}
		rest.Fields = append(rest.Fields, d)
	}
	if raw == nil {
		why = v.notWhole(c, o)
	}
	return rest, left, why
}

// notWhole says what is missing of a tier to be made; nil where nothing is.
func (v *View) notWhole(c planner.Change, o schema.Object) *schema.Finding {
	var missing []string
	for _, path := range []string{"nodePool", "cores", "memory"} {
		if !slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return d.Path == path && d.After.Is != schema.Absent }) {
			missing = append(missing, path)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return blocked("DC383", c.Address, "is not there, and Domino's API makes no hardware tier without "+schema.Listed(missing, "and"), "state "+schema.Listed(missing, "and"), o.Positions("")).Blocked
}

func (v *View) hide(ref planner.Ref) {
	if v.hidden == nil {
		v.hidden = map[planner.Ref]bool{}
	}
	v.hidden[ref] = true
}

// partial says that some object of a type is hidden.
func (v *View) partial(typ string) bool {
	for ref := range v.hidden {
		if ref.Type() == typ {
			return true
		}
	}
	return false
}

// few names some things.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return schema.Listed(names, "and")
}

// hiddenFromUsers tells of tiers that the files state and that live archived: over the API
// nothing brings one back.
func (l *look) hiddenFromUsers(collection string) {
	for _, a := range l.wanted("hardwareTiers") {
		o, stated := l.desired.Objects[a]
		if _, says := o.Fields["archived"]; collection == apiTiers && stated && !says && l.view.Objects[a].Fields["archived"].Bool() {
			l.find("DC385", schema.Warning, a, "stands in the files, and is archived in Domino: nobody can choose it, and no call of Domino's API brings it back",
				"bring it back in Domino; or take it out of the files, and make another")
		}
	}
}
