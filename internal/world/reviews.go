package world

import (
	"fmt"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Aged is an entry of amis and how old its image is: Days is -1 where nobody says
// when it was made. After and By are when its files ask for a review: an age, and
// a day for one that is pinned. Due says that it is time for it.
type Aged struct {
	AMI     schema.Address `json:"ami"`
	Image   string         `json:"image,omitempty"`
	Created string         `json:"created,omitempty"` // RFC 3339
	Days    int            `json:"days"`
	After   string         `json:"reviewAfter,omitempty"`
	By      string         `json:"reviewBy,omitempty"`
	Reason  string         `json:"reason,omitempty"` // of a pin
	Due     bool           `json:"due"`
}

const day = 24 * time.Hour

// Aged are the entries of amis, with the images that stand for them.
func (v *View) Aged() (out []Aged) {
	now := v.world.Now()
	for _, a := range schema.Addresses(v.desired.Objects) {
		if a.Kind == "amis" {
			aged, _ := v.aged(a, now)
			out = append(out, aged)
		}
	}
	return out
}

// aged is one of them, and what there is to say of it. A day is over when it is
// over everywhere but in the west: at midnight UTC.
func (v *View) aged(a schema.Address, now time.Time) (out Aged, findings []schema.Finding) {
	o := v.desired.Objects[a]
	out = Aged{AMI: a, Image: v.Objects[a].ID, Days: -1, After: o.Fields["reviewAfter"].Str(), By: o.Fields["pin.reviewBy"].Str(), Reason: o.Fields["pin.reason"].Str()}
	find := func(code string, at, message, hint string, severity schema.Severity) {
		out.Due = true
		findings = append(findings, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint, Positions: o.Positions(at)})
	}
	if by, err := time.Parse(time.DateOnly, out.By); err == nil && !now.Before(by.Add(day)) {
		find("DC281", "pin.reviewBy", fmt.Sprintf("is pinned to %s (%s), to be looked at again by %s", o.Fields["pin.id"].Str(), out.Reason, out.By),
			"unpin it, or state a later reviewBy and why", schema.Warning)
	}
	out.Created = v.raw[imageRef(out.Image)]["created"].Str()
	created, err := time.Parse(time.RFC3339, out.Created)
	if err != nil {
		return out, findings
	}
	age := now.Sub(created)
	out.Days = int(age / day)
	if after, err := schema.ParseDuration(out.After); err == nil && age > after {
		find("DC282", "reviewAfter", fmt.Sprintf("%s is %s old, and is to be reviewed after %s", out.Image, planner.Plural(out.Days, "day"), out.After),
			"domctl review says what is newer and what of it nobody uses", schema.Info)
	}
	return out, findings
}

// overdue says which reviews are due.
func (v *View) overdue() {
	now := v.world.Now()
	for _, a := range schema.Addresses(v.desired.Objects) {
		if a.Kind == "amis" {
			_, findings := v.aged(a, now)
			v.Findings = append(v.Findings, findings...)
		}
	}
}
