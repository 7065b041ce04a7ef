package schema

func compileCodes() []Code { return append(readingCodes(), checkCodes()...) }

// readingCodes are about what cannot be read.
func readingCodes() []Code {
	return []Code{
		{"DC001", "malformed file", "CUE cannot parse a file, or a file refers to something that is not defined.",
			"Go to the place named; `cue vet` says the same."},
		{"DC002", "unknown field", "The schema is closed: a field that domctl does not know would be ignored in silence, so it is refused.",
			"Take the field that the hint names, or look it up in docs/schema.md."},
		{"DC003", "value does not fit", "The value has another type, unit or range than the schema wants.",
			"Write it as the message says. Quantities carry their unit: \"12GiB\", \"90d\"."},
		{"DC004", "values disagree", "Two places state different values for one field; CUE has no order in which one would win.",
			"State it once, or make the places agree. A shared value that some override belongs in a pattern that leaves those out: [!=\"special\"]: …"},
		{"DC005", "no value", "A field has only a type, or a required field is left out, so there is nothing to compare with the outside.",
			"State the value, or leave the whole field out."},
		{"DC006", "unknown field at the root", "Only deployment, the kinds and resolved stand at the root of a package. CUE itself lets others pass; domctl would ignore them in silence, so it refuses them.",
			"Correct the name. For helpers of your own use hidden fields (_shared) or definitions (#Shared)."},
		{"DC007", "evaluation fails", "An expression cannot be evaluated: a cycle, arithmetic on the wrong type, a missing embedded file.",
			"Go to the place named; `cue vet` says the same."},
		{"DC008", "not a deployment", "The folder holds no CUE files of package domino, or no cue.mod lies in it or above it.",
			"Run `domctl init`, or name the deployment's folder."},
		{"DC010", "stray file under cue.mod", "CUE unifies files under cue.mod/pkg, gen and usr with packages, so a stray file can reopen a closed definition.",
			"Delete the file. `domctl schema vendor` writes the only ones that belong there."},
		{"DC011", "link or submodule", "What is evaluated has to be what is reviewed: a link can lead out of the tree, to another machine's files, and a submodule's content is reviewed elsewhere.",
			"Replace the link or the submodule by the files that are needed."},
		{"DC012", "dependency on another module", "Evaluation takes nothing from a network, and nothing from outside the tree.",
			"Copy what is needed into the tree and import it by the path of your own module."},
		{"DC013", "evaluation takes too long", "The files need more time than --eval-timeout allows; a comprehension over a comprehension is the usual reason.",
			"Simplify the expression, or raise --eval-timeout."},
		{"DC014", "evaluation takes too much memory", "The files need more memory than --eval-memory allows.",
			"Simplify the expression, or raise --eval-memory."},
		{"DC015", "file too large", "A single file is larger than any that people write.",
			"Split the file, or leave data out of the tree."},
		{"DC016", "vendored schema is old", "The copy of the schema under cue.mod/pkg, or kinds.cue, is not that of this domctl. domctl uses its own; editors and `cue vet` use the copy.",
			"Run `domctl schema vendor` and commit what it writes."},
		{"DC017", "file left out", "CUE passes over files of another package, without a package clause, or named *_tool.cue, *_test.cue or _*.cue: what they state would not count, and what was applied from them would be unset. In the deployment's folder that is a mistake, and a warning where the name begins with _, as a draft's may. Files in folders above may belong to other packages. Nor does CUE look below the folder: files of package domino there count only for a deployment of their own.",
			"Write `package domino` at the top of the file, or move it out of the deployment's folder; move one that lies below it up."},
		{"DC018", "file that may not be read", "The system denies domctl a file or folder of the tree, and what it states is not known.",
			"Check the owner and mode of what is named, and of the folders above it."},
	}
}

// checkCodes are about what was read and does not hold together.
func checkCodes() []Code {
	return []Code{
		{"DC101", "unknown reference", "A field names an object that the files do not declare.",
			"Correct the name, or declare the object."},
		{"DC102", "cycle of bases", "An environment is built on itself by way of others, so none of them can be built first.",
			"Give one of them another base."},
		{"DC103", "not exactly one default tier", "Domino starts executions that chose no tier on the default tier; with none or several it is not clear which.",
			"State isDefault: true on exactly one tier. If the default tier is not kept in these files, turn the finding off: deployment: findings: DC103: \"off\"."},
		{"DC104", "request and limit differ", "An execution that uses more than it requested can be evicted when its node runs short.",
			"State the limit equal to the request."},
		{"DC105", "tier does not fit its pool", "No node of the pool is large enough for an execution of the tier once overhead is taken off, so executions would stay pending.",
			"Lower the request, or move the tier to a larger pool. Overhead can be stated on the pool."},
		{"DC106", "two objects claim one thing", "Two objects would write the same object outside, so each apply would undo the other.",
			"Merge them, or correct the id, name or group of one."},
		{"DC107", "setting stated twice", "One key of the central configuration is stated by its typed name and under raw.",
			"Keep the typed one."},
		{"DC108", "not exactly one of several", "These fields exclude each other, and domctl cannot tell which is meant.",
			"State exactly one of those that the message names."},
		{"DC109", "a name that cannot be used", "The name is empty, too long, begins or ends with a blank, or holds what does not print, so that two names could look the same; or the outside takes no such name.",
			"Rename the object: where it was applied before, state movedFrom."},
		{"DC110", "not resolved", "A tag, a filter or a parameter floats upstream; plans follow from resolved.cue alone, so what is not in it is not known.",
			"Run `domctl update` and commit resolved.cue."},
		{"DC111", "resolved for something else", "The files name another image, filter or parameter than the one resolved.cue was looked up for.",
			"Run `domctl update` and commit resolved.cue."},
		{"DC112", "an instance type that is not known here", "check asks nobody: it judges by a table of AWS's answers, dated in the message, which leaves out what AWS offered before or after. The plan asks EC2.",
			"Correct the name if it is mistyped; else nothing."},
		{"DC113", "a live world without a name", "Before anything is read, who answers is compared with the account, the region and the database that the deployment names. What it does not name cannot be compared: with another profile or URI, another deployment would be changed.",
			"State deployment.aws.account, deployment.aws.region and deployment.mongo.database; `aws sts get-caller-identity` tells the account. Or state world: \"sandbox\"."},
		{"DC114", "a secret in the clear", "The name of a setting says that it is a password, a secret, a token, a key or a credential, and its value stands in the files: whoever reads them, a plan or the records knows it.",
			"Keep the value elsewhere and state a reference: {secret: env: \"…\"}. If it is no secret, turn the finding off: deployment: findings: DC114: \"off\"."},
		{"DC115", "a window that never opens", "Steps of a rollout wait for it: its times, days or time zone must say when.",
			"Correct it; names of time zones are those of the IANA database, as in America/New_York."},
	}
}
