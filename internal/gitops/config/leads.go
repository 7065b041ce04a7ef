package config

import (
	"fmt"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// lead is something outside of the file that it names: by the path of the field a
// variable of the environment ("env") or a file ("file").
type lead struct{ at, scheme, name string }

// Here is what a machine has.
type Here struct {
	Env  func(name string) bool  // whether there is such a variable
	File func(name string) error // why a file could not be read, if so; nothing of it is read
}

// Check reads a controller's configuration, and tells all that is wrong with it: it counts
// only where no finding is an error. It looks whether what the file names is there, without
// reading a secret. What is not is a warning (DC526): the controller may run elsewhere, and a secret may come
// later, as it is read whenever it is used.
func Check(file string, text []byte, here Here) (Config, []schema.Finding) {
	c, r := parsed(file, text)
	for _, l := range r.leads {
		why, hint := "", ""
		switch l.scheme {
		case "env":
			if !here.Env(l.name) {
				why, hint = "the environment has no variable "+l.name, "set it where domctl serve runs"
			}
		case "file":
			if err := here.File(l.name); err != nil {
				why, hint = fmt.Sprintf("%s cannot be read: %v", l.name, err), "put it there, where domctl serve runs, and let its user read it"
			}
		}
		if why != "" {
			r.found = append(r.found, schema.Finding{Code: "DC526", Severity: schema.Warning, Positions: r.where(l.at), Message: l.at + ": " + planner.Printable(why), Hint: hint})
		}
	}
	return c, r.sorted()
}
