//go:build !linux

package demo

import "syscall"

// processAttributes are the usual ones where children cannot be tied to the life of their parent.
func processAttributes() *syscall.SysProcAttr { return nil }
