package domino

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"domctl.dev/internal/port"
)

// dialect is one of the two in which Domino speaks of hardware tiers: the public API
// (hardwaretiers v1) and the internal one (v4). The first that answers is spoken.
type dialect struct {
	name, list string
	own        map[string]string // name of the public dialect → its own, at the top of a tier
	unit       string            // what a quantity's unit is called
	lacks      []string
}

var (
	errChanging = errors.New("the list of hardware tiers changes each time it is read; run again when nobody changes it")
	errNoTiers  = errors.New("neither dialect of the API keeps hardware tiers; state deployment.backends.hardwareTiers: \"mongo\"")
)

func publicTiers() dialect {
	return dialect{name: "public", list: "/api/hardwaretiers/v1/hardwaretiers", unit: "units", lacks: []string{"capacityTypeRestrictions", "clusterType", "instanceType", "region", "subnet"}}
}

func internalTiers() dialect {
	return dialect{name: "v4", list: "/v4/hardwareTier", unit: "unit", own: map[string]string{"resources": "hwtResources", "flags": "hwtFlags", "overProvisioning": "overprovisioning"},
		lacks: []string{"instanceType", "region", "subnet"}}
}

func (d dialect) internal() bool { return d.own != nil }

// public names a tier's fields as the public dialect does, and its id "_id".
func (d dialect) public(tier map[string]any) map[string]any {
	out := maps.Clone(tier)
	for to, from := range d.own {
		move(out, from, to)
	}
	move(out, "id", "_id")
	quantities(out, "unit", "units")
	return out
}

// spoken is public's inverse.
func (d dialect) spoken(tier map[string]any) map[string]any {
	out := maps.Clone(tier)
	quantities(out, "unit", d.unit)
	quantities(out, "units", d.unit)
	for from, to := range d.own {
		move(out, from, to)
	}
	move(out, "_id", "id")
	return out
}

func move(tier map[string]any, from, to string) {
	if v, there := tier[from]; there && from != to {
		delete(tier, from)
		tier[to] = v
	}
}

// quantities calls the unit of each quantity by another name.
func quantities(tier map[string]any, from, to string) {
	resources, _ := tier["resources"].(map[string]any)
	resources = maps.Clone(resources)
	for name, v := range resources {
		if q, is := v.(map[string]any); is {
			q = maps.Clone(q)
			move(q, from, to)
			resources[name] = q
		}
	}
	if resources != nil {
		tier["resources"] = resources
	}
}

// ListTiers pages through the public list, or reads that of the internal dialect.
func (c *Client) ListTiers(ctx context.Context) (port.TierList, error) {
	d, found, err := c.tiersIn(ctx)
	if err != nil {
		return port.TierList{}, err
	}
	list := port.TierList{Lacks: d.lacks}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		list.Tiers = append(list.Tiers, document(d.public(found[id])))
	}
	return list, nil
}

// tiersIn reads all tiers, by id, in the dialect that answers; it is remembered.
func (c *Client) tiersIn(ctx context.Context) (dialect, map[string]map[string]any, error) {
	c.mu.Lock()
	d, known := c.speaks, c.speaks.name != ""
	c.mu.Unlock()
	if !known {
		d = publicTiers()
	}
	found, err := c.listTiers(ctx, d)
	if errors.Is(err, port.ErrNotFound) && !known {
		d = internalTiers()
		if found, err = c.listTiers(ctx, d); errors.Is(err, port.ErrNotFound) {
			err = fmt.Errorf("%w: %w", errNoTiers, err)
		}
	}
	if err == nil {
		c.mu.Lock()
		c.speaks = d
		c.mu.Unlock()
	}
	return d, found, err
}

// dialect that tiers are written in.
func (c *Client) dialect(ctx context.Context) (dialect, error) {
	c.mu.Lock()
	d := c.speaks
	c.mu.Unlock()
	if d.name != "" {
		return d, nil
	}
	d, _, err := c.tiersIn(ctx)
	return d, err
}

func (c *Client) listTiers(ctx context.Context, d dialect) (map[string]map[string]any, error) {
	if d.internal() {
		var answer struct {
			Tiers []map[string]any `json:"hardwareTiers"`
		}
		path := d.list + "?show_archived=true"
		if err := c.get(ctx, path, &answer); err != nil {
			return nil, err
		}
		found := map[string]map[string]any{}
		if answer.Tiers == nil || len(answer.Tiers) > mostListed || !gather(found, answer.Tiers) || len(found) < len(answer.Tiers) {
			return nil, c.failed(path, errForeign)
		}
		return found, nil
	}
	for range attempts {
		if found, whole, err := c.pages(ctx, d); whole || err != nil {
			return found, err
		}
	}
	return nil, c.failed(d.list, errChanging)
}

