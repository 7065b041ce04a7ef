package schema

// Example is CUE to write, or command lines to run; "" where words say it all.
func (c Code) Example() string { return examples()[c.Code] }

// examples are what to write or to run, by code, where that says more than words:
// CUE, and command lines that begin with domctl.
func examples() map[string]string {
	return map[string]string{
		"DC003": `hardwareTiers: small: memory: "12GiB"`,
		"DC004": `hardwareTiers: [!="large"]: cores: 3
hardwareTiers: large: cores: 6`,
		"DC006": `_small: {cores: 1, memory: "4GiB"}
hardwareTiers: small: _small & {nodePool: "compute"}`,
		"DC016": `domctl schema vendor prod`,
		"DC103": `hardwareTiers: [!="small"]: isDefault: false
hardwareTiers: small: isDefault: true`,
		"DC105": `nodePools: gpu: overhead: {
	node: {cores: 1.5, memory: "2GiB"}
	execution: {cores: 1, memory: "1GiB"}
}`,
		"DC110": `domctl update prod`,
		"DC140": `environments: spark: id: "65e000000000000000000002"`,
		"DC160": `settings: raw: "com.example.token": secret: ssm: "/acme/token"`,
		"DC214": `domctl update prod amis.nodes`,
		"DC221": `hardwareTiers: old: lifecycle: prune: true
domctl apply prod --allow archive`,
		"DC230": `amis: gpu: pin: {id: "ami-0123456789abcdef0", reason: "baked by hand", reviewBy: "2027-03-31"}`,
		"DC232": `amis: nodes: replaces: ["ami-0123456789abcdef0"]`,
		"DC239": `nodePools: gpu: owner: ami: "domctl"`,
		"DC304": `domctl plan prod --out prod.plan
domctl apply prod --plan prod.plan`,
		"DC310": `domctl lock show prod
domctl lock break prod`,
		"DC311": `domctl apply prod --resume last
domctl apply prod --supersede last`,
		"DC317": `domctl apply prod --resume last`,
		"DC318": `domctl rollback prod --to 20260301-101500-k3v9w2m4q7x1`,
		"DC320": `domctl apply prod --resume last
domctl apply prod --supersede last
domctl rollback prod --to 20260301-101500-k3v9w2m4q7x1`,
		"DC410": `domctl plan prod --unlatch --target hardwareTiers.large`,
		"DC420": `domctl rollback prod --exclude settings.maximumExecutionsPerUser`,
		"DC510": `deployment: state: s3: {bucket: "acme-domctl", prefix: "prod", kmsKey: "alias/domctl"}`,
		"DC511": `deployment: state: s3: {bucket: "acme-domctl", prefix: "prod", kmsKey: "alias/domctl"}`,
		"DC604": `domctl doctor prod`,
	}
}
