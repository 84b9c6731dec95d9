package cifar

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
)

func TestUnpackTakesOnlyTheKnownFiles(t *testing.T) {
	s := newSmall(t, 1, 0)
	a := s.source.archive
	hostile := append([]entry{
		{"../one.bin", tar.TypeReg, []byte("x")},
		{"/etc/one.bin", tar.TypeReg, []byte("x")},
		{"small/../../one.bin", tar.TypeReg, []byte("x")},
		{"small/one.bin", tar.TypeSymlink, nil},
	}, s.entries()...)
	var got []string
	err := a.unpack(t.Context(), bytes.NewReader(pack(t, hostile)), a.files(), func(f file, raw []byte) error {
		if !bytes.Equal(raw, s.contents[f.name]) {
			t.Errorf("%s has other contents", f.name)
		}
		got = append(got, f.name)
		return nil
	})
	if err != nil || strings.Join(got, " ") != "one.bin two.bin test.bin" {
		t.Errorf("files %v, error %v", got, err)
	}
}

func TestBadArchivesAreErrors(t *testing.T) {
	s := newSmall(t, 1, 0)
	a := s.source.archive
	changed := s.entries()
	changed[3].body = append(bytes.Clone(changed[3].body[1:]), 0)
	long := s.entries()
	long[3].body = append(bytes.Clone(long[3].body), 0)
	padded := append([]entry{{"zeros", tar.TypeReg, make([]byte, unpackedSlack+2*len(s.contents["one.bin"]))}}, s.entries()...)
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "the archive is damaged"},
		{"not gzip", []byte("<html>not found</html>"), "the archive is damaged"},
		{"truncated", s.packed[:len(s.packed)/2], "truncated or damaged"},
		{"without a file", pack(t, s.entries()[:4]), "has no small/test.bin"},
		{"with other contents", pack(t, changed), "small/two.bin in the archive: the file is damaged"},
		{"with a longer file", pack(t, long), "36877 bytes found, 36876 expected"},
		{"that unpacks to far more", pack(t, padded), "truncated or damaged"},
	} {
		err := a.unpack(t.Context(), bytes.NewReader(c.raw), a.files(), func(file, []byte) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("an archive %s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzArchive(f *testing.F) {
	s := newSmall(f, 1, 0)
	f.Add(s.packed)
	f.Add(s.packed[:100])
	f.Add(pack(f, []entry{{"small/one.bin", tar.TypeReg, []byte("short")}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := s.source.archive
		seen := 0
		err := a.unpack(t.Context(), bytes.NewReader(raw), a.files(), func(f file, got []byte) error {
			seen++
			if !bytes.Equal(got, s.contents[f.name]) {
				t.Errorf("%s passed its checksum with other contents", f.name)
			}
			return nil
		})
		if err == nil && seen != len(a.files()) {
			t.Errorf("%d files and no error", seen)
		}
	})
}

func FuzzRecords(f *testing.F) {
	f.Add(smallFile(0, 2, 2), 100)
	f.Add(smallFile(0, 1, 2)[:77], 20)
	f.Add([]byte{}, 3)
	f.Fuzz(func(t *testing.T, raw []byte, classes int) {
		s := &source{&archive{labelBytes: 2}, 1}
		labels, err := s.labels(raw, classes)
		if err != nil {
			return
		}
		for i, label := range labels {
			if int(label) >= classes || len(s.pixels(raw, i)) != imageBytes {
				t.Fatalf("record %d: label %d of %d classes", i, label, classes)
			}
		}
	})
}
