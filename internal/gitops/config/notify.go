package config

import (
	"slices"
	"strconv"

	"domctl.dev/schema"
)

// Channel is where people are told things, at an address that takes what Slack's
// incoming webhooks take.
type Channel struct {
	URL    string   `yaml:"url"`    // reference, as whoever knows it may write there
	Events []string `yaml:"events"` // of Events; empty: all
}

// Event is what people may be told of.
type Event string

// The events.
const (
	AppliedEvent Event = "applied"
	FailedEvent  Event = "failed"  // a step did, or somebody abandoned the apply
	WaitsEvent   Event = "waits"   // for a window, an approval or a person
	RefusedEvent Event = "refused" // the commit cannot be applied
	DriftEvent   Event = "drift"
	FrozenEvent  Event = "frozen"
)

func eventNames() []string {
	return []string{string(AppliedEvent), string(FailedEvent), string(WaitsEvent), string(RefusedEvent), string(DriftEvent), string(FrozenEvent)}
}

func (k checking) channels() {
	for _, name := range schema.Sorted(k.c.Notify) {
		at, c := schema.JoinPath("notify", name), k.c.Notify[name]
		k.need(at, "url", c.URL)
		k.reference(at+".url", c.URL)
		for i, e := range c.Events {
			k.oneOf(at+".events."+strconv.Itoa(i), e, eventNames())
		}
	}
	for _, name := range schema.Sorted(k.c.Deployments) {
		told := k.c.Deployments[name].Notify
		for i, channel := range told {
			at := schema.JoinPath("deployments", name) + ".notify." + strconv.Itoa(i)
			k.oneOf(at, channel, schema.Sorted(k.c.Notify))
			if slices.Contains(told[:i], channel) {
				k.wrong(k.where(at), "keep one of them", "%s: %q is stated twice", at, channel)
			}
		}
	}
}
