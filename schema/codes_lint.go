package schema

import "slices"

// lintCodes are about the texts that environments are built from and started by.
// None of them makes an apply unsafe: a build that fails leaves what is active.
func lintCodes() []Code { return slices.Concat(dockerfileCodes(), installCodes(), startCodes()) }

// dockerfileCodes are about instructions.
func dockerfileCodes() []Code {
	return []Code{
		{"DC701", "FROM in Dockerfile instructions", "Domino writes FROM itself, from the environment's base, and puts the instructions below it. A second one begins another image, in which nothing of the base is.",
			"State the image as the environment's base, and take the line out."},
		{"DC702", "no Dockerfile instruction", "A line begins with a word that Docker does not know, and the build fails there. Mostly it is mistyped, or the line above lacks its \\.",
			"Correct the word, or end the line above with \\. `domctl check --fix` takes the word that the hint names."},
		{"DC703", "an instruction that cannot be read", "Docker's own parser, which domctl has, refuses the instruction, so the build would fail. It reads no line of more than 65535 bytes: the instruction that holds one is told, looked at no further, and the rest is. domctl says the same of what it does not read itself, so that one text takes neither all memory nor the rest of the check: a Dockerfile of more than 1 MiB, a script of more than 256 KiB or one that lies some hundred times within itself, and what it fails at.",
			"Correct it as the message says. ENV may name a variable without a value when the environment declares it under variables. Part a long line by \\ at the end of each but the last."},
		{"DC704", "too many layers", "An image has at most 127 layers, and those of its base count. Each RUN, COPY, ADD and WORKDIR makes one.",
			"Join commands that belong together by && in one RUN."},
		{"DC709", "ADD of a URL", "Nobody checks what it brings, it is downloaded for each build before the cache can be asked, and an archive stays in the image as it is.",
			"Download, check and unpack it in one RUN, or state --checksum=sha256:…"},
		{"DC710", "a secret in the image", "A value stands in a text that becomes a part of the image, or of the environment that all of its users can read. The message never shows it.",
			"Take it out, and change it where it is valid: it is in git's history and in built images. State variables: NAME: secret: {…}, or mount it for one RUN: --mount=type=secret."},
		{"DC714", "RUN that is no shell script", "The command of RUN does not parse as a shell script, so the build would fail there. Under a SHELL that domctl does not know, nothing is parsed.",
			"Correct it at the place named; mostly a quote or a bracket is not closed."},
		{"DC716", "environments do the same", "Three or more environments on one base hold the same instruction. Each builds it by itself, the registry keeps it once for each, and nodes pull it as often.",
			"Put it into an environment or image of its own, and have them state that as their base."},
		{"DC717", "CUDA needs a newer driver", "By NVIDIA's table of compatibility the CUDA of the base does not run on the driver that images of GPU nodes promise (bake.gpu.minDriver). Images are looked at that cache the environment or its base; where none does, all of them, if none is new enough.",
			"Bake images with a newer driver and state it, or take a base with an older CUDA."},
		{"DC721", "an instruction that is overridden", "Of several CMD, ENTRYPOINT or HEALTHCHECK only the last counts.",
			"Keep the last."},
		{"DC722", "a folder that does not stay", "A relative WORKDIR leads where the base left off; a RUN that only changes its folder changes nothing for the next.",
			"State WORKDIR with the whole path."},
		{"DC723", "sudo in a build", "Instructions run as root unless USER says otherwise, and sudo behaves in its own way without a terminal.",
			"Leave it out, or write USER root before and USER again after."},
		{"DC718", "what changes often stands above what takes long", "A layer is built again when anything above it changes. By the repository's history a line changes often, and below it stands one that installs or downloads and seldom changes: each change of the first builds the second again, and nodes pull it again.",
			"Move the line below, where nothing between needs it."},
		{"DC727", "what a build brings is not known", "How many layers stay cached, and how many bytes nodes pull again, is told from the manifests of the base image and of the active revision's image. One of them could not be read. What is not known counts as not known, never as nothing.",
			"See why in the message; the plan is as good without it."},
		{"DC728", "CUDA ran where drivers are older", "Runs of the environment were on tiers of a node pool whose image promises an NVIDIA driver (bake.gpu.minDriver) that is older than the CUDA of its base needs, by NVIDIA's table of compatibility. Runs of the last 30 days count.",
			"Bake the pool's image with a newer driver and state it, or take a base with an older CUDA."},
		{"DC729", "a variable is used where it is set", "All values of one ENV are read before any is set, so that a variable which the same line sets has its former value.",
			"Set it in an ENV of its own, before."},
		{"DC730", "a user with a high number", "useradd writes a log of logins that has room for all numbers below. It is sparse on a disk, and whole in a layer: a number of nine digits makes gigabytes.",
			"Add -l, or take a lower number."},
		{"DC731", "a pipe hides a failed download", "A pipe ends as its last command does. When what downloads fails, the next reads nothing, and the build goes on.",
			"State SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] where the base has bash, or download into a file first."},
		{"DC725", "MAINTAINER", "The instruction is deprecated.",
			"Write LABEL maintainer=\"…\". `domctl check --fix` does."},
	}
}

