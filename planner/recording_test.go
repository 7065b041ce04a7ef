package planner

import (
	"bytes"
	"testing"

	"domctl.dev/schema"
)

func FuzzRecording(f *testing.F) {
	a := schema.Address{Kind: "hardwareTiers", Name: "small"}
	r := Record(schema.Desired{Deployment: schema.Deployment{Name: "acme"}, Objects: map[schema.Address]schema.Object{a: {Fields: map[string]schema.Value{"name": schema.JSON("Small")}}}},
		Input{Live: schema.Live{Objects: map[schema.Address]schema.Observed{a: {ID: "1", Fields: map[string]schema.Value{"name": schema.JSON("Small")}}}}}, "2026-11-29T02:00:00Z", func(schema.Address) *Impact { return nil })
	body, err := EncodeRecording(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"format":1,"deployment":"x","at":"2026-11-29T02:00:00Z"}`))
	f.Add([]byte(`{"format":1,"deployment":"x","at":"2026-11-29T02:00:00Z","live":{"hardwareTiers.small":{"id":"1"}}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := DecodeRecording(body)
		if err != nil {
			return
		}
		again, err := EncodeRecording(r)
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeRecording(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if third, _ := EncodeRecording(second); !bytes.Equal(third, again) {
			t.Fatalf("written again it is %s and was %s", third, again)
		}
		p, err := r.Plan(schema.Desired{Deployment: schema.Deployment{Name: r.Deployment}, Objects: map[schema.Address]schema.Object{a: {Fields: map[string]schema.Value{"name": schema.JSON("S"), "cores": schema.JSON(2)}}}}, Input{})
		if err == nil && (len(p.Steps) > 0 || p.Effect != "" || p.Sealed().Verify() == nil) {
			t.Fatal("it could be applied")
		}
	})
}

// TestRecordingOfWhatWasNotRead: whoever plans against it takes that neither for absent nor
// for known.
func TestRecordingOfWhatWasNotRead(t *testing.T) {
	small, gone := schema.Address{Kind: "hardwareTiers", Name: "small"}, schema.Address{Kind: "hardwareTiers", Name: "gone"}
	files := func(name string, fields map[string]schema.Value) schema.Desired {
		return schema.Desired{Deployment: schema.Deployment{Name: "acme"}, Objects: map[schema.Address]schema.Object{{Kind: "hardwareTiers", Name: name}: {Fields: fields}}}
	}
	stated := files("small", map[string]schema.Value{"name": schema.JSON("Small")})
	in := Input{Desired: stated, Live: schema.Live{Unread: map[schema.Address]schema.Finding{small: {}, gone: {}}},
		Applied: schema.Applied{Entries: map[schema.Address]schema.Entry{gone: {Fields: map[string]schema.Value{"lifecycle.prune": schema.JSON(true)}}}}}
	body, err := EncodeRecording(Record(stated, in, "2026-11-29T02:00:00Z", func(schema.Address) *Impact { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	r, err := DecodeRecording(body)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]schema.Desired{"as it was": stated, "changed": files("small", map[string]schema.Value{"name": schema.JSON("S")}), "renamed": files("tiny", map[string]schema.Value{"movedFrom": schema.JSON("small")})} {
		p, err := r.Plan(d, Input{Allow: true})
		if err != nil || p.Summary.Blocked != 2 || p.Summary.Create+p.Summary.Update+p.Summary.Archive > 0 || len(p.Settle) > 0 {
			t.Errorf("%s: %v %+v", name, err, p.Changes)
		}
	}
}
