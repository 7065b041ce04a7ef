package lint

import (
	"encoding/json"
	"strings"

	"domctl.dev/schema"
)

// tools looks at the workspace tools: one that nothing starts, and two on one port.
func (e *environment) tools() {
	var tools map[string]struct {
		Start     []string
		HTTPProxy *struct{ Port int }
	}
	v := e.object.Fields["tools"]
	if v.Is != schema.Known || json.Unmarshal([]byte(v.Text), &tools) != nil {
		return
	}
	place := func(name ...string) Place {
		return Place{e.address, schema.JoinPath(append([]string{"tools"}, name...)...), -1}
	}
	ports := map[int]string{}
	for _, name := range schema.Sorted(tools) {
		t := tools[name]
		if strings.TrimSpace(strings.Join(t.Start, "")) == "" {
			e.add("DC711", schema.Error, []Place{place(name)}, `state start: ["/opt/domino/workspaces/…/start"]`, "workspace tool %s has no command that starts it", schema.JoinPath(name))
		}
		if t.HTTPProxy == nil || t.HTTPProxy.Port == 0 {
			continue
		}
		if other, taken := ports[t.HTTPProxy.Port]; taken {
			e.add("DC712", schema.Info, []Place{place(name, "httpProxy", "port"), place(other, "httpProxy", "port")}, "give each a port of its own, where one workspace may run both",
				"workspace tools %s and %s listen on port %d", schema.JoinPath(other), schema.JoinPath(name), t.HTTPProxy.Port)
			continue
		}
		ports[t.HTTPProxy.Port] = name
	}
}

// inScripts looks at the four scripts, which run at each start as root.
func (e *environment) inScripts() {
	for _, s := range e.scripts {
		e.now.Path = s.path
		if e.unread(s.path, s) {
			continue
		}
		if s.fault != "" {
			e.add("DC713", schema.Error, []Place{{e.address, s.path, s.place(s.faulty)}}, "", "%s is no shell script: %s", s.path, s.fault)
			continue
		}
		var at []Place
		var what []string
		for _, c := range s.calls {
			if got, ok := readInstall(c); ok && !got.ofProject() {
				at = append(at, Place{e.address, s.path, s.place(got.at)})
				what = append(what, got.tool)
			}
		}
		if len(at) > 0 {
			e.add("DC715", schema.Warning, at[:min(len(at), mostPlaces)], "move it into dockerfile: there it is built once, and cached", "%s installs at each start (%s)", s.path, some(unique(what)))
		}
	}
}

// ofProject says that an install goes by files of the project, which no image knows.
func (i install) ofProject() bool {
	for _, w := range i.packages {
		if !strings.HasPrefix(w.text, ".") && w.whole {
			return false
		}
	}
	return i.tool != "R"
}

func unique(words []string) (out []string) {
	seen := map[string]bool{}
	for _, w := range words {
		if !seen[w] {
			seen[w], out = true, append(out, w)
		}
	}
	return out
}
