package sim

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"sync"
)

const (
	maxVisits   = 64 // browsers of one application
	maxJourneys = 8  // of one browser
)

// visits are the browsers that are using an application, the least recently seen going first when there
// are too many. They have no other end than their browser's: who steps the clock by a year goes on with
// what they were doing.
type visits struct {
	mu    sync.Mutex
	known map[string]*visit
	order []string // least recently seen first
	ended bool
	going sync.WaitGroup // those that are being closed
}

// visit is one browser.
type visit struct {
	csrf  string
	going *sync.WaitGroup

	mu       sync.Mutex
	journeys []*journey // oldest first
}

func newVisits() *visits { return &visits{known: map[string]*visit{}} }

// cookieOf names the cookie of an address. Browsers share cookies between ports: the port stands in the
// name, so that two ecosystems do not end each other's visits.
func cookieOf(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "__Host-visita-" + port
}

// of finds the visit of a request, or nil.
func (s *visits) of(r *http.Request) *visit {
	c, err := r.Cookie(cookieOf(r))
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.known[c.Value]
	if v == nil {
		return nil
	}
	for i, key := range s.order {
		if key == c.Value {
			s.order = append(append(s.order[:i:i], s.order[i+1:]...), key)
		}
	}
	return v
}

// begin finds the visit of a request, or begins one.
func (s *visits) begin(w http.ResponseWriter, r *http.Request) *visit {
	if v := s.of(r); v != nil {
		return v
	}
	v, key := &visit{csrf: rand.Text(), going: &s.going}, rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return v
	}
	s.known[key] = v
	s.order = append(s.order, key)
	for len(s.order) > maxVisits {
		oldest := s.known[s.order[0]]
		delete(s.known, s.order[0])
		s.order = s.order[1:]
		s.going.Go(oldest.close)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieOf(r), Value: key, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return v
}

func (s *visits) close() {
	s.mu.Lock()
	s.ended = true
	all := s.known
	s.known, s.order = map[string]*visit{}, nil
	s.mu.Unlock()
	for _, v := range all {
		v.close()
	}
	s.going.Wait()
}

// add puts a journey into the visit, the oldest leaving when there are too many.
func (v *visit) add(j *journey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.journeys = append(v.journeys, j)
	for len(v.journeys) > maxJourneys {
		v.going.Go(v.journeys[0].close)
		v.journeys = v.journeys[1:]
	}
}

// all lists the journeys, newest first.
func (v *visit) all() []*journey {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []*journey
	for i := len(v.journeys) - 1; i >= 0; i-- {
		out = append(out, v.journeys[i])
	}
	return out
}

func (v *visit) journey(id string) *journey {
	for _, j := range v.all() {
		if j.id == id {
			return j
		}
	}
	return nil
}

// returning finds the journey that left with a state.
func (v *visit) returning(state string) *journey {
	for _, j := range v.all() {
		j.mu.Lock()
		found := j.push != nil && state != "" && j.push.State == state
		j.mu.Unlock()
		if found {
			return j
		}
	}
	return nil
}

func (v *visit) close() {
	for _, j := range v.all() {
		j.close()
	}
}

// close ends the journey's client. Its reports are delivered first, unless the whole ecosystem is closing
// and nobody listens any more.
func (j *journey) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	_ = j.client.FlushReports(ctx)
	j.client.Close()
}
