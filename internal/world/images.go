package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// UsedImage is an image that nodes may have to pull: a revision of an
// environment, or a base image. Runs are counted over the window, by the label
// of the node pool as well where a run's tier is known. Missing says why the
// image cannot be named.
type UsedImage struct {
	Address schema.Address // of the object in files; zero when it is in none
	Base    bool           // a base image, which nothing runs by itself
	Name    string         // of the environment, as people see it
	// Revision of the environment: its number, and whether it is the active one.
	Revision int64
	Active   bool
	Image    string // as nodes name it
	ID       string // of the revision, its digits; "" for base images
	Runs     int64
	Pinned   int64 // projects that follow this revision and no other
	Pools    map[string]int64
	Missing  string
}

// Images reads which images are in use: active revisions of environments that
// are not archived, revisions that ran since a moment or that a project is pinned
// to, revisions that the files cache, and base images. Revisions that were never
// built are left out. An image's name is read, never made up. Calls grow with
// pages.
func (w *World) Images(ctx context.Context, d schema.Desired, a schema.Applied, since time.Time) ([]UsedImage, error) {
	u := &usage{look: &look{w, d, func() schema.Applied { return a }, w.newView(d, a)}, revisions: map[string]*UsedImage{}}
	var runs, pins []port.Count
	var tiers map[string]string
	tier := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	err := sideBySide(
		func() error { return lookEnvironments(ctx, u.look) },
		func() (err error) { tiers, err = w.tierPools(ctx, tier != ""); return err },
		func() (err error) {
			by := []string{"environmentId", "environmentRevisionId"}
			if tier != "" {
				by = append(by, tier)
			}
			runs, err = w.Outside.Count(ctx, port.Group{Collection: "runs", Since: map[string]time.Time{"started": since}, By: by})
			return err
		},
		func() (err error) {
			pins, err = w.Outside.Count(ctx, port.Group{Collection: "projects", By: []string{"defaultEnvironmentRevisionSpec"}})
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("images in use: %w", err)
	}
	u.active()
	for _, c := range runs {
		u.ran(c, tiers)
	}
	for _, c := range pins {
		u.pinned(c)
	}
	u.cached()
	if err := u.name(ctx); err != nil {
		return nil, fmt.Errorf("images in use: %w", err)
	}
	for id, r := range u.revisions {
		r.ID = id
	}
	return append(u.sorted(), u.bases()...), nil
}

// usage gathers images by the digits of their revision's id.
type usage struct {
	*look
	revisions map[string]*UsedImage
}

// digits of an id: Domino's documents name one another by ObjectId and by its
// digits.
func digits(text string) string { return idPlain(docRef("", idText(text))) }

// forms are the two that an id of these digits can have.
func forms(id string) []string {
	text := schema.JSON(id).Text
	if len(id) == 24 && strings.Trim(id, "0123456789abcdef") == "" {
		return []string{`{"$oid":` + text + `}`, text}
	}
	return []string{text}
}

func (u *usage) revision(id string) *UsedImage {
	if u.revisions[id] == nil {
		u.revisions[id] = &UsedImage{Pools: map[string]int64{}}
	}
	return u.revisions[id]
}

// environment is the document of one, or nil.
func (u *usage) environment(id string) planner.Raw {
	for _, form := range forms(id) {
		if raw := u.view.raw[docRef(environmentsCollection, idText(form))]; raw != nil {
			return raw
		}
	}
	return nil
}

func (u *usage) active() {
	for ref, raw := range u.view.raw {
		active := standing(raw, "activeRevisionId")
		if ref.Type() == "mongo/"+environmentsCollection && active.Is == schema.Known && !raw["isArchived"].Bool() {
			u.revision(digits(active.Text)).Active = true
		}
	}
}

// ran counts a group of runs; one without a revision ran the active one.
func (u *usage) ran(c port.Count, tiers map[string]string) {
	id := c.Key[1]
	if id == "null" {
		id = standing(u.environment(digits(c.Key[0])), "activeRevisionId").Text
	}
	if id == "" {
		return
	}
	r := u.revision(digits(id))
	r.Runs += c.N
	if len(c.Key) > 2 {
		r.Pools[tiers[digits(c.Key[2])]] += c.N
	}
}

// pinned counts projects by their spec: "ActiveRevision" or "SomeRevision(<id>)".
func (u *usage) pinned(c port.Count) {
	spec := schema.Value{Is: schema.Known, Text: c.Key[0]}.Str()
	if id, ok := strings.CutPrefix(spec, "SomeRevision("); ok {
		u.revision(strings.TrimSuffix(id, ")")).Pinned += c.N
	}
}

// cached adds the revisions that the files cache by their number.
func (u *usage) cached() {
	for _, o := range u.desired.Objects {
		for env, numbers := range o.Cache().Environments {
			ref := u.view.refs[schema.Address{Kind: "environments", Name: env}]
			for _, n := range numbers {
				if id, _ := u.view.revision(ref, schema.JSON(n)); ref != "" && id.Is == schema.Known {
					u.revision(digits(id.Text))
				}
			}
		}
	}
}

// tierPools is the label of the pool that each tier runs in.
func (w *World) tierPools(ctx context.Context, known bool) (map[string]string, error) {
	if !known {
		return nil, nil
	}
	collection, paths := tierPaths(w.Deployment.Mongo.Mapping.HardwareTiers)
	docs, err := w.Outside.Find(ctx, port.Query{Collection: collection, Fields: []string{paths["nodePool"]}})
	out := make(map[string]string, len(docs))
	for _, d := range docs {
		out[digits(d["_id"])] = schema.Value{Is: schema.Known, Text: d[paths["nodePool"]]}.Str()
	}
	return out, err
}

// name reads what the revisions are called, and leaves out those never built.
func (u *usage) name(ctx context.Context) error {
	var ids []string
	for _, id := range schema.Sorted(u.revisions) {
		ids = append(ids, forms(id)...)
	}
	docs, err := u.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"_id": ids},
		Fields: []string{"environmentId", "metadata.number", "metadata.isBuilt", "metadata.dockerImageName"}})
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, d := range docs {
		id := digits(d["_id"])
		found[id] = true
		if d["metadata.isBuilt"] == "false" {
			delete(u.revisions, id)
			continue
		}
		u.describe(u.revision(id), rawOf(d))
	}
	for id, r := range u.revisions {
		if !found[id] {
			r.Name, r.Missing = id, "no revision has this id; it was removed, or the document that names it is wrong"
		}
	}
	return nil
}

