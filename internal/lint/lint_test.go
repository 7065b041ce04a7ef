package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// desired are environments by name, each with fields by path.
func desired(envs map[string]map[string]any) schema.Desired {
	d := schema.Desired{Objects: map[schema.Address]schema.Object{}}
	for name, fields := range envs {
		o := schema.Object{Fields: map[string]schema.Value{}}
		for path, v := range fields {
			if text, ok := v.(schema.Value); ok {
				o.Fields[path] = text
				continue
			}
			o.Fields[path] = schema.JSON(v)
		}
		d.Objects[schema.Address{Kind: "environments", Name: name}] = o
	}
	return d
}

// told writes findings as code, severity, and each place as line:column of its text.
func told(d schema.Desired, found []Found) (lines []string) {
	for _, f := range found {
		line := f.Code + " " + string(f.Severity)
		for _, p := range f.At {
			text := ""
			if p.Offset >= 0 {
				text = d.Objects[p.Address].Fields[p.Path].Str()[:p.Offset]
			}
			line += fmt.Sprintf(" %d:%d", 1+strings.Count(text, "\n"), len(text)-strings.LastIndex(text, "\n"))
		}
		lines = append(lines, line+" "+f.Message)
	}
	return lines
}

// TestDockerfile has each rule beside what it must not find.
func TestDockerfile(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":     {"", []string{"DC129 warning 1:1 dockerfile is empty: an apply takes away what Domino has"}},
		"comments":    {"# only\n\n# these", nil},
		"all is well": {"# syntax comes later\nUSER root\nRUN apt-get update && \\\n    apt-get install -y --no-install-recommends curl=7.1 && \\\n    # a comment within\n    rm -rf /var/lib/apt/lists/*\nRUN pip install --no-cache-dir numpy==1.26.4 'pandas<3'\nENV A=b C=\"d e\"\nWORKDIR /opt\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/a /a\nCMD [\"a\"]\n", nil},

		"from":              {"RUN true\n  FROM ubuntu:22.04\nRUN true", []string{"DC701 error 2:3 dockerfile holds FROM, which Domino writes itself, from base"}},
		"mistyped":          {"RUN true\nRUNN true\n", []string{`DC702 error 2:1 "RUNN" is no Dockerfile instruction`}},
		"no backslash":      {"RUN true &&\n  make install\n", []string{"DC714 warning 1:10 RUN is no shell script: `&&` must be followed by a statement", `DC702 error 2:3 "make" is no Dockerfile instruction`}},
		"value left out":    {"RUN true\nENV TOO_FEW\nRUNN x\n", []string{"DC703 error 2:1 Docker cannot read it: ENV must have two arguments", `DC702 error 3:1 "RUNN" is no Dockerfile instruction`}},
		"declared variable": {"ENV SPARK_HOME\n", nil},
		"unknown flag":      {"COPY --form=a b c\n", []string{"DC703 error 1:1 Docker cannot read it: unknown flag: --form (did you mean from?)"}},
		"cited value":       {"ENV A=1 hunter2hunter2\n", []string{"DC703 error 1:1 Docker cannot read it: syntax error - can't find = in (not shown). Must be of the form: name=value"}},
		"open heredoc":      {"RUN <<EOF\ntrue\n", []string{"DC703 error 1:1 Docker cannot read it: unterminated heredoc"}},

		"pip":             {"RUN pip install a==1\nRUN true \\\n # note\n && python3.11 -m pip install b==1\n", []string{"DC705 warning 1:5 4:5 dockerfile has 2 times pip install"}},
		"pip in one":      {"RUN pip install -U pip && pip install a==1 && uv pip install b==1", []string{"DC705 warning 1:27 1:47 dockerfile has 2 times pip install"}},
		"conda":           {"RUN conda install -y a=1\nRUN /opt/conda/bin/mamba install -qy -c conda-forge b=1", []string{"DC705 warning 1:5 2:5 dockerfile has 2 times conda install"}},
		"apt":             {"RUN apt-get update && apt-get install -y a=1 && apt-get install -y b=1\nRUN apt-get update && apt-get -y install c=1", []string{"DC705 warning 1:23 2:23 dockerfile has 2 times apt-get install"}},
		"update apart":    {"RUN apt-get update\nRUN apt-get install -y a=1", []string{"DC706 warning 1:5 apt-get update stands apart from apt-get install: its layer stays cached, and its lists grow old", "DC706 warning 2:5 apt-get install without apt-get update in the same RUN: it goes by whatever lists are cached"}},
		"a file":          {"RUN apt-get install -y ./a.deb", nil},
		"unpinned":        {"RUN pip install numpy 'pandas>=2' -i https://u:hunter2@x/ -r more.txt a==1 git+https://x/y.git git+https://x/y.git@v1 $Z", []string{"DC710 error 1:48 dockerfile holds a secret (not shown)", "DC707 warning 1:17 1:23 1:76 pip install without a version: numpy, pandas>=2 and x/y.git"}},
		"constraints":     {"RUN pip install -c c.txt numpy", nil},
		"npm, conda, R":   {"RUN npm install -g yarn @a/b a@1 && conda install -y r && Rscript -e 'install.packages(\"x\")'", []string{"DC707 warning 1:20 1:25 npm install without a version: yarn and @a/b", "DC707 warning 1:54 conda install without a version: r"}},
		"system":          {"RUN apt-get update && apt-get install -y curl wget", []string{"DC708 info 1:42 1:47 apt-get install without a version: curl and wget"}},
		"asks":            {"RUN apt-get update && \\\n\tapt-get install a=1", []string{"DC719 warning 2:10 apt-get install asks before it installs, and nobody answers in a build"}},
		"answered":        {"ENV CONDA_ALWAYS_YES=true\nRUN conda install a=1\nRUN yes | conda install b=1", []string{"DC705 warning 2:5 3:11 dockerfile has 2 times conda install"}},
		"url":             {"ADD https://example.com/a.tgz /opt/", []string{"DC709 warning 1:5 ADD of a URL: what it brings is not checked"}},
		"env":             {"ENV A=b \\\n  DB_PASSWORD=hunter2\nARG GITHUB_TOKEN=hunter22\nENV TOKEN_FILE=/x KEY_TYPE=rsa PASSWORD=$X SECRET=\nARG API_KEY", []string{"DC710 warning 2:3 ENV DB_PASSWORD holds what looks like a secret (not shown)", "DC710 warning 3:5 ARG GITHUB_TOKEN holds what looks like a secret (not shown)"}},
		"shapes":          {"RUN echo AKIAABCDEFGHIJKLMNOP && git clone https://me:hunter2@example.com/x", []string{"DC710 error 1:10 1:55 dockerfile holds a secret (not shown)"}},
		"assigned":        {"RUN MY_TOKEN=hunter2 make", []string{"DC710 warning 1:5 RUN MY_TOKEN holds what looks like a secret (not shown)"}},
		"open quote":      {"RUN true\nRUN echo \\\n  \"a", []string{"DC714 warning 3:3 RUN is no shell script: reached EOF without closing quote `\"`"}},
		"powershell":      {"SHELL [\"pwsh\", \"-c\"]\nRUN if (", nil},
		"heredoc":         {"RUN <<EOF\napt-get update\n  apt-get install a=1\nEOF\nRUN python3 <<EOF\nprint('\nEOF\n", []string{"DC719 warning 3:11 apt-get install asks before it installs, and nobody answers in a build"}},
		"python heredoc":  {"RUN <<EOF\n#!/usr/bin/env python3\nprint('(\nEOF\n", nil},
		"twice":           {"CMD a\nRUN true\nCMD b", []string{"DC721 warning 1:1 3:1 CMD is stated twice, and only the last counts"}},
		"folders":         {"WORKDIR opt\nRUN cd /opt\nRUN cd /opt && make", []string{"DC722 warning 1:9 WORKDIR opt is relative: where it leads is up to the base", "DC722 warning 2:5 cd ends with its RUN: the next begins where this one did"}},
		"sudo and apt":    {"RUN sudo apt update && sudo apt -y install a=1 && apt-get upgrade -y", []string{"DC723 info 1:5 sudo in a build, which runs as root unless USER says otherwise", "DC724 info 1:10 apt is for terminals, and says so in each build", "DC723 info 1:24 sudo in a build, which runs as root unless USER says otherwise", "DC724 info 1:29 apt is for terminals, and says so in each build", "DC726 info 1:59 apt-get upgrade: what it brings differs with each build, and the base's files are in the image twice"}},
		"maintainer":      {"MAINTAINER me", []string{"DC725 info 1:1 MAINTAINER is deprecated"}},
		"caches":          {"RUN pip install a==1\nRUN conda install -y a=1 && conda clean -afy\nRUN apk add a=1 b=2\nRUN --mount=type=cache,target=/root/.cache yum install -y a-1", []string{"DC720 info 1:9 pip install leaves its cache in the layer", "DC720 info 3:9 apk install leaves its cache in the layer"}},
		"no pip cache":    {"ENV PIP_NO_CACHE_DIR=1\nRUN pip install a==1", nil},
		"go, healthcheck": {"RUN go install a.b/c@latest a.b/d@v1\nHEALTHCHECK NONE\nHEALTHCHECK CMD true\nRUN zypper dup -y", []string{"DC721 warning 2:1 3:1 HEALTHCHECK is stated twice, and only the last counts", "DC726 info 4:12 zypper dup: what it brings differs with each build, and the base's files are in the image twice", "DC707 warning 1:16 go install without a version: a.b/c@latest"}},
		"windows":         {"RUN true\r\nRUN pip install \\\r\n  numpy\r\n", []string{"DC707 warning 3:3 pip install without a version: numpy"}},
		"env of itself":   {"ARG V\nENV A=1 B=$A C=${V:-x} D=\"$E/a\" PATH=/x:$PATH\nENV A=2 F=$A G=$SPARK_HOME SPARK_HOME=1", []string{"DC729 warning 2:9 ENV B uses A, which the same ENV sets: it gets the value from before"}},
		"high number":     {"RUN useradd -m -u 1234567 me && useradd -lu 1234567 b && useradd --uid=1000 c && sudo useradd --uid 2000000 d", []string{"DC730 warning 1:5 useradd with the number 1234567 and without -l: its log of logins, sparse on a disk, fills the layer", "DC723 info 1:82 sudo in a build, which runs as root unless USER says otherwise", "DC730 warning 1:87 useradd with the number 2000000 and without -l: its log of logins, sparse on a disk, fills the layer"}},
		"pipes":           {"RUN curl -s https://x/a | sh && ls | wc\nRUN set -o pipefail && wget -O- https://x | tar x\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN curl https://x | sh\nSHELL [\"/bin/sh\", \"-c\"]\nRUN true && wget -qO- https://x |& sh", []string{"DC731 info 1:5 curl before a pipe: when the download fails, the build goes on", "DC731 info 6:13 wget before a pipe: when the download fails, the build goes on"}},
		"yarn cache":      {"RUN yarn install\nRUN yarn add a@1 && yarn cache clean\nRUN yarn build", []string{"DC720 info 1:10 yarn install leaves its cache in the layer"}},
		"backtick":        {"# escape=`\nRUN pip install `\n  numpy\n", []string{"DC707 warning 3:3 pip install without a version: numpy"}},
	} {
		d := desired(map[string]map[string]any{"e": {"dockerfile": c.text, "variables.SPARK_HOME": "/opt/spark"}})
		got := told(d, Check(d))
		if !strings.Contains(name, "cache") { // most texts here leave one
			got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "DC720 ") })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n  %s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
	}
}

