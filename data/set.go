package data

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/fail"
)

// Set describes a data set without reading it.
type Set struct {
	Name                    string
	Label                   string   // the name for a reader, such as CIFAR-10; empty: Name
	Classes                 []string // [C] names, in the order of the labels
	Channels, Height, Width int      // of every image
	Train, Test             []int    // [C] images of each class in the original order of classes
	Drawn                   bool     // computed from a seed, so that it needs no file
	Files                   []int    // training images in each file, in the original order; nil: all lie in one
	FilesOf                 string   // the set whose files this one reads too; empty where they are its own
	Source                  string   // SHA-256 of a set that is one file (Format); empty of a set with a name
	Background              string   // behind transparent pixels of its images, RRGGBB; empty: white

	Mean, Deviation []float64 // of each channel over the training images, a byte counting as byte / 255; nil: not known

	// Open makes the images available. The training labels must be there; the test images only if withTest is set.
	Open func(ctx context.Context, s Spec, withTest bool) (Pool, error)
	// Names are those of the images' files within their source, any bytes, in the order of the rows of Images.Pixels. It is nil for a set whose
	// images have none.
	Names func() ([]string, error)
	// Fetch gets the set's files into a folder (see Folder) and reports bytes to progress, which may be nil. It is nil for a set
	// that has nothing to download.
	Fetch func(ctx context.Context, dir string, progress func(done, total int64)) error
	// Verify compares the set's files with their published checksums. It is nil for a set without files.
	Verify func(dir string) ([]FileReport, error)
}

// Pool is all images of a data set, of which a subset is taken. Indices count from 0 in the original order.
type Pool interface {
	// Labels are those of all training or all test images, [N].
	Labels(test bool) []int32
	// Images are those at the indices, in their order.
	Images(ctx context.Context, test bool, indices []int32) (Images, error)
}

// FileReport is what is known of one file of a data set.
type FileReport struct {
	Path  string // in the data folder
	State FileState
	Err   error // what was expected and found, where State is not FileOK
}

// FileState is ok, missing or damaged.
type FileState string

// The states of a file.
const (
	FileOK      FileState = "ok"
	FileMissing FileState = "missing"
	FileDamaged FileState = "damaged" // or unreadable
)

var sets = map[string]*Set{}

// Register makes a data set known; the package of a set calls it in its init. A taken name is a panic, and so is a set whose
// counts do not fit its classes.
func Register(s Set) {
	if _, taken := sets[s.Name]; taken || s.Name == "" {
		panic("data: set " + s.Name + " is registered twice")
	}
	if len(s.Classes) < 2 || len(s.Train) != len(s.Classes) || len(s.Test) != len(s.Classes) || slices.Min(s.Train) < 1 || slices.Min(s.Test) < 0 {
		panic("data: set " + s.Name + " needs at least two classes, each with training images")
	}
	if s.Files != nil && sum(s.Files) != sum(s.Train) {
		panic("data: set " + s.Name + " has another number of images in its files than in its classes")
	}
	if s.Channels < 1 || s.Height < 1 || s.Width < 1 || s.Open == nil {
		panic("data: set " + s.Name + " needs the size of its images and Open")
	}
	sets[s.Name] = &s
}

// Label is a data set's name for a reader; a name that no set is registered under is its own.
func Label(name string) string {
	if s, ok := sets[name]; ok {
		return cmp.Or(s.Label, s.Name)
	}
	return name
}

// sum adds counts up.
func sum(counts []int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// Lookup finds a data set by name, or opens the file that the name is the path of (see IsFile). An unknown one is a usage error that lists
// those there are; a file that is missing or damaged is a data error.
func Lookup(name string) (*Set, error) {
	if IsFile(name) {
		return openFile(name)
	}
	if s, ok := sets[name]; ok {
		return s, nil
	}
	if len(sets) == 0 {
		return nil, fail.Usage("data.dataset=%s: this program has no data set\nimport a package that registers one, such as longtail/data/cifar", name)
	}
	return nil, fail.Usage("data.dataset=%s: no such data set\nchoose one of %s", name, strings.Join(Names(), ", "))
}

// open makes the set's images available and compares their labels with the numbers that the set declares.
func (s *Set) open(ctx context.Context, spec Spec, withTest bool) (Pool, error) {
	pool, err := s.Open(ctx, spec, withTest)
	if err != nil {
		return nil, err
	}
	for _, test := range []bool{false, true} {
		part, want := "training", s.Train
		if test {
			part, want = "test", s.Test
		}
		if test && !withTest {
			break
		}
		got := make([]int, len(s.Classes))
		for i, label := range pool.Labels(test) {
			if label < 0 || int(label) >= len(got) {
				return nil, fail.Data("%s: %s image %d has label %d of %d classes\nits files do not fit the program", s.Name, part, i, label, len(got))
			}
			got[label]++
		}
		if !slices.Equal(got, want) {
			return nil, fail.Data("%s has %v %s images of its classes, %v are declared\nits files do not fit the program", s.Name, got, part, want)
		}
	}
	return pool, nil
}

// Names are the known data sets, cifar10 before cifar100.
func Names() []string {
	var names []string
	for name := range sets {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		aStem, aNumber := cutNumber(a)
		bStem, bNumber := cutNumber(b)
		return cmp.Or(strings.Compare(aStem, bStem), cmp.Compare(aNumber, bNumber))
	})
	return names
}

// cutNumber cuts a name into the text before a trailing number, and the number.
func cutNumber(name string) (stem string, number int) {
	stem = strings.TrimRight(name, "0123456789")
	number, _ = strconv.Atoi(name[len(stem):]) // no digits: 0
	return stem, number
}

// ClassNames are the names of the classes of a data set, in the order of the labels. An unknown data set is a usage error.
func ClassNames(dataset string) ([]string, error) {
	s, err := Lookup(dataset)
	if err != nil {
		return nil, err
	}
	return slices.Clone(s.Classes), nil
}

// NewImages has room for n images of the set.
func (s *Set) NewImages(n int) Images {
	return Images{
		Pixels: make([]byte, n*s.Channels*s.Height*s.Width), Labels: make([]int32, n),
		Classes: len(s.Classes), Channels: s.Channels, Height: s.Height, Width: s.Width,
	}
}

// most is the number of training images of the most frequent class.
func (s *Set) most() int { return slices.Max(s.Train) }
