package pcm

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// answerTo writes the answers about items, in their order, in the shape that the endpoint and the dialect
// have.
func answerTo(q *request, list []verdict) (int, []byte) {
	status := http.StatusOK
	out := make([]byte, 0, len(list)*96+2)
	for i := range list {
		if list[i].discarded {
			status = http.StatusMultiStatus
		}
	}
	switch first := len(list) == 1 && list[0].discarded; {
	case q.intake.single:
		return http.StatusOK, appendVerdict(out, &list[0])
	case q.intake.one(q.dialect) && first:
		return http.StatusBadRequest, append(appendText([]byte(`{"message":`), list[0].message), '}')
	case q.intake.one(q.dialect):
		return http.StatusOK, append(appendUUID([]byte(`{"reportId":"`), list[0].id), `"}`...)
	case first && q.dialect.on[swSingleDiscard]:
		return http.StatusBadRequest, appendVerdict(out, &list[0])
	}
	out = append(out, '[')
	for i := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendVerdict(out, &list[i])
	}
	return status, append(out, ']')
}

// appendVerdict writes the answer about one item.
func appendVerdict(b []byte, v *verdict) []byte {
	b = append(b, `{"reportId":"`...)
	b = appendUUID(b, v.id)
	if v.discarded {
		b = append(b, `","status":"DISCARDED"`...)
	} else {
		b = append(b, `","status":"ACCEPTED"`...)
	}
	if v.payment != nil {
		b = appendText(append(b, `,"paymentId":`...), string(v.payment))
	}
	if len(v.correlation) > 0 {
		b = appendText(append(b, `,"correlationId":`...), string(v.correlation))
	}
	if v.message != "" {
		b = appendText(append(b, `,"message":`...), v.message)
	}
	return append(b, '}')
}

func appendUUID(b []byte, id [16]byte) []byte {
	var out [36]byte
	hex.Encode(out[:8], id[:4])
	hex.Encode(out[9:13], id[4:6])
	hex.Encode(out[14:18], id[6:8])
	hex.Encode(out[19:23], id[8:10])
	hex.Encode(out[24:], id[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return append(b, out[:]...)
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil { // a string always encodes
		return append(b, `""`...)
	}
	return append(b, text...)
}
