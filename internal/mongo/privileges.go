package mongo

// Privilege is what one command needs of a MongoDB role, on the database.
type Privilege struct {
	Command string // as Options.Observe hears it
	Action  string // "" for a command that everybody may send
	Apply   bool   // needed by an apply alone
}

// Privileges lists every command of the package, for doctor and its roles.
// https://www.mongodb.com/docs/manual/reference/privilege-actions/
func Privileges() []Privilege {
	return []Privilege{
		{"hello", "", false},
		{"isMaster", "", false},
		{"buildInfo", "", false},
		{"listCollections", "listCollections", false},
		{"find", "find", false},
		{"aggregate", "find", false},
		{"getMore", "", false},
		{"killCursors", "", false},
		{"endSessions", "", false},
		{"insert", "insert", true},
		{"update", "update", true},
		{"delete", "remove", true},
	}
}
