package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// tierDocs is where hardware tiers stand: the API shows and writes the same documents.
const tierDocs = "hardware_tier"

// tier of the API is a document with its dates as text, and its id.
func tierOf(doc value) port.Document {
	d := doc.flatten()
	for p, text := range d {
		if v, err := parseValue(text); err == nil && v.kind == date {
			ms, _ := strconv.ParseInt(v.text, 10, 64)
			d[p] = quote(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"))
		} else if text == "null" {
			delete(d, p)
		}
	}
	d["_id"] = quote(idOf(doc))
	if d["flags.isArchived"] == "" { // which Domino always shows
		d["flags.isArchived"] = "false"
	}
	return d
}

func idOf(doc value) string {
	id, _ := doc.get("_id")
	if id.kind == literal {
		return unquote(id.text)
	}
	return id.text
}

// ListTiers are those that the key may see.
func (w *World) ListTiers(ctx context.Context) (port.TierList, error) {
	return read(ctx, w, "ListTiers", func(s *state) (list port.TierList, n int, err error) {
		if c := s.mongo[tierDocs]; c != nil {
			for _, r := range c.docs {
				if !slices.Contains(s.domino.Hides, idOf(r.body)) {
					list.Tiers = append(list.Tiers, tierOf(r.body))
				}
			}
		}
		return list, len(list.Tiers), nil
	})
}

// tier finds a document by the API's id.
func (s *state) tier(id string) (at int, doc value, err error) {
	if c := s.mongo[tierDocs]; c != nil && !slices.Contains(s.domino.Hides, id) {
		for i, r := range c.docs {
			if idOf(r.body) == id {
				return i, r.body, nil
			}
		}
	}
	return 0, doc, fmt.Errorf("hardware tier %s: %w", id, port.ErrNotFound)
}

// CreateTier makes a document with what Domino adds.
func (w *World) CreateTier(ctx context.Context, tier port.Document) error {
	return effect(ctx, w, "CreateTier", func(s *state) (*state, error) {
		d := port.Document{"flags.isArchived": "false", "flags.isDataAnalystTier": "false", "flags.isDefault": "false", "flags.isGlobal": "true", "flags.isVisible": "true"}
		for p, text := range tier {
			d[p] = text
		}
		for _, p := range []string{"_id", "name", "nodePool", "resources.cores", "resources.memory.value"} {
			if d[p] == "" {
				return nil, fmt.Errorf("a hardware tier without %s: %w", p, port.ErrInvalid)
			}
		}
		d["creationTime"] = w.moment(0)
		d["updateTime"] = d["creationTime"]
		key, body, err := build(tierDocs, d)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", port.ErrInvalid, err)
		}
		c := s.mongo[tierDocs]
		if c == nil {
			c = newCollection()
		}
		if _, taken := c.index[key]; taken {
			return nil, fmt.Errorf("hardware tier %s is there already: %w", d["_id"], port.ErrInvalid)
		}
		return s.with(tierDocs, c.inserted(key, body)), nil
	})
}

// moment is a date later than another one, milliseconds since 1970.
func (w *World) moment(than int64) string {
	return fmt.Sprintf(`{"$date":{"$numberLong":"%d"}}`, max(w.opts.Clock().UnixMilli(), than+1))
}

// UpdateTier leaves isArchived as it is: Domino does not read it.
func (w *World) UpdateTier(ctx context.Context, id, at string, set port.Document, unset []string) (bool, error) {
	return write(ctx, w, "UpdateTier", func(s *state) (*state, bool, error) {
		i, doc, err := s.tier(id)
		if err != nil {
			return nil, false, err
		}
		if tierOf(doc)["updateTime"] != at {
			return nil, false, nil
		}
		changes := port.Document{}
		for p, text := range set {
			if p != "flags.isArchived" {
				changes[spelt(doc, p)] = like(doc, p, spelling(doc, p, text))
			}
		}
		next, err := w.touched(s, i, doc, changes, unset)
		return next, err == nil, err
	})
}

// touched is the state with a tier changed, at a later moment.
func (w *World) touched(s *state, i int, doc value, set port.Document, unset []string) (*state, error) {
	was, _ := strconv.ParseInt(textAt(doc, "updateTime"), 10, 64)
	set["updateTime"] = w.moment(was)
	e, err := newEdit(set, unset)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	body, _, err := e.apply(doc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	return s.with(tierDocs, s.mongo[tierDocs].replaced(i, body)), nil
}

// spelling is a size with its unit called as the document calls it.
func spelling(doc value, path, text string) string {
	if _, there := doc.at(schema.SplitPath(path + ".unit")); there {
		return strings.Replace(text, `{"units":`, `{"unit":`, 1)
	}
	return text
}

// spelt is where a unit stands in a document that calls it otherwise than the API.
func spelt(doc value, path string) string {
	other := strings.TrimSuffix(path, "s")
	if _, there := doc.at(schema.SplitPath(other)); there && strings.HasSuffix(path, ".units") {
		return other
	}
	return path
}

// like is a number in the type that stands there.
func like(doc value, path, text string) string {
	stands, _ := doc.at(schema.SplitPath(path))
	if v, err := parseValue(text); err == nil && v.kind == int32s && (stands.kind == doubles || stands.kind == int64s) {
		if v.kind = stands.kind; v.kind == doubles {
			v.text += ".0"
		}
		return v.canonical()
	}
	return text
}

// ArchiveTier hides a tier.
func (w *World) ArchiveTier(ctx context.Context, id string) error {
	return effect(ctx, w, "ArchiveTier", func(s *state) (*state, error) {
		i, doc, err := s.tier(id)
		if err != nil {
			return nil, err
		}
		return w.touched(s, i, doc, port.Document{"flags.isArchived": "true"}, nil)
	})
}

// ProbeRoutes: both dialects are spoken here.
func (w *World) ProbeRoutes(ctx context.Context) []port.Route {
	_, tiers := read(ctx, w, "ProbeRoutes", func(*state) (none struct{}, n int, err error) { return none, 0, nil })
	config := tiers
	if tiers == nil {
		_, tiers = w.ListTiers(ctx)
		_, config = w.ListSettings(ctx)
	}
	return []port.Route{{Call: port.PublicTiers, Err: tiers}, {Call: port.InternalTiers, Err: tiers}, {Call: port.ConfigList, Err: config}}
}
