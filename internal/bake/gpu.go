package bake

// drivers installs what the GPU needs on the instance that is baked, and makes
// NVIDIA's runtime the engine's default.
func (o order) drivers(s *stages) {
	if o.bake.GPU == nil {
		return
	}
	for _, script := range o.bake.GPU.Scripts {
		s.say("the driver")
		s.run("(", script, ")")
	}
	s.say("the NVIDIA runtime")
	s.run("command -v nvidia-ctk >/dev/null || { echo 'nvidia-ctk is not there; install the NVIDIA container toolkit: bake: gpu: scripts'; exit 1; }",
		"nvidia-ctk runtime configure --runtime="+o.bake.Runtime+" --set-as-default",
		"systemctl restart "+o.bake.Runtime)
	s.run(o.engine().answers...)
}

// gpus looks whether a container sees the GPU by what the image holds alone: its
// driver, and the engine's default runtime.
func (o order) gpus(s *stages) {
	s.say("the driver")
	s.run(`have=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1) || { echo "nvidia-smi: $have"; exit 1; }`,
		`have=$(echo "$have" | head -n 1)`)
	s.run(o.leastDriver()...)
	s.say("the default runtime")
	s.run(o.engine().nvidia...)
	s.say("nvidia-smi in a container")
	s.run(o.engine().smi(o.probe()) + ` || { echo "$out" | head -n 1; exit 1; }`)
}

// leastDriver compares the version in $have with the least one that is asked for.
func (o order) leastDriver() []string {
	if o.bake.GPU.MinDriver == "" {
		return nil
	}
	return []string{
		"least=" + quote(o.bake.GPU.MinDriver),
		`case $have in '' | *[!0-9.]*) echo "the NVIDIA driver does not say its version: $have"; exit 1 ;; esac`,
		"have_=$have. least_=$least.",
		`while [ -n "$least_" ]; do`,
		`	h=${have_%%.*} l=${least_%%.*} have_=${have_#*.} least_=${least_#*.}`,
		`	[ "${h:-0}" -le "$l" ] || break`,
		`	[ "${h:-0}" -ge "$l" ] || { echo "the NVIDIA driver is $have and at least $least is asked for"; exit 1; }`,
		"done",
	}
}

// restart ends the work for now, with what it has found out in a file that outlasts
// the restart: resumeText goes on from there.
func (o order) restart(s *stages, id string) {
	s.say("the instance restarts")
	if o.bake.Connect.SSH != nil {
		s.run(keysOnConsole)
	}
	s.run("cat "+s.at+"/said >"+kept(id)+".new", "mv "+kept(id)+".new "+kept(id), "sync", "systemctl reboot", "sleep 600", "echo 'it did not restart'", "exit 1")
}

// resumeText looks at the GPU once more when the instance has restarted.
func (o order) resumeText(id string) string {
	s := stages{at: folder(id)}
	s.run("set -eu")
	s.say("the engine after a restart")
	s.run(o.engine().answers...)
	o.gpus(&s)
	s.run("cat " + kept(id) + " >" + s.at + "/said")
	return s.b.String()
}

// keysOnConsole writes the host keys to the console at each boot: cloud-init does
// at the first alone, and over SSH domctl trusts no other word for them.
const keysOnConsole = `cat >/etc/systemd/system/domctl-keys.service <<'END'
[Unit]
After=ssh.service sshd.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec >/dev/console; echo "-----BEGIN SSH HOST KEY KEYS-----"; cat /etc/ssh/ssh_host_*_key.pub; echo "-----END SSH HOST KEY KEYS-----"'
[Install]
WantedBy=multi-user.target
END
systemctl enable domctl-keys.service`
