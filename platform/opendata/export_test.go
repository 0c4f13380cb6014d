package opendata

// Forget lets go of the pages that are kept.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.pages)
}
