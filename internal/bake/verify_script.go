package bake

import (
	"fmt"
	"slices"
)

// verifyText looks whether an instance is what its image should be: a container of
// each probe starts, every image is there by its digest in the snapshotter in use,
// the GPU is seen, and nothing of the bake is left. It says at what time the engine
// was up, and when a first container had started that was asked for then.
func (o order) verifyText(id string) string {
	s := stages{at: folder(id)}
	s.run("set -eu")
	s.say("the engine")
	s.run(o.engine().answers...)
	s.run(o.ready(s.at)...)
	for n, image := range o.probes {
		s.say(fmt.Sprintf("container %d of %d: %s", n+1, len(o.probes), image))
		s.run(o.engine().check(image)...)
		s.run("began=$(date +%s)")
		s.run(o.engine().start(image, fmt.Sprintf("domctl-probe-%d", n+1))...)
		if n == 0 {
			s.run(`echo "ready=$ready container=$((ready + $(date +%s) - began))" >` + s.at + "/said")
		}
	}
	for n, image := range o.images {
		s.say(fmt.Sprintf("image %d of %d: %s", n+1, len(o.images), image))
		s.run(o.engine().check(image)...)
	}
	o.leftovers(&s)
	if o.bake.GPU != nil {
		o.gpus(&s)
		o.restart(&s, id)
	}
	return s.b.String()
}

// ready says when the engine was up, in seconds since 1970: by systemd, since
// domctl may come to look much later; where systemd does not say, by now.
func (o order) ready(at string) []string {
	return []string{"ready=$(date +%s)",
		"up=$(systemctl show --property=ActiveEnterTimestampMonotonic --value " + o.bake.Runtime + " 2>/dev/null || true)",
		`case $up in '' | 0 | *[!0-9]*) ;; *) if read -r now rest </proc/uptime; then ready=$((ready - ${now%%.*} + up / 1000000)); fi ;; esac`,
		`echo "ready=$ready" >` + at + "/said"}
}

// probe is an image of which containers start; "" when none is cached.
func (o order) probe() string {
	for _, image := range slices.Concat(o.probes, o.images) {
		return image
	}
	return ""
}
