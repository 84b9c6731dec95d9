package data

import "context"

// Load reads or draws the images that s asks for. Errors are usage errors (a bad value of s) or data errors (files missing
// or damaged), each with what to do in its last line.
func Load(ctx context.Context, s Spec) (*Dataset, error) {
	set, err := check(s)
	if err != nil {
		return nil, err
	}
	all, err := set.open(ctx, s, true)
	if err != nil {
		return nil, err
	}
	split, err := choose(s, set, all.Labels(false))
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: set.Name, ClassNames: set.Classes, Counts: split.Counts, Split: *split, Files: filesOf(s, set, split.Indices)}
	if d.Train, err = all.Images(ctx, false, split.Indices); err != nil {
		return nil, err
	}
	if d.Validation, err = all.Images(ctx, false, split.Validation); err != nil {
		return nil, err
	}
	d.Test, err = all.Images(ctx, true, testIndices(s, set, all.Labels(true)))
	return d, err
}

// TrainLabels are the labels [N] of the training images that Load(s) would give, and where those lie in the set's files. The images
// themselves are not kept.
func TrainLabels(ctx context.Context, s Spec) ([]int32, Files, error) {
	set, err := check(s)
	if err != nil {
		return nil, Files{}, err
	}
	all, err := set.open(ctx, s, false)
	if err != nil {
		return nil, Files{}, err
	}
	labels := all.Labels(false)
	split, err := choose(s, set, labels)
	if err != nil {
		return nil, Files{}, err
	}
	chosen := make([]int32, len(split.Indices))
	for i, index := range split.Indices {
		chosen[i] = labels[index]
	}
	return chosen, filesOf(s, set, split.Indices), nil
}

// filesOf says in which file of a set each of the indexed training images lies.
func filesOf(s Spec, set *Set, indices []int32) Files {
	f := Files{Original: s.Imbalance == 1 && s.SplitFile == ""}
	if len(set.Files) < 2 {
		return f
	}
	f.Of = make([]int32, len(indices))
	file, end := 0, set.Files[0]
	for i, index := range indices { // ascending
		for int(index) >= end {
			file++
			end += set.Files[file]
		}
		f.Of[i] = int32(file)
	}
	return f
}
