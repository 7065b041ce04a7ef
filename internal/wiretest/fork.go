//go:build linux

package wiretest

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// forker starts children that die with this process. The kernel sends the
// death signal when the thread that forked ends, and Go ends threads as it
// likes, so one goroutine locks its thread for good and forks for all.
type forker struct {
	once sync.Once
	jobs chan forkJob
}

type forkJob struct {
	cmd  *exec.Cmd
	done chan error
}

func (f *forker) start(cmd *exec.Cmd) error {
	f.once.Do(func() {
		f.jobs = make(chan forkJob)
		go f.serve()
	})
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, true
	job := forkJob{cmd: cmd, done: make(chan error, 1)}
	f.jobs <- job
	return <-job.done
}

func (f *forker) serve() {
	runtime.LockOSThread()
	for job := range f.jobs {
		job.done <- job.cmd.Start()
	}
}
