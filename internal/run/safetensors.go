package run

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Tensor is float32 values in row-major order.
type Tensor struct {
	Shape []int // dimensions, outermost first; empty for a scalar
	Data  []float32
}

// Tensors is what a safetensors file holds: named tensors and a description.
type Tensors struct {
	Metadata map[string]string
	Tensors  map[string]Tensor
}

// Layout of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes little-endian length of the header, a JSON
// header padded with spaces, then the values of all tensors without gaps.
const (
	lengthBytes    = 8
	headerAlign    = 8        // so that the values are aligned in a mapped file
	maxHeader      = 64 << 20 // a longer one is damage; a real one has some ten thousand bytes
	floatBytes     = 4
	metadataKey    = "__metadata__"
	checksumKey    = "sha256"
	checksumDigits = 2 * sha256.Size
)

// described is how the header describes a tensor.
type described struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"` // in bytes, from the end of the header
}

// Encode gives the bytes of a safetensors file. They follow from the content alone: tensors are sorted by name. The metadata get
// a checksum, "sha256", of the whole file with zeros in the checksum's place, so that every flipped bit is found.
func (t *Tensors) Encode() ([]byte, error) {
	header, size, err := t.header()
	if err != nil {
		return nil, err
	}
	file := make([]byte, 0, lengthBytes+len(header)+size)
	file = binary.LittleEndian.AppendUint64(file, uint64(len(header)))
	file = append(file, header...)
	for _, name := range slices.Sorted(maps.Keys(t.Tensors)) {
		for _, v := range t.Tensors[name].Data {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
		}
	}
	at := bytes.Index(file, checksumField(strings.Repeat("0", checksumDigits)))
	sum := sha256.Sum256(file)
	copy(file[at:], checksumField(hex.EncodeToString(sum[:])))
	return file, nil
}

// checksumField is the checksum as it stands in the header.
func checksumField(digits string) []byte { return fmt.Appendf(nil, `"%s":"%s"`, checksumKey, digits) }

// header is the padded JSON header, and the number of bytes of all values.
func (t *Tensors) header() (header []byte, size int, err error) {
	entries := map[string]any{} // encoding/json sorts the keys
	for _, name := range slices.Sorted(maps.Keys(t.Tensors)) {
		tensor := t.Tensors[name]
		n, err := elements(tensor.Shape)
		if err != nil || n != len(tensor.Data) || name == metadataKey {
			return nil, 0, fmt.Errorf("tensor %q of shape %v with %d values cannot be written", name, tensor.Shape, len(tensor.Data))
		}
		shape := append([]int{}, tensor.Shape...) // null is no shape
		entries[name] = described{"F32", shape, [2]int{size, size + n*floatBytes}}
		size += n * floatBytes
	}
	metadata := maps.Clone(t.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	if _, taken := metadata[checksumKey]; taken {
		return nil, 0, errors.New("the metadata have a key of their own for the checksum")
	}
	metadata[checksumKey] = strings.Repeat("0", checksumDigits)
	entries[metadataKey] = metadata
	if header, err = json.Marshal(entries); err != nil {
		return nil, 0, err
	}
	return append(header, bytes.Repeat([]byte(" "), -len(header)&(headerAlign-1))...), size, nil
}

// elements is the number of values of a shape; negative dimensions and products that no memory holds are errors.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt32/d {
			return 0, fmt.Errorf("impossible shape %v", shape)
		}
		n *= d
	}
	return n, nil
}

// MaxTensorBytes bounds a checkpoint: a network of two billion values with momenta.
const MaxTensorBytes = 16 << 30

// ReadTensors reads a file that Encode wrote. It checks everything: sizes, bounds, gaps, names, types and the checksum. What
// it cannot trust is a data error that names the file.
func ReadTensors(path string) (*Tensors, error) {
	f, err := disk.Open(path, MaxTensorBytes)
	if errors.Is(err, fs.ErrPermission) {
		return nil, permissionError(err)
	}
	if err != nil {
		return nil, fail.Data("reading a checkpoint: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading a checkpoint: %w", err)
	}
	t, err := decodeTensors(f, info.Size())
	if err != nil {
		return nil, fail.Data("checkpoint %s is damaged: %w", path, err)
	}
	return t, nil
}

// DecodeTensors is ReadTensors for the bytes of a file.
func DecodeTensors(file []byte) (*Tensors, error) {
	return decodeTensors(bytes.NewReader(file), int64(len(file)))
}

