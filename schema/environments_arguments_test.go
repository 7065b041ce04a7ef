package schema

import (
	"slices"
	"strings"
	"testing"
)

// TestDockerOptions holds the options to those of docker's own page, here copied from it
// by hand: each stands for a second one behind a value, and is one by itself.
func TestDockerOptions(t *testing.T) {
	page := strings.Fields(`add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-count
cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach
detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns
dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval
health-retries health-start-interval health-start-period health-timeout help hostname init interactive io-maxbandwidth
io-maxiops ip ip6 ipc isolation label label-file link link-local-ip log-driver log-opt mac-address memory
memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable
oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime
security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user
userns uts volume volume-driver volumes-from workdir`)
	hidden := strings.Fields("disable-content-trust dns-opt kernel-memory net net-alias")
	want := slices.Sorted(slices.Values(slices.Concat(page, hidden)))
	if got := strings.Fields(dockerOptions); !slices.Equal(got, want) {
		t.Errorf("%d options, and docker's page has %d", len(got), len(want))
	}
	for _, option := range want {
		for entry, several := range map[string]bool{
			"--" + option:                   false,
			"--" + option + "=a b":          false,
			"--" + option + " a":            true,
			"--label=a --" + option:         true,
			"--label=a --" + option + "=b":  true,
			"--label='a --" + option + "'":  false,
			"--label=a --x" + option:        false,
			"--label=a -" + option:          false,
			"--" + option + " --privileged": true,
		} {
			if why, _ := severalArguments(entry, dockerWords(entry)); (why != "") != several {
				t.Errorf("%s: %q", entry, why)
			}
		}
	}
}
