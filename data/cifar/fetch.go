package cifar

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"longtail/data"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// BaseURL is where the official archives are.
const BaseURL = "https://www.cs.toronto.edu/~kriz/"

// MirrorVariable is the environment variable that names another place with the same archives.
const MirrorVariable = "LONGTAIL_DATA_URL"

// fetch puts the files of the set into the data folder (see data.Folder), unless they are there and right: it downloads the
// official archive, compares its MD5, takes the files out of it, compares their SHA-256, and renames each into place. An
// interrupted download resumes where it stopped. An archive that lies in the folder is used and left there.
//
// progress, if not nil, is called with the bytes of the archive that are there. Failures are data errors; a cancelled ctx gives
// fail.Interrupted.
func (s *set) fetch(ctx context.Context, dir string, progress func(done, total int64)) error {
	dir, err := data.Folder(dir)
	if err != nil {
		return err
	}
	base := os.Getenv(MirrorVariable)
	if base == "" {
		base = BaseURL
	}
	d := &download{archive: s.source.archive, dir: dir, base: base, progress: progress, patience: patient()}
	return d.explained(ctx, s.Name)
}

// explained is fetch with errors that say what to do.
func (d *download) explained(ctx context.Context, dataset string) error {
	err := d.fetch(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fail.Interrupted("fetching %s: interrupted\nthe same command resumes where it stopped", dataset)
	}
	return fail.Data("fetching %s: %w\nthe same command tries again; or get %s by other means and put it into %s", dataset, err, d.shown(), d.dir)
}

// download is one fetching of an archive.
type download struct {
	*archive
	dir      string
	base     string // URL of the folder with the archive
	progress func(done, total int64)
	patience pause
	restarts int // of the whole file, because the server does not send the rest
}

func (d *download) fetch(ctx context.Context) error {
	if d.missing(d.dir, d.files()) == nil {
		if _, err := d.readFiles(ctx, d.dir, d.files()); err == nil {
			return nil
		}
	}
	folder := filepath.Join(d.dir, d.folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if f, err := disk.Open(filepath.Join(d.dir, d.name), maxArchiveBytes); err == nil {
		defer f.Close()
		if d.checkMD5(ctx, f) == nil {
			return d.install(ctx, f, folder)
		}
	}
	part, err := os.OpenFile(filepath.Join(d.dir, d.name+".part"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer part.Close()
	if info, err := part.Stat(); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return &os.PathError{Op: "write", Path: part.Name(), Err: disk.ErrNotAFile}
	}
	if err := disk.Lock(part); err != nil {
		return fmt.Errorf("%s is in use by another fetch: %w", part.Name(), err)
	}
	if err := d.complete(ctx, part); err != nil {
		return err
	}
	if err := d.install(ctx, part, folder); err != nil {
		return err
	}
	return os.Remove(part.Name())
}

// complete makes part the whole archive. What an earlier call left is trusted only as far as the checksum bears it out: if
// it does not, the download starts again, once.
func (d *download) complete(ctx context.Context, part *os.File) error {
	resumed, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	for {
		if err := d.get(ctx, part); err != nil {
			return err
		}
		err := d.checkMD5(ctx, part)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if truncateErr := part.Truncate(0); truncateErr != nil {
			return errors.Join(err, truncateErr)
		}
		if resumed == 0 {
			return err
		}
		resumed = 0
	}
}

// checkMD5 compares a whole archive with the checksum that its authors published.
func (d *download) checkMD5(ctx context.Context, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := md5.New()
	n, err := io.Copy(sum, contextReader{ctx, f})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != d.md5 {
		return fmt.Errorf("%s: MD5 %s of %d bytes found, %s expected", f.Name(), got, n, d.md5)
	}
	return nil
}

// install takes the files out of a checked archive; each appears under its name whole or not at all.
func (d *download) install(ctx context.Context, f *os.File, folder string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return d.unpack(ctx, f, d.files(), func(f file, raw []byte) error {
		return disk.Write(filepath.Join(folder, f.name), raw)
	})
}

// contextReader ends with the context's error when that is cancelled.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
