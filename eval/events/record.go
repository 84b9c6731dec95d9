package events

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A TensorBoard event file is a list of TFRecords: the length as 8 bytes little-endian, its masked CRC, the data, their masked
// CRC. The CRC is Castagnoli's; the mask is that of TensorFlow's core/lib/hash/crc32c.h.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func appendRecord(b, data []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b[start:start+8]))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, maskedCRC(data))
}

// maxRecord bounds the size of a record that is read: a picture of a confusion matrix is far below it.
const maxRecord = 64 << 20

// errCut is the end of a file within a record, as a killed process leaves it.
var errCut = errors.New("the file ends within a record")

// readRecord reads one record; io.EOF at the end.
func readRecord(r *bufio.Reader) ([]byte, error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil {
		if err == io.EOF {
			return nil, io.EOF
		}
		return nil, errCut
	}
	n := binary.LittleEndian.Uint64(head)
	if maskedCRC(head[:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, errors.New("the checksum of a record's length does not match")
	}
	if n > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes, more than %d", n, maxRecord)
	}
	body := make([]byte, n+4)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, errCut
	}
	if maskedCRC(body[:n]) != binary.LittleEndian.Uint32(body[n:]) {
		return nil, errors.New("the checksum of a record does not match")
	}
	return body[:n], nil
}
