package collector

import "errors"

// lockFile is the file of the data directory whose lock a collector holds while it runs.
const lockFile = "lock"

// errNotRunning is returned if no collector uses a data directory.
var errNotRunning = errors.New("no collector runs with this data directory on this machine")

// errDataDirInUse is returned for a data directory that another collector on this machine uses.
var errDataDirInUse = errors.New("another collector uses this data directory: each needs one of its own")
