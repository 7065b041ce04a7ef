#!/usr/bin/env bash
# Shows domctl in a sandbox, from an empty folder and back: as often as you like,
# nothing of it stays. DOMCTL names the program, else bin/domctl.
set -euo pipefail

domctl=${DOMCTL:-$(cd "$(dirname "$0")/.." && pwd)/bin/domctl}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

say() { printf '\n# %s\n' "$*"; }
show() {
	printf '\n$ domctl %s\n' "$*"
	"$domctl" "$@" 2>&1
}

say "A deployment: files, and a sandbox that stands for AWS and MongoDB. An earlier
# version of the files was applied; then the files went on, and so did the world"
show init prod
show check prod
say "What an apply would do"
show plan prod
say "Do it; then nothing is left to do"
show apply prod --auto-approve
first=$("$domctl" history prod | sed -n '2s/ .*//p')
show plan prod
say "Someone raises the quota by hand, in Domino's own pages"
sed 's/"value": "30"/"value": "100"/' prod/.domctl/sandbox.json > edited.json
mv edited.json prod/.domctl/sandbox.json
show plan prod
show apply prod --auto-approve
say "And back: the last apply"
show rollback prod --auto-approve
say "And the one before, but for the quota: that is a person's by now"
show rollback prod --to "$first" --exclude settings.maximumExecutionsPerUser --auto-approve
show history prod
say "An image that already holds what runs pull: baked, verified on a fresh instance, and
# put where nodes start from in two waves. The canary gets it at once, the rest once
# somebody approves"
show init baked
sed 's/"autoScalingGroups": {/&"acme-canary-a": {"desired": 1, "max": 1, "min": 0, "template": "lt-0c0a000000000000a", "version": "1"},/' baked/.domctl/sandbox.json > edited.json
mv edited.json baked/.domctl/sandbox.json
cat > baked/bake.cue <<'CUE'
package domino

amis: executor: {
	replaces: ["ami-0aaaabbbbcccc2401"]
	bake: {
		from: ami: "nodes"
		connect: ssm: true
		cache: {baseImages: ["standard"], environments: spark: ["active"]}
	}
	rollout: [{pools: ["canary"]}, {pools: ["compute"], approvals: 1}]
}
nodePools: canary: {groups: [{asg: "acme-canary-a"}], ami: "executor"}
CUE
cat baked/bake.cue
sed 's/ami: "nodes"/ami: "executor"/' baked/compute.cue > edited.cue
mv edited.cue baked/compute.cue
pools=(--target nodePools.canary --target nodePools.compute)
show plan baked "${pools[@]}"
show apply baked "${pools[@]}" --auto-approve || true # it waits, which is exit code 1
show apply baked --resume last --approve
show plan baked "${pools[@]}"
say "What executor images there are, and what refers to them; what is due this quarter"
show amis list baked
show review baked --window 3650d
say "And back: nodes start from what they did, and the image is gone"
show rollback baked --auto-approve
say "Nodes that run stay on their old image until they are replaced, beside the runs that
# are on them. In this sandbox ten minutes pass in a second"
show init rolling --example rolling
show sandbox run rolling --for 40m --count 2
show sandbox run rolling --for 2h --cluster spark --user bob
show nodes rolling
show runs rolling
show plan rolling
show sandbox clock rolling --speed 600
say "Replacements are ready first; a node goes when its last run has ended"
"$domctl" apply rolling --auto-approve > apply.txt 2>&1 &
apply=$!
until "$domctl" nodes rolling > nodes.txt 2>&1 && grep -q cordoned nodes.txt || ! kill -0 "$apply" 2> /dev/null; do
	sleep 0.1
done
printf '\n$ domctl nodes rolling   # in another terminal, during the apply\n'
cat nodes.txt
printf '\n$ domctl apply rolling --auto-approve\n'
wait "$apply"
cat apply.txt
show sandbox runs rolling
show nodes rolling
say "And back the same way, beside a run on the new nodes"
show sandbox run rolling --for 1h --user eve
show rollback rolling --auto-approve
show sandbox runs rolling
show nodes rolling
say "That was all of it, in a folder that is gone now. docs/tutorial.md goes slowly."
