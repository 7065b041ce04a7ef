package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"domctl.dev/schema"
)

// habits are the verbs that people know from other tools, and what they are here.
func habits() map[string]string {
	return map[string]string{
		"validate": "check", "lint": "check", "vet": "check", "verify": "check", "test": "check",
		"diff": "plan", "preview": "plan", "status": "plan", "refresh": "plan", "dry-run": "plan",
		"log": "history", "logs": "history", "state": "history", "get": "history", "describe": "history show", "show": "history show",
		"unlock": "lock break", "force-unlock": "lock break", "undo": "rollback", "revert": "rollback", "restore": "rollback",
		"new": "init", "create": "init", "deploy": "apply", "up": "apply", "diagnose": "doctor",
	}
}

// flagHabits are flags of other tools, and how they are written here.
func flagHabits() map[string]string {
	return map[string]string{
		"json": "--format json", "o": "--format json", "output": "--format json",
		"y": "--auto-approve", "yes": "--auto-approve", "t": "--target",
	}
}

// known refuses a verb that is not there; of a group of verbs cobra would show the
// help and call it a success.
func known(root *cobra.Command, args []string) error {
	c, given, err := root.Find(args)
	var word string
	switch {
	case err != nil:
		if found := regexp.MustCompile(`^unknown command "(.*)" for "`).FindStringSubmatch(err.Error()); found != nil {
			word = found[1]
		}
	case !c.Runnable() && len(given) > 0 && !strings.HasPrefix(given[0], "-"):
		word = given[0]
	}
	if word == "" || strings.HasPrefix(word, "__complete") { // cobra adds that one late
		return nil
	}
	c.SuggestionsMinimumDistance = 1
	if len(word) > 4 {
		c.SuggestionsMinimumDistance = 2
	}
	near := c.SuggestionsFor(word)
	if habit := habits()[word]; habit != "" && c == root {
		near = []string{habit}
	}
	meant := "; it has " + verbs(c)
	own := map[string]string{"ls": "list", "get": "show", "describe": "show"}[word]
	switch {
	case c != root && own != "" && slices.ContainsFunc(c.Commands(), func(v *cobra.Command) bool { return v.Name() == own }):
		meant = "; domctl's own word is " + own
	case len(near) > 0:
		meant = "; did you mean " + near[0] + "?"
	case c == root:
		meant = "; domctl --help lists those there are"
	}
	return fmt.Errorf("unknown command %q for %q%s", word, c.CommandPath(), meant)
}

// verbs lists those of a group.
func verbs(group *cobra.Command) string {
	var names []string
	for _, c := range group.Commands() {
		switch {
		case !c.IsAvailableCommand():
		case len(names) == 0:
			names = append(names, c.CommandPath())
		default:
			names = append(names, c.Name())
		}
	}
	return schema.Listed(names, "and")
}

// wrongFlag says how a flag is written that cannot be taken as it is.
func wrongFlag(c *cobra.Command, err error) error {
	if name := regexp.MustCompile(`^unknown (?:flag: -|shorthand flag: .* in )-([^=\s]+)`).FindStringSubmatch(err.Error()); name != nil {
		words := strings.Fields(err.Error())
		if meant := meantFlag(c, name[1]); meant != "" {
			return fmt.Errorf("there is no flag %s; %s", words[len(words)-1], meant)
		}
	}
	message := regexp.MustCompile(`strconv\.Parse(?:Int|Uint).*`).ReplaceAllString(err.Error(), "write a whole number")
	message = regexp.MustCompile(`strconv\.ParseBool.*`).ReplaceAllString(message, "write true or false")
	return fmt.Errorf("%s; %s --help lists its flags", message, c.CommandPath())
}

// meantFlag is what to write instead of a flag that a verb does not have, or "".
func meantFlag(c *cobra.Command, name string) string {
	has := func(written string) bool {
		flag, _, _ := strings.Cut(strings.TrimPrefix(written, "--"), " ")
		return c.Flags().Lookup(flag) != nil
	}
	habit := flagHabits()[name]
	switch {
	case has(name):
		return "write --" + name
	case habit != "" && has(habit):
		return "write " + habit
	case name == "dry-run" && has("auto-approve"):
		return "domctl plan shows what an apply would do, and a rollback shows it and asks"
	case name == "resume":
		return "domctl apply --resume APPLY goes on with what has not ended"
	case name == "chdir":
		return "name the folder: " + c.CommandPath() + " DIR"
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := schema.Nearest(name, names); near != "" && len(name) > 1 {
		return "did you mean --" + near + "?"
	}
	return ""
}
