package lease

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// recordBytes is the size of a lock: heartbeats are written over each other, and none leaves a part of the one before.
const recordBytes = 2048

// longestWord is how many bytes of a name from outside a record has.
const longestWord = 200

// encode is the file's content.
func (r Record) encode() []byte {
	for _, word := range []*string{&r.Host, &r.Boot, &r.Spaces, &r.Start, &r.Job} {
		*word = (*word)[:min(len(*word), longestWord)]
	}
	text, err := json.Marshal(r)
	if err != nil || len(text) >= recordBytes { // names of many control characters
		r.Host, r.Job, r.Progress = "", "", nil
		text, _ = json.Marshal(r)
	}
	return append(append(text, bytes.Repeat([]byte(" "), max(0, recordBytes-1-len(text)))...), '\n')
}

// beat writes a heartbeat, and finds out whether the lock is lost. The caller holds mu.
func (l *Lease) beat() error {
	if err := l.Lost(); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return l.lose(nil)
	}
	if err != nil {
		return err
	}
	err = l.beatInto(f)
	return errors.Join(err, f.Close())
}

// beatInto writes into a file that has this lock's token: one that was renamed into its place meanwhile is another file.
func (l *Lease) beatInto(f *os.File) error {
	text, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return err
	}
	var now Record
	if json.Unmarshal(text, &now) != nil || now.Token != l.record.Token {
		return l.lose(&now)
	}
	next := l.record
	next.Beat++
	next.Progress = l.progress.Load()
	if _, err := f.WriteAt(next.encode(), 0); err != nil {
		return err
	}
	// A taker that came before the heartbeat has made its claim, or has renamed it and this file is no longer the lock.
	if s, err := look(l.claim(l.record.Token)); err == nil {
		return l.lose(&s.Record)
	}
	s, err := look(l.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.lose(nil)
	case err != nil:
		return err
	case s.Token != l.record.Token:
		return l.lose(&s.Record)
	}
	l.record.Beat, l.last = next.Beat, l.now()
	return nil
}

// lose records that the lock is lost, to whom if that is known.
func (l *Lease) lose(to *Record) error {
	by := "it was removed, or another process took it over and has ended"
	if to != nil && to.Host != "" {
		by = to.Place() + " took it over"
	}
	err := fmt.Errorf("%w: %s: %s, for this one did not renew it in time, as after a suspension\nnothing more is written here; the same command, once the other process has ended, finds the run done or resumes it",
		ErrLost, l.path(), by)
	l.lost.Store(&err)
	return err
}
