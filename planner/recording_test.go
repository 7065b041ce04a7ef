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
