package run

import "errors"

// ErrBusy is the error of a folder that another process has locked.
var ErrBusy = errors.New("another process is at work")
