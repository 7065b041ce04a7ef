package schema

// Resolved is what floats upstream and was looked up: the content of
// resolved.cue, by name of the base image or AMI.
type Resolved struct {
	BaseImages map[string]ResolvedImage `json:"baseImages,omitempty"`
	AMIs       map[string]ResolvedAMI   `json:"amis,omitempty"`
}

// ResolvedImage is a reference and its digest on each platform.
type ResolvedImage struct {
	Image   string            `json:"image"`
	Digests map[string]string `json:"digests"` // "linux/amd64" → "sha256:…"
}

// ResolvedAMI is an image id and what it was found by. Name and Created are
// for people.
type ResolvedAMI struct {
	Image   string `json:"image"`
	Source  string `json:"source"` // AMISource of the object it was found for
	Name    string `json:"name,omitempty"`
	Created string `json:"created,omitempty"`
}

// AMISource says in one line what an AMI is found by: "ssm:<parameter>", or
// "find:" or "from:" and a digest of what is stated below it. It is empty for one
// that is pinned or baked.
func AMISource(o Object) string {
	if ssm := o.Fields["ssm"].Str(); ssm != "" {
		return "ssm:" + ssm
	}
	by, below := "", map[string]Value{}
	for p, v := range o.Fields {
		if top := SplitPath(p)[0]; top == "find" || top == "from" {
			by, below[p] = top, v
		}
	}
	if by == "" {
		return ""
	}
	return by + ":" + DigestOf(below)
}

// unresolved says that resolved.cue does not hold what an object floats by, or
// holds what was looked up for something else.
func unresolved(a Address, at []Position, stale bool, what string) *Finding {
	f := Finding{Code: "DC110", Severity: Warning, Address: a, Positions: at, Message: what + " is not in resolved.cue", Hint: "domctl update " + ShellWord(a.Name)}
	if stale {
		f.Code, f.Message = "DC111", "resolved.cue holds what was found for something else; "+what+" is not looked up yet"
	}
	return &f
}