// installCodes are about what RUN installs.
func installCodes() []Code {
	return []Code{
		{"DC705", "several installs by one tool", "Each call of pip or conda solves its own packages, and may replace a version that an earlier one chose. Several RUN apt-get install make several layers.",
			"Install all of them by one call."},
		{"DC706", "apt-get update apart from its install", "A layer is cached until its text changes. An update by itself is therefore made once, and later installs ask for versions that mirrors have removed.",
			"Write RUN apt-get update && apt-get install -y …; `domctl check --fix` joins the two where one follows the other."},
		{"DC707", "packages without a version", "What is installed is whatever there is on the day of the build: two builds of one definition differ, and a rollback does not bring back what was.",
			"State versions, or a file that does: pip install -c constraints.txt."},
		{"DC708", "packages of the system without a version", "As DC707, for apt, apk, yum and zypper. Mirrors remove old versions, so that a stated one can make a build fail; many leave them out on purpose.",
			"State versions, or turn the finding off: deployment: findings: DC708: \"off\"."},
		{"DC719", "an install that asks", "Without -y the tool asks before it installs. Nobody answers in a build: it fails.",
			"Add -y; `domctl check --fix` does."},
		{"DC720", "an install leaves its cache", "What a later RUN removes stays in the layer beneath. The caches of pip and conda, and the lists of packages, are stored, and pulled by each node, for nothing.",
			"Remove them in the same RUN; `domctl check --fix` adds --no-cache-dir to pip install. A --mount=type=cache keeps them out of the image."},
		{"DC724", "apt instead of apt-get", "apt is for terminals. Its output and options may change, and it warns of that in each build.",
			"Write apt-get; `domctl check --fix` does."},
		{"DC726", "the whole system is upgraded", "What an upgrade brings differs with each build, and the files of the base stay in the image beneath.",
			"Take a newer base image: `domctl update`."},
	}
}

// startCodes are about what happens when an execution starts.
func startCodes() []Code {
	return []Code{
		{"DC711", "a workspace tool that nothing starts", "A tool without start commands is offered to users, and never comes up.",
			"State its start commands."},
		{"DC712", "two workspace tools on one port", "A workspace that runs both can serve only one of them. One tool a workspace, which is usual, is no problem.",
			"Give each a port of its own, or turn the finding off: deployment: findings: DC712: \"off\"."},
		{"DC713", "a script that does not parse", "The script is no valid shell script, so that each execution would fail, or run a part of it as root.",
			"Correct it at the place named; mostly a quote, a bracket, fi or done is missing."},
		{"DC715", "a script installs", "Scripts run at each start, as root, and nothing of them is cached: users wait for the install each time, and get whatever version there is then.",
			"Move it into the Dockerfile instructions. What goes by files of the project (pip install -r requirements.txt) is left alone."},
	}
}
