// Package cifar reads CIFAR-10, CIFAR-20 and CIFAR-100 (Krizhevsky 2009) from their official files or archives, gets and verifies them.
// CIFAR-20 is CIFAR-100 with its 20 coarse labels. Importing it registers the three sets with package data.
package cifar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"longtail/data"
)

// The images of all sets here are 3 x 32 x 32 bytes: red, green and blue planes.
const (
	side       = 32
	channels   = 3
	imageBytes = channels * side * side
)

// archive is an official download and what is wanted from it.
type archive struct {
	name string // file name under the base URL and in the data folder
	md5  string // published by the authors
	size int64  // bytes, for progress where a server does not tell

	folder     string // the one folder in it; the files lie in it in the data folder too
	train      []file // in the order of the training set
	test       []file
	labelBytes int // label bytes before the pixels of each record
}

// file is a binary file of an archive: records of label bytes and 3072 pixels (red, green, blue planes).
type file struct {
	name    string
	records int
	sha256  string // hexadecimal, of the whole file
}

func (a *archive) files() []file { return append(append([]file{}, a.train...), a.test...) }

func (a *archive) recordBytes() int { return a.labelBytes + imageBytes }

func (a *archive) bytes(f file) int { return f.records * a.recordBytes() }

// source is one reading of an archive: CIFAR-20 and CIFAR-100 are the two label bytes of the same files.
type source struct {
	*archive
	label int // which of the label bytes
}

// set is a data set with its files.
type set struct {
	data.Set
	source *source
}

func init() {
	for _, s := range []*set{
		newSet("cifar10", cifar10Names, 5000, 1000, &source{cifar10Archive, 0}),
		newSet("cifar20", cifar20Names, 2500, 500, &source{cifar100Archive, 0}),
		newSet("cifar100", cifar100Names, 500, 100, &source{cifar100Archive, 1}),
	} {
		if s.source.archive == cifar100Archive && s.Name != "cifar100" {
			s.FilesOf = "cifar100"
		}
		data.Register(s.Set)
	}
}

// newSet describes a set of so many training and test images a class.
func newSet(name string, classes []string, train, test int, from *source) *set {
	s := &set{source: from, Set: data.Set{
		Name: name, Label: "CIFAR-" + strings.TrimPrefix(name, "cifar"), Classes: classes, Channels: channels, Height: side, Width: side,
		Train: slices.Repeat([]int{train}, len(classes)), Test: slices.Repeat([]int{test}, len(classes)),
	}}
	for _, f := range from.train {
		s.Files = append(s.Files, f.records)
	}
	s.Open = func(ctx context.Context, spec data.Spec, withTest bool) (data.Pool, error) {
		dir, err := data.Folder(spec.Dir)
		if err != nil {
			return nil, err
		}
		return s.read(ctx, dir, withTest, fetchHint(name, spec.Dir))
	}
	s.Fetch = s.fetch
	s.Verify = s.verify
	return s
}

// The SHA-256 are those of the files in the official archives; the MD5 are on https://www.cs.toronto.edu/~kriz/cifar.html.
var cifar10Archive = &archive{
	name: "cifar-10-binary.tar.gz", md5: "c32a1d4ab5d03f1284b67883e8d87530", size: 170052171,
	folder: "cifar-10-batches-bin", labelBytes: 1,
	train: []file{
		{"data_batch_1.bin", 10000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
		{"data_batch_2.bin", 10000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
		{"data_batch_3.bin", 10000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
		{"data_batch_4.bin", 10000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
		{"data_batch_5.bin", 10000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
	},
	test: []file{{"test_batch.bin", 10000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"}},
}

var cifar100Archive = &archive{
	name: "cifar-100-binary.tar.gz", md5: "03b5dce01913d631647c71ecec9e9cb8", size: 168513733,
	folder: "cifar-100-binary", labelBytes: 2,
	train: []file{{"train.bin", 50000, "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"}},
	test:  []file{{"test.bin", 10000, "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"}},
}

// checkFile compares a file's bytes with its size and checksum. Its errors name what was expected and found.
func (a *archive) checkFile(f file, raw []byte) error {
	if want := a.bytes(f); len(raw) != want {
		word := "truncated"
		if len(raw) > want {
			word = "too long"
		}
		return fmt.Errorf("the file is %s: %d bytes found, %d expected", word, len(raw), want)
	}
	sum := sha256.Sum256(raw)
	if got := hex.EncodeToString(sum[:]); got != f.sha256 {
		return fmt.Errorf("the file is damaged: SHA-256 %s found, %s expected", got, f.sha256)
	}
	return nil
}

// labels reads the labels of whole records. An odd length or a label outside [0, classes) is an error that names the record.
func (s *source) labels(raw []byte, classes int) ([]int32, error) {
	size := s.recordBytes()
	if len(raw)%size != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of records of %d", len(raw), size)
	}
	labels := make([]int32, len(raw)/size)
	for i := range labels {
		label := int32(raw[i*size+s.label])
		if int(label) >= classes {
			return nil, fmt.Errorf("record %d has label %d, above %d", i, label, classes-1)
		}
		labels[i] = label
	}
	return labels, nil
}

// pixels is the part of record i that holds the image, [3, 32, 32].
func (s *source) pixels(raw []byte, i int) []byte {
	end := (i + 1) * s.recordBytes()
	return raw[end-imageBytes : end]
}

// fetchHint is the last line of errors about a data set's files; dir is the folder that the user named, or empty.
func fetchHint(dataset, dir string) string {
	if dir != "" {
		dir = " --data-dir " + dir
	}
	return fmt.Sprintf("get it with: longtail data fetch %s%s; check it with: longtail data verify %[1]s%[2]s", dataset, dir)
}