// TestStart is about tools and scripts.
func TestStart(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]any
		want   []string
	}{
		"tools": {map[string]any{"tools": map[string]any{
			"a": map[string]any{"start": []string{"/a"}, "httpProxy": map[string]any{"port": 8888}},
			"b": map[string]any{"start": []string{" "}, "httpProxy": map[string]any{"port": 8888}},
			"c": map[string]any{"title": "C"}}},
			[]string{"DC711 error 1:1 workspace tool b has no command that starts it", "DC712 info 1:1 1:1 workspace tools a and b listen on port 8888", "DC711 error 1:1 workspace tool c has no command that starts it"}},
		"script": {map[string]any{"scripts.preRun": "if true; then\n  echo\n"},
			[]string{"DC713 error 1:1 scripts.preRun is no shell script: `if` statement must end with `fi`"}},
		"python": {map[string]any{"scripts.preRun": "#!/usr/bin/python3\nprint('(\n"}, nil},
		"installs": {map[string]any{"scripts.postSetup": "set -e\nfor i in 1; do sudo pip install numpy; done\nR -e 'install.packages(\"x\")'\npip install -r requirements.txt\npip install -e .\n"},
			[]string{"DC715 warning 2:16 3:1 scripts.postSetup installs at each start (pip and R)"}},
		"secret": {map[string]any{"scripts.preRun": "export API_KEY='hunter2'\n", "variables.DB_PASSWORD": "hunter2", "variables.SAFE_PASSWORD": schema.Value{Is: schema.Secret, Text: "env:X"}},
			[]string{"DC710 warning 1:8 scripts.preRun API_KEY holds what looks like a secret (not shown)", "DC710 warning 1:1 variables DB_PASSWORD holds what looks like a secret (not shown)"}},
		"by its form": {map[string]any{"variables.DB": "postgres://app:hunter22@db/x", "variables.A": "AKIAABCDEFGHIJKLMNOP", "variables.OPEN": "https://db/x", "variables.SAFE": "postgres://app:$PW@db/x"},
			[]string{"DC710 warning 1:1 variables A holds what looks like a secret (not shown)", "DC710 warning 1:1 variables DB holds what looks like a secret (not shown)"}},
		"arguments": {map[string]any{"dockerArguments": []string{"--shm-size=2g", "--env=API_TOKEN=hunter22", "-e", "DB=redis://:hunter23@db"}},
			[]string{"DC710 warning 1:1 dockerArguments API_TOKEN holds what looks like a secret (not shown)", "DC710 warning 1:1 dockerArguments holds what looks like a secret (not shown)"}},
		"archived": {map[string]any{"archived": true, "dockerfile": "FROM x"}, nil},
	} {
		d := desired(map[string]map[string]any{"e": c.fields})
		if got := told(d, Check(d)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n  %s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
	}
}

