package domino

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

const odd = `{"id": "small", "name": "S", "updateTime": "2026-01-01T00:00:00Z", "resources": {"cores": 2.50, "memory": {"value": 4.0, "units": "GiB", "odd": 1e3}},
	"flags": {"isArchived": false, "isOdd": true}, "oddNumber": 12345678901234567890, "oddNull": null, "odd": [1, {"a": null}], "overProvisioning": {"fromTime": "08:00"}}`

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestATierIsWrittenWhole: what nobody knows goes back as it came, in either dialect.
func TestATierIsWrittenWhole(t *testing.T) {
	internal := strings.NewReplacer(`"resources"`, `"hwtResources"`, `"flags"`, `"hwtFlags"`, `"units"`, `"unit"`, `"overProvisioning"`, `"overprovisioning"`)
	for name, v4 := range map[string]bool{"public": false, "v4": true} {
		t.Run(name, func(t *testing.T) {
			spoken := func(text string) map[string]any {
				if v4 {
					text = internal.Replace(text)
				}
				return decoded(t, text)
			}
			d := &store{v4: v4, tiers: []map[string]any{spoken(odd)}}
			c := d.open(t)
			list, err := c.ListTiers(t.Context())
			if err != nil || len(list.Tiers) != 1 || list.Tiers[0]["resources.memory.units"] != `"GiB"` || list.Tiers[0]["resources.cores"] != `{"$numberDouble":"2.5"}` {
				t.Fatalf("%v %v", list, err)
			}
			ok, err := c.UpdateTier(t.Context(), "small", list.Tiers[0]["updateTime"], port.Document{"resources.cores": `{"$numberInt":"3"}`, "resources.memoryLimit": `{"units":"GiB","value":{"$numberInt":"8"}}`}, []string{"overProvisioning.fromTime"})
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			want := spoken(strings.NewReplacer(`2.50`, `3`, `"resources": {`, `"resources": {"memoryLimit": {"units": "GiB", "value": 8}, `, `"overProvisioning": {"fromTime": "08:00"}`, `"overProvisioning": {}`).Replace(odd))
			got := d.tiers[0]
			delete(got, "updateTime")
			delete(want, "updateTime")
			if !reflect.DeepEqual(got, want) {
				t.Errorf("it was written as\n%v\nwant\n%v", got, want)
			}
			if ok, err := c.UpdateTier(t.Context(), "small", list.Tiers[0]["updateTime"], port.Document{"name": `"y"`}, nil); ok || err != nil {
				t.Error("it moved, and was written over", err)
			}
			if err := c.CreateTier(t.Context(), port.Document{"_id": `"new"`, "resources.memory.unit": `"GiB"`}); err != nil {
				t.Error(err)
			}
			if err := c.ArchiveTier(t.Context(), "new"); err != nil {
				t.Error(err)
			}
			if text := strings.Join(d.asked, "\n"); strings.Count(text, "/api/hardwaretiers/v1/hardwaretiers") > 1 && v4 {
				t.Errorf("a dialect that is not spoken is asked for again:\n%s", text)
			}
		})
	}
}

// TestTheListIsReadWhole, by page, whatever a page holds; one that changes meanwhile is
// read again, and one that always does is an error, never a part.
func TestTheListIsReadWhole(t *testing.T) {
	once := func(change func(*store)) func(*store) {
		return func(d *store) {
			if d.between = nil; change != nil {
				change(d)
			}
		}
	}
	grow := func(d *store) {
		d.tiers = slices.Insert(d.tiers, 0, map[string]any{"id": "a" + string(rune('a'+len(d.tiers)%26)) + d.asked[0] + string(rune(len(d.asked)))})
	}
	swap := func(d *store) { d.tiers = append(d.tiers[1:], map[string]any{"id": "z"}) } // as long as before: one is never seen
	for name, c := range map[string]struct {
		d    *store
		want int
	}{
		"pages":            {&store{tiers: many(250)}, 250},
		"small pages":      {&store{tiers: many(25), most: 10}, 25},
		"no total":         {&store{tiers: many(25), most: 10, untold: true}, 25},
		"none":             {&store{}, 0},
		"one comes":        {&store{tiers: many(25), most: 10, between: once(grow)}, 26},
		"one goes":         {&store{tiers: many(25), most: 10, between: once(func(d *store) { d.tiers = d.tiers[1:] })}, 24},
		"always changing":  {&store{tiers: many(25), most: 10, between: grow}, -1},
		"comes and no sum": {&store{tiers: many(25), most: 10, untold: true, between: once(grow)}, 26},
		"swapped":          {&store{tiers: many(25), most: 10, between: once(swap)}, 25},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := c.d.open(t).ListTiers(t.Context())
			if c.want < 0 && (err == nil || !strings.Contains(err.Error(), "changes each time")) || c.want >= 0 && (err != nil || len(list.Tiers) != c.want) {
				t.Errorf("%d tiers, %v", len(list.Tiers), err)
			}
			for _, stands := range c.d.tiers {
				if c.want >= 0 && !slices.ContainsFunc(list.Tiers, func(d port.Document) bool { return d["_id"] == schema.JSON(stands["id"]).Text }) {
					t.Errorf("it lacks %v", stands["id"])
				}
			}
		})
	}
}

