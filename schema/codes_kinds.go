package schema

// kindCodes are about kinds that are read and written through Domino's API.
func kindCodes() []Code {
	return []Code{
		{"DC120", "a backend without an address", "deployment.backends says that a kind lives behind Domino's REST API, and the files do not say where that is, or as whom it is asked.",
			"State deployment: domino: {url: …, apiKey: …}; or take the kind from Domino's database, as where nothing is stated."},
		{"DC381", "the API shows less than the database", "Domino's database holds objects that its API does not show: whose key it is may see a part only. What is not shown is not known, and not absent, so nothing of the kind is made or archived.",
			"Use an administrator's key. `domctl doctor` says whose key it is and which routes answer."},
		{"DC382", "no call of Domino's API does this", "The dialect of the API that answers neither shows nor takes the field, or has no call for the change. The rest of the object is planned without it.",
			"Change it in Domino, and leave it out of the files; or take the kind from Domino's database: deployment: backends: …: \"mongo\"."},
		{"DC383", "a new tier is not whole", "Domino's API makes no hardware tier without a node pool, cores and memory.",
			"State nodePool, cores and memory."},
		{"DC384", "a masked setting", "Domino's API shows the value as a mask, so that nobody can tell whether it is as wanted, and a rollback could not put it back. A mask is never written.",
			"Change it in Domino, or take settings from Domino's database: deployment: backends: settings: \"mongo\"."},
		{"DC385", "an archived tier in the files", "The files state a hardware tier that is archived in Domino, as one is whose making was taken back over the API. Its fields are kept as the files say, and nobody can choose it.",
			"Bring it back in Domino; or take it out of the files, and make another."},
	}
}
