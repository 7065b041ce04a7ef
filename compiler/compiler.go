// Package compiler turns a folder of CUE files into schema.Desired: it loads
// them, ties them to domctl's own schema, evaluates the package once, and reads
// every stated value and every place that contributed to it.
//
// It never touches the network, runs nothing, and reads nothing outside the
// tree. Everything that is wrong with the files is a finding; an error is only
// what the files cannot help, a disk that fails. The engine calls it.
package compiler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/schema"
)

// Source is one deployment's folder within a CUE module on disk.
type Source struct {
	Root string // folder that holds cue.mod
	Dir  string // the deployment's folder below Root, slash-separated; "." is Root itself

	// Tags are CUE's build tags and injected values: "key" or "key=value".
	Tags []string

	// Timeout and Memory (bytes) bound the evaluation; zero means DefaultTimeout
	// and DefaultMemory. They are hard when Self is set.
	Timeout time.Duration
	Memory  int64

	// Self is the path of a program that runs Child under Verb: the evaluation
	// then happens in a process of its own. Empty: in this one.
	Self string

	// Alone reads the deployment itself and nothing else, of the files that state it:
	// whatever the others say, whose records they are about can be told.
	Alone bool

	// Name stands for Root where compiled deployments are kept, so that a tree which
	// is written anew each time finds them; "" is Root.
	Name string

	// Cache is a folder outside the tree where compiled deployments are kept.
	// Program tells one build of the program from another. Without both nothing
	// is kept.
	Cache, Program string
}

// What an evaluation may take unless the source says otherwise.
const (
	DefaultTimeout = 30 * time.Second
	DefaultMemory  = 512 << 20
)

func (s Source) timeout() time.Duration { return cmp.Or(s.Timeout, DefaultTimeout) }
func (s Source) memory() int64          { return cmp.Or(s.Memory, DefaultMemory) }

// Result is all there is to know of a deployment's files.
type Result struct {
	Desired  schema.Desired
	Resolved schema.Resolved
	Findings []schema.Finding
	// Files are those that were read, relative to the deployment's folder,
	// slash-separated and sorted; domctl's own schema is not among them.
	Files []string
}

// ErrCache comes beside a complete result that could not be kept for the next
// time.
var ErrCache = errors.New("the compiled deployment could not be kept")

// ErrNoModule says that no folder above holds cue.mod.
var ErrNoModule = errors.New("no cue.mod here or in a folder above; `domctl init` makes one")

// Find makes a Source of a deployment's folder by looking for cue.mod in it and
// above it.
func Find(dir string) (Source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Source{}, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return Source{}, err
	}
	for root := abs; ; root = filepath.Dir(root) {
		fi, err := os.Stat(filepath.Join(root, "cue.mod"))
		if err != nil && !isMissing(err) {
			return Source{}, err // it cannot be told whether there is one
		}
		if err == nil && fi.IsDir() {
			rel, err := filepath.Rel(root, abs)
			if first, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); first == "cue.mod" {
				return Source{}, fmt.Errorf("%s: cue.mod is CUE's own folder; name the deployment's, or the one that holds cue.mod", dir)
			}
			return Source{Root: root, Dir: filepath.ToSlash(rel)}, err
		}
		if root == filepath.Dir(root) {
			return Source{}, fmt.Errorf("%s: %w", dir, ErrNoModule)
		}
	}
}

// Compile reads one deployment. The error is for what is not the files' fault;
// all that is stands in the findings, and then Desired holds what could be
// read. ErrCache comes with a complete result.
func Compile(ctx context.Context, src Source) (Result, error) {
	if r, ok := Kept(src); ok {
		return r, nil
	}
	kept, ok := cacheOf(src)
	text, en, err := fresh(ctx, src, ok)
	if over := (limit{}); errors.As(err, &over) {
		return Result{Desired: schema.Desired{Objects: map[schema.Address]schema.Object{}}, Findings: []schema.Finding{over.finding()}}, nil
	}
	if err != nil || !ok {
		return en.result, err
	}
	if err := kept.store(text); err != nil {
		return en.result, fmt.Errorf("%w: %w", ErrCache, err)
	}
	return en.result, nil
}

