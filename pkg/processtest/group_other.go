//go:build !unix

package processtest

import "os/exec"

// group does nothing: there are no process groups.
func group(*exec.Cmd) {}

// killGroup kills the program alone.
func killGroup(command *exec.Cmd) error { return command.Process.Kill() }
