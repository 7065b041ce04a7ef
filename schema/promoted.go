package schema

import (
	"fmt"
	"strings"
	"time"
)

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

// bakedNames are the names that an image may have: another apply of the deployment
// may have made one of the same content within the same minute.
const bakedNames = 9

// BakedNames are the names of the image that an apply makes of an entry, the first
// that is free counts: unique in the account and region, and the same in every process
// that goes on with it.
func BakedNames(deployment, ami, key string, began time.Time) []string {
	before, between := BakedName(deployment, ami)
	names := []string{before + began.UTC().Format(bakedAt) + between + key[:8]}
	for n := 2; n <= bakedNames; n++ {
		names = append(names, fmt.Sprintf("%s-%d", names[0], n))
	}
	return names
}

// bakedAt is the time in a name.
const bakedAt = "20060102-1504"

// BakedKey takes the first digits of the content out of the name of an image of a
// deployment's entry; ok is false for any other name.
func BakedKey(deployment, ami, name string) (key string, ok bool) {
	before, between := BakedName(deployment, ami)
	rest, is := strings.CutPrefix(name, before)
	if !is || len(rest) < len(bakedAt)+len(between)+8 || strings.Trim(rest[:len(bakedAt)], "0123456789-") != "" {
		return "", false
	}
	rest, is = strings.CutPrefix(rest[len(bakedAt):], between)
	key, nth, _ := strings.Cut(rest, "-")
	return key, is && len(key) == 8 && strings.Trim(key, "0123456789abcdef") == "" && strings.Trim(nth, "0123456789") == ""
}
