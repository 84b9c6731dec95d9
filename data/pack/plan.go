package pack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/rng"
)

// plan is what a call packs, in the order of the file.
type plan struct {
	classes  []string
	items    []item // training images, then test images
	roots    []string
	testPart string
	skipped  map[string]int
	damaged  []Damage // found before any image was opened
}

// item is one image of a plan.
type item struct {
	name  string
	class int32
	root  int // index of roots
	test  bool
}

// newPlan reads the sources and decides on classes and parts. No image is opened.
func newPlan(o *Options) (*plan, error) {
	train, test, err := readParts(o)
	if err != nil {
		return nil, err
	}
	p := &plan{roots: []string{train.root}, skipped: train.skipped, damaged: train.damaged}
	index, err := p.takeClasses(train, o)
	if err != nil {
		return nil, err
	}
	if err := p.take(train, index, false); err != nil {
		return nil, err
	}
	if test != nil {
		p.testPart = "a source of its own"
		p.damaged = append(p.damaged, test.damaged...)
		for kind, n := range test.skipped {
			p.skipped[kind] += n
		}
		if test.root != train.root {
			p.roots = append(p.roots, test.root)
		}
		if err := p.take(test, index, true); err != nil {
			return nil, err
		}
	} else if o.testFraction > 0 {
		p.testPart = fmt.Sprintf("fraction %v, seed %d", o.testFraction, o.Seed)
		p.split(o.testFraction, o.Seed)
	} else {
		p.testPart = "none"
	}
	return p, p.check()
}

// readParts reads the source, and that of the test images where they have one: the folder test beside train, or what --test names.
func readParts(o *Options) (train, test *part, err error) {
	source, testSource := o.Source, o.testSource
	isFolder := func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir()
	}
	if inner := filepath.Join(source, "train"); isFolder(inner) {
		switch outer := filepath.Join(source, "test"); {
		case !isFolder(outer):
			return nil, nil, fail.Usage("%s has a folder train and none called test\npack %s, with --test 0.2 or --test FOLDER", source, inner)
		case o.Test != "":
			return nil, nil, fail.Usage("--test %s: %s has a folder test\nleave --test out, or pack %s", o.Test, source, inner)
		default:
			source, testSource = inner, outer
		}
	}
	if train, err = readSource(source, o); err != nil || testSource == "" {
		return train, nil, err
	}
	test, err = readSource(testSource, o)
	return train, test, err
}

// takeClasses decides on the classes and their order, and gives the label of each key: a source's own classes in its order; for lists,
// those of --class-names; else the numbers from 0 on, or the words in the order of their bytes.
func (p *plan) takeClasses(train *part, o *Options) (map[string]int32, error) {
	classes := train.classes
	if o.ClassNames != "" && classes != nil {
		return nil, fail.Usage("--class-names %s: %s names its classes itself\nleave --class-names out", o.ClassNames, o.Source)
	}
	if classes == nil {
		keys := map[string]bool{}
		for _, e := range train.entries {
			keys[e.class] = true
		}
		numbers, err := numbered(keys)
		if err != nil {
			return nil, err
		}
		names, err := readClassNames(o.ClassNames)
		if err != nil {
			return nil, err
		}
		switch {
		case numbers > 0:
			for i := range max(numbers, len(names)) {
				c := class{strconv.Itoa(i), strconv.Itoa(i)}
				if names != nil && i < len(names) {
					c.name = names[i]
				} else if names != nil {
					return nil, fail.Data("%s: label %d is out of range: %s names %d classes, 0 to %d\nadd the names that are missing", o.Source, numbers-1, o.ClassNames, len(names), len(names)-1)
				}
				classes = append(classes, c)
			}
		case names != nil:
			for _, name := range names {
				classes = append(classes, class{name, name})
			}
		default:
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				classes = append(classes, class{key, key})
			}
		}
	}
	index := map[string]int32{}
	folded := map[string]string{}
	for i, c := range classes {
		other, twice := folded[strings.ToLower(c.name)]
		switch {
		case !utf8.ValidString(c.name) || strings.ContainsFunc(c.name, unicode.IsControl) || strings.TrimSpace(c.name) == "":
			return nil, fail.Data("class %s: the name of a class is UTF-8 text without line ends and control characters\nrename it", fail.Quote(c.name))
		case len(c.name) > longestName:
			return nil, fail.Data("class %s: the name of a class has at most %d bytes\nrename it", fail.Quote(c.name), longestName)
		case twice && other == c.name:
			return nil, fail.Data("class %q is there twice\nrename one of them", c.name)
		case twice:
			return nil, fail.Data("classes %q and %q differ in case alone, which not every file system tells apart\nrename or merge them", other, c.name)
		}
		folded[strings.ToLower(c.name)], index[c.key] = c.name, int32(i)
		p.classes = append(p.classes, c.name)
	}
	if len(classes) < 2 {
		return nil, fail.Data("%s has %d classes, at least 2 are needed\na folder of images has a folder for each class", o.Source, len(classes))
	}
	return index, nil
}