// TestRefusalsByRoute: each says which route, and none is a part of the list.
func TestRefusalsByRoute(t *testing.T) {
	at := func(method, path string, code int) func(*http.Request) int {
		return func(r *http.Request) int {
			if r.Method == method && strings.HasPrefix(r.URL.Path, path) {
				return code
			}
			return 0
		}
	}
	update := func(c *Client) error {
		_, err := c.UpdateTier(context.Background(), "small", `"2026-01-01T00:00:00Z"`, port.Document{"name": `"y"`}, nil)
		return err
	}
	list := func(c *Client) error { _, err := c.ListTiers(context.Background()); return err }
	for name, c := range map[string]struct {
		fails func(*http.Request) int
		do    func(*Client) error
		kind  error
		says  string
	}{
		"401":           {at("GET", "/api", 401), list, port.ErrDenied, "GET "},
		"403 on a list": {at("GET", "/api", 403), list, port.ErrDenied, "/api/hardwaretiers/v1/hardwaretiers?offset=0"},
		"403 on a put":  {at("PUT", "/api", 403), update, port.ErrDenied, "PUT "},
		"409":           {at("PUT", "/api", 409), update, port.ErrState, "409"},
		"400":           {at("PUT", "/api", 400), update, port.ErrInvalid, "(400)"},
		"neither":       {func(*http.Request) int { return 404 }, list, port.ErrNotFound, "neither dialect"},
		"an id away":    {at("", "", 0), func(c *Client) error { return c.ArchiveTier(context.Background(), "..") }, port.ErrNotFound, `".."`},
	} {
		t.Run(name, func(t *testing.T) {
			d := &store{tiers: []map[string]any{decoded(t, odd)}, fails: c.fails}
			if err := c.do(d.open(t)); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAPutWhoseAnswerIsLost is made once, and its error decides nothing.
func TestAPutWhoseAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &store{tiers: []map[string]any{decoded(t, odd)}}
		puts := 0
		c, err := Open(Config{URL: "https://domino.example", Key: key, Transport: tripper(func(r *http.Request) (*http.Response, error) {
			w := &answered{header: http.Header{}, code: 200}
			d.ServeHTTP(w, r)
			if r.Method == http.MethodPut {
				puts++
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: w.code, Header: w.header, Body: io.NopCloser(strings.NewReader(w.body.String())), Request: r}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.UpdateTier(t.Context(), "small", `"2026-01-01T00:00:00Z"`, port.Document{"name": `"y"`}, nil)
		if err == nil || errors.Is(err, port.ErrUnsent) || errors.Is(err, port.ErrDenied) || puts != 1 || d.tiers[0]["name"] != "y" {
			t.Errorf("%v, %d puts, %v", err, puts, d.tiers[0]["name"])
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

type answered struct {
	header http.Header
	code   int
	body   strings.Builder
}

func (a *answered) Header() http.Header            { return a.header }
func (a *answered) WriteHeader(code int)           { a.code = code }
func (a *answered) Write(body []byte) (int, error) { return a.body.Write(body) }

// TestAMaskIsNeverWritten, and what nobody knows of a record goes back.
func TestAMaskIsNeverWritten(t *testing.T) {
	d := &store{config: []map[string]any{{"id": "1", "setting": map[string]any{"namespace": "common", "key": "k", "value": "1", "nameMaybe": "K"}},
		{"id": "2", "setting": map[string]any{"namespace": "common", "key": "p", "value": "••••••••"}}}}
	c := d.open(t)
	all, err := c.ListSettings(t.Context())
	if err != nil || len(all) != 2 || !all[1].Masked || all[1].Value != "" {
		t.Fatalf("%+v %v", all, err)
	}
	if ok, err := c.UpdateSetting(t.Context(), all[0], "2"); !ok || err != nil || !reflect.DeepEqual(d.config[0]["setting"], map[string]any{"namespace": "common", "key": "k", "value": "2", "nameMaybe": "K"}) {
		t.Errorf("%v %v %v", ok, err, d.config[0])
	}
	_, updated := c.UpdateSetting(t.Context(), all[1], "********")
	for _, err := range []error{updated, c.CreateSetting(t.Context(), "common", "q", "****")} {
		if !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%v", err)
		}
	}
}

// TestForeignLists are errors, not lists that are empty.
func TestForeignLists(t *testing.T) {
	for _, text := range []string{``, `null`, `[]`, `{}`, `{"hardwareTiers": null}`, `{"hardwareTiers": [{}]}`, `{"hardwareTiers": [{"id": 1}]}`, `{"hardwareTiers": [null]}`, `<html>`, `{"hardwareTiers": []}}`} {
		c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		if list, err := c.ListTiers(t.Context()); err == nil {
			t.Errorf("%s: %v", text, list)
		}
	}
	for _, text := range []string{``, `null`, `{}`, `[{}]`, `[{"id": "1"}]`, `[{"id": "1", "setting": {"namespace": "c", "key": "k", "value": 1}}]`, `[{"setting": {"namespace": "c", "key": "k", "value": ""}}]`} {
		c, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		if all, err := c.ListSettings(t.Context()); err == nil {
			t.Errorf("%s: %v", text, all)
		}
	}
}

// FuzzDocument: what is flattened and written back is what was there, nulls and empty
// objects aside, and hostile names lead nowhere else.
func FuzzDocument(f *testing.F) {
	f.Add(odd)
	f.Add(`{"a.b": {"$numberInt": "x", "": 1}, "c": {"d": {}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		object := map[string]any{}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if dec.Decode(&object) != nil {
			return // no object, and so no tier
		}
		d := document(object)
		back := map[string]any{}
		if err := edit(back, d, nil); err != nil {
			return
		}
		if again := document(back); !reflect.DeepEqual(again, d) {
			t.Errorf("%s became\n%v\nand then\n%v", text, d, again)
		}
	})
}
