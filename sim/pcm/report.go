package pcm

import (
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// report is one item of an intake request on its way through the rules: the fields as sent, and what
// was understood of them. It is reused from item to item.
type report struct {
	body   raw // the whole item
	fields [fieldCount]raw
	extra  info // members that no field has
	info   info // additionalInfo; of a portability report the extra members

	// understood
	endpoint *endpoint
	server   bool // role SERVER, or sent to the servers' path
	method   string
	status   int
	at       time.Time // timestamp; zero when malformed

	// the setting
	reporter string // organisation of the token
	now      time.Time
	known    Participants
	dialect  *Dialect
	kind     byte // 0 while the log is read: then every endpoint of every release is listed
}

// list is the list that a kind's endpoints are on.
func list(kind byte) string {
	switch kind {
	case kindPrivate:
		return spec.KindPrivate
	case kindOpen:
		return spec.KindOpenData
	}
	return spec.KindPortability
}

// field numbers a member of a private report.
type field int

const (
	fInteraction field = iota
	fEndpoint
	fStatus
	fMethod
	fTimestamp
	fTimespan
	fClientOrg
	fServerOrg
	fRole
	fStatement
	fPrefix
	fCorrelation
	fInfo
	fieldCount
)

// fieldNames and fieldKinds are the members of a private report and their JSON types.
var (
	fieldNames = [fieldCount]string{
		"fapiInteractionId", "endpoint", "statusCode", "httpMethod", "timestamp", "processTimespan", "clientOrgId", "serverOrgId",
		"role", "clientSSId", "endpointUriPrefix", "correlationId", "additionalInfo",
	}
	fieldKinds = [fieldCount]string{
		"string", "string", "number", "string", "string", "number", "string", "string", "string", "string", "string", "string", "object",
	}
)

// instant is how the platform writes times.
const instant = "2006-01-02T15:04:05.000Z"

var methods = [...]string{"", "GET", "POST", "PUT", "DELETE", "PATCH"}

// read takes an item apart. It understands as much as there is: judging is left to the rules.
func (r *report) read(body raw) {
	r.body, r.fields = body, [fieldCount]raw{}
	r.extra.read(nil)
	if body.kind() == "object" {
		members(body, func(k []byte, v raw) {
			for f, name := range fieldNames {
				if string(k) == name {
					r.fields[f] = v
					return
				}
			}
			r.extra.names, r.extra.values = append(r.extra.names, k), append(r.extra.values, v)
		})
	}
	r.info.read(r.fields[fInfo])
	r.server = string(r.fields[fRole].bytes()) == "SERVER"
	r.method = ""
	for _, m := range methods {
		if string(r.fields[fMethod].bytes()) == m {
			r.method = m
		}
	}
	r.endpoint = endpoints.find(r.fields[fEndpoint].bytes())
	if e := r.endpoint; e != nil && r.kind != 0 && (e.list != list(r.kind) || !e.accepted(r.dialect, r.method)) {
		r.endpoint = nil
	}
	if isPortability(r.kind) || r.kind == 0 && r.endpoint != nil && r.endpoint.list == spec.KindPortability {
		r.info.names, r.info.values = r.extra.names, r.extra.values
	}
	if isPortability(r.kind) {
		r.server = r.kind == kindPortabilityServer
	}
	code, _ := r.fields[fStatus].number()
	r.status = int(min(max(code, 0), 999))
	r.at, _ = moment(r.fields[fTimestamp].bytes())
}

// moment reads a timestamp in the published form, YYYY-MM-DDTHH:mm:ss.sssZ. It is written out because
// time.Parse costs more than the rest of a report.
func moment(b []byte) (time.Time, bool) {
	if len(b) != len("2006-01-02T15:04:05.000Z") || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[23] != 'Z' {
		return time.Time{}, false
	}
	num := func(from, to int) int {
		n := 0
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				return -1 << 20
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, mo, d, h, mi, s, ms := num(0, 4), num(5, 7), num(8, 10), num(11, 13), num(14, 16), num(17, 19), num(20, 23)
	if y < 0 || mo < 1 || mo > 12 || d < 1 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59 || ms < 0 {
		return time.Time{}, false
	}
	t := time.Date(y, time.Month(mo), d, h, mi, s, ms*int(time.Millisecond), time.UTC)
	if t.Day() != d { // 30 February
		return time.Time{}, false
	}
	return t, true
}

// isUUID says whether b is a UUID in its usual text form.
func isUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// isPlain says whether b holds only the characters of the published pattern [- /:_.',0-9a-zA-Z].
func isPlain(b []byte, longest int) bool {
	if len(b) > longest {
		return false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c == '-' || c == ' ' || c == '/' || c == ':' || c == '_' || c == '.' || c == '\'' || c == ',':
		default:
			return false
		}
	}
	return true
}
