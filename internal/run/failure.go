package run

import (
	"path/filepath"
	"time"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// FailureFile holds the Failure of a run that ended with an error; it is removed when the run resumes.
const FailureFile = "failure.json"

// Failure is failure.json: why a run ended before its last step, other than by an interruption.
type Failure struct {
	Time  string `json:"time"` // RFC 3339
	Host  string `json:"host"`
	Code  int    `json:"code"`  // exit code, see package fail
	Error string `json:"error"` // its text, lines that say what to do included
}

// ReadFailure reads the record of a run that failed; fs.ErrNotExist where it did not.
func ReadFailure(dir string) (f Failure, err error) {
	path := filepath.Join(dir, FailureFile)
	text, err := disk.Read(path, maxFailureBytes)
	if err != nil {
		return f, err
	}
	if err := disk.Decode(text, &f); err != nil {
		return f, fail.Data("%s is damaged: %w\nremove it: it is only a message", path, err)
	}
	return f, nil
}

// maxFailureBytes bounds failure.json, whose text is cut to a part of it.
const maxFailureBytes = 1 << 20

// longestFailure is how many bytes of an error's text are kept.
const longestFailure = 64 << 10

// WriteFailure records why the run ended.
func (f *Folder) WriteFailure(err error, host string) error {
	text := err.Error()
	if len(text) > longestFailure {
		text = text[:longestFailure] + " ..."
	}
	return f.WriteJSON(FailureFile, Failure{time.Now().Format(time.RFC3339), host, fail.Code(err), text})
}
