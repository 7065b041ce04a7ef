package schema

import (
	"slices"
	"strings"
	"time"
)

// retired is the map by which an object of amis says what becomes of images that were
// baked before: Deprecated or Deregistered, by id. The world fills it in.
const retired = "retired."

// The states of an image that goes.
const (
	Deprecated   = "deprecated"
	Deregistered = "deregistered"
)

// DefaultGrace is the time between deprecation and deregistration where the files
// state none.
const DefaultGrace = 30 * 24 * time.Hour

// Retired is where an object of amis says what becomes of an image.
func Retired(id string) string { return retired + id }

// IsRetired says of a field of amis that it is one of Retired.
func IsRetired(path string) bool { return strings.HasPrefix(path, retired) }

// Retain is which older images of an object of amis stay. An image stays for each of
// the two that is stated: Count is the number of the newest, Age the time since its
// bake.
type Retain struct {
	Count          int
	Age, Grace     time.Duration
	ByCount, ByAge bool // stated
}

// Retain of an object of amis; ok is false where the files state none.
func (o Object) Retain() (r Retain, ok bool) {
	count, byCount := o.Fields["retain.count"].Float()
	r.Count, r.ByCount, r.Grace = int(count), byCount, DefaultGrace
	for path, to := range map[string]*time.Duration{"retain.age": &r.Age, "retain.grace": &r.Grace} {
		if d, err := ParseDuration(o.Fields[path].Str()); err == nil {
			*to = d
			r.ByAge = r.ByAge || path == "retain.age"
		}
	}
	return r, r.ByCount || r.ByAge
}

// RetiredImage is the id that a field of Retired is of.
func RetiredImage(path string) (id string, is bool) { return strings.CutPrefix(path, retired) }

// BakedAs says that an image has the name that a bake gives it whose apply began at
// that time: nobody can give another image of the account that name while it is there.
func BakedAs(name, deployment, ami, key string, began time.Time) bool {
	return len(key) >= 8 && slices.Contains(BakedNames(deployment, ami, key, began), name)
}
