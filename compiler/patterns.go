package compiler

// patternWords says in words what the patterns of the schema admit that stand at fields:
// those of definitions have a comment that says it ("A duration: …").
func patternWords(pattern string) string {
	return map[string]string{
		`^https?://[^\s]+$`:                                        `an address that begins with https:// or http:// and has no blanks`,
		`^[0-9]{12}$`:                                              `12 digits`,
		`^[0-9a-f]{8,32}$`:                                         `8 to 32 hexadecimal digits, in small letters`,
		`^[0-9a-f]{24}$`:                                           `24 hexadecimal digits, in small letters`,
		`^[0-9]+(\.[0-9]+)*$`:                                      `numbers with dots between them, such as "535.104"`,
		`^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$`:                       `a platform, such as "linux/amd64"`,
		`^[a-z]{2}(-[a-z]+)+-[0-9]$`:                               `a region of AWS, such as "us-west-2"`,
		`\.tfvars(\.json)?$`:                                       `a file of variables, "….tfvars" or "….tfvars.json"`,
		`^[^:]*:(NoSchedule|PreferNoSchedule|NoExecute)$`:          `a value and an effect, such as "true:NoSchedule"`,
		`^arn:aws[a-z-]*:iam::[0-9]{12}:role/`:                     `the ARN of an IAM role, such as "arn:aws:iam::111122223333:role/NAME"`,
		`^DC[0-9]{3}$`:                                             `a code, such as "DC105"`,
		`^([01][0-9]|2[0-3]):[0-5][0-9]$`:                          `a time of day, such as "22:00"`,
		`^sha256:[0-9a-f]{64}$`:                                    `a digest: "sha256:" and 64 hexadecimal digits`,
		`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`:                          `a name of Kubernetes: small letters, digits and hyphens`,
		`^[A-Za-z][A-Za-z0-9_]*$`:                                  `letters, digits and underscores, first a letter`,
		`^[A-Za-z_][A-Za-z0-9_]*$`:                                 `letters, digits and underscores, first no digit`,
		`^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*/[-._a-zA-Z0-9]+$`: `a secret and its key, "namespace/name/key"`,
	}[pattern]
}