// pages reads the public list once, each page from the last tier of the one before. It is
// not whole where it changes meanwhile: in its length, or in which tier stands there.
func (c *Client) pages(ctx context.Context, d dialect) (found map[string]map[string]any, whole bool, err error) {
	found = map[string]map[string]any{}
	total, seen, last := -1, 0, any(nil)
	for range mostPages {
		tiers, n, err := c.page(ctx, d, max(seen-1, 0))
		if err != nil {
			return nil, false, err
		}
		if n >= 0 && total >= 0 && n != total {
			return nil, false, nil
		}
		total = max(total, n)
		if seen > 0 {
			if len(tiers) == 0 || tiers[0]["id"] != last {
				return nil, false, nil
			}
			tiers = tiers[1:]
		}
		if !gather(found, tiers) {
			return nil, false, c.failed(d.list, errForeign)
		}
		if seen += len(tiers); seen > mostListed { // a page may hold all of them
			break
		}
		if len(tiers) == 0 || seen == total {
			return found, len(found) == seen && (total < 0 || seen == total), nil
		}
		last = tiers[len(tiers)-1]["id"]
	}
	return nil, false, c.failed(d.list, errors.New("it has no end"))
}

// page of the list, and how many there are of all; -1 where Domino does not say.
func (c *Client) page(ctx context.Context, d dialect, offset int) (tiers []map[string]any, total int, err error) {
	var answer struct {
		Tiers    []map[string]any `json:"hardwareTiers"`
		Metadata struct {
			Pagination struct {
				Total *int `json:"totalCount"`
			} `json:"pagination"`
		} `json:"metadata"`
	}
	path := fmt.Sprintf("%s?offset=%d&limit=%d&includeArchived=true", d.list, offset, pageOf)
	if err := c.get(ctx, path, &answer); err != nil {
		return nil, 0, err
	}
	if answer.Tiers == nil {
		return nil, 0, c.failed(path, errForeign)
	}
	if total = -1; answer.Metadata.Pagination.Total != nil {
		total = max(*answer.Metadata.Pagination.Total, 0)
	}
	return answer.Tiers, total, nil
}

// gather adds tiers by id; false: one has none.
func gather(found map[string]map[string]any, tiers []map[string]any) bool {
	for _, t := range tiers {
		id, _ := t["id"].(string)
		if id == "" {
			return false
		}
		found[id] = t
	}
	return true
}

// tierPath refuses an id that would lead elsewhere.
func tierPath(list, id string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", fmt.Errorf("hardware tier %q: %w", id, port.ErrNotFound)
	}
	return list + "/" + url.PathEscape(id), nil
}

// CreateTier is POST …/hardwaretiers, or POST /v4/hardwareTier. Memory shared beyond 64
// MB must be allowed or not; not, unless it is stated.
func (c *Client) CreateTier(ctx context.Context, tier port.Document) error {
	d, err := c.dialect(ctx)
	if err != nil {
		return err
	}
	body := map[string]any{}
	if err := edit(body, tier, nil); err != nil {
		return fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	if r, is := body["resources"].(map[string]any); is && r["allowSharedMemoryToExceedDefault"] == nil {
		r["allowSharedMemoryToExceedDefault"] = false
	}
	return c.post(ctx, d.list, d.spoken(body), nil)
}

// UpdateTier reads the tier, and writes it whole.
func (c *Client) UpdateTier(ctx context.Context, id, at string, set port.Document, unset []string) (bool, error) {
	d, err := c.dialect(ctx)
	if err != nil {
		return false, err
	}
	path, err := tierPath(d.list, id)
	if err != nil {
		return false, err
	}
	tier, err := c.tier(ctx, d, path, id)
	if err != nil {
		return false, fmt.Errorf("%w: nothing was written: %w", port.ErrUnsent, err)
	}
	stands := d.public(tier)
	if document(stands)["updateTime"] != at {
		return false, nil
	}
	if err := edit(stands, set, unset); err != nil {
		return false, fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	to := d.list
	if d.internal() {
		to += "/update"
	}
	return true, c.ask(ctx, http.MethodPut, to, d.spoken(stands), nil)
}

func (c *Client) tier(ctx context.Context, d dialect, path, id string) (map[string]any, error) {
	var answer map[string]any
	if err := c.get(ctx, path, &answer); err != nil {
		return nil, err
	}
	if !d.internal() {
		answer, _ = answer["hardwareTier"].(map[string]any)
	}
	if answer["id"] != id {
		return nil, c.failed(path, errForeign)
	}
	return answer, nil
}

// ArchiveTier is DELETE …/hardwaretiers/{id}, or POST /v4/hardwareTier/archive.
func (c *Client) ArchiveTier(ctx context.Context, id string) error {
	d, err := c.dialect(ctx)
	if err != nil {
		return err
	}
	path, err := tierPath(d.list, id)
	switch {
	case err != nil:
		return err
	case d.internal():
		return c.post(ctx, d.list+"/archive", map[string]string{"value": id}, nil)
	}
	return c.ask(ctx, http.MethodDelete, path, nil, nil)
}
