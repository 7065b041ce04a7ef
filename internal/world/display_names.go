package world

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Name says what people call the environments and revisions that changes name by id. What
// the look read is not asked for again.
func (v *View) Name(ctx context.Context, changes ...[]planner.Change) error {
	names, ask := map[string]string{}, map[string]bool{}
	called(changes, func(id string) string {
		if names[id] = v.calledEnvironment(id); names[id] == "" {
			ask[id] = true
		}
		return ""
	})
	if err := v.world.nameIDs(ctx, schema.Sorted(ask), names); err != nil {
		return fmt.Errorf("names of environments: %w", err)
	}
	called(changes, func(id string) string { return names[id] })
	return nil
}

// NameIn puts into findings of what was changed outside, behind each id of an environment
// or a revision, what people call it.
func (v *View) NameIn(ctx context.Context, findings []schema.Finding) error {
	names, ask := map[string]string{}, map[string]bool{}
	ids := regexp.MustCompile(`\b[0-9a-f]{24}\b(?:"\})?`) // {"$oid":"…"} to its end
	each := func(name func(id string) string) {
		for i, f := range findings {
			if f.Code == "DC420" && (f.Address.Kind == "environments" || f.Address.Kind == "defaultEnvironments") {
				findings[i].Message = ids.ReplaceAllStringFunc(f.Message, func(id string) string { return id + name(strings.TrimSuffix(id, `"}`)) })
			}
		}
	}
	each(func(id string) string {
		if names[id] = v.calledEnvironment(id); names[id] == "" {
			ask[id] = true
		}
		return ""
	})
	if err := v.world.nameIDs(ctx, schema.Sorted(ask), names); err != nil {
		return fmt.Errorf("names of environments: %w", err)
	}
	each(func(id string) string {
		if names[id] == "" {
			return ""
		}
		return " (" + planner.Printable(names[id]) + ")"
	})
	return nil
}

var idDigits = regexp.MustCompile(`^[0-9a-f]{24}$`)

// called visits the ids in the fields of environments and defaults, and puts down what is
// answered. Two of one name keep their ids beside it.
func called(changes [][]planner.Change, name func(id string) string) {
	one := func(v schema.Value) (id, text string) {
		if v.Is == schema.Known && len(v.Text) < 64 { // an id is no longer, a Dockerfile is
			if id = digits(v.Text); idDigits.MatchString(id) {
				text = name(id)
			}
		}
		return id, text
	}
	for _, all := range changes {
		for _, c := range all {
			if c.Address.Kind != "environments" && c.Address.Kind != "defaultEnvironments" {
				continue
			}
			for i := range c.Fields {
				d := &c.Fields[i]
				before, is := one(d.Before)
				after, becomes := one(d.After)
				if before != after && is != "" && is == becomes {
					is, becomes = is+" ("+before+")", becomes+" ("+after+")"
				}
				d.BeforeName, d.AfterName = is, becomes
			}
		}
	}
}

// calledEnvironment is what people call an environment or a revision of which the look
// knows; "" for any other.
func (v *View) calledEnvironment(id string) string {
	for _, form := range forms(id) {
		if raw := v.raw[docRef(environmentsCollection, idText(form))]; raw != nil {
			return raw.At("name").Str()
		}
		if raw := v.raw[docRef(revisionsCollection, idText(form))]; raw != nil {
			return revisionName(raw)
		}
	}
	return ""
}

func revisionName(raw planner.Raw) string {
	number, err := readNumber(raw, "metadata.number")
	if err != nil || number.Is != schema.Known {
		return ""
	}
	return "revision " + number.Display()
}

// nameIDs asks for the names of environments and revisions, one call each.
func (w *World) nameIDs(ctx context.Context, ids []string, names map[string]string) error {
	if len(ids) == 0 {
		return nil
	}
	var any []string
	for _, id := range ids {
		any = append(any, forms(id)...)
	}
	var environments, revisions []port.Document
	err := sideBySide(
		func() (err error) {
			environments, err = w.Outside.Find(ctx, port.Query{Collection: environmentsCollection, Any: map[string][]string{"_id": any}, Fields: []string{"name"}})
			return err
		},
		func() (err error) {
			revisions, err = w.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"_id": any}, Fields: []string{"metadata.number"}})
			return err
		})
	for _, d := range environments {
		names[digits(d["_id"])] = rawOf(d).At("name").Str()
	}
	for _, d := range revisions {
		names[digits(d["_id"])] = revisionName(rawOf(d))
	}
	return err
}
