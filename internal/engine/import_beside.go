package engine

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// besideNames are the texts that an import puts into files of their own, by path.
var besideNames = map[string]string{"dockerfile": "Dockerfile", "scripts.preSetup": "pre-setup.sh", "scripts.postSetup": "post-setup.sh", "scripts.preRun": "pre-run.sh", "scripts.postRun": "post-run.sh"}

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
			text := objects[a].Fields[p].Str()
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
	if room == "" {
		room = "environment"
	}
	own := room
	for n := 2; taken[strings.ToLower(own)]; n++ {
		own = fmt.Sprintf("%s-%d", room, n)
	}
	taken[strings.ToLower(own)] = true
	return own
}
