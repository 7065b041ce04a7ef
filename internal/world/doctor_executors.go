package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// instances probes how executors are told, and what Domino knows of each as mapped. It reads,
// and says what it found: no name of either is public.
func (c collections) instances(ctx context.Context) []Check {
	const name, mapping = "executors", "deployment.mongo.mapping.executors"
	e := c.executorsAll(schema.Desired{Objects: c.objects})
	if len(e.Tags) == 0 {
		return []Check{{Name: name, OK: true, Open: true, Detail: "not looked for: deployment.executorInstances.tags does not say which instances are executors"}}
	}
	if e.Known.Collection != "" && !slices.Contains(c.there, e.Known.Collection) {
		return []Check{failed(name, "find it in the database, and state it in "+mapping, "there is no collection %s among %d", e.Known.Collection, len(c.there))}
	}
	all, err := c.LookExecutors(ctx, e)
	if err != nil {
		return []Check{unread(name, err)}
	}
	var stopped, untold, unknown, odd int
	for _, x := range all {
		stopped += one(x.State == "stopped")
		untold += one(x.Tier == "")
		unknown += one(x.Document == "")
		odd += one(x.Odd != "")
	}
	check := passed(name, "%d instances have the tags, %d of them stopped; the tier of %d is told", len(all), stopped, len(all)-untold)
	switch {
	case len(all) == 0:
		check.Open, check.Detail = true, "no instance has the tags of deployment.executorInstances; "+tagsInWords(e.Tags)
	case e.Known.Collection != "" && unknown == len(all):
		return []Check{failed(name, "correct "+mapping+": fields.instance is where a document names the EC2 instance", "%s, and %s names none of them", check.Detail, e.Known.Collection)}
	}
	return append([]Check{check}, maintenanceCheck(e, all, unknown, odd))
}

// maintenanceCheck says whether domctl can put executors into maintenance.
func maintenanceCheck(e schema.Executors, all []port.Executor, unknown, odd int) Check {
	const name = "maintenance of executors"
	if !e.Known.Maintained() {
		return Check{Name: name, OK: true, Open: true, Detail: "not known: Domino does not publish where it stands; deployment.mongo.mapping.executors.fields.maintenance may say. Without it a roll waits until a person ended each executor"}
	}
	at := e.Known.Collection + "." + e.Known.Fields["maintenance"]
	var on, none int
	for _, x := range all {
		on += one(x.Maintained())
		none += one(x.Document != "" && x.Odd == "" && (x.Flag == "" || x.Flag == "null"))
	}
	if odd > 0 {
		i := slices.IndexFunc(all, func(x port.Executor) bool { return x.Odd != "" })
		return failed(name, "correct deployment.mongo.mapping.executors", "DC866: of %s: %s", all[i].ID, all[i].Odd)
	}
	check := passed(name, "by %s: %d are in it, %d hold nothing there", at, on, none)
	if unknown > 0 {
		check.Detail += fmt.Sprintf("; no document names %d of them, which a roll leaves to a person", unknown)
	}
	return check
}

func tagsInWords(tags map[string]string) string {
	var all []string
	for _, key := range schema.Sorted(tags) {
		all = append(all, key+"="+tags[key])
	}
	return strings.Join(all, ", ")
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
