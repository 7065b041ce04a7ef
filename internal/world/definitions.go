package world

import (
	"context"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// What an environment's revision is built from is known to Domino's API alone.

// shownRevision is a revision as the API shows it.
type shownRevision struct {
	port.Definition
	port.Build
	hidden bool // the API does not show it
}

// lookDefinitions adds what the active revisions of found environments are built from,
// of those whose files say anything of it. Revisions never change: of one that the last
// apply made active, the records say what it holds, and nobody is asked.
func (l *look) lookDefinitions(ctx context.Context, found map[schema.Address]planner.Ref) error {
	var ask []string
	asked := map[string]schema.Address{}
	for _, a := range schema.Addresses(found) {
		active := l.view.active(found[a])
		entry, _ := l.applied().Former(l.desired, a)
		switch fields := l.view.Objects[a].Fields; {
		case !builds(l.desired.Objects[a].Fields):
		case active == "" && standing(l.view.raw[found[a]], "activeRevisionId").Is == schema.Absent && l.Domino != nil:
		case l.Domino == nil, l.view.raw[docRef(revisionsCollection, `{"$oid":`+schema.JSON(active).Text+`}`)] == nil: // which decodeEnvironment told
			l.unseen(a)
		case entry != nil && entry.Fields[schema.BuiltRevision].Str() == active:
			maps.Copy(fields, definitionOf(entry.Fields))
		default:
			ask, asked[active] = append(ask, active), a
		}
	}
	shown, err := patiently(ctx, ask, func(ctx context.Context, id string) (shownRevision, error) {
		return l.showRevision(ctx, idPlain(found[asked[id]]), id)
	})
	if err != nil {
		return err
	}
	for i, s := range shown {
		switch a := asked[ask[i]]; {
		case s.err != nil:
			l.unanswered(a, "what its active revision "+ask[i]+" is built from", s.err)
		case s.of.hidden:
			l.unread(a, "DC293", "its active revision "+ask[i]+" stands in Domino's database, and Domino's API does not show it, so that nothing of it is planned", "use the key of a Domino administrator")
		default:
			l.decodeDefinition(ctx, a, s.of, found)
		}
	}
	return l.lookTwins(ctx, found)
}

// unseen says that nobody knows what an environment is built from.
func (l *look) unseen(a schema.Address) {
	entry, _ := l.applied().Former(l.desired, a)
	if entry == nil {
		entry = &schema.Entry{}
	}
	for _, fields := range []map[string]schema.Value{definitionOf(l.desired.Objects[a].Fields), definitionOf(entry.Fields)} {
		for p := range fields {
			l.view.Objects[a].Fields[p] = schema.Value{Is: schema.Unknown}
		}
	}
}

// builds says that the files state what a revision is built from.
func builds(fields map[string]schema.Value) bool {
	for p := range fields {
		if schema.BuildsRevision(p) && !schema.FormAlone(p) {
			return true
		}
	}
	return false
}

// definitionOf are the fields that a revision is built from.
func definitionOf(fields map[string]schema.Value) map[string]schema.Value {
	out := map[string]schema.Value{}
	for p, v := range fields {
		if schema.BuildsRevision(p) && !schema.FormAlone(p) && v.Is != schema.Absent {
			out[p] = v
		}
	}
	return out
}

// active is the id of an environment's active revision; "" where it has none.
func (v *View) active(env planner.Ref) string {
	return schema.Value{Is: schema.Known, Text: plainJSON(standing(v.raw[env], "activeRevisionId").Text)}.Str()
}

// decodeDefinition states a revision in the words of the schema.
func (l *look) decodeDefinition(ctx context.Context, a schema.Address, s shownRevision, found map[schema.Address]planner.Ref) {
	want, known := l.stated(a, found)
	maps.Copy(l.view.Objects[a].Fields, l.holds(ctx, a, want, s, known))
	var masked []string
	for _, name := range schema.Sorted(s.Variables) {
		if port.Masked(s.Variables[name]) {
			masked = append(masked, name)
		}
	}
	l.view.mask(a, masked)
}

func (v *View) mask(a schema.Address, names []string) {
	if v.masked == nil {
		v.masked = map[schema.Address][]string{}
	}
	v.masked[a] = names
}

// holds is what a revision was built from, as the files would state it. All that the API
// shows is taken from there; a tag which says that it was built of what the files state,
// and which anybody may copy, decides only of what the API masks or does not show.
func (l *look) holds(ctx context.Context, a schema.Address, want map[string]schema.Value, s shownRevision, known bool) map[string]schema.Value {
	fields := map[string]schema.Value{}
	tagged := known && slices.Contains(s.Build.Tags, schema.TagContent+schema.DefinitionKey(want))
	for p, v := range shownFields(s) {
		if fields[p] = l.veiled(ctx, a, want[p], p, v); tagged && strings.HasPrefix(p, "variables.") && port.Masked(v.Str()) && want[p].Is != schema.Absent {
			fields[p] = want[p]
		}
	}
	if image := fields["base.uri"]; want["base.image"].Is != schema.Absent && image.Is != schema.Absent { // the API does not tell which of both was meant
		fields["base.image"] = image
		delete(fields, "base.uri")
	}
	for p, v := range want { // what is as good as not said
		if _, shown := fields[p]; !shown && (tagged && unshown(p) || v.Text == "false" || v.Text == "[]" || v.Text == `""` || v.Text == "{}") {
			fields[p] = v
		}
	}
	if _, pinned := want["base.revision"]; !pinned {
		delete(fields, "base.revision")
	}
	return fields
}

// unshown are the fields of a definition that the API takes and does not show.
func unshown(path string) bool { return path == "skipCache" }

// stated is what the files want a revision built from, as far as it is known before
// anything is written.
func (l *look) stated(a schema.Address, found map[schema.Address]planner.Ref) (want map[string]schema.Value, known bool) {
	want, known = definitionOf(l.desired.Objects[a].Fields), true
	for p, v := range want {
		to, field, refers := v.Target()
		switch {
		case v.Is == schema.Unset:
			delete(want, p)
		case !refers:
		case to.Kind == a.Kind && found[to] != "":
			want[p] = schema.JSON(idPlain(found[to]))
		default:
			want[p] = l.desired.Objects[to].Fields[field]
			known = known && want[p].Is == schema.Known
		}
	}
	return want, known
}

// veiled is a variable's value as a plan may hold it: a digest, unless the files say the
// same. What a mask hides, or cannot be compared because the secret is not to be had, is
// taken for what the last apply took it for, else for the secret that the files name: of
// what was imported, nothing else is known.
func (l *look) veiled(ctx context.Context, a schema.Address, want schema.Value, path string, live schema.Value) schema.Value {
	if !strings.HasPrefix(path, "variables.") || want == live {
		return live
	}
	if want.Is != schema.Secret {
		return l.digest(live)
	}
	masked := port.Masked(live.Str())
	if !masked {
		digest, err := l.Digest(ctx, want)
		if err == nil && l.Same(digest, live) {
			return want
		}
		if err == nil {
			return l.digest(live)
		}
		l.find("DC160", schema.Warning, a, "not known whether "+path+" differs, so that it counts as unchanged: "+planner.Printable(err.Error()), "set what the reference names, and plan again")
	}
	if entry, _ := l.applied().Former(l.desired, a); entry != nil && entry.Fields[path].Is == schema.Secret {
		return entry.Fields[path]
	} else if entry == nil || entry.Fields[path].Is == schema.Absent {
		return want
	}
	return l.digest(live)
}

// shownFields are what the API shows of a revision and that is not empty.
func shownFields(s shownRevision) map[string]schema.Value {
	out := map[string]schema.Value{}
	for p, text := range map[string]string{"dockerfile": s.Dockerfile, "scripts.preSetup": s.PreSetup, "scripts.postSetup": s.PostSetup, "scripts.preRun": s.PreRun,
		"scripts.postRun": s.PostRun, "summary": s.Summary, "base.uri": s.Image, "base.environment": s.BaseOf} {
		if text != "" {
			out[p] = schema.JSON(text)
		}
	}
	var own []string
	for _, t := range s.Build.Tags {
		if !strings.HasPrefix(t, schema.TagContent) && !strings.HasPrefix(t, schema.TagStep) {
			own = append(own, t)
		}
	}
	slices.Sort(own)
	clusters := slices.Sorted(slices.Values(s.Clusters))
	for p, list := range map[string][]string{"dockerArguments": s.DockerArguments, "supportedClusters": clusters, "tags": own} {
		if len(list) > 0 {
			out[p] = schema.JSON(list)
		}
	}
	for p, is := range map[string]bool{"vpn": s.VPN, "restricted": s.Restricted, "base.rebuildOnBaseChanges": s.Follow != "", "base.default": s.Image == "" && s.BaseOf == ""} {
		if is {
			out[p] = schema.JSON(true)
		}
	}
	for name, value := range s.Variables {
		out["variables."+schema.JoinPath(name)] = schema.JSON(value)
	}
	if s.Tools != "" {
		out["tools"] = schema.Value{Is: schema.Known, Text: canonicalTools(s.Tools)}
	}
	if s.BaseOf != "" {
		out["base.revision"] = schema.JSON(s.BaseNumber)
	}
	return out
}

// canonicalTools has sorted keys, as every value does.
func canonicalTools(text string) string {
	if v, ok := plainOf(text); ok {
		return schema.JSON(v).Text
	}
	return text
}
