// Command domctl keeps a Domino deployment's compute in CUE files: flags, one
// call of internal/engine, print. Each verb has a file of its own here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // windows name time zones, and a container may have none

	"domctl.dev/compiler"
	_ "domctl.dev/internal/heap"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process: it answers the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == compiler.Verb {
		return compileChild(stdin, stdout, stderr)
	}
	return newApp(stdin, stdout, stderr).main(args)
}

// main is the program but for the child that compiles.
func (a *app) main(args []string) int {
	tuneCollector()
	asked := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		asked = append(asked, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), asked...)
	defer stop()
	// A reader that goes away must not kill an apply between two writes.
	signal.Ignore(syscall.SIGPIPE)
	// The second Ctrl-C is the system's own: it ends the process at once. A
	// terminal that goes away may hang up twice.
	context.AfterFunc(ctx, func() { signal.Ignore(syscall.SIGHUP); stop() })
	if len(args) == 1 && args[0] == "--version" { // as everyone types it first
		args = []string{"version"}
	}
	root := a.root()
	root.SetArgs(args)
	err := known(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	a.waits.close()
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, syscall.EPIPE):
		return 1
	}
	message := suggestion(err.Error())
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		message = a.interrupted(message)
	}
	a.tell("error", message)
	return 1
}

// tuneCollector lets short commands do with memory what a collector would cost
// them: most are over before its first cycle, at 64 MiB; from then on the heap
// grows fivefold between two.
func tuneCollector() {
	const least = 4 << 20 // the heap of the first cycle at 100 % (runtime's heapMinimum)
	debug.SetGCPercent(64 << 20 * 100 / least)
	runtime.AddCleanup(new([16]byte), func(percent int) { debug.SetGCPercent(percent) }, 400)
}

// suggestion says of flags that exclude each other which they are, and of one that
// is required that it is.
func suggestion(message string) string {
	if set := regexp.MustCompile(`^if any flags in the group .* \[(.*)\] were all set$`).FindStringSubmatch(message); set != nil {
		return "--" + strings.ReplaceAll(set[1], " ", " and --") + " exclude each other; give one of them"
	}
	if flag := regexp.MustCompile(`^required flag\(s\) "(.*)" not set$`).FindStringSubmatch(message); flag != nil {
		return "--" + flag[1] + " is required; --help says what it takes"
	}
	return message
}

// interrupted is what is said after Ctrl-C: not what each read was at, but what
// became of the outside, and how to go on.
func (a *app) interrupted(message string) string {
	if !a.wrote.Load() {
		return "interrupted; nothing was changed"
	}
	_, on, _ := strings.Cut(message, "\nhint: ")
	return strings.TrimSuffix("interrupted; domctl history shows what was begun\nhint: "+on, "\nhint: ")
}

// compileChild evaluates files for a parent that bounds this process.
func compileChild(stdin io.Reader, stdout, stderr io.Writer) int {
	if err := compiler.Child(stdin, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// exitCode ends the program without a message.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }
