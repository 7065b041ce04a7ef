package compiler

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"strings"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// mutate makes a tree and changes it in one to three ways.
func mutate(r *rand.Rand) map[string]string {
	files := map[string]string{"cue.mod/module.cue": gen.Module}
	if r.IntN(3) == 0 {
		maps.Copy(files, gen.Deployment("prod", 10))
	} else {
		files["prod/all.cue"] = example
		if r.IntN(2) == 0 {
			files["shared.cue"] = inherited
		}
	}
	for range 1 + r.IntN(3) {
		names := schema.Sorted(files)[1:] // module.cue aside
		name := names[r.IntN(len(names))]
		if r.IntN(2) == 0 {
			files[name] = edit(r, files[name])
		} else {
			files[fmt.Sprintf("prod/more_%d.cue", r.IntN(9))] = "package domino\n\n" + statement(r)
		}
	}
	return files
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// edit replaces one thing in a file by another.
func edit(r *rand.Rand, text string) string {
	swaps := [][2]string{
		{`: [0-9][0-9.]*`, `: "three"`}, {`: [0-9][0-9.]*`, `: -1`}, {`: [0-9][0-9.]*`, `: 1_000`}, {`: [0-9][0-9.]*`, `: 0x10`},
		{`: [0-9][0-9.]*`, `: 1.50`}, {`: [0-9][0-9.]*`, `: 1e3`}, {`: [0-9][0-9.]*`, `: 2K`}, {`: [0-9][0-9.]*`, `: 1 + 1`},
		{`: [0-9][0-9.]*`, `: *3 | int`}, {`: [0-9][0-9.]*`, `: null`}, {`: [0-9][0-9.]*`, `: int`}, {`: [0-9][0-9.]*`, `: 007`},
		{`: "[^"\n]*"`, `: 3`}, {`: "[^"\n]*"`, `: null`}, {`: "[^"\n]*"`, `: "\(1+1)x"`}, {`: "[^"\n]*"`, `: 'bytes'`},
		{`: "[^"\n]*"`, `: "a" | *"b"`}, {`: "[^"\n]*"`, `: "café \u00e9 \"q\""`}, {`: "[^"\n]*"`, `: string`}, {`: "[^"\n]*"`, `: #"raw \n"#`},
		{`GiB`, ` GiB`}, {`GiB`, `GB`}, {`GiB`, `gigs`}, {`"90d"`, `"12w"`}, {`"1h"`, `"90m"`}, {`"1h"`, `1`},
		{`cores:`, `corez:`}, {`cores:`, `"cores":`}, {`cores:`, `cores?:`}, {`cores:`, `cores!:`}, {`name:`, `nam:`}, {`nodePool:`, `_nodePool:`},
		{`\{name:`, `{X=name:`}, {`hardwareTiers:`, `HT=hardwareTiers:`}, {`hardwareTiers:`, `hardwareTeirs:`}, {`environments:`, `"environments":`},
		{`gpu: count: 1`, `gpu: {count: 1} & {count: 1}`}, {`gpu: count: 1`, `gpu: {count: 1, count: 1}`}, {`gpu: count: 1`, `gpu: {count: 1}, gpu: {key: "nvidia.com/gpu"}`},
		{`tags: \[`, `tags: [...] & [`}, {`tags: \[`, `tags: ["z", `}, {`tags: \[`, `tags: [3, `}, {`\]`, `, ...]`}, {`\}\n`, "} @note(x)\n"},
		{`\}\n`, "}\n// a remark\n"}, {`visibility: "[a-z]*"`, `visibility: "everyone"`}, {`secret: env:`, `secret: file:`}, {`secret: env:`, `secret: enw:`},
		{`package domino`, "@extern(embed)\npackage domino"}, {`package domino`, "package domino\nimport \"strings\"\n_s: strings.ToUpper(\"x\")"},
		{`package domino`, "package domino\nimport \"domctl.dev/schema\"\nhardwareTiers: fromSchema: schema.#HardwareTier & {cores: 2}"},
		{`package domino`, "@if(never)\npackage domino"}, {`package domino`, "package other"}, {`,`, `;`}, {`\{`, `{{`}, {`:`, ``},
	}
	for range 20 {
		swap := swaps[r.IntN(len(swaps))]
		found := regexp.MustCompile(swap[0]).FindAllStringIndex(text, -1)
		if len(found) > 0 {
			at := found[r.IntN(len(found))]
			return text[:at[0]] + swap[1] + text[at[1]:]
		}
	}
	lines := strings.SplitAfter(text, "\n")
	i := r.IntN(len(lines))
	return strings.Join(append(lines[:i:i], lines[i+1:]...), "")
}

// statement is one more declaration.
func statement(r *rand.Rand) string {
	tier := pick(r, "gpu-small", "canary", "tier-0000", "fresh")
	env := pick(r, "spark", "env-00001", "fresh")
	return strings.NewReplacer("TIER", fmt.Sprintf("%q", tier), "ENV", fmt.Sprintf("%q", env)).Replace(pick(r,
		"hardwareTiers: TIER: cores: 3\n", "hardwareTiers: TIER: cores: 4\n", "hardwareTiers: TIER: isVisible: true\n",
		"hardwareTiers: TIER: {isVisible: true}\nhardwareTiers: TIER: {isGlobal: true}\n",
		"hardwareTiers: [string]: isVisible: true\n", "hardwareTiers: [=~\"^g\"]: cores: <100\n", "hardwareTiers: [=~\"^g\"]: cores: <1\n",
		"hardwareTiers: TIER: description: \"x\"\n", "hardwareTiers: TIER: null\n", "hardwareTiers: TIER: _\n",
		"hardwareTiers: [!=\"canary\"]: {tags: [\"x\"], region: \"here\"}\n", "hardwareTiers: [=~\"^t\"]: cores: 3\n", "hardwareTiers: [N=string]: isVisible: true\n",
		"hardwareTiers: {[string]: gpu: key: \"k\"}\nhardwareTiers: [string]: gpu: key: \"k\"\n", "hardwareTiers: [string]: {}\n", "hardwareTiers: [string]: corez: 1\n",
		"_shared: {cores: 2, coresLimit: 2}\nhardwareTiers: extra: _shared & {memory: \"2GiB\"}\n",
		"let n = 3\nhardwareTiers: extra: cores: n\n", "hardwareTiers: extra: hardwareTiers[TIER]\n",
		"for i in [1, 2] {hardwareTiers: \"made-\\(i)\": cores: i}\n", "if true {hardwareTiers: made: cores: 1}\n",
		"hardwareTiers: {for i in [1, 2] {\"made-\\(i)\": cores: i}}\n", "hardwareTiers: {a: cores: 1, b: cores: a.cores}\n",
		"hardwareTiers: a: cores: 1\nhardwareTiers: b: cores: hardwareTiers.a.cores\n", "hardwareTiers: a: {cores: 1, coresLimit: cores}\n",
		"hardwareTiers: a: {cores: coresLimit, coresLimit: cores}\n", "hardwareTiers: a: cores: missing\n",
		"environments: ENV: description: \"twice\"\n", "environments: ENV: variables: {A: \"1\", \"B\": \"2\"}\n", "environments: ENV: variables: \"9\": \"1\"\n",
		"environments: ENV: archived: false\nenvironments: ENV: archived: false\n", "environments: [N=string]: summary: N\n",
		"environments: ENV: dockerfile: \"\"\"\n\tRUN a\n\t  RUN b\n\n\t\"\"\"\n", "environments: ENV: tools: jupyter: {title: \"J\", httpProxy: port: 8888}\n",
		"environments: ENV: tools: jupyter: {title: \"J\", httpProxy: port: 88888}\n", "environments: ENV: tags: []\n", "environments: ENV: {}\n",
		"environments: {}\n", "environments: ENV: base: {image: null, environment: \"x\"}\n", "environments: ENV: supportedClusters: [\"spark\", \"storm\"]\n",
		"amis: extra: find: {owners: [\"self\"], name: \"x-*\", filters: state: \"available\"}\n", "amis: extra: pin: id: \"ami-01234567\"\n",
		"amis: extra: pin: {id: \"ami-01234567\", reason: \"r\"}\n", "amis: extra: pin: {id: \"ami-01234567\"}\namis: extra: pin: reason: \"r\"\n",
		"amis: extra: bake: {volume: size: \"100GiB\", scripts: [\"a\", \"b\"]}\n", "amis: extra: bake: {volume: size: 100}\n", "amis: extra: retain: age: \"1h30m\"\n",
		"nodePools: extra: {label: \"l\", groups: [{asg: \"z\"}], overhead: node: {cores: 0.5, memory: \"1GiB\"}}\n", "nodePools: extra: groups: [{asg: \"z\", size: 1}]\n",
		"nodePools: extra: groups: [for i in [1, 2] {asg: \"z-\\(i)\"}]\n", "settings: raw: \"x.y\": 3\n", "settings: raw: \"x.y\": [3]\n", "settings: maximumExecutionsPerUser: null\n",
		"deployment: windows: extra: {days: [\"sun\"], from: \"01:00\", to: \"02:00\", timezone: \"UTC\"}\n", "deployment: findings: DC103: \"off\"\n", "deployment: findings: DC103: \"loud\"\n",
		"stray: 3\n", "_hidden: 3\n", "#Def: {x: int}\n", "[string]: _\n", "{hardwareTiers: embedded: cores: 1}\n", "hardwareTiers: embedded: {cores: 1, {coresLimit: 1}}\n",
		"resolved: baseImages: ded: {image: \"quay.io/domino/base:DED_py3.9_R4.2\", digests: \"linux/amd64\": \"sha256:"+strings.Repeat("a", 64)+"\"}\n",
	))
}
