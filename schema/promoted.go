package schema

import "strings"

// Promoted is the image of another deployment, as the files state it. AMI is filled
// in; Account is "" for this deployment's own.
type Promoted struct{ Deployment, AMI, Account, Key string }

// Promoted of an object of amis; ok is false for one that comes from elsewhere.
func (o Object) Promoted(name string) (p Promoted, ok bool) {
	text := func(path string) string { return o.Fields["from."+path].Str() }
	p = Promoted{text("deployment"), text("ami"), text("account"), text("key")}
	if p.AMI == "" {
		p.AMI = name
	}
	return p, p.Deployment != ""
}

// BakedName is the name of an image without the moment and the content: what comes
// before and between them.
func BakedName(deployment, ami string) (before, between string) {
	return "domino-" + deployment + "-executor-", "-" + ami + "-"
}

// BakedKey takes the first digits of the content out of the name of an image of a
// deployment's entry; ok is false for any other name.
func BakedKey(deployment, ami, name string) (key string, ok bool) {
	before, between := BakedName(deployment, ami)
	rest, is := strings.CutPrefix(name, before)
	const moment = "20060102-1504"
	if !is || len(rest) < len(moment)+len(between)+8 || strings.Trim(rest[:len(moment)], "0123456789-") != "" {
		return "", false
	}
	rest, is = strings.CutPrefix(rest[len(moment):], between)
	key, nth, _ := strings.Cut(rest, "-")
	return key, is && len(key) == 8 && strings.Trim(key, "0123456789abcdef") == "" && strings.Trim(nth, "0123456789") == ""
}
