package collector

import "errors"

// lockFile is the file of the data directory whose lock a collector holds while it runs.
const lockFile = "lock"

// errDataDirInUse is returned for a data directory that another collector on this machine uses.
var errDataDirInUse = errors.New("another collector uses this data directory: each needs one of its own")
