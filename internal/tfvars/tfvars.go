// Package tfvars changes values in the files that Terraform reads variables from,
// *.tfvars and *.tfvars.json, and leaves every other byte as it is: comments, order,
// alignment. It refuses what it does not understand whole, and a variable that holds
// anything but plain text, a number or null.
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

// Value of a variable: text or a whole number, as JSON writes it.
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
	read, write, add := readHCL, writeHCL, addHCL
	if strings.HasSuffix(file, ".json") {
		read, write, add = readJSON, writeJSON, addJSON
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
		if !s.plain {
			return nil, fmt.Errorf("line %d: variable %s holds no plain text and no number", 1+bytes.Count(text[:s.from], []byte("\n")), s.name)
		}
		out = append(append(out, text[last:s.from]...), write(v)...)
		last = s.to
	}
	out = append(out, text[last:]...)
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if out, err = add(out, name, write(missing[name])); err != nil {
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
