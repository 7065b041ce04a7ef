package lint

import (
	"regexp"
	"slices"
	"strings"
)

// install is a call that installs packages.
type install struct {
	call
	tool     string // "pip", "conda", "apt-get" …: one name for all that do the same
	verb     word   // "install"
	packages []word // by name or address; not those that a file lists
	listed   bool   // a file lists or limits them
}

// A tool that installs: the verb that does, and the flags that take a value.
type installer struct {
	tool   string
	verbs  []string
	values []string
	lists  []string // flags that name a file of packages
}

var installers = map[string]installer{
	"pip":        {"pip", []string{"install"}, []string{"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "-t", "--target", "--prefix", "--root", "--platform", "--python-version", "--timeout", "--cache-dir", "--proxy", "--cert", "--retries", "--no-binary", "--only-binary", "--progress-bar", "--upgrade-strategy", "--global-option", "--config-settings", "--src", "--log"}, []string{"-r", "--requirement", "-c", "--constraint"}},
	"conda":      {"conda", []string{"install"}, []string{"-c", "--channel", "-n", "--name", "-p", "--prefix", "--solver"}, []string{"--file", "-f"}},
	"apt-get":    {"apt-get", []string{"install"}, []string{"-o", "--option", "-t", "--target-release", "-c", "--config-file"}, nil},
	"apk":        {"apk", []string{"add"}, []string{"-X", "--repository", "-t", "--virtual", "-p", "--root"}, nil},
	"yum":        {"yum", []string{"install", "localinstall"}, []string{"-c", "--config"}, nil},
	"zypper":     {"zypper", []string{"install", "in"}, []string{"-r", "--repo", "-t", "--type"}, nil},
	"npm":        {"npm", []string{"install", "i", "add"}, []string{"--prefix", "--registry", "--cache"}, nil},
	"yarn":       {"yarn", []string{"install", "add"}, []string{"--cwd", "--registry", "--cache-folder", "--modules-folder"}, nil},
	"go":         {"go", []string{"install"}, []string{"-C", "-tags", "-ldflags"}, nil},
	"gem":        {"gem", []string{"install"}, []string{"-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P"}, nil},
	"micromamba": {"conda", []string{"install"}, []string{"-c", "--channel", "-n", "--name", "-p", "--prefix", "-r", "--root-prefix"}, []string{"--file", "-f"}},
}

var (
	pip    = regexp.MustCompile(`^pip[0-9.]*$`)
	python = regexp.MustCompile(`^python[0-9.]*$`)
	cran   = regexp.MustCompile(`\b(install\.packages|install_github|install_version|BiocManager::install|pak::pkg_install)\s*\(`)
)

// installerOf finds what a call's name means; words are those after it.
func installerOf(c call) (i installer, words []word, ok bool) {
	name, words := c.name(), c.words[1:]
	switch {
	case pip.MatchString(name):
		name = "pip"
	case python.MatchString(name) && len(words) > 2 && words[0].text == "-m" && words[1].text == "pip":
		name, words = "pip", words[2:]
	case name == "uv" && len(words) > 1 && words[0].text == "pip":
		name, words = "pip", words[1:]
	case name == "mamba":
		name = "conda"
	case name == "apt" || name == "aptitude":
		name = "apt-get"
	case name == "dnf" || name == "microdnf":
		name = "yum"
	}
	i, ok = installers[name]
	return i, words, ok
}

// readInstall reads a call that installs something.
func readInstall(c call) (out install, ok bool) {
	c = c.started()
	if name := c.name(); name == "R" || name == "Rscript" {
		for _, w := range c.words[1:] {
			if cran.MatchString(w.text) {
				return install{call: c, tool: "R", verb: w}, true
			}
		}
	}
	i, words, ok := installerOf(c)
	if !ok {
		return out, false
	}
	out = install{call: c, tool: i.tool}
	for n := 0; n < len(words); n++ {
		switch w := words[n]; {
		case slices.Contains(i.lists, w.text):
			out.listed = true
			n++
		case slices.Contains(i.values, w.text):
			n++
		case strings.HasPrefix(w.text, "-"):
			flag, _, _ := strings.Cut(w.text, "=")
			out.listed = out.listed || slices.Contains(i.lists, flag)
			if (flag == "-e" || flag == "--editable") && n+1 < len(words) {
				n++
			}
		case out.verb.text == "":
			if !slices.Contains(i.verbs, w.text) {
				return out, false
			}
			out.verb = w
		default:
			out.packages = append(out.packages, w)
		}
	}
	return out, out.verb.text != ""
}

// bootstraps says that a call only brings the installer itself up to date.
func (i install) bootstraps() bool {
	return i.tool == "pip" && len(i.packages) > 0 && !slices.ContainsFunc(i.packages, func(w word) bool {
		return !slices.Contains([]string{"pip", "setuptools", "wheel", "uv"}, pipName(w.text))
	})
}

func pipName(spec string) string {
	if at := strings.IndexAny(spec, "=<>!~[;@ "); at >= 0 {
		spec = spec[:at]
	}
	return strings.ToLower(spec)
}

// shown is a package without its address or version, which may hold a password.
func shown(spec string) string {
	if strings.Contains(spec, "://") {
		_, rest, _ := strings.Cut(spec, "://")
		if at := strings.LastIndex(rest, "@"); at >= 0 && strings.Contains(rest[at:], "/") {
			rest = rest[at+1:]
		}
		rest, _, _ = strings.Cut(rest, "?")
		return rest
	}
	return spec
}

// unpinned are the packages whose version is whatever there is on the day of the build.
func (i install) unpinned() (loose []word) {
	if i.tool == "pip" && i.listed && i.limits() {
		return nil
	}
	if i.tool == "gem" && i.has("-v", "--version") {
		return nil
	}
	for _, w := range i.packages {
		if w.whole && w.text != "" && !pinned(i.tool, w.text) {
			loose = append(loose, w)
		}
	}
	return loose
}

// limits says that a file of constraints states the versions.
func (i install) limits() bool {
	return slices.ContainsFunc(i.words, func(w word) bool { return w.text == "-c" || strings.HasPrefix(w.text, "--constraint") })
}

var versioned = regexp.MustCompile(`-\d`)

func pinned(tool, spec string) bool {
	switch tool {
	case "pip":
		if repository, ok := strings.CutPrefix(spec, "git+"); ok || strings.HasPrefix(spec, "hg+") {
			_, rest, _ := strings.Cut(repository, "://")
			_, rest, _ = strings.Cut(rest, "/")
			return strings.Contains(rest, "@")
		}
		return strings.Contains(spec, "==") || strings.Contains(spec, "~=") || strings.Contains(spec, "<") || strings.ContainsAny(spec, "/@") ||
			strings.HasSuffix(spec, ".whl") || spec == "."
	case "conda":
		return strings.ContainsAny(spec, "=<") || strings.HasSuffix(spec, ".conda") || strings.HasSuffix(spec, ".bz2")
	case "apt-get":
		return strings.ContainsAny(spec, "=/") || strings.HasSuffix(spec, ".deb") || strings.HasSuffix(spec, "-")
	case "apk":
		return strings.ContainsAny(spec, "=~<") || strings.HasSuffix(spec, ".apk")
	case "yum", "zypper":
		return versioned.MatchString(spec) || strings.ContainsAny(spec, "=/<@*") || strings.HasSuffix(spec, ".rpm")
	case "npm":
		at := strings.LastIndex(spec, "@")
		return at > 0 && spec[at:] != "@latest" || strings.HasPrefix(spec, ".") || strings.HasSuffix(spec, ".tgz") || strings.Contains(spec, ":")
	case "go":
		return !strings.HasSuffix(spec, "@latest") && strings.Contains(spec, "@") || strings.HasPrefix(spec, ".")
	case "gem":
		return strings.ContainsAny(spec, ":") || strings.HasSuffix(spec, ".gem")
	}
	return true
}

// fetches says that a call brings something from elsewhere, which takes its time.
func (c call) fetches() bool {
	c = c.started()
	switch c.name() {
	case "curl", "wget", "make", "cargo":
		return true
	case "git":
		return c.has("clone")
	}
	_, ok := readInstall(c)
	return ok
}
