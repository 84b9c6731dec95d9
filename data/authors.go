package data

import (
	"longtail/internal/fail"
	"longtail/internal/rng"
)

// The values of the key data.order.
const (
	UniformOrder = "uniform" // as the sampler draws
	AuthorsOrder = "authors" // as the released code of Cui et al. (CVPR 2019) reads its record file
)

// Orders are the values of the key data.order.
func Orders() []string { return []string{UniformOrder, AuthorsOrder} }

// Files says how training images lie in their data set's files, which the authors' record file follows.
type Files struct {
	Of       []int32 // [N] the number of each image's file; nil: all lie in one
	Original bool    // the record file keeps the order of the images, as it does for a balanced set
}

// newAuthorsStream is the order of the released code of Cui et al., which is not uniform. Of each file of the data set, the record file
// has class 0's images in random order, then class 1's, and so on. It is read again and again through a shuffle buffer of
// int(0.4 N) + 3 batch records: the buffer is filled, then each draw takes a uniformly random place of it, which the next record fills.
// The stream starts anew with an empty buffer after each floor(2 N / batch) steps, between which the authors' code tests, so that what
// is left in the buffer then was not drawn.
//
// Block k of the stream is all draws between two such starts: the places are rng.New(seed, rng.Buffer, k, 0).Intn, one a draw; the
// record file is drawn once a run, class c of file f from rng.New(seed, rng.Records, f, c).
func newAuthorsStream(s Sampling, e Epoch, files Files) (*Stream, error) {
	length := 2 * len(e.Labels) / s.Batch * s.Batch
	if length == 0 {
		return nil, fail.Usage("data.order=authors: %d training images are less than half a batch of %d\nlower train.batch, or use data.order=uniform", len(e.Labels), s.Batch)
	}
	records := recordFile(e, files)
	size := int(0.4*float64(len(records))) + 3*s.Batch
	return &Stream{length: length, draw: func(number int) ([]int32, error) {
		return shuffleBuffer(records, size, length, rng.New(e.Seed, rng.Buffer, uint32(number), 0)), nil
	}}, nil
}

// recordFile is the order of the training images in the authors' record file, [N].
func recordFile(e Epoch, files Files) []int32 {
	records := make([]int32, 0, len(e.Labels))
	if files.Original {
		for i := range e.Labels {
			records = append(records, int32(i))
		}
		return records
	}
	for f, images := range files.split(len(e.Labels)) {
		labels := make([]int32, len(images))
		for i, image := range images {
			labels[i] = e.Labels[image]
		}
		for class, members := range byClass(labels, e.Classes) {
			for _, k := range rng.New(e.Seed, rng.Records, uint32(f), uint32(class)).Perm(len(members)) {
				records = append(records, images[members[k]])
			}
		}
	}
	return records
}

// split is the indices of n images by their files, ascending.
func (f Files) split(n int) [][]int32 {
	var all [][]int32
	for i := range n {
		file := int32(0)
		if f.Of != nil {
			file = f.Of[i]
		}
		for int(file) >= len(all) {
			all = append(all, nil)
		}
		all[file] = append(all[file], int32(i))
	}
	return all
}

// shuffleBuffer gives the first draws from records, repeated without end, through a shuffle buffer of a size.
func shuffleBuffer(records []int32, size, draws int, places *rng.Stream) []int32 {
	buffer := make([]int32, size)
	for i := range buffer {
		buffer[i] = records[i%len(records)]
	}
	order := make([]int32, draws)
	for i := range order {
		place := places.Intn(size)
		order[i] = buffer[place]
		buffer[place] = records[(size+i)%len(records)]
	}
	return order
}
