package schema

// outsideCodes are about who answers, and about the store of the records.
func outsideCodes() []Code {
	return []Code{
		{"DC510", "records would be lost", "A folder of a CI job is gone with the job, and with it what an apply needs to go on or to be taken back.",
			"Keep the records of a live deployment in a bucket: deployment: state: s3: {…}."},
		{"DC511", "records are not sealed", "The records of a live deployment hold what stood in Domino's database before each change, so they are sealed wherever they are kept.",
			"State deployment.state.s3.kmsKey, or put an age identity into DOMCTL_AGE_IDENTITY."},
		{"DC512", "another deployment's records", "The state store holds what another deployment applied. Two deployments on one folder or prefix would each undo the other.",
			"Give each its own deployment.state; or put back the name under which the records were written."},
		{"DC513", "the store cannot be written", "Secrets are compared by digests under a key that is kept in the state store, and there is none yet. A plan made without it can be read, and fits no later apply.",
			"Apply once with a role that may write the store."},
		{"DC601", "another AWS account or region", "What answers is not the account or region that the deployment names; nothing was read or written.",
			"Use the credentials, profile, role and region of the deployment."},
		{"DC602", "another database", "MongoDB answers for another database or replica set than the deployment names; nothing was read or written.",
			"Check deployment.mongo and the URI."},
		{"DC603", "a plan for another world", "The plan was made against another account, region, database or replica set than the one that answers.",
			"Apply it where it was made for, or plan again."},
		{"DC604", "an empty collection", "A collection is empty in which domctl applied objects before. Another database, or a partial read, looks just like that, so nothing is planned from it.",
			"Check the URI and deployment.mongo.mapping with `domctl doctor`."},
		{"DC820", "no way to MongoDB", "deployment.mongo.via states the way to a database that cannot be reached from here: an SSH server, told by its host keys, or pods behind the Kubernetes API server.",
			"State one of ssh and portForward, with host keys as the server's /etc/ssh/ssh_host_ed25519_key.pub has them; leave via out where MongoDB is reached directly."},
		{"DC605", "environments of the first generation", "Domino's first generation of environments lives in another collection and has no revisions as domctl knows them.",
			"Have Domino migrate them to environments_v2."},
	}
}
