package form

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// template has every key of the files that domino-environment-automation reads.
const template = `name: "test_env"
description: "This is a test environment"
image: quay.io/domino/domino-standard-environment:ubuntu22-py3.10
supportedClusters: ["Spark", "mpi"]
visibility: "Global"
addBaseDependencies: true
isCurated: false
isRestricted: true
skipFirstBuild: true
tags: []
dockerfileInstructions: |
    USER root
    RUN pip install fastapi
pluggableWorkspaceTools:
    jupyter:
        title: "Jupyter (Python, R, Julia)"
        start: [ "/opt/domino/workspaces/jupyter/start" ]
        httpProxy:
            port: 8888
preRunScript: |
    echo hello
postRunScript: echo bye
environmentVariables:
    - key: ENV1
      value: FOO
    - key: ENV2
      value: bar
preSetupScript:
postSetupScript: ""
shouldUseVpn: false
summary: ""
skipCache: true
`

// body is one of the public API, as JSON.
const body = `{
  "name": "AZ-API-Test2", "description": "x", "visibility": "global", "orgOwnerId": "", "archived": false, "addBaseDependencies": true,
  "dockerfileInstructions": "RUN pip install pymongo --user", "image": "quay.io/x:1", "skipCache": true, "tags": ["AZ-APi"],
  "environmentVariables": [{"key": "USERNAME", "value": "me"}], "useVpn": true, "supportedClusters": [],
  "workspaceTools": [{"iconUrl": "", "name": "Jupyter", "title": "Jupyter", "startScripts": ["/start"], "supportedFileExtensions": [],
    "proxyConfig": {"internalPath": "/", "port": 8888, "requireSubdomain": false, "rewrite": false}}]
}`

func TestReadEnvironment(t *testing.T) {
	for name, c := range map[string]struct{ text, fields, left string }{
		"template": {template, `base.uri="quay.io/domino/domino-standard-environment:ubuntu22-py3.10"
description="This is a test environment"
dockerfile="USER root\nRUN pip install fastapi\n"
name="test_env"
restricted=true
scripts.postRun="echo bye"
scripts.preRun="echo hello\n"
supportedClusters=["mpi","spark"]
tools={"jupyter":{"httpProxy":{"port":8888},"start":["/opt/domino/workspaces/jupyter/start"],"title":"Jupyter (Python, R, Julia)"}}
variables.ENV1="FOO"
variables.ENV2="bar"
visibility="global"`, "6:1: addBaseDependencies|32:1: skipCache|9:1: skipFirstBuild"},
		"public": {body, `base.uri="quay.io/x:1"
description="x"
dockerfile="RUN pip install pymongo --user"
name="AZ-API-Test2"
tools={"Jupyter":{"httpProxy":{"internalPath":"/","port":8888,"requireSubdomain":false,"rewrite":false},"start":["/start"],"title":"Jupyter"}}
variables.USERNAME="me"
visibility="global"
vpn=true`, "2:108: addBaseDependencies|3:87: skipCache|3:106: tags"},
		"v4": {`{"newEnvironment": {"name": "e", "description": "", "visibility": "Private", "ownerId": "65f100000000000000000001", "isCurated": false, "skipFirstBuild": false, "addBaseDependencies": false},
			"newEnvironmentRevision": {"baseRevision": {"followActiveRevisionOf": "65f100000000000000000001"}, "environmentVariables": {"A": "b"}, "dockerArguments": ["--x"], "shouldUseVpn": false, "skipCache": false, "supportedClusters": ["Ray"], "workspaceTools": "a: {start: [x]}"}}`,
			`dockerArguments=["--x"]
name="e"
supportedClusters=["ray"]
tools={"a":{"start":["x"]}}
variables.A="b"
visibility="private"`, "1:78: ownerId|2:48: followActiveRevisionOf"},
	} {
		e, faults := ReadEnvironment(c.text)
		if len(faults) > 0 {
			t.Errorf("%s: %v", name, told(c.text, faults))
		}
		var got, left []string
		for _, p := range schema.Sorted(e.Fields) {
			got = append(got, p+"="+e.Fields[p].Text)
		}
		for _, l := range told(c.text, e.Left) {
			left = append(left, strings.Split(l, " is left out")[0])
		}
		if strings.Join(got, "\n") != c.fields || strings.Join(left, "|") != c.left {
			t.Errorf("%s:\n%s\n%s", name, strings.Join(got, "\n"), strings.Join(left, "|"))
		}
	}
}

func TestEnvironmentFaults(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\ndockerfile: RUN true":       `2:1: dockerfile is not known of an environment; did you mean "dockerfileInstructions"?`,
		"image: x":                            "1:1: states no name, so that nobody knows which environment it is",
		"":                                    "1:1: is no environment: want name, image, dockerfileInstructions, …",
		"[]":                                  "1:1: is no environment: want name, image, dockerfileInstructions, …",
		"name: 1":                             "1:1: name is no text; write it in quotes",
		"name: x\nvisibility: all":            "2:1: visibility is none of Global, Organization and Private",
		"name: x\nsupportedClusters: [Flink]": "2:21: a cluster is none of Spark, Ray, Dask and MPI",
		"name: x\nenvironmentVariables: [{key: A}]":                                "2:24: a variable is no {key: …, value: …}",
		"name: x\nenvironmentVariables: [{key: A, value: 1}, {key: 1b, value: x}]": `2:33: environmentVariables.0.value is no text; write it in quotes|2:54: the variable 1b has a name that Domino does not take`,
		"name: x\nenvironmentVariables: [{key: A, value: b}, {key: A, value: c}]":  "2:53: value says otherwise than another key of the same meaning",
		"name: x\nuseVpn: true\nshouldUseVpn: 'no'":                                "3:1: shouldUseVpn is neither true nor false",
		"name: x\npluggableWorkspaceTools: {a: {port: 1}}":                         "2:31: a.port is no field of a workspace tool; declared: httpProxy, iconUrl, start, supportedFileExtensions and title",
		"name: x\nworkspaceTools: [{name: a, start: [x]}]":                         `2:28: start is no field of a workspace tool; did you mean "startScripts"?`,
		"name: x\nduplicateFromEnvironmentId: '65f100000000000000000001'":          "2:1: duplicateFromEnvironmentId copies an environment: import that one",
		"newEnvironment: {newEnvironment: {name: x}}":                              "1:18: newEnvironment stands within another one",
		"name: x\nbaseRevision: {img: y}":                                          `2:16: img is not known of a base; did you mean "image"?`,
	} {
		_, faults := ReadEnvironment(text)
		if got := strings.Join(told(text, faults), "|"); got != want {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func FuzzReadEnvironment(f *testing.F) {
	for _, s := range []string{template, body, "name: x\nenvironmentVariables: {A: b}", "name: &a x\nimage: *a", "newEnvironmentRevision: {baseRevision: {image: x}, workspaceTools: 'a: {start: [x]}'}\nname: x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, faults := ReadEnvironment(text)
		for _, fault := range append(faults, e.Left...) {
			if fault.Offset < 0 || fault.Offset > len(text) || fault.Why == "" {
				t.Errorf("%+v", fault)
			}
		}
		kind, _ := schema.KindOf("environments")
		for p, v := range e.Fields {
			if _, known := kind.Field(p); !known || v.Is != schema.Known {
				t.Errorf("%s: %v", p, v)
			}
		}
		if len(faults) == 0 && e.Name == "" {
			t.Error("no name and no fault")
		}
	})
}