// decodeTensors reads a file of so many bytes. Values are read only where the header says that the file has as many.
func decodeTensors(r io.Reader, size int64) (*Tensors, error) {
	if size < lengthBytes {
		return nil, fmt.Errorf("the file is truncated: %d bytes", size)
	}
	start := make([]byte, lengthBytes)
	if _, err := io.ReadFull(r, start); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(start)
	if length > maxHeader || length > uint64(size-lengthBytes) {
		return nil, fmt.Errorf("the file is truncated or no safetensors: a header of %d bytes in a file of %d", length, size)
	}
	start = append(start, make([]byte, length)...)
	if _, err := io.ReadFull(r, start[lengthBytes:]); err != nil {
		return nil, err
	}
	t := &Tensors{Metadata: map[string]string{}, Tensors: map[string]Tensor{}}
	entries, err := t.parseHeader(start[lengthBytes:])
	if err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	if err := checkLayout(entries, int(size)-len(start)); err != nil {
		return nil, err
	}
	want, err := t.takeChecksum(start)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	h.Write(start)
	for _, e := range entries {
		if t.Tensors[e.name], err = readTensor(io.TeeReader(r, h), e.Shape); err != nil {
			return nil, err
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return nil, fmt.Errorf("its SHA-256 is %s, and %s was written", got, want)
	}
	return t, nil
}

// named is a header entry with its name.
type named struct {
	name string
	described
}

// parseHeader reads the header token by token, because a map would hide a name that is there twice.
func (t *Tensors) parseHeader(header []byte) ([]named, error) {
	var entries []named
	d := json.NewDecoder(bytes.NewReader(header))
	d.DisallowUnknownFields()
	if token, err := d.Token(); err != nil {
		return nil, err
	} else if token != json.Delim('{') {
		return nil, errors.New("no JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder takes no other keys
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", fail.Quote(name))
		}
		seen[name] = true
		if name == metadataKey {
			err = d.Decode(&t.Metadata)
		} else {
			entry := named{name: name}
			err = d.Decode(&entry.described)
			entries = append(entries, entry)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fail.Quote(name), err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after its end")
	}
	return entries, nil
}

// checkLayout sorts the tensors as they lie in the file. Together they must be all bytes, without gap or overlap.
func checkLayout(entries []named, bytes int) error {
	slices.SortFunc(entries, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	end := 0
	for _, e := range entries {
		n, err := elements(e.Shape)
		switch {
		case err != nil:
			return fmt.Errorf("tensor %s: %w", fail.Quote(e.name), err)
		case e.DType != "F32":
			return fmt.Errorf("tensor %s holds %s, not F32", fail.Quote(e.name), fail.Quote(e.DType))
		case e.Offsets[0] != end || e.Offsets[1] != end+n*floatBytes:
			return fmt.Errorf("tensor %s of shape %v lies at bytes %v, not from %d to %d", fail.Quote(e.name), e.Shape, e.Offsets, end, end+n*floatBytes)
		case e.Offsets[1] > bytes:
			return fmt.Errorf("the file is truncated: tensor %s ends at byte %d of %d", fail.Quote(e.name), e.Offsets[1], bytes)
		}
		end = e.Offsets[1]
	}
	if end != bytes {
		return fmt.Errorf("%d bytes after the last tensor", bytes-end)
	}
	return nil
}

// readTensor reads the values of a shape that checkLayout took.
func readTensor(r io.Reader, shape []int) (Tensor, error) {
	n, err := elements(shape)
	if err != nil {
		return Tensor{}, err
	}
	t, block := Tensor{shape, make([]float32, n)}, make([]byte, 64<<10)
	for left := t.Data; len(left) > 0; {
		block = block[:min(len(block), floatBytes*len(left))]
		if _, err := io.ReadFull(r, block); err != nil {
			return Tensor{}, err
		}
		for i := range len(block) / floatBytes {
			left[i] = math.Float32frombits(binary.LittleEndian.Uint32(block[i*floatBytes:]))
		}
		left = left[len(block)/floatBytes:]
	}
	return t, nil
}

// takeChecksum takes the checksum out of the metadata, and zeros are in its place in the start of the file.
func (t *Tensors) takeChecksum(start []byte) (string, error) {
	sum, ok := t.Metadata[checksumKey]
	at := bytes.Index(start, checksumField(sum))
	if !ok || len(sum) != checksumDigits || at < 0 {
		return "", errors.New("it has no checksum: this program did not write it")
	}
	copy(start[at:], checksumField(strings.Repeat("0", checksumDigits)))
	delete(t.Metadata, checksumKey)
	return sum, nil
}
