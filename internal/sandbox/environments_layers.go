package sandbox

import (
	"regexp"
	"strconv"
)

// layering is an instruction that makes a layer.
var layering = regexp.MustCompile(`(?mi)^[ \t]*(?:RUN|COPY|ADD|WORKDIR)[ \t][^\n]*`)

// pushed is the state in which a registry holds the image of a revision that was built:
// the layers of its base and one for each instruction on them, where those are known.
func (s *state) pushed(image string, r revision) *state {
	name, platforms := s.image(r.Image)
	if r.Base != "" {
		if doc, err := s.revision("", r.Base); err == nil {
			repository, _ := doc.at([]string{"metadata", "dockerImageName", "repository"})
			tag, _ := doc.at([]string{"metadata", "dockerImageName", "tag"})
			one, _ := repository.str()
			two, _ := tag.str()
			name, platforms = s.image(one + ":" + two)
		}
	}
	if s.layers[image] != nil || s.registry[image] != nil {
		return s
	}
	below := s.layers[name]
	all := append([]layer{}, below...)
	chain := ""
	for n, instruction := range layering.FindAllString(r.Dockerfile, -1) {
		chain = hashed(chain, instruction)
		all = append(all, layer{Name: "built-" + strconv.Itoa(n+1) + "-" + chain[len("sha256:"):][:12], Size: "16MiB", Unpacked: "48MiB"})
	}
	n := *s
	if platforms != nil && below != nil {
		n.layers = added(s.layers, image, all)
	}
	n.registry = added(s.registry, image, map[string]string{"linux/amd64": hashed("image", image, chain)})
	return &n
}
