package mongo

import (
	"encoding/json"
	"maps"
	"slices"
)

// need is what a call of port.Documents takes of a role.
// https://www.mongodb.com/docs/manual/reference/privilege-actions/
type need struct{ call, action string }

func needs() []need {
	return []need{{"Find", "find"}, {"Count", "find"}, {"InsertOne", "insert"}, {"UpdateOne", "update"}, {"DeleteOne", "remove"}}
}

// Role is the createRole command of the least role that may make these calls,
// named as port.Documents names them, by collection.
func Role(name, database string, calls map[string][]string) []byte {
	privileges := []privilege{{resource{Database: database}, []string{"listCollections"}}} // what Database asks
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
