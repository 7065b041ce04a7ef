package bake

import (
	"fmt"
	"slices"
)

// verifyText looks whether an instance is what its image should be: a container of
// each probe starts, every image is there by its digest in the snapshotter in use,
// the GPU is seen, and nothing of the bake is left. It says at what time the engine
// answered and the first container had started.
func (o order) verifyText(id string) string {
	s := stages{at: folder(id)}
	s.run("set -eu")
	look := func() {
		s.say("the engine")
		s.run(o.engine().answers...)
		s.run(`echo "ready=$(date +%s)" >` + s.at + "/said")
		for n, image := range o.probes {
			s.say(fmt.Sprintf("container %d of %d: %s", n+1, len(o.probes), image))
			s.run(o.engine().check(image)...)
			s.run(o.engine().start(image, fmt.Sprintf("domctl-probe-%d", n+1))...)
			if n == 0 {
				s.run(`echo "container=$(date +%s)" >>` + s.at + "/said")
			}
		}
		for n, image := range o.images {
			s.say(fmt.Sprintf("image %d of %d: %s", n+1, len(o.images), image))
			s.run(o.engine().check(image)...)
		}
		o.leftovers(&s)
		if o.bake.GPU != nil {
			o.gpus(&s)
		}
	}
	if o.bake.GPU == nil {
		look()
	} else {
		o.restart(&s, id, look)
	}
	return s.b.String()
}

// probe is an image of which containers start; "" when none is cached.
func (o order) probe() string {
	for _, image := range slices.Concat(o.probes, o.images) {
		return image
	}
	return ""
}
