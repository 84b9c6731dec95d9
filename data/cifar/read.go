package cifar

import (
	"context"
	"os"
	"path/filepath"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"

	"golang.org/x/sync/errgroup"
)

// pool is the contents of an archive's files as read for one data set.
type pool struct {
	set         *set
	train, test part
}

// part is the training or the test set: files one after the other.
type part struct {
	raw    [][]byte // records of each file
	per    int      // records in each file
	labels []int32  // [N]
}

func (c *pool) part(test bool) *part {
	if test {
		return &c.test
	}
	return &c.train
}

func (c *pool) Labels(test bool) []int32 { return c.part(test).labels }

func (c *pool) Images(_ context.Context, test bool, indices []int32) (data.Images, error) {
	p := c.part(test)
	m := c.set.NewImages(len(indices))
	for i, index := range indices {
		m.Labels[i] = p.labels[index]
		copy(m.Image(i), c.set.source.pixels(p.raw[int(index)/p.per], int(index)%p.per))
	}
	return m, nil
}

// read reads and checks the files of a set from its folder in dir or, where that is incomplete, from the archive in dir.
// hint ends its errors.
func (s *set) read(ctx context.Context, dir string, withTest bool, hint string) (*pool, error) {
	a := s.source.archive
	wanted := a.train
	if withTest {
		wanted = a.files()
	}
	contents, err := a.read(ctx, dir, wanted)
	if err != nil {
		return nil, fail.Data("reading %s: %w\n%s", s.Name, err, hint)
	}
	c := &pool{set: s}
	if c.train, err = s.part(contents, a.train); err == nil && withTest {
		c.test, err = s.part(contents, a.test)
	}
	if err != nil {
		return nil, fail.Data("reading %s in %s: %w\n%s", s.Name, dir, err, hint)
	}
	return c, nil
}

// part puts files together and reads their labels.
func (s *set) part(contents map[string][]byte, files []file) (part, error) {
	p := part{per: files[0].records}
	for _, f := range files {
		labels, err := s.source.labels(contents[f.name], len(s.Classes))
		if err != nil {
			return part{}, &fileError{f.name, err}
		}
		p.raw = append(p.raw, contents[f.name])
		p.labels = append(p.labels, labels...)
	}
	return p, nil
}

// fileError says which file an error is about.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string { return e.path + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// read gives the checked contents of the wanted files by name. It takes the files if they are all there, else the archive.
func (a *archive) read(ctx context.Context, dir string, wanted []file) (map[string][]byte, error) {
	missing := a.missing(dir, wanted)
	if missing == nil {
		return a.readFiles(ctx, dir, wanted)
	}
	path := filepath.Join(dir, a.name)
	if _, err := os.Stat(path); err == nil {
		return a.readArchive(ctx, path, wanted)
	}
	return nil, missing
}

// missing is the error about the first wanted file that is not in dir, nil where all are.
func (a *archive) missing(dir string, wanted []file) error {
	for _, f := range wanted {
		path := filepath.Join(dir, a.folder, f.name)
		if _, err := os.Stat(path); err != nil {
			return &fileError{path, errMissing(a.bytes(f), a.name)}
		}
	}
	return nil
}

// readFiles reads the files at once, so that their checksums are computed on all cores. Every file is compared with its SHA-256 every
// time: that costs about a tenth of a second, and no stamp of an earlier check can vouch for the bytes that are read now.
func (a *archive) readFiles(ctx context.Context, dir string, wanted []file) (map[string][]byte, error) {
	raw := make([][]byte, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	for i, f := range wanted {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			path := filepath.Join(dir, a.folder, f.name)
			contents, err := disk.Read(path, int64(a.bytes(f))+1)
			if err != nil {
				return err
			}
			if err := a.checkFile(f, contents); err != nil {
				return &fileError{path, err}
			}
			raw[i] = contents
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	contents := make(map[string][]byte, len(wanted))
	for i, f := range wanted {
		contents[f.name] = raw[i]
	}
	return contents, nil
}
