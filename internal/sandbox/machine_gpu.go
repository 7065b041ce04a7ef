package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// program is what a name stands for on this machine: of the table, or of a file
// that has to be there.
func (on *session) program(name string) (command, bool) {
	run, ok := commands()[name]
	file, needs := map[string]string{"nvidia-smi": driver, "nvidia-ctk": toolkit}[name]
	if needs {
		on.mu.Lock()
		defer on.mu.Unlock()
		_, there := on.disk.Files[file]
		return run, ok && there
	}
	return run, ok
}

// nvidiaCTK is nvidia-ctk runtime configure --runtime=R --set-as-default.
func nvidiaCTK(_ context.Context, on *session, hc interp.HandlerContext, args []string) error {
	for _, runtime := range []string{"docker", "containerd"} {
		if flagged(args, "--runtime="+runtime) && flagged(args, "--set-as-default") {
			on.write(defaultRuntime(runtime), "nvidia")
			return nil
		}
	}
	return fail(hc, 1, "nvidia-ctk: unsupported: %s", strings.Join(args[1:], " "))
}

// defaultRuntime is the file that holds it here.
func defaultRuntime(runtime string) string { return "/etc/" + runtime + "/default-runtime" }

// oci is the runtime that containers get by default.
func (on *session) oci(runtime string) string {
	on.mu.Lock()
	defer on.mu.Unlock()
	if text := on.disk.Files[defaultRuntime(runtime)]; text != "" {
		return text
	}
	return "runc"
}

// nvidiaSMI is nvidia-smi --query-gpu=driver_version: it has to be loaded.
func nvidiaSMI(_ context.Context, on *session, hc interp.HandlerContext, _ []string) error {
	on.mu.Lock()
	version := on.disk.Files[loaded]
	on.mu.Unlock()
	if version == "" {
		fmt.Fprintln(hc.Stdout, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
		return status(9)
	}
	fmt.Fprintln(hc.Stdout, strings.TrimSpace(version))
	return nil
}

// contained runs nvidia-smi in a container, which has it from NVIDIA's runtime.
func (on *session) contained(ctx context.Context, hc interp.HandlerContext, runtime string, args []string) error {
	if on.oci(runtime) != "nvidia" && !slices.Contains(args, "nvidia-container-runtime") {
		return fail(hc, 127, `exec: "nvidia-smi": executable file not found in $PATH`)
	}
	return nvidiaSMI(ctx, on, hc, nil)
}