func (u *usage) describe(r *UsedImage, raw planner.Raw) {
	env := digits(raw["environmentId"].Text)
	r.Name = env
	if name := u.environment(env).At("name").Str(); name != "" {
		r.Name = name
	}
	for a, ref := range u.view.refs {
		if a.Kind == "environments" && idPlain(ref) == env {
			r.Address = a
		}
	}
	if n, err := readNumber(raw, "metadata.number"); err == nil {
		f, _ := n.Float()
		r.Revision = int64(f)
	}
	repository, tag := raw.At("metadata.dockerImageName.repository").Str(), raw.At("metadata.dockerImageName.tag").Str()
	if r.Image = repository + ":" + tag; repository == "" || tag == "" {
		r.Image, r.Missing = "", "its document names no image (metadata.dockerImageName)"
	}
}

// sorted is by name and revision, newest first.
func (u *usage) sorted() (out []UsedImage) {
	for _, id := range schema.Sorted(u.revisions) {
		out = append(out, *u.revisions[id])
	}
	slices.SortStableFunc(out, func(a, b UsedImage) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return int(b.Revision - a.Revision)
	})
	return out
}

// bases are the base images of the files, by the digest that resolved.cue holds.
func (u *usage) bases() (out []UsedImage) {
	for _, a := range u.wanted("baseImages") {
		o, ok := u.desired.Objects[a]
		image := o.Fields["image"].Str()
		if !ok || image == "" {
			continue
		}
		used := UsedImage{Address: a, Base: true, Name: image, Image: withDigest(image, o)}
		if used.Image == "" {
			used.Missing = "it is not resolved for " + Platform + "; run domctl update " + schema.ShellWord(a.Name)
		}
		out = append(out, used)
	}
	return out
}

// Platform is that of the nodes.
const Platform = "linux/amd64"

func withDigest(image string, o schema.Object) string {
	digest := o.Fields["digests."+schema.JoinPath(Platform)].Str()
	if digest == "" {
		return ""
	}
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image + "@" + digest
}
