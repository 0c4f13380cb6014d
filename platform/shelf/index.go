package shelf

// Index lists keys under other keys, such as payments under their consent, each list in order of addition.
// It has no pointers, for the reason that a shelf has none. A key stands under one other at the most. Whoever
// holds an index keeps others from changing it meanwhile. The zero value is ready.
type Index struct {
	first, last map[Key]Key // by the key above
	next, prev  map[Key]Key // by the key itself; a list of one has neither
}

// Add puts a key at the end of a list; one that is there stays where it is.
func (x *Index) Add(under, k Key) {
	if x.first == nil {
		x.first, x.last, x.next, x.prev = map[Key]Key{}, map[Key]Key{}, map[Key]Key{}, map[Key]Key{}
	}
	end, any := x.last[under]
	if _, inside := x.next[k]; inside || any && end == k {
		return
	}
	if any {
		x.next[end], x.prev[k] = k, end
	} else {
		x.first[under] = k
	}
	x.last[under] = k
}

// Of returns a list.
func (x *Index) Of(under Key) []Key {
	var all []Key
	for k, more := x.first[under]; more; k, more = x.next[k] {
		all = append(all, k)
	}
	return all
}

// Remove takes a key out of a list; it may not be there.
func (x *Index) Remove(under, k Key) {
	before, follows := x.prev[k]
	after, goesOn := x.next[k]
	if first, any := x.first[under]; !any || !follows && first != k {
		return
	}
	delete(x.prev, k)
	delete(x.next, k)
	switch {
	case follows && goesOn:
		x.next[before], x.prev[after] = after, before
	case follows:
		delete(x.next, before)
		x.last[under] = before
	case goesOn:
		delete(x.prev, after)
		x.first[under] = after
	default:
		delete(x.first, under)
		delete(x.last, under)
	}
}
