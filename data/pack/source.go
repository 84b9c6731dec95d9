package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// entry is one image that a source names.
type entry struct {
	name  string // path below the part's root, with slashes
	class string // key of its class
	where string // line of a list, for messages; empty in a folder
}

// class is a class by the key that a source uses and the name that people read.
type class struct{ key, name string }

// part is what one source names: the training images, the test images, or both before they are split.
type part struct {
	root    string // folder that names are relative to; nothing outside of it is read
	entries []entry
	classes []class // in the order of their labels; nil where a source has labels alone
	skipped map[string]int
	damaged []Damage
}

// Damage is an image that cannot be packed, and why.
type Damage struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// readSource reads a folder, or a file by its extension: .json, .csv, anything else is a list.
func readSource(path string, o *Options) (*part, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fail.Data("reading the source: %w\nname a folder with a folder a class, a list, a CSV or a JSON file", err)
	}
	if info.IsDir() {
		return readFolder(path)
	}
	root := o.Root
	if root == "" {
		root = filepath.Dir(path)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, fail.Usage("--root %s: there is no such folder\nname the folder that the paths of %s are relative to", root, path)
	}
	text, err := disk.Read(path, maxListBytes)
	if err != nil {
		return nil, fail.Data("reading the list: %w\nname a folder with a folder a class, a list, a CSV or a JSON file", err)
	}
	p := &part{root: root, skipped: map[string]int{}}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		err = p.readJSON(text)
	case ".csv":
		err = p.readCSV(path, text, o)
	default:
		err = p.readList(path, text)
	}
	if err == nil && len(p.entries) == 0 {
		err = errors.New("it names no image")
	}
	if err != nil {
		return nil, fail.Data("%s: %w\nsee longtail data pack --help for the forms of lists", path, err)
	}
	return p, nil
}

// maxListBytes bounds a list: a hundred million images of twenty bytes each.
const maxListBytes = 1 << 31

// add takes an image that a list names. Names are cleaned; one that leaves the root is left to be found when it is opened.
func (p *part) add(name, class, where string) {
	name = filepath.ToSlash(name)
	if filepath.IsAbs(name) {
		if absolute, err := filepath.Abs(p.root); err == nil {
			if below, err := filepath.Rel(absolute, name); err == nil {
				name = filepath.ToSlash(below)
			}
		}
	}
	p.entries = append(p.entries, entry{path.Clean(name), class, where})
}

// imageExtensions are those that a folder's images have.
var imageExtensions = []string{".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif"}

// readFolder reads a folder that has a folder for each class, with images in it at any depth.
func readFolder(path string) (*part, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fail.Data("reading the folder: %w", err)
	}
	defer root.Close()
	p := &part{root: path, skipped: map[string]int{}}
	entries, err := readDir(root, ".")
	if err != nil {
		return nil, fail.Data("reading the folder %s: %w", path, err)
	}
	for _, e := range entries {
		switch {
		case isHidden(e.Name()):
			p.skipped["hidden"]++
		case e.IsDir():
			p.classes = append(p.classes, class{e.Name(), e.Name()})
			if err := p.walk(root, e.Name(), e.Name()); err != nil {
				return nil, fail.Data("reading the folder %s: %w", path, err)
			}
		case e.Type()&fs.ModeSymlink != 0:
			p.takeLink(root, e.Name(), "")
		default:
			p.skipped["outside of the class folders"]++
		}
	}
	slices.SortFunc(p.classes, func(a, b class) int { return strings.Compare(a.key, b.key) })
	return p, nil
}

func isHidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// walk takes the images of a class in a folder and all below it, in the order of the bytes of their names.
func (p *part) walk(root *os.Root, folder, class string) error {
	entries, err := readDir(root, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := folder + "/" + e.Name()
		switch {
		case isHidden(e.Name()):
			p.skipped["hidden"]++
		case e.IsDir():
			if err := p.walk(root, name, class); err != nil {
				return err
			}
		case e.Type()&fs.ModeSymlink != 0:
			p.takeLink(root, name, class)
		case !isImage(name):
			p.skipped[kindOf(name)]++
		case !e.Type().IsRegular():
			p.damaged = append(p.damaged, Damage{name, "it is no regular file"})
		default:
			p.entries = append(p.entries, entry{name: name, class: class})
		}
	}
	return nil
}

// readDir is the sorted content of a folder, whatever bytes its names have.
func readDir(root *os.Root, folder string) ([]fs.DirEntry, error) {
	f, err := root.Open(folder)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, errors.Join(err, f.Close())
}

func isImage(name string) bool {
	return slices.Contains(imageExtensions, strings.ToLower(path.Ext(name)))
}

// kindOf says what a skipped file is, by its extension.
func kindOf(name string) string {
	if e := strings.ToLower(path.Ext(name)); e != "" && len(e) <= 8 && strings.IndexFunc(e, func(r rune) bool { return r <= ' ' || r > '~' }) < 0 {
		return e
	}
	return "other"
}

// takeLink takes a link to an image within the root; all other links are listed with the damaged images.
func (p *part) takeLink(root *os.Root, name, class string) {
	info, err := root.Stat(name)
	switch {
	case err != nil:
		p.damaged = append(p.damaged, Damage{name, "it is a link out of the folder, or to nothing"})
	case info.IsDir():
		p.damaged = append(p.damaged, Damage{name, "it is a link to a folder, which is not followed"})
	case class == "":
		p.skipped["outside of the class folders"]++
	case !isImage(name):
		p.skipped[kindOf(name)]++
	case !info.Mode().IsRegular():
		p.damaged = append(p.damaged, Damage{name, "it is a link to what is no regular file"})
	default:
		p.entries = append(p.entries, entry{name: name, class: class})
	}
}

// readImage is the content of an image below a root; a link that leads out of it, a file that is not regular, and one of more bytes than the limit
// are errors.
func readImage(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, bare(err)
	case !info.Mode().IsRegular():
		return nil, disk.ErrNotAFile
	case info.Size() > limit:
		return nil, fmt.Errorf("the file has %d bytes, more than the limit of %d", info.Size(), limit)
	}
	content := make([]byte, info.Size())
	for n := 0; n < len(content); {
		k, err := f.Read(content[n:])
		if n += k; err != nil {
			return nil, bare(err)
		}
	}
	return content, nil
}

// bare is a system's error without the name of the file, which stands beside it.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
