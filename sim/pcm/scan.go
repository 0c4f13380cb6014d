package pcm

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// raw is one JSON value as it was sent, or nil when it was not. The functions of this file walk over
// bytes that json.Valid has accepted: they find boundaries, they do not judge. That is several times
// cheaper than decoding into maps and keeps the words of the sender for the record.
type raw []byte

// kind names the JSON type of a value in the words of the published messages.
func (v raw) kind() string {
	if len(v) == 0 {
		return "undefined"
	}
	switch v[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// absent says that the field was not sent; null counts as not sent.
func (v raw) absent() bool { return len(v) == 0 || v[0] == 'n' }

// text is the value when it is a string, else "".
func (v raw) text() string { return string(v.bytes()) }

// bytes is the content when the value is a string, else nil. Without escapes it is not copied.
func (v raw) bytes() []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return nil
	}
	return []byte(s)
}

// number is the value when it is a number; one that is too large for us is infinite.
func (v raw) number() (float64, bool) {
	if v.kind() != "number" {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

// blank skips white space.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// quoted returns the index behind the string that begins at i.
func quoted(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skip returns the index behind the value that begins at i.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return quoted(b, i)
	case '{', '[':
		for depth := 0; i < len(b); {
			switch b[i] {
			case '"':
				i = quoted(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
}

// elements calls fn for every element of a valid array.
func elements(v raw, fn func(raw)) {
	for i := blank(v, 1); i < len(v) && v[i] != ']'; {
		end := skip(v, i)
		fn(v[i:end])
		if i = blank(v, end); i < len(v) && v[i] == ',' {
			i = blank(v, i+1)
		}
	}
}

// members calls fn for every member of a valid object.
func members(v raw, fn func(key []byte, value raw)) {
	for i := blank(v, 1); i < len(v) && v[i] == '"'; {
		end := quoted(v, i)
		key := raw(v[i:end]).bytes()
		i = blank(v, blank(v, end)+1) // over the colon
		end = skip(v, i)
		fn(key, v[i:end])
		if i = blank(v, end); i < len(v) && v[i] == ',' {
			i = blank(v, i+1)
		}
	}
}

// trim removes the white space around a body.
func trim(b []byte) raw { return bytes.TrimSpace(b) }
