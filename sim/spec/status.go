package spec

// common tells whether the institution is up, and when it will not be. Whoever is down still says so:
// neither an unavailability nor a scheduled outage of everything else reaches these calls.
var common = &API{
	Name: "common", Family: "discovery", Version: "2.0.1", Base: "/open-banking/discovery/v2",
	Operations: []*Operation{
		{ID: "common.status", Method: "GET", Path: "/status", Title: "What works now", Grant: Public, Class: Low, Shape: One},
		{ID: "common.outages", Method: "GET", Path: "/outages", Title: "Scheduled unavailability", Grant: Public, Class: Low, Shape: List},
	},
}

// admin tells how available and how much used each endpoint was.
var admin = &API{
	Name: "admin", Family: "admin", Version: "2.0.1", Base: "/open-banking/admin/v2",
	Operations: []*Operation{
		{ID: "admin.metrics", Method: "GET", Path: "/metrics", Title: "Availability and use of each endpoint", Grant: Public, Class: Low, Shape: List},
	},
}
