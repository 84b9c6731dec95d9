//go:build !linux && !darwin

package lease

import "errors"

// bootID is empty: the system does not tell.
func bootID() string { return "" }

// startOf is an error: the flock of a process tells here whether it lives.
func startOf(int) (string, error) { return "", errors.ErrUnsupported }
