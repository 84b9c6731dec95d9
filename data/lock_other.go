//go:build !unix

package data

import "os"

// lock does nothing where the system has no flock: two fetches at once then end in a checksum error.
func lock(*os.File) error { return nil }
