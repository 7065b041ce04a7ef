package mongo

import (
	"encoding/json"
	"maps"
	"slices"
)

// need is what a call of the port sends, and what of a role it takes.
type need struct {
	call     string   // port.Documents' name of it
	commands []string // as Options.Observe hears them
	action   string
}

// needs are of the calls that name a collection.
// https://www.mongodb.com/docs/manual/reference/privilege-actions/
func needs() []need {
	return []need{
		{"Find", []string{"find"}, "find"},
		{"Count", []string{"aggregate"}, "find"},
		{"InsertOne", []string{"insert"}, "insert"},
		{"UpdateOne", []string{"update"}, "update"},
		{"DeleteOne", []string{"delete"}, "remove"},
	}
}

// free are the commands that everybody may send.
func free() []string {
	return []string{"hello", "isMaster", "buildInfo", "getMore", "killCursors", "endSessions"}
}

// identifying is what Database sends of a role's concern, on the whole database.
const identifying = "listCollections"

// Role is the createRole command of the least role that may make these calls,
// named as port.Documents names them, by collection.
func Role(name, database string, calls map[string][]string) []byte {
	privileges := []privilege{{resource{Database: database}, []string{identifying}}}
	for _, collection := range slices.Sorted(maps.Keys(calls)) {
		var actions []string
		for _, n := range needs() {
			if slices.Contains(calls[collection], n.call) && !slices.Contains(actions, n.action) {
				actions = append(actions, n.action)
			}
		}
		privileges = append(privileges, privilege{resource{database, collection}, actions})
	}
	text, _ := json.MarshalIndent(role{name, privileges, []string{}}, "", "  ")
	return text
}

// role is MongoDB's own document.
// https://www.mongodb.com/docs/manual/reference/command/createRole/
type role struct {
	CreateRole string      `json:"createRole"`
	Privileges []privilege `json:"privileges"`
	Roles      []string    `json:"roles"`
}

type privilege struct {
	Resource resource `json:"resource"`
	Actions  []string `json:"actions"`
}

type resource struct {
	Database   string `json:"db"`
	Collection string `json:"collection"` // "" is all of them
}
