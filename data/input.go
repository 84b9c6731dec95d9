package data

import (
	"longtail/internal/fail"
)

// The values of the key data.input.
const (
	BytesInput    = "bytes"    // byte / 128 - 1, as in Cui et al.; the border of crops is byte 0
	StandardInput = "standard" // by mean and deviation of a channel, as in Cao et al., or of the set's own images where it knows them; the border of crops is the mean
)

// Inputs are the values of the key data.input.
func Inputs() []string { return []string{BytesInput, StandardInput} }

// MaxChannels is how many channels an image may have.
const MaxChannels = 4

// Input is how bytes become the numbers that a network sees: Scale[c] byte + Shift[c], rounded once. What lies outside of the image,
// where a crop reaches beyond it, is Border.
type Input struct {
	Scale, Shift [MaxChannels]float32 // of each channel
	Border       float32
}

// Mean and deviation of the channels of CIFAR-10, a byte counting as byte / 255. Cao et al., "Learning Imbalanced Datasets with
// Label-Distribution-Aware Margin Loss" (NeurIPS 2019), and most after them, use them for CIFAR-100 too.
var (
	standardMean      = [...]float64{.4914, .4822, .4465}
	standardDeviation = [...]float64{.2023, .1994, .2010}
)

// NewInput is the input of a name for the images of a set. An unknown name, and channels that the input has no numbers for, are usage errors.
func (s *Set) NewInput(name string) (Input, error) {
	if name == StandardInput && s.Mean != nil {
		return standardise(s.Mean, s.Deviation), nil
	}
	return NewInput(name, s.Channels)
}

// standardise is the input that has mean 0 and deviation 1 in each channel. A deviation is at least a step of a byte, so that a channel
// without contrast stays finite.
func standardise(mean, deviation []float64) (in Input) {
	for c := range mean {
		d := max(deviation[c], 1./255)
		in.Scale[c], in.Shift[c] = float32(1/(255*d)), float32(-mean[c]/d)
	}
	return in
}

// NewInput is the input of a name for images of so many channels with the mean and deviation of CIFAR-10. An unknown name, and channels
// that the input has no numbers for, are usage errors.
func NewInput(name string, channels int) (Input, error) {
	var in Input
	switch {
	case name == BytesInput:
		in.Border = -1
		for c := range in.Scale {
			in.Scale[c], in.Shift[c] = 1./128, -1
		}
	case name != StandardInput:
		return in, fail.Usage("data.input=%s: there is no such input\nchoose one of bytes, standard", name)
	case channels != len(standardMean):
		return in, fail.Usage("data.input=standard: it has the mean and deviation of %d channels, and the images have %d\nuse data.input=bytes", len(standardMean), channels)
	default:
		return standardise(standardMean[:], standardDeviation[:]), nil
	}
	return in, nil
}
