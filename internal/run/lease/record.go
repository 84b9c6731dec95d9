package lease

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"regexp"
	"time"

	"longtail/internal/disk"
)

// File is the lock's name in the folder that it is of.
const File = "lock.json"

// Record is the content of a lock: who holds the folder, and a heartbeat.
type Record struct {
	Token  string `json:"token"`            // drawn for each time that the folder is locked
	Host   string `json:"host"`             // the machine's name, for people
	Boot   string `json:"boot,omitempty"`   // identifies the running kernel; empty where the system does not tell
	Spaces string `json:"spaces,omitempty"` // namespace of the process number; empty where there are none
	PID    int    `json:"pid"`
	Start  string `json:"start,omitempty"` // when the process began, in the system's form; empty where it does not tell
	Job    string `json:"job,omitempty"`   // of the scheduler, such as "1234_5" of Slurm
	Flock  bool   `json:"flock"`           // the holder has an flock on the folder too
	Since  string `json:"since"`           // RFC 3339, by the holder's clock, for people
	Beat   int    `json:"beat"`            // counts while the holder lives

	Progress *Progress `json:"progress,omitempty"`
}

// Progress is what a holder says of its work.
type Progress struct {
	Step   int     `json:"step"` // optimiser steps done
	Steps  int     `json:"steps"`
	Epoch  float64 `json:"epoch"` // epochs done
	Epochs float64 `json:"epochs"`
	Loss   float64 `json:"loss"`          // mean over the samples of the current epoch so far
	Rate   float64 `json:"images_per_s"`  // of training steps; 0 while it is not known
	Extra  float64 `json:"eval_share"`    // seconds of tests for each second of training steps
	Test   string  `json:"set,omitempty"` // the set that is being evaluated; empty while training
}

// maxBytes bounds a lock that is read.
const maxBytes = 1 << 16

// isToken matches tokens, which names of files are made of.
var isToken = regexp.MustCompile(`^[a-z0-9]{1,64}$`)

// seen is a lock as it was read.
type seen struct {
	Record
	raw string // bytes of the file: any change is a heartbeat
}

// Read reads the lock of a folder and the time of its last heartbeat by the file system's clock; fs.ErrNotExist where the folder is not
// locked. A record that cannot be decoded, as one that is being written, has only a token, which follows from its bytes.
func Read(dir string) (Record, time.Time, error) {
	path := filepath.Join(dir, File)
	s, err := look(path)
	if err != nil {
		return Record{}, time.Time{}, err
	}
	f, err := disk.Open(path, maxBytes)
	if err != nil {
		return Record{}, time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Record{}, time.Time{}, err
	}
	return s.Record, info.ModTime(), nil
}

// look reads a lock. Opening the file anew makes a network file system ask its server.
func look(path string) (*seen, error) {
	text, err := disk.Read(path, maxBytes)
	if err != nil {
		return nil, err
	}
	s := &seen{raw: string(text)}
	if json.Unmarshal(text, &s.Record) != nil || !isToken.MatchString(s.Token) {
		sum := sha256.Sum256(text)
		s.Record = Record{Token: "unreadable" + hex.EncodeToString(sum[:8])}
	}
	return s, nil
}
