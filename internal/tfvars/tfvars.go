// Package tfvars changes values in the files that Terraform reads variables from,
// *.tfvars and *.tfvars.json, and leaves every other byte as it is: comments, order,
// alignment. It refuses what it does not understand whole, and a variable that holds
// anything but plain text, a number, null, or a map of such where keys of one are set.
//
// https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files
package tfvars

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Value of a variable: text or a whole number, as JSON writes it; or an object of texts, of
// which the keys are set that it has, and those that are null must not stand in the file.
type Value string

// IsName says whether Terraform takes a name for that of a variable.
func IsName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return name != ""
}

// Set is a file's text with other values of variables; those that it does not hold come
// last, by name. file tells by its name how the text is written.
func Set(file string, text []byte, values map[string]Value) ([]byte, error) {
	read, f, add := readHCL, form{writeHCL, " = ", true}, addHCL
	if strings.HasSuffix(file, ".json") {
		read, f, add = readJSON, form{writeJSON, ": ", false}, addJSON
	}
	found, err := read(text)
	if err != nil {
		return nil, err
	}
	out, last := []byte{}, 0
	missing := maps.Clone(values)
	for _, s := range found {
		v, is := values[s.name]
		if !is {
			continue
		}
		delete(missing, s.name)
		if v.isMap() {
			changed, err := f.change(s.name, text[s.from:s.to], v, bytes.Count(text[:s.from], []byte("\n")))
			if err != nil {
				return nil, err
			}
			out = append(append(out, text[last:s.from]...), changed...)
			last = s.to
			continue
		}
		if !s.plain {
			return nil, fmt.Errorf("line %d: variable %s holds no plain text and no number", 1+bytes.Count(text[:s.from], []byte("\n")), s.name)
		}
		out = append(append(out, text[last:s.from]...), f.write(v)...)
		last = s.to
	}
	out = append(out, text[last:]...)
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		value := f.write
		if missing[name].isMap() {
			value = f.all
		}
		if out, err = add(out, name, value(missing[name])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// span is where a variable's value stands.
type span struct {
	name     string
	from, to int
	plain    bool // text without templates, a number or null
}
