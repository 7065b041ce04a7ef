package config

import (
	"cmp"
	"path"
	"strings"
	"time"

	"domctl.dev/schema"
)

// Recording is where a deployment's branch holds a recording of the world, from which
// pull requests of forks are planned; none: they are not planned.
type Recording struct {
	// File is its path, seen from the top of the repository: "prod/world.json".
	File string `yaml:"file"`
	// Last is how long a recording counts; zero in the file is seven days.
	Last time.Duration `yaml:"last"`
}

// Term is Last, or what it is where it is not stated.
func (r Recording) Term() time.Duration { return cmp.Or(r.Last, week) }

func (k checking) recording(at string, d Deployment) {
	at += ".recording"
	if !k.has(at) || k.bad[at] {
		return
	}
	name := d.Recording.File
	if k.need(at, "file", name) && (path.IsAbs(name) || path.Clean(name) != name || name == "." || strings.HasPrefix(name, "..") || strings.ContainsAny(name, "\\\x00")) {
		k.wrong(k.where(at+".file"), "write it as seen from the top of the repository: prod/world.json", "%s.file is no path of the repository", at)
	}
	if k.has(at+".last") && !k.bad[at+".last"] && (d.Recording.Last < time.Hour || d.Recording.Last > 90*24*time.Hour) {
		k.wrong(k.where(at+".last"), "", "%s.last is not between 1h and 90d", at)
	}
	if r, ok := k.c.Repositories[d.Repository]; ok && r.Forge == "" {
		k.wrong(k.where(at), "state "+schema.JoinPath("repositories", d.Repository, "forge"), "%s is for pull requests, and its repository has no forge", at)
	}
}
