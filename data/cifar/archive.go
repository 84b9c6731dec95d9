package cifar

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"longtail/internal/disk"
)

// errMissing is the error that a file of so many bytes, or the archive that holds it, is not there.
func errMissing(bytes int, archive string) error {
	return fmt.Errorf("no such file; expected %d bytes there, or %s beside its folder", bytes, archive)
}

// unpackedSlack is how many bytes an archive may unpack to beyond the wanted files: its folder, read-me and class names take
// a few kilobytes, and an endless archive must not be read to its end.
const unpackedSlack = 1 << 20

// maxArchiveBytes bounds an archive that a user puts into the data folder, packed in whatever way.
const maxArchiveBytes = 1 << 30

// readArchive gives the checked contents of the wanted files in the tar.gz at path, by name.
func (a *archive) readArchive(ctx context.Context, path string, wanted []file) (map[string][]byte, error) {
	f, err := disk.Open(path, maxArchiveBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	contents := make(map[string][]byte, len(wanted))
	err = a.unpack(ctx, f, wanted, func(f file, raw []byte) error {
		contents[f.name] = raw
		return nil
	})
	if err != nil {
		return nil, &fileError{path, err}
	}
	return contents, nil
}

// unpack reads a tar.gz and gives each of the wanted files, checked, to use. Whatever else is in it is passed over: nothing
// is taken by a path that the archive chooses. It stops after the last wanted file.
func (a *archive) unpack(ctx context.Context, r io.Reader, wanted []file, use func(file, []byte) error) error {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("the archive is damaged: %w", noEOF(err))
	}
	limit := int64(unpackedSlack)
	left := make(map[string]file, len(wanted))
	for _, f := range a.files() {
		limit += int64(a.bytes(f))
	}
	for _, f := range wanted {
		left[path.Join(a.folder, f.name)] = f
	}
	entries := tar.NewReader(io.LimitReader(zipped, limit))
	for len(left) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		header, err := entries.Next()
		if err != nil {
			return a.unfinished(left, err)
		}
		name := path.Clean(header.Name)
		f, ok := left[name]
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := a.unpackFile(entries, header.Size, f, use); err != nil {
			return fmt.Errorf("%s in the archive: %w", name, err)
		}
		delete(left, name)
	}
	return nil
}

// unpackFile reads one file of size bytes, checks it and passes it on.
func (a *archive) unpackFile(r io.Reader, size int64, f file, use func(file, []byte) error) error {
	if want := a.bytes(f); size != int64(want) {
		return fmt.Errorf("%d bytes found, %d expected", size, want)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return fmt.Errorf("the archive is truncated or damaged: %w", noEOF(err))
	}
	if err := a.checkFile(f, raw); err != nil {
		return err
	}
	return use(f, raw)
}

// unfinished explains why the archive ended before all wanted files were found.
func (a *archive) unfinished(left map[string]file, err error) error {
	for _, f := range a.files() {
		name := path.Join(a.folder, f.name)
		if _, ok := left[name]; !ok {
			continue
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the archive has no %s", name)
		}
		return fmt.Errorf("the archive is truncated or damaged before %s: %w", name, err)
	}
	return err
}

// noEOF makes the end of a file an error like any other, so that it does not pass for a regular end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
