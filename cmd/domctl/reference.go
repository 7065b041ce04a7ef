package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// referenceVerb writes the pages of docs/commands; hack/gendocs calls it. cobra
// has a generator of its own, which would put a Markdown and a YAML library into
// the program.
func (a *app) referenceVerb() *cobra.Command {
	return &cobra.Command{Use: "reference FOLDER", Short: "Write the reference of the commands", Hidden: true, Args: cobra.ExactArgs(1),
		Example: "  domctl reference docs/commands",
		RunE: func(cmd *cobra.Command, args []string) error {
			pages := map[string]string{}
			index := "# The commands\n\nMade from `domctl help` by `make generate`.\n\n"
			for _, c := range cmd.Root().Commands() {
				if c.Hidden || c.Name() == "help" {
					continue
				}
				page := &strings.Builder{}
				writePage(page, c)
				pages[c.Name()+".md"] = page.String()
				index += fmt.Sprintf("- [domctl %s](%[1]s.md): %s\n", c.Name(), c.Short)
			}
			flags := &strings.Builder{}
			writeFlags(flags, cmd.Root().PersistentFlags())
			pages["README.md"] = index + "\nAll of them take these flags:\n\n" + flags.String()
			return writePages(args[0], pages)
		}}
}

func writePages(dir string, pages map[string]string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.TrimRight(text, "\n")+"\n"), 0o666); err != nil {
			return fmt.Errorf("reference: %w", err)
		}
	}
	return nil
}

// writePage writes a verb and the verbs below it.
func writePage(b *strings.Builder, c *cobra.Command) {
	level := strings.Repeat("#", strings.Count(c.CommandPath(), " "))
	fmt.Fprintf(b, "%s %s\n\n", level, c.CommandPath())
	if c.Long != "" {
		fmt.Fprintf(b, "%s.\n\n%s\n\n", c.Short, c.Long)
	} else {
		fmt.Fprintf(b, "%s.\n\n", c.Short)
	}
	if c.Runnable() {
		fmt.Fprintf(b, "```\n%s\n```\n\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "Examples:\n\n```sh\n%s\n```\n\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
	writeFlags(b, c.NonInheritedFlags())
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			writePage(b, sub)
		}
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	head := "| flag | what it does | else |\n|---|---|---|\n"
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		def := ""
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(b, "%s| `%s` | %s | %s |\n", head, strings.TrimRight("--"+f.Name+" "+strings.ToUpper(value), " "), usage, def)
		head = ""
	})
	if head == "" {
		b.WriteByte('\n')
	}
}
