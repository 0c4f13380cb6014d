package event

import (
	"encoding/binary"
	"hash/crc32"
)

// A frame is one entry in a file: length of what follows the header (4 bytes), CRC-32C over the length
// and what follows (4), then number (8), length of the kind (1), kind and body. All numbers are
// little-endian. The length is under the checksum too, so that no torn or zeroed byte passes.
const (
	headerSize = 8
	fixedSize  = headerSize + 8 + 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frameSize(kind string, body []byte) int64 { return int64(fixedSize + len(kind) + len(body)) }

func appendFrame(b []byte, seq uint64, kind string, body []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(frameSize(kind, body)-headerSize))
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = append(b, byte(len(kind)))
	b = append(b, kind...)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b[at+4:], checksum(b[at:]))
	return b
}

func checksum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:4], castagnoli), castagnoli, frame[headerSize:])
}

// parseFrame reads the frame at the start of b. Its size is 0 when b does not begin with a whole, sound
// frame. The entry's body is part of b.
func parseFrame(b []byte) (e Entry, size int) {
	if len(b) < fixedSize {
		return Entry{}, 0
	}
	n := int64(binary.LittleEndian.Uint32(b)) + headerSize
	if n < fixedSize || n > fixedSize+maxKind+maxBody || n > int64(len(b)) {
		return Entry{}, 0
	}
	frame := b[:n]
	if checksum(frame) != binary.LittleEndian.Uint32(frame[4:]) {
		return Entry{}, 0
	}
	kind := int(frame[fixedSize-1])
	if fixedSize+kind > len(frame) {
		return Entry{}, 0
	}
	return Entry{
		Seq:  binary.LittleEndian.Uint64(frame[headerSize:]),
		Kind: string(frame[fixedSize : fixedSize+kind]),
		Body: frame[fixedSize+kind:],
	}, int(n)
}
