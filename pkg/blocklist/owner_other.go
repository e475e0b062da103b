//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package blocklist

// checkOwner does nothing where files have no owner by number.
func checkOwner(string) error { return nil }
