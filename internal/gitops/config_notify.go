package gitops

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
