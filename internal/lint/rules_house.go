package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"

	"domctl.dev/schema"
)

// MostLayers is Docker's limit, those of the base counted.
const MostLayers = 127

// layered are where instructions begin that make a layer.
func (e *environment) layered() (all []int) {
	all = slices.Clone(e.docker.plain)
	for _, i := range e.docker.instructions {
		if i.layer() {
			all = append(all, i.at)
		}
	}
	slices.Sort(all)
	return all
}

// layers finds images of more layers than there may be, by what the files state alone:
// the instructions of an environment and of those that it is built on.
func (h *house) layers() {
	byName := map[schema.Address]*environment{}
	for _, e := range h.envs {
		byName[e.address] = e
	}
	for _, e := range h.envs {
		h.now = e.address
		own, below := e.layered(), 0
		for at, seen := e, map[schema.Address]bool{}; ; {
			base, _, ok := at.object.Fields["base.environment"].Target()
			next := byName[base]
			if !ok || next == nil || seen[base] || at.object.Fields["base.revision"].Is == schema.Known {
				break
			}
			seen[base], at = true, next
			below += len(next.layered())
		}
		if below < MostLayers && below+len(own) > MostLayers {
			what := fmt.Sprintf("the image has at least %d layers, those of dockerfile", below+len(own))
			if below > 0 {
				what += fmt.Sprintf(" and %d of the environments that it is built on", below)
			}
			h.found = append(h.found, Found{Code: "DC704", Severity: schema.Error, Address: e.address, At: e.in(own[MostLayers-below]),
				Hint: "join commands by && in one RUN", Message: fmt.Sprintf("%s, and those of its base image: there may be %d", what, MostLayers)})
		}
	}
}

// common is one instruction that several environments hold.
type common struct {
	text string
	envs []*environment
	at   []Place
}

// shared finds what three or more environments on one base each do for themselves: each
// builds it, and each node pulls it, once for each.
func (h *house) shared() {
	byText := map[string]*common{}
	for _, e := range h.envs {
		h.now = e.address
		for _, i := range e.docker.instructions {
			if i.name != command.Run || i.shell == nil || !slices.ContainsFunc(i.shell.calls, call.fetches) {
				continue
			}
			key := e.base() + "\x00" + strings.Join(strings.Fields(i.shell.text), " ")
			c := byText[key]
			if c == nil {
				c = &common{text: key}
				byText[key] = c
			}
			if len(c.envs) == 0 || c.envs[len(c.envs)-1] != e {
				c.envs, c.at = append(c.envs, e), append(c.at, e.in(i.at)...)
			}
		}
	}
	groups := map[string][]*common{}
	for _, c := range byText {
		if len(c.envs) < 3 {
			continue
		}
		key := strings.SplitN(c.text, "\x00", 2)[0]
		for _, e := range c.envs {
			key += "\x00" + e.address.Name
		}
		groups[key] = append(groups[key], c)
	}
	for _, key := range schema.Sorted(groups) {
		h.propose(groups[key])
	}
}

func (h *house) propose(all []*common) {
	slices.SortFunc(all, func(a, b *common) int {
		return cmp.Or(cmp.Compare(a.at[0].Offset, b.at[0].Offset), strings.Compare(a.text, b.text))
	})
	first := all[0]
	names := make([]string, len(first.envs))
	for i, e := range first.envs {
		names[i] = e.address.Name
	}
	what := "the same instruction"
	if len(all) > 1 {
		what = fmt.Sprintf("the same %d instructions", len(all))
	}
	h.found = append(h.found, Found{Code: "DC716", Severity: schema.Info, Address: first.envs[0].address, At: first.at[:min(len(first.at), mostPlaces)],
		Hint:    "put it into an environment or image of its own, and have them state that as their base: it is built, kept and pulled once",
		Message: fmt.Sprintf("%d environments on one base have %s: %s", len(names), what, some(names))})
}

// base is what an environment is built on, as text to compare.
func (e *environment) base() (text string) {
	for _, p := range []string{"base.image", "base.environment", "base.uri", "base.default", "base.revision"} {
		text += e.object.Fields[p].Text + "\n"
	}
	return text
}

var (
	cudaDotted = regexp.MustCompile(`cuda[-_:]?v?(\d{1,2})\.(\d{1,2})`)
	cudaJoined = regexp.MustCompile(`\b(?:cuda|cu)[-_]?(\d{1,2})(\d)\b`)
)

