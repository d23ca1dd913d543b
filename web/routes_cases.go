package web

// casesRoutes adds the pages of entries and messages.
func (s *site) casesRoutes(*routes) {}
