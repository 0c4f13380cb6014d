// Package opendata answers the open-data APIs: what the institution offers to anybody, and where it is
// found.
//
// It promises that every record names a brand and the company behind it, that the pages of a list hold each
// record once, that an answer is compressed only when the caller takes it so and says so, and that who
// already has the newest data is told only that. It refuses nothing but impossible pages: callers need
// neither certificate nor token, and are known to nobody. Data never change under a caller: they are the
// documents of this package, rates of the moment apart, which are quoted anew each minute.
package opendata

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ensaio/ensaio/platform/call"
	"github.com/ensaio/ensaio/sim/fault"
	"github.com/ensaio/ensaio/sim/spec"
)

// Brand is a brand of the institution and the company that answers for it.
type Brand struct {
	Name    string // as customers know it
	Company string
	CNPJ    string
}

// Config is what a server needs.
type Config struct {
	// Brands are those of the institution, the main one first.
	Brands []Brand
	// Since is when the data were published: Last-Modified of everything that does not move by the minute.
	Since time.Time
	Seams *fault.Seams
}

// Server answers every operation of the open-data APIs. It is safe for concurrent use.
type Server struct {
	since  time.Time
	seams  *fault.Seams
	offers map[*spec.Operation]func() (*offer, error)

	mu    sync.RWMutex
	pages map[place]*page
}

// most bounds the pages that are kept: there are as many ways to cut a list as callers think of.
const most = 512

type place struct {
	of     *offer
	at     call.Page
	moment int64
}

// page is a page as it is sent, made once.
type page struct {
	plain    []byte
	squeezed func() []byte
}

// New prepares a server; it must have a brand.
func New(cfg Config) (*Server, error) {
	offers, err := shelves(cfg.Brands)
	if err != nil {
		return nil, err
	}
	return &Server{since: cfg.Since.UTC().Truncate(time.Second), seams: cfg.Seams, offers: offers, pages: map[place]*page{}}, nil
}

// APIs lists the names of the APIs that a server answers.
func APIs() []string {
	var names []string
	for _, a := range spec.APIs() {
		if a.OpenData {
			names = append(names, a.Name)
		}
	}
	return names
}

// Handle answers one call.
func (s *Server) Handle(ctx context.Context, c *call.Call) (*call.Answer, error) {
	find := s.offers[c.Operation]
	if find == nil {
		return nil, call.Refuse(http.StatusNotFound, "NAO_ENCONTRADO", "Recurso não encontrado", "O recurso solicitado não existe")
	}
	o, err := find()
	if err != nil {
		return nil, err
	}
	at, err := paging(ctx, s.seams, c, len(o.records))
	if err != nil {
		return nil, err
	}
	modified := s.since
	if o.moves {
		modified = c.Now.UTC().Truncate(time.Minute)
	}
	header := http.Header{"Last-Modified": {modified.Format(http.TimeFormat)}, "Vary": {"Accept-Encoding"}}
	if known, err := http.ParseTime(c.Request.Header.Get("If-Modified-Since")); err == nil && !modified.After(known) {
		return &call.Answer{Status: http.StatusNotModified, Header: header}, nil
	}
	p := s.page(c, o, at, modified)
	if !takesGzip(c.Request.Header) {
		return &call.Answer{Status: http.StatusOK, Header: header, Body: p.plain}, nil
	}
	header["Content-Encoding"] = []string{"gzip"}
	return &call.Answer{Status: http.StatusOK, Header: header, Body: p.squeezed()}, nil
}

// page returns a page, which is written at its first call.
func (s *Server) page(c *call.Call, o *offer, at call.Page, modified time.Time) *page {
	key := place{of: o, at: at, moment: modified.Unix()}
	s.mu.RLock()
	p := s.pages[key]
	s.mu.RUnlock()
	if p != nil {
		return p
	}
	plain := o.write(c, at, modified)
	p = &page{plain: plain, squeezed: sync.OnceValue(func() []byte { return squeeze(plain) })}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pages) >= most {
		clear(s.pages)
	}
	s.pages[key] = p
	return p
}

func squeeze(plain []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(plain) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3): gzip by name counts before the wildcard, and a
// weight of zero takes nothing.
func takesGzip(h http.Header) bool {
	named, any := -1.0, -1.0
	for _, v := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(v, ",") {
			coding, parameters, _ := strings.Cut(item, ";")
			weight := 1.0
			if name, value, ok := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "="); ok && strings.EqualFold(name, "q") {
				if q, err := strconv.ParseFloat(value, 64); err == nil {
					weight = q
				}
			}
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				named = weight
			case "*":
				any = weight
			}
		}
	}
	if named >= 0 {
		return named > 0
	}
	return any > 0
}
