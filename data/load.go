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
	d := &Dataset{Name: set.Name, ClassNames: set.Classes, Counts: split.Counts, Split: *split}
	if d.Train, err = all.Images(ctx, false, split.Indices); err != nil {
		return nil, err
	}
	if d.Validation, err = all.Images(ctx, false, split.Validation); err != nil {
		return nil, err
	}
	d.Test, err = all.Images(ctx, true, testIndices(s, set, all.Labels(true)))
	return d, err
}
