package events

import (
	"encoding/binary"
	"hash/crc32"
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
