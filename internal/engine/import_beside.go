package engine

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"domctl.dev/compiler"
	"domctl.dev/internal/form"
	"domctl.dev/schema"
)

// besideNames are the texts that an import puts into files of their own, by path.
var besideNames = map[string]string{"dockerfile": "Dockerfile", "scripts.preSetup": "pre-setup.sh", "scripts.postSetup": "post-setup.sh", "scripts.preRun": "pre-run.sh", "scripts.postRun": "post-run.sh", "tools": "tools.yaml"}

// fewLines is how many lines of a text stand in the CUE itself.
const fewLines = 3

// beside puts the longer texts of objects into files of a folder: what to write, by path
// relative to the deployment, and where each text is then.
func beside(objects map[schema.Address]schema.Object, folder string) (files map[string][]byte, at compiler.Beside) {
	files, at = map[string][]byte{}, compiler.Beside{}
	if folder == "" {
		return nil, nil
	}
	rooms := map[string]bool{}
	for _, a := range schema.Addresses(objects) {
		room := ""
		for _, p := range schema.Sorted(besideNames) {
			text := textOf(objects[a].Fields[p])
			if !ownFile(text) {
				continue
			}
			if room == "" {
				room = path.Join(folder, roomOf(a.Name, rooms))
				at[a] = map[string]string{}
			}
			at[a][p] = path.Join(room, besideNames[p])
			files[at[a][p]] = []byte(text)
		}
	}
	return files, at
}

// textOf is a text, or YAML of workspace tools, if that reads as the same; "" where it
// does not.
func textOf(v schema.Value) string {
	if v.Is != schema.Known || !strings.HasPrefix(v.Text, "{") {
		return v.Str()
	}
	text, err := form.WriteTools(v)
	if tools, _, faults := form.Tools(text); err == nil && len(faults) == 0 && schema.JSON(tools) == v {
		return text
	}
	return ""
}

// ownFile says that a text is long, and reads from a file as it is.
func ownFile(text string) bool {
	return strings.Count(strings.TrimSuffix(text, "\n"), "\n") >= fewLines && utf8.ValidString(text) && !strings.ContainsAny(text, "\r\x00\ufeff")
}

// roomOf is a folder's name for an object that no other one has, on disks that do not
// tell small letters from capitals too.
func roomOf(name string, taken map[string]bool) string {
	room := strings.Trim(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", r) {
			return r
		}
		return '-'
	}, name), "-_.")
	if room = strings.TrimRight(room[:min(len(room), 100)], "-_."); room == "" {
		room = "environment"
	}
	own := room
	for n := 2; taken[strings.ToLower(own)]; n++ {
		own = fmt.Sprintf("%s-%d", room, n)
	}
	taken[strings.ToLower(own)] = true
	return own
}
