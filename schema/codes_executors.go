package schema

// executorCodes are about replacing the executors of a classic tier once its image was
// switched.
func executorCodes() []Code {
	return []Code{
		{"DC860", "a roll of executors that cannot be", "What the files state of a classic tier's roll, or of how executors are told from other instances, does not hold: executors start when runs ask for them, so that onDemand is the only strategy; and none is ended that the files do not tell to be one.",
			"State what the message names. Names of Domino's database have no default here, since Domino publishes none: domctl doctor says what it finds under those that are stated."},
		{"DC861", "maintenance is a person's to set", "A roll puts each executor on the old image into maintenance, so that Domino gives it no new runs, and ends it when its last run has ended. Where an executor's maintenance stands in Domino's database is not stated, so that domctl ends none that runs: it says which they are, and waits until they are gone.",
			"Put them into Maintenance Mode in Domino and terminate each when its runs have ended; or state deployment.mongo.mapping.executors with fields instance and maintenance."},
		{"DC862", "nobody tells which executors are of the tier", "Several tiers start the image that is switched from, and neither a tag nor Domino's database says of which tier an instance is. The tier is switched; its executors are not rolled, since another tier's could be taken for them.",
			"State deployment.executorInstances.tier, the key of a tag that names the tier; or deployment.mongo.mapping.executors.fields.tier."},
		{"DC863", "executors are ended", "The plan does not only switch the image of a tier: its executors on the old image are ended, each when its last run has ended, and those that are stopped at once, since a stopped one comes back on the image that it was made from.",
			"Nothing if that is meant; else leave roll out of the tier: new executors start from the new image, and those that are there stay."},
		{"DC864", "the executor group was changed by somebody else", "An executor is ended because Domino starts the new image in its place. While the roll went on the tier's executor group went, or somebody switched it to another image. The roll stops, and what it put into maintenance is taken out again.",
			"Find out who switches it. `domctl rollback` takes the apply back; or abandon it with `domctl apply --supersede APPLY` and plan again."},
		{"DC865", "nobody tells which runs are on which executor", "A roll ends an executor once no live run is on it. Which run is on which is told by Domino's API, or by Domino's database where the files say where a run names its machine. Neither is stated.",
			"State deployment.domino, or deployment.mongo.mapping.executorGroups.fields.runs."},
		{"DC866", "what Domino knows of an executor is not as mapped", "A document that deployment.mongo.mapping.executors leads to holds no true or false where maintenance is mapped, or two documents name one instance. Such an executor is not put into maintenance, and not ended while it runs.",
			"Correct the mapping: domctl doctor says what it finds there."},
	}
}