// Bounds of classes.
const (
	longestName = 200 // bytes, as in the result of a run
	maxClasses  = 100_000
)

// numbered is one more than the largest label where all are whole numbers from 0 on; 0 where they are words.
func numbered(keys map[string]bool) (int, error) {
	most := -1
	for key := range keys {
		v, err := strconv.Atoi(key)
		if err != nil {
			return 0, nil
		}
		if v < 0 || v >= maxClasses || strconv.Itoa(v) != key {
			return 0, fail.Data("label %s is out of range: numbers are from 0 to %d, without leading zeros", fail.Quote(key), maxClasses-1)
		}
		most = max(most, v)
	}
	return most + 1, nil
}

// readClassNames reads a file of class names, one a line in the order of the labels; nil without one.
func readClassNames(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := disk.Read(path, maxHeaderBytes)
	if err != nil {
		return nil, fail.Usage("--class-names: %w\nname a file with the name of a class on each line", err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines, nil
}

// take adds the images of a part. A class that the training images do not have, and an image that is named twice, are errors.
func (p *plan) take(from *part, index map[string]int32, test bool) error {
	root := slices.Index(p.roots, from.root)
	seen := make(map[string]string, len(from.entries))
	for _, it := range p.items {
		if it.root == root {
			seen[it.name] = "the training images"
		}
	}
	for _, e := range from.entries {
		label, ok := index[e.class]
		if !ok && test {
			return fail.Data("%s: the training images have no class %s\nremove it from the test images, or add training images", cmp.Or(e.where, e.name), fail.Quote(e.class))
		}
		if !ok {
			return fail.Data("%s: there is no class %s\nadd it to the classes, or mend the label", cmp.Or(e.where, e.name), fail.Quote(e.class))
		}
		if before, twice := seen[e.name]; twice {
			return fail.Data("%s: image %s is in %s too\nname every image once", cmp.Or(e.where, e.name), fail.Quote(e.name), before)
		}
		seen[e.name] = cmp.Or(e.where, "the folder")
		p.items = append(p.items, item{e.name, label, root, test})
	}
	return nil
}

// split moves a part of each class's images to the test images: the first of an order that the seed gives the class. A class of one image
// keeps it for training.
func (p *plan) split(fraction float64, seed uint64) {
	members := make([][]int, len(p.classes))
	for i, it := range p.items {
		members[it.class] = append(members[it.class], i)
	}
	for class, images := range members {
		for _, k := range rng.New(seed, rng.TestPart, uint32(class), 0).Perm(len(images))[:data.HeldOut(len(images), fraction)] {
			p.items[images[k]].test = true
		}
	}
	slices.SortStableFunc(p.items, func(a, b item) int {
		switch {
		case a.test == b.test:
			return 0
		case b.test:
			return -1
		}
		return 1
	})
}

// check finds classes without training images.
func (p *plan) check() error {
	train, _ := p.counts(func(int) bool { return true })
	if empty := empties(p.classes, train); empty != "" {
		return fail.Data("no training image of %s\nadd images, or remove the empty classes", empty)
	}
	return nil
}

// counts are the training and the test images of each class among those that count.
func (p *plan) counts(counts func(item int) bool) (train, test []int) {
	train, test = make([]int, len(p.classes)), make([]int, len(p.classes))
	for i, it := range p.items {
		switch {
		case !counts(i):
		case it.test:
			test[it.class]++
		default:
			train[it.class]++
		}
	}
	return train, test
}

// empties names the classes without images, at most ten.
func empties(classes []string, counts []int) string {
	var names []string
	for c, n := range counts {
		if n == 0 {
			names = append(names, strconv.Quote(classes[c]))
		}
	}
	if len(names) > 10 {
		names = append(names[:10], fmt.Sprintf("and %d more", len(names)-10))
	}
	return strings.Join(names, ", ")
}

// key stands for a plan with its options and the state of the files: what was begun with one key is continued with the same alone.
func (p *plan) key(o *Options, tool string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s %d %x %+v %q %q\n", version, tool, o.Size, o.Background, o.Limits, p.classes, p.testPart)
	for _, it := range p.items {
		size, changed := int64(-1), int64(0)
		if info, err := os.Stat(filepath.Join(p.roots[it.root], filepath.FromSlash(it.name))); err == nil {
			size, changed = info.Size(), info.ModTime().UnixNano()
		}
		fmt.Fprintf(h, "%q %d %d %v %d %d\n", it.name, it.class, it.root, it.test, size, changed)
	}
	return hex.EncodeToString(h.Sum(nil))
}
