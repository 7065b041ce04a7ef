package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"domctl.dev/compiler"
)

// Locate says why a folder is no deployment, and which one may be meant.
func Locate(dir string) error {
	fi, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return shut(dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s; %sdomctl init %[1]s makes a deployment", dir, meant(few(siblings(dir))))
	case err != nil:
		return fmt.Errorf("deployment: %w", err)
	case !fi.IsDir():
		return fmt.Errorf("%s is a file; name the deployment's folder: %s", dir, filepath.Dir(dir))
	}
	switch _, err := compiler.Find(dir); {
	case errors.Is(err, compiler.ErrNoModule):
		return fmt.Errorf("%s is no deployment: there is no cue.mod in it or above; %sdomctl init %[1]s makes one", dir, meant(few(deploymentsBelow(dir))))
	case errors.Is(err, fs.ErrPermission):
		return shut(dir)
	case err != nil:
		return err
	}
	switch _, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrPermission):
		return shut(dir)
	case err != nil:
		return fmt.Errorf("deployment: %w", err)
	}
	if is, below := isDeployment(dir); !is && len(below) > 0 {
		return fmt.Errorf("%s is no deployment, it holds some: %s", dir, strings.Join(below, ", "))
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.cue")); len(files) == 0 {
		return fmt.Errorf("%s is no deployment: it holds no .cue files; domctl init %[1]s makes it one", dir)
	}
	return nil
}

func shut(dir string) error {
	return fmt.Errorf("%s may not be entered: permission denied; check its owner and mode", dir)
}

func meant(dirs []string) string {
	if len(dirs) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(dirs, " or ") + "? "
}

// isDeployment says whether a folder is a deployment and, if it is none, which
// folders below are: by the signs of one, else by what the files of its module state.
func isDeployment(dir string) (is bool, below []string) {
	if signed(dir) {
		return true, nil
	}
	for _, d := range compiler.Deployments(dir) {
		switch {
		case d == ".":
			return true, nil
		case filepath.IsLocal(d):
			below = append(below, filepath.Join(dir, d))
		}
	}
	below = append(below, deploymentsBelow(dir)...)
	slices.Sort(below)
	below = slices.Compact(below)
	return false, few(below)
}

// signed goes by the files that init puts into each deployment, or by a sandbox.
func signed(dir string) bool {
	for _, sign := range []string{"kinds.cue", "deployment.cue", ".domctl"} {
		if _, err := os.Stat(filepath.Join(dir, sign)); err == nil {
			return true
		}
	}
	return false
}

// deploymentsBelow looks two folders deep.
func deploymentsBelow(dir string) (found []string) {
	for _, pattern := range []string{"*", "*/*"} {
		dirs, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, d := range dirs {
			if !strings.HasPrefix(filepath.Base(d), ".") && signed(d) {
				found = append(found, d)
			}
		}
	}
	slices.Sort(found)
	return found
}

// few are as many folders as a message names.
func few(dirs []string) []string { return dirs[:min(len(dirs), 5)] }

// siblings are deployments beside a folder that is not there, with a name like
// its own.
func siblings(dir string) (found []string) {
	for _, d := range deploymentsBelow(filepath.Dir(dir)) {
		if filepath.Dir(d) == filepath.Dir(dir) && levenshtein.ComputeDistance(filepath.Base(dir), filepath.Base(d)) <= 2 {
			found = append(found, d)
		}
	}
	return found
}
