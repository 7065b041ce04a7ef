package lint

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hadolint are the rules of its release 2.15.1, by the modules that its Process.hs names.
// A newer release is compared by hand: https://github.com/hadolint/hadolint#rules.
const hadolint = `DL1001 DL3000 DL3001 DL3002 DL3003 DL3004 DL3006 DL3007 DL3008 DL3009 DL3010 DL3011 DL3012 DL3013 DL3014 DL3015 DL3016
DL3018 DL3019 DL3020 DL3021 DL3022 DL3023 DL3024 DL3025 DL3026 DL3027 DL3028 DL3029 DL3030 DL3032 DL3033 DL3034 DL3035
DL3036 DL3037 DL3038 DL3040 DL3041 DL3042 DL3043 DL3044 DL3045 DL3046 DL3047 DL3048 DL3049 DL3050 DL3051 DL3052 DL3053
DL3054 DL3055 DL3056 DL3057 DL3058 DL3059 DL3060 DL3061 DL3062 DL3063 DL3064 DL3065 DL3066 DL3067 DL4000 DL4001 DL4003
DL4004 DL4005 DL4006`

// TestHadolint holds the second table of docs/dockerfile-lint.md: each rule of Hadolint
// stands once, with a code or with why not; and what a rule is about, the code finds.
func TestHadolint(t *testing.T) {
	page, err := os.ReadFile("../../docs/dockerfile-lint.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Beside Hadolint")
	about := map[string]string{
		"DL3000": "WORKDIR a", "DL3003": "RUN cd /a", "DL3004": "RUN sudo ls", "DL3008": "RUN apt-get install -y a",
		"DL3009": "RUN apt-get update && apt-get install -y a=1", "DL3012": "HEALTHCHECK CMD a\nHEALTHCHECK CMD b",
		"DL3013": "RUN pip install a", "DL3014": "RUN apt-get install a=1", "DL3016": "RUN npm install -g a",
		"DL3018": "RUN apk add a", "DL3019": "RUN apk add a=1", "DL3020": "ADD https://a/b /c", "DL3021": "COPY --form=a b c",
		"DL3027": "RUN apt install -y a=1", "DL3028": "RUN gem install a", "DL3029": "FROM --platform=linux/amd64 a",
		"DL3030": "RUN yum install a-1", "DL3032": "RUN yum install -y a-1", "DL3033": "RUN yum install -y a",
		"DL3034": "RUN zypper install a=1", "DL3035": "RUN zypper dist-upgrade", "DL3036": "RUN zypper install -y a=1",
		"DL3037": "RUN zypper install -y a", "DL3038": "RUN dnf install a-1", "DL3040": "RUN dnf install -y a-1",
		"DL3041": "RUN dnf install -y a", "DL3042": "RUN pip install a==1", "DL3043": "ONBUILD FROM a",
		"DL3044": "ENV A=1 B=$A", "DL3045": "WORKDIR a", "DL3046": "RUN useradd -u 123456 a",
		"DL3059": "RUN pip install a==1\nRUN pip install b==1", "DL3060": "RUN yarn install", "DL3061": "RUN a\nFROM b",
		"DL3062": "RUN go install a@latest", "DL3064": "ENV API_TOKEN=abcdef\nARG DB_PASSWORD=hunter22", "DL3065": "FROM --platform=$TARGETPLATFORM a",
		"DL4000": "MAINTAINER a", "DL4003": "CMD a\nCMD b", "DL4004": "ENTRYPOINT a\nENTRYPOINT b", "DL4006": "RUN curl a | sh",
	}
	var seen []string
	for _, r := range regexp.MustCompile(`(?m)^\| (DL\d{4}) \| *([^| ]*) *\|([^|]*)\|$`).FindAllStringSubmatch(table, -1) {
		rule, code, why := r[1], r[2], strings.TrimSpace(r[3])
		seen = append(seen, rule)
		if code == "" && why == "" {
			t.Errorf("%s: the page says nothing", rule)
		}
		if code == "" || code == "DC110" { // which the schema finds, in base
			continue
		}
		d := desired(map[string]map[string]any{"e": {"dockerfile": about[rule]}})
		if !slices.ContainsFunc(Check(d), func(f Found) bool { return f.Code == code }) {
			t.Errorf("%s: %q holds no %s", rule, about[rule], code)
		}
	}
	if want := strings.Fields(hadolint); !slices.Equal(seen, want) {
		t.Errorf("the page has %d rules, Hadolint %d:\n%v\n%v", len(seen), len(want), seen, want)
	}
}
