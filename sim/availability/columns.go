package availability

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ensaio/ensaio/sim/spec"
)

// The columns that a log of calls or probes may have.
const (
	colAt          = "timestamp"
	colDate        = "date" // alone, or beside a time of day
	colTook        = "duration"
	colMethod      = "method"
	colEndpoint    = "endpoint"
	colRequest     = "request" // "GET /path HTTP/1.1"
	colStatus      = "status"
	colServer      = "server"
	colClient      = "client"
	colSide        = "side"
	colState       = "state"
	colInteraction = "interaction"
	colReceived    = "received"
	colCode        = "code"
	colEndpoints   = "endpoints"
	colScheduled   = "scheduled" // endpoints stopped on purpose while the code tells of others
)

// aliases are other names of the columns, in small letters without punctuation.
var aliases = map[string]string{
	"timestamp": colAt, "time": colAt, "at": colAt, "ts": colAt, "datetime": colAt, "start": colAt, "started": colAt, "timelocal": colAt, "datahora": colAt, "hora": colAt, "horario": colAt,
	"date": colDate, "data": colDate, "dia": colDate,
	"duration": colTook, "took": colTook, "elapsed": colTook, "latency": colTook, "responsetime": colTook, "processtimespan": colTook, "requesttime": colTook, "upstreamresponsetime": colTook, "tempo": colTook, "duracao": colTook, "tempoderesposta": colTook, "latencia": colTook,
	"method": colMethod, "httpmethod": colMethod, "verb": colMethod, "metodo": colMethod, "metodohttp": colMethod,
	"endpoint": colEndpoint, "path": colEndpoint, "url": colEndpoint, "uri": colEndpoint, "route": colEndpoint, "template": colEndpoint, "requesturi": colEndpoint, "rota": colEndpoint, "caminho": colEndpoint,
	"request": colRequest,
	"status":  colStatus, "statuscode": colStatus, "httpstatus": colStatus, "httpstatuscode": colStatus, "responsecode": colStatus, "codigohttp": colStatus, "statushttp": colStatus, "codigodestatus": colStatus,
	"server": colServer, "serverorgid": colServer, "organisation": colServer, "organization": colServer, "organizacao": colServer,
	"client": colClient, "clientorgid": colClient,
	"side": colSide, "role": colSide,
	"state": colState, "pairing": colState, "reportstate": colState, "reportstatus": colState,
	"fapiinteractionid": colInteraction, "xfapiinteractionid": colInteraction, "interactionid": colInteraction, "interaction": colInteraction,
	"receivedat": colReceived, "received": colReceived,
	"code": colCode, "endpoints": colEndpoints, "unavailableendpoints": colEndpoints, "unavailable": colEndpoints, "scheduled": colScheduled, "scheduledendpoints": colScheduled,
}

// units are the endings of a duration's column name.
var units = []struct {
	ending string
	unit   time.Duration
}{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"ns", time.Nanosecond}, {"seconds", time.Second}, {"millis", time.Millisecond}, {"micros", time.Microsecond}, {"s", time.Second}}

// inSeconds are names under which web servers write seconds, without saying so.
var inSeconds = map[string]bool{"requesttime": true, "upstreamresponsetime": true}

// unaccented spells the letters of Portuguese that names of columns may hold.
var unaccented = strings.NewReplacer("á", "a", "à", "a", "â", "a", "ã", "a", "ç", "c", "é", "e", "ê", "e", "í", "i", "ó", "o", "ô", "o", "õ", "o", "ú", "u")

// column finds the meaning of a name, and the unit of a duration; 0 where the name says none.
func column(name string) (col string, unit time.Duration) {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, unaccented.Replace(strings.ToLower(name)))
	if col, ok := aliases[plain]; ok {
		if inSeconds[plain] {
			unit = time.Second
		}
		return col, unit
	}
	for _, u := range units {
		if rest, ok := strings.CutSuffix(plain, u.ending); ok && aliases[rest] == colTook {
			return colTook, u.unit
		}
	}
	return "", 0
}

// row is one record before it has a kind.
type row struct {
	values map[string]string
	unit   time.Duration  // of a duration without one; 0 is milliseconds
	zone   *time.Location // of times without one; nil refuses them
}

// ParseZone reads a zone: brasilia, utc, or an offset such as -03:00.
func ParseZone(s string) (*time.Location, error) {
	switch strings.ToLower(s) {
	case "brasilia", "brasília", "brt":
		return Brasilia, nil
	case "utc", "z", "gmt":
		return time.UTC, nil
	}
	t, err := time.Parse("-07:00", s)
	if err != nil {
		return nil, fmt.Errorf("%s is no zone", quoted(s))
	}
	return t.Location(), nil
}

var errZone = errors.New("a time needs a zone, as in 2027-03-01T12:00:00Z or 2027-03-01T09:00:00-03:00; or say which one all times are of")

// at is the instant of a record: of one cell, or of a date and a time of day.
func (r row) at() (time.Time, error) {
	at, date := r.values[colAt], r.values[colDate]
	switch {
	case at == "":
		at = date
	case date != "" && len(date) <= len("2027-03-01"):
		at = date + " " + at
	}
	return instant(at, r.zone)
}

