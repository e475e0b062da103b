//go:build unix

package processtest

import (
	"os/exec"
	"syscall"
)

// group lets a program that is not started yet run in a process group of its own.
func group(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the group of a program.
func killGroup(command *exec.Cmd) error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
