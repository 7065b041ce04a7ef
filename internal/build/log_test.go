package build_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/build"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// kept is a keeper of logs in memory.
type kept struct {
	from map[string]int64
	text strings.Builder
}

func (k *kept) From(work string) int64      { return k.from[work] }
func (k *kept) Place(string, string) string { return "here.log" }
func (k *kept) Mask(text string) string {
	return strings.ReplaceAll(text, "deployment-key", "(secret)")
}

func (k *kept) Stream(_, _, work string, later int64, text string) {
	k.from[work] += later
	k.text.WriteString(text)
}

// logging is a bench whose builds write lines, fail or not, and are read.
func logging(t *testing.T, fails string, lines []string, faults ...sandbox.Fault) (*bench, *kept) {
	t.Helper()
	w := newBench(t, `"variables": {"CARRIED": "set-by-hand", "OPEN": "/opt/spark", "SHORT": "no"}`, faults...)
	m, err := sandbox.NewMemory("sandbox.json", []byte(strings.Replace(w.file, `"buildTime": "10m"`,
		fmt.Sprintf(`"builds": {%q: {"time": "10m", "fails": %s, "log": %s}}`, env, schema.JSON(fails).Text, schema.JSON(lines).Text), 1)))
	if err != nil {
		t.Fatal(err)
	}
	if w.box, err = m.Open(sandbox.Options{Clock: func() time.Time { return w.now }, Faults: faults}); err != nil {
		t.Fatal(err)
	}
	k := &kept{from: map[string]int64{}}
	w.b.Domino, w.b.Logs = w.box, k
	w.b.Reader = &build.Reader{Domino: w.box, Secret: w.b.Secret, Mask: k.Mask}
	w.at.Step.Writes["variables.TOKEN"] = schema.Value{Is: schema.Secret, Text: "env:T"}
	w.at.Step.Writes["variables.OPEN"] = schema.JSON("/opt/spark")
	return w, k
}

// TestTheLogIsStreamed: what the build has written by now, each line once; what may be a
// secret is hidden.
func TestTheLogIsStreamed(t *testing.T) {
	w, k := logging(t, "", []string{"in /opt/spark", "token hunter2, no", "hand set-by-hand", "deployment-key"})
	w.write("create")
	w.ends(applier.Pending, "building")
	w.now = w.now.Add(5 * time.Minute)
	w.ends(applier.Pending, "building")
	w.ends(applier.Pending, "building")
	if got := k.text.String(); got != "in /opt/spark\ntoken (secret), no\nhand (secret)\n" {
		t.Errorf("%q after half of it", got)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.ends(applier.Finished, "")
	if got := k.text.String(); !strings.HasSuffix(got, "hand (secret)\n(secret)\nSuccessfully built\n") {
		t.Errorf("%q after all of it", got)
	}
}

// TestAFailedBuildTellsTheEndOfItsLog: bounded, on one line, and with nothing in it that
// a terminal acts on.
func TestAFailedBuildTellsTheEndOfItsLog(t *testing.T) {
	lines := []string{"first"}
	for n := range 20 {
		lines = append(lines, fmt.Sprintf("line %d", n))
	}
	w, _ := logging(t, "no luck", append(lines, "\x1b[31mred\u202e", "a\nb", strings.Repeat("x", 1000)+"hunter2"))
	w.write("create")
	w.now = w.now.Add(10 * time.Minute)
	st := w.observe()
	if st.State != applier.Failed || !strings.HasPrefix(st.Why, "DC360: the build of revision 2 failed") || strings.ContainsAny(st.Why, "\n\x1b\u202e") || strings.Contains(st.Why, "hunter2") || len(st.Why) > 4000 {
		t.Errorf("%+v", st)
	}
	parts := strings.Split(st.Why, build.Bar)
	if len(parts) != 11 || !strings.HasSuffix(parts[0], "; its log is here.log") || parts[10] != "no luck" || !strings.HasSuffix(parts[9], "xxx…") || !strings.Contains(parts[7], "red") {
		t.Errorf("%q", parts)
	}
}

// TestALineForgesNoOther: none of a log's lines begins another one in a message, or is a
// command to what runs domctl.
func TestALineForgesNoOther(t *testing.T) {
	w, _ := logging(t, "no luck", []string{"one ⏎ two", "::error file=x::forged", "##[error]forged"})
	w.write("create")
	w.now = w.now.Add(10 * time.Minute)
	parts := strings.Split(w.observe().Why, build.Bar)
	if len(parts) != 5 || parts[1] != `one \u23ce two` || parts[2] != ": :error file=x::forged" || parts[3] != "# #[error]forged" {
		t.Errorf("%q", parts)
	}
}

// TestALogThatCannotBeHidden is not shown, and keeps nobody from waiting; nor does one
// that cannot be read.
func TestALogThatCannotBeHidden(t *testing.T) {
	for name, c := range map[string]struct {
		faults []sandbox.Fault
		secret error
		want   string
	}{
		"no secret":     {nil, errors.New("it is not set"), "its log cannot be shown: it may hold the secret variables.TOKEN, which cannot be had to hide it: it is not set"},
		"no definition": {[]sandbox.Fault{{Call: "GetDefinition", Fault: "denied", After: 1}}, nil, "its log cannot be shown: sandbox GetDefinition"},
		"no log":        {[]sandbox.Fault{{Call: "GetBuildLog", Fault: "down"}}, nil, "its log cannot be shown: sandbox GetBuildLog"},
	} {
		w, k := logging(t, "no luck", []string{"token hunter2"}, c.faults...)
		w.write("create")
		if c.secret != nil {
			w.b.Reader.Secret = func(context.Context, string) (schema.Value, error) { return schema.Value{}, c.secret }
		}
		w.ends(applier.Pending, "building")
		w.now = w.now.Add(10 * time.Minute)
		st := w.observe()
		if st.State != applier.Failed || !strings.Contains(st.Why, "DC360") || !strings.Contains(st.Why, c.want) || strings.Contains(st.Why, "hunter2") || k.text.Len() > 0 {
			t.Errorf("%s: %+v, %q", name, st, k.text.String())
		}
	}
}

// TestTheEndIsToldFromWhatWasStreamed, where the log cannot be read once more.
func TestTheEndIsToldFromWhatWasStreamed(t *testing.T) {
	w, k := logging(t, "no luck", []string{"one", "two hunter2"}, sandbox.Fault{Call: "GetBuildLog", Fault: "down", After: 1})
	w.write("create")
	w.now = w.now.Add(9 * time.Minute)
	w.ends(applier.Pending, "building")
	w.now = w.now.Add(time.Minute)
	if st := w.observe(); k.text.Len() == 0 || st.State != applier.Failed || !strings.HasSuffix(st.Why, build.Bar+"one"+build.Bar+"two (secret)") {
		t.Errorf("%+v after %q", st, k.text.String())
	}
}
