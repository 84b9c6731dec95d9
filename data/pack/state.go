package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"longtail/internal/disk"
)

// state is what an interrupted call leaves beside the file that is not whole, so that the same call continues.
type state struct {
	Key     string    `json:"key"`     // of the plan
	Done    int       `json:"done"`    // items that were packed or found damaged
	Damaged []badItem `json:"damaged"` // in the order of the items
	Blocks  []string  `json:"blocks"`  // SHA-256 of the whole blocks
	Tail    string    `json:"tail"`    // SHA-256 of the images behind them
	Sums    [3]uint64 `json:"sums"`    // of the bytes of each channel, training images
	Squares [3]uint64 `json:"squares"` // of their squares
}

// badItem is an item that could not be packed.
type badItem struct {
	Item   int    `json:"item"`
	Reason string `json:"reason"`
	Unread bool   `json:"unread,omitempty"` // the file could not be read, which may be otherwise the next time
}

// images is how many images lie in the file.
func (s *state) images() int { return s.Done - len(s.Damaged) }

// maxStateBytes bounds what is read as a state: a hundred thousand blocks and as many damaged images.
const maxStateBytes = 1 << 28

func statePath(part string) string { return part + ".state" }

// readState reads what an earlier call with a key left; nil where there is nothing to continue, with the reason where there is something.
func readState(part, key string) (s *state, why string) {
	text, err := disk.Read(statePath(part), maxStateBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ""
	}
	s = &state{}
	if err == nil {
		err = disk.Decode(text, s)
	}
	switch {
	case err != nil:
		return nil, err.Error()
	case s.Key != key:
		return nil, "images or options have changed"
	case s.Done < len(s.Damaged):
		return nil, "its counts contradict each other"
	}
	return s, ""
}

// write replaces the state of a file.
func (s *state) write(part string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("describing the state: %w", err)
	}
	return disk.Write(statePath(part), text)
}

// restore reads the images that a state counts, compares them with their checksums, and gives the hash of the last block as far as it is
// written.
func (s *state) restore(f *os.File, imageBytes int64, perBlock int) ([]byte, error) {
	if want := s.images() / perBlock; want != len(s.Blocks) {
		return nil, fmt.Errorf("%d blocks are recorded, %d are there", len(s.Blocks), want)
	}
	block := make([]byte, int64(perBlock)*imageBytes)
	at := int64(pixelsAt)
	for _, want := range s.Blocks {
		if _, err := io.ReadFull(io.NewSectionReader(f, at, int64(len(block))), block); err != nil {
			return nil, err
		}
		if hash(block) != want {
			return nil, errors.New("a block has another checksum")
		}
		at += int64(len(block))
	}
	tail := block[:int64(s.images()%perBlock)*imageBytes]
	if _, err := io.ReadFull(io.NewSectionReader(f, at, int64(len(tail))), tail); err != nil {
		return nil, err
	}
	if hash(tail) != s.Tail {
		return nil, errors.New("the last images have another checksum")
	}
	return tail, nil
}

// hash is the SHA-256 of a text, hexadecimal.
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
