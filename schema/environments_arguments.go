package schema

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// arguments looks at what docker run gets: what takes a container's walls down, and what
// the environments that one is built on bring along.
func (c *checker) arguments(a Address, o Object) {
	privileged := false
	for i, arg := range o.Fields["dockerArguments"].Strings() {
		words := dockerWords(arg)
		for _, w := range words {
			name, value, stated := strings.Cut(w, "=")
			on, err := strconv.ParseBool(value)
			privileged = privileged || name == "--privileged" && (!stated || on || err != nil)
		}
		if why, hint := severalArguments(arg, words); why != "" {
			c.add("DC128", Error, a, o.Nearest("dockerArguments"), hint, "dockerArguments: entry %d holds %s; Domino takes it as one argument", i+1, why)
		}
	}
	if privileged {
		c.add("DC126", Warning, a, o.Nearest("dockerArguments"), "state the one thing that is needed: --cap-add=…, --device=…",
			"dockerArguments holds --privileged: whoever runs code in it is root on the node")
	}
	seen := map[Address]bool{a: true}
	for at := o; ; {
		base, _, ok := at.Fields["base.environment"].Target()
		if below, declared := c.Objects[base]; !ok || !declared || seen[base] {
			return
		} else if args := below.Fields["dockerArguments"].Strings(); len(args) > 0 {
			c.add("DC125", Info, a, slices.Concat(o.Positions("base.environment"), below.Positions("dockerArguments")), "",
				"inherits the docker arguments of %s: %s", base, clipped(strings.Join(args, " ")))
		}
		seen[base], at = true, c.Objects[base]
	}
}

// severalArguments says why an entry is more than one argument, and what to write, "" where
// it is one. A value may hold blanks, and -Xmx1g; what it may not is an option of docker's.
// Values are not shown: one may be a secret.
func severalArguments(arg string, words []string) (why, hint string) {
	apart := "write each as an entry of its own"
	if strings.ContainsAny(strings.TrimSpace(arg), "\n\r") {
		return "several lines", apart
	}
	if len(words) < 2 {
		return "", ""
	}
	first, _, valued := strings.Cut(words[0], "=")
	for i, w := range words[1:] {
		name, _, _ := strings.Cut(w, "=")
		option, _ := strings.CutPrefix(name, "--")
		bare := i == 0 && !valued && strings.HasPrefix(first, "-") && strings.HasPrefix(w, "-")
		if bare || option != name && slices.Contains(strings.Fields(dockerOptions), option) {
			return "two options, " + clipped(first) + " and " + clipped(name), apart
		}
	}
	switch {
	case valued || !strings.HasPrefix(first, "-"):
		return "", ""
	case strings.HasPrefix(first, "--"):
		return clipped(first) + " and its value, separated by a blank", "write " + clipped(first) + "=VALUE"
	}
	return clipped(first) + " and its value, separated by a blank", apart
}

// dockerWords are those of an entry as a shell parts them: a blank in quotes parts nothing.
func dockerWords(arg string) (words []string) {
	var quote rune
	for _, part := range strings.FieldsFunc(arg, func(r rune) bool {
		switch {
		case quote == r:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		}
		return quote == 0 && unicode.IsSpace(r)
	}) {
		words = append(words, strings.NewReplacer(`"`, "", "'", "").Replace(part))
	}
	return words
}

// dockerOptions are those of docker run, by docs.docker.com/reference/cli/docker/container/run
// of August 2026, and those that it no longer lists: disable-content-trust, dns-opt,
// kernel-memory, net, net-alias.
const dockerOptions = `add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-count
cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach
detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops
disable-content-trust dns dns-opt dns-option dns-search domainname entrypoint env env-file expose gpus group-add
health-cmd health-interval health-retries health-start-interval health-start-period health-timeout help hostname init
interactive io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip
log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name net net-alias
network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish
publish-all pull quiet read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout
storage-opt sysctl tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir`

// clipped is a text as a message has room for.
func clipped(text string) string {
	const most = 200
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
