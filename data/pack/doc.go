// Package pack makes one file of a user's images, and registers it with package data as a data set: data.dataset=FILE.pack.
//
// [Pack] reads a folder with a folder a class, a list, a CSV file or a JSON file in iNaturalist's form, decodes every image into a square
// of bytes (package data/picture) on all cores, and writes them in a fixed order: the bytes of the file follow from the images, the
// options and the version of the program alone. An interrupted call resumes; a file that is not whole never has the name of one.
//
// # Format
//
// Numbers are little-endian. A file is
//
//	byte 0      preamble: "LTPACK\r\n", version uint32 = 1, 0 uint32, offset and length of the header uint64, SHA-256 of the header [32]
//	byte 4096   pixels: N images [3, size, size] bytes, training images first, without gaps
//	            labels: N int32, the class of each image
//	            names: N times length uvarint and bytes, the path of each image within its source
//	            blocks: SHA-256 [32] of each block of block_images images; the last block may be shorter
//	            header: JSON, see [Header]
//
// The header has the SHA-256 of labels, names and blocks, so that its own, [Header.Checksum], stands for the whole file. It is checked when a file
// is opened, labels and blocks with it; the pixels of a block when the first of them is used.
package pack

import "longtail/data"

func init() { data.RegisterFormat(data.Format{Extension: Extension, Open: open}) }

// Extension ends the names of packed files.
const Extension = ".pack"

// Sizes that images are packed in, rows and columns.
const (
	MinSize = 32
	MaxSize = 256
)

const (
	magic     = "LTPACK\r\n" // a transfer as text damages it
	version   = 1
	pixelsAt  = 4096 // a page, so that mapped images start on one
	preamble  = 64
	blockSize = 1 << 20 // bytes of a block, about: small beside memory, large beside a checksum
)
