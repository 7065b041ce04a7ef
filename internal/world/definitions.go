package world

import (
	"context"
	"fmt"
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
	shown, err := each(ask, func(id string) (s shownRevision, err error) {
		if s, err = l.showRevision(ctx, idPlain(found[asked[id]]), id); err != nil {
			return s, fmt.Errorf("%s: %w", asked[id], err)
		}
		return s, nil
	})
	if err != nil {
		return err
	}
	for i, s := range shown {
		if a := asked[ask[i]]; s.hidden {
			l.hidden(a, ask[i])
			delete(found, a)
		} else {
			l.decodeDefinition(ctx, a, s, found)
		}
	}
	return l.lookFollowers(ctx, found)
}

// unseen says that nobody knows what an environment is built from.
func (l *look) unseen(a schema.Address) {
	for p := range definitionOf(l.desired.Objects[a].Fields) {
		l.view.Objects[a].Fields[p] = schema.Value{Is: schema.Unknown}
	}
}

// hidden is an environment whose active revision the database names and the API does
// not show: the key sees a part. What it is built from is not known then, and never
// absent.
func (l *look) hidden(a schema.Address, revision string) {
	l.unseen(a)
	l.find("DC293", schema.Error, a, "its active revision "+revision+" stands in Domino's database, and Domino's API does not show it", "use the key of a Domino administrator; with any other, nothing of this environment can be planned")
}

// lookFollowers says of environments that get a new revision which others Domino will
// build again, because they follow, and what somebody else has built just now. It asks
// of those alone whose definition differs.
func (l *look) lookFollowers(ctx context.Context, found map[schema.Address]planner.Ref) error {
	declared := map[string]schema.Address{}
	var ask []string
	for _, a := range schema.Addresses(found) {
		declared[idPlain(found[a])] = a
		if l.Domino != nil && l.differs(a, found) {
			ask = append(ask, idPlain(found[a]))
		}
	}
	type beside struct {
		followers []port.Follower
		newest    int64
		status    string
		twins     []twin
	}
	all, err := each(ask, func(env string) (b beside, err error) {
		if b.followers, err = l.Domino.ListFollowers(ctx, env); err != nil {
			return b, fmt.Errorf("%s: %w", declared[env], err)
		}
		if b.twins, err = l.lookTwins(ctx, declared[env], env, found); err != nil {
			return b, fmt.Errorf("%s: %w", declared[env], err)
		}
		id, number := l.view.unbuilt(env)
		if id == "" {
			return b, nil
		}
		build, err := l.Domino.GetBuild(ctx, env, id)
		if err != nil {
			return b, fmt.Errorf("%s: %w", declared[env], err)
		}
		b.newest, b.status = number, build.Status
		return b, nil
	})
	for i, b := range all {
		a := declared[ask[i]]
		l.view.twins[a] = b.twins
		var names []string
		for _, f := range b.followers {
			name := planner.Printable(f.Name)
			if a, is := declared[f.ID]; is {
				name = a.String()
			}
			names = append(names, name)
		}
		if len(names) > 0 {
			l.find("DC292", schema.Info, a, "once its new revision is active, Domino builds again what follows it: "+strings.Join(names, ", "), "")
		}
		if !slices.Contains([]string{"", port.BuildSucceeded, port.BuildFailed, port.BuildKilled}, b.status) {
			l.find("DC294", schema.Warning, a, fmt.Sprintf("somebody else has revision %d of it built (%s)", b.newest, planner.Printable(b.status)),
				"ask who saved it in Domino: what it brings is not in the files, and is not in what domctl builds")
		}
	}
	return err
}

// differs says that what the files want a revision built from is not what stands, as
// far as that is known.
func (l *look) differs(a schema.Address, found map[schema.Address]planner.Ref) bool {
	want, _ := l.stated(a, found)
	fields := l.view.Objects[a].Fields
	for p := range definitionOf(l.desired.Objects[a].Fields) {
		if want[p] != fields[p] {
			return true
		}
	}
	return false
}

// unbuilt is the newest revision of an environment, where the database does not say
// that it is built.
func (v *View) unbuilt(env string) (id string, number int64) {
	number = v.latest(env)
	for ref, raw := range v.raw {
		if ref.Type() == "mongo/"+revisionsCollection && plainJSON(raw["environmentId"].Text) == schema.JSON(env).Text && plainJSON(raw["metadata.number"].Text) == schema.JSON(number).Text && !raw["metadata.isBuilt"].Bool() {
			return idPlain(ref), number
		}
	}
	return "", 0
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

// decodeDefinition states a revision in the words of the schema. One whose tag says
// that it was built of what the files state holds all of that, also what is not shown.
func (l *look) decodeDefinition(ctx context.Context, a schema.Address, s shownRevision, found map[schema.Address]planner.Ref) {
	fields := l.view.Objects[a].Fields
	want, known := l.stated(a, found)
	if known && slices.Contains(s.Build.Tags, schema.TagContent+schema.DefinitionKey(want)) {
		maps.Copy(fields, definitionOf(want))
		return
	}
	for p, v := range shownFields(s) {
		fields[p] = l.veiled(ctx, a, want[p], p, v)
	}
	if image := fields["base.uri"]; want["base.image"].Is != schema.Absent && image.Is != schema.Absent { // the API does not tell which of both was meant
		fields["base.image"] = image
		delete(fields, "base.uri")
	}
	for p, v := range want { // what is as good as not said
		if _, shown := fields[p]; !shown && (v.Text == "false" || v.Text == "[]" || v.Text == `""` || v.Text == "{}") {
			fields[p] = v
		}
	}
	if _, pinned := want["base.revision"]; !pinned {
		delete(fields, "base.revision")
	}
}

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
// same. What a mask hides is taken for what the last apply took it for, else for the
// secret that the files name: of what was imported, nothing else is known.
func (l *look) veiled(ctx context.Context, a schema.Address, want schema.Value, path string, live schema.Value) schema.Value {
	if !strings.HasPrefix(path, "variables.") || want == live {
		return live
	}
	if want.Is == schema.Secret && port.Masked(live.Str()) {
		if entry, _ := l.applied().Former(l.desired, a); entry != nil && entry.Fields[path].Is == schema.Secret {
			return entry.Fields[path]
		} else if entry == nil || entry.Fields[path].Is == schema.Absent {
			return want
		}
	}
	if want.Is == schema.Secret {
		if digest, err := l.Digest(ctx, want); err == nil && l.Same(digest, live) {
			return want
		}
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
