package bake

import "strings"

// pulled is where a borrowed instance keeps the names of what bakes pulled onto it,
// one a line: also those of bakes that failed, which no record knows.
const pulled = "/var/lib/domctl/images"

// tidy removes from a borrowed instance what bakes put on it and the files declare
// no more. What people pulled by hand stays, and the log lists it.
func (o order) tidy(s *stages) {
	s.say("images that are no longer declared")
	kept := o.refs(o.images)
	s.run("mkdir -p /var/lib/domctl", "touch "+pulled, "kept="+quote(" "+strings.Join(kept, " ")+" "),
		"printf '%s\\n' "+strings.Join(quoted(append(kept, o.refs(o.remove)...)), " ")+" >>"+pulled,
		"while read -r ref; do",
		`	case "$kept" in *" $ref "*) continue ;; esac`,
		"	if "+o.engine().has+`; then echo "removing $ref"; `+o.engine().remove+"; fi",
		"done <"+pulled,
		"printf '%s\\n' "+strings.Join(quoted(kept), " ")+" >"+pulled,
		"echo 'on the instance:'", o.engine().list)
}

// refs are both names of each image.
func (o order) refs(images []string) (refs []string) {
	for _, image := range images {
		byTag, byDigest := names(image)
		refs = append(refs, byTag, byDigest)
	}
	return refs
}

func quoted(words []string) (out []string) {
	for _, w := range words {
		out = append(out, quote(w))
	}
	return out
}