// zoned and local are the ways to write an instant beside RFC 3339; fractions of a second may follow each.
var (
	zoned = []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 -0700", "02/Jan/2006:15:04:05 -0700", "02/01/2006 15:04:05 -0700", "02/01/2006 15:04:05Z07:00"}
	local = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "02/01/2006 15:04:05", "02/01/2006 15:04", "2006-01-02 15:04"}
)

func instant(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, errors.New("no timestamp")
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return sane(t)
	}
	if t, ok := epoch(s); ok {
		return sane(t)
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			return sane(t)
		}
	}
	for _, layout := range local {
		if _, err := time.Parse(layout, s); err != nil {
			continue
		}
		if zone == nil {
			return time.Time{}, errZone
		}
		t, err := time.ParseInLocation(layout, s, zone)
		if err != nil {
			return time.Time{}, fmt.Errorf("%s: %w", quoted(s), err)
		}
		return sane(t)
	}
	return time.Time{}, fmt.Errorf("%s is no time", quoted(s))
}

// epoch reads seconds since 1970, with a fraction or as thousandths, millionths or milliardths: how many
// digits there are says which, for every year of this standard.
func epoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false
	}
	switch len(whole) {
	case 10:
		nanos, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		return time.Unix(n, nanos), err == nil
	case 13:
		return time.UnixMilli(n), true
	case 16:
		return time.UnixMicro(n), true
	case 19:
		return time.Unix(0, n), true
	}
	return time.Time{}, false
}

// sane refuses years that no log of this standard holds: a wrong one would make a calendar of centuries.
func sane(t time.Time) (time.Time, error) {
	if y := t.Year(); y < 2020 || y > 2099 {
		return time.Time{}, fmt.Errorf("the year %d is not one of this standard", y)
	}
	return t, nil
}

func (r row) call() (c Call, err error) {
	if c.At, err = r.at(); err != nil {
		return c, err
	}
	c.Method, c.Endpoint = strings.ToUpper(r.values[colMethod]), r.values[colEndpoint]
	if words := strings.Fields(r.values[colRequest]); len(words) >= 2 && c.Endpoint == "" {
		c.Method, c.Endpoint = strings.ToUpper(words[0]), words[1]
	}
	if c.Endpoint == "" {
		return c, errors.New("no endpoint")
	}
	if c.Method == "" {
		c.Method = "GET"
	}
	if !strings.Contains(c.Endpoint, "/") {
		return c, fmt.Errorf("%s is no path", quoted(c.Endpoint))
	}
	known := false
	if c.Endpoint, known = Endpoint(c.Method, c.Endpoint); c.Endpoint == "" {
		return c, errForeign
	}
	switch c.Status, err = strconv.Atoi(r.values[colStatus]); {
	case err == nil && c.Status == 0:
		return c, errors.New("0 is no status: write 408 for a call that was given up after fifteen seconds, and leave out what was never answered for another reason")
	case err != nil || c.Status < 100 || c.Status > 599:
		return c, fmt.Errorf("%s is no status", quoted(r.values[colStatus]))
	}
	if !known && missing(c.Status) {
		return c, errForeign
	}
	if c.Took, err = r.took(); err != nil {
		return c, err
	}
	c.Server, c.Client = r.values[colServer], r.values[colClient]
	switch side := strings.ToUpper(r.values[colSide]); side {
	case "", "CLIENT", "SERVER":
		c.Side = spec.Side(side)
	default:
		return c, fmt.Errorf("%s is no side: CLIENT or SERVER", quoted(side))
	}
	c.State = strings.ToUpper(r.values[colState])
	switch c.State {
	case "", spec.ReportAccepted, spec.ReportDiscarded, spec.ReportPaired, spec.ReportPairedInconsistent, spec.ReportUnpaired, spec.ReportSingle:
		return c, nil
	}
	return c, fmt.Errorf("%s is no state of a report", quoted(c.State))
}

// errForeign marks a call of something outside the standard, which is no mistake of the file.
var errForeign = errors.New("no endpoint of the standard")

func (r row) took() (time.Duration, error) {
	s := strings.ReplaceAll(strings.TrimSpace(r.values[colTook]), ",", ".")
	if s == "" || s == "-" {
		return 0, nil
	}
	unit := r.unit
	if unit == 0 {
		unit = time.Millisecond
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		if ns := n * float64(unit); n >= 0 && ns < float64(24*time.Hour) {
			return time.Duration(ns + 0.5), nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 && d < 24*time.Hour {
		return d, nil
	}
	return 0, fmt.Errorf("%s is no duration", quoted(s))
}

func (r row) probe() (p Probe, err error) {
	if p.At, err = r.at(); err != nil {
		return p, err
	}
	code := r.values[colCode]
	if code == "" {
		code = r.values[colStatus]
	}
	switch p.Code = strings.ToUpper(code); p.Code {
	case OK, PartialFailure, Unavailable, ScheduledOutage, "":
	case "TIMEOUT", "NONE", "ERROR", "-":
		p.Code = ""
	default:
		return p, fmt.Errorf("%s is no code of the status API", quoted(code))
	}
	list := func(text string) []string {
		return templates(strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ';' || c == '|' || c == ',' }))
	}
	p.Endpoints, p.Scheduled = list(r.values[colEndpoints]), list(r.values[colScheduled])
	return p, nil
}

// quoted shows a value of a file, cut short: logs may hold anything.
func quoted(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.Quote(s)
}