// Alone is Compile for the deployment alone, see Source.Alone.
func Alone(ctx context.Context, src Source) (schema.Deployment, []schema.Finding, error) {
	src.Alone, src.Cache = true, ""
	r, err := Compile(ctx, src)
	return r.Desired.Deployment, r.Findings, err
}

// Kept is Compile from the cache alone: it evaluates nothing and writes nothing.
func Kept(src Source) (Result, bool) {
	kept, ok := cacheOf(src)
	if !ok {
		return Result{}, false
	}
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		return Result{}, false
	}
	defer root.Close()
	return kept.load(newTree(root.FS(), src.Dir))
}

// fresh compiles, here or in a child, and gives the entry and, if asked or at
// hand, its text.
func fresh(ctx context.Context, src Source, encoded bool) (text string, en entry, err error) {
	if src.Self != "" {
		if text, err = byChild(ctx, src); err == nil {
			en, err = decode(text)
		}
		return text, en, err
	}
	if en, err = compileHere(ctx, src); err == nil && encoded {
		var b []byte
		b, err = encode(en)
		text = string(b)
	}
	return text, en, err
}

// CompileAll reads several deployments side by side, as many at a time as there
// are processors, and stops at the first error. ErrCache stops nothing: it comes
// with complete results.
func CompileAll(ctx context.Context, sources []Source) ([]Result, error) {
	results, unkept := make([]Result, len(sources)), make([]error, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, src := range sources {
		group.Go(func() (err error) {
			if results[i], err = Compile(ctx, src); errors.Is(err, ErrCache) {
				unkept[i], err = err, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return results, err
	}
	return results, errors.Join(unkept...)
}

// compileHere compiles in this process.
func compileHere(ctx context.Context, src Source) (entry, error) {
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		return entry{}, fmt.Errorf("open the module: %w", err)
	}
	defer root.Close()
	return compile(ctx, root.FS(), src)
}

func compile(ctx context.Context, files fs.FS, src Source) (en entry, err error) {
	if err := ctx.Err(); err != nil {
		return en, err
	}
	t := newTree(files, src.Dir)
	t.alone = src.Alone
	en.result = t.compile(src)
	if t.failure != nil {
		return entry{}, fmt.Errorf("read the files: %w", t.failure)
	}
	en.asked = slices.SortedFunc(maps.Keys(t.asked), func(a, b question) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.name, b.name))
	})
	for _, q := range en.asked {
		en.answers = append(en.answers, t.asked[q])
	}
	return en, nil
}

// compile evaluates and reads the tree. CUE's own failures on strange files are
// the files' fault: nothing but the file makes it fail so.
func (t *tree) compile(src Source) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r.Findings = append(r.Findings, schema.Finding{Code: codeFailed, Severity: schema.Error,
				Message: "CUE fails on these files: " + clip(fmt.Sprint(p)), Hint: "see whether `cue vet` does too, and tell the CUE project"})
		}
		r.Files = t.Files()
		r.Findings = schema.SortFindings(schema.Police(r.Findings, r.Desired.Deployment.Findings))
	}()
	r.Desired.Objects = map[schema.Address]schema.Object{}
	pkg, findings := evaluate(t, src)
	r.Findings = append(findings, t.vendored()...)
	switch {
	case pkg == nil:
	case src.Alone:
		(&reader{pkg: pkg, places: index(pkg), result: &r}).deployment()
	case pkg.unbuilt(): // whatever is missing in it, nobody left out
	default:
		read(pkg, &r)
		r.finish()
		r.lint(t)
	}
	r.Findings = append(r.Findings, t.recorded(src.Root, r.Desired.Deployment.State.File)...)
	return r
}

// finish completes the objects and checks them against one another.
func (r *Result) finish() {
	r.resolve()
	for a, o := range r.Desired.Objects {
		if k, _ := schema.KindOf(a.Kind); k.Spread != nil {
			r.Desired.Objects[a] = k.Spread(a.Name, o)
		}
	}
	r.Findings = append(r.Findings, schema.Check(r.Desired, r.Findings)...)
}
