package pack

import (
	"context"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"

	"longtail/data/picture"
	"longtail/internal/fail"

	"golang.org/x/sync/semaphore"
)

// Images are images to look at with a trained network, in the order in which they were named.
type Images struct {
	Names   []string       // as they were named; those in a folder with the folder in front
	Skipped map[string]int // files of folders that are no images, by kind

	located []located
}

// located is where an image lies.
type located struct {
	root string // nothing outside of this folder is read
	name string // below it, with slashes
	err  error  // why it cannot be looked at
}

// Find lists the images that paths name: files, whatever their extension, and the images of folders at any depth, in the order of the bytes of
// their names, hidden files and other kinds left out as by [Pack]. What is unsafe or not there is among the images, behind those of its
// folder, and has an error when it is decoded. A folder that names no image is a data error.
func Find(paths []string) (*Images, error) {
	m := &Images{Skipped: map[string]int{}}
	for _, p := range paths {
		resolved, err := filepath.EvalSymlinks(p)
		var info os.FileInfo
		if err == nil {
			info, err = os.Stat(resolved)
		}
		switch {
		case err != nil:
			m.add(p, located{err: bare(err)})
		case !info.IsDir():
			m.add(p, located{root: filepath.Dir(resolved), name: filepath.Base(resolved)})
		default:
			if err := m.addFolder(p, resolved); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *Images) add(name string, at located) {
	m.Names, m.located = append(m.Names, name), append(m.located, at)
}

// addFolder adds the images of a folder, which has a name for people.
func (m *Images) addFolder(name, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fail.Data("reading the folder %s: %w", name, bare(err))
	}
	defer root.Close()
	p := &part{root: folder, skipped: map[string]int{}}
	if err := p.walk(root, ".", "any"); err != nil {
		return fail.Data("reading the folder %s: %w", name, err)
	}
	if len(p.entries)+len(p.damaged) == 0 {
		return fail.Data("the folder %s has no image\nname a folder with JPEG, PNG, WebP or GIF files in it", name)
	}
	for _, e := range p.entries {
		m.add(filepath.Join(name, filepath.FromSlash(e.name)), located{root: folder, name: path.Clean(e.name)})
	}
	for _, d := range p.damaged {
		m.add(filepath.Join(name, filepath.FromSlash(d.Name)), located{err: errors.New(d.Reason)})
	}
	for kind, n := range maps.All(p.skipped) {
		m.Skipped[kind] += n
	}
	return nil
}

// Squares decodes the images on all cores and gives each to take, in their order, as [Pack] makes it of the same file: [3, size, size] bytes,
// or the reason why it has none. An error of take, or of the context, ends it.
func (m *Images) Squares(ctx context.Context, size int, background [3]byte, limits picture.Limits, take func(i int, square []byte, bad error) error) error {
	o := &Options{Size: size, Background: background, Limits: limits}
	square := func(ctx context.Context, i int, memory *semaphore.Weighted) ([]byte, error) {
		at := m.located[i]
		if at.err != nil {
			return nil, at.err
		}
		root, err := os.OpenRoot(at.root)
		if err != nil {
			return nil, bare(err)
		}
		defer root.Close()
		return o.square(ctx, root, at.name, memory)
	}
	return inOrder(ctx, len(m.Names), square, take)
}
