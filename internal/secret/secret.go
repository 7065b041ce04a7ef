// Package secret resolves references to secrets at the moment they are needed.
// A value never leaves it but to the caller that writes it; errors name the
// reference only.
package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"domctl.dev/schema"
)

// Source resolves what follows one scheme ("ssm:/domino/token").
type Source func(ctx context.Context, name string) (string, error)

// Resolver resolves references by scheme.
type Resolver struct {
	// Dir is the folder that file references are relative to.
	Dir    string
	Getenv func(string) (string, bool)
	// Sources are further schemes: "ssm", "secretsManager".
	Sources map[string]Source
	// Known remembers what was resolved; nil: nobody asks.
	Known *Known
	// Short hears of a reference whose value is too short for Known to hide, each time
	// that it is resolved; nil: nobody does.
	Short func(ref string)
}

// Resolve answers the value a reference names, as a JSON string.
func (r Resolver) Resolve(ctx context.Context, ref string) (schema.Value, error) {
	s, err := r.Text(ctx, ref)
	if err != nil {
		return schema.Value{}, err
	}
	return schema.JSON(s), nil
}

// Text is Resolve for callers that need the plain string.
func (r Resolver) Text(ctx context.Context, ref string) (string, error) {
	scheme, name, _ := strings.Cut(ref, ":")
	s, err := r.text(ctx, scheme, name)
	if err == nil {
		r.Known.Add(s)
	}
	if err == nil && r.Short != nil && short(s) {
		r.Short(ref)
	}
	return s, err
}

func (r Resolver) text(ctx context.Context, scheme, name string) (string, error) {
	switch scheme {
	case "env":
		if s, ok := r.Getenv(name); ok {
			return s, nil
		}
		return "", fmt.Errorf("secret env:%s: %s is not set in the shell, or the service, that domctl runs in", name, name)
	case "file":
		return r.file(name)
	}
	source, ok := r.Sources[scheme]
	if !ok {
		return "", fmt.Errorf("secret %s:%s: this version of domctl cannot read it; keep it in one of: env, file, %s", scheme, name, strings.Join(schema.Sorted(r.Sources), ", "))
	}
	id, key, keyed := name, "", false
	if scheme == "secretsManager" { // no name or ARN there holds a "#"
		id, key, keyed = strings.Cut(name, "#")
	}
	s, err := source(ctx, id)
	if err == nil && keyed {
		s, err = member(s, key)
	}
	if err != nil {
		return "", fmt.Errorf("secret %s:%s: %w", scheme, name, err)
	}
	return s, nil
}

// member is one key of a secret that is a JSON object: a string as it is, any
// other value as its JSON. Errors name the key only.
func member(text, key string) (string, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return "", fmt.Errorf("it is no JSON object, so it has no key %q; leave #%s out to use the whole", key, key)
	}
	v, ok := members[key]
	if !ok {
		return "", fmt.Errorf("its JSON object has no key %q", key)
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return string(v), nil
	}
	return s, nil
}

// maxFile is the most a secret's file holds, bytes.
const maxFile = 1 << 20

// file reads a file without its last line break. A pipe or a device could be read
// without end.
func (r Resolver) file(name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.Dir, filepath.FromSlash(name))
	}
	b, err := contents(name)
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

func contents(name string) ([]byte, error) {
	switch info, err := os.Stat(name); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file; keep the secret in one", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s holds more than %d MiB; name the file that holds the secret alone", name, maxFile>>20)
	}
	return b, err
}
