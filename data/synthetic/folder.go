package synthetic

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"

	"golang.org/x/image/draw"
)

// Folder says which images to draw into a folder with a folder for each class, as a user's own images lie.
type Folder struct {
	Path      string
	Classes   int     // the first ones of synthetic10, 2 to 10
	Size      int     // short side of the images, 32 to 1024 pixels
	Most      int     // images of the most frequent class
	Imbalance float64 // most frequent over rarest class
	Seed      uint64
}

// Bounds of Folder.
const (
	mostDrawn   = 5000
	largestSide = 1024
)

func (f *Folder) check() error {
	switch {
	case f.Classes < 2 || f.Classes > len(synthetic10Names):
		return fail.Usage("--classes %d: there are 2 to %d classes", f.Classes, len(synthetic10Names))
	case f.Size < side || f.Size > largestSide:
		return fail.Usage("--size %d: the short side of the images has %d to %d pixels", f.Size, side, largestSide)
	case f.Most < 1 || f.Most > mostDrawn:
		return fail.Usage("--images %d: the most frequent class has 1 to %d images", f.Most, mostDrawn)
	case !(f.Imbalance >= 1) || f.Imbalance > float64(f.Most):
		return fail.Usage("--imbalance %v: the factor is from 1 to --images, so that the rarest class has an image", f.Imbalance)
	case disk.Exists(f.Path):
		return fail.Usage("--out %s: there is something\nname a folder that does not exist", f.Path)
	}
	return nil
}

// Draw makes the folder and its images, three JPEGs and a PNG in turn, half of them wider than high, and gives their number in each class.
func (f Folder) Draw(ctx context.Context) ([]int, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	set, err := data.Lookup("synthetic10")
	if err != nil {
		return nil, err
	}
	few := *set
	few.Train = slices.Repeat([]int{mostDrawn}, f.Classes)
	few.Classes = set.Classes[:f.Classes]
	counts, err := few.Tail(f.Imbalance, f.Most)
	if err != nil {
		return nil, err
	}
	pool := newDrawer(f.Seed, *set)
	for class, n := range counts {
		folder := filepath.Join(f.Path, set.Classes[class])
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return nil, disk.WriteError(folder, err)
		}
		indices := make([]int32, n)
		for i := range indices {
			indices[i] = int32(i*len(set.Classes) + class)
		}
		images, err := pool.Images(ctx, false, indices)
		if err != nil {
			return nil, fail.Interrupted("interrupted: %s is not whole\nremove it and give the command again", f.Path)
		}
		for i := range n {
			if err := f.write(folder, i, images.Image(i)); err != nil {
				return nil, err
			}
		}
	}
	return counts, nil
}

// write enlarges an image and writes it.
func (f *Folder) write(folder string, number int, planes []byte) error {
	small := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		for c := range channels {
			small.Pix[4*i+c] = planes[c*side*side+i]
		}
		small.Pix[4*i+3] = 255
	}
	width := f.Size
	if number%2 == 1 {
		width = f.Size * 4 / 3
	}
	large := image.NewRGBA(image.Rect(0, 0, width, f.Size))
	draw.CatmullRom.Scale(large, large.Rect, small, small.Rect, draw.Src, nil)
	extension := "jpg"
	if number%4 == 3 {
		extension = "png"
	}
	path := filepath.Join(folder, fmt.Sprintf("%04d.%s", number, extension))
	out, err := os.Create(path)
	if err != nil {
		return disk.WriteError(path, err)
	}
	if extension == "png" {
		err = png.Encode(out, large)
	} else {
		err = jpeg.Encode(out, large, &jpeg.Options{Quality: 90})
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return disk.WriteError(path, err)
	}
	return nil
}
