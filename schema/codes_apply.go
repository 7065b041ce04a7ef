package schema

import "slices"

func applyCodes() []Code {
	return slices.Concat(savedCodes(), recordCodes(), backCodes())
}

// savedCodes are about a plan and the world it was made for.
func savedCodes() []Code {
	return []Code{
		{"DC300", "a plan of another version", "Plans have a format, and this program applies another one than the plan has.",
			"Plan again with this version, or apply with the one that planned."},
		{"DC301", "an altered plan", "The plan is not byte for byte the one that was made, so it is not the one that anybody approved.",
			"Plan again."},
		{"DC302", "a plan with unknowns", "It was made without credentials for all of what lives: it can be read, not applied.",
			"Plan again where the credentials are."},
		{"DC303", "applied before", "A plan's id is its apply's id, and an apply happens once.",
			"Plan again; where the apply has not ended, `domctl apply --resume APPLY` goes on with it."},
		{"DC304", "moved since the plan", "Something that the plan writes or rests on is not as the plan saw it. Nothing is written past that.",
			"Plan again, and look at what moved. An apply that had begun stays open: if what stands is right, abandon it (`domctl apply --supersede APPLY`) and it is planned anew; set back, `--resume` goes on."},
		{"DC305", "neither as before nor as written", "A write was begun, its answer was lost, and what stands there is neither. Somebody else changed it meanwhile.",
			"Look at the object. If it is right as it stands, abandon the apply (`domctl apply --supersede APPLY`) and plan again. To take the apply back, set the object to what it held before (`domctl history show APPLY`), then `domctl rollback --to APPLY`; or abandon it and take back the rest: `domctl rollback --to APPLY --exclude ADDRESS`."},
		{"DC306", "another deployment's plan", "The plan names a deployment that this folder is not.",
			"Name the folder of that deployment."},
		{"DC307", "an apply that is not open", "Only an apply that has not ended reserves anything, and can be abandoned or gone on with.",
			"See `domctl history`."},
		{"DC308", "a record that a rollback needs is not there", "The way back takes secret values out of the sealed records of the apply, and this one is not in them.",
			"Plan the rollback again; if it stays, restore the records from the store's versions."},
		{"DC309", "another state store's plan", "What a plan takes for applied, and the keyed digests that it compares secrets by, are those of the state store it was made against. This deployment's records stand in another one by now, or the plan was made by a role that may not write the store.",
			"Plan again, with a role that may write the store."},
		{"DC310", "locked", "Another process applies to this deployment. It renews its lease while it makes progress.",
			"Wait for it. `domctl lock show` says who it is; `domctl lock break` takes the lock from one that hangs."},
		{"DC311", "reserved", "An apply that has not ended is about the same address.",
			"Go on with it by `domctl apply --resume APPLY`, or abandon it with `--supersede APPLY`: the latter where a step of it failed for good, as a build does."},
	}
}

// recordCodes are about an apply's records.
func recordCodes() []Code {
	return []Code{
		{"DC312", "fenced before it began", "Another process took the lock before this apply wrote anything.",
			"Plan again."},
		{"DC313", "taken over", "Another process took the lock, because this one stood still or someone broke it. This one writes no more.",
			"Look at `domctl history`, then resume."},
		{"DC314", "no such apply", "The records know no apply of this name.",
			"See `domctl history`."},
		{"DC315", "a torn or corrupt record", "A record's size or digest is not what was written, or one is missing: a number of a stream, or, beside recorded applies, the record of what was applied or the key of digests. domctl does not guess what it said.",
			"Restore it from the bucket's versions or a backup."},
		{"DC316", "an unknown operation", "The plan holds a step that this version cannot carry out.",
			"Use the version that made the plan."},
		{"DC317", "a write without effect", "The call was answered, and what it should have written does not show.",
			"Resume: domctl looks again before it writes anything."},
		{"DC318", "an undecided step", "The apply was cut off between announcing a write and learning what became of it.",
			"Roll back or resume: both look first and settle it."},
		{"DC319", "cannot be settled", "What became of a step that was begun cannot be told from the outside. An apply that ended so, by `--supersede`, is taken back without it (`--exclude`).",
			"Look at the object that the message names; the records say what it held before: `domctl history show APPLY`, with `--as mongosh` or `--as aws` as commands."},
		{"DC320", "an apply has not ended", "It runs at this moment, waits, failed in part, or was cut off. Until it has ended it reserves its addresses: a plan that changes one of them is shown, and refused when it is applied (DC311).",
			"Go on with it by `domctl apply --resume APPLY`, abandon it with `--supersede APPLY`, or take back what it did with `domctl rollback --to APPLY`. Where a step failed for good, as a build does, nothing goes on: correct it, and supersede. `domctl history show APPLY` tells what became of each step."},
		{"DC321", "an output is missing", "A step writes what an earlier one was to make, and that one did not say what it made.",
			"Look with `domctl history show APPLY` what the earlier step did, then plan again."},
		{"DC322", "nothing waits for this approval", "An approval is of what an apply waits for at that moment: not of later steps, and not twice by one person.",
			"See in `domctl history show APPLY` what the apply waits for."},
		{"DC323", "frozen", "Somebody keeps anything from being applied until a time, for a reason that the message states. Rollbacks are not kept.",
			"Wait, or lift it: `domctl freeze --lift`. What waited goes on by `domctl apply --resume last`."},
	}
}

// backCodes are about the way back.
func backCodes() []Code {
	return []Code{
		{"DC410", "rolled back, and off", "This very content was taken back. It stays off so that no timer, restart or second delivery applies it again.",
			"Change the files, or plan with `--unlatch` when you mean it."},
		{"DC420", "changed since the apply", "What the rollback would put back was changed by somebody else after the apply. Theirs is not overwritten.",
			"Set it back by hand, or leave the address out with `--exclude`."},
		{"DC421", "cannot be taken back", "The step was labelled irreversible in the plan.",
			"Leave the address out with `--exclude`."},
		{"DC422", "nothing to take back", "No apply is left that did something and was not taken back.",
			"See `domctl history`."},
		{"DC423", "taken back already", "A rollback is not rolled back, and an apply is taken back once. Without `--to` or `--before`, rollback means the last apply alone, so that a job which runs twice does not walk backwards.",
			"To have it again, plan with `--unlatch` and apply. To go further back, name the apply: `--to APPLY`, or `--before TIME`."},
		{"DC424", "a later apply set it", "What stood before an older apply is not what to go back to while a later one stands on it: domctl would record what neither left there.",
			"Take the later one back first, or leave the address out with `--exclude`; `--before TIME` goes back in order."},
		{"DC426", "what to go back to is gone", "The image that nodes started from before the apply is not there any more: it was retired, or somebody deregistered it. Nodes could not start from it.",
			"Leave the address out with `--exclude`, and apply other files: what domctl baked, it bakes again."},
		{"DC425", "in use, and kept", "Something refers to what the apply made, and not because of this apply alone. Deleting it would leave that without nodes to start, or runs without their tier.",
			"Nothing, if it may stay. Otherwise let go of it where the message says, and delete it by hand."},
	}
}
