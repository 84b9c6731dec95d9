package run

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func example() *Tensors {
	return &Tensors{
		Metadata: map[string]string{"step": "12", "quote": `a "sha256":"b" \ é`},
		Tensors: map[string]Tensor{
			"b/weight": {[]int{2, 3}, []float32{1, -2, 3.5, 0, math.MaxFloat32, math.SmallestNonzeroFloat32}},
			"a":        {[]int{}, []float32{7}},
			"empty":    {[]int{0, 4}, []float32{}},
		},
	}
}

func encode(t testing.TB, x *Tensors) []byte {
	t.Helper()
	b, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTensorsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := &Tensors{Metadata: map[string]string{}, Tensors: map[string]Tensor{}}
		for range rapid.IntRange(0, 4).Draw(t, "tensors") {
			shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape")
			n, _ := elements(shape)
			x.Tensors[rapid.String().Draw(t, "name")] = Tensor{shape, rapid.SliceOfN(rapid.Float32(), n, n).Draw(t, "values")}
		}
		for range rapid.IntRange(0, 3).Draw(t, "metadata") {
			x.Metadata["m"+rapid.StringMatching(`[a-z."\\]*`).Draw(t, "key")] = rapid.StringMatching(`[a-z0:"\\]*`).Draw(t, "value")
		}
		delete(x.Tensors, metadataKey)
		b, err := x.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeTensors(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, again, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
		if c, _ := again.Encode(); !bytes.Equal(b, c) {
			t.Fatal("the same tensors have other bytes")
		}
	})
}

func TestLayoutOfSafetensors(t *testing.T) {
	b := encode(t, example())
	length := binary.LittleEndian.Uint64(b)
	header := string(b[8 : 8+length])
	if length%8 != 0 || !strings.Contains(header, `"b/weight":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]}`) {
		t.Errorf("header %q", header)
	}
	values := b[8+length:]
	if len(values) != 28 || math.Float32frombits(binary.LittleEndian.Uint32(values)) != 7 || math.Float32frombits(binary.LittleEndian.Uint32(values[8:])) != -2 {
		t.Errorf("values % x", values)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	b := encode(t, example())
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, err := DecodeTensors(b); err == nil {
				t.Errorf("bit %d of byte %d is flipped and nothing was found", bit, i)
			}
			b[i] ^= 1 << bit
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	b := encode(t, example())
	for n := range b {
		if _, err := DecodeTensors(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(b))
		}
	}
	if _, err := DecodeTensors(append(b, 0)); err == nil {
		t.Error("a byte too many is read")
	}
}

// withHeader is a file with a header of its own and n bytes of values, without a checksum.
func withHeader(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestDamagedHeadersAreNamed(t *testing.T) {
	for _, c := range []struct {
		header string
		n      int
		want   string
	}{
		{`[]`, 0, "no JSON object"},
		{`{}`, 0, "no checksum"},
		{`{} {}`, 0, "text after its end"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, "twice"},
		{`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, 2, "F16"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8, "lies at bytes"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4, "lies at bytes"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8, "lies at bytes"},
		{`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4, "truncated"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 5, "after the last tensor"},
		{`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4, "impossible shape"},
		{`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0, "impossible shape"},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4, "unknown field"},
		{`{"__metadata__":{"a":1}}`, 0, "__metadata__"},
	} {
		if _, err := DecodeTensors(withHeader(c.header, c.n)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.header, err, c.want)
		}
	}
	huge := binary.LittleEndian.AppendUint64(nil, 1<<63)
	if _, err := DecodeTensors(huge); err == nil {
		t.Error("a header of 2^63 bytes is read")
	}
}

// The header of a file that is long and has no bytes on the disk says that it is too long, before memory is taken for it.
func TestValuesAreReadOnlyWhereTheHeaderHasThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, encode(t, example()), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 8<<30); err != nil {
		t.Skip(err)
	}
	if _, err := ReadTensors(path); err == nil || !strings.Contains(err.Error(), "bytes after the last tensor") {
		t.Error(err)
	}
}

func TestWrongTensorsAreNotWritten(t *testing.T) {
	for name, x := range map[string]Tensor{"short": {[]int{2}, []float32{1}}, metadataKey: {[]int{1}, []float32{1}}} {
		if _, err := (&Tensors{Tensors: map[string]Tensor{name: x}}).Encode(); err == nil {
			t.Errorf("%s %v is written", name, x)
		}
	}
	if _, err := (&Tensors{Metadata: map[string]string{checksumKey: ""}}).Encode(); err == nil {
		t.Error("another file's checksum is written")
	}
}

func TestDamagedCheckpointNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for _, content := range [][]byte{nil, encode(t, example())[:60]} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTensors(path); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
	if _, err := ReadTensors(path + "x"); fail.Code(err) != fail.CodeData {
		t.Errorf("%v", err)
	}
}

func FuzzTensors(f *testing.F) {
	f.Add(encode(f, example()))
	f.Add(encode(f, &Tensors{}))
	f.Add(withHeader(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := DecodeTensors(file)
		if err != nil {
			return
		}
		if again, err := DecodeTensors(encode(t, x)); err != nil || len(again.Tensors) != len(x.Tensors) {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
	})
}
