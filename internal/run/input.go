package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Input is input.json: what a network must be told to look at new images, so that a run can be used without the images that it was trained on.
type Input struct {
	Version    int       `json:"version"`
	ClassNames []string  `json:"class_names"` // [C]
	Channels   int       `json:"channels"`    // of an image: red, green, blue
	Height     int       `json:"height"`
	Width      int       `json:"width"`
	Scale      []float32 `json:"scale"` // [channels]; the network sees scale * byte + shift
	Shift      []float32 `json:"shift"`
	Border     float32   `json:"border"`     // what the network sees beyond an image
	Background string    `json:"background"` // behind transparent pixels, RRGGBB

	Seal string `json:"seal"` // SHA-256 of the run's config.Fingerprint and the record without this field
}

// White is the background of sets that do not name one.
const White = "ffffff"

// inputVersion is the version of input.json.
const inputVersion = 1

// NewInput describes the images of a set and how bytes become numbers.
func NewInput(set *data.Set, in data.Input) Input {
	record := Input{
		Version: inputVersion, ClassNames: set.Classes, Channels: set.Channels, Height: set.Height, Width: set.Width,
		Scale: in.Scale[:set.Channels], Shift: in.Shift[:set.Channels], Border: in.Border, Background: set.Background,
	}
	if record.Background == "" {
		record.Background = White
	}
	return record
}

// Encode seals the record of a run with that fingerprint and gives its text.
func (i Input) Encode(fingerprint string) ([]byte, error) {
	var err error
	if i.Seal, err = i.hash(fingerprint); err != nil {
		return nil, err
	}
	text, err := disk.Encode(i)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", InputFile, err)
	}
	return text, nil
}

func (i Input) hash(fingerprint string) (string, error) {
	i.Seal = ""
	text, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("sealing %s: %w", InputFile, err)
	}
	return Hash(append([]byte(fingerprint), text...)), nil
}

// Data is the record as package data has it.
func (i *Input) Data() data.Input {
	in := data.Input{Border: i.Border}
	copy(in.Scale[:], i.Scale)
	copy(in.Shift[:], i.Shift)
	return in
}

// Images has room for n images of the run.
func (i *Input) Images(n int) data.Images {
	return data.Images{
		Pixels: make([]byte, n*i.Channels*i.Height*i.Width), Labels: make([]int32, n),
		Classes: len(i.ClassNames), Channels: i.Channels, Height: i.Height, Width: i.Width,
	}
}

// ReadInput reads the input.json of the run with that fingerprint. Damage is a data error that names the file; a run that began before there was
// one gives an error that is fs.ErrNotExist.
func ReadInput(dir, fingerprint string) (*Input, error) {
	path := filepath.Join(dir, InputFile)
	text, err := disk.Read(path, MaxRecordBytes)
	if err != nil {
		return nil, fail.Data("reading what the run's network looks at: %w", err)
	}
	i := &Input{}
	err = disk.Decode(text, i)
	if err == nil {
		err = i.check(fingerprint)
	}
	if err != nil {
		return nil, fail.Data("%s is damaged: %w\nrestore it from a copy; or remove it, and it follows from the data set while that is there", path, err)
	}
	return i, nil
}

func (i *Input) check(fingerprint string) error {
	if i.Version != inputVersion {
		return fmt.Errorf("version %d, this program reads %d", i.Version, inputVersion)
	}
	want, err := i.hash(fingerprint)
	switch {
	case err != nil:
		return err
	case want != i.Seal:
		return errors.New("its seal does not fit: a value was changed, or it is another run's")
	case len(i.ClassNames) < 2 || i.Channels < 1 || i.Channels > data.MaxChannels || i.Height < 1 || i.Width < 1 || i.Height > maxSide || i.Width > maxSide:
		return fmt.Errorf("%d classes of images [%d, %d, %d]", len(i.ClassNames), i.Channels, i.Height, i.Width)
	case len(i.Scale) != i.Channels || len(i.Shift) != i.Channels:
		return fmt.Errorf("%d channels have %d scales and %d shifts", i.Channels, len(i.Scale), len(i.Shift))
	}
	return nil
}

// maxSide bounds the rows and columns of an image.
const maxSide = 1 << 15
