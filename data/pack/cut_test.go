//go:build unix

package pack

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/fail"
)

// A file that is cut off after it was opened is a data error that names it, both where blocks are compared with their checksums and where an image
// is read whose block was compared before; images before the cut are read as ever.
func TestFilesThatAreCutOffWhileTheyAreRead(t *testing.T) {
	o := options(t, folder(t, 60, 40)) // 3,072 bytes an image
	packed(t, o)
	m := load(t, o.Out).Train
	all := make([]int32, m.Len())
	for i := range all {
		all[i] = int32(i)
	}
	if err := m.Intact(all); err != nil {
		t.Fatal(err)
	}
	read := func(i int) (image []byte, err error) {
		err = m.Read(i, func(b []byte) { image = bytes.Clone(b) })
		return image, err
	}
	first, err := read(0)
	if err != nil {
		t.Fatal(err)
	}
	fresh := load(t, o.Out).Train
	if err := os.Truncate(o.Out, 1<<16); err != nil {
		t.Fatal(err)
	}
	if again, err := read(0); err != nil || !bytes.Equal(again, first) || len(first) != m.ImageBytes() {
		t.Errorf("the first image, of %d bytes: %v", len(again), err)
	}
	_, err = read(m.Len() - 1)
	for name, err := range map[string]error{"an image": err, "a block": fresh.Intact(all)} {
		if fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), o.Out) || !strings.Contains(err.Error(), "cut off") || !strings.Contains(err.Error(), "restore") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := data.Lookup(o.Out); fail.Code(err) != fail.CodeData {
		t.Errorf("opened again: %v", err)
	}
}
