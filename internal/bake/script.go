package bake

import (
	"fmt"
	"strings"

	"domctl.dev/schema"
)

// The work on an instance lies in a folder in memory, which is gone once the
// instance is stopped: what the script says of itself, its text, and its log.
func folder(id string) string { return "/run/domctl/" + id }

// kept outlasts a restart: what was found out before the instance was restarted.
func kept(id string) string { return "/var/lib/domctl/" + id }

// beginText lays a script down and starts it apart from the session that asks.
// Who comes second changes nothing: the script takes a lock first.
func beginText(id, text string) string {
	end := "DOMCTL-" + schema.DigestOf(text)
	at := folder(id)
	return fmt.Sprintf(`set -eu
mkdir -p %[1]s
cat >%[1]s/work.new <<'%[2]s'
%[3]s
%[2]s
mv %[1]s/work.new %[1]s/work
cat >%[1]s/run.new <<'%[2]s'
mkdir %[1]s/lock 2>/dev/null || exit 0
how=failed
if sh %[1]s/work >%[1]s/log 2>&1; then how=done; fi
[ -z "$(tail -c 1 %[1]s/log)" ] || echo >>%[1]s/log
if [ "$how" = "done" ]; then
	echo "done $(cat %[1]s/said 2>/dev/null || true)" >%[1]s/status
else
	echo "failed $(cat %[1]s/at 2>/dev/null || echo at once): $(tail -n 1 %[1]s/log)" >%[1]s/status
fi
%[2]s
mv %[1]s/run.new %[1]s/run
if systemctl show-environment >/dev/null 2>&1; then
	systemd-run --quiet --collect --unit=domctl-%[4]s sh %[1]s/run
else
	setsid sh %[1]s/run </dev/null >/dev/null 2>&1 &
fi
`, at, end, strings.TrimSuffix(text, "\n"), id)
}

// mostSSM bounds a script that is sent by SSM, bytes as JSON: a document is of at
// most 64 KB, the parameters that it is run with included, and AWS-RunShellScript
// takes some of it.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html (Content)
const mostSSM = 60_000

// tooLong says why the work cannot be sent to its instance; "" when it can.
func (o order) tooLong() string {
	if o.bake.Connect.SSH != nil {
		return ""
	}
	const id = "0123456789abcdef0123456789abcdef" // as long as those of steps
	n := 0
	for _, text := range []string{o.workText(id), o.verifyText(id)} {
		n = max(n, len(schema.JSON(beginText(id, text)).Text))
	}
	if n <= mostSSM {
		return ""
	}
	return fmt.Sprintf("DC348: the script for %d images and the files' own scripts is of %d bytes, and SSM takes %d; cache fewer, let scripts fetch what is long, or state bake: connect: ssh", len(o.images), n, mostSSM)
}

// stages are commands with what people are told while each runs.
type stages struct {
	b  strings.Builder
	at string // the folder
}

func (s *stages) say(what string) {
	fmt.Fprintf(&s.b, "echo %[1]s >%[2]s/at\necho running %[1]s >%[2]s/status\n", quote(what), s.at)
}

func (s *stages) run(lines ...string) {
	for _, l := range lines {
		s.b.WriteString(l + "\n")
	}
}

// scripts runs those of the files, each in a shell of its own.
func (s *stages) scripts(what string, scripts []string) {
	for n, script := range scripts {
		s.say(fmt.Sprintf("%s %d of %d", what, n+1, len(scripts)))
		s.run("(", script, ")")
	}
}

// quote is a text as one word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// workText sets an instance up: scripts, images, clean-up.
func (o order) workText(id string) string {
	s := stages{at: folder(id)}
	s.run("set -eu")
	s.scripts("script", o.bake.Scripts)
	o.drivers(&s)
	for n, image := range o.images {
		s.say(o.pulls(n))
		s.run(o.engine().pull(image)...)
	}
	if o.instance != "" {
		o.tidy(&s)
	}
	if o.bake.Salt.Highstate != "" {
		s.say("salt-call state.highstate")
		s.run("salt-call --retcode-passthrough state.highstate")
	}
	s.scripts("script after the pulls", o.bake.ScriptsAfter)
	s.say("clean-up")
	s.run(o.cleanUp()...)
	if o.bake.Connect.SSH == nil && o.instance == "" {
		s.run(lockOut()...)
	}
	s.run("sync")
	return s.b.String()
}

// forgetText removes who may log in once the work is done: over SSH, domctl itself
// cannot look any more.
func forgetText(id string) string {
	return strings.Join(append(lockOut(), "echo forgotten >"+folder(id)+"/status", "sync"), "\n") + "\n"
}

// names of an image that is written repository:tag@digest: by its tag, which pods
// name, and by its digest.
func names(image string) (byTag, byDigest string) {
	name, digest, _ := strings.Cut(image, "@")
	repository := name
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		repository = name[:colon]
	}
	return name, repository + "@" + digest
}
