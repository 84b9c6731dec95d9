// Package synthetic draws two data sets that need no file. Importing it registers them with package data.
//
// They show one large object before a cluttered background. In synthetic10 the class is the object's shape, and its surface, tone,
// place, size, tilt and colour vary from image to image; the colour only leans towards the shape's hue. In synthetic100 the class
// is shape, texture and tone together. No class is the mirror image of another, and a class is told by the whole object, so flips
// and 4-pixel crops leave it what it is.
//
// Rare classes have a frequent look-alike of the same hue (a ring is a disc with a hole, a cross a tilted plus), so that a
// network that has seen few of them mistakes them for it, as it takes a truck for an automobile.
package synthetic

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"longtail/data"
	"longtail/internal/rng"

	"golang.org/x/sync/errgroup"
)

var synthetic10Names = []string{"disc", "square", "plus", "triangle", "heart", "diamond", "pair", "ring", "frame", "cross"}

var (
	textureNames = [textures]string{"plain", "barred", "striped", "chequered", "dotted"}
	toneNames    = [tones]string{"light", "dark"}
)

const (
	textures = 5
	tones    = 2
)

// The images are as large as CIFAR's.
const (
	side     = 32
	channels = 3
)

// synthetic100Names are such as light-barred-heart, in the order of the labels.
func synthetic100Names() []string {
	names := make([]string, len(synthetic10Names)*textures*tones)
	for class := range names {
		k := kindOf(class, len(names))
		names[class] = fmt.Sprintf("%s-%s-%s", toneNames[k.tone], textureNames[k.texture], synthetic10Names[k.shape])
	}
	return names
}

// kind is what identifies a class; -1 is anything.
type kind struct{ shape, texture, tone int }

// kindOf is the kind of a class. Among 100 classes the surface advances with the shape too, so that every surface and every
// shape has frequent and rare classes.
func kindOf(class, classes int) kind {
	shapes := len(synthetic10Names)
	if classes == shapes {
		return kind{class, -1, -1}
	}
	shape := class % shapes
	surface := (class/shapes + 3*shape) % (textures * tones)
	return kind{shape, surface % textures, surface / textures}
}

func init() {
	data.Register(newSet("synthetic10", synthetic10Names, 5000, 1000))
	data.Register(newSet("synthetic100", synthetic100Names(), 500, 100))
}

// newSet describes a set of so many training and test images a class.
func newSet(name string, classes []string, train, test int) data.Set {
	s := data.Set{
		Name: name, Label: "synthetic " + strings.TrimPrefix(name, "synthetic"), Classes: classes, Channels: channels, Height: side, Width: side, Drawn: true,
		Train: slices.Repeat([]int{train}, len(classes)), Test: slices.Repeat([]int{test}, len(classes)),
	}
	s.Open = func(_ context.Context, spec data.Spec, _ bool) (data.Pool, error) {
		return newDrawer(spec.SplitSeed, s), nil
	}
	return s
}

// drawer is the pool of a procedural set. Image i of the training or test set is of class i % C, and the (i / C)th of its
// class. Its bytes follow from seed, set, class and that number alone.
type drawer struct {
	seed uint64
	set  data.Set
}

func newDrawer(seed uint64, set data.Set) *drawer { return &drawer{seed, set} }

// Labels of all training or all test images, the classes in turn.
func (d *drawer) Labels(test bool) []int32 {
	counts := d.set.Train
	if test {
		counts = d.set.Test
	}
	labels := make([]int32, counts[0]*len(counts))
	for i := range labels {
		labels[i] = int32(i % len(counts))
	}
	return labels
}

// chunk is how many images a thread draws before it takes the next piece of work.
const chunk = 64

// Images draws those at the indices.
func (d *drawer) Images(ctx context.Context, test bool, indices []int32) (data.Images, error) {
	classes := len(d.set.Classes)
	m := d.set.NewImages(len(indices))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for first := 0; first < len(indices); first += chunk {
		group.Go(func() error {
			c := new(canvas)
			for i := first; i < min(first+chunk, len(indices)); i++ {
				class, index := int(indices[i])%classes, int(indices[i])/classes
				m.Labels[i] = int32(class)
				c.draw(d.stream(test, class, index), kindOf(class, classes), m.Image(i))
			}
			return ctx.Err()
		})
	}
	return m, group.Wait()
}

// stream is the random numbers of one image.
func (d *drawer) stream(test bool, class, index int) *rng.Stream {
	a := uint32(2 * class)
	if test {
		a++
	}
	return rng.New(d.seed, rng.Synthetic, a, uint32(index))
}
