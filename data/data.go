// Package data turns a few words of a config into images: a registered data set, cut to a long-tailed subset, with a held-out
// part if one is asked for. It also decides in which order images are seen and how each is cropped and flipped.
//
//	ds, err := data.Load(ctx, data.Spec{Dataset: "cifar10", Imbalance: 100})
//
// A [Spec] is checked by [Check], counted by [Counts] and loaded by [Load] into a [Dataset]. Data sets register themselves
// ([Set], [Register]): package data/cifar reads CIFAR-10, -20 and -100 from their official files, data/synthetic draws two sets
// that need no file; a program imports those that it ships. The order of an epoch is a registered [Sampler]'s, handed out by a
// [Stream]; [Augment] draws crops, and [Resized] those of any size.
//
// All of it follows from seeds alone (package rng), so that every backend and any number of threads see the same. The protocol is
// that of Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.
package data

import (
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Spec says which images to use. Its fields are the config's data section, named there in lower case with underscores.
type Spec struct {
	Dataset     string  // one of Names(), or the path of a file (see IsFile)
	Imbalance   float64 // images of the most frequent class / images of the rarest one, at least 1; or Natural
	Profile     string  // how counts fall from class to class: exp, or step; empty is exp
	MaxPerClass int     // takes the place of the most frequent class's training images; 0 leaves them
	SplitSeed   uint64  // draws the subset, the held-out part and the pixels of procedural sets
	Draw        string  // one of Draws(): how SplitSeed chooses the subset; empty is SeedDraw
	SplitFile   string  // takes the training images from this file instead (see ReadSplit); empty draws them
	Validation  float64 // part of each class's training images that is held out, in [0, 1)
	Dir         string  // folder with the files of data sets; empty asks the environment (see Folder)
}

// Natural as Spec.Imbalance keeps the classes as they are in the data set.
const Natural = 0

// Images is a labelled set of images, in memory or mapped into it.
type Images struct {
	Pixels                           []byte  // [M, Channels, Height, Width], 0 to 255, channels red, green, blue
	Rows                             []int32 // [N] where each image lies in Pixels; nil: M = N, and image i is the ith
	Labels                           []int32 // [N], each in [0, Classes)
	Classes, Channels, Height, Width int
	File                             string // that Pixels are mapped from, see Read; empty: they are in memory

	// Check returns an error where a row of Pixels, which lies in a file, is not what was written there; nil: the bytes are in memory.
	Check func(row int32) error
}

// Len is N, the number of images.
func (m Images) Len() int { return len(m.Labels) }

// Image is the bytes of image i, [Channels, Height, Width]. Where they may lie in a file, use Read.
func (m Images) Image(i int) []byte {
	size := m.ImageBytes()
	row := m.Row(i)
	return m.Pixels[row*size : (row+1)*size]
}

// Read calls use, Go code that reads the bytes of image i, [Channels, Height, Width], in this goroutine, and keeps none. It returns a data error where the
// file that they are mapped from became shorter in the meantime, or its disk failed: use has then read a part of them.
func (m Images) Read(i int, use func(image []byte)) error {
	if m.File == "" {
		use(m.Image(i))
		return nil
	}
	if err := disk.ReadMapped(m.Pixels, func() { use(m.Image(i)) }); err != nil {
		return fail.Data("file of images %s: %w\nrestore the file from a copy, and give the same command again", m.File, err)
	}
	return nil
}

// Row is where image i lies in Pixels.
func (m Images) Row(i int) int {
	if m.Rows == nil {
		return i
	}
	return int(m.Rows[i])
}

// ImageBytes is the length of one image.
func (m Images) ImageBytes() int { return m.Channels * m.Height * m.Width }

// Intact checks the images at the indices before they are used; negative indices are padding. It returns a data error for the first one
// whose file is damaged. Images in memory are always intact.
func (m Images) Intact(indices []int32) error {
	if m.Check == nil {
		return nil
	}
	for _, i := range indices {
		if i < 0 {
			continue
		}
		if err := m.Check(int32(m.Row(int(i)))); err != nil {
			return err
		}
	}
	return nil
}

// Dataset is what a Spec asks for. Training images stand in the order of the original training set, whatever the order
// of the list that chose them; so do the held-out ones.
type Dataset struct {
	Name       string
	ClassNames []string // [C]
	Train      Images   // what is trained on: the subset without its held-out part
	Validation Images   // the held-out part, empty where none is asked for
	Test       Images
	Counts     []int // [C] images of each class in Train, so that class weights count what is trained on
	Split      Split // the same choice as indices into the original training set
	Files      Files // where the images of Train lie in the set's files
}
