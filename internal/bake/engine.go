package bake

// engine is how a container engine is driven, in lines of sh.
type engine struct {
	has, remove, list string   // of $ref, in a shell
	answers           []string // waits until it does
	pull              func(image string) []string
	check             func(image string) []string       // that the image is there by its digest
	start             func(image, name string) []string // starts a container of an image and removes it again
	nvidia            []string                          // that NVIDIA's runtime is the default
	smi               func(image string) string         // runs nvidia-smi in a container; $out is what it said
}

func (o order) engine() engine {
	if o.bake.Runtime == "docker" {
		return docker()
	}
	return containerd()
}

// trying does a command four times at most, within half a minute: Docker gives up at
// once where a registry answers 429. What the last one said ends the log.
func trying(command string) []string {
	return []string{"for wait in 4 8 18 0; do", "\tif " + command + "; then break; fi", "\t[ $wait -gt 0 ] || exit 1", "\techo \"it failed; again in ${wait}s\"", "\tsleep $wait", "done"}
}

// answering waits a minute for a command to succeed.
func answering(command string) []string {
	return []string{"n=0", "until " + command + " >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 60 ] || { echo 'the engine does not answer'; exit 1; }; sleep 1; done"}
}

func docker() engine {
	return engine{
		has: `docker image inspect "$ref" >/dev/null 2>&1`, remove: `docker rmi "$ref"`, list: "docker images --digests",
		answers: answering("docker info"),
		pull: func(image string) []string {
			name, byDigest := names(image)
			return append(trying("docker pull "+quote(byDigest)), "docker tag "+quote(byDigest)+" "+quote(name))
		},
		check: func(image string) []string {
			_, byDigest := names(image)
			return []string{"docker image inspect " + quote(byDigest) + " >/dev/null"}
		},
		start: func(image, name string) []string {
			_, byDigest := names(image)
			return []string{"docker create --network none --name " + name + " " + quote(byDigest) + " >/dev/null", "docker start " + name + " >/dev/null", "docker rm -f " + name + " >/dev/null"}
		},
		nvidia: []string{"have=$(docker info --format '{{.DefaultRuntime}}')", `[ "$have" = nvidia ] || { echo "the default runtime of docker is $have, not nvidia"; exit 1; }`},
		smi: func(image string) string {
			_, byDigest := names(image)
			return "out=$(docker run --rm --network none -e NVIDIA_VISIBLE_DEVICES=all -e NVIDIA_DRIVER_CAPABILITIES=utility --entrypoint nvidia-smi " + quote(byDigest) + " 2>&1)"
		}}
}

// containerd is asked through CRI, as the kubelet does; ctr does what CRI cannot:
// names, pins, and containers without a pod, for which an instance that is no node
// has no network.
func containerd() engine {
	const ctr = "ctr -n k8s.io "
	return engine{
		has: `[ -n "$(ctr -n k8s.io images ls -q "name==$ref")" ]`, remove: `ctr -n k8s.io images rm "$ref"`, list: "crictl images",
		answers: answering("crictl info"),
		pull: func(image string) []string {
			name, byDigest := names(image)
			return append(trying("crictl pull "+quote(byDigest)), ctr+"images tag --force "+quote(byDigest)+" "+quote(name)+" >/dev/null",
				ctr+"images label "+quote(byDigest)+" io.cri-containerd.pinned=pinned >/dev/null", ctr+"images label "+quote(name)+" io.cri-containerd.pinned=pinned >/dev/null")
		},
		check: func(image string) []string {
			_, byDigest := names(image)
			return []string{"crictl inspecti " + quote(byDigest) + " >/dev/null",
				"have=$(crictl imagefsinfo | grep mountpoint | head -n 1)",
				`case $have in *snapshotter.v1.` + snapshotter + `*) ;; *) echo "the snapshotter in use is not ` + snapshotter + `: $have"; exit 1 ;; esac`,
				"for have in $(" + ctr + "images check --snapshotter " + snapshotter + " name==" + quote(byDigest) + "); do :; done",
				`[ "$have" = true ] || { echo "it is not unpacked in ` + snapshotter + `"; exit 1; }`}
		},
		start: func(image, name string) []string {
			_, byDigest := names(image)
			return []string{ctr + "run --detach --null-io --snapshotter " + snapshotter + " " + quote(byDigest) + " " + name, ctr + "tasks rm --force " + name + " >/dev/null", ctr + "containers rm " + name}
		},
		nvidia: []string{`crictl info | grep -q '"defaultRuntimeName": "nvidia"' || { echo "the default runtime of containerd is not nvidia"; exit 1; }`},
		smi: func(image string) string {
			_, byDigest := names(image)
			return "out=$(" + ctr + "run --rm --snapshotter " + snapshotter + " --runc-binary nvidia-container-runtime --env NVIDIA_VISIBLE_DEVICES=all --env NVIDIA_DRIVER_CAPABILITIES=utility " +
				quote(byDigest) + " domctl-gpu nvidia-smi 2>&1)"
		}}
}

// snapshotter is the one that images are pulled into; the world refuses another.
const snapshotter = "overlayfs"
