package form

import (
	"fmt"

	"domctl.dev/schema"
)

func (e *environmentReader) toolsByName(plain any, path []string) {
	e.reader.tools(plain, path)
	if tools, ok := plain.(map[string]any); ok && len(tools) > 0 {
		e.state("tools", schema.JSON(tools), path)
	}
}

// toolsListed are the API's: a list of the public one, a text of the other.
func (e *environmentReader) toolsListed(plain any, path []string) {
	if text, ok := plain.(string); ok {
		tools, _, faults := Tools(text)
		for _, f := range faults {
			line, _ := Place(text, f.Offset)
			e.fault(e.place(path), "workspaceTools: %s (line %d of it)", f.Why, line)
		}
		if len(tools) > 0 {
			e.state("tools", schema.JSON(tools), path)
		}
		return
	}
	if e.wrong(plain, "list", path) {
		return
	}
	tools := map[string]any{}
	for i, p := range plain.([]any) {
		at := append(path[:len(path):len(path)], fmt.Sprint(i))
		if name, tool := e.tool(p, at); name != "" {
			if _, twice := tools[name]; twice {
				e.fault(e.place(at), "two tools are called %s", schema.JoinPath(name))
			}
			tools[name] = tool
		}
	}
	for _, f := range schema.ToolFaults(tools) {
		e.fault(e.place(path), "workspaceTools: %s", f)
	}
	if len(tools) > 0 {
		e.state("tools", schema.JSON(tools), path)
	}
}

// tool turns the public API's words into those of the form. Empty ones say nothing.
func (e *environmentReader) tool(plain any, path []string) (name string, tool map[string]any) {
	fields, ok := plain.(map[string]any)
	if name, _ = fields["name"].(string); !ok || name == "" {
		e.fault(e.place(path), "a workspace tool has no name")
		return "", nil
	}
	words := map[string]string{"title": "title", "iconUrl": "iconUrl", "startScripts": "start", "supportedFileExtensions": "supportedFileExtensions", "proxyConfig": "httpProxy"}
	tool = map[string]any{}
	for _, key := range schema.Sorted(fields) {
		word, known := words[key]
		switch list, isList := fields[key].([]any); {
		case key == "name", fields[key] == nil, fields[key] == "", isList && len(list) == 0:
		case !known:
			e.fault(e.place(append(path[:len(path):len(path)], key)), "%s is no field of a workspace tool%s", schema.JoinPath(key), nearest(key, append(schema.Sorted(words), "name")))
		default:
			tool[word] = fields[key]
		}
	}
	if proxy, ok := tool["httpProxy"].(map[string]any); ok {
		for _, key := range schema.Sorted(proxy) {
			if proxy[key] == nil || proxy[key] == "" {
				delete(proxy, key)
			}
		}
	}
	return name, tool
}
