package pcm

import "hash/maphash"

// index finds a report by its interaction and side: a table of record numbers with linear probing. The keys
// stand in the records, and a map that held them once more cost a third of all that the book holds.
type index struct {
	seed  maphash.Seed // nobody who chooses interaction ids knows it
	slots []uint32     // the low half of a number; 0 is free
	used  int
}

// home is where the search for a report begins.
func (x *index) home(key *[16]byte, server bool) int {
	h := maphash.Bytes(x.seed, key[:])
	if server {
		h = ^h
	}
	return int(h & uint64(len(x.slots)-1))
}

func (x *index) after(i int) int { return (i + 1) & (len(x.slots) - 1) }

// wide is the number behind a slot.
func (b *book) wide(slot uint32) uint64 { return b.first + uint64(slot-uint32(b.first)) }

// seek returns the slot of a report, or the free one where its search ends.
func (b *book) seek(key *[16]byte, server bool) int {
	i := b.index.home(key, server)
	for ; b.index.slots[i] != 0; i = b.index.after(i) {
		if rec := b.get(b.wide(b.index.slots[i])); rec.key == *key && rec.serverSide == server {
			break
		}
	}
	return i
}

// find returns the number of a report, 0 when there is none. The lock is held.
func (b *book) find(key [16]byte, server bool) uint64 {
	if b.index.used == 0 || key == [16]byte{} {
		return 0
	}
	slot := b.index.slots[b.seek(&key, server)]
	if slot == 0 {
		return 0
	}
	return b.wide(slot)
}

// link makes a record findable, instead of an older one of the same side and interaction.
func (b *book) link(n uint64, rec *record) {
	x := &b.index
	if 4*(x.used+1) > 3*len(x.slots) {
		old := x.slots
		x.slots, x.used = make([]uint32, max(1024, 2*len(old))), 0
		for _, slot := range old {
			if slot != 0 {
				b.link(b.wide(slot), b.get(b.wide(slot)))
			}
		}
	}
	i := b.seek(&rec.key, rec.serverSide)
	if x.slots[i] == 0 {
		x.used++
	}
	x.slots[i] = uint32(n)
}

// unlink undoes link, unless a newer record took the place.
func (b *book) unlink(n uint64, rec *record) {
	x := &b.index
	if b.find(rec.key, rec.serverSide) != n {
		return
	}
	i := b.seek(&rec.key, rec.serverSide)
	for j := x.after(i); x.slots[j] != 0; j = x.after(j) {
		// What stands behind moves up, unless its search begins behind the gap.
		moved := b.get(b.wide(x.slots[j]))
		if mask := len(x.slots) - 1; (j-x.home(&moved.key, moved.serverSide))&mask >= (j-i)&mask {
			x.slots[i], i = x.slots[j], j
		}
	}
	x.slots[i] = 0
	x.used--
}
