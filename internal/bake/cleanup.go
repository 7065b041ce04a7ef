package bake

// baked is what the clean-up writes last. What is on an instance of the image and
// is not newer was in the image; what is newer, the instance made itself.
const baked = "/var/lib/domctl/baked"

// cleanUp leaves nothing that instances of the image must not share: who it is,
// credentials of registries, what was typed, and what the work left lying about. Of
// the folders of containerd and the kubelet it removes nothing, since what is there
// is how nodes are set up: a verification names what it finds. On an instance that is
// borrowed cloud-init's state stays too: with it, nobody's way in changes.
func (o order) cleanUp() []string {
	lines := []string{"truncate -s 0 /etc/machine-id"}
	if o.instance == "" {
		lines = append(lines, "rm -rf /var/lib/cloud/data /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem")
	}
	return append(lines,
		"rm -rf /var/log/cloud-init*.log /var/log/salt/*",
		homes+"; do",
		`	rm -f "$home/.docker/config.json" "$home/.dockercfg" "$home/.config/containers/auth.json" "$home/.netrc"`,
		`	rm -f "$home"/.*_history`,
		"done",
		"rm -rf --one-file-system /tmp/* /tmp/.[!.]*",
		"mkdir -p /var/lib/domctl",
		"echo "+quote(o.key)+" >"+baked)
}

// homes begins a loop over the folders of people and of services.
const homes = `for home in /root /home/* $(getent passwd 2>/dev/null | while IFS=: read -r a b c d e home rest; do case $home in /?*) echo "$home" ;; esac; done)`

// lockOut removes who may log in, and by what the machine is known where
// cloud-init makes new keys for each instance. Elsewhere nobody might, and then
// nodes could not be reached over SSH.
func lockOut() []string {
	return []string{
		homes + `; do rm -f "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; done`,
		"if command -v cloud-init >/dev/null; then rm -f /etc/ssh/ssh_host_*; fi",
	}
}

// leftovers names what is in the image and should not be; never what it holds.
func (o order) leftovers(s *stages) {
	keys := "0"
	if o.bake.Instance.KeyPair != "" {
		keys = "1" // of the key pair, which the instance was given at its launch
	}
	s.say("what the bake left")
	s.run("[ -e "+baked+" ] || { echo 'the clean-up did not end: no "+baked+"'; exit 1; }",
		`found=''`,
		`left() { case " $found " in *" $1 "*) ;; *) found="$found $1" ;; esac; }`,
		`old() { if [ -e "$1" ] && ! [ "$1" -nt `+baked+` ]; then left "$1"; fi; }`,
		`secret() { if grep -q -i -E '(auth|password|identitytoken|registrytoken|authorization)["'"'"']?[[:space:]]*[=:]' "$1" 2>/dev/null; then left "$1"; fi; }`,
		"for f in /var/lib/kubelet/config.json /var/lib/kubelet/.dockercfg /etc/kubernetes/docker-config.json /etc/docker/daemon.json /etc/crictl.yaml /etc/containerd/*.toml /etc/containerd/*/*.toml /etc/containerd/*/*/*.toml; do",
		`	secret "$f"`,
		"done",
		"authorized=''",
		homes+"; do",
		`	for f in "$home/.docker/config.json" "$home/.dockercfg" "$home/.config/containers/auth.json"; do secret "$f"; done`,
		`	for f in "$home/.netrc" "$home"/.*_history; do if [ -e "$f" ]; then left "$f"; fi; done`,
		`	for f in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do`,
		`		[ -e "$f" ] || continue`,
		`		while read -r line || [ -n "$line" ]; do`,
		`			case $line in '#'*) continue ;; esac`,
		`			for word in $line; do case $word in AAAA*)`,
		`				case " $authorized " in *" $word "*) ;; *) authorized="$authorized $word" where="$f" ;; esac ;;`,
		`			esac; done`,
		`		done <"$f"`,
		`	done`,
		"done")
	o.identity(s, keys)
	s.run("for f in /var/log/cloud-init*.log /var/log/salt/* /tmp/* /tmp/.[!.]*; do old \"$f\"; done",
		"if [ -s /etc/machine-id ]; then old /etc/machine-id; fi",
		`[ -z "$found" ] || { echo "in the image:$found"; exit 1; }`)
}

// identity names who may log in, and what the image knows its instance by; an image
// of a borrowed instance keeps both, as one made by hand does.
func (o order) identity(s *stages, keys string) {
	if o.instance != "" {
		return
	}
	s.run("set -- $authorized",
		"[ $# -le "+keys+` ] || left "$where"`,
		"if command -v cloud-init >/dev/null; then for f in /etc/ssh/ssh_host_*; do old \"$f\"; done; fi",
		"for f in /var/lib/cloud/instances/* /var/lib/cloud/data/*; do old \"$f\"; done")
}