// TestHouse is about several environments.
func TestHouse(t *testing.T) {
	to := func(kind, name string) schema.Value {
		return schema.RefTo(schema.Address{Kind: kind, Name: name}, "image")
	}
	many := func(n int) string { return strings.Repeat("RUN true\n", n) }
	gpu := func(driver, cache string) schema.Object {
		return schema.Object{Fields: map[string]schema.Value{"bake": schema.JSON(map[string]any{"gpu": map[string]any{"minDriver": driver}, "cache": map[string]any{"environments": map[string]any{cache: []any{"active"}}}})}}
	}
	amis := func(d schema.Desired, drivers ...string) schema.Desired {
		for i, v := range drivers {
			driver, cache, _ := strings.Cut(v, " ")
			d.Objects[schema.Address{Kind: "amis", Name: fmt.Sprint("gpu", i)}] = gpu(driver, cache)
		}
		d.Objects[schema.Address{Kind: "baseImages", Name: "b"}] = schema.Object{Fields: map[string]schema.Value{"image": schema.JSON("nvidia/cuda:12.4.1-runtime-ubuntu22.04")}}
		return d
	}
	for name, c := range map[string]struct {
		d    schema.Desired
		want []string
	}{
		"127 layers": {desired(map[string]map[string]any{"e": {"dockerfile": many(127) + "ENV A=b\n"}}), nil},
		"128 layers": {desired(map[string]map[string]any{"e": {"dockerfile": many(127) + "ENV A=b\nWORKDIR /x\n"}}),
			[]string{"DC704 error 129:1 the image has at least 128 layers, those of dockerfile, and those of its base image: there may be 127"}},
		"a chain": {desired(map[string]map[string]any{"a": {"dockerfile": many(100)}, "b": {"dockerfile": many(28), "base.environment": to("environments", "a")}}),
			[]string{"DC704 error 28:1 the image has at least 128 layers, those of dockerfile and 100 of the environments that it is built on, and those of its base image: there may be 127"}},
		"a cycle": {desired(map[string]map[string]any{"a": {"dockerfile": many(1), "base.environment": to("environments", "b")}, "b": {"base.environment": to("environments", "a")}}), nil},
		"shared": {desired(map[string]map[string]any{"a": {"dockerfile": "RUN wget -q x"}, "b": {"dockerfile": "RUN true\nRUN wget \\\n  -q x"}, "c": {"dockerfile": "RUN wget -q   x"}, "d": {"dockerfile": "RUN wget -q x", "base.uri": "other"}}),
			[]string{"DC716 info 1:1 2:1 1:1 3 environments on one base have the same instruction: a, b and c"}},
		"cuda that fits": {amis(desired(map[string]map[string]any{"e": {"base.image": to("baseImages", "b")}}), "535.104", "410"), nil},
		"cuda":           {amis(desired(map[string]map[string]any{"e": {"base.image": to("baseImages", "b")}}), "410"), []string{"DC717 warning 1:1 1:1 the base has CUDA 12.4, which needs an NVIDIA driver of at least 525; amis.gpu0 promises 410"}},
		"cuda where it is cached": {amis(desired(map[string]map[string]any{"e": {"base.image": to("baseImages", "b")}, "f": {"base.environment": to("environments", "e")}}), "535.104", "410 f"),
			[]string{"DC717 warning 1:1 1:1 the base has CUDA 12.4, which needs an NVIDIA driver of at least 525; amis.gpu1 promises 410"}},
	} {
		if got := told(c.d, Check(c.d)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n  %s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
	}
}

// TestMostFound: what nobody reads is not told.
func TestMostFound(t *testing.T) {
	d := desired(map[string]map[string]any{"e": {"dockerfile": strings.Repeat("ADD http://x/y z\n", 5000)}})
	if got := len(Check(d)); got != mostFound+1 { // and that of the layers
		t.Error(got)
	}
}

func TestCUDA(t *testing.T) {
	for image, want := range map[string]string{"nvidia/cuda:11.8.0-base": "11.8 450", "pytorch/pytorch:2.1.0-cuda12.1-cudnn8": "12.1 525", "x:py310-cu118": "11.8 450", "x:cuda9.0-u16": "9.0 384.81",
		"rocker/cuda:4.2": "4.2 ", "quay.io/domino/base:DED_py3.9": " ", "x/barracuda:1": " "} {
		version, driver := cudaOf(image)
		if got := version + " " + driver; got != want {
			t.Errorf("%s: %q", image, got)
		}
	}
}

// FuzzCheck: nothing fails, no message holds what was found secret, and each place is in
// its text.
func FuzzCheck(f *testing.F) {
	f.Add("RUN pip install a\nRUNN b\nENV A\nADD http://x y\nFROM z\nENV TOKEN=hunter2hunter2\nhunter2hunter2 x\n", "if\npip install")
	f.Add("RUN <<EOF <<-B cat\n\ta \\\nEOF\nB\nONBUILD RUN <<C\nC\n", "cat <<EOF\n$(pip install x)\nEOF\n")
	f.Add("# escape=`\n\ufeffRUN a `\r\n\r\n#\n b\nCMD [\"a\",\nRUN [\"pip\"]\nHEALTHCHECK --x NONE\nWORKDIR\nMAINTAINER\nENV\nARG\nADD\n", "\x00")
	f.Fuzz(func(t *testing.T, docker, text string) {
		d := desired(map[string]map[string]any{"e": {"dockerfile": docker, "scripts.preRun": text}})
		for _, found := range Check(d) {
			if strings.HasSuffix(found.Message, tooStrange) {
				t.Fatal(found.Message)
			}
			for _, p := range found.At {
				if n := len(d.Objects[p.Address].Fields[p.Path].Str()); p.Offset > n {
					t.Fatalf("%s at %d of %d", found.Code, p.Offset, n)
				}
			}
			for _, e := range found.Fix {
				if n := len(d.Objects[e.Address].Fields[e.Path].Str()); e.Offset < 0 || e.To < e.Offset || e.To > n {
					t.Fatalf("%s edits %d to %d of %d", found.Code, e.Offset, e.To, n)
				}
			}
			if strings.Contains(found.Message+found.Hint, "hunter2hunter2") && strings.Contains(docker, "TOKEN=hunter2hunter2\n") {
				t.Fatalf("%s: %s", found.Code, found.Message)
			}
		}
	})
}

// FuzzPlain: what is found is the same whether plain instructions are read or not.
func FuzzPlain(f *testing.F) {
	f.Add("RUN true\nRUN a && \\\nRUN b\n# c \\\nRUN \"a\" b\nRUN apt-get update\nRUN x\nRUN apt-get install a\n")
	f.Add("RUN mkdir -p /a\nRUN cd /a\nWORKDIR x\nRUN a && cd /b && c=d\nRUN a=b c\nRUN  x\nRUN x && \nRUN && y\nRUN TOKEN=hunter2 x\nCMD a\nRUN ./x/\nCMD b")
	f.Add("RUN [ a ]\nRUN -a b\nRUN --x y\nRUN a && --b\nRUN . x\nRUN ./pip install a\nRUN a \"b && sudo c\"\nRUN a/ && b // && c\nRUNN x\nENV A\nRUN time\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := desired(map[string]map[string]any{"a": {"dockerfile": text}, "b": {"dockerfile": text}, "c": {"dockerfile": text}})
		quick, whole := told(d, check(d, false)), told(d, check(d, true))
		if !slices.Equal(quick, whole) {
			t.Fatalf("%q:\n  %s\nread as a whole\n  %s", text, strings.Join(quick, "\n  "), strings.Join(whole, "\n  "))
		}
	})
}

// TestPlain: the shortcut is as good as reading all, on texts like those that people write.
func TestPlain(t *testing.T) {
	words := []string{"RUN", "RUN ", "ENV A=b", "a", "cd", "pip install x", "&&", " && ", "\\\n", "\n", "\n", " ", "\"", "#", "apt-get update", "sudo", "-y", "=", "x=y", "/", ".", "if", "then", "fi", "SHELL", "'", "$X", "WORKDIR x", "<<A", "install"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 25).Draw(t, "words"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
		d := desired(map[string]map[string]any{"e": {"dockerfile": text}})
		if quick, whole := told(d, check(d, false)), told(d, check(d, true)); !slices.Equal(quick, whole) {
			t.Fatalf("%q:\n  %s\nread as a whole\n  %s", text, strings.Join(quick, "\n  "), strings.Join(whole, "\n  "))
		}
	})
}
