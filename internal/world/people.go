package world

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// People are the users who use the given addresses, by login, as far as Domino's
// documents name them; who is none of its users any more is left out. It asks what
// Weigh asks, by user, and then for the users.
func (v *View) People(ctx context.Context, addresses []schema.Address) ([]planner.Person, error) {
	var mu sync.Mutex
	used := map[string]map[schema.Address]bool{} // by the user's id
	var reads []func() error
	for kind, ids := range v.idsByKind(addresses) {
		for _, u := range v.world.usesOf(kind) {
			if u.who == "" {
				continue
			}
			reads = append(reads, func() error {
				g := u.group(schema.Sorted(ids))
				g.By = append(g.By, u.who)
				counts, err := v.world.Outside.Count(ctx, g)
				if err != nil {
					return fmt.Errorf("who uses %s, read in %s: %w", kind, u.collection, err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, c := range counts {
					u.user(used, c, ids)
				}
				return nil
			})
		}
	}
	if err := sideBySide(reads...); err != nil || len(used) == 0 {
		return nil, err
	}
	return v.world.named(ctx, used)
}

// user notes whose a group of documents is.
func (u use) user(used map[string]map[schema.Address]bool, c port.Count, ids map[string]schema.Address) {
	a, ok := ids[c.Key[0]]
	who := c.Key[len(c.Key)-1]
	if !ok || who == "null" || u.skip[0] != "" && c.Key[1] == schema.JSON(u.skip[1]).Text {
		return
	}
	if used[who] == nil {
		used[who] = map[schema.Address]bool{}
	}
	used[who][a] = true
}

// named finds users by their ids.
func (w *World) named(ctx context.Context, used map[string]map[schema.Address]bool) (all []planner.Person, err error) {
	docs, err := w.Outside.Find(ctx, port.Query{Collection: "users", Any: map[string][]string{"_id": schema.Sorted(used)}, Fields: []string{"loginId.id", "email"}})
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	for _, d := range docs {
		p := planner.Person{Login: schema.Value{Is: schema.Known, Text: d["loginId.id"]}.Str(), Email: schema.Value{Is: schema.Known, Text: d["email"]}.Str()}
		if !strings.Contains(p.Email, "@") {
			p.Email = ""
		}
		if p.Login == "" {
			continue
		}
		p.Uses = slices.SortedFunc(maps.Keys(used[d["_id"]]), schema.Address.Compare)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b planner.Person) int { return cmp.Compare(a.Login, b.Login) })
	return all, nil
}

// usersCalled are the ids, as documents hold them, of the users and organizations' users
// of some logins, with the login of each.
func (w *World) usersCalled(ctx context.Context, logins []string) (map[string]string, error) {
	in := make([]string, len(logins))
	for i, login := range logins {
		in[i] = schema.JSON(login).Text
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: "users", Any: map[string][]string{"loginId.id": in}, Fields: []string{"loginId.id"}})
	users := make(map[string]string, len(docs))
	for _, d := range docs {
		users[d["_id"]] = schema.Value{Is: schema.Known, Text: d["loginId.id"]}.Str()
	}
	return users, err
}
