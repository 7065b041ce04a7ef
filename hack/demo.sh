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
say "An image that already holds what runs pull: baked, verified on a fresh instance,
# and put where nodes start from once somebody approves"
show init baked
cat > baked/bake.cue <<'CUE'
package domino

amis: executor: {
	bake: {
		from: ami: "nodes"
		connect: ssm: true
		cache: {baseImages: ["standard"], environments: spark: ["active"]}
	}
	rollout: [{pools: ["compute"], approvals: 1}]
}
CUE
cat baked/bake.cue
sed 's/ami: "nodes"/ami: "executor"/' baked/compute.cue > edited.cue
mv edited.cue baked/compute.cue
show plan baked --target nodePools.compute
show apply baked --target nodePools.compute --auto-approve || true # it waits, which is exit code 1
show apply baked --resume last --approve
show plan baked --target nodePools.compute
show rollback baked --auto-approve
say "That was all of it, in a folder that is gone now. docs/tutorial.md goes slowly."
