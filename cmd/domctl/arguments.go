package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/schema"
)

// explainArgs says after too many or too few arguments how the verb is used.
func explainArgs(c *cobra.Command) {
	if args := c.Args; args != nil {
		c.Args = func(c *cobra.Command, given []string) error {
			if err := flagged(c, given); err != nil {
				return err
			}
			if err := unnamed(c, given); err != nil {
				return err
			}
			if args(c, given) != nil {
				return fmt.Errorf("%s given; use it as %s; %s --help says more", arguments(len(given)), strings.TrimSuffix(c.UseLine(), " [flags]"), c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		explainArgs(sub)
	}
}

// unnamed says of a verb about one thing, without which it was typed, how to find its name.
func unnamed(c *cobra.Command, given []string) error {
	uses := strings.Fields(c.Use)
	if len(uses) < 2 {
		return nil
	}
	lists := map[string]string{"APPLY": "history", "NODE": "nodes", "RUN": "runs", "AMI": "amis list", "ENVIRONMENT": "environments list"}[uses[1]]
	thing := strings.ToLower(uses[1])
	switch {
	case lists == "":
	case len(given) == 0:
		return fmt.Errorf("no %s is named; write %s; domctl %s lists those there are", thing, strings.TrimSuffix(c.UseLine(), " [flags]"), lists)
	case len(given) == 1 && isFolder(given[0]) && (thing == "node" || thing == "run"):
		return fmt.Errorf("%s is a folder, and no %s is named; domctl %s %[1]s lists those there are", given[0], thing, lists)
	}
	return nil
}

// flagged refuses an argument that belongs to a flag, or to another verb, and says
// how it is written. A folder is never meant otherwise.
func flagged(c *cobra.Command, args []string) error {
	takes := func(word string) bool { return strings.Contains(c.Use, word) }
	for i, arg := range args {
		rest := append(append([]string{}, args[:i]...), args[i+1:]...)
		command := strings.Join(append([]string{c.CommandPath()}, rest...), " ")
		address, kind := addressed(arg)
		switch {
		case isFolder(arg):
		case isApply(arg) && !takes("APPLY"):
			for _, flag := range []string{"to", "resume"} {
				if c.Flags().Lookup(flag) != nil {
					return fmt.Errorf("%s is an apply; name it with --%s: %s --%[2]s %[1]s", arg, flag, command)
				}
			}
			if show, _, err := c.Find([]string{"show"}); err == nil && show != c {
				return fmt.Errorf("%s is an apply; %s %[1]s shows it", arg, strings.Replace(command, c.CommandPath(), show.CommandPath(), 1))
			}
		case kind && c.Flags().Lookup("target") != nil:
			return fmt.Errorf("%s is no folder; objects are named with --target: %s --target %s", arg, command, schema.ShellWord(address))
		case isPlan(arg) && c.Flags().Lookup("plan") != nil:
			return fmt.Errorf("%s is a file; a saved plan is named with --plan: %s --plan %s", arg, command, schema.ShellWord(arg))
		}
	}
	return nil
}

// applyAndDir takes the two in either order. A folder alone is refused: somebody
// left the apply out.
func applyAndDir(c *cobra.Command, args []string) (apply string, dir []string, err error) {
	switch {
	case len(args) == 2 && !isApply(args[0]) && (isApply(args[1]) || isFolder(args[0]) && !isFolder(args[1])):
		return args[1], args[:1], nil
	case len(args) == 1 && isFolder(args[0]):
		return "", nil, fmt.Errorf("%s is a folder, and no apply is named; write %s last %[1]s for the latest", args[0], c.CommandPath())
	}
	return args[0], args[1:], nil
}

func isFolder(name string) bool {
	at, err := os.Stat(name)
	return err == nil && at.IsDir()
}

// isApply says that a word is an apply's id, as the engine makes them, or stands
// for one.
func isApply(word string) bool {
	return word == "last" || regexp.MustCompile(`^\d{8}-\d{6}-[a-z2-7]{12}$`).MatchString(word)
}

// isPlan says that a file may be a saved plan: one of the deployment's own is not.
func isPlan(name string) bool {
	at, err := os.Stat(name)
	return filepath.Ext(name) == ".plan" || err == nil && at.Mode().IsRegular() && filepath.Ext(name) != ".cue"
}

// addressed says whether a word is an address, a pattern of some or a kind, and
// how a flag takes it.
func addressed(word string) (pattern string, ok bool) {
	kind, _, dotted := strings.Cut(word, ".")
	if _, ok = schema.KindOf(kind); ok && !dotted {
		return word + ".*", true
	}
	return word, ok
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no arguments are"
	case 1:
		return "1 argument is"
	}
	return fmt.Sprintf("%d arguments are", n)
}
