package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/compiler"
	"domctl.dev/examples"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// completion answers what may stand where somebody presses Tab. It writes nothing
// and asks nothing outside but a cluster for the names of its nodes, as kubectl's does;
// where something is wrong it knows nothing, and the verb itself says why.
type completion = cobra.CompletionFunc

// completePatience is how long a person waits for Tab: files that the cache does
// not know and that take longer complete nothing.
const completePatience = 2 * time.Second

// complete teaches the shell what verbs and flags take.
func (a *app) complete(c *cobra.Command) {
	if takes := a.argumentOf(c); takes != nil && c.ValidArgsFunction == nil {
		c.ValidArgsFunction = takes
	}
	inDir := func(list func(ctx context.Context, dir string) []string) completion {
		return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			return begins(list(cmd.Context(), cmp.Or(strings.Join(args[:min(len(args), 1)], ""), ".")), typed)
		}
	}
	unended := inDir(func(ctx context.Context, dir string) []string { return orLast(a.applies(ctx, dir, "open/")) })
	flags := map[string]completion{
		"target": inDir(a.addresses), "exclude": inDir(a.addresses),
		"resume": unended, "supersede": unended,
		"to":         inDir(func(ctx context.Context, dir string) []string { return orLast(a.applies(ctx, dir, "applies/")) }),
		"allow":      oneOf("archive"),
		"kind":       oneOf(world.Discoverable()...),
		"visibility": oneOf("private", "organization", "global"),
		"raw":        oneOf("reference", "value"),
		"weights":    oneOf("runs", "even"),
		"as":         oneOf("mongosh", "aws", "curl", "kubectl"),
		"example":    oneOf(examples.Names()...),
	}
	for name, takes := range flags {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, takes) // fails for one that has its own
		}
	}
	for _, sub := range c.Commands() {
		a.complete(sub)
	}
}

// argumentOf completes a verb's arguments as its usage line names them.
func (a *app) argumentOf(c *cobra.Command) completion {
	_, usage, _ := strings.Cut(c.Use, " ")
	switch usage {
	case "[DIR]", "--disk SIZE [DIR]":
		return folders(1)
	case "[DIR...]":
		return folders(1 << 10)
	case "ENVIRONMENT [DIR]", "ENVIRONMENT NEW [DIR]":
		return a.environmentThenFolder
	case "NODE [DIR]":
		return a.nodeThenFolder
	case "APPLY [DIR]":
		return a.applyThenFolder
	case "[ADDRESS] [DIR]":
		return a.addressOrFolder
	case "[DIR] [NAME...]":
		return a.folderThenNames
	case "[CODE]":
		return codes
	}
	return nil
}

func folders(most int) completion {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
}

func oneOf(words ...string) completion {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// begins keeps the words that what was typed is the beginning of, in their order.
func begins(words []string, typed string) ([]string, cobra.ShellCompDirective) {
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, typed) }),
		cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func codes(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, c := range schema.Codes() {
		words = append(words, cobra.CompletionWithDesc(c.Code, c.Title))
	}
	if len(args) > 0 {
		words = nil
	}
	return begins(words, strings.ToUpper(typed))
}

// applyThenFolder knows the applies of the folder one is in: another is named
// after the apply.
func (a *app) applyThenFolder(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return folders(2)(cmd, args, typed)
	}
	return begins(orLast(a.applies(cmd.Context(), ".", "applies/")), typed)
}

// environmentThenFolder knows the environments of the files in the folder one is in.
func (a *app) environmentThenFolder(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return folders(2)(cmd, args, typed)
	}
	var names []string
	for _, address := range a.addresses(cmd.Context(), ".") {
		if name, is := strings.CutPrefix(address, "environments."); is {
			names = append(names, name)
		}
	}
	return begins(names, typed)
}

// nodeThenFolder asks the cluster of the folder one is in.
func (a *app) nodeThenFolder(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return folders(2)(cmd, args, typed)
	}
	return begins(a.nodes(cmd.Context(), "."), typed)
}

func orLast(ids []string) []string {
	if len(ids) == 0 {
		return nil
	}
	return append([]string{"last"}, ids...)
}

// addressOrFolder takes them in any order, as history does.
func (a *app) addressOrFolder(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	address, rest := addressIn(args)
	dir := cmp.Or(strings.Join(rest, ""), ".")
	switch {
	case len(args) > 1:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case address != (schema.Address{}), len(rest) == 0 && engine.Locate(dir) != nil:
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return begins(a.addresses(cmd.Context(), dir), typed)
}

// folderThenNames completes what update can look up.
func (a *app) folderThenNames(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	dir, _ := dirAndNames(args)
	if len(args) == 0 && engine.Locate(dir) != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return begins(slices.DeleteFunc(a.addresses(cmd.Context(), dir), func(name string) bool {
		address, _ := schema.ParseAddress(name)
		k, _ := schema.KindOf(address.Kind)
		return k.Resolve == nil
	}), typed)
}

// peek compiles a folder for completion, and keeps nothing.
func (a *app) peek(ctx context.Context, dir string) *deployment {
	src, err := compiler.Find(dir)
	if err != nil || engine.Locate(dir) != nil {
		return nil
	}
	a.limits.apply(&src)
	r, kept := compiler.Kept(src)
	if !kept {
		src.Cache, src.Timeout = "", min(src.Timeout, completePatience)
		if r, err = compiler.Compile(ctx, src); err != nil {
			return nil
		}
	}
	return &deployment{dir: dir, compiled: r}
}

func (a *app) addresses(ctx context.Context, dir string) (names []string) {
	d := a.peek(ctx, dir)
	if d == nil {
		return nil
	}
	for _, address := range schema.Addresses(d.compiled.Desired.Objects) {
		names = append(names, address.String())
	}
	return names
}

// nodes are the names of a cluster's nodes, where the files have it read.
func (a *app) nodes(ctx context.Context, dir string) (names []string) {
	d := a.peek(ctx, dir)
	if d == nil || !d.compiled.Desired.Deployment.Kubernetes.ReadsNodes() {
		return nil
	}
	var cluster world.LiveNodes = kube.Open(kube.Config{Context: d.compiled.Desired.Deployment.Kubernetes.Context, Timeout: completePatience})
	if d.compiled.Desired.Deployment.World == "sandbox" {
		outside, err := sandbox.Open(d.path(sandboxFile), sandbox.Options{})
		if err != nil {
			return nil
		}
		cluster = outside
	}
	all, _ := cluster.ListNodes(ctx)
	for _, n := range all {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

// applies are the ids below a prefix of the records, latest first; those of a
// bucket would have to be asked for.
func (a *app) applies(ctx context.Context, dir, prefix string) (ids []string) {
	d := a.peek(ctx, dir)
	if d == nil || d.compiled.Desired.Deployment.State.S3 != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completePatience)
	defer cancel()
	keys, _ := state.File(d.path(cmp.Or(d.compiled.Desired.Deployment.State.File, ".domctl/state"))).List(ctx, prefix)
	for _, key := range slices.Backward(keys) {
		id, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		ids = append(ids, id)
	}
	return slices.Compact(ids)
}
