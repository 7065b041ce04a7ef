package port

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"
)

// Document is one MongoDB document by leaf path: canonical Extended JSON v2,
// keys sorted at every depth, no white space, strings as encoding/json writes
// them without HTML escapes, doubles as DoubleText has them. A path's segments are joined as
// schema.JoinPath does; arrays and empty documents are leaves, and so is _id
// whatever its type.
//
// A read shows a field whose name holds a dot as a quoted segment. MongoDB can
// address neither that nor a name that starts with "$", so queries and updates
// refuse it with ErrPath: they name the document that holds it, as a whole. A
// path in a condition or an update may therefore name an embedded document.
type Document map[string]string

// DoubleText is a double in Extended JSON: as strconv's 'G' has it, with ".0" where nothing
// else tells it from an integer; "Infinity", "-Infinity", "NaN".
func DoubleText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	s := strconv.FormatFloat(f, 'G', -1, 64)
	if !strings.ContainsAny(s, ".EN") {
		s += ".0"
	}
	return s
}

// Query finds documents, in no stated order unless Newest states one; a collection that does not exist
// is empty. Any narrows to documents whose path holds one of the values
// (Extended JSON) as MongoDB's $in has it: numbers match across types, an array
// matches by its elements too, null finds what is missing. Refused, because
// MongoDB would compare otherwise than their text: a document of several fields
// and a regular expression. Several paths narrow together; no values at all
// match nothing. An empty Any reads the whole
// collection. Fields projects to the leaves at or below these paths, and _id;
// empty means all.
type Query struct {
	Collection string
	Any        map[string][]string
	Fields     []string
	// Since is as in Group. Newest is a path of dates that the answer is sorted by,
	// latest first; with a Limit, only so many documents of these are asked for.
	Since  map[string]time.Time
	Newest string
	Limit  int
}

// Group counts documents that share the values of By. Since narrows to those
// whose path holds a date that is not before this one, as MongoDB's $gte has it,
// to the millisecond. Last is a path whose latest date in each group is answered; ""
// for none.
type Group struct {
	Collection string
	Any        map[string][]string
	Since      map[string]time.Time
	By         []string
	Last       string
}

// Count is one group's key values, in the order of Group.By, and its size. A
// path that is missing counts as null. Groups come sorted by key. Last is the zero
// time where no document of the group has a date there.
type Count struct {
	Key  []string
	N    int64
	Last time.Time
}

// Database says who answers: what is compared before anything is believed.
type Database struct {
	Name, ReplicaSet, Version string
	Primary                   bool
	Collections               []string
}

// Documents is Domino's MongoDB. Reads go to the primary with majority read
// concern; writes wait for the majority. A where document always holds _id, else
// ErrUnfiltered; "" as a value means that the path must not exist. A where
// compares whole leaves: numbers across types, documents whatever the order of
// their keys; null is not missing, and an array does not match by an element.
type Documents interface {
	Database(ctx context.Context) (Database, error)
	Find(ctx context.Context, q Query) ([]Document, error)
	Count(ctx context.Context, g Group) ([]Count, error)
	// InsertOne needs an _id (else ErrUnfiltered); one that is taken is
	// ErrDuplicate.
	InsertOne(ctx context.Context, collection string, d Document) error
	// UpdateOne is $set and $unset in one: a field keeps its place, missing
	// parents are made, a parent whose last field goes stays. matched also
	// when nothing differs. Refused with the document unchanged: another _id,
	// paths within each other, a step into an array or a scalar.
	UpdateOne(ctx context.Context, collection string, where, set Document, unset []string) (matched bool, err error)
	DeleteOne(ctx context.Context, collection string, where Document) (matched bool, err error)
}
