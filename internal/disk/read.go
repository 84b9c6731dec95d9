package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// ErrNotAFile is the error of a folder or a device that is read.
var ErrNotAFile = errors.New("it is not a regular file")

// ErrNothingWritten is the error of ReadInput for a pipe that nothing was written to: it must not pass for an empty file.
var ErrNothingWritten = errors.New("it is a pipe that nothing was written to")

// ErrInterrupted is the error of ReadInput where a signal came before the end of a pipe.
var ErrInterrupted = errors.New("interrupted before the end of the pipe")

// Read reads a regular file of at most limit bytes. All else, which may have no end, is ErrNotAFile, and is not waited for.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, limit)
}

// ReadInput is Read for a file that a user names, which may be a pipe: that is read until its last writer closes it, or until a signal
// that ends the process (ErrInterrupted). One that has no writer is not waited for (ErrNothingWritten).
func ReadInput(path string, limit int64) ([]byte, error) {
	f, info, err := open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Mode().IsRegular() {
		return readAll(f, path, limit)
	}
	defer interruptible(f)()
	text, err := readAll(f, path, limit)
	if err == nil && len(text) == 0 {
		err = &os.PathError{Op: "read", Path: path, Err: ErrNothingWritten}
	}
	return text, err
}

// readAll reads an open file of at most limit bytes.
func readAll(f *os.File, path string, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.Grow(int(info.Size()) + bytes.MinRead)
	n, err := text.ReadFrom(io.LimitReader(f, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = ErrInterrupted
	case err == nil && n > limit:
		err = tooLarge(limit)
	}
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return text.Bytes(), nil
}

// Hash is the SHA-256 of a regular file of at most limit bytes, in hexadecimal.
func Hash(path string, limit int64) (string, error) {
	f, err := Open(path, limit)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, limit)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Open opens a regular file of at most limit bytes; all else is ErrNotAFile.
func Open(path string, limit int64) (*os.File, error) {
	f, info, err := open(path, limit)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, &os.PathError{Op: "read", Path: path, Err: ErrNotAFile}
	}
	return f, nil
}

// open opens a regular file of at most limit bytes, or a pipe.
func open(path string, limit int64) (*os.File, os.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		switch mode := info.Mode(); {
		case !mode.IsRegular() && mode&os.ModeNamedPipe == 0:
			err = &os.PathError{Op: "read", Path: path, Err: ErrNotAFile}
		case info.Size() > limit:
			err = &os.PathError{Op: "read", Path: path, Err: tooLarge(limit)}
		}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func tooLarge(limit int64) error { return fmt.Errorf("it is larger than %d bytes", limit) }

// interruptible lets a signal that ends the process end reading from a pipe. The function that it returns takes that back.
func interruptible(f *os.File) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case <-signals:
			_ = f.SetReadDeadline(time.Now()) // a pipe that cannot have one is at its end or has bytes
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
