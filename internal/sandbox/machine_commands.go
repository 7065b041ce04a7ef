package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/interp"

	"domctl.dev/schema"
)

// command is a program of a machine.
type command func(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error

// commands is the command table. A program that is not in it, and that the file
// has no answer for, is not on the machine.
func commands() map[string]command {
	table := map[string]command{
		"cat": cat, "grep": grep, "head": head, "tail": tail, "wc": count, "rm": remove, "mkdir": makeFolder, "touch": touch, "truncate": truncate, "tee": tee, "mv": move,
		"which": which, "uname": uname, "hostname": hostname, "sh": shell, "bash": shell, "id": say("uid=0(root) gid=0(root) groups=0(root)"),
		"sudo": prefix, "env": prefix, "nohup": prefix, "setsid": prefix, "nice": prefix, "timeout": timeout, "systemd-run": prefix,
		"docker": docker("docker"), "date": clock, "systemctl": systemctl, "nvidia-smi": nvidiaSMI, "nvidia-ctk": nvidiaCTK, "nerdctl": docker("containerd"), "crictl": crictl, "ctr": ctr,
	}
	for _, quiet := range []string{"sleep", "sync", "chmod", "chown", "mount", "umount", "cloud-init", "udevadm", "fstrim", "ldconfig"} {
		table[quiet] = func(context.Context, *session, interp.HandlerContext, []string) error { return nil }
	}
	return table
}

func say(text string) command {
	return func(_ context.Context, _ *session, hc interp.HandlerContext, _ []string) error {
		fmt.Fprintln(hc.Stdout, text)
		return nil
	}
}

// operands are the arguments that are no flags; values names the flags that take
// the next argument.
func operands(args []string, values ...string) (out []string) {
	for i := 1; i < len(args); i++ {
		switch {
		case slices.Contains(values, args[i]):
			i++
		case !strings.HasPrefix(args[i], "-") || args[i] == "-":
			out = append(out, args[i])
		}
	}
	return out
}

func flagged(args []string, flag string) bool { return slices.Contains(args, flag) }

// fail writes a program's error and gives its status.
func fail(hc interp.HandlerContext, n int, format string, args ...any) error {
	fmt.Fprintf(hc.Stderr, format+"\n", args...)
	return status(n)
}

func cat(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	names := operands(args)
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if name == "-" {
			_, _ = io.Copy(hc.Stdout, hc.Stdin)
			continue
		}
		f, err := on.open(ctx, name, 0, 0)
		if err != nil {
			return fail(hc, 1, "cat: %s: No such file or directory", name)
		}
		_, _ = io.Copy(hc.Stdout, f)
	}
	return nil
}

// grep knows fixed strings, expressions with -E, and -q, -v, -i and -F.
func grep(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	rest := operands(args)
	if len(rest) == 0 {
		return fail(hc, 2, "grep: no pattern")
	}
	in := hc.Stdin
	if len(rest) > 1 {
		f, err := on.open(ctx, rest[1], 0, 0)
		if err != nil {
			return fail(hc, 2, "grep: %s: No such file or directory", rest[1])
		}
		in = f
	}
	pattern := rest[0]
	if !flagged(args, "-E") {
		pattern = regexp.QuoteMeta(pattern)
	}
	if flagged(args, "-i") {
		pattern = "(?i)" + pattern
	}
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return fail(hc, 2, "grep: %s", err)
	}
	found := 1
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if matches.MatchString(lines.Text()) != flagged(args, "-v") {
			found = 0
			if !flagged(args, "-q") {
				fmt.Fprintln(hc.Stdout, lines.Text())
			}
		}
	}
	return status(found)
}

// head is the first line, or so many bytes: head -n 1, head -c 100.
func head(_ context.Context, _ *session, hc interp.HandlerContext, args []string) error {
	if n, err := strconv.ParseInt(after(args, "-c"), 10, 64); err == nil {
		_, _ = io.CopyN(hc.Stdout, hc.Stdin, n)
		return nil
	}
	lines := bufio.NewScanner(hc.Stdin)
	if lines.Scan() {
		fmt.Fprintln(hc.Stdout, lines.Text())
	}
	return nil
}

