package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestOddWords: neither an instruction without arguments nor a package without a name
// hides what else there is.
func TestOddWords(t *testing.T) {
	for _, odd := range []string{"RUN pip install \\; || true\n", "RUN pip install ==1\n", "ENV\n", "ENV --x=y A=b\n", "ARG\n", "LABEL\n", "ADD\n", "COPY\n", "WORKDIR\n", "HEALTHCHECK\n", "ONBUILD\n", "ONBUILD ENV\n", "SHELL\n", "VOLUME\n", "MAINTAINER\n"} {
		d := desired(map[string]map[string]any{"e": {"dockerfile": odd + "RUNN x\n", "scripts.preRun": "if"}})
		got := told(d, Check(d))
		for _, want := range []string{`DC702 error 2:1 "RUNN" is no Dockerfile instruction`, "DC713 error 1:1 scripts.preRun is no shell script: "} {
			if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("%q: %q lacks %q", odd, got, want)
			}
		}
	}
}

// TestAFailureOfItsOwn: domctl's own failure is an error at what it looked at, and takes
// nothing else along.
func TestAFailureOfItsOwn(t *testing.T) {
	e := &environment{address: schema.EnvironmentAddress("e"), docker: &dockerfile{}}
	e.docker = readDockerfile(nil, "RUN a\nRUN b\n", e.declared, true)
	e.phase("dockerfile", func() {
		e.look(e.docker.instructions[1])
		panic("no")
	})
	e.phase("tools", func() { e.add("DC711", schema.Error, nil, "", "none") })
	if len(e.found) != 2 || e.found[0].Code != "DC703" || e.found[0].Severity != schema.Error || e.found[0].At[0] != (Place{e.address, "dockerfile", 6}) || e.found[1].Code != "DC711" {
		t.Errorf("%+v", e.found)
	}
	h := &house{now: e.address}
	h.part(func() { panic("no") })
	if len(h.found) != 1 || h.found[0].Severity != schema.Error || h.found[0].Address != e.address {
		t.Errorf("%+v", h.found)
	}
}

// TestWarningsHideNoError: of many findings all errors are told.
func TestWarningsHideNoError(t *testing.T) {
	var text strings.Builder
	for i := range 2 * mostFound {
		fmt.Fprintf(&text, "ENV PASSWORD=hunter%d\n", i)
	}
	found := ofDockerfile(text.String() + "RUNN x\n")
	if last := found[len(found)-1]; len(found) != mostFound+1 || last.Code != "DC702" {
		t.Errorf("%d findings, the last %+v", len(found), last)
	}
}

// FuzzEnvironment: whatever stands in an environment, domctl fails at nothing, what it tells
// stands in the text, and so does what it would write.
func FuzzEnvironment(f *testing.F) {
	for _, s := range []string{"RUN apt update\nRUN apt install x\n", "RUN pip install \\; || true", "ENV\nENV --x=y A=b", "RUN <<A sh\npip install a\nA\n", "MAINTAINER a\r\nRNU x\n", "\ufeffRUN 'apt' install x", "# escape=`\nRUN apt `\n install x",
		"ENV A=1 B=$A PASSWORD=hunter2", "ONBUILD ENV", "SHELL [\"a\"]\nRUN curl x | sh", "ADD http://a/b /c", "RUN useradd -u 1000000 x", "RUN conda install 'a<1' && R -e 'install.packages(\"a\")'", "RUN sudo env a=b apt-get -y", "COPY <<A <<B /\nA\nB\n", "RUN --mount=type=cache,target=/x pip install a"} {
		f.Add(s, s, "A", `{"a":{"start":["x"],"httpProxy":{"port":1}},"b":{"httpProxy":{"port":1}}}`)
	}
	f.Fuzz(func(t *testing.T, docker, script, variable, tools string) {
		fields := map[string]any{"dockerfile": docker, "scripts.preRun": script, "dockerArguments": []string{script}, schema.JoinPath("variables", variable): script, "base.uri": variable, "tools": schema.Value{Is: schema.Known, Text: tools}}
		d := desired(map[string]map[string]any{"a": fields, "b": fields, "c": fields})
		for _, f := range append(Check(d), Often(d, func(Place) (int, int) { return fewChanges, 9 })...) {
			if strings.HasSuffix(f.Message, tooStrange) {
				t.Fatalf("%s: %s", f.Address, f.Message)
			}
			for _, p := range f.At {
				if text := d.Objects[p.Address].Fields[p.Path].Str(); p.Offset > len(text) {
					t.Fatalf("%s %q: byte %d of %d", f.Code, f.Message, p.Offset, len(text))
				}
			}
			for _, e := range f.Fix {
				if text := d.Objects[e.Address].Fields[e.Path].Str(); e.Offset < 0 || e.To < e.Offset || e.To > len(text) {
					t.Fatalf("%s: bytes %d to %d of %q", f.Code, e.Offset, e.To, text)
				}
			}
		}
	})
}
