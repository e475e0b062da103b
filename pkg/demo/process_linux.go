package demo

import "syscall"

// processAttributes keep an interrupt of the terminal from the children, which are stopped in order, and end them should
// the demo be killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