// after is the argument that follows a flag; "" where there is none.
func after(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// tail is the last line, all from a byte on, or the last bytes: tail -n 1 FILE,
// tail -c +100 FILE, tail -c 1 FILE.
func tail(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	in, names := hc.Stdin, operands(args, "-n", "-c")
	if len(names) > 0 {
		f, err := on.open(ctx, names[0], 0, 0)
		if err != nil {
			return fail(hc, 1, "tail: cannot open '%s' for reading: No such file or directory", names[0])
		}
		in = f
	}
	text, _ := io.ReadAll(in)
	if from, ok := strings.CutPrefix(after(args, "-c"), "+"); ok {
		n, _ := strconv.Atoi(from)
		_, _ = hc.Stdout.Write(text[min(max(n-1, 0), len(text)):])
		return nil
	}
	if n, err := strconv.Atoi(after(args, "-c")); err == nil {
		_, _ = hc.Stdout.Write(text[max(len(text)-n, 0):])
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	fmt.Fprintln(hc.Stdout, lines[len(lines)-1])
	return nil
}

// count is wc -c.
func count(_ context.Context, _ *session, hc interp.HandlerContext, _ []string) error {
	n, _ := io.Copy(io.Discard, hc.Stdin)
	fmt.Fprintln(hc.Stdout, n)
	return nil
}

func remove(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	for _, name := range operands(args) {
		name = absolute(ctx, name)
		on.mu.Lock()
		n := len(on.disk.Files)
		for p := range on.disk.Files {
			if p == name || strings.HasPrefix(p, name+"/") {
				delete(on.disk.Files, p)
			}
		}
		gone := n != len(on.disk.Files)
		on.mu.Unlock()
		if !gone && !strings.Contains(strings.Join(args[1:], " "), "f") {
			return fail(hc, 1, "rm: cannot remove '%s': No such file or directory", name)
		}
	}
	return nil
}

// write puts a file in place.
func (on *session) write(name, text string) {
	on.mu.Lock()
	defer on.mu.Unlock()
	on.disk.Files[name] = text
}

func makeFolder(ctx context.Context, on *session, _ interp.HandlerContext, args []string) error {
	for _, name := range operands(args, "-m") {
		if _, err := on.stat(ctx, name, true); err != nil {
			on.write(absolute(ctx, name)+"/", "")
		}
	}
	return nil
}

func touch(ctx context.Context, on *session, _ interp.HandlerContext, args []string) error {
	for _, name := range operands(args) {
		if _, err := on.stat(ctx, name, true); err != nil {
			on.write(absolute(ctx, name), "")
		}
	}
	return nil
}

// truncate empties: truncate -s 0.
func truncate(ctx context.Context, on *session, _ interp.HandlerContext, args []string) error {
	for _, name := range operands(args, "-s") {
		on.write(absolute(ctx, name), "")
	}
	return nil
}

func tee(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	text, _ := io.ReadAll(hc.Stdin)
	for _, name := range operands(args) {
		on.write(absolute(ctx, name), string(text))
	}
	_, _ = hc.Stdout.Write(text)
	return nil
}

func move(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	names := operands(args)
	if len(names) != 2 {
		return fail(hc, 1, "mv: takes two names")
	}
	from, to := absolute(ctx, names[0]), absolute(ctx, names[1])
	on.mu.Lock()
	text, ok := on.disk.Files[from]
	delete(on.disk.Files, from)
	on.mu.Unlock()
	if !ok {
		return fail(hc, 1, "mv: cannot stat '%s': No such file or directory", from)
	}
	on.write(to, text)
	return nil
}

func which(_ context.Context, on *session, hc interp.HandlerContext, args []string) error {
	for _, name := range operands(args) {
		_, known := on.program(name)
		for _, pattern := range schema.Sorted(on.disk.Commands) {
			known = known || pattern == name || strings.HasPrefix(pattern, name+" ") || strings.HasPrefix(pattern, name+"*")
		}
		if !known {
			return status(1)
		}
		fmt.Fprintln(hc.Stdout, "/usr/bin/"+name)
	}
	return nil
}

func uname(_ context.Context, on *session, hc interp.HandlerContext, args []string) error {
	switch {
	case flagged(args, "-m") && on.platform == "linux/arm64":
		fmt.Fprintln(hc.Stdout, "aarch64")
	case flagged(args, "-m"):
		fmt.Fprintln(hc.Stdout, "x86_64")
	default:
		fmt.Fprintln(hc.Stdout, "Linux")
	}
	return nil
}

func hostname(_ context.Context, on *session, hc interp.HandlerContext, _ []string) error {
	fmt.Fprintln(hc.Stdout, on.id)
	return nil
}

// shell is sh -c TEXT [NAME ARG…], sh -s, or sh FILE.
func shell(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	rest := operands(args)
	if c := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.HasSuffix(a, "c") }); c > 0 && c+1 < len(args) {
		return on.interpret(ctx, args[c+1], hc.Stdin, hc.Stdout, hc.Stderr, args[min(c+3, len(args)):]...)
	}
	if len(rest) == 0 {
		text, _ := io.ReadAll(hc.Stdin)
		return on.interpret(ctx, string(text), strings.NewReader(""), hc.Stdout, hc.Stderr)
	}
	f, err := on.open(ctx, rest[0], 0, 0)
	if err != nil {
		return fail(hc, 127, "sh: %s: No such file", rest[0])
	}
	text, _ := io.ReadAll(f)
	return on.interpret(ctx, string(text), hc.Stdin, hc.Stdout, hc.Stderr, rest[1:]...)
}

// prefix runs the rest of the line: what goes before it changes nothing here.
func prefix(ctx context.Context, on *session, _ interp.HandlerContext, args []string) error {
	for i := 1; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") && !strings.Contains(args[i], "=") {
			return on.exec(ctx, args[i:])
		}
	}
	return nil
}

// timeout is timeout [-k TIME] TIME COMMAND…
func timeout(ctx context.Context, on *session, hc interp.HandlerContext, args []string) error {
	rest := operands(args[:min(len(args), 4)], "-k")
	if len(rest) == 0 {
		return fail(hc, 125, "timeout: takes a time and a command")
	}
	return on.exec(ctx, args[slices.Index(args, rest[0])+1:])
}
