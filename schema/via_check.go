package schema

// via looks at the way to MongoDB.
func (c *checker) via() {
	v := c.Deployment.Mongo.Via
	if v.SSH != nil && v.PortForward != nil {
		c.add("DC820", Error, Address{}, c.Deployment.At, "state one of them", "deployment.mongo.via has ssh and portForward")
	}
	if v.SSH == nil {
		return
	}
	if len(v.SSH.HostKeys) == 0 {
		c.add("DC820", Error, Address{}, c.Deployment.At, "write its /etc/ssh/ssh_host_ed25519_key.pub there", "deployment.mongo.via.ssh.hostKeys names no key, so that nobody could tell the server from another")
	}
	for i, line := range v.SSH.HostKeys {
		if !isHostKey(line) {
			c.add("DC820", Error, Address{}, c.Deployment.At, "write it as the server's /etc/ssh/ssh_host_ed25519_key.pub has it",
				"deployment.mongo.via.ssh.hostKeys.%d is no host key: %s", i, quoted(line))
		}
	}
}
