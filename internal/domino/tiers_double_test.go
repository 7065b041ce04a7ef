package domino

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// store is a stateful Domino that keeps hardware tiers and the central configuration.
// fails answers in its place: 0 lets a request pass; after says what becomes of one that
// took effect.
type store struct {
	mu      sync.Mutex
	v4      bool             // it has the internal dialect alone
	tiers   []map[string]any // as the dialect has them
	config  []map[string]any
	most    int  // of a page; 0: what is asked for
	untold  bool // no totalCount
	asked   []string
	fails   func(r *http.Request) int
	between func(d *store) // after each page
	after   func(r *http.Request)
	denies  int     // what it answers to everything
	client  *Client // that is asked with; nil: one over the network
}

func (d *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r.Method+" "+r.URL.Path)
	if d.denies != 0 {
		w.WriteHeader(d.denies)
		return
	}
	if d.fails != nil {
		if code := d.fails(r); code != 0 {
			w.WriteHeader(code)
			return
		}
	}
	answer := d.answer(r)
	if answer == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if d.after != nil {
		d.after(r)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (d *store) answer(r *http.Request) any {
	const public, internal = "/api/hardwaretiers/v1/hardwaretiers", "/v4/hardwareTier"
	body := map[string]any{}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	_ = dec.Decode(&body)
	list, dialect := public, !d.v4
	if d.v4 {
		list, dialect = internal, true
	}
	at := func(id any) int {
		return slices.IndexFunc(d.tiers, func(t map[string]any) bool { return t["id"] == id })
	}
	whole := func(i int) any {
		if i < 0 {
			return nil
		}
		if d.v4 {
			return d.tiers[i]
		}
		return map[string]any{"hardwareTier": d.tiers[i]}
	}
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch request := r.Method + " " + r.URL.Path; {
	case strings.HasPrefix(r.URL.Path, configList):
		return d.settings(r.Method, id, body)
	case !dialect || !strings.HasPrefix(r.URL.Path, list):
		return nil
	case request == "GET "+list && d.v4:
		return map[string]any{"hardwareTiers": d.tiers}
	case request == "GET "+list:
		return d.page(r)
	case request == "POST "+list:
		d.tiers = append(d.tiers, body)
		return whole(len(d.tiers) - 1)
	case request == "PUT "+public, request == "PUT "+internal+"/update":
		i := at(body["id"])
		if i >= 0 {
			body["updateTime"] = fmt.Sprintf("2026-02-01T00:00:%02dZ", len(d.asked))
			d.tiers[i] = body
		}
		return whole(i)
	case request == "POST "+internal+"/archive":
		return whole(d.archived(at(body["value"]), "hwtFlags"))
	case r.Method == http.MethodDelete:
		return whole(d.archived(at(id), "flags"))
	case r.Method == http.MethodGet:
		return whole(at(id))
	}
	return nil
}

func (d *store) archived(i int, flags string) int {
	if i >= 0 {
		d.tiers[i][flags] = map[string]any{"isArchived": true}
	}
	return i
}

func (d *store) page(r *http.Request) any {
	var offset, limit int
	_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &offset)
	_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
	if d.most > 0 {
		limit = min(limit, d.most)
	}
	from, to := min(offset, len(d.tiers)), min(offset+limit, len(d.tiers))
	pagination := map[string]any{"offset": offset, "limit": limit}
	if !d.untold {
		pagination["totalCount"] = len(d.tiers)
	}
	page := slices.Clone(d.tiers[from:to])
	if d.between != nil {
		d.between(d)
	}
	return map[string]any{"hardwareTiers": append([]map[string]any{}, page...), "metadata": map[string]any{"pagination": pagination}}
}

func (d *store) settings(method, id string, body map[string]any) any {
	at := slices.IndexFunc(d.config, func(s map[string]any) bool { return s["id"] == id })
	switch {
	case method == http.MethodGet:
		return append([]map[string]any{}, d.config...)
	case method == http.MethodPost:
		d.config = append(d.config, map[string]any{"id": fmt.Sprintf("made-%d", len(d.config)), "setting": body})
		return d.config[len(d.config)-1]
	case at < 0:
		return nil
	case method == http.MethodPut:
		d.config[at]["setting"] = body
		return d.config[at]
	}
	gone := d.config[at]
	d.config = slices.Delete(d.config, at, at+1)
	return gone
}

// many tiers of the public dialect.
func many(n int) (tiers []map[string]any) {
	for i := range n {
		tiers = append(tiers, map[string]any{"id": fmt.Sprintf("t%03d", i), "name": "x"})
	}
	return tiers
}

func (d *store) open(t *testing.T) *Client {
	t.Helper()
	if d.client != nil {
		return d.client
	}
	c, _, _ := serve(t, d.ServeHTTP)
	return c
}

// over is a client whose requests a function answers.
func over(t *testing.T, trip tripper) *Client {
	t.Helper()
	c, err := Open(Config{URL: "https://domino.example", Key: key, Transport: trip})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
