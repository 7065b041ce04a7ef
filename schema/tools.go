package schema

import (
	"encoding/json"
	"fmt"
	"slices"
)

// ToolFault is what is wrong with workspace tools: where, as keys from the tool's name
// on, and why.
type ToolFault struct {
	Path []string
	Why  string
}

func (f ToolFault) String() string { return JoinPath(f.Path...) + " " + f.Why }

// ToolFaults compares workspace tools by name with the shape that Domino's form takes, as
// #Tool has it. plain is decoded JSON: map[string]any, []any, string, bool and numbers.
func ToolFaults(plain any) (faults []ToolFault) {
	tools, ok := plain.(map[string]any)
	if !ok {
		return []ToolFault{{nil, "are no tools by name"}}
	}
	for _, name := range Sorted(tools) {
		at := []string{name}
		if why := NameFault(name); why != "" {
			faults = append(faults, ToolFault{at, why})
			continue
		}
		faults = append(faults, partFaults(at, tools[name], map[string]string{"title": "text", "iconUrl": "text", "start": "texts", "supportedFileExtensions": "texts", "httpProxy": "proxy"})...)
	}
	return faults
}

// partFaults compares a struct with its members' types.
func partFaults(at []string, plain any, members map[string]string) (faults []ToolFault) {
	fields, ok := plain.(map[string]any)
	if !ok {
		return []ToolFault{{at, "has no fields"}}
	}
	for _, name := range Sorted(fields) {
		at := append(slices.Clip(at), name)
		want, known := members[name]
		switch {
		case !known:
			faults = append(faults, ToolFault{at, "is no field of a workspace tool; " + DidYouMean(name, Sorted(members))})
		case want == "proxy":
			faults = append(faults, partFaults(at, fields[name], map[string]string{"port": "port", "internalPath": "text", "rewrite": "truth", "requireSubdomain": "truth"})...)
		default:
			if why := typeFault(want, fields[name]); why != "" {
				faults = append(faults, ToolFault{at, why})
			}
		}
	}
	return faults
}

func typeFault(want string, plain any) string {
	switch want {
	case "text":
		if _, ok := plain.(string); !ok {
			return "is no text"
		}
	case "truth":
		if _, ok := plain.(bool); !ok {
			return "is neither true nor false"
		}
	case "texts":
		list, ok := plain.([]any)
		if !ok || slices.ContainsFunc(list, func(e any) bool { _, text := e.(string); return !text }) {
			return "is no list of texts"
		}
	case "port":
		_, text := plain.(string)
		if n, err := json.Number(fmt.Sprint(plain)).Int64(); text || err != nil || n <= 0 || n > 65535 {
			return "is no port: 1 to 65535"
		}
	}
	return ""
}

// toolsFault is ToolFaults for a field: the first.
func toolsFault(v Value) string {
	var plain any
	if err := json.Unmarshal([]byte(v.Text), &plain); err != nil {
		return "is no JSON"
	}
	for _, f := range ToolFaults(plain) {
		return "is not what the form takes: " + f.String()
	}
	return ""
}