// drivers are the least NVIDIA drivers on Linux by major version of CUDA, from NVIDIA's
// table of minor version compatibility; before CUDA 11 each minor version has its own.
var drivers = map[string]string{"13": "580", "12": "525", "11": "450", "10.2": "440.33", "10.1": "418.39", "10.0": "410.48",
	"9.2": "396.26", "9.1": "390.46", "9.0": "384.81", "8.0": "375.26"}

// cudaOf is the version in an image's name, and the driver that it needs.
func cudaOf(image string) (version, driver string) {
	image = strings.ToLower(image)
	m := cudaDotted.FindStringSubmatch(image)
	if m == nil {
		m = cudaJoined.FindStringSubmatch(image)
	}
	if m == nil {
		return "", ""
	}
	version = m[1] + "." + m[2]
	return version, cmp.Or(drivers[m[1]], drivers[version])
}

// Older compares versions by their numbers.
func Older(a, b string) bool {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		n, _ := strconv.Atoi(x)
		m, _ := strconv.Atoi(y)
		return cmp.Compare(n, m)
	}) < 0
}

// cuda compares what a base image needs with what the images of GPU nodes promise: those
// that cache it, else all of them.
func (h *house) cuda() {
	type node struct {
		ami    schema.Address
		cache  schema.Cache
		driver string
	}
	var nodes []node
	for _, a := range schema.Addresses(h.desired.Objects) {
		o := h.desired.Objects[a]
		if b, ok := o.Bake(); ok && b.GPU != nil && b.GPU.MinDriver != "" {
			nodes = append(nodes, node{a, o.Cache(), b.GPU.MinDriver})
		}
	}
	for _, e := range h.envs {
		h.now = e.address
		path, image, base := h.image(e)
		version, driver := cudaOf(image)
		if driver == "" || len(nodes) == 0 {
			continue
		}
		weak, fit := nodes[:0:0], false
		for _, n := range nodes {
			_, env := n.cache.Environments[e.address.Name]
			caches := env || base != "" && slices.Contains(n.cache.BaseImages, base)
			if !Older(n.driver, driver) {
				fit = true
			} else if caches {
				weak = append(weak, n)
			}
		}
		if len(weak) == 0 && !fit {
			weak = nodes
		}
		for _, n := range weak {
			h.found = append(h.found, Found{Code: "DC717", Severity: schema.Warning, Address: e.address,
				At:      []Place{{e.address, path, -1}, {n.ami, "bake.gpu.minDriver", -1}},
				Hint:    fmt.Sprintf("state gpu: minDriver: %q, or an older CUDA", driver),
				Message: fmt.Sprintf("the base has CUDA %s, which needs an NVIDIA driver of at least %s; %s promises %s", version, driver, n.ami, n.driver)})
		}
	}
}

// CUDA is what the base image of an environment has of it, by the image's name: the field
// that names the image, the version, and the NVIDIA driver that this needs.
type CUDA struct {
	Address               schema.Address
	Path, Version, Driver string
}

// CUDAs are the environments in use whose base has CUDA.
func CUDAs(d schema.Desired) (all []CUDA) {
	h := &house{desired: d}
	for _, a := range schema.Addresses(d.Objects) {
		o := d.Objects[a]
		if a.Kind != "environments" || o.Fields["archived"].Bool() {
			continue
		}
		path, image, _ := h.image(&environment{address: a, object: o})
		if version, driver := cudaOf(image); driver != "" {
			all = append(all, CUDA{a, path, version, driver})
		}
	}
	return all
}

// image is the base image of an environment, through those it is built on: the field that
// names it, the image, and its name in baseImages.
func (h *house) image(e *environment) (path, image, base string) {
	o := e.object
	for range 100 { // cycles are a finding of their own
		if uri := o.Fields["base.uri"].Str(); uri != "" {
			return cmp.Or(path, "base.uri"), uri, ""
		}
		if a, _, ok := o.Fields["base.image"].Target(); ok {
			return cmp.Or(path, "base.image"), h.desired.Objects[a].Fields["image"].Str(), a.Name
		}
		a, _, ok := o.Fields["base.environment"].Target()
		if !ok {
			return "", "", ""
		}
		o, path = h.desired.Objects[a], "base.environment"
	}
	return "", "", ""
}
